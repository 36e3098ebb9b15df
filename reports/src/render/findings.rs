//! Sentences about a run: what became of each variant, why a cell has no figures, how long the run took. Each wording
//! exists here only and every text renderer uses it.

use super::figures;
use crate::record::{Outcome, RunInfo, RunRecord};
use crate::stats::quantile::Tail;
use crate::summary::{CellSummary, EnergySummary, Group, RunSummary};

/// `host · mobilenet_v2 · edgebench · 1 thread`.
pub(super) fn group_title(group: &Group) -> String {
    let title = format!("{} · {} · {}", group.device, group.model, execution(group));
    if group.emulated { format!("{title} · emulated: instructions, not times") } else { title }
}

/// `edgebench · 1 thread`.
pub(super) fn execution(group: &Group) -> String {
    format!("{} · {}", group.runtime, figures::plural(usize::from(group.threads), "thread", "threads"))
}

/// `4 cells: 3 complete, 1 failed`.
pub(super) fn tally(summary: &RunSummary) -> String {
    let total = summary.complete + summary.failed + summary.unfinished;
    let mut parts = vec![format!("{} complete", summary.complete)];
    if summary.failed > 0 {
        parts.push(format!("{} failed", summary.failed));
    }
    if summary.unfinished > 0 {
        parts.push(format!("{} unfinished", summary.unfinished));
    }
    format!("{}: {}", figures::plural(total, "cell", "cells"), parts.join(", "))
}

/// `2026-11-24 21:17:07 UTC`; a text that is no moment stays as it is.
pub(super) fn moment(text: &str) -> String {
    let written = |moment: jiff::Timestamp| moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    text.parse().map_or_else(|_| text.to_owned(), written)
}

/// `1 min 12 s`; none while the run is not complete or if its times do not parse.
pub(super) fn duration(run: &RunInfo) -> Option<String> {
    let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let seconds = moment(run.finished_at.as_deref()?)?.duration_since(moment(&run.started_at)?).as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        _ if seconds < 0 => None,
        (0, 0) => Some(format!("{rest} s")),
        (0, _) => Some(format!("{minutes} min {rest} s")),
        _ => Some(format!("{hours} h {minutes} min")),
    }
}

/// Devices that could not be used and variants that could not be made: each with its name and why.
pub(super) fn unusable(run: &RunRecord) -> Vec<(String, String)> {
    let devices = run.devices.iter().filter_map(|one| Some((one.name.clone(), one.problem.clone()?)));
    let artifacts = run
        .artifacts
        .iter()
        .filter_map(|one| Some((format!("{} {}", one.model, one.variant), one.problem.clone()?)));
    devices.chain(artifacts).collect()
}

/// Why a cell is not complete; none if it is.
pub(super) fn trouble(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Complete => None,
        Outcome::Failed { stage, reason } => Some(format!("failed at {stage}: {reason}")),
        Outcome::Unfinished => {
            Some("unfinished: the run was stopped before this cell was complete".to_owned())
        }
    }
}

/// `0.27 times the size of fp32, 1.42 times as fast, top-1 −0.3 points (1 answer lost, 0 won of 360)`; none for the
/// reference and where there is nothing to compare.
pub(super) fn comparison(cell: &CellSummary, group: &Group) -> Option<String> {
    let reference = group.reference.as_ref().filter(|_| !cell.is_reference)?;
    let mut parts = Vec::new();
    if let Some(ratio) = cell.size_ratio {
        parts.push(format!("{ratio:.2} times the size of {reference}"));
    }
    if let Some(speed) = &cell.speed {
        parts.push(format!("{} times as fast", figures::digits(speed.ratio.ratio)));
    }
    if let Some(flips) = cell.accuracy.as_ref().and_then(|accuracy| accuracy.flips) {
        let change = figures::points(flips.accuracy_change()?, flips.compared);
        parts.push(format!(
            "top-1 {change} points ({} lost, {} won of {})",
            figures::plural(flips.right_to_wrong as usize, "answer", "answers"),
            figures::count(flips.wrong_to_right),
            figures::count(flips.compared)
        ));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What the intervals and gaps of a group's table mean, one line each, only for what occurs in it.
pub(super) fn legend(group: &Group) -> Vec<String> {
    let mut lines = vec![];
    lines.extend(group.emulated.then(|| COUNTS.to_owned()));
    lines.extend(interval_levels(group));
    if let Some(reference) = &group.reference {
        lines.push(format!(
            "vs ref, speed, flips: against {reference}; flips: − right to wrong, + wrong to right"
        ));
    }
    // A count is the same every time, and an emulator draws no current of the device.
    if !group.emulated {
        lines.extend(missing_tails(group));
        lines.extend(missing_energy(group));
    }
    lines
}

/// What stands in the columns of an emulated device.
const COUNTS: &str =
    "median, init, first: instructions executed on the emulated processor; nothing here is a time";

/// Levels of the intervals that occur, the lowest first.
fn interval_levels(group: &Group) -> Option<String> {
    let median = |cell: &CellSummary| {
        let median = &cell.latency.as_ref()?.median;
        Some((median.block_medians.len(), median.interval?.confidence))
    };
    let speed = |cell: &CellSummary| Some(cell.speed.as_ref()?.ratio.interval?.confidence);
    let mut medians: Vec<(usize, f64)> = group.cells.iter().filter_map(median).collect();
    medians.sort_by_key(|(blocks, _)| *blocks);
    medians.dedup();
    let medians = medians.into_iter().map(|(blocks, confidence)| {
        format!(
            "median {} over {}",
            figures::confidence(confidence),
            figures::plural(blocks, "block", "blocks")
        )
    });
    let speed = group.cells.iter().filter_map(speed).reduce(f64::min);
    let speed = speed.map(|confidence| format!("speed {}", figures::confidence(confidence)));
    let top1 = group.cells.iter().find_map(|cell| Some(cell.accuracy.as_ref()?.top1.interval.confidence));
    let top1 = top1.map(|confidence| format!("top-1 {}", figures::confidence(confidence)));
    let parts: Vec<String> = medians.chain(speed).chain(top1).collect();
    (!parts.is_empty()).then(|| format!("intervals: {}", parts.join("; ")))
}

fn missing_tails(group: &Group) -> Option<String> {
    let short = |cell: &CellSummary| match cell.latency.as_ref()?.p99 {
        Tail::TooFew { found, needed } => Some((found, needed)),
        Tail::Known(_) => None,
    };
    let (fewest, needed) = group.cells.iter().filter_map(short).min()?;
    let (fewest, needed) = (figures::count(fewest as u64), figures::count(needed as u64));
    Some(format!("p99 takes {needed} samples, there are as few as {fewest}"))
}

fn missing_energy(group: &Group) -> Option<String> {
    let timed = || group.cells.iter().filter(|cell| cell.latency.is_some());
    let missing = timed().filter(|cell| cell.energy == EnergySummary::Unmeasured).count();
    let all = timed().count();
    let of = if missing == all { String::new() } else { format!(" in {missing} of {all} cells") };
    (missing > 0).then(|| format!("energy unmeasured{of}: no meter"))
}
