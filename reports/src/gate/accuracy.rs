//! What the records say about a limit on accuracy: always the same examples, one by one, never two averages.

use std::collections::{BTreeMap, BTreeSet};

use statrs::distribution::{Binomial, DiscreteCDF};

use super::reading::Context;
use super::{Finding, Inputs, early};
use crate::policy::{Limit, LimitKind, Metric};
use crate::record::{CellRecord, EvaluationRecord, PredictionRecord, RunRecord};
use crate::stats::Interval;
use crate::stats::multiplicity::holm;
use crate::stats::paired::Flips;
use crate::stats::paired_drop::{self, interval, mid_p_better, mid_p_worse};
use crate::stats::proportion::Proportion;
use crate::verdict::{Evidence, Verdict};

/// A limit on the share of right answers. None where it does not concern the cell.
pub(super) fn accuracy(context: &Context<'_>, limit: &Limit) -> Option<Finding> {
    match limit.kind {
        LimitKind::Min | LimitKind::Max => Some(least(context, limit)),
        kind => {
            let reference = match reference(context, kind)? {
                Ok(reference) => reference,
                Err(finding) => return Some(finding),
            };
            Some(against(context, reference, |pairs| whole(context, pairs)))
        }
    }
}

/// A limit on the class that fell most. None where it does not concern the cell.
pub(super) fn worst_class(context: &Context<'_>, limit: &Limit) -> Option<Finding> {
    let reference = match reference(context, limit.kind)? {
        Ok(reference) => reference,
        Err(finding) => return Some(finding),
    };
    Some(against(context, reference, |pairs| worst(context, pairs)))
}

/// What the cell is compared with: the same cell of the baseline, or the float variant of the same run.
fn reference<'a>(context: &Context<'a>, kind: LimitKind) -> Option<Result<&'a CellRecord, Finding>> {
    if kind == LimitKind::MaxDropVsBaseline {
        return context.baseline.map(Ok);
    }
    let wanted = float_variant(context.run, &context.cell().model);
    let Some(variant) = wanted else {
        return Some(Err(Finding::nothing(Verdict::Missing, "the run has no float variant to compare with")));
    };
    if variant == context.cell().variant {
        return None;
    }
    let same = |one: &&CellRecord| {
        let cell = &one.cell;
        let mine = context.cell();
        cell.variant == variant
            && cell.model == mine.model
            && cell.device == mine.device
            && cell.runtime == mine.runtime
            && cell.threads == mine.threads
    };
    let missing = || {
        Finding::nothing(
            Verdict::Missing,
            format!("the float variant {variant} was not measured on this device"),
        )
    };
    Some(context.run.cells.iter().find(same).ok_or_else(missing))
}

/// The first variant of a model that is not quantized.
pub(super) fn float_variant<'a>(run: &'a RunRecord, model: &str) -> Option<&'a str> {
    run.artifacts
        .iter()
        .find(|one| one.model == model && one.quantize == "none")
        .map(|one| one.variant.as_str())
}

pub(super) type Pair<'a> = (&'a PredictionRecord, &'a PredictionRecord);

fn against(context: &Context<'_>, reference: &CellRecord, judge: impl Fn(&[Pair<'_>]) -> Finding) -> Finding {
    let Some(mine) = &context.candidate.evaluation else {
        return Finding::nothing(Verdict::Missing, "accuracy was not measured");
    };
    let Some(other) = &reference.evaluation else {
        return Finding::nothing(Verdict::New, "what it is compared with has no accuracy");
    };
    match pairs(other, mine) {
        Ok(pairs) => judge(&pairs),
        Err(why) => Finding::nothing(Verdict::Invalid, why),
    }
}

