//! Which variant of a group may be shipped, and what speaks against each of the others. Judges by what is shown, not by
//! which figure happens to be larger: an interval that holds 1 shows no speed, and a loss that chance explains is none.
//! Knows no words; `render/shipping.rs` has them.

use super::{CellSummary, Group};
use crate::stats::paired_drop;
use crate::stats::ratio::Ratio;
use crate::stats::{Interval, paired::Flips};

/// Level at which a loss of accuracy is called more than chance.
const ALPHA: f64 = 0.05;

/// Level that an interval must have to show a speed: that of five blocks.
const LEAST_CONFIDENCE: f64 = 0.9;

/// What is known of a variant beside its reference.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Standing {
    /// It is the reference.
    Reference,
    /// It was not measured to its end, or there is nothing to compare it with.
    Unknown,
    /// Answers one class to everything, or scores that are no numbers.
    Broken,
    /// Loses more answers than chance explains.
    LessAccurate(Flips),
    /// The whole interval of its speed lies below 1.
    Slower,
    /// The whole interval of its speed lies above 1.
    Faster,
    /// Neither faster nor slower is shown; always so on an emulated device, where nothing is a time.
    AsFast,
}

impl Standing {
    /// Whether it gives answers that may be shipped, however fast they come.
    pub fn is_accurate(self) -> bool {
        !matches!(self, Self::Unknown | Self::Broken | Self::LessAccurate(_))
    }
}

/// The standing of a cell.
pub fn standing(cell: &CellSummary) -> Standing {
    if !cell.is_complete() {
        return Standing::Unknown;
    }
    if let Some(accuracy) = &cell.accuracy {
        if accuracy.only_answer.is_some() || accuracy.not_a_number > 0 {
            return Standing::Broken;
        }
        if let Some(flips) = accuracy.flips.filter(is_loss) {
            return Standing::LessAccurate(flips);
        }
    }
    match &cell.speed {
        _ if cell.is_reference => Standing::Reference,
        _ if cell.emulated => Standing::AsFast,
        None => Standing::Unknown,
        Some(speed) => match shown(&speed.ratio) {
            Some(interval) if interval.upper < 1.0 => Standing::Slower,
            Some(interval) if interval.lower > 1.0 => Standing::Faster,
            _ => Standing::AsFast,
        },
    }
}

/// The interval of a ratio, if it is sure enough to call a variant faster or slower: that of too few blocks is not.
pub(super) fn shown(ratio: &Ratio) -> Option<Interval> {
    ratio.interval.filter(|interval| interval.confidence >= LEAST_CONFIDENCE)
}

/// Whether more answers were lost than won, beyond what chance explains.
pub(super) fn is_loss(flips: &Flips) -> bool {
    flips.right_to_wrong > flips.wrong_to_right && flips.mid_p() < ALPHA
}

/// The largest drop, as a share, that the examples leave possible for others of their kind: the upper end of Tango's
/// 95 % interval.
pub fn largest_drop(flips: &Flips) -> Option<f64> {
    let Interval { upper, .. } = paired_drop::interval(flips, 1.0 - ALPHA)?;
    Some(upper.max(0.0))
}

impl Group {
    /// The variant to ship: the fastest that is shown to be faster than the reference and loses nothing; where there is
    /// none, the smallest that is not shown to be slower. None where nothing can be recommended.
    pub fn pick(&self) -> Option<&CellSummary> {
        let standings = || self.cells.iter().map(|cell| (cell, standing(cell)));
        let faster = standings().filter(|(_, standing)| *standing == Standing::Faster);
        let ratio = |cell: &CellSummary| cell.speed.as_ref().map_or(0.0, |speed| speed.ratio.ratio);
        let fastest = faster.map(|(cell, _)| cell).max_by(|one, other| ratio(one).total_cmp(&ratio(other)));
        let no_slower = |(_, standing): &(&CellSummary, Standing)| {
            matches!(standing, Standing::Reference | Standing::AsFast)
        };
        let smallest = || {
            let sized = standings().filter(no_slower).filter(|(cell, _)| cell.file_bytes.is_some());
            sized.min_by_key(|(cell, _)| cell.file_bytes).map(|(cell, _)| cell)
        };
        fastest.or_else(smallest)
    }

    /// Whether any cell has answers that could be compared.
    pub fn knows_accuracy(&self) -> bool {
        self.cells.iter().any(|cell| cell.accuracy.as_ref().is_some_and(|one| one.flips.is_some()))
    }
}
