//! What to ship and what not, in sentences: the verdict that a report begins with. Judges nothing: `summary/choice.rs`
//! does.

use super::{figures, findings};
use crate::record::RunRecord;
use crate::stats::paired::Flips;
use crate::summary::{CellSummary, Culprit, Group, Standing, Warning, culprits, largest_drop, standing};

/// Operators that are named where a variant is slower.
const CULPRITS_TOLD: usize = 3;

/// How a line reads: what it says of a variant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// May be shipped.
    Good,
    /// May not.
    Bad,
    /// Not shown either way.
    Doubt,
}

/// The verdict on the variants of one group.
pub(super) struct Advice {
    /// `mobilenet on pi4`, with runtime and threads.
    pub(super) place: String,
    /// `Ship int8.`
    pub(super) headline: String,
    /// Why, in one sentence.
    pub(super) why: String,
    /// `not fp16 (slower than fp32)`, one an excluded variant.
    pub(super) excluded: Vec<String>,
    /// Every variant but the reference: name, tone, full sentence.
    pub(super) variants: Vec<(String, Tone, String)>,
}

impl Advice {
    /// Everything but the variants as one paragraph.
    pub(super) fn paragraph(&self) -> String {
        let mut text = format!("{} {}", self.headline, self.why);
        if !self.excluded.is_empty() {
            text.push_str(&format!(" {}.", capitalized(&self.excluded.join(", "))));
        }
        text
    }
}

/// One a group that has something to choose from.
pub(super) fn advice(run: &RunRecord, groups: &[Group]) -> Vec<Advice> {
    groups.iter().filter(|group| group.cells.len() > 1).map(|group| of_group(run, group)).collect()
}

fn of_group(run: &RunRecord, group: &Group) -> Advice {
    let place = format!("{} on {}, {}", group.model, group.device, findings::execution(group));
    let pick = group.pick();
    let (headline, why) = match pick {
        _ if !group.knows_accuracy() => unknown_accuracy(group, pick),
        Some(cell) if cell.is_reference => (
            format!("Ship {}, as it is.", cell.cell.variant),
            "No other variant is shown to be faster, or smaller and no slower, without losing answers."
                .to_owned(),
        ),
        Some(cell) => (format!("Ship {}.", cell.cell.variant), format!("{}.", praise(cell, group))),
        None => (
            "Nothing can be recommended.".to_owned(),
            "No variant was measured to its end beside a float one and kept its answers.".to_owned(),
        ),
    };
    let others = || group.cells.iter().filter(|cell| !cell.is_reference);
    let picked = |cell: &CellSummary| pick.is_some_and(|pick| pick.cell == cell.cell);
    let excluded = others()
        .filter(|cell| !picked(cell))
        .filter_map(|cell| Some(format!("not {} ({})", cell.cell.variant, objection(cell, group)?)));
    let told =
        |cell: &CellSummary| (cell.cell.variant.clone(), tone(standing(cell)), sentence(run, cell, group));
    Advice { place, headline, why, excluded: excluded.collect(), variants: others().map(told).collect() }
}

fn unknown_accuracy(group: &Group, pick: Option<&CellSummary>) -> (String, String) {
    let figures = pick.filter(|cell| !cell.is_reference).map(|cell| {
        format!(" By the other figures, {} is the one: {}.", cell.cell.variant, praise(cell, group))
    });
    let why = format!(
        "No variant's answers were compared with those of a float one.{}",
        figures.unwrap_or_default()
    );
    ("Accuracy is not known.".to_owned(), why)
}

fn tone(standing: Standing) -> Tone {
    match standing {
        Standing::Reference | Standing::Faster => Tone::Good,
        Standing::Broken | Standing::LessAccurate(_) | Standing::Slower => Tone::Bad,
        Standing::AsFast | Standing::Unknown => Tone::Doubt,
    }
}

/// Why a variant is not to be shipped, in a few words; none where nothing speaks against it.
fn objection(cell: &CellSummary, group: &Group) -> Option<String> {
    match standing(cell) {
        Standing::Unknown => Some("not measured to its end".to_owned()).filter(|_| !cell.is_complete()),
        Standing::Broken => Some(broken(cell)),
        Standing::LessAccurate(flips) => {
            Some(format!("loses {} of {}", flips.right_to_wrong, flips.compared))
        }
        Standing::Slower => Some(format!("slower than {}", reference(group))),
        Standing::Reference | Standing::Faster | Standing::AsFast => None,
    }
}

