//! Rows of the history as Parquet: one small file a run, never changed once it is there, so that branches that both
//! add runs merge without conflict.

use std::io::Cursor;

use polars::prelude::{
    Column, DataFrame, NamedFrom, ParquetReader, ParquetWriter, PolarsError, PolarsResult, SerReader, Series,
};

use super::history::Row;
use crate::record::Cell;

/// Version of the columns. Raised with every change of them.
const FORMAT_VERSION: u32 = 1;

/// The rows as the bytes of a Parquet file.
///
/// # Errors
/// When the library cannot write them.
pub fn write_rows(rows: &[Row]) -> Result<Vec<u8>, String> {
    let one_line = |error: PolarsError| error.to_string();
    let mut table = table(rows).map_err(one_line)?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut table).map_err(one_line)?;
    Ok(bytes)
}

fn table(rows: &[Row]) -> PolarsResult<DataFrame> {
    fn texts<'r>(name: &str, rows: &'r [Row], of: impl Fn(&'r Row) -> Option<&'r str>) -> Column {
        Series::new(name.into(), rows.iter().map(of).collect::<Vec<_>>()).into()
    }
    let numbers = |name: &str, of: fn(&Row) -> Option<f64>| -> Column {
        Series::new(name.into(), rows.iter().map(of).collect::<Vec<_>>()).into()
    };
    let whole = |name: &str, of: fn(&Row) -> Option<u64>| -> Column {
        Series::new(name.into(), rows.iter().map(of).collect::<Vec<_>>()).into()
    };
    DataFrame::new(
        rows.len(),
        vec![
            whole("history_version", |_| Some(u64::from(FORMAT_VERSION))),
            texts("run", rows, |row| Some(&row.run)),
            texts("started_at", rows, |row| Some(&row.started_at)),
            texts("revision", rows, |row| row.revision.as_deref()),
            texts("suite", rows, |row| Some(&row.suite)),
            texts("device", rows, |row| Some(&row.cell.device)),
            texts("model", rows, |row| Some(&row.cell.model)),
            texts("variant", rows, |row| Some(&row.cell.variant)),
            texts("runtime", rows, |row| Some(&row.cell.runtime)),
            whole("threads", |row| Some(u64::from(row.cell.threads))),
            texts("fingerprint", rows, |row| Some(&row.fingerprint)),
            texts("reference", rows, |row| row.reference.as_deref()),
            numbers("median_nanos", |row| row.median_nanos),
            numbers("ratio", |row| row.ratio),
            whole("file_bytes", |row| row.file_bytes),
            numbers("top1", |row| row.top1),
        ],
    )
}

/// The rows of such a file.
///
/// # Errors
/// When the bytes are no Parquet file, or not one of these.
pub fn read_rows(bytes: Vec<u8>) -> Result<Vec<Row>, String> {
    // The reader is another's code and meets bytes that anything may have happened to.
    let read = std::panic::catch_unwind(|| ParquetReader::new(Cursor::new(bytes)).finish());
    let table = read.map_err(|_| "damaged".to_owned())?.map_err(|error| error.to_string())?;
    let columns = Columns { table: &table };
    let versions = columns.whole("history_version")?;
    if let Some(other) = versions.iter().find(|version| **version != Some(u64::from(FORMAT_VERSION))) {
        return Err(format!("history_version: expected {FORMAT_VERSION}, found {other:?}"));
    }
    columns.rows()
}

struct Columns<'t> {
    table: &'t DataFrame,
}

impl Columns<'_> {
    fn rows(&self) -> Result<Vec<Row>, String> {
        let (run, started_at) = (self.texts("run")?, self.texts("started_at")?);
        let (revision, suite) = (self.texts("revision")?, self.texts("suite")?);
        let (device, model) = (self.texts("device")?, self.texts("model")?);
        let (variant, runtime) = (self.texts("variant")?, self.texts("runtime")?);
        let (fingerprint, reference) = (self.texts("fingerprint")?, self.texts("reference")?);
        let (threads, file_bytes) = (self.whole("threads")?, self.whole("file_bytes")?);
        let (median_nanos, ratio) = (self.numbers("median_nanos")?, self.numbers("ratio")?);
        let top1 = self.numbers("top1")?;
        let row = |at: usize| {
            let text = |column: &[Option<String>]| column.get(at).cloned().flatten();
            let must = |name: &str, column: &[Option<String>]| {
                text(column).ok_or_else(|| format!("row {at}, column {name}: expected a text, found null"))
            };
            let threads = threads.get(at).copied().flatten().and_then(|threads| u16::try_from(threads).ok());
            Ok(Row {
                run: must("run", &run)?,
                started_at: must("started_at", &started_at)?,
                revision: text(&revision),
                suite: must("suite", &suite)?,
                cell: Cell {
                    device: must("device", &device)?,
                    model: must("model", &model)?,
                    variant: must("variant", &variant)?,
                    runtime: must("runtime", &runtime)?,
                    threads: threads
                        .ok_or_else(|| format!("row {at}, column threads: expected 0 to 65535"))?,
                },
                fingerprint: must("fingerprint", &fingerprint)?,
                reference: text(&reference),
                median_nanos: median_nanos.get(at).copied().flatten(),
                ratio: ratio.get(at).copied().flatten(),
                file_bytes: file_bytes.get(at).copied().flatten(),
                top1: top1.get(at).copied().flatten(),
            })
        };
        (0..self.table.height()).map(row).collect()
    }

    fn texts(&self, name: &str) -> Result<Vec<Option<String>>, String> {
        let column =
            self.table.column(name).and_then(|column| column.str()).map_err(|error| error.to_string())?;
        Ok(column.iter().map(|text| text.map(str::to_owned)).collect())
    }

    fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, String> {
        let column =
            self.table.column(name).and_then(|column| column.f64()).map_err(|error| error.to_string())?;
        Ok(column.iter().collect())
    }

    fn whole(&self, name: &str) -> Result<Vec<Option<u64>>, String> {
        let column =
            self.table.column(name).and_then(|column| column.u64()).map_err(|error| error.to_string())?;
        Ok(column.iter().collect())
    }
}
