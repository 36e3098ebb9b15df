//! Where the history lies: a folder of results, a folder of small Parquet files, or a branch of a git repository. What
//! it says, `reports::trend` tells.

mod branch;
mod numbers;

use std::path::{Path, PathBuf};

use edgebench_reports::frame::read_run;
use edgebench_reports::trend::{Row, read_rows, rows, write_rows};

use crate::error::BenchError;
use crate::run::{Results, write_whole};

pub use branch::{Branch, BranchError};
pub use numbers::{NumbersError, numbers};

/// What a file of the history is called at its end.
const EXTENSION: &str = "parquet";

/// Digits of a file's hash in its name.
const HASH_DIGITS: usize = 8;

/// Files of the history that cannot be read or are not ours.
#[derive(Debug, thiserror::Error)]
#[error("{place}: not a file of the history: {reason}")]
pub struct HistoryError {
    /// File or place in a branch.
    pub place: String,
    /// Why not.
    pub reason: String,
}

/// The rows of every finished run of a results folder.
///
/// # Errors
/// When the folder or a run cannot be read.
pub fn of_results(results: &Results, reference: Option<&str>) -> Result<Vec<Row>, BenchError> {
    let mut all = Vec::new();
    for run in results.runs()?.iter().filter(|run| run.frame().is_file()) {
        all.extend(rows(&read_run(&run.frame())?, reference));
    }
    Ok(all)
}

/// The rows of every file of a history folder.
///
/// # Errors
/// When it or one of its files cannot be read, or is not ours.
pub fn of_folder(folder: &Path) -> Result<Vec<Row>, BenchError> {
    let entries = std::fs::read_dir(folder).map_err(|cause| BenchError::read(folder, cause))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let bytes = std::fs::read(&path).map_err(|cause| BenchError::read(&path, cause))?;
        all.extend(parsed(&path.display().to_string(), bytes)?);
    }
    Ok(all)
}

/// The rows of every file of a branch.
///
/// # Errors
/// When git refuses, or a file is not ours.
pub fn of_branch(branch: &Branch) -> Result<Vec<Row>, BenchError> {
    let mut all = Vec::new();
    for (name, bytes) in branch.files(EXTENSION)? {
        all.extend(parsed(&format!("{}:{name}", branch.name()), bytes)?);
    }
    Ok(all)
}

fn parsed(place: &str, bytes: Vec<u8>) -> Result<Vec<Row>, HistoryError> {
    read_rows(bytes).map_err(|reason| HistoryError { place: place.to_owned(), reason })
}

/// A run as a file of the history: its name tells run and content, so that two machines that add runs never write the
/// same name with different bytes, and adding a run twice changes nothing.
///
/// # Errors
/// When the run cannot be read.
pub fn file_of_run(run: &Path, reference: Option<&str>) -> Result<(String, Vec<u8>), BenchError> {
    let record = read_run(run)?;
    let rows = rows(&record, reference);
    let bytes = write_rows(&rows).map_err(BenchError::internal)?;
    // Of the rows and not of the bytes: another version of the library may pack them differently.
    let content = serde_json::to_vec(&rows).map_err(BenchError::internal)?;
    let hash = blake3::hash(&content).to_hex();
    Ok((format!("{}-{}.{EXTENSION}", record.run.id, &hash[..HASH_DIGITS]), bytes))
}

/// Puts a file into a history folder, unless it is there.
///
/// # Errors
/// When it cannot be written.
pub fn add_to_folder(folder: &Path, name: &str, bytes: &[u8]) -> Result<bool, BenchError> {
    std::fs::create_dir_all(folder).map_err(|cause| BenchError::write(folder, cause))?;
    let path = folder.join(name);
    if path.exists() {
        return Ok(false);
    }
    write_whole(&path, bytes).map_err(|cause| BenchError::write(&path, cause))?;
    Ok(true)
}
