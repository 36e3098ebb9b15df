//! From records to the figures that are shown: the one place where a figure is derived. Every renderer, and the
//! summary columns of the Parquet file, read these values. Knows no colour, no layout and no unit prefix.

mod accuracy;
mod choice;
mod classes;
pub mod flat;
mod flipped;
mod latency;
mod slower;
mod warning;

pub use accuracy::{Accuracy, accuracy};
pub use choice::{Standing, largest_drop, standing};
pub use classes::{ClassDrop, class_drops};
pub use flipped::{FlippedExample, flipped_examples};
pub use latency::{Latency, Speed, latency};
pub use slower::{Culprit, culprits};
pub use warning::Warning;

use crate::record::{Cell, CellRecord, DeviceRecord, Energy, MemoryRecord, Outcome, RunRecord};
use crate::stats::blocks::{BlockMedian, from_block_medians};

/// What `quantize` of an artifact says when nothing was quantized.
const NOT_QUANTIZED: &str = "none";

/// Every figure of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct RunSummary {
    /// Cells that can be compared with each other, in the order they appear in the plan.
    pub groups: Vec<Group>,
    /// Cells that ended as planned.
    pub complete: usize,
    /// Cells of which a step failed.
    pub failed: usize,
    /// Cells that the run did not come to or did not end.
    pub unfinished: usize,
}

impl RunSummary {
    /// Every cell, group by group.
    pub fn cells(&self) -> impl Iterator<Item = &CellSummary> {
        self.groups.iter().flat_map(|group| &group.cells)
    }

    /// The figures of one cell.
    pub fn find(&self, cell: &Cell) -> Option<&CellSummary> {
        self.cells().find(|summary| summary.cell == *cell)
    }
}

/// Cells that differ in their variant only.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// Name of the device.
    pub device: String,
    /// Name of the model.
    pub model: String,
    /// What executes it.
    pub runtime: String,
    /// Worker threads.
    pub threads: u16,
    /// Whether the device is emulated: then no latency is a time.
    pub emulated: bool,
    /// Name of the variant that the others are compared with.
    pub reference: Option<String>,
    /// In the order of the plan.
    pub cells: Vec<CellSummary>,
}

/// Every figure of a cell; what is absent was not measured or may not be said.
#[derive(Clone, PartialEq, Debug)]
pub struct CellSummary {
    /// Which cell.
    pub cell: Cell,
    /// Whether it is what the others of its group are compared with.
    pub is_reference: bool,
    /// Whether its device is emulated: then its latencies are counts of the emulator and not times.
    pub emulated: bool,
    /// How it was quantized.
    pub quantize: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Length of the model file.
    pub file_bytes: Option<u64>,
    /// Length of the file by that of the reference.
    pub size_ratio: Option<f64>,
    /// Arena, packed weights, kernels.
    pub memory: Option<MemoryRecord>,
    /// Largest resident set over all blocks.
    pub peak_rss_bytes: Option<u64>,
    /// From bytes to ready, over blocks; in the unit of `latency`.
    pub init: Option<BlockMedian>,
    /// The very first inference of a process, over blocks; in the unit of `latency`.
    pub first_inference: Option<BlockMedian>,
    /// Steady inferences.
    pub latency: Option<Latency>,
    /// Against the reference.
    pub speed: Option<Speed>,
    /// Against the same network in the first other runtime of the run.
    pub against_peer: Option<Speed>,
    /// On the data set.
    pub accuracy: Option<Accuracy>,
    /// Of one inference.
    pub energy: EnergySummary,
    /// What a reader should know before believing the figures.
    pub warnings: Vec<Warning>,
}

impl CellSummary {
    /// Whether everything that was planned was measured.
    pub fn is_complete(&self) -> bool {
        self.outcome == Outcome::Complete
    }
}

/// Energy of one inference.
#[derive(Clone, PartialEq, Debug)]
pub enum EnergySummary {
    /// No meter: nothing is guessed.
    Unmeasured,
    /// Measured.
    PerInference {
        /// By this meter.
        meter: String,
        /// In microjoules, over blocks.
        microjoules: BlockMedian,
    },
}

/// The figures of each cell, in the order of the record.
pub fn summarize_in_order(run: &RunRecord) -> Vec<CellSummary> {
    run.cells.iter().map(|record| summarize_cell(run, record)).collect()
}

/// All figures of a run.
pub fn summarize(run: &RunRecord) -> RunSummary {
    let mut groups: Vec<Group> = Vec::new();
    for summary in summarize_in_order(run) {
        match groups.iter_mut().find(|group| group.holds(&summary.cell)) {
            Some(group) => group.cells.push(summary),
            None => groups.push(Group::of(run, summary)),
        }
    }
    let count = |wanted: fn(&Outcome) -> bool| run.cells.iter().filter(|cell| wanted(&cell.outcome)).count();
    RunSummary {
        groups,
        complete: count(|outcome| matches!(outcome, Outcome::Complete)),
        failed: count(|outcome| matches!(outcome, Outcome::Failed { .. })),
        unfinished: count(|outcome| matches!(outcome, Outcome::Unfinished)),
    }
}

impl Group {
    fn of(run: &RunRecord, first: CellSummary) -> Self {
        let Cell { device, model, runtime, threads, .. } = first.cell.clone();
        let emulated = first.emulated;
        let reference = reference_variant(run, &model).map(str::to_owned);
        Self { device, model, runtime, threads, emulated, reference, cells: vec![first] }
    }

