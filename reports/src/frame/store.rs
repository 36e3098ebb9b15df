//! The Parquet file of a run: written whole or not at all, read only if its version and columns are ours.

use std::fs::File;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use polars::prelude::{
    Column, DataFrame, ParquetReader, ParquetWriter, PolarsError, PolarsResult, SerReader,
};

use super::columns::{ADDED, COLUMNS};
use super::{Kind, frames, parse};
use crate::record::{FORMAT_VERSION, RunRecord};

/// A run of a whole day on many devices stays far below; a longer file is not one of ours.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// Why a run could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `create`, `write`, `read`, `rename`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The record does not fit into columns, or the bytes are no Parquet file.
    #[error("{}: not a parquet file: {reason}", path.display())]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// What the reader or the writer said, in one line.
        reason: String,
    },
    /// Of another version of the format.
    #[error("{}: column format_version: expected {expected}, found {found}", path.display())]
    Version {
        /// Which file.
        path: PathBuf,
        /// Ours.
        expected: u32,
        /// The file's.
        found: String,
    },
    /// A column is missing, of another type, or not one of ours.
    #[error("{}: column {column}: expected {expected}, found {found}", path.display())]
    Column {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A value that cannot be, or rows that do not belong together.
    #[error("{}: {kind} row {row}, column {column}: expected {expected}, found {found}", path.display())]
    Row {
        /// Which file.
        path: PathBuf,
        /// Kind of the row.
        kind: &'static str,
        /// Its number among the rows of its kind, from 0.
        row: usize,
        /// Which column.
        column: &'static str,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
}

/// Writes the run to `path`, replacing what is there. The bytes go to a part file beside it, reach the disk and are
/// renamed: whoever opens `path` sees the old file or the new one, whole.
pub fn write_run(path: &Path, run: &RunRecord) -> Result<(), StoreError> {
    let parquet =
        |error: PolarsError| StoreError::Parquet { path: path.to_owned(), reason: one_line(&error) };
    let bytes = long_table(run).and_then(encoded).map_err(parquet)?;
    let part = part_of(path);
    let written = write_part(&part, &bytes).and_then(|()| {
        std::fs::rename(&part, path).map_err(|source| StoreError::Io {
            action: "rename",
            path: part.clone(),
            source,
        })
    });
    if written.is_err() {
        // The error at hand says more than a failure to tidy up after it would.
        let _ = std::fs::remove_file(&part);
    }
    written?;
    sync_folder(path)
}

/// Reads a run back, exactly as it was written.
pub fn read_run(path: &Path) -> Result<RunRecord, StoreError> {
    let io = |source| StoreError::Io { action: "read", path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(io)?.len();
    let no_parquet = |reason: String| StoreError::Parquet { path: path.to_owned(), reason };
    if length > MAX_FILE_BYTES {
        return Err(no_parquet(format!("expected at most {MAX_FILE_BYTES} bytes, found {length}")));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let table = read_table(bytes).map_err(no_parquet)?;
    let version = check_version(path, &table)?;
    let table = brought_up(table, version).map_err(|error| no_parquet(one_line(&error)))?;
    check_columns(path, &table)?;
    parse::record(path, &table)
}

/// All rows of all kinds under all columns; what a kind does not fill is null.
fn long_table(run: &RunRecord) -> PolarsResult<DataFrame> {
    let frames = frames(run)?;
    let parts = [
        frames.run,
        frames.devices,
        frames.artifacts,
        frames.cells,
        frames.blocks,
        frames.samples,
        frames.predictions,
        frames.ops,
    ];
    let mut table: Option<DataFrame> = None;
    for part in parts {
        let wide = widened(&part)?;
        match &mut table {
            Some(table) => {
                table.vstack_mut(&wide)?;
            }
            None => table = Some(wide),
        }
    }
    let mut table = table.unwrap_or_default();
    table.rechunk_mut();
    Ok(table)
}

fn widened(part: &DataFrame) -> PolarsResult<DataFrame> {
    let column = |spec: &super::ColumnSpec| match part.column(spec.name) {
        Ok(column) => column.clone(),
        Err(_) => Column::full_null(spec.name.into(), part.height(), &spec.column_type.data_type()),
    };
    DataFrame::new(part.height(), COLUMNS.iter().map(column).collect())
}

/// In memory first, so that what the disk says is not told as a defect of the data.
fn encoded(mut table: DataFrame) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut table)?;
    Ok(bytes)
}

fn write_part(part: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let io = |action, source| StoreError::Io { action, path: part.to_owned(), source };
    let mut file = File::create(part).map_err(|source| io("create", source))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| io("write", source))
}

