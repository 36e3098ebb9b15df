//! Two revisions measured pair by pair: who is suspect, who is proven slower, and what is said of each cell.
//!
//! A quick screen looks at every cell; only where it sees something, fresh pairs are measured to confirm it, and only
//! those count: no sample is used twice and no better one is kept. The levels of screen and confirmation multiply, so
//! that over the whole matrix (Holm 1979) a clean comparison is blocked no more often than `family_alpha`. The
//! confirmation may stop early at looks that share its level. Knows pairs and levels: no device, no revision.

mod render;
mod self_check;

pub use render::{json, terminal};
pub use self_check::{SelfCheck, resolution, self_check_text};

use serde::Serialize;

use crate::record::Cell;
use crate::stats::Interval;
use crate::stats::early_stop::EarlyStop;
use crate::stats::sequential::Spending;
use crate::stats::sign_flip::noise_weighted;
use crate::stats::signed_rank::Shift;
use crate::stats::weighted_shift::weighted_shift;
use crate::verdict::{Evidence, Rule, Verdict};

/// Confidence of the intervals that are shown: two-sided, so that each end is at 5 %.
const CONFIDENCE: f64 = 0.90;

/// Fewest pairs from which anything is said.
const PAIRS_NEEDED: usize = 5;

/// More pairs left out than this share let nothing count.
const MOST_LEFT_OUT: f64 = 0.20;

/// One pair of fresh processes: what one inference of each arm takes.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Pair {
    /// Nanoseconds of the base.
    pub base_nanos: f64,
    /// Nanoseconds of the head.
    pub head_nanos: f64,
    /// Relative spread that both arms share, from 0; 0 where unknown.
    pub spread: f64,
}

/// How a comparison is made. Fixed before the first pair.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Plan {
    /// Pairs of the screen.
    pub screen_pairs: u32,
    /// One-sided level of the screen.
    pub screen_alpha: f64,
    /// Numbers of fresh pairs at which the confirmation is looked at, ascending.
    pub confirm_looks: Vec<u32>,
    /// How often a clean comparison may be blocked, over all its cells together.
    pub family_alpha: f64,
    /// Slowdown that is accepted, as a share: 0.01 for 1 %.
    pub margin: f64,
}

impl Default for Plan {
    /// One clean comparison in 100 is blocked at most, 12 pairs a clean cell on average.
    fn default() -> Self {
        Self {
            screen_pairs: 10,
            screen_alpha: 0.10,
            confirm_looks: vec![10, 15, 20],
            family_alpha: 0.01,
            margin: 0.01,
        }
    }
}

/// What was measured of one cell.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CellPairs {
    /// Which cell.
    pub cell: Cell,
    /// Pairs of the screen.
    pub screen: Vec<Pair>,
    /// Fresh pairs of the confirmation; empty of a cell that was not suspect.
    pub confirm: Vec<Pair>,
    /// Pairs left out by the rules that were fixed before, with both arms.
    pub left_out: u32,
    /// Why it could not be measured.
    pub problem: Option<String>,
}

impl CellPairs {
    /// Nothing measured yet.
    pub fn new(cell: Cell) -> Self {
        Self { cell, screen: Vec::new(), confirm: Vec::new(), left_out: 0, problem: None }
    }
}

/// What is said of one cell.
#[derive(Clone, PartialEq, Debug)]
pub struct Judged {
    /// The word.
    pub verdict: Verdict,
    /// Median slowdown of the pairs that count, as a share: 0.05 for 5 % slower.
    pub slowdown: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
    /// One-sided p of the screen.
    pub screen_p: Option<f64>,
    /// One-sided p of the confirmation.
    pub confirm_p: Option<f64>,
    /// Pairs of both together.
    pub pairs: usize,
}

impl Plan {
    /// Whether the screen asks for a confirmation.
    pub fn is_suspect(&self, cell: &CellPairs) -> bool {
        p_slower(&cell.screen).is_some_and(|p| p <= self.screen_alpha)
    }

    /// Whether the confirmation of a suspect is over, in a matrix of `cells`: it has all its pairs, or a look was
    /// enough at the level that holds whatever the other cells do.
    pub fn is_confirmed(&self, cell: &CellPairs, cells: usize) -> bool {
        let all = self.confirm_looks.last().is_none_or(|last| cell.confirm.len() >= *last as usize);
        all || self.is_proven(&cell.confirm, self.level(cells))
    }

    /// Level of one confirmation among `cells` that are still in question.
    fn level(&self, cells: usize) -> f64 {
        (self.family_alpha / (cells.max(1) as f64 * self.screen_alpha)).min(0.5)
    }

