//! What is doubtful about a policy, seen against the measurements: limits that can never be kept to, limits that can
//! never be broken, rules and waivers that mean nobody.

use std::fmt;

use super::{CellVerdict, Inputs, accuracy};
use crate::policy::{Limit, LimitKind, Metric, Unit};

/// Growth above which a limit guards nothing any more.
const DEAD_INCREASE: f64 = 0.5;

/// Points above which a limit on accuracy guards nothing any more.
const DEAD_DROP: f64 = 0.2;

/// Something doubtful.
#[derive(Clone, PartialEq, Debug)]
pub enum Lint {
    /// The measurements cannot tell a change of this size from none.
    Unresolvable {
        /// Metric and kind.
        limit: String,
        /// As written.
        written: String,
        /// Cells that it concerns and that cannot resolve it.
        cells: usize,
        /// The smallest limit that the best of them could keep, as a fraction or share.
        least: f64,
    },
    /// However clear a slowdown were, so few pairs could not prove it.
    TooFewPairs {
        /// The fewest pairs of a cell.
        pairs: u32,
        /// Pairs it takes.
        needed: u32,
        /// Cells with too few.
        cells: usize,
    },
    /// Nothing that one would still call working breaks it.
    Dead {
        /// Metric and kind.
        limit: String,
        /// As written.
        written: String,
    },
    /// A rule that fits no cell.
    RuleWithoutCell {
        /// Its scope.
        scope: String,
    },
    /// A waiver that fits no cell.
    WaiverWithoutCell {
        /// Its scope.
        scope: String,
        /// Its owner.
        owner: String,
    },
    /// A waiver whose day has passed.
    WaiverExpired {
        /// Its scope.
        scope: String,
        /// Its owner.
        owner: String,
        /// Its last day.
        expires: String,
    },
    /// A waiver that is to hold for longer than a year: it does not count.
    WaiverTooLong {
        /// Its scope.
        scope: String,
        /// Its owner.
        owner: String,
        /// Its last day.
        expires: String,
    },
    /// A cell that no limit guards.
    Unguarded {
        /// How many.
        cells: usize,
    },
    /// The same revision was measured before.
    Retried {
        /// Which try this is.
        attempt: u32,
    },
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolvable { limit, written, cells, least } => {
                let least = least * 100.0;
                write!(
                    f,
                    "limit {limit} = {written} is below what the measurements of {cells} cells can show; the best of them resolves {least:.2} %"
                )
            }
            Self::TooFewPairs { pairs, needed, cells } => {
                write!(
                    f,
                    "{cells} cells have as few as {pairs} pairs of blocks, which can prove no slowdown; it takes {needed}"
                )
            }
            Self::Dead { limit, written } => {
                write!(f, "limit {limit} = {written} is so wide that it guards nothing")
            }
            Self::RuleWithoutCell { scope } => write!(f, "rule for {scope} fits no cell"),
            Self::WaiverWithoutCell { scope, owner } => {
                write!(f, "waiver of {owner} for {scope} fits no cell")
            }
            Self::WaiverExpired { scope, owner, expires } => {
                write!(f, "waiver of {owner} for {scope} expired on {expires}")
            }
            Self::WaiverTooLong { scope, owner, expires } => {
                write!(f, "waiver of {owner} for {scope} until {expires} does not count: the most is a year")
            }
            Self::Unguarded { cells } => write!(f, "{cells} cells are guarded by no limit"),
            Self::Retried { attempt } => {
                write!(f, "try {attempt} of the same revision: the level is divided by {attempt}")
            }
        }
    }
}

/// Everything doubtful, in a fixed order.
/// `least_p` is what a single answer has to reach to be proven in a family of its size.
pub(super) fn lint(inputs: &Inputs<'_>, cells: &[CellVerdict], least_p: f64) -> Vec<Lint> {
    let mut lints = dead(inputs);
    lints.extend(too_few_pairs(cells, least_p));
    lints.extend(unresolvable(inputs, cells));
    lints.extend(rules(inputs, cells));
    lints.extend(waivers(inputs, cells));
    let unguarded = cells.iter().filter(|cell| inputs.policy.limits_of(&cell.cell).is_empty()).count();
    lints.extend((unguarded > 0).then_some(Lint::Unguarded { cells: unguarded }));
    lints.extend((inputs.attempt > 1).then_some(Lint::Retried { attempt: inputs.attempt }));
    lints
}

