//! Small text files of the kernel, below a root that tests can move.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::str::FromStr;

/// Longest file that is read: `/proc/cpuinfo` of several hundred cores.
const MAX_BYTES: u64 = 1 << 20;

/// Where `/proc`, `/sys` and `/etc` are.
pub(crate) struct Root(PathBuf);

impl Root {
    pub(crate) fn real() -> Self {
        Self(PathBuf::from("/"))
    }

    #[cfg(test)]
    pub(crate) fn at(folder: &std::path::Path) -> Self {
        Self(folder.to_owned())
    }

    /// The text of a file without white space, or NULs as the device tree has them, at its ends; none when there is
    /// nothing.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let mut bytes = Vec::new();
        File::open(self.0.join(path)).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Gives a file of the kernel another value; it must be there.
    pub(crate) fn write(&self, path: &str, value: &str) -> std::io::Result<()> {
        File::options().write(true).truncate(true).open(self.0.join(path))?.write_all(value.as_bytes())
    }

    /// A file that holds one number.
    pub(crate) fn number<T: FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// Paths of a folder's entries whose names are `prefix` and a number, in the order of these numbers.
    pub(crate) fn numbered(&self, folder: &str, prefix: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.0.join(folder)) else { return Vec::new() };
        let mut numbers: Vec<u32> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| format!("{folder}/{prefix}{number}")).collect()
    }

    /// The different texts of the file `name` in each of these folders, in order.
    pub(crate) fn distinct(&self, folders: &[String], name: &str) -> Option<String> {
        let mut texts: Vec<String> = Vec::new();
        for text in folders.iter().filter_map(|folder| self.text(&format!("{folder}/{name}"))) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        (!texts.is_empty()).then(|| texts.join(","))
    }
}

/// The value in the first line that begins with `key` and a colon, as `/proc/cpuinfo` and `/proc/meminfo` have them.
pub(crate) fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim()).filter(|value| !value.is_empty())
    })
}

/// A field of kibibytes, in bytes.
pub(crate) fn kib_field(text: &str, key: &str) -> Option<u64> {
    field(text, key)?.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
