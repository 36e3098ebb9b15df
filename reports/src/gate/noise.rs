//! The noise between two runs of the same thing on the same device, from the history; and what a wanted resolution
//! costs in pairs and minutes.
//!
//! Two sessions differ by more than the blocks inside one: another temperature, another layout of memory, another
//! neighbour. Only repeated runs of the same model file and the same sources tell by how much.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::pairing;
use super::reading::{figure_of_block, per_run};
use crate::policy::{Envelope, Metric};
use crate::record::{Cell, CellRecord, RunRecord};
use crate::stats::Interval;
use crate::stats::quantile::median_of;
use crate::verdict::Evidence;

/// Fewer repetitions than this tell nothing about noise.
const MIN_FREEDOM: usize = 4;

/// Standard deviation of the logarithm of a figure between runs of the same thing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct RunNoise {
    pub(super) deviation: f64,
    /// Degrees of freedom; none where a policy stated the deviation.
    pub(super) freedom: Option<usize>,
}

/// From runs of equal sources and equal model file; none with too few.
pub(super) fn between_runs(
    history: &[RunRecord],
    cell: &Cell,
    metric: Metric,
    envelope: &Envelope,
) -> Option<RunNoise> {
    let mut groups: BTreeMap<(&str, &str), BTreeMap<&str, f64>> = BTreeMap::new();
    for run in history {
        let Some(record) = run.cells.iter().find(|one| one.cell == *cell) else { continue };
        let artifact =
            run.artifacts.iter().find(|one| one.model == cell.model && one.variant == cell.variant);
        if let Some((artifact, value)) =
            artifact.zip(per_run(record, metric, envelope)).filter(|(_, value)| *value > 0.0)
        {
            groups
                .entry((&run.run.source_hash, &artifact.digest))
                .or_default()
                .insert(&run.run.id, value.ln());
        }
    }
    let (mut squares, mut freedom) = (0.0, 0);
    for group in groups.values().filter(|group| group.len() > 1) {
        let mean = group.values().sum::<f64>() / group.len() as f64;
        squares += group.values().map(|value| (value - mean).powi(2)).sum::<f64>();
        freedom += group.len() - 1;
    }
    (freedom >= MIN_FREEDOM)
        .then(|| RunNoise { deviation: (squares / freedom as f64).sqrt(), freedom: Some(freedom) })
}

/// The change from one session to another, judged against the noise between sessions.
pub(super) fn evidence(noise: RunNoise, before: f64, after: f64, alpha: f64) -> Option<Evidence> {
    let change = (after / before).ln();
    let deviation = noise.deviation * std::f64::consts::SQRT_2;
    if !change.is_finite() || deviation <= 0.0 {
        return None;
    }
    let (quantile, above) = match noise.freedom {
        Some(freedom) => {
            let t = StudentsT::new(0.0, 1.0, freedom as f64).ok()?;
            (t.inverse_cdf(1.0 - alpha), t.sf(change / deviation))
        }
        None => (Normal::standard().inverse_cdf(1.0 - alpha), Normal::standard().sf(change / deviation)),
    };
    let half = quantile * deviation;
    let interval = Interval { lower: change - half, upper: change + half, confidence: 1.0 - 2.0 * alpha };
    Some(Evidence { worse_by: change, interval: Some(interval), p_worse: above, p_better: 1.0 - above })
}

/// What it takes to see a change in a cell on its device.
#[derive(Clone, PartialEq, Debug)]
pub struct PlanRow {
    /// The cell.
    pub cell: Cell,
    /// Standard deviation of the logarithm of the ratio of two neighbouring blocks.
    pub pair_deviation: f64,
    /// Pairs of neighbouring blocks that the deviation was taken from.
    pub observed: usize,
    /// Time of one block, set-up and warm-up included, in seconds.
    pub block_seconds: f64,
    /// Pairs of blocks.
    pub pairs: u32,
}

impl PlanRow {
    /// Time of all pairs, in minutes.
    pub fn minutes(&self) -> f64 {
        2.0 * f64::from(self.pairs) * self.block_seconds / 60.0
    }
}

/// Efficiency of the signed-rank test against the t test on normal noise (3 / pi): never much worse, often better.
const RANK_EFFICIENCY: f64 = 3.0 / std::f64::consts::PI;

/// Pairs it takes to find a change of the fraction `resolution` with `power` at the one-sided level `alpha`, corrected
/// for as many cells as there are, from neighbouring blocks of earlier runs on the same device. Cells with too little
/// history are left out. Ordered by cell.
pub fn plan(history: &[RunRecord], resolution: f64, power: f64, alpha: f64) -> Vec<PlanRow> {
    let mut cells: BTreeMap<&Cell, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for record in history.iter().flat_map(|run| &run.cells) {
        let (changes, seconds) = cells.entry(&record.cell).or_default();
        changes.extend(neighbours(record));
        seconds.extend(record.blocks.iter().map(block_seconds));
    }
    cells.retain(|_, (changes, _)| changes.len() >= MIN_FREEDOM);
    let count = cells.len().max(1) as f64;
    let normal = Normal::standard();
    let z = normal.inverse_cdf(1.0 - alpha / count) + normal.inverse_cdf(power);
    // With fewer pairs than this no p value reaches the level, however clear the change.
    let fewest = (count / alpha).log2().ceil().max(5.0);
    let row = |(cell, (changes, seconds)): (&Cell, (Vec<f64>, Vec<f64>))| {
        let pair_deviation = deviation(&changes)?;
        let wanted = (z * pair_deviation / resolution.ln_1p()).powi(2) / RANK_EFFICIENCY;
        let pairs = wanted.max(fewest).ceil().min(f64::from(u32::MAX)) as u32;
        let block_seconds = median_of(seconds)?;
        Some(PlanRow { cell: cell.clone(), pair_deviation, observed: changes.len(), block_seconds, pairs })
    };
    cells.into_iter().filter_map(row).collect()
}

/// Logarithms of the ratio of each block to the one before it: nothing changed between them.
fn neighbours(record: &CellRecord) -> Vec<f64> {
    let (blocks, _) = pairing::counting(record, &Envelope::default());
    let medians: Vec<f64> =
        blocks.iter().filter_map(|block| figure_of_block(block, Metric::Latency)).collect();
    let changes = medians.windows(2).map(|two| (two[1] / two[0]).ln());
    changes.filter(|change| change.is_finite()).collect()
}

/// From the median magnitude, so that one interrupted block does not double the bill (1.4826 makes it the standard
/// deviation of a normal distribution).
fn deviation(changes: &[f64]) -> Option<f64> {
    median_of(changes.iter().map(|change| change.abs())).map(|median| 1.4826 * median)
}

fn block_seconds(block: &crate::record::BlockRecord) -> f64 {
    let warmup: u64 = block.warmup_nanos.iter().sum();
    (block.init_nanos + warmup + block.steady_wall_nanos) as f64 / 1e9
}