/// Everything about a variant in one sentence.
fn sentence(run: &RunRecord, cell: &CellSummary, group: &Group) -> String {
    match standing(cell) {
        Standing::Unknown => findings::trouble(&cell.outcome)
            .unwrap_or_else(|| format!("was not compared with {}", reference(group))),
        Standing::Broken => broken(cell),
        Standing::LessAccurate(flips) => {
            let but = speed(cell, group).map(|speed| format!("; {speed}")).unwrap_or_default();
            format!("{}, more than chance explains (mid-p {:.3}){but}", answers(&flips), flips.mid_p())
        }
        Standing::Slower => format!("{}. {}", praise(cell, group), slower(run, cell, group)),
        _ => praise(cell, group),
    }
}

/// What takes the time that the reference does not take.
fn slower(run: &RunRecord, cell: &CellSummary, group: &Group) -> String {
    let record = run.cells.iter().find(|record| record.cell == cell.cell);
    let found = record.map(|record| culprits(run, record)).unwrap_or_default();
    if found.is_empty() {
        return "Quantization made it slower; which operators take longer is not known, for it was measured without \
                --profile"
            .to_owned();
    }
    let told = |one: &Culprit| {
        let nanos = |nanos: u64| figures::latency(nanos as f64, cell.emulated);
        let before = match one.before_nanos {
            Some(before) => format!("instead of {}", nanos(before)),
            None => format!("which {} does not have", reference(group)),
        };
        format!("{} {} ({}) {} {before}", one.operator, one.output, one.kernel, nanos(one.nanos))
    };
    let named: Vec<String> = found.iter().take(CULPRITS_TOLD).map(told).collect();
    format!("Quantization made it slower; what takes longer: {}", named.join("; "))
}

/// `2.21 times as fast as fp32 (2.20 – 2.22) and 0.27 of its size; loses none of 360 examples, so that ...`.
fn praise(cell: &CellSummary, group: &Group) -> String {
    let size = cell.size_ratio.map(|ratio| format!("{ratio:.2} of its size"));
    let cost: Vec<String> = speed(cell, group).into_iter().chain(size).collect();
    let flips = cell.accuracy.as_ref().and_then(|accuracy| accuracy.flips);
    let kept = flips.map(|flips| {
        let bound = largest_drop(&flips).map(|drop| {
            format!(
                "; a loss of more than {} points on others of their kind is ruled out (95 %)",
                figures::share_points(drop, flips.compared)
            )
        });
        format!("{}{}", answers(&flips), bound.unwrap_or_default())
    });
    let parts: Vec<String> =
        [Some(cost.join(", ")).filter(|text| !text.is_empty()), kept].into_iter().flatten().collect();
    parts.join("; it ")
}

fn speed(cell: &CellSummary, group: &Group) -> Option<String> {
    let speed = cell.speed.as_ref()?;
    let reference = reference(group);
    if cell.emulated {
        let instructions = figures::digits(1.0 / speed.ratio.ratio);
        return Some(format!("{instructions} times the instructions of {reference}, which are no times"));
    }
    let interval = speed
        .ratio
        .interval
        .map(|one| format!(" ({} at {})", figures::times_interval(one), figures::confidence(one.confidence)));
    let shown =
        if standing(cell) == Standing::AsFast { ", which shows neither faster nor slower" } else { "" };
    Some(format!(
        "{} times as fast as {reference}{}{shown}",
        figures::digits(speed.ratio.ratio),
        interval.unwrap_or_default()
    ))
}

fn answers(flips: &Flips) -> String {
    let of = figures::plural(flips.compared as usize, "example", "examples");
    match (flips.right_to_wrong, flips.wrong_to_right) {
        (0, 0) => format!("loses none of {of}"),
        (0, won) => format!("loses none of {of} and wins {}", figures::count(won)),
        (lost, 0) => format!("loses {} of {of}", figures::count(lost)),
        (lost, won) => format!("loses {} of {of} and wins {}", figures::count(lost), figures::count(won)),
    }
}

fn broken(cell: &CellSummary) -> String {
    let is_broken =
        |warning: &&Warning| matches!(warning, Warning::OneAnswer { .. } | Warning::NotANumber { .. });
    cell.warnings.iter().find(is_broken).map(ToString::to_string).unwrap_or_default()
}

fn reference(group: &Group) -> &str {
    group.reference.as_deref().unwrap_or("the float variant")
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
