//! A comparison as text: a table for the terminal, JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::{CellPairs, Judged, Plan};
use crate::record::Cell;
use crate::stats::Interval;
use crate::verdict::Verdict;

/// A table, the worst first, with one line that says what it comes to. `base` and `head` are names of the two arms.
pub fn terminal(base: &str, head: &str, plan: &Plan, cells: &[CellPairs], judged: &[Judged]) -> String {
    let mut lines: Vec<(&CellPairs, &Judged)> = cells.iter().zip(judged).collect();
    lines.sort_by_key(|(_, judged)| judged.verdict.rank());
    let mut text = format!("head {head}\nagainst base {base}\n\n");
    for (cell, judged) in &lines {
        let _ = writeln!(text, "{:<13} {}  {}", judged.verdict.word(), name(&cell.cell), effect(judged));
        if let Some(problem) = &cell.problem {
            let _ = writeln!(text, "              {problem}");
        }
        if cell.left_out > 0 {
            let _ = writeln!(text, "              {} pairs left out: throttled", cell.left_out);
        }
    }
    let pairs: usize = judged.iter().map(|one| one.pairs).sum();
    let _ = writeln!(
        text,
        "\n{} cells, {pairs} pairs; limit {:.1} %; a clean comparison is blocked {:.2} % of the time at most",
        cells.len(),
        plan.margin * 100.0,
        plan.family_alpha * 100.0
    );
    text
}

fn name(cell: &Cell) -> String {
    format!("{} {} {} x{}", cell.device, cell.model, cell.variant, cell.threads)
}

fn effect(judged: &Judged) -> String {
    let Some(slowdown) = judged.slowdown else { return "no pairs".to_owned() };
    let interval = judged.interval.map_or(String::new(), |interval| {
        let Interval { lower, upper, confidence } = interval;
        format!(" ({:+.1} to {:+.1} %, {:.0} % sure)", lower * 100.0, upper * 100.0, confidence * 100.0)
    });
    format!("{:+.1} %{interval}, {} pairs", slowdown * 100.0, judged.pairs)
}

#[derive(Serialize)]
struct Document<'d> {
    base: &'d str,
    head: &'d str,
    verdict: &'static str,
    plan: &'d Plan,
    cells: Vec<Line<'d>>,
}

#[derive(Serialize)]
struct Line<'d> {
    verdict: &'static str,
    slowdown: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
    confidence: Option<f64>,
    screen_p: Option<f64>,
    confirm_p: Option<f64>,
    #[serde(flatten)]
    measured: &'d CellPairs,
}

/// Everything, every pair among it.
///
/// # Errors
/// When a figure cannot be written, which no measured one is.
pub fn json(
    base: &str,
    head: &str,
    plan: &Plan,
    cells: &[CellPairs],
    judged: &[Judged],
) -> serde_json::Result<String> {
    let line = |(measured, judged): (_, &Judged)| Line {
        verdict: judged.verdict.word(),
        slowdown: judged.slowdown,
        lower: judged.interval.map(|interval| interval.lower),
        upper: judged.interval.map(|interval| interval.upper),
        confidence: judged.interval.map(|interval| interval.confidence),
        screen_p: judged.screen_p,
        confirm_p: judged.confirm_p,
        measured,
    };
    let verdict = Verdict::of_all(judged.iter().map(|one| one.verdict)).unwrap_or(Verdict::Missing).word();
    let cells = cells.iter().zip(judged).map(line).collect();
    serde_json::to_string_pretty(&Document { base, head, verdict, plan, cells })
}
