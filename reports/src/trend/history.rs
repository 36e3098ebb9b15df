//! Rows of the history: what is kept of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::{Cell, DeviceRecord, Outcome, PROJECT_REVISION, RunRecord};
use crate::summary::{CellSummary, summarize};

/// Properties of a device that decide how fast it is; others (addresses, battery) come and go.
const LASTING: [&str; 8] =
    ["cpu_model", "cpu_cores", "memory_bytes", "os", "kernel", "governor", "machine", "model"];

/// Digits of a fingerprint that are kept.
const FINGERPRINT_DIGITS: usize = 12;

/// Figures of one cell in one run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The run; runs sort by it.
    pub run: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// Commit of the project that the suite lies in, else of the sources of edgebench, where known.
    pub revision: Option<String>,
    /// Name of the suite.
    pub suite: String,
    /// Which cell.
    pub cell: Cell,
    /// Of the environment: device, agent's target, system.
    pub fingerprint: String,
    /// The cell that the ratio refers to, such as `litert int8`; none where the run has none.
    pub reference: Option<String>,
    /// Median time of an inference, nanoseconds (counts of an emulated device are not times and absent).
    pub median_nanos: Option<f64>,
    /// It, by that of the reference.
    pub ratio: Option<f64>,
    /// Length of the model file.
    pub file_bytes: Option<u64>,
    /// Share of examples whose first class is right.
    pub top1: Option<f64>,
}

/// The rows of a run. `reference` names a variant or a runtime that every cell of the same device, model and number of
/// threads is divided by; a runtime's cell must be of the same variant.
pub fn rows(run: &RunRecord, reference: Option<&str>) -> Vec<Row> {
    let summary = summarize(run);
    let cells: Vec<&CellSummary> = summary.groups.iter().flat_map(|group| &group.cells).collect();
    let fingerprints: BTreeMap<&str, String> =
        run.devices.iter().map(|device| (device.name.as_str(), fingerprint(device))).collect();
    let complete = |cell: &&&CellSummary| cell.outcome == Outcome::Complete;
    let row = |cell: &&CellSummary| {
        let against = reference.and_then(|name| cells.iter().find(|other| is_reference(other, cell, name)));
        let median = |cell: &CellSummary| cell.latency.as_ref().map(|latency| latency.median.median);
        let ratio = against.and_then(|other| Some(median(cell)? / median(other)?));
        Row {
            run: run.run.id.clone(),
            started_at: run.run.started_at.clone(),
            revision: run.run.controller.get(PROJECT_REVISION).or(run.run.git_revision.as_ref()).cloned(),
            suite: run.run.suite.clone(),
            cell: cell.cell.clone(),
            fingerprint: fingerprints.get(cell.cell.device.as_str()).cloned().unwrap_or_default(),
            reference: ratio
                .and(against)
                .map(|other| format!("{} {}", other.cell.runtime, other.cell.variant)),
            median_nanos: median(cell),
            ratio: ratio.filter(|ratio| ratio.is_finite()),
            file_bytes: cell.file_bytes,
            top1: cell.accuracy.as_ref().map(|accuracy| accuracy.top1.share()),
        }
    };
    cells.iter().filter(complete).map(row).collect()
}

fn is_reference(other: &CellSummary, cell: &CellSummary, name: &str) -> bool {
    let (other, cell) = (&other.cell, &cell.cell);
    let alike = other.device == cell.device && other.model == cell.model && other.threads == cell.threads;
    let by_runtime = other.runtime == name && other.variant == cell.variant && cell.runtime != name;
    let by_variant = other.variant == name && other.runtime == cell.runtime && cell.variant != name;
    alike && (by_runtime || by_variant)
}

fn fingerprint(device: &DeviceRecord) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for name in LASTING {
        add(device.properties.get(name).map_or("", String::as_str));
    }
    add(device.agent_target.as_deref().unwrap_or_default());
    add(if device.emulated { "emulated" } else { "" });
    hasher.finalize().to_hex().chars().take(FINGERPRINT_DIGITS).collect()
}