    /// Whether fresh pairs prove a slowdown at `alpha`, at any of the looks.
    fn is_proven(&self, confirm: &[Pair], alpha: f64) -> bool {
        let p_at = |count: &u32| confirm.get(..*count as usize).and_then(p_slower);
        // No look allows more than all of them together: most cells need no bounds.
        if self.confirm_looks.iter().filter_map(p_at).all(|p| p > alpha) {
            return false;
        }
        let plan = EarlyStop::plan(&self.confirm_looks, alpha, Spending::OBrienFleming);
        plan.is_some_and(|plan| plan.enough_after(&log_ratios(confirm), &spreads(confirm)).is_some())
    }

    /// What is said of each cell, in the order given.
    pub fn judge(&self, cells: &[CellPairs]) -> Vec<Judged> {
        let proven = self.blames(cells);
        let count = cells.len();
        cells.iter().zip(proven).map(|(cell, proven)| self.judge_cell(cell, proven, count)).collect()
    }

    /// Which cells are proven slower, in Holm's steps: the level of a cell is shared among those that are not proven
    /// yet.
    pub fn blames(&self, cells: &[CellPairs]) -> Vec<bool> {
        let suspect: Vec<bool> = cells.iter().map(|cell| self.is_suspect(cell)).collect();
        let mut proven = vec![false; cells.len()];
        loop {
            let left = proven.iter().filter(|proven| !**proven).count();
            let next = (0..cells.len()).find(|at| {
                suspect[*at] && !proven[*at] && self.is_proven(&cells[*at].confirm, self.level(left))
            });
            match next {
                Some(at) => proven[at] = true,
                None => return proven,
            }
        }
    }

    fn judge_cell(&self, cell: &CellPairs, proven: bool, cells: usize) -> Judged {
        // What was picked out by the screen would be too large if the screen counted.
        let counted =
            if self.is_suspect(cell) && !cell.confirm.is_empty() { &cell.confirm } else { &cell.screen };
        let shift = weighted_shift(&log_ratios(counted), &spreads(counted), CONFIDENCE);
        let share = |log: f64| log.exp() - 1.0;
        let interval = shift.and_then(|shift| shift.interval).map(|interval| Interval {
            lower: share(interval.lower),
            upper: share(interval.upper),
            confidence: interval.confidence,
        });
        Judged {
            verdict: self.verdict(cell, counted.len(), (proven, cells), shift.as_ref().zip(interval)),
            slowdown: shift.map(|shift| share(shift.estimate)),
            interval,
            screen_p: p_slower(&cell.screen),
            confirm_p: p_slower(&cell.confirm),
            pairs: cell.screen.len() + cell.confirm.len(),
        }
    }

    fn verdict(
        &self,
        cell: &CellPairs,
        counted: usize,
        (proven, cells): (bool, usize),
        shift: Option<(&Shift, Interval)>,
    ) -> Verdict {
        let measured = cell.screen.len() + cell.confirm.len();
        let all = measured as f64 + f64::from(cell.left_out);
        if cell.problem.is_some() || (measured == 0 && cell.left_out == 0) {
            return Verdict::Missing;
        }
        if f64::from(cell.left_out) > MOST_LEFT_OUT * all {
            return Verdict::Invalid;
        }
        let Some((shift, interval)) = shift else { return Verdict::Inconclusive };
        let evidence = Evidence {
            worse_by: shift.estimate.exp() - 1.0,
            interval: (counted >= PAIRS_NEEDED).then_some(interval),
            // The family has been seen to: what counts is whether it is proven.
            p_worse: if proven { 0.0 } else { 1.0 },
            // Nobody asked for improvements, so that all cells share the level (Bonferroni).
            p_better: (shift.test.p_less * cells as f64).min(1.0),
        };
        Rule { margin: self.margin, alpha: 0.05 }.judge(&evidence)
    }
}

fn log_ratios(pairs: &[Pair]) -> Vec<f64> {
    let positive = |pair: &&Pair| pair.base_nanos > 0.0 && pair.head_nanos > 0.0;
    pairs.iter().filter(positive).map(|pair| (pair.head_nanos / pair.base_nanos).ln()).collect()
}

/// One-sided p against "the head is not slower"; none of nothing.
fn p_slower(pairs: &[Pair]) -> Option<f64> {
    noise_weighted(&log_ratios(pairs), &spreads(pairs)).map(|test| test.p_greater)
}

fn spreads(pairs: &[Pair]) -> Vec<f64> {
    pairs.iter().map(|pair| pair.spread).collect()
}

#[cfg(test)]
mod tests;
