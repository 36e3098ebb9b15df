//! A run as dataframes, and as one Parquet file that pandas, polars, DuckDB and Spark read as it is.
//!
//! The file is one long table; `kind` says what a row is, and each kind fills the columns that `record/COLUMNS.md`
//! lists for it. Rows stand in the order of the record, which is part of the format. Figures that can be derived
//! stand in the cell rows for other readers; reading a run does not use them.

mod columns;
mod parse;
mod rows;
mod store;

use polars::prelude::DataFrame;

pub use columns::{COLUMNS, ColumnSpec, ColumnType, Kind};
pub use rows::frames;
pub use store::{StoreError, read_run, write_run};

/// One dataframe a kind of row; each has the columns of its kind and no others.
#[derive(Clone, PartialEq, Debug)]
pub struct Frames {
    /// One row.
    pub run: DataFrame,
    /// One row a device.
    pub devices: DataFrame,
    /// One row a variant of a model.
    pub artifacts: DataFrame,
    /// One row a cell, with its figures.
    pub cells: DataFrame,
    /// One row a block.
    pub blocks: DataFrame,
    /// One row a timed event: init, first, warm-up and steady runs.
    pub samples: DataFrame,
    /// One row an example that was answered.
    pub predictions: DataFrame,
    /// One row an operator, where a run looked at them one by one.
    pub ops: DataFrame,
}