/// The same examples by both: reference first. Anything that would let two different questions be compared is told.
pub(super) fn pairs<'a>(
    reference: &'a EvaluationRecord,
    candidate: &'a EvaluationRecord,
) -> Result<Vec<Pair<'a>>, String> {
    if reference.pack_digest != candidate.pack_digest {
        return Err("the two did not see the same bytes: data, split or preprocessing changed".to_owned());
    }
    let mut by_example: BTreeMap<u32, &PredictionRecord> = BTreeMap::new();
    for one in &reference.predictions {
        by_example.insert(one.example, one);
    }
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::with_capacity(candidate.predictions.len());
    for one in &candidate.predictions {
        if !seen.insert(one.example) {
            return Err(format!("example {} was answered twice", one.example));
        }
        let Some(other) = by_example.get(&one.example) else {
            return Err(format!("example {} is not one of those of the other side", one.example));
        };
        if other.label != one.label {
            return Err(format!("example {} has label {}, had {}", one.example, one.label, other.label));
        }
        pairs.push((*other, one));
    }
    if pairs.len() != by_example.len() {
        return Err(format!("{} of {} examples were answered", pairs.len(), by_example.len()));
    }
    if pairs.is_empty() { Err("there are no examples".to_owned()) } else { Ok(pairs) }
}

fn flips<'a>(pairs: impl IntoIterator<Item = &'a Pair<'a>>) -> Flips {
    let mut flips = Flips::default();
    for (reference, candidate) in pairs {
        flips.add(reference.is_right(), candidate.is_right(), reference.predicted() == candidate.predicted());
    }
    flips
}

fn whole(context: &Context<'_>, pairs: &[Pair<'_>]) -> Finding {
    let flips = flips(pairs);
    let share = |right: usize| right as f64 / pairs.len() as f64;
    let before = share(pairs.iter().filter(|(reference, _)| reference.is_right()).count());
    let after = share(pairs.iter().filter(|(_, candidate)| candidate.is_right()).count());
    let drop = before - after;
    let same = pairs.iter().all(|(reference, candidate)| reference.top == candidate.top);
    let counts = format!("{} lost, {} won of {}", flips.right_to_wrong, flips.wrong_to_right, flips.compared);
    let (evidence, basis) = if same {
        (
            Evidence::exact(0.0),
            format!("every answer and every score of {} examples is the same", pairs.len()),
        )
    } else if context.policy.accuracy_on_set {
        (Evidence::exact(drop), format!("on these very examples: {counts}"))
    } else if let Some((evidence, watched)) = early::evidence(context, pairs, &flips, drop) {
        (evidence, format!("{counts}; {watched}"))
    } else {
        (drop_evidence(&flips, drop, context.confidence()), population_basis(context, &flips, &counts))
    };
    Finding::measured(Some(before), after, evidence, basis)
}

fn drop_evidence(flips: &Flips, drop: f64, confidence: f64) -> Evidence {
    Evidence {
        worse_by: drop,
        interval: interval(flips, confidence),
        p_worse: mid_p_worse(flips),
        p_better: mid_p_better(flips),
    }
}

fn population_basis(context: &Context<'_>, flips: &Flips, counts: &str) -> String {
    let discordant = (flips.right_to_wrong + flips.wrong_to_right) as f64 / flips.compared.max(1) as f64;
    let shows = match paired_drop::detectable(flips.compared, discordant, context.alpha) {
        Some(least) => format!("the smallest drop they can show is {:.2} points", least * 100.0),
        None => "they flip too rarely to show any drop".to_owned(),
    };
    format!("{counts} (McNemar mid-p, Tango interval); {shows}")
}

