//! The gate: two runs and a policy to one verdict a cell, and why.
//!
//! Pure: the same records, policy and day give the same verdict, byte for byte, on every machine and in every order of
//! devices. It reads no clock, no file and no repository, and renders nothing.
//!
//! The way of a verdict: which cells must be there (`roster`); for each limit of each cell what the records say
//! (`reading`, `accuracy`, with the design of the comparison from `pairing` and the noise between runs from
//! `noise`); all noisy answers of the gate together corrected as one family; the three-way rule; the waivers.

mod accuracy;
mod early;
mod flips;
mod lint;
mod noise;
mod pairing;
mod reading;
mod roster;

use jiff::civil::Date;

pub use early::{ACCURACY_STOPPED, accuracy_watch};
pub use flips::{Flip, flips};
pub use lint::Lint;
pub use noise::{PlanRow, plan};
pub use pairing::Design;

use crate::policy::{Limit, LimitKind, Metric, Policy, Unit, Waiver};
use crate::record::{Cell, RunRecord};
use crate::stats::multiplicity::holm;
use crate::verdict::{Evidence, Rule, Verdict};

/// What a gate is given.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The run that is judged.
    pub candidate: &'a RunRecord,
    /// The run it is compared with; none where the user has said that there is none yet.
    pub baseline: Option<&'a RunRecord>,
    /// Earlier runs of the suite, for the noise between runs; may hold the other two.
    pub history: &'a [RunRecord],
    /// The limits.
    pub policy: &'a Policy,
    /// The day, for waivers.
    pub today: Date,
    /// Which try of the same revision this is, from 1: each spends its share of the level.
    pub attempt: u32,
}

/// The verdict on a run.
#[derive(Clone, PartialEq, Debug)]
pub struct GateReport {
    /// The suite.
    pub suite: String,
    /// Identity of the run that is judged.
    pub candidate: String,
    /// Identity of the run it was compared with.
    pub baseline: Option<String>,
    /// Worst of all cells.
    pub verdict: Verdict,
    /// One-sided level of each pass, after its share for the try.
    pub alpha: f64,
    /// Level of all regressions together, after its share for the try.
    pub false_alarm: f64,
    /// Which try of the revision this is.
    pub attempt: u32,
    /// Noisy answers that were corrected together.
    pub family: usize,
    /// Ordered by device, model, variant, runtime, threads.
    pub cells: Vec<CellVerdict>,
    /// What is doubtful about the policy.
    pub lints: Vec<Lint>,
    /// Every waiver with what became of it.
    pub waivers: Vec<WaiverUse>,
}

/// The verdict on a cell.
#[derive(Clone, PartialEq, Debug)]
pub struct CellVerdict {
    /// Which cell.
    pub cell: Cell,
    /// Worst of its checks.
    pub verdict: Verdict,
    /// How its blocks were compared; none where they were not.
    pub design: Option<Design>,
    /// Why there are no checks, or what else a reader should know.
    pub notes: Vec<String>,
    /// One a limit, ordered by metric and kind.
    pub checks: Vec<Check>,
}

/// One limit of one cell, and what became of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Check {
    /// The limit.
    pub limit: Limit,
    /// The answer.
    pub verdict: Verdict,
    /// Figure of the baseline, in the metric's unit.
    pub before: Option<f64>,
    /// Figure of the candidate, in the metric's unit.
    pub after: Option<f64>,
    /// What it rests on, in the unit of [`Check::change`]; p values corrected for the family.
    pub evidence: Option<Evidence>,
    /// What the figures rest on, or why there are none.
    pub basis: String,
    /// Interleaved pairs of blocks that it rests on, where it does.
    pub pairs: Option<u32>,
    /// Whether the figures are instructions that an emulator counted, and no times.
    pub counted: bool,
    /// Position of the waiver that covers it.
    pub waiver: Option<usize>,
}

impl Check {
    /// The estimate as users read it: a fraction of the baseline for ratios, a share for accuracy; positive is worse.
    pub fn change(&self) -> Option<f64> {
        self.evidence.map(|evidence| shown(&self.limit, evidence.worse_by))
    }

    /// The interval of [`Check::change`] with its confidence.
    pub fn change_interval(&self) -> Option<(f64, f64, f64)> {
        let interval = self.evidence?.interval?;
        Some((shown(&self.limit, interval.lower), shown(&self.limit, interval.upper), interval.confidence))
    }
}

