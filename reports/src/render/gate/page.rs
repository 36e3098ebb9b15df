//! The verdict as one page: the answer first, then why, cell by cell. Opens offline, runs no script, light and dark.

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::{about, cell_name, design, figures_of, limit_name, tally, worst_first};
use crate::beside::Beside;
use crate::gate::{CellVerdict, Check, Flip, GateReport};
use crate::render::examples::Gallery;
use crate::render::outside::printable_lines;
use crate::render::{RenderError, plot};
use crate::verdict::Verdict;

/// Changed answers that are listed; all of them are in the CSV.
pub const FLIPS_SHOWN: usize = 200;

/// The whole page, with the pictures that were gathered of the changed answers. Text that came from outside is escaped by
/// the template engine.
///
/// # Errors
/// When the template does not fit, which is a mistake of ours.
pub fn page(report: &GateReport, flips: &[Flip], beside: &Beside) -> Result<String, RenderError> {
    let mut gallery = Gallery::new(beside);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("gate.html", include_str!("page.html"))?;
    let style = [plot::PALETTE, include_str!("../html/report.css"), include_str!("page.css")].join("\n");
    let page = environment.get_template("gate.html")?.render(context! {
        style => Value::from_safe_string(style),
        suite => report.suite.as_str(),
        verdict => report.verdict.word(),
        class => class(report.verdict),
        sentence => sentence(report.verdict),
        tally => tally(report),
        about => about(report),
        lints => report.lints.iter().map(ToString::to_string).collect::<Vec<_>>(),
        waivers => waivers(report),
        cells => worst_first(report).into_iter().map(cell).collect::<Vec<_>>(),
        flips => flips.iter().take(FLIPS_SHOWN).map(|one| flip(one, &mut gallery)).collect::<Vec<_>>(),
        more_flips => flips.len().saturating_sub(FLIPS_SHOWN),
        version => env!("CARGO_PKG_VERSION"),
    })?;
    Ok(printable_lines(&page))
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed | Verdict::Missing | Verdict::Invalid => "bad",
        Verdict::Inconclusive | Verdict::Waived => "doubt",
        Verdict::Pass | Verdict::Improved | Verdict::New => "good",
    }
}

/// What the verdict on the whole means, in one sentence.
fn sentence(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Every figure is shown to keep its limit.",
        Verdict::Improved => "Every figure keeps its limit, and at least one is proven to be much better.",
        Verdict::New => "Nothing is beyond a limit; some of it was measured for the first time.",
        Verdict::Waived => "What is beyond its limit is covered by a waiver.",
        Verdict::Inconclusive => {
            "Nothing is proven to be worse, but not everything is shown to keep its limit."
        }
        Verdict::Regressed => "At least one figure is proven to be worse, beyond its limit.",
        Verdict::Missing => "Something that has to be there is not.",
        Verdict::Invalid => "Something was measured under conditions that let it not count.",
    }
}

fn waivers(report: &GateReport) -> Vec<Value> {
    let one = |one: &crate::gate::WaiverUse| {
        context! {
            owner => one.waiver.owner.as_str(), reason => one.waiver.reason.as_str(), covers => one.covers,
            scope => one.waiver.scope.to_string(), metric => one.waiver.metric.key(),
            expires => one.waiver.expires.to_string(), accept => one.waiver.accept_text.as_str(), expired => one.expired,
        }
    };
    report.waivers.iter().map(one).collect()
}

fn cell(cell: &CellVerdict) -> Value {
    context! {
        name => cell_name(&cell.cell),
        verdict => cell.verdict.word(),
        class => class(cell.verdict),
        open => !cell.verdict.passes(),
        design => cell.design.map(design),
        notes => cell.notes.clone(),
        checks => cell.checks.iter().map(check).collect::<Vec<_>>(),
    }
}

fn check(check: &Check) -> Value {
    context! {
        verdict => check.verdict.word(),
        class => class(check.verdict),
        limit => limit_name(check),
        written => check.limit.text.as_str(),
        figures => figures_of(check).unwrap_or_else(|| crate::render::figures::ABSENT.to_owned()),
        basis => check.basis.as_str(),
    }
}

fn flip(flip: &Flip, gallery: &mut Gallery<'_>) -> Value {
    let class = |class: Option<u32>| {
        class.map_or_else(|| crate::render::figures::ABSENT.to_owned(), |one| one.to_string())
    };
    context! {
        cell => cell_name(&flip.cell), against => flip.against.as_str(), example => flip.id.example,
        picture => gallery.picture(&flip.id), label => flip.label,
        before => class(flip.before), after => class(flip.after),
    }
}
