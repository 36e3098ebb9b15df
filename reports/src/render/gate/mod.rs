//! The verdict of a gate as text: for a terminal, a pull request, a step summary, JUnit, annotations, JSON. Derives
//! nothing; each wording about a check exists here only.

mod annotations;
mod explain;
mod flips;
mod junit;
mod markdown;
mod measures;
mod page;
mod terminal;

use serde_json::{Value, json};

pub use annotations::annotations;
pub use explain::explain;
pub use flips::flips;
pub use junit::junit;
pub use markdown::{COMMENT_LIMIT, SUMMARY_LIMIT, markdown, marker};
pub use measures::{bencher, smaller_is_better};
pub use page::{FLIPS_SHOWN, page};
pub use terminal::terminal;

use super::figures;
use crate::gate::{CellVerdict, Check, Design, GateReport};
use crate::policy::{LimitKind, Unit};
use crate::record::Cell;
use crate::verdict::Verdict;

/// `pi4 · net · int8 · edgebench · 1 thread`.
pub(super) fn cell_name(cell: &Cell) -> String {
    let threads = figures::plural(usize::from(cell.threads), "thread", "threads");
    format!("{} · {} · {} · {} · {threads}", cell.device, cell.model, cell.variant, cell.runtime)
}

/// The worst first; cells of one verdict by name.
pub(super) fn worst_first(report: &GateReport) -> Vec<&CellVerdict> {
    let mut cells: Vec<&CellVerdict> = report.cells.iter().collect();
    cells.sort_by_key(|cell| cell.verdict.rank());
    cells
}

/// `24 cells: 1 REGRESSED, 23 PASS`.
pub(super) fn tally(report: &GateReport) -> String {
    let count = |verdict: Verdict| report.cells.iter().filter(|cell| cell.verdict == verdict).count();
    let parts: Vec<String> = Verdict::WORST_FIRST
        .iter()
        .map(|verdict| (verdict, count(*verdict)))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {}", verdict.word()))
        .collect();
    format!("{}: {}", figures::plural(report.cells.len(), "cell", "cells"), parts.join(", "))
}

/// What it was compared with, and at which level.
pub(super) fn about(report: &GateReport) -> String {
    let against = match &report.baseline {
        Some(baseline) => format!("against {baseline}"),
        None => "against nothing (first run)".to_owned(),
    };
    let family = figures::plural(report.family, "noisy answer", "noisy answers");
    let (pass, proof) = (percent(report.alpha), percent(report.false_alarm));
    format!("{} {against}; passes at {pass} each, regressions at {proof} over {family}", report.candidate)
}

/// `latency.max_increase`.
pub(super) fn limit_name(check: &Check) -> String {
    format!("{}.{}", check.limit.metric.key(), check.limit.kind.key())
}

/// One line about a check: its figures, its limit, what it rests on.
pub(super) fn story(check: &Check) -> String {
    let mut text = limit_name(check);
    if let Some(figures) = figures_of(check) {
        text.push_str(&format!(": {figures}"));
    }
    text.push_str(&format!(" (limit {}; {})", check.limit.text, check.basis));
    text
}

/// `4.20 ms → 4.45 ms, +5.9 % (+4.1 to +7.7, p 0.0004)`.
pub(super) fn figures_of(check: &Check) -> Option<String> {
    let after = value(check, check.after?);
    let mut text = match check.before {
        Some(before) => format!("{} → {after}", value(check, before)),
        None => after,
    };
    let absolute = matches!(check.limit.kind, LimitKind::Max | LimitKind::Min);
    if let Some(change) = check.change().filter(|_| !absolute) {
        text.push_str(&format!(", {}", signed(check, change)));
        text.push_str(&certainty(check));
    }
    Some(text)
}

/// The interval and p of an estimate that has noise; nothing for an exact one.
fn certainty(check: &Check) -> String {
    let Some(evidence) = check.evidence else { return String::new() };
    let Some((lower, upper, confidence)) = check.change_interval() else {
        return " (no interval)".to_owned();
    };
    if lower == upper {
        return String::new();
    }
    let p = if evidence.worse_by >= 0.0 { evidence.p_worse } else { evidence.p_better };
    format!(" ({} to {} at {}; p {})", number(lower), number(upper), percent(confidence), probability(p))
}