/// Ratios are judged as logarithms, where half and double lie equally far, and shown as fractions.
fn shown(limit: &Limit, value: f64) -> f64 {
    if limit.metric.unit() == Unit::Share { value } else { value.exp_m1() }
}

/// A waiver and what became of it.
#[derive(Clone, PartialEq, Debug)]
pub struct WaiverUse {
    /// As the policy has it.
    pub waiver: Waiver,
    /// Whether its last day has passed, or is further away than a waiver may last.
    pub expired: bool,
    /// Checks that pass because of it.
    pub covers: usize,
}

/// What the records say about one limit, before the family is corrected.
#[derive(Clone, Debug)]
pub(crate) enum Finding {
    /// Figures and what they rest on.
    Measured { before: Option<f64>, after: f64, evidence: Evidence, basis: String, pairs: Option<u32> },
    /// No figures, and the verdict that follows.
    Nothing { verdict: Verdict, basis: String },
}

impl Finding {
    /// Figures that rest on no pairs of blocks.
    pub(crate) fn measured(
        before: Option<f64>,
        after: f64,
        evidence: Evidence,
        basis: impl Into<String>,
    ) -> Self {
        Self::Measured { before, after, evidence, basis: basis.into(), pairs: None }
    }

    pub(crate) fn nothing(verdict: Verdict, basis: impl Into<String>) -> Self {
        Self::Nothing { verdict, basis: basis.into() }
    }
}

/// Judges a run.
pub fn judge(inputs: &Inputs<'_>) -> GateReport {
    let tries = f64::from(inputs.attempt.max(1));
    let (alpha, false_alarm) = (inputs.policy.alpha / tries, inputs.policy.false_alarm / tries);
    let mut cells: Vec<Draft> =
        roster::roster(inputs).into_iter().map(|entry| draft(inputs, entry, alpha)).collect();
    let family = correct(&mut cells);
    let mut covers = vec![0; inputs.policy.waivers.len()];
    let cells: Vec<CellVerdict> =
        cells.into_iter().map(|cell| decide(inputs, cell, (alpha, false_alarm), &mut covers)).collect();
    let lints = lint::lint(inputs, &cells, false_alarm / family.max(1) as f64);
    let waivers = inputs.policy.waivers.iter().zip(covers).map(|(waiver, covers)| WaiverUse {
        waiver: waiver.clone(),
        expired: !holds(waiver, inputs.today),
        covers,
    });
    GateReport {
        suite: inputs.candidate.run.suite.clone(),
        candidate: inputs.candidate.run.id.clone(),
        baseline: inputs.baseline.map(|run| run.run.id.clone()),
        verdict: Verdict::of_all(cells.iter().map(|cell| cell.verdict)).unwrap_or(Verdict::Missing),
        alpha,
        false_alarm,
        attempt: inputs.attempt.max(1),
        family,
        waivers: waivers.collect(),
        cells,
        lints,
    }
}

/// A cell on its way to a verdict.
struct Draft {
    entry: roster::Entry,
    design: Option<Design>,
    notes: Vec<String>,
    findings: Vec<(Limit, Finding)>,
}

fn draft(inputs: &Inputs<'_>, entry: roster::Entry, alpha: f64) -> Draft {
    let roster::Standing::Measured { candidate, baseline } = &entry.standing else {
        return Draft { entry, design: None, notes: Vec::new(), findings: Vec::new() };
    };
    let cell = &inputs.candidate.cells[*candidate];
    let before = inputs.baseline.zip(*baseline).and_then(|(run, at)| run.cells.get(at));
    let context = reading::Context::new(inputs, cell, before, alpha);
    let limits = inputs.policy.limits_of(&entry.cell);
    let findings =
        limits.into_iter().filter_map(|limit| Some((limit.clone(), find(&context, limit)?))).collect();
    let (design, notes) = (context.design(), context.notes());
    Draft { entry, design, notes, findings }
}

/// None where the limit does not concern the cell: the float variant is not compared with itself.
fn find(context: &reading::Context<'_>, limit: &Limit) -> Option<Finding> {
    if limit.kind.needs_baseline() && context.baseline.is_none() {
        return Some(Finding::nothing(Verdict::New, "measured for the first time: nothing to compare with"));
    }
    match limit.metric {
        Metric::Accuracy => accuracy::accuracy(context, limit),
        Metric::WorstClass => accuracy::worst_class(context, limit),
        _ => Some(reading::find(context, limit)),
    }
}

