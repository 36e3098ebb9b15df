//! The figures of a run in the formats of other trackers: Bencher's metric format, and `customSmallerIsBetter` of
//! github-action-benchmark.

use serde_json::{Map, Value, json};

use crate::record::RunRecord;
use crate::render::figures;
use crate::summary::{CellSummary, summarize};

/// A figure with its interval, in the units that these tools expect.
struct Measure {
    name: &'static str,
    unit: &'static str,
    value: f64,
    bounds: Option<(f64, f64)>,
}

/// Bencher Metric Format: `{ "<cell>": { "<measure>": { "value", "lower_value", "upper_value" } } }`. Every measure is
/// one where smaller is better but `accuracy`.
pub fn bencher(run: &RunRecord) -> String {
    let mut document = Map::new();
    for cell in summarize(run).cells() {
        let accuracy = cell.accuracy.as_ref().map(|accuracy| Measure {
            name: "accuracy",
            unit: "share",
            value: accuracy.top1.share(),
            bounds: Some((accuracy.top1.interval.lower, accuracy.top1.interval.upper)),
        });
        let mut measures = Map::new();
        for one in measures_of(cell).into_iter().chain(accuracy) {
            let mut entry = json!({ "value": one.value });
            if let Some((lower, upper)) = one.bounds {
                entry["lower_value"] = json!(lower);
                entry["upper_value"] = json!(upper);
            }
            measures.insert(one.name.to_owned(), entry);
        }
        document.insert(cell.cell.path(), Value::Object(measures));
    }
    format!("{:#}\n", Value::Object(document))
}

/// `[{ "name", "unit", "value", "range" }]`; accuracy is given as the share of wrong answers.
pub fn smaller_is_better(run: &RunRecord) -> String {
    let mut rows = Vec::new();
    for cell in summarize(run).cells() {
        let wrong = cell.accuracy.as_ref().map(|accuracy| Measure {
            name: "wrong-answers",
            unit: "share",
            value: 1.0 - accuracy.top1.share(),
            bounds: Some((1.0 - accuracy.top1.interval.upper, 1.0 - accuracy.top1.interval.lower)),
        });
        for one in measures_of(cell).into_iter().chain(wrong) {
            let range = one
                .bounds
                .map(|(lower, upper)| format!("{} to {}", figures::digits(lower), figures::digits(upper)));
            let title = format!("{} {}", cell.cell.path(), one.name);
            rows.push(json!({ "name": title, "unit": one.unit, "value": one.value, "range": range.unwrap_or_default() }));
        }
    }
    format!("{:#}\n", Value::Array(rows))
}

fn measures_of(cell: &CellSummary) -> Vec<Measure> {
    let mut measures = Vec::new();
    if let Some(latency) = &cell.latency {
        let (name, unit) = if latency.emulated { ("counts", "counts") } else { ("latency", "ns") };
        let bounds = latency.median.interval.map(|interval| (interval.lower, interval.upper));
        measures.push(Measure { name, unit, value: latency.median.median, bounds });
    }
    let bytes = |name, value: Option<u64>| {
        value.map(|value| Measure { name, unit: "bytes", value: value as f64, bounds: None })
    };
    measures.extend(bytes("file-size", cell.file_bytes));
    measures.extend(bytes("arena", cell.memory.as_ref().map(|memory| memory.arena_bytes)));
    measures.extend(bytes("peak-rss", cell.peak_rss_bytes));
    measures
}