/// `NAME.part` in the same folder, so that renaming stays within one file system.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// The new name itself must reach the disk.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| StoreError::Io { action: "write", path: folder.to_owned(), source })
}

/// The reader is another's code and meets bytes that anything may have happened to: a panic in it is an error here.
fn read_table(bytes: Vec<u8>) -> Result<DataFrame, String> {
    let read = std::panic::AssertUnwindSafe(|| ParquetReader::new(Cursor::new(bytes)).finish());
    match std::panic::catch_unwind(read) {
        Ok(Ok(table)) => Ok(table),
        Ok(Err(error)) => Err(one_line(&error)),
        Err(_) => Err("the reader gave up on damaged bytes".to_owned()),
    }
}

/// The version of the file: this one, or an older one that can still be read.
fn check_version(path: &Path, table: &DataFrame) -> Result<u32, StoreError> {
    let version =
        |found: String| StoreError::Version { path: path.to_owned(), expected: FORMAT_VERSION, found };
    let column = table.column("format_version").map_err(|_| version("no such column".to_owned()))?;
    let values = column.u32().map_err(|_| version(column.dtype().to_string()))?;
    let Some(first) = values.iter().next() else { return Err(version("no rows".to_owned())) };
    let readable =
        |value: &Option<u32>| *value == first && value.is_some_and(|one| (1..=FORMAT_VERSION).contains(&one));
    match values.iter().find(|value| !readable(value)) {
        Some(other) => Err(version(other.map_or("null".to_owned(), |other| other.to_string()))),
        None => Ok(first.unwrap_or(FORMAT_VERSION)),
    }
}

/// Gives a table of an older version the columns that came after it, empty.
fn brought_up(mut table: DataFrame, version: u32) -> PolarsResult<DataFrame> {
    let later = ADDED.iter().filter(|(since, _)| *since > version).flat_map(|(_, names)| names.iter());
    for name in later.copied() {
        if let Some(spec) = COLUMNS.iter().find(|spec| spec.name == name)
            && table.column(name).is_err()
        {
            let column = Column::full_null(name.into(), table.height(), &spec.column_type.data_type());
            table.with_column(column)?;
        }
    }
    Ok(table)
}

fn check_columns(path: &Path, table: &DataFrame) -> Result<(), StoreError> {
    let wrong = |column: &str, expected: &str, found: &str| StoreError::Column {
        path: path.to_owned(),
        column: column.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    for spec in COLUMNS {
        let expected = spec.column_type;
        let found =
            table.column(spec.name).map_err(|_| wrong(spec.name, expected.name(), "no such column"))?;
        if *found.dtype() != expected.data_type() {
            return Err(wrong(spec.name, expected.name(), &found.dtype().to_string()));
        }
    }
    let ours = |name: &str| COLUMNS.iter().any(|spec| spec.name == name);
    match table.get_column_names().into_iter().find(|name| !ours(name)) {
        Some(other) => Err(wrong(other, "no such column", "one")),
        None => Ok(()),
    }
}

fn one_line(error: &PolarsError) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl StoreError {
    pub(super) fn row(
        path: &Path,
        place: (Kind, usize, &'static str),
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        let (kind, row, column) = place;
        let (expected, found) = (expected.to_string(), found.to_string());
        Self::Row { path: path.to_owned(), kind: kind.name(), row, column, expected, found }
    }
}
