//! A policy for made-up runs, and the day they are judged on.

use edgebench_reports::gate::Inputs;
use edgebench_reports::policy::{Limit, LimitKind, Metric, Policy, RuleSet, Scope};
use edgebench_reports::record::RunRecord;
use jiff::civil::{Date, date};

pub(crate) const TODAY: Date = date(2026, 6, 15);

pub(crate) fn limit(metric: Metric, kind: LimitKind, value: f64) -> Limit {
    Limit { metric, kind, value, text: format!("{}%", value * 100.0) }
}

/// 3 % of latency, 1 % of size, 2 points of accuracy.
pub(crate) fn policy() -> Policy {
    let limits = vec![
        limit(Metric::Latency, LimitKind::MaxIncrease, 0.03),
        limit(Metric::Size, LimitKind::MaxIncrease, 0.01),
        limit(Metric::Accuracy, LimitKind::MaxDropVsBaseline, 0.02),
    ];
    Policy { rules: vec![RuleSet { scope: Scope::default(), limits }], ..Policy::default() }
}

pub(crate) fn inputs<'a>(before: &'a RunRecord, after: &'a RunRecord, policy: &'a Policy) -> Inputs<'a> {
    Inputs { candidate: after, baseline: Some(before), history: &[], policy, today: TODAY, attempt: 1 }
}
