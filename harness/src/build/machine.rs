//! Which processor a program is for, read from the head of its file. Knows ELF's numbers and nothing of compilers.

use std::io::Read;
use std::path::Path;

/// Bytes of an ELF header up to and including `e_machine`.
const HEAD_BYTES: usize = 20;

/// `e_machine` as the ELF specification numbers it, with the first part of the triples for it.
const MACHINES: &[(u16, &[&str])] = &[
    (0x3e, &["x86_64"]),
    (0xb7, &["aarch64"]),
    (0x28, &["armv7", "arm"]),
    (0xf3, &["riscv64gc", "riscv64"]),
];

/// Whether the program at `path` can be meant for `target`: its processor is the target's, or cannot be told, as that
/// of a script.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn may_run_on(path: &Path, target: &str) -> std::io::Result<bool> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(is_for(&head, target))
}

fn is_for(head: &[u8], target: &str) -> bool {
    let [0x7f, b'E', b'L', b'F', _, order, .., low, high] = head else { return true };
    let machine = if *order == 2 { [*high, *low] } else { [*low, *high] };
    let machine = u16::from_le_bytes(machine);
    let processor = target.split('-').next().unwrap_or_default();
    MACHINES.iter().any(|(number, names)| *number == machine && names.contains(&processor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(machine: u8) -> Vec<u8> {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(16, 0);
        head.extend([2, 0, machine, 0]);
        head
    }

    #[test]
    fn processors_are_told_apart() {
        assert!(is_for(&head(0xb7), "aarch64-unknown-linux-gnu"));
        assert!(!is_for(&head(0x3e), "aarch64-unknown-linux-gnu"));
        assert!(is_for(&head(0x28), "armv7-unknown-linux-gnueabihf"));
        assert!(!is_for(&head(0x08), "x86_64-unknown-linux-gnu"), "MIPS");
    }

    #[test]
    fn scripts_and_ruins_are_for_anybody() {
        assert!(is_for(b"#!/bin/sh\nexec agent", "aarch64-unknown-linux-gnu"));
        assert!(is_for(b"\x7fELF", "x86_64-unknown-linux-gnu"));
        assert!(is_for(b"", "x86_64-unknown-linux-gnu"));
    }
}
