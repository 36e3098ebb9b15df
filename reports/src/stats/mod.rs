//! The statistics that figures are made of: order statistics, blocks, proportions, paired answers, ratios, and the
//! tests that verdicts rest on (signed rank, sign flip, families of questions, early stops).
//!
//! Samples of one process share its luck (memory layout, clock, temperature), so the independent unit is the block,
//! not the sample. Intervals are therefore made from block medians only; pooled samples serve for quantiles of the
//! distribution, which claim no interval. Knows plain numbers: no record, no unit, no text. Nothing here is a mean.

pub mod blocks;
pub mod changepoint;
pub mod early_stop;
pub mod multiplicity;
pub mod paired;
pub mod paired_drop;
pub mod proportion;
pub mod quantile;
pub mod ratio;
pub mod sequential;
pub mod sign_flip;
pub mod signed_rank;
pub mod sprt;
pub mod steady;
pub mod weighted_shift;

/// The level that intervals aim at; one that cannot reach it says which level it has.
pub const CONFIDENCE: f64 = 0.95;

/// An estimate with an interval and the confidence the interval really has.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Probability that such an interval covers the true value, from 0 to 1.
    pub confidence: f64,
}
