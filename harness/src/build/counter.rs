//! The plugin of QEMU that counts instructions: built from the sources beside this controller, once for each of QEMU's
//! plugin interfaces, or brought along with ready agents.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{
    BuildError, COMPILER_WORDS, HOST_TARGET, READY_AGENTS, SOURCE_HASH, check_sources, keep, last_lines,
    repository,
};
use crate::artifact::Cache;

const PACKAGE: &str = "edgebench-counter";

/// QEMU's interface for plugins, as far as two of them differ for ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interface {
    /// QEMU 4.2 to 8.2.
    First,
    /// QEMU 9.1 and newer.
    Third,
}

impl Interface {
    /// That of a QEMU of this version, such as `(7, 2)`. 9.0 speaks neither.
    pub fn of_qemu(version: (u32, u32)) -> Option<Self> {
        match version {
            (major, minor) if (major, minor) >= (9, 1) => Some(Self::Third),
            (major, minor) if (4, 2) <= (major, minor) && major < 9 => Some(Self::First),
            _ => None,
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::First => "libedgebench_counter.so",
            Self::Third => "libedgebench_counter_3.so",
        }
    }

    fn features(self) -> &'static [&'static str] {
        match self {
            Self::First => &[],
            Self::Third => &["--features", "api-3"],
        }
    }
}

/// The plugin for an interface: the one made before from the same sources, else a ready one, else a new one.
///
/// # Errors
/// When there are no sources, they do not fit this controller, or they cannot be built.
pub fn counter(cache: &Cache, interface: Interface) -> Result<PathBuf, BuildError> {
    let kept = cache.root().join("agents").join(SOURCE_HASH).join(HOST_TARGET).join(interface.file());
    if kept.is_file() {
        return Ok(kept);
    }
    let folder = std::env::var_os(READY_AGENTS).filter(|folder| !folder.is_empty());
    let ready = folder.map(|folder| Path::new(&folder).join(HOST_TARGET).join(interface.file()));
    if let Some(ready) = ready.filter(|path| path.is_file()) {
        return Ok(ready);
    }
    check_sources(repository(), PACKAGE)?;
    keep(&compile(interface)?, &kept, PACKAGE)?;
    Ok(kept)
}

fn compile(interface: Interface) -> Result<PathBuf, BuildError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--package", PACKAGE, "--locked"])
        .args(interface.features())
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(repository())
        .stdin(Stdio::null())
        .output()
        .map_err(|source| BuildError::NoCargo { target: PACKAGE.to_owned(), source })?;
    let messages = String::from_utf8_lossy(&output.stdout);
    match messages.lines().rev().find_map(library) {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(BuildError::Compiler {
            target: PACKAGE.to_owned(),
            words: last_lines(&String::from_utf8_lossy(&output.stderr), COMPILER_WORDS),
        }),
    }
}

/// The library that one of cargo's messages tells of.
fn library(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "edgebench_counter";
    let path = message["filenames"].get(0)?.as_str().filter(|_| ours)?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_go_by_the_version_of_qemu() {
        let of = Interface::of_qemu;
        assert_eq!([(7, 2), (8, 2)].map(of), [Some(Interface::First); 2]);
        assert_eq!([(9, 1), (10, 0)].map(of), [Some(Interface::Third); 2]);
        assert_eq!([(4, 1), (9, 0)].map(of), [None; 2]);
    }

    #[test]
    fn the_library_is_found_among_the_messages_of_cargo() {
        let ours = r#"{"reason":"compiler-artifact","target":{"name":"edgebench_counter"},"filenames":["/x/libc.so"]}"#;
        assert_eq!(library(ours), Some(PathBuf::from("/x/libc.so")));
        assert_eq!(library(&ours.replace("counter", "wire")), None);
        assert_eq!(library("not json"), None);
    }
}