/// The class with the strongest evidence; its interval reaches up to the least certain class, so that it is within a
/// limit only if every class is.
fn worst(context: &Context<'_>, pairs: &[Pair<'_>]) -> Finding {
    let mut classes: BTreeMap<u32, Vec<Pair<'_>>> = BTreeMap::new();
    for pair in pairs {
        classes.entry(pair.0.label).or_default().push(*pair);
    }
    let found: Vec<(u32, Flips)> = classes.iter().map(|(class, pairs)| (*class, flips(pairs))).collect();
    let corrected = holm(&found.iter().map(|(_, flips)| mid_p_worse(flips)).collect::<Vec<_>>());
    let level = 1.0 - 2.0 * context.alpha / found.len().max(1) as f64;
    let drop = |flips: &Flips| -flips.accuracy_change().unwrap_or(0.0);
    let order = |one: usize, other: usize| {
        let by_p = corrected[one].total_cmp(&corrected[other]);
        by_p.then(drop(&found[other].1).total_cmp(&drop(&found[one].1)))
    };
    let Some(at) = (0..found.len()).min_by(|one, other| order(*one, *other)) else {
        return Finding::nothing(Verdict::Missing, "there are no classes");
    };
    let (class, flips) = found[at];
    let upper = found
        .iter()
        .filter_map(|(_, flips)| interval(flips, level))
        .map(|one| one.upper)
        .fold(f64::MIN, f64::max);
    let lower = interval(&flips, level).map_or(-1.0, |one| one.lower);
    let right = |wanted: fn(&Pair<'_>) -> bool| {
        let pairs = &classes[&class];
        pairs.iter().filter(|pair| wanted(pair)).count() as f64 / pairs.len() as f64
    };
    let (before, after) = (right(|pair| pair.0.is_right()), right(|pair| pair.1.is_right()));
    let interval = Some(Interval { lower, upper: upper.max(drop(&flips)), confidence: context.confidence() });
    let evidence = Evidence { worse_by: drop(&flips), interval, p_worse: corrected[at], p_better: 1.0 };
    let basis = format!(
        "class {class} of {}: {} lost, {} won of {} (mid-p, corrected over the classes)",
        found.len(),
        flips.right_to_wrong,
        flips.wrong_to_right,
        flips.compared
    );
    Finding::measured(Some(before), after, evidence, basis)
}

/// A floor for the share of right answers, whatever the baseline.
fn least(context: &Context<'_>, limit: &Limit) -> Finding {
    let Some(evaluation) = &context.candidate.evaluation else {
        return Finding::nothing(Verdict::Missing, "accuracy was not measured");
    };
    let total = evaluation.predictions.len() as u64;
    let right = evaluation.predictions.iter().filter(|one| one.is_right()).count() as u64;
    let Some(share) = Proportion::new(right, total) else {
        return Finding::nothing(Verdict::Missing, "there are no examples");
    };
    let worse_by = limit.value - share.share();
    let evidence = if context.policy.accuracy_on_set {
        Evidence::exact(worse_by)
    } else {
        let tail = Binomial::new(limit.value.clamp(0.0, 1.0), total);
        let p_worse = tail.map_or(1.0, |binomial| binomial.cdf(right));
        // Wilson's two-sided 95 % interval is at least as strict as the level of the gate, which is one-sided.
        let interval = Interval {
            lower: limit.value - share.interval.upper,
            upper: limit.value - share.interval.lower,
            confidence: share.interval.confidence,
        };
        Evidence { worse_by, interval: Some(interval), p_worse, p_better: 1.0 - p_worse }
    };
    Finding::measured(None, share.share(), evidence, format!("{right} of {total} right"))
}

/// The smallest margin that the examples of a run can support for a cell, as a share: for the lint of limits.
pub(super) fn supported_margin(inputs: &Inputs<'_>, record: &CellRecord, alpha: f64) -> Option<f64> {
    let evaluation = record.evaluation.as_ref()?;
    let compared = evaluation.predictions.len() as u64;
    let baseline = inputs.baseline?.cells.iter().find(|one| one.cell == record.cell)?;
    let seen = pairs(baseline.evaluation.as_ref()?, evaluation).map(|pairs| flips(&pairs));
    let flips = seen.unwrap_or(Flips { compared, ..Flips::default() });
    paired_drop::supported_margin(&flips, alpha)
}

/// Whether a limit is on accuracy in any form.
pub(super) fn is_about(metric: Metric) -> bool {
    matches!(metric, Metric::Accuracy | Metric::WorstClass)
}