/// A change for the reader: growth for what should be small, a fall for accuracy.
fn signed(check: &Check, change: f64) -> String {
    match check.limit.metric.unit() {
        Unit::Share if change >= 0.0 => format!("{:.2} points lost", change * 100.0),
        Unit::Share => format!("{:.2} points won", -change * 100.0),
        _ => format!("{} %", number(change)),
    }
}

/// Per cent with a sign, two digits after the point.
fn number(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    // Neither -0.00 nor +0.00: nothing is nothing.
    if text.trim_start_matches('-').chars().all(|one| matches!(one, '0' | '.')) {
        return "0.00".to_owned();
    }
    if share > 0.0 { format!("+{text}") } else { text }
}

fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn probability(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn value(check: &Check, value: f64) -> String {
    match check.limit.metric.unit() {
        Unit::Nanos if check.counted => format!("{} instructions", figures::count(value.max(0.0) as u64)),
        Unit::Share => format!("{:.2} %", value * 100.0),
        Unit::Nanos => figures::nanos(value),
        Unit::Microjoules => figures::microjoules(value),
        Unit::Bytes => figures::bytes(value.max(0.0) as u64),
    }
}

/// How the blocks were compared, in one line.
pub(super) fn design(design: Design) -> &'static str {
    match design {
        Design::Interleaved => "blocks of both arms in turns, in an order drawn by a coin",
        Design::FixedOrder => "blocks in turns, but always the same arm first: judged as two sessions",
        Design::Sequential => "two sessions apart: judged against the noise between runs",
        Design::Counted => "counts of an emulator: exact",
    }
}

/// What decided a cell: its worst check, or why there is none.
pub(super) fn deciding(cell: &CellVerdict) -> String {
    match cell.checks.iter().find(|check| check.verdict == cell.verdict) {
        Some(check) => story(check),
        None => cell.notes.join("; "),
    }
}

/// The whole report for programs.
pub fn json(report: &GateReport) -> String {
    let check = |check: &Check| {
        json!({
            "metric": check.limit.metric.key(), "limit": check.limit.kind.key(), "written": check.limit.text,
            "value": check.limit.value, "verdict": check.verdict.word(), "before": check.before,
            "after": check.after, "change": finite(check.change()),
            "lower": finite(check.change_interval().map(|one| one.0)),
            "upper": finite(check.change_interval().map(|one| one.1)),
            "confidence": check.change_interval().map(|one| one.2),
            "p_worse": check.evidence.map(|one| one.p_worse), "basis": check.basis, "waiver": check.waiver,
        })
    };
    let cell = |cell: &CellVerdict| {
        let Cell { device, model, variant, runtime, threads } = &cell.cell;
        json!({
            "device": device, "model": model, "variant": variant, "runtime": runtime, "threads": threads,
            "verdict": cell.verdict.word(), "design": cell.design.map(self::design), "notes": cell.notes,
            "checks": cell.checks.iter().map(check).collect::<Vec<Value>>(),
        })
    };
    let waiver = |one: &crate::gate::WaiverUse| {
        json!({
            "scope": one.waiver.scope.to_string(), "metric": one.waiver.metric.key(), "owner": one.waiver.owner,
            "reason": one.waiver.reason, "expires": one.waiver.expires.to_string(), "accept": one.waiver.accept,
            "expired": one.expired, "covers": one.covers,
        })
    };
    let document = json!({
        "suite": report.suite, "candidate": report.candidate, "baseline": report.baseline,
        "verdict": report.verdict.word(), "alpha": report.alpha, "false_alarm": report.false_alarm, "attempt": report.attempt, "family": report.family,
        "cells": report.cells.iter().map(cell).collect::<Vec<Value>>(),
        "lints": report.lints.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "waivers": report.waivers.iter().map(waiver).collect::<Vec<Value>>(),
    });
    format!("{document:#}\n")
}

/// JSON has no infinities.
fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}