    fn holds(&self, cell: &Cell) -> bool {
        self.device == cell.device
            && self.model == cell.model
            && self.runtime == cell.runtime
            && self.threads == cell.threads
    }
}

fn summarize_cell(run: &RunRecord, record: &CellRecord) -> CellSummary {
    let cell = &record.cell;
    let device = device_of(run, cell);
    let artifact = run.artifacts.iter().find(|one| one.model == cell.model && one.variant == cell.variant);
    let reference = reference_of(run, cell);
    let is_reference = reference.is_some_and(|reference| std::ptr::eq(reference, record));
    let other = reference.filter(|_| !is_reference);
    let emulated = device.is_some_and(|device| device.emulated);
    let latency = latency(record, emulated);
    let mut summary = CellSummary {
        cell: cell.clone(),
        is_reference,
        emulated,
        quantize: artifact.map(|artifact| artifact.quantize.clone()),
        outcome: record.outcome.clone(),
        file_bytes: file_bytes(run, &cell.model, &cell.variant),
        size_ratio: size_ratio(run, cell),
        memory: record.memory.clone(),
        peak_rss_bytes: record.blocks.iter().filter_map(|block| block.peak_rss_bytes).max(),
        init: over_blocks(record, |block| Some(block.init_nanos)),
        first_inference: over_blocks(record, |block| block.warmup_nanos.first().copied()),
        speed: other.and_then(|reference| latency::speed(record, reference, seed(run.run.seed, cell))),
        against_peer: peer_of(run, cell).and_then(|peer| {
            let speed = latency::speed(record, peer, seed(run.run.seed, cell))?;
            Some(Speed { reference: peer.cell.runtime.clone(), ..speed })
        }),
        latency,
        accuracy: record.evaluation.as_ref().and_then(|evaluation| {
            accuracy(evaluation, other.and_then(|reference| reference.evaluation.as_ref()))
        }),
        energy: energy(record),
        warnings: Vec::new(),
    };
    summary.warnings = warning::warnings(&summary, record, device);
    summary
}

fn device_of<'a>(run: &'a RunRecord, cell: &Cell) -> Option<&'a DeviceRecord> {
    run.devices.iter().find(|device| device.name == cell.device)
}

/// The first variant of the model that is not quantized.
fn reference_variant<'a>(run: &'a RunRecord, model: &str) -> Option<&'a str> {
    let found = run.artifacts.iter().find(|one| one.model == model && one.quantize == NOT_QUANTIZED)?;
    Some(&found.variant)
}

/// The record that a cell is compared with: the float variant beside it.
pub(crate) fn reference_of<'a>(run: &'a RunRecord, cell: &Cell) -> Option<&'a CellRecord> {
    let wanted = Cell { variant: reference_variant(run, &cell.model)?.to_owned(), ..cell.clone() };
    run.cells.iter().find(|record| record.cell == wanted)
}

/// The same network, measured in turns with it in another runtime.
fn peer_of<'a>(run: &'a RunRecord, cell: &Cell) -> Option<&'a CellRecord> {
    run.cells.iter().find(|record| {
        record.cell.runtime != cell.runtime
            && Cell { runtime: cell.runtime.clone(), ..record.cell.clone() } == *cell
    })
}

/// None for a file that could not be made.
fn file_bytes(run: &RunRecord, model: &str, variant: &str) -> Option<u64> {
    let found = run.artifacts.iter().find(|one| one.model == model && one.variant == variant)?;
    found.problem.is_none().then_some(found.file_bytes)
}

fn size_ratio(run: &RunRecord, cell: &Cell) -> Option<f64> {
    let own = file_bytes(run, &cell.model, &cell.variant)?;
    let reference = file_bytes(run, &cell.model, reference_variant(run, &cell.model)?)?;
    (reference > 0).then(|| own as f64 / reference as f64)
}

/// Median over valid blocks of one quantity a block.
fn over_blocks(
    record: &CellRecord,
    quantity: impl Fn(&crate::record::BlockRecord) -> Option<u64>,
) -> Option<BlockMedian> {
    let valid = record.blocks.iter().filter(|block| block.invalid.is_none());
    from_block_medians(valid.filter_map(quantity).map(|value| value as f64).collect())
}

/// By the first meter that measured a block; blocks of another meter are not mixed in.
fn energy(record: &CellRecord) -> EnergySummary {
    let mut first_meter = None;
    let mut per_inference = Vec::new();
    for block in
        record.blocks.iter().filter(|block| block.invalid.is_none() && !block.steady_nanos.is_empty())
    {
        if let Energy::Measured { meter, microjoules } = &block.energy
            && microjoules.is_finite()
            && *first_meter.get_or_insert(meter) == meter
        {
            per_inference.push(microjoules / block.steady_nanos.len() as f64);
        }
    }
    match (first_meter, from_block_medians(per_inference)) {
        (Some(meter), Some(microjoules)) => EnergySummary::PerInference { meter: meter.clone(), microjoules },
        _ => EnergySummary::Unmeasured,
    }
}

/// A seed of the cell's own, so that a further cell in the plan moves no interval of the others: FNV-1a over the
/// names of the cell, started from the run's seed.
fn seed(run_seed: u64, cell: &Cell) -> u64 {
    let text = [&cell.device, &cell.model, &cell.variant, &cell.runtime].map(|name| name.as_bytes()).join(&0);
    let bytes = text.into_iter().chain(cell.threads.to_le_bytes());
    bytes.fold(run_seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
