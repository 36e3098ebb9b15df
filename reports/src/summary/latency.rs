//! Latency figures of a cell: blocks that count, the pooled distribution, the speed against the reference.

use crate::record::{BlockRecord, CellRecord};
use crate::stats::blocks::{BlockMedian, median_over_blocks};
use crate::stats::quantile::{Tail, median_of, sorted, tail};
use crate::stats::ratio::{NumberedMedian, Ratio, ratio_of_medians};

/// Steady inferences of a cell. In nanoseconds, or in the emulator's count where `emulated` is set: that is no time.
#[derive(Clone, PartialEq, Debug)]
pub struct Latency {
    /// Whether the values are counts of an emulator.
    pub emulated: bool,
    /// Median over blocks, with its interval.
    pub median: BlockMedian,
    /// 90th percentile of all samples.
    pub p90: Tail,
    /// 99th percentile of all samples.
    pub p99: Tail,
    /// Every steady sample of the blocks that count, ascending.
    pub ascending: Vec<f64>,
    /// Blocks that do not count, and why each does not.
    pub invalid_blocks: Vec<(u32, String)>,
}

/// How fast a cell is against its reference.
#[derive(Clone, PartialEq, Debug)]
pub struct Speed {
    /// Variant it is compared with.
    pub reference: String,
    /// Median latency of the reference by that of the cell: above 1 the cell is faster.
    pub ratio: Ratio,
}

/// None if no block counts. Blocks marked invalid are left out by their mark alone, whatever they show.
pub fn latency(record: &CellRecord, emulated: bool) -> Option<Latency> {
    let blocks: Vec<Vec<f64>> =
        record.blocks.iter().filter(|block| block.invalid.is_none()).map(steady).collect();
    let median = median_over_blocks(blocks.iter().map(Vec::as_slice))?;
    let ascending = sorted(blocks.concat());
    let invalid = |block: &BlockRecord| Some((block.block, block.invalid.clone()?));
    Some(Latency {
        emulated,
        median,
        p90: tail(&ascending, 0.90),
        p99: tail(&ascending, 0.99),
        ascending,
        invalid_blocks: record.blocks.iter().filter_map(invalid).collect(),
    })
}

/// The speed of `record` against `reference`. A block that is invalid on one side is left out on both, so that what
/// is compared ran side by side.
pub(super) fn speed(record: &CellRecord, reference: &CellRecord, seed: u64) -> Option<Speed> {
    let counts = |side: &CellRecord, number: u32| {
        side.blocks.iter().filter(|block| block.block == number).all(|block| block.invalid.is_none())
    };
    let medians = |side: &CellRecord| -> Vec<NumberedMedian> {
        let counting =
            side.blocks.iter().filter(|block| counts(record, block.block) && counts(reference, block.block));
        counting.filter_map(|block| Some((block.block, median_of(steady(block))?))).collect()
    };
    let ratio = ratio_of_medians(&medians(reference), &medians(record), seed)?;
    Some(Speed { reference: reference.cell.variant.clone(), ratio })
}

fn steady(block: &BlockRecord) -> Vec<f64> {
    block.steady_nanos.iter().map(|nanos| *nanos as f64).collect()
}
