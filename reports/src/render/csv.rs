//! The figures of each cell as CSV (RFC 4180), one line a cell, numbers in base units.

use serde_json::{Number, Value};

use crate::record::RunRecord;
use crate::summary::flat::{FIGURES, Figure};
use crate::summary::{CellSummary, summarize};

/// One heading line, one line a cell; a quantity that was not measured is an empty field.
pub fn csv(run: &RunRecord) -> String {
    let names = NAMES.iter().chain(FIGURES.iter().map(|(name, _)| name));
    let mut text = line(names.map(|name| (*name).to_owned()));
    for cell in summarize(run).cells() {
        text.push_str(&line(fields(&run.run.id, cell).map(|(_, value)| plain(&value))));
    }
    text
}

/// The columns that name the cell.
const NAMES: &[&str] = &["run_id", "device", "model", "variant", "runtime", "threads"];

/// Name and value of everything that is exported of a cell.
pub(super) fn fields<'a>(
    run_id: &'a str,
    summary: &'a CellSummary,
) -> impl Iterator<Item = (&'static str, Value)> + 'a {
    let cell = &summary.cell;
    let texts = [run_id, &cell.device, &cell.model, &cell.variant, &cell.runtime].map(Value::from);
    let names = NAMES.iter().copied().zip(texts.into_iter().chain([Value::from(cell.threads)]));
    names.chain(FIGURES.iter().map(|(name, figure)| (*name, value(*figure, summary))))
}

fn value(figure: Figure, cell: &CellSummary) -> Value {
    match figure {
        Figure::Count(read) => read(cell).into(),
        Figure::Number(read) => number(read(cell)),
        Figure::Text(read) => read(cell).into(),
        Figure::Flag(read) => read(cell).into(),
    }
}

/// A whole number stays one; what is no number is null.
fn number(value: Option<f64>) -> Value {
    let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 9e15).then(|| Number::from(value as i64));
    let found = value.and_then(|value| whole(value).or_else(|| Number::from_f64(value)));
    found.map_or(Value::Null, Value::Number)
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn line(fields: impl Iterator<Item = String>) -> String {
    let quoted = |field: String| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    };
    let mut line = fields.map(quoted).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}
