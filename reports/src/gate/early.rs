//! Accuracy whose evaluation may end as soon as the answers decide, where the policy allows it.
//!
//! Both sides answer the same examples in an order that was drawn, and Wald's test watches the flips: it ends with "no
//! drop as large as the limit", "a drop", or with the last example. Half of each level is the watch's; the other half
//! is left for the usual test of all examples, where the watch did not decide before.

use super::accuracy::Pair;
use super::reading::Context;
use crate::policy::{LimitKind, Metric, Policy};
use crate::record::{Cell, RunRecord};
use crate::stats::Interval;
use crate::stats::paired::Flips;
use crate::stats::paired_drop::{interval, mid_p_better, mid_p_worse};
use crate::stats::sprt::{Decision, FlipWatch};
use crate::verdict::Evidence;

/// Property of a run: the cells whose evaluation ended before the last example, as [`Cell::path`] names them, set
/// apart by blanks.
pub const ACCURACY_STOPPED: &str = "accuracy_stopped";

/// The watch that may end the evaluation of a cell; none where the policy does not allow it, or where a limit needs
/// all examples: one against the float variant, a floor, or one on every class.
pub fn accuracy_watch(policy: &Policy, cell: &Cell) -> Option<FlipWatch> {
    if !policy.accuracy_early_stop || policy.accuracy_on_set {
        return None;
    }
    let limits = policy.limits_of(cell);
    let mut about =
        limits.iter().filter(|limit| matches!(limit.metric, Metric::Accuracy | Metric::WorstClass));
    match (about.next(), about.next()) {
        (Some(only), None)
            if only.metric == Metric::Accuracy && only.kind == LimitKind::MaxDropVsBaseline =>
        {
            FlipWatch::new(only.value, policy.false_alarm / 2.0, policy.alpha / 2.0)
        }
        _ => None,
    }
}

/// Whether the evaluation of a cell ended before the last example.
fn is_stopped(run: &RunRecord, cell: &Cell) -> bool {
    let name = cell.path();
    run.run.controller.get(ACCURACY_STOPPED).is_some_and(|names| names.split(' ').any(|one| one == name))
}

/// What the watch makes of the pairs, in the order in which they were answered; none where the policy allows none.
pub(super) fn evidence(
    context: &Context<'_>,
    pairs: &[Pair<'_>],
    flips: &Flips,
    drop: f64,
) -> Option<(Evidence, String)> {
    let mut watch = accuracy_watch(context.policy, context.cell())?;
    for (reference, candidate) in pairs {
        watch.add(reference.is_right(), candidate.is_right());
    }
    let limit = context.policy.limits_of(context.cell());
    let limit = limit.iter().find(|limit| limit.metric == Metric::Accuracy)?.value;
    let stopped = is_stopped(context.run, context.cell());
    let p_watch = (2.0 * watch.p_any_time()).min(1.0);
    let confidence = 1.0 - context.alpha;
    let (p_worse, interval) = match watch.decision() {
        Decision::NoDrop => (1.0, Some(Interval { lower: -1.0, upper: limit, confidence })),
        Decision::GoOn if !stopped => ((2.0 * mid_p_worse(flips)).min(p_watch), interval(flips, confidence)),
        Decision::Drop | Decision::GoOn => (p_watch, None),
    };
    let p_better = if stopped { 1.0 } else { (2.0 * mid_p_better(flips)).min(1.0) };
    Some((Evidence { worse_by: drop, interval, p_worse, p_better }, basis(&watch, pairs.len(), stopped)))
}

fn basis(watch: &FlipWatch, answered: usize, stopped: bool) -> String {
    let decided = match watch.decision() {
        Decision::NoDrop => "shows no drop as large as the limit",
        Decision::Drop => "shows a drop",
        Decision::GoOn => "does not decide",
    };
    let when = if stopped { format!(", ended early after {answered} examples") } else { String::new() };
    format!("sequential test of the flips {decided}{when}")
}
