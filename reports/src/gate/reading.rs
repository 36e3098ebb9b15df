//! What the records say about a limit on time, energy or bytes.

use super::pairing::{self, Design};
use super::{Finding, Inputs, noise};
use crate::policy::{Envelope, Limit, LimitKind, Metric, Policy, Unit};
use crate::record::{BlockRecord, Cell, CellRecord, DeviceRecord, Energy, RunRecord};
use crate::stats::quantile::{Tail, median_of, sorted, tail};
use crate::stats::sign_flip::log_ratios;
use crate::stats::signed_rank::signed_rank;
use crate::verdict::{Evidence, Verdict};

/// The 99th percentile is the tail that is guarded.
const TAIL: f64 = 0.99;

/// Properties that tell one device from another under the same name.
const IDENTITY: &[&str] = &["machine_id", "cpu_model", "cpu_cores", "memory_bytes"];

/// A cell with everything that its limits are held against.
pub(super) struct Context<'a> {
    pub(super) run: &'a RunRecord,
    pub(super) baseline_run: Option<&'a RunRecord>,
    pub(super) candidate: &'a CellRecord,
    pub(super) baseline: Option<&'a CellRecord>,
    pub(super) policy: &'a Policy,
    pub(super) alpha: f64,
    history: &'a [RunRecord],
}

impl<'a> Context<'a> {
    pub(super) fn new(
        inputs: &Inputs<'a>,
        candidate: &'a CellRecord,
        baseline: Option<&'a CellRecord>,
        alpha: f64,
    ) -> Self {
        let (run, baseline_run, policy, history) =
            (inputs.candidate, inputs.baseline, inputs.policy, inputs.history);
        Self { run, baseline_run, candidate, baseline, policy, alpha, history }
    }

    pub(super) fn cell(&self) -> &'a Cell {
        &self.candidate.cell
    }

    pub(super) fn design(&self) -> Option<Design> {
        let (_, emulated) = (self.baseline?, self.emulated());
        self.baseline.map(|baseline| pairing::design(baseline, self.candidate, emulated))
    }

    /// What a reader should know beside the checks.
    pub(super) fn notes(&self) -> Vec<String> {
        let (_, reason) = pairing::counting(self.candidate, &self.policy.envelope);
        let dropped =
            self.candidate.blocks.len() - pairing::counting(self.candidate, &self.policy.envelope).0.len();
        let left_out = reason.map(|reason| {
            format!("{dropped} of {} blocks do not count: {reason}", self.candidate.blocks.len())
        });
        let fixed = (self.design() == Some(Design::FixedOrder))
            .then(|| "the same arm ran first in every pair: the order was not drawn".to_owned());
        left_out.into_iter().chain(fixed).collect()
    }

    /// An interval at this level has the one-sided level of the gate on either side.
    pub(super) fn confidence(&self) -> f64 {
        1.0 - 2.0 * self.alpha
    }

    fn emulated(&self) -> bool {
        is_emulated(self.run, self.cell())
    }

    /// Why figures of the two runs are not of the same thing, if so.
    fn stranger(&self, metric: Metric) -> Option<String> {
        let cell = self.cell();
        let (before, after) = (device(self.baseline_run?, cell)?, device(self.run, cell)?);
        if before.emulated != after.emulated {
            return Some("one of the two runs was emulated: its counts are no times".to_owned());
        }
        if matches!(metric.unit(), Unit::Bytes) {
            return None;
        }
        let differs = |key: &&&str| {
            before
                .properties
                .get(**key)
                .zip(after.properties.get(**key))
                .is_some_and(|(one, other)| one != other)
        };
        let key = IDENTITY.iter().find(differs)?;
        let of = |device: &DeviceRecord| device.properties.get(*key).cloned().unwrap_or_default();
        Some(format!("another device under the same name: {key} was {}, is {}", of(before), of(after)))
    }
}

/// Whether the cell's device is an emulator.
pub(super) fn is_emulated(run: &RunRecord, cell: &Cell) -> bool {
    device(run, cell).is_some_and(|device| device.emulated)
}

fn device<'a>(run: &'a RunRecord, cell: &Cell) -> Option<&'a DeviceRecord> {
    run.devices.iter().find(|device| device.name == cell.device)
}

/// What the records say about a limit that is not about accuracy.
pub(super) fn find(context: &Context<'_>, limit: &Limit) -> Finding {
    if let Some(why) = context.stranger(limit.metric).filter(|_| limit.kind.needs_baseline()) {
        return Finding::nothing(Verdict::Invalid, why);
    }
    match (limit.metric.is_exact(), limit.kind) {
        (true, LimitKind::MaxIncrease) => exact_change(context, limit.metric),
        (true, _) => exact_bound(context, limit),
        (false, LimitKind::MaxIncrease) => change(context, limit.metric),
        (false, _) => bound(context, limit),
    }
}