/// Holm over every noisy answer of the gate, for each direction; how many there were.
fn correct(cells: &mut [Draft]) -> usize {
    let noisy = |finding: &Finding| match finding {
        Finding::Measured { evidence, .. } => {
            evidence.interval.is_none_or(|interval| interval.lower < interval.upper)
        }
        Finding::Nothing { .. } => false,
    };
    let mut all: Vec<&mut Evidence> = Vec::new();
    for (_, finding) in cells.iter_mut().flat_map(|cell| &mut cell.findings) {
        if noisy(finding)
            && let Finding::Measured { evidence, .. } = finding
        {
            all.push(evidence);
        }
    }
    let worse = holm(&all.iter().map(|evidence| evidence.p_worse).collect::<Vec<_>>());
    let better = holm(&all.iter().map(|evidence| evidence.p_better).collect::<Vec<_>>());
    for ((evidence, worse), better) in all.iter_mut().zip(worse).zip(better) {
        (evidence.p_worse, evidence.p_better) = (worse, better);
    }
    all.len()
}

fn decide(inputs: &Inputs<'_>, draft: Draft, levels: (f64, f64), covers: &mut [usize]) -> CellVerdict {
    let Draft { entry, design, mut notes, findings } = draft;
    let mut checks = Vec::new();
    let emulated = reading::is_emulated(inputs.candidate, &entry.cell);
    for (limit, finding) in findings {
        let mut check = cover(inputs, &entry.cell, self::check(limit, finding, levels));
        check.counted = emulated && check.limit.metric.unit() == Unit::Nanos;
        if let Some(count) = check.waiver.and_then(|at| covers.get_mut(at)) {
            *count += 1;
        }
        checks.push(check);
    }
    let verdict = match entry.standing {
        roster::Standing::Absent { verdict, why } => {
            notes.push(why);
            verdict
        }
        roster::Standing::Measured { .. } => {
            if checks.is_empty() {
                notes.push("no limit concerns this cell".to_owned());
            }
            Verdict::of_all(checks.iter().map(|check| check.verdict)).unwrap_or(Verdict::Pass)
        }
    };
    CellVerdict { cell: entry.cell, verdict, design, notes, checks }
}

fn check(limit: Limit, finding: Finding, (alpha, false_alarm): (f64, f64)) -> Check {
    match finding {
        Finding::Nothing { verdict, basis } => Check {
            limit,
            verdict,
            before: None,
            after: None,
            evidence: None,
            basis,
            pairs: None,
            counted: false,
            waiver: None,
        },
        Finding::Measured { before, after, evidence, basis, pairs } => {
            let verdict = Rule { margin: margin(&limit), alpha }.judge_with_proof(&evidence, false_alarm);
            Check {
                limit,
                verdict,
                before,
                after: Some(after),
                evidence: Some(evidence),
                basis,
                pairs,
                counted: false,
                waiver: None,
            }
        }
    }
}

/// The limit in the unit of its evidence: points for shares, logarithms for ratios, nothing beyond absolute bounds.
fn margin(limit: &Limit) -> f64 {
    match (limit.kind, limit.metric.unit()) {
        (LimitKind::Max | LimitKind::Min, _) => 0.0,
        (_, Unit::Share) => limit.value,
        _ => limit.value.ln_1p(),
    }
}

/// A waiver that is to hold longer than this is a change of the limit and has to be made there.
const LONGEST_WAIVER_DAYS: i64 = 366;

/// Whether a waiver holds on this day.
fn holds(waiver: &Waiver, today: Date) -> bool {
    let latest = today.saturating_add(jiff::Span::new().days(LONGEST_WAIVER_DAYS));
    today <= waiver.expires && waiver.expires <= latest
}

/// A regression, or doubt, that somebody has taken upon themselves up to a level that the estimate keeps.
fn cover(inputs: &Inputs<'_>, cell: &Cell, mut check: Check) -> Check {
    let waivable = matches!(check.verdict, Verdict::Regressed | Verdict::Inconclusive);
    let Some(change) = check.change().filter(|_| waivable) else { return check };
    let covering = inputs.policy.waivers.iter().position(|waiver| {
        waiver.metric == check.limit.metric
            && waiver.scope.holds(cell)
            && holds(waiver, inputs.today)
            && change <= waiver.accept
    });
    if covering.is_some() {
        (check.verdict, check.waiver) = (Verdict::Waived, covering);
    }
    check
}
