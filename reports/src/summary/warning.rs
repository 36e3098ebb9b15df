//! What a reader should know before believing a figure. Each wording exists here and nowhere else.

use std::fmt;

use super::CellSummary;
use super::choice::{is_loss, shown};
use crate::record::{BlockRecord, CellRecord, DeviceRecord};
use crate::stats::quantile::Tail;
use crate::stats::steady::{Steadiness, steadiness};

/// Block medians further apart than this are noise that a reader should see: the envelope of a quiet board is 1 %.
const NOISY_SPREAD: f64 = 0.05;

/// The clock may be this share of a sample before it counts.
const TIMER_SHARE: f64 = 0.01;

/// The clock of the CPU may move by this share within a block.
const CLOCK_SHARE: f64 = 0.10;

/// Share of a block's time that a hypervisor may take.
const STEAL_SHARE: f64 = 0.01;

/// Length of a tick of `/proc/stat`: USER_HZ is 100 on every Linux that we measure (proc(5)).
const TICK_NANOS: f64 = 1e7;

/// Blocks that it takes for an interval of 93.75 %.
const BLOCKS_WANTED: usize = 5;

/// A fact that weakens a figure or contradicts what one hopes for.
#[derive(Clone, PartialEq, Debug)]
pub enum Warning {
    /// The whole interval of the speed lies below 1.
    Slower {
        /// Variant it is slower than.
        reference: String,
        /// Speed against it, below 1.
        speed: f64,
    },
    /// More answers were lost than chance explains.
    LessAccurate {
        /// Share of answers lost, above 0.
        drop: f64,
        /// McNemar's mid-p.
        mid_p: f64,
    },
    /// Every example got the same answer.
    OneAnswer {
        /// That class.
        class: u32,
    },
    /// Scores are not numbers.
    NotANumber {
        /// In so many examples.
        examples: u64,
    },
    /// Block medians lie far apart.
    NoisyBlocks {
        /// Largest relative distance from their median.
        spread: f64,
    },
    /// Samples that never settled on a level.
    NeverSteady {
        /// In so many blocks.
        blocks: usize,
    },
    /// Blocks that do not count.
    InvalidBlocks {
        /// How many.
        count: usize,
        /// Why the first does not.
        first: String,
    },
    /// Too few blocks for a good interval.
    FewBlocks {
        /// How many count.
        found: usize,
    },
    /// Too few samples for a 90th percentile.
    FewSamples {
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// The machine had more to do than processors to do it.
    Load {
        /// Highest load average before a block.
        load: f32,
        /// Processors.
        cores: u32,
    },
    /// The CPU was throttled.
    Throttled {
        /// In so many blocks.
        blocks: usize,
    },
    /// The clock of the CPU was not the same before and after.
    ClockMoved {
        /// Largest relative change within a block.
        change: f64,
    },
    /// A hypervisor took processor time away.
    Stolen {
        /// Largest share of a block's time.
        share: f64,
    },
    /// Reading the clock is a visible part of a sample.
    TimerOverhead {
        /// Largest share of the median.
        share: f64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: &f64| 100.0 * share;
        match self {
            Self::Slower { reference, speed } => {
                write!(to, "slower than {reference}: {speed:.2} times its speed")
            }
            Self::LessAccurate { drop, mid_p } => write!(
                to,
                "less accurate than the reference by {:.2} points, more than chance explains (mid-p {mid_p:.3})",
                percent(drop)
            ),
            Self::OneAnswer { class } => write!(to, "answers class {class} to every example"),
            Self::NotANumber { examples } => write!(to, "scores that are not numbers in {examples} examples"),
            Self::NoisyBlocks { spread } => {
                write!(
                    to,
                    "noisy: a block's median lies {:.0} % from the median of all blocks",
                    percent(spread)
                )
            }
            Self::NeverSteady { blocks: count } => write!(to, "never steady in {}", blocks(*count)),
            Self::InvalidBlocks { count, first } => write!(to, "{} left out: {first}", blocks(*count)),
            Self::FewBlocks { found } => {
                write!(
                    to,
                    "only {} for the interval: {BLOCKS_WANTED} would make it one of 93.8 %",
                    blocks(*found)
                )
            }
            Self::FewSamples { found, needed } => write!(to, "{found} samples: p90 takes {needed}"),
            Self::Load { load, cores } => write!(to, "load {load:.1} on {cores} cores before a block"),
            Self::Throttled { blocks: count } => write!(to, "throttled in {}", blocks(*count)),
            Self::ClockMoved { change } => {
                write!(to, "the CPU's clock moved by {:.0} % within a block", percent(change))
            }
            Self::Stolen { share } => {
                write!(to, "a hypervisor took {:.1} % of the time of a block", percent(share))
            }
            Self::TimerOverhead { share } => {
                write!(to, "reading the clock is {:.1} % of a sample", percent(share))
            }
        }
    }
}

fn blocks(count: usize) -> String {
    format!("{count} {}", if count == 1 { "block" } else { "blocks" })
}

/// Everything worth a warning about a cell, weightiest first.
pub(super) fn warnings(
    summary: &CellSummary,
    record: &CellRecord,
    device: Option<&DeviceRecord>,
) -> Vec<Warning> {
    let valid: Vec<&BlockRecord> = record.blocks.iter().filter(|block| block.invalid.is_none()).collect();
    let found = [
        about_speed(summary),
        about_loss(summary),
        about_answers(summary),
        about_scores(summary),
        about_invalid(record),
        about_noise(summary),
        about_steadiness(&valid),
        about_load(&valid, device),
        about_throttling(&valid),
        about_clock(&valid),
        about_steal(&valid),
        about_timer(summary, &valid),
        about_blocks(summary),
        about_samples(summary),
    ];
    found.into_iter().flatten().collect()
}

fn about_speed(summary: &CellSummary) -> Option<Warning> {
    let speed = summary.speed.as_ref()?;
    let slower = shown(&speed.ratio)?.upper < 1.0;
    slower.then(|| Warning::Slower { reference: speed.reference.clone(), speed: speed.ratio.ratio })
}

fn about_loss(summary: &CellSummary) -> Option<Warning> {
    let flips = summary.accuracy.as_ref()?.flips.filter(is_loss)?;
    Some(Warning::LessAccurate { drop: -flips.accuracy_change()?, mid_p: flips.mid_p() })
}

fn about_answers(summary: &CellSummary) -> Option<Warning> {
    summary.accuracy.as_ref()?.only_answer.map(|class| Warning::OneAnswer { class })
}

fn about_scores(summary: &CellSummary) -> Option<Warning> {
    let examples = summary.accuracy.as_ref()?.not_a_number;
    (examples > 0).then_some(Warning::NotANumber { examples })
}

fn about_invalid(record: &CellRecord) -> Option<Warning> {
    let count = record.blocks.iter().filter(|block| block.invalid.is_some()).count();
    let first = record.blocks.iter().find_map(|block| block.invalid.clone())?;
    Some(Warning::InvalidBlocks { count, first })
}

fn about_noise(summary: &CellSummary) -> Option<Warning> {
    let spread = summary.latency.as_ref()?.median.spread();
    (spread > NOISY_SPREAD).then_some(Warning::NoisyBlocks { spread })
}

fn about_steadiness(blocks: &[&BlockRecord]) -> Option<Warning> {
    let never = |block: &&&BlockRecord| {
        let samples: Vec<f64> = block.steady_nanos.iter().map(|nanos| *nanos as f64).collect();
        steadiness(&samples) == Steadiness::Never
    };
    let blocks = blocks.iter().filter(never).count();
    (blocks > 0).then_some(Warning::NeverSteady { blocks })
}

fn about_load(blocks: &[&BlockRecord], device: Option<&DeviceRecord>) -> Option<Warning> {
    let cores: u32 = device?.properties.get("cpu_cores")?.parse().ok()?;
    let load = blocks.iter().filter_map(|block| block.before.load_1m).reduce(f32::max)?;
    (f64::from(load) > f64::from(cores)).then_some(Warning::Load { load, cores })
}

fn about_throttling(blocks: &[&BlockRecord]) -> Option<Warning> {
    let throttled = |block: &&&BlockRecord| block.after.throttle_count > block.before.throttle_count;
    let blocks =
        blocks.iter().filter(|block| block.before.throttle_count.is_some()).filter(throttled).count();
    (blocks > 0).then_some(Warning::Throttled { blocks })
}

fn about_clock(blocks: &[&BlockRecord]) -> Option<Warning> {
    let change = |block: &&BlockRecord| {
        let (before, after) = (f64::from(block.before.cpu_khz?), f64::from(block.after.cpu_khz?));
        (before > 0.0).then_some((after / before - 1.0).abs())
    };
    let change = blocks.iter().filter_map(change).fold(0.0, f64::max);
    (change > CLOCK_SHARE).then_some(Warning::ClockMoved { change })
}

fn about_steal(blocks: &[&BlockRecord]) -> Option<Warning> {
    let share = |block: &&BlockRecord| {
        let ticks = block.after.steal_ticks?.checked_sub(block.before.steal_ticks?)?;
        (block.steady_wall_nanos > 0).then(|| ticks as f64 * TICK_NANOS / block.steady_wall_nanos as f64)
    };
    let share = blocks.iter().filter_map(share).fold(0.0, f64::max);
    (share > STEAL_SHARE).then_some(Warning::Stolen { share })
}

fn about_timer(summary: &CellSummary, blocks: &[&BlockRecord]) -> Option<Warning> {
    let median = summary.latency.as_ref()?.median.median;
    let overhead = blocks.iter().map(|block| block.timer_overhead_nanos).max()? as f64;
    let share = overhead / median;
    (median > 0.0 && share > TIMER_SHARE).then_some(Warning::TimerOverhead { share })
}

fn about_blocks(summary: &CellSummary) -> Option<Warning> {
    let latency = summary.latency.as_ref().filter(|latency| !latency.emulated)?;
    let found = latency.median.block_medians.len();
    (found < BLOCKS_WANTED).then_some(Warning::FewBlocks { found })
}

fn about_samples(summary: &CellSummary) -> Option<Warning> {
    // Of counts that repeat exactly, few say as much as many.
    match summary.latency.as_ref().filter(|latency| !latency.emulated)?.p90 {
        Tail::TooFew { found, needed } => Some(Warning::FewSamples { found, needed }),
        Tail::Known(_) => None,
    }
}