/// Bytes of the model file or of the arena.
fn exact_figure(run: &RunRecord, record: &CellRecord, metric: Metric) -> Option<f64> {
    let cell = &record.cell;
    match metric {
        Metric::Arena => record.memory.as_ref().map(|memory| memory.arena_bytes as f64),
        _ => {
            let artifact =
                run.artifacts.iter().find(|one| one.model == cell.model && one.variant == cell.variant);
            artifact.filter(|one| one.problem.is_none()).map(|one| one.file_bytes as f64)
        }
    }
}

fn exact_change(context: &Context<'_>, metric: Metric) -> Finding {
    let after = exact_figure(context.run, context.candidate, metric);
    let before =
        context.baseline_run.zip(context.baseline).and_then(|(run, cell)| exact_figure(run, cell, metric));
    match (before, after) {
        (_, None) => Finding::nothing(Verdict::Missing, "not recorded by this run"),
        (None, _) => Finding::nothing(Verdict::New, "not recorded by the baseline"),
        (Some(before), Some(after)) if before > 0.0 && after > 0.0 => {
            let evidence = Evidence::exact((after / before).ln());
            Finding::measured(Some(before), after, evidence, "exact")
        }
        (Some(before), Some(after)) if before == after => {
            let basis = "exact".to_owned();
            Finding::measured(Some(before), after, Evidence::exact(0.0), basis)
        }
        _ => Finding::nothing(Verdict::Inconclusive, "a ratio to nothing says nothing"),
    }
}

fn exact_bound(context: &Context<'_>, limit: &Limit) -> Finding {
    match exact_figure(context.run, context.candidate, limit.metric) {
        None => Finding::nothing(Verdict::Missing, "not recorded by this run"),
        Some(after) => {
            let evidence = Evidence::exact((after.max(1.0) / limit.value.max(1.0)).ln());
            Finding::measured(None, after, evidence, "exact")
        }
    }
}

