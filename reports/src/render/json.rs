//! The run as JSON: the figures of each cell, then the whole record, for programs that read neither Parquet nor our
//! crates.

use serde_json::{Map, Value, json};

use super::{RenderError, csv};
use crate::record::{FORMAT_VERSION, RunRecord};
use crate::summary::{CellSummary, summarize};

/// `{ "format_version", "cells": [..], "record": {..} }`. A cell has the fields of the CSV's columns, as numbers;
/// what was not measured is null. In the record, too, counts of emulated devices have names of their own.
pub fn json(run: &RunRecord) -> Result<String, RenderError> {
    let summary = summarize(run);
    let cells: Vec<Value> = summary.cells().map(|cell| Value::Object(object(&run.run.id, cell))).collect();
    let document = json!({ "format_version": FORMAT_VERSION, "cells": cells, "record": record(run)? });
    Ok(serde_json::to_string_pretty(&document)?)
}

/// Names whose values are instructions on an emulated device, and what they are called there.
const COUNTS: [(&str, &str); 6] = [
    ("init_nanos", "init_instructions"),
    ("warmup_nanos", "warmup_instructions"),
    ("steady_nanos", "steady_instructions"),
    ("first_nanos", "first_instructions"),
    ("median_nanos", "median_instructions"),
    ("total_nanos", "total_instructions"),
];

/// Names in a block that mean nothing on an emulated device.
const CLOCKS: [&str; 3] = ["timer_overhead_nanos", "steady_cpu_nanos", "steady_wall_nanos"];

fn record(run: &RunRecord) -> Result<Value, RenderError> {
    let mut record = serde_json::to_value(run)?;
    let cells = record.get_mut("cells").and_then(Value::as_array_mut).into_iter().flatten();
    for (cell, value) in run.cells.iter().zip(cells) {
        if !run.is_emulated(&cell.cell) {
            continue;
        }
        for name in ["blocks", "ops"] {
            let parts = value.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
            parts.filter_map(Value::as_object_mut).for_each(rename_counts);
        }
    }
    Ok(record)
}

/// In a block or an operator.
fn rename_counts(block: &mut Map<String, Value>) {
    for (name, counted) in COUNTS {
        if let Some(value) = block.remove(name) {
            block.insert(counted.to_owned(), value);
        }
    }
    for name in CLOCKS {
        block.remove(name);
    }
}

fn object(run_id: &str, cell: &CellSummary) -> Map<String, Value> {
    csv::fields(run_id, cell).map(|(name, value)| (name.to_owned(), value)).collect()
}