fn name(limit: &Limit) -> String {
    format!("{}.{}", limit.metric.key(), limit.kind.key())
}

fn dead(inputs: &Inputs<'_>) -> Vec<Lint> {
    let is_dead = |limit: &&Limit| match limit.kind {
        LimitKind::MaxIncrease => limit.value > DEAD_INCREASE,
        LimitKind::MaxDropVsBaseline | LimitKind::MaxDropVsFp32 => limit.value > DEAD_DROP,
        LimitKind::Max => limit.metric.unit() == Unit::Share && limit.value >= 1.0,
        LimitKind::Min => limit.value <= 0.0,
    };
    let limits = inputs.policy.rules.iter().flat_map(|rule| &rule.limits).filter(is_dead);
    limits.map(|limit| Lint::Dead { limit: name(limit), written: limit.text.clone() }).collect()
}

/// The smallest p value of pairs is two to the minus their number.
fn too_few_pairs(cells: &[CellVerdict], least_p: f64) -> Option<Lint> {
    let needed = least_p.recip().log2().ceil().clamp(1.0, 1e6) as u32;
    let of = |cell: &CellVerdict| {
        let noisy =
            |check: &&super::Check| check.limit.kind == LimitKind::MaxIncrease && check.pairs.is_some();
        cell.checks.iter().find(noisy).and_then(|check| check.pairs)
    };
    let few: Vec<u32> = cells.iter().filter_map(of).filter(|pairs| *pairs < needed).collect();
    let pairs = *few.iter().min()?;
    Some(Lint::TooFewPairs { pairs, needed, cells: few.len() })
}

/// Limits that were undecided, or would be even without any change, because the interval is wider than they are.
fn unresolvable(inputs: &Inputs<'_>, cells: &[CellVerdict]) -> Vec<Lint> {
    let mut found: Vec<(&Limit, usize, f64)> = Vec::new();
    for cell in cells {
        for check in cell
            .checks
            .iter()
            .filter(|check| check.limit.kind != LimitKind::Max && check.limit.kind != LimitKind::Min)
        {
            let Some((estimate, upper)) =
                check.change().zip(check.change_interval().map(|(_, upper, _)| upper))
            else {
                continue;
            };
            let mut resolves = (upper - estimate).max(0.0);
            if accuracy::is_about(check.limit.metric)
                && check.limit.metric == Metric::Accuracy
                && resolves > 0.0
            {
                let record = inputs.candidate.cells.iter().find(|record| record.cell == cell.cell);
                let supported =
                    record.and_then(|record| accuracy::supported_margin(inputs, record, inputs.policy.alpha));
                resolves = supported.unwrap_or(resolves);
            }
            if resolves <= check.limit.value {
                continue;
            }
            match found.iter_mut().find(|(limit, ..)| **limit == check.limit) {
                Some((_, count, least)) => (*count, *least) = (*count + 1, least.min(resolves)),
                None => found.push((&check.limit, 1, resolves)),
            }
        }
    }
    let lint = |(limit, cells, least): (&Limit, usize, f64)| Lint::Unresolvable {
        limit: name(limit),
        written: limit.text.clone(),
        cells,
        least,
    };
    found.into_iter().map(lint).collect()
}

fn rules(inputs: &Inputs<'_>, cells: &[CellVerdict]) -> Vec<Lint> {
    let nobody =
        inputs.policy.rules.iter().filter(|rule| !cells.iter().any(|cell| rule.scope.holds(&cell.cell)));
    nobody.map(|rule| Lint::RuleWithoutCell { scope: rule.scope.to_string() }).collect()
}

fn waivers(inputs: &Inputs<'_>, cells: &[CellVerdict]) -> Vec<Lint> {
    let mut lints = Vec::new();
    for waiver in &inputs.policy.waivers {
        let (scope, owner) = (waiver.scope.to_string(), waiver.owner.clone());
        if waiver.expires < inputs.today {
            lints.push(Lint::WaiverExpired { scope, owner, expires: waiver.expires.to_string() });
        } else if !super::holds(waiver, inputs.today) {
            lints.push(Lint::WaiverTooLong { scope, owner, expires: waiver.expires.to_string() });
        } else if !cells.iter().any(|cell| waiver.scope.holds(&cell.cell)) {
            lints.push(Lint::WaiverWithoutCell { scope, owner });
        }
    }
    lints
}