/// The figure of one block; none where it was not measured or where the samples are too few for it.
pub(super) fn figure_of_block(block: &BlockRecord, metric: Metric) -> Option<f64> {
    let steady = || block.steady_nanos.iter().map(|nanos| *nanos as f64);
    match metric {
        Metric::Latency => median_of(steady()),
        Metric::CpuTime => cpu_time(block),
        Metric::Tail => tail(&sorted(steady().collect()), TAIL).value(),
        Metric::Init => Some(block.init_nanos as f64),
        Metric::PeakRss => block.peak_rss_bytes.map(|bytes| bytes as f64),
        Metric::Energy => match &block.energy {
            Energy::Measured { microjoules, .. } if !block.steady_nanos.is_empty() => {
                Some(microjoules / block.steady_nanos.len() as f64)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Nanoseconds that the processor worked for one inference.
fn cpu_time(block: &BlockRecord) -> Option<f64> {
    let runs = block.steady_nanos.len();
    block.steady_cpu_nanos.filter(|_| runs > 0).map(|nanos| nanos as f64 / runs as f64)
}

/// Median over the blocks of a run that count.
pub(super) fn per_run(record: &CellRecord, metric: Metric, envelope: &Envelope) -> Option<f64> {
    let (blocks, _) = pairing::counting(record, envelope);
    median_of(blocks.iter().filter_map(|block| figure_of_block(block, metric)))
}

/// Why a block of those that count has no such figure.
fn unmeasured(context: &Context<'_>, metric: Metric) -> Option<Finding> {
    let (blocks, reason) = pairing::counting(context.candidate, &context.policy.envelope);
    if context.candidate.blocks.is_empty() {
        return Some(Finding::nothing(Verdict::Missing, "no block was measured"));
    }
    if blocks.is_empty() {
        let reason = reason.unwrap_or_default();
        return Some(Finding::nothing(Verdict::Invalid, format!("no block counts: {reason}")));
    }
    let missing = blocks.iter().find(|block| figure_of_block(block, metric).is_none())?;
    if metric == Metric::Tail {
        let samples = sorted(missing.steady_nanos.iter().map(|nanos| *nanos as f64).collect());
        if let Tail::TooFew { found, needed } = tail(&samples, TAIL) {
            let why = format!("a block has {found} samples, its 99th percentile needs {needed}");
            return Some(Finding::nothing(Verdict::Inconclusive, why));
        }
    }
    Some(Finding::nothing(Verdict::Missing, format!("{} was not measured", metric.key())))
}

/// More blocks left out than the policy lets pass.
fn too_many_dropped(
    context: &Context<'_>,
    kept: usize,
    planned: usize,
    reason: Option<&String>,
) -> Option<Finding> {
    let dropped = planned - kept;
    let share = dropped as f64 / planned.max(1) as f64;
    let reason = reason.map(String::as_str).unwrap_or_default();
    (share > context.policy.max_dropped).then(|| {
        let why = format!("{dropped} of {planned} blocks had to be left out: {reason}");
        Finding::nothing(Verdict::Inconclusive, why)
    })
}

fn change(context: &Context<'_>, metric: Metric) -> Finding {
    let Some(baseline) = context.baseline else {
        return Finding::nothing(Verdict::New, "measured for the first time");
    };
    if let Some(finding) = unmeasured(context, metric) {
        return finding;
    }
    if meters(baseline) != meters(context.candidate) && metric == Metric::Energy {
        return Finding::nothing(Verdict::Invalid, "the two runs were measured by different meters");
    }
    let before = per_run(baseline, metric, &context.policy.envelope);
    let after = per_run(context.candidate, metric, &context.policy.envelope);
    let (Some(before), Some(after)) = (before, after) else {
        return Finding::nothing(Verdict::Inconclusive, "the baseline has no block that counts");
    };
    match pairing::design(baseline, context.candidate, context.emulated()) {
        Design::Counted => counted(before, after),
        Design::Interleaved => paired(context, baseline, metric, before, after),
        Design::FixedOrder | Design::Sequential => apart(context, metric, before, after),
    }
}

fn meters(record: &CellRecord) -> Vec<&str> {
    let mut meters: Vec<&str> = record
        .blocks
        .iter()
        .filter_map(|block| match &block.energy {
            Energy::Measured { meter, .. } => Some(meter.as_str()),
            Energy::Unmeasured => None,
        })
        .collect();
    meters.sort_unstable();
    meters.dedup();
    meters
}

fn counted(before: f64, after: f64) -> Finding {
    if before <= 0.0 || after <= 0.0 {
        return Finding::nothing(Verdict::Inconclusive, "a ratio to nothing says nothing");
    }
    let basis = "counted by the emulator, the same every time".to_owned();
    Finding::measured(Some(before), after, Evidence::exact((after / before).ln()), basis)
}

fn paired(context: &Context<'_>, baseline: &CellRecord, metric: Metric, before: f64, after: f64) -> Finding {
    let found = pairing::pairs(baseline, context.candidate, &context.policy.envelope);
    let reason = found.first_reason.as_ref();
    if let Some(finding) = too_many_dropped(context, found.pairs.len(), found.planned, reason) {
        return finding;
    }
    let arm = |block: &BlockRecord| figure_of_block(block, metric);
    let both: Vec<(f64, f64)> =
        found.pairs.iter().filter_map(|(one, other)| Some((arm(one)?, arm(other)?))).collect();
    let (one, other): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
    let Some(shift) = log_ratios(&one, &other).and_then(|ratios| signed_rank(&ratios, context.confidence()))
    else {
        return Finding::nothing(
            Verdict::Inconclusive,
            "no pair of blocks has a figure above zero in both arms",
        );
    };
    let basis = format!("{} interleaved pairs of {}, signed rank", one.len(), found.planned);
    let pairs = u32::try_from(one.len()).ok();
    Finding::Measured { before: Some(before), after, evidence: Evidence::paired(&shift), basis, pairs }
}

/// Sessions apart: only the noise between runs can tell a change from another day.
fn apart(context: &Context<'_>, metric: Metric, before: f64, after: f64) -> Finding {
    let envelope = &context.policy.envelope;
    let (blocks, reason) = pairing::counting(context.candidate, envelope);
    if let Some(finding) =
        too_many_dropped(context, blocks.len(), context.candidate.blocks.len(), reason.as_ref())
    {
        return finding;
    }
    let stated = context.policy.run_noise.map(|deviation| noise::RunNoise { deviation, freedom: None });
    let noise = stated.or_else(|| noise::between_runs(context.history, context.cell(), metric, envelope));
    let evidence = noise.and_then(|noise| noise::evidence(noise, before, after, context.alpha));
    match (evidence, noise) {
        (Some(evidence), Some(noise)) => {
            let source = match noise.freedom {
                Some(freedom) => format!("from {freedom} repetitions in the history"),
                None => "as the policy states".to_owned(),
            };
            let basis =
                format!("two sessions apart; noise between runs {:.2} % {source}", noise.deviation * 100.0);
            Finding::measured(Some(before), after, evidence, basis)
        }
        _ => {
            let evidence =
                Evidence { worse_by: (after / before).ln(), interval: None, p_worse: 1.0, p_better: 1.0 };
            let basis =
                "two sessions apart, and the history has too few repetitions to know the noise between them";
            Finding::measured(Some(before), after, evidence, basis)
        }
    }
}

/// An absolute bound, from the blocks of this session.
fn bound(context: &Context<'_>, limit: &Limit) -> Finding {
    if let Some(finding) = unmeasured(context, limit.metric) {
        return finding;
    }
    let (blocks, reason) = pairing::counting(context.candidate, &context.policy.envelope);
    if let Some(finding) =
        too_many_dropped(context, blocks.len(), context.candidate.blocks.len(), reason.as_ref())
    {
        return finding;
    }
    let values: Vec<f64> = blocks.iter().filter_map(|block| figure_of_block(block, limit.metric)).collect();
    let bounds = vec![limit.value; values.len()];
    let shift = log_ratios(&bounds, &values).and_then(|ratios| signed_rank(&ratios, context.confidence()));
    match (shift, median_of(values.iter().copied())) {
        (Some(shift), Some(after)) => {
            let basis = format!("{} blocks of this session", values.len());
            Finding::measured(None, after, Evidence::paired(&shift), basis)
        }
        _ => Finding::nothing(Verdict::Inconclusive, "no block has a figure above zero"),
    }
}
