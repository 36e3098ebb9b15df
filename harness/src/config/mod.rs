//! TOML text to checked values, every mistake at once and each with its place.
//!
//! A file is parsed a single time into a tree with spans ([`read`]); the checked types walk it through [`Table`] and
//! [`Value`], which note what is wrong and go on. Knows TOML, ranges and names; it must not know what a suite or a
//! device is, and it gives no advice.

mod nearest;
mod problem;
pub(crate) mod quantity;
mod table;
mod value;

use std::path::Path;

use toml::de::DeTable;

pub use nearest::nearest;
pub use problem::{ConfigError, Position, Problem, ProblemKind};
pub use quantity::Percent;
pub(crate) use quantity::factor;
pub use table::Table;
pub use value::Value;

use problem::Problems;

/// Longest file that is read, in bytes. A suite or an inventory of ten thousand devices stays far below it.
pub const MAX_BYTES: u64 = 4 << 20;

/// Checks `text` with `check`, which is given the outermost table.
///
/// # Errors
/// Every syntax error of the text, or every problem that `check` met or noted.
pub fn read<T>(
    file: &Path,
    text: &str,
    check: impl FnOnce(Table<'_>) -> Option<T>,
) -> Result<T, ConfigError> {
    let problems = Problems::default();
    let (root, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        for error in syntax {
            problems.note(Problem::syntax(error.message(), error.span().unwrap_or(0..0)));
        }
        return Err(problems.into_error(file, text));
    }
    let span = root.span();
    let checked = check(Table::new(root.get_ref(), span, String::new(), &problems));
    match checked {
        Some(checked) if problems.is_empty() => Ok(checked),
        _ => Err(problems.into_error(file, text)),
    }
}

/// Reads the file and checks it with `check`.
///
/// # Errors
/// Like [`read`], and when the file cannot be read, is longer than [`MAX_BYTES`] or is not UTF-8.
pub fn read_file<T>(file: &Path, check: impl FnOnce(Table<'_>) -> Option<T>) -> Result<T, ConfigError> {
    read(file, &read_text(file)?, check)
}

/// The text of a file.
///
/// # Errors
/// When it cannot be read, is longer than [`MAX_BYTES`] or is not UTF-8.
pub fn read_text(file: &Path) -> Result<String, ConfigError> {
    let bytes = load(file).map_err(|cause| ConfigError::Unreadable { file: file.to_owned(), cause })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ConfigError::TooLong { file: file.to_owned(), limit_bytes: MAX_BYTES });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => Err(not_utf8(file, error.as_bytes(), error.utf8_error().valid_up_to())),
    }
}

/// At most one byte more than is allowed, so that a device file or a pipe does not fill the memory.
fn load(file: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn not_utf8(file: &Path, bytes: &[u8], valid_up_to: usize) -> ConfigError {
    let text = String::from_utf8_lossy(bytes);
    let problems = Problems::default();
    problems.note(Problem::syntax("text is not UTF-8", valid_up_to..valid_up_to));
    problems.into_error(file, &text)
}

#[cfg(test)]
mod tests;
