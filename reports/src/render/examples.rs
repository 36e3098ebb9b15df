//! The examples whose answer changed, with their pictures, and the classes that fell: for the pages. Bounded in number
//! and bytes; what is left out is counted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Value, context};

use super::figures;
use crate::beside::{Beside, ExampleId};
use crate::record::{Cell, RunRecord};
use crate::summary::{ClassDrop, FlippedExample, class_drops, flipped_examples, reference_of};

/// Examples that are shown of each model.
pub const EXAMPLES_SHOWN: usize = 48;

/// Pictures of one page take at most so many bytes: a page has to open at once, and to go through mail.
const PICTURE_BYTES: usize = 4 << 20;

/// Rows of a table of classes.
const CLASSES_SHOWN: usize = 12;

/// The examples that a page of this run shows, so that pictures are made of no others.
pub fn shown_examples(run: &RunRecord) -> Vec<FlippedExample> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut shown = flipped_examples(run);
    shown.retain(|one| {
        match counts.iter_mut().find(|(model, _)| *model == one.model) {
            Some((_, count)) => *count += 1,
            None => counts.push((one.model.clone(), 1)),
        }
        counts.iter().any(|(model, count)| *model == one.model && *count <= EXAMPLES_SHOWN)
    });
    shown
}

/// Pictures as addresses of their own bytes, as long as there is room for them.
pub(crate) struct Gallery<'b> {
    beside: &'b Beside,
    left_bytes: usize,
}

impl<'b> Gallery<'b> {
    pub(crate) fn new(beside: &'b Beside) -> Self {
        Self { beside, left_bytes: PICTURE_BYTES }
    }

    /// `data:image/png;base64,...` with the size in pixels.
    pub(crate) fn picture(&mut self, id: &ExampleId) -> Option<Value> {
        let picture = self.beside.pictures.get(id)?;
        let encoded = STANDARD.encode(&picture.png);
        self.left_bytes = self.left_bytes.checked_sub(encoded.len())?;
        // Base64 has no character that HTML would have to be told apart from markup.
        let address = Value::from_safe_string(format!("data:image/png;base64,{encoded}"));
        Some(context! { address, width => picture.width, height => picture.height })
    }
}

/// One a model that has changed answers: its examples and how many more there are.
pub(super) fn of_models(run: &RunRecord, beside: &Beside) -> Vec<Value> {
    let mut gallery = Gallery::new(beside);
    let (all, shown) = (flipped_examples(run), shown_examples(run));
    let mut models: Vec<&str> = Vec::new();
    for one in &all {
        if !models.contains(&one.model.as_str()) {
            models.push(&one.model);
        }
    }
    let of_model = |model: &str| {
        let count = all.iter().filter(|one| one.model == model).count();
        let cards: Vec<Value> =
            shown.iter().filter(|one| one.model == model).map(|one| card(run, one, &mut gallery)).collect();
        let more = count - cards.len().min(count);
        context! { model, count, more, cards, classes => classes(run, model) }
    };
    models.into_iter().map(of_model).collect()
}

fn card(run: &RunRecord, one: &FlippedExample, gallery: &mut Gallery<'_>) -> Value {
    let answer = |(cell, answer): &(Cell, Option<(u32, f32)>)| {
        let right = answer.is_some_and(|(class, _)| class == one.label);
        context! { who => who(run, cell), answer => answered(*answer), right }
    };
    context! {
        example => one.id.example,
        label => one.label,
        picture => gallery.picture(&one.id),
        reference => one.reference.as_str(),
        before => answered(one.before),
        before_right => one.before.is_some_and(|(class, _)| class == one.label),
        answers => one.after.iter().map(answer).collect::<Vec<_>>(),
    }
}

/// `3 (0.98)`.
fn answered(answer: Option<(u32, f32)>) -> String {
    match answer {
        Some((class, score)) if score.is_finite() => format!("{class} ({score:.2})"),
        Some((class, _)) => class.to_string(),
        None => figures::ABSENT.to_owned(),
    }
}

/// The variant, with device, runtime and threads as far as the run has several of them.
fn who(run: &RunRecord, cell: &Cell) -> String {
    let several = |same: fn(&Cell, &Cell) -> bool| run.cells.iter().any(|one| !same(&one.cell, cell));
    let mut name = cell.variant.clone();
    if several(|one, other| one.device == other.device) {
        name.push_str(&format!(" on {}", cell.device));
    }
    if several(|one, other| one.runtime == other.runtime) {
        name.push_str(&format!(", {}", cell.runtime));
    }
    if several(|one, other| one.threads == other.threads) {
        name.push_str(&format!(" ×{}", cell.threads));
    }
    name
}

/// Classes that changed, cell by cell.
fn classes(run: &RunRecord, model: &str) -> Vec<Value> {
    let of_cell = |record: &crate::record::CellRecord| {
        let reference = reference_of(run, &record.cell).filter(|one| one.cell != record.cell)?;
        let drops = class_drops(record.evaluation.as_ref()?, reference.evaluation.as_ref()?);
        let rows: Vec<Value> = drops.iter().take(CLASSES_SHOWN).map(class).collect();
        let more = drops.len() - rows.len();
        (!rows.is_empty())
            .then(|| context! { who => who(run, &record.cell), reference => reference.cell.variant.as_str(), rows, more })
    };
    run.cells.iter().filter(|record| record.cell.model == model).filter_map(of_cell).collect()
}

fn class(drop: &ClassDrop) -> Value {
    let of = |right: u64| format!("{} of {}", figures::count(right), figures::count(drop.flips.compared));
    context! {
        class => drop.class,
        before => of(drop.right_before),
        after => of(drop.right_after()),
        lost => figures::count(drop.flips.right_to_wrong),
        won => figures::count(drop.flips.wrong_to_right),
        p => if drop.corrected_p < 0.001 { "< 0.001".to_owned() } else { format!("{:.3}", drop.corrected_p) },
        fell => drop.corrected_p < 0.05,
    }
}
