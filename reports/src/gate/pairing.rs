//! How two measurements of a cell can be compared: as pairs that ran side by side, or as two sessions apart.
//!
//! The records themselves must show it: pairs are believed only where the blocks of both arms really took turns, in an
//! order that was drawn. Blocks outside the envelope leave with their partner.

use jiff::Timestamp;

use crate::policy::Envelope;
use crate::record::{BlockRecord, CellRecord};

/// How the blocks of two arms lie to each other in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Design {
    /// Block by block in turns, in an order drawn by a coin: the tests are exact whatever the noise.
    Interleaved,
    /// In turns, but always the same arm first: whatever the first warms or cools favours one.
    FixedOrder,
    /// One after the other: between them the machine may have changed as a whole.
    Sequential,
    /// Counts of an emulator: the same every time.
    Counted,
}

/// With fewer pairs an order that is always the same happens by chance too often (once in 32,768 with so many) to be
/// held against anybody.
const PAIRS_TO_TELL_ORDER: usize = 16;

/// Pairs of blocks that count.
pub(super) struct Pairs<'a> {
    pub(super) pairs: Vec<(&'a BlockRecord, &'a BlockRecord)>,
    pub(super) planned: usize,
    pub(super) first_reason: Option<String>,
}

/// The design that the times of the blocks show.
pub(super) fn design(baseline: &CellRecord, candidate: &CellRecord, emulated: bool) -> Design {
    if emulated {
        return Design::Counted;
    }
    let Some(times) = times(baseline, candidate) else { return Design::Sequential };
    let in_turns = times.windows(2).all(|two| two[0].0.max(two[0].1) <= two[1].0.min(two[1].1));
    if !in_turns || times.len() < 2 {
        return Design::Sequential;
    }
    let first = times.iter().filter(|(before, after)| before <= after).count();
    let always_the_same = first == 0 || first == times.len();
    if always_the_same && times.len() >= PAIRS_TO_TELL_ORDER {
        Design::FixedOrder
    } else {
        Design::Interleaved
    }
}

/// Start of both blocks of each number, if both arms have the same numbers.
fn times(baseline: &CellRecord, candidate: &CellRecord) -> Option<Vec<(Timestamp, Timestamp)>> {
    let (before, after) = (in_order(baseline), in_order(candidate));
    let same =
        before.len() == after.len() && before.iter().zip(&after).all(|(one, other)| one.block == other.block);
    if !same {
        return None;
    }
    let start = |block: &BlockRecord| block.started_at.parse::<Timestamp>().ok();
    before.iter().zip(&after).map(|(one, other)| Some((start(one)?, start(other)?))).collect()
}

fn in_order(cell: &CellRecord) -> Vec<&BlockRecord> {
    let mut blocks: Vec<&BlockRecord> = cell.blocks.iter().collect();
    blocks.sort_by_key(|block| block.block);
    blocks
}

/// Pairs by number; a pair of which one block does not count is left out whole.
pub(super) fn pairs<'a>(
    baseline: &'a CellRecord,
    candidate: &'a CellRecord,
    envelope: &Envelope,
) -> Pairs<'a> {
    let (before, after) = (in_order(baseline), in_order(candidate));
    let mut found = Pairs { pairs: Vec::new(), planned: before.len().max(after.len()), first_reason: None };
    for one in before {
        let Some(other) = after.iter().find(|other| other.block == one.block) else { continue };
        match outside(one, envelope).or_else(|| outside(other, envelope)) {
            None => found.pairs.push((one, *other)),
            Some(reason) => found.first_reason = found.first_reason.or(Some(reason)),
        }
    }
    found
}

/// Blocks of one arm that count, and why the first other one does not.
pub(super) fn counting<'a>(
    cell: &'a CellRecord,
    envelope: &Envelope,
) -> (Vec<&'a BlockRecord>, Option<String>) {
    let mut reason = None;
    let mut blocks = Vec::new();
    for block in in_order(cell) {
        match outside(block, envelope) {
            None => blocks.push(block),
            Some(why) => reason = reason.or(Some(why)),
        }
    }
    (blocks, reason)
}

/// Why a block does not count, by rules that know nothing of what it measured.
fn outside(block: &BlockRecord, envelope: &Envelope) -> Option<String> {
    if let Some(reason) = &block.invalid {
        return Some(reason.clone());
    }
    if block.steady_nanos.is_empty() {
        return Some("no sample was taken".to_owned());
    }
    throttled(block, envelope)
        .or_else(|| hot(block, envelope))
        .or_else(|| slowed(block, envelope))
        .or_else(|| loaded(block, envelope))
}

fn throttled(block: &BlockRecord, envelope: &Envelope) -> Option<String> {
    let (before, after) = (block.before.throttle_count?, block.after.throttle_count?);
    (envelope.throttling && after > before).then(|| "the processor was throttled".to_owned())
}

fn hot(block: &BlockRecord, envelope: &Envelope) -> Option<String> {
    let most = envelope.max_temperature_millicelsius?;
    let temperatures = [block.before.temperature_millicelsius, block.after.temperature_millicelsius];
    let hottest = temperatures.into_iter().flatten().max()?;
    let celsius = |value: i32| f64::from(value) / 1000.0;
    (hottest > most).then(|| format!("{:.1} C, above {:.1} C", celsius(hottest), celsius(most)))
}

fn slowed(block: &BlockRecord, envelope: &Envelope) -> Option<String> {
    let most = envelope.max_clock_drop?;
    let (before, after) = (f64::from(block.before.cpu_khz?), f64::from(block.after.cpu_khz?));
    (after < before * (1.0 - most))
        .then(|| format!("the clock fell by {:.0} %", (1.0 - after / before) * 100.0))
}

fn loaded(block: &BlockRecord, envelope: &Envelope) -> Option<String> {
    let (most, load) = (envelope.max_load?, f64::from(block.before.load_1m?));
    // A load that is no number is no load that is known to be low.
    (load.is_nan() || load > most).then(|| format!("load {load:.1} before it, above {most:.1}"))
}
