//! The journal of a run: what was measured is on disk before the next thing is measured.
//!
//! One line an entry: `EBJ1 <16 hex digits of BLAKE3 over the text> <text>`, the text being JSON without line breaks.
//! Every append is followed by fsync. A crash can therefore leave at most one torn line, at the very end; it is cut
//! off when the journal is opened again. A line that is damaged anywhere else means that the file was changed behind
//! our back, and nothing in it is trusted. This module knows lines and sums; what an entry means is the caller's.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// First word of every line; the digit is the version of the line format.
const MARK: &str = "EBJ1";

/// Hex digits of the checksum: 64 bits tell any torn or edited line.
const SUM_DIGITS: usize = 16;

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "create", "append to", "read".
        action: &'static str,
        /// The journal file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A complete line does not match its checksum.
    #[error("{} line {line}: checksum does not match", path.display())]
    Damaged {
        /// The journal file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// A line with a right checksum that this version does not understand.
    #[error("{} line {line}: entry of an unknown form", path.display())]
    Unknown {
        /// The journal file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What the decoder said.
        source: serde_json::Error,
    },
}

/// An open journal, ready for more entries.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Starts a journal where none is yet.
    ///
    /// # Errors
    /// When the file exists already or cannot be created.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)
            .map_err(|source| io("create", path, source))?;
        sync_folder(path)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Opens a journal to go on with it: its entries, and a handle behind the last whole one. A torn last line is
    /// removed from the file.
    ///
    /// # Errors
    /// When the file cannot be read or changed, or a line before the last is damaged.
    pub fn reopen<E: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<E>), JournalError> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .map_err(|source| io("open", path, source))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|source| io("read", path, source))?;
        let (entries, whole) = parse(path, &bytes)?;
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(|source| io("repair", path, source))?;
            file.sync_all().map_err(|source| io("repair", path, source))?;
        }
        file.seek(SeekFrom::End(0)).map_err(|source| io("open", path, source))?;
        Ok((Self { path: path.to_owned(), file }, entries))
    }

    /// Reads the entries without touching the file.
    ///
    /// # Errors
    /// When the file cannot be read, or a line before the last is damaged.
    pub fn read<E: DeserializeOwned>(path: &Path) -> Result<Vec<E>, JournalError> {
        let bytes = std::fs::read(path).map_err(|source| io("read", path, source))?;
        parse(path, &bytes).map(|(entries, _)| entries)
    }

    /// Writes one entry and returns once it is on disk.
    ///
    /// # Errors
    /// When the entry cannot be written whole; what stood in the journal before is then still intact.
    pub fn append<E: Serialize>(&mut self, entry: &E) -> Result<(), JournalError> {
        let text = serde_json::to_string(entry)
            .map_err(|cause| io("append to", &self.path, std::io::Error::other(cause)))?;
        let line = format!("{MARK} {} {text}\n", checksum(&text));
        let before = self.file.metadata().map(|meta| meta.len());
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // A full disk leaves half a line; without it the next append would glue itself to the ruin.
            if let Ok(length) = before {
                let _ = self.file.set_len(length);
            }
            return Err(io("append to", &self.path, source));
        }
        Ok(())
    }
}

/// The entries of whole lines and the length up to the end of the last one.
fn parse<E: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<(Vec<E>, usize), JournalError> {
    let mut entries = Vec::new();
    let mut start = 0;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let end = start + line.len();
        let torn_allowed = end == bytes.len();
        match checked_text(line) {
            Some(text) => entries.push(serde_json::from_str(text).map_err(|source| {
                JournalError::Unknown { path: path.to_owned(), line: index + 1, source }
            })?),
            None if torn_allowed => return Ok((entries, start)),
            None => return Err(JournalError::Damaged { path: path.to_owned(), line: index + 1 }),
        }
        start = end;
    }
    Ok((entries, start))
}

/// The text of a whole line whose checksum holds.
fn checked_text(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let rest = line.strip_prefix(MARK)?.strip_prefix(' ')?;
    let (sum, text) = rest.split_at_checked(SUM_DIGITS)?;
    let text = text.strip_prefix(' ')?;
    (checksum(text) == sum).then_some(text)
}

fn checksum(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..SUM_DIGITS].to_owned()
}

/// A new name in a folder survives a power cut only when the folder itself is on disk.
fn sync_folder(path: &Path) -> Result<(), JournalError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| io("create", path, source))
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> JournalError {
    JournalError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(entries: &[String]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("journal");
        let mut journal = Journal::create(&path).expect("new journal");
        for entry in entries {
            journal.append(entry).expect("appended");
        }
        (folder, path)
    }

    fn three() -> Vec<String> {
        ["one", "two\nlines", "three"].map(str::to_owned).to_vec()
    }

    #[test]
    fn entries_come_back_in_order() {
        let (_folder, path) = written(&three());
        assert_eq!(Journal::read::<String>(&path).expect("readable"), three());
    }

    #[test]
    fn second_create_is_refused() {
        let (_folder, path) = written(&[]);
        assert!(matches!(Journal::create(&path), Err(JournalError::Io { action: "create", .. })));
    }

    #[test]
    fn cut_at_any_byte_keeps_every_whole_entry_and_can_go_on() {
        let (_folder, path) = written(&three());
        let bytes = std::fs::read(&path).expect("readable");
        for cut in 0..bytes.len() {
            std::fs::write(&path, &bytes[..cut]).expect("writable");
            let whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
            let (mut journal, entries) = Journal::reopen::<String>(&path).expect("torn tails are repaired");
            assert_eq!(entries, three()[..whole], "cut at {cut}");
            journal.append(&"more").expect("appended");
            assert_eq!(Journal::read::<String>(&path).expect("readable").len(), whole + 1, "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn changed_byte_is_never_read_as_an_entry(position in 0usize..1000, flip in 1u8..=255) {
            let (_folder, path) = written(&three());
            let mut bytes = std::fs::read(&path).expect("readable");
            let position = position % bytes.len();
            bytes[position] ^= flip;
            std::fs::write(&path, &bytes).expect("writable");
            match Journal::read::<String>(&path) {
                Err(JournalError::Damaged { .. }) => {}
                Ok(entries) => prop_assert!(entries.len() < 3 && three().starts_with(&entries)),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
