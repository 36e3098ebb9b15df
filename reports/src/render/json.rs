//! The run as JSON: the figures of each cell, then the whole record, for programs that read neither Parquet nor our
//! crates.

use serde_json::{Map, Value, json};

use super::{RenderError, csv};
use crate::record::{FORMAT_VERSION, RunRecord};
use crate::summary::{CellSummary, summarize};

/// `{ "format_version", "cells": [..], "record": {..} }`. A cell has the fields of the CSV's columns, as numbers;
/// what was not measured is null.
pub fn json(run: &RunRecord) -> Result<String, RenderError> {
    let summary = summarize(run);
    let cells: Vec<Value> = summary.cells().map(|cell| Value::Object(object(&run.run.id, cell))).collect();
    let document =
        json!({ "format_version": FORMAT_VERSION, "cells": cells, "record": serde_json::to_value(run)? });
    Ok(serde_json::to_string_pretty(&document)?)
}

fn object(run_id: &str, cell: &CellSummary) -> Map<String, Value> {
    csv::fields(run_id, cell).map(|(name, value)| (name.to_owned(), value)).collect()
}
