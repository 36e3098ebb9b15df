//! The figures of a cell under flat names, in base units: what CSV, JSON and the Parquet file's cell rows carry.

use super::{CellSummary, EnergySummary};
use crate::record::Outcome;
use crate::stats::Interval;
use crate::stats::paired::Flips;

/// How a figure is read from a summary; what was not measured is none.
#[derive(Clone, Copy)]
pub enum Figure {
    /// Bytes, examples, blocks: whole numbers.
    Count(fn(&CellSummary) -> Option<u64>),
    /// Everything with a fraction; may be rounded by nobody.
    Number(fn(&CellSummary) -> Option<f64>),
    /// Names and sentences.
    Text(fn(&CellSummary) -> Option<String>),
    /// Yes or no.
    Flag(fn(&CellSummary) -> Option<bool>),
}

use Figure::{Count, Flag, Number, Text};

/// Name and figure. Append only: scripts read these names.
pub const FIGURES: &[(&str, Figure)] = &[
    ("quantize", Text(|cell| cell.quantize.clone())),
    ("outcome", Text(|cell| Some(outcome_name(&cell.outcome).to_owned()))),
    ("stage", Text(|cell| failure(cell).map(|(stage, _)| stage.to_owned()))),
    ("reason", Text(|cell| failure(cell).map(|(_, reason)| reason.to_owned()))),
    ("emulated", Flag(|cell| Some(cell.emulated))),
    ("file_bytes", Count(|cell| cell.file_bytes)),
    ("size_ratio", Number(|cell| cell.size_ratio)),
    ("arena_bytes", Count(|cell| cell.memory.as_ref().map(|memory| memory.arena_bytes))),
    ("packed_bytes", Count(|cell| cell.memory.as_ref().map(|memory| memory.packed_bytes))),
    ("peak_rss_bytes", Count(|cell| cell.peak_rss_bytes)),
    ("blocks", Count(|cell| cell.latency.as_ref().map(|latency| latency.median.block_medians.len() as u64))),
    ("samples", Count(|cell| cell.latency.as_ref().map(|latency| latency.ascending.len() as u64))),
    ("init_nanos", Number(|cell| init(timed(cell)?))),
    ("first_nanos", Number(|cell| first(timed(cell)?))),
    ("median_nanos", Number(|cell| median(timed(cell)?))),
    ("median_lower_nanos", Number(|cell| Some(median_interval(timed(cell)?)?.lower))),
    ("median_upper_nanos", Number(|cell| Some(median_interval(timed(cell)?)?.upper))),
    ("median_confidence", Number(|cell| median_interval(cell).map(|interval| interval.confidence))),
    ("p90_nanos", Number(|cell| timed(cell)?.latency.as_ref()?.p90.value())),
    ("p99_nanos", Number(|cell| timed(cell)?.latency.as_ref()?.p99.value())),
    ("speed", Number(|cell| cell.speed.as_ref().map(|speed| speed.ratio.ratio))),
    ("speed_lower", Number(|cell| speed_interval(cell).map(|interval| interval.lower))),
    ("speed_upper", Number(|cell| speed_interval(cell).map(|interval| interval.upper))),
    ("speed_confidence", Number(|cell| speed_interval(cell).map(|interval| interval.confidence))),
    ("examples", Count(|cell| cell.accuracy.as_ref().map(|accuracy| accuracy.top1.total))),
    ("top1", Number(|cell| cell.accuracy.as_ref().map(|accuracy| accuracy.top1.share()))),
    ("top1_lower", Number(|cell| cell.accuracy.as_ref().map(|accuracy| accuracy.top1.interval.lower))),
    ("top1_upper", Number(|cell| cell.accuracy.as_ref().map(|accuracy| accuracy.top1.interval.upper))),
    ("top5", Number(|cell| Some(cell.accuracy.as_ref()?.top5?.share()))),
    ("right_to_wrong", Count(|cell| flips(cell).map(|flips| flips.right_to_wrong))),
    ("wrong_to_right", Count(|cell| flips(cell).map(|flips| flips.wrong_to_right))),
    ("mcnemar_mid_p", Number(|cell| flips(cell).map(|flips| flips.mid_p()))),
    ("inference_meter", Text(|cell| energy(cell).map(|(meter, _)| meter.to_owned()))),
    ("inference_microjoules", Number(|cell| energy(cell).map(|(_, microjoules)| microjoules))),
    (
        "warnings",
        Text(|cell| Some(cell.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))),
    ),
    ("init_instructions", Number(|cell| init(counted(cell)?))),
    ("first_instructions", Number(|cell| first(counted(cell)?))),
    ("median_instructions", Number(|cell| median(counted(cell)?))),
    ("median_lower_instructions", Number(|cell| Some(median_interval(counted(cell)?)?.lower))),
    ("median_upper_instructions", Number(|cell| Some(median_interval(counted(cell)?)?.upper))),
    ("p90_instructions", Number(|cell| counted(cell)?.latency.as_ref()?.p90.value())),
    ("p99_instructions", Number(|cell| counted(cell)?.latency.as_ref()?.p99.value())),
];

/// How an outcome is called in every export.
pub fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::Failed { .. } => "failed",
        Outcome::Unfinished => "unfinished",
    }
}

fn failure(cell: &CellSummary) -> Option<(&str, &str)> {
    match &cell.outcome {
        Outcome::Failed { stage, reason } => Some((stage, reason)),
        _ => None,
    }
}

/// The cell if its latencies are times.
fn timed(cell: &CellSummary) -> Option<&CellSummary> {
    Some(cell).filter(|cell| !cell.emulated)
}

/// The cell if its latencies are counts of instructions.
fn counted(cell: &CellSummary) -> Option<&CellSummary> {
    Some(cell).filter(|cell| cell.emulated)
}

fn init(cell: &CellSummary) -> Option<f64> {
    cell.init.as_ref().map(|init| init.median)
}

fn first(cell: &CellSummary) -> Option<f64> {
    cell.first_inference.as_ref().map(|first| first.median)
}

fn median(cell: &CellSummary) -> Option<f64> {
    cell.latency.as_ref().map(|latency| latency.median.median)
}

fn median_interval(cell: &CellSummary) -> Option<Interval> {
    cell.latency.as_ref()?.median.interval
}

fn speed_interval(cell: &CellSummary) -> Option<Interval> {
    cell.speed.as_ref()?.ratio.interval
}

fn flips(cell: &CellSummary) -> Option<Flips> {
    cell.accuracy.as_ref()?.flips
}

fn energy(cell: &CellSummary) -> Option<(&str, f64)> {
    match &cell.energy {
        EnergySummary::PerInference { meter, microjoules } => Some((meter, microjoules.median)),
        EnergySummary::Unmeasured => None,
    }
}
