//! Our runtime beside a peer, over all networks of a run: geometric means of the ratios, one line a variant. A network
//! counts where both runtimes have measured it in the same run, threads and device.

use std::fmt::Write as _;

use super::outside::printable;
use crate::record::{Cell, RunRecord};
use crate::summary::{CellSummary, summarize_in_order};

/// Property of a device: resident memory of its agent before it had opened anything.
const START_RSS: &str = "agent_start_rss_bytes";

/// Ratios of one variant, ours by the peer's: below 1 ours takes less.
#[derive(Default)]
struct Ratios {
    latency: Vec<(f64, String)>,
    start: Vec<f64>,
    memory: Vec<f64>,
}

/// Networks that are compared with each other by their ratios.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    device: String,
    threads: u16,
    runtimes: [String; 2],
    variant: String,
}

/// The lines; empty when no peer was measured.
pub fn beside(run: &RunRecord) -> String {
    let summaries = summarize_in_order(run);
    let mut all: Vec<(Key, Ratios)> = Vec::new();
    for (ours, theirs) in pairs(&summaries) {
        let key = Key {
            device: ours.cell.device.clone(),
            threads: ours.cell.threads,
            runtimes: [ours.cell.runtime.clone(), theirs.cell.runtime.clone()],
            variant: ours.cell.variant.clone(),
        };
        let at = all.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            all.push((key, Ratios::default()));
            all.len() - 1
        });
        all[at].1.add(run, ours, theirs);
    }
    lines(&all)
}

/// Each cell of the first runtime with the same of another.
fn pairs(summaries: &[CellSummary]) -> impl Iterator<Item = (&CellSummary, &CellSummary)> {
    let first = summaries.first().map(|one| one.cell.runtime.as_str());
    let ours = summaries.iter().filter(move |one| Some(one.cell.runtime.as_str()) == first);
    ours.filter_map(|one| Some((one, summaries.iter().find(|other| is_twin(&one.cell, &other.cell))?)))
}

fn is_twin(one: &Cell, other: &Cell) -> bool {
    one.runtime != other.runtime && Cell { runtime: one.runtime.clone(), ..other.clone() } == *one
}

impl Ratios {
    fn add(&mut self, run: &RunRecord, ours: &CellSummary, theirs: &CellSummary) {
        let speed = ours.against_peer.as_ref().map(|speed| 1.0 / speed.ratio.ratio);
        self.latency
            .extend(speed.filter(|ratio| ratio.is_finite()).map(|ratio| (ratio, ours.cell.model.clone())));
        let start =
            |one: &CellSummary| Some(one.init.as_ref()?.median + one.first_inference.as_ref()?.median);
        self.start.extend(ratio(start(ours), start(theirs)));
        let grown = |one: &CellSummary| {
            let device = run.devices.iter().find(|device| device.name == one.cell.device)?;
            let before: f64 = device.properties.get(START_RSS)?.parse().ok()?;
            Some(one.peak_rss_bytes? as f64 - before)
        };
        self.memory.extend(ratio(grown(ours), grown(theirs)));
    }

    fn worst(&self) -> Option<&(f64, String)> {
        self.latency.iter().max_by(|(one, _), (other, _)| one.total_cmp(other))
    }
}

fn ratio(ours: Option<f64>, theirs: Option<f64>) -> Option<f64> {
    let ratio = ours? / theirs?;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// None of nothing.
fn geometric_mean(ratios: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = ratios.len();
    let logs: f64 = ratios.map(f64::ln).sum();
    (count > 0).then(|| (logs / count as f64).exp())
}

fn shown(mean: Option<f64>) -> String {
    mean.map_or_else(|| "—".to_owned(), |mean| format!("{mean:.2}"))
}

fn lines(all: &[(Key, Ratios)]) -> String {
    let mut text = String::new();
    let mut title = String::new();
    for (Key { device, threads, runtimes, variant }, ratios) in all {
        let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
        let [ours, theirs] = runtimes;
        let wanted = printable(&format!("{ours} / {theirs} on {device}, {threads}"));
        if title != wanted {
            let _ = writeln!(text, "\n{wanted}: geometric means over networks, below 1 {ours} takes less");
            let _ = writeln!(
                text,
                "  {:<12} {:>8} {:>8} {:>8} {:>13} {:>10}",
                "variant", "networks", "latency", "worst", "load to first", "peak RSS"
            );
            title = wanted;
        }
        let latency = geometric_mean(ratios.latency.iter().map(|(ratio, _)| *ratio));
        let worst = ratios.worst();
        let _ = writeln!(
            text,
            "  {:<12} {:>8} {:>8} {:>8} {:>13} {:>10}{}",
            printable(variant),
            ratios.latency.len(),
            shown(latency),
            shown(worst.map(|(ratio, _)| *ratio)),
            shown(geometric_mean(ratios.start.iter().copied())),
            shown(geometric_mean(ratios.memory.iter().copied())),
            worst.map(|(_, model)| printable(&format!("  worst: {model}"))).unwrap_or_default()
        );
    }
    if !text.is_empty() {
        text.push_str("  peak RSS: what opening and running added to the agent's memory at its start\n");
    }
    text
}
