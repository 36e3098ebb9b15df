//! The verdict for a terminal: the worst first, one line a check that did not pass, the rest counted.

use anstyle::{AnsiColor, Style};

use super::{about, cell_name, story, tally, worst_first};
use crate::gate::{CellVerdict, GateReport};
use crate::render::TerminalOptions;
use crate::render::outside::printable;
use crate::verdict::Verdict;

/// Verdict, what it rests on, every cell with its worst check, doubts about the policy. Ends with a line break.
pub fn terminal(report: &GateReport, options: TerminalOptions) -> String {
    let paint = |verdict: Verdict| word(verdict, options.color);
    let mut text = format!("{} {}\n", paint(report.verdict), tally(report));
    text.push_str(&format!("  {}\n", printable(&about(report))));
    for cell in worst_first(report) {
        text.push_str(&format!("\n{} {}\n", paint(cell.verdict), printable(&cell_name(&cell.cell))));
        text.push_str(&lines(cell, options.color));
    }
    for waiver in report.waivers.iter().filter(|one| !one.expired) {
        let (owner, reason, expires) = (&waiver.waiver.owner, &waiver.waiver.reason, waiver.waiver.expires);
        let line = format!("waiver of {owner} until {expires} covers {}: {reason}", waiver.covers);
        text.push_str(&format!("\n{}", printable(&line)));
    }
    for lint in &report.lints {
        text.push_str(&format!("\npolicy: {}", printable(&lint.to_string())));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn lines(cell: &CellVerdict, color: bool) -> String {
    let notes = cell.notes.iter().map(|note| format!("  {}\n", printable(note)));
    let checks = cell
        .checks
        .iter()
        .map(|check| format!("  {} {}\n", word(check.verdict, color), printable(&story(check))));
    notes.chain(checks).collect()
}

fn word(verdict: Verdict, color: bool) -> String {
    let padded = format!("{:<12}", verdict.word());
    if !color {
        return padded;
    }
    let shade = match verdict {
        Verdict::Regressed | Verdict::Missing | Verdict::Invalid => AnsiColor::Red,
        Verdict::Inconclusive | Verdict::Waived => AnsiColor::Yellow,
        Verdict::Pass | Verdict::Improved | Verdict::New => AnsiColor::Green,
    };
    let style = Style::new().fg_color(Some(shade.into())).bold();
    format!("{style}{padded}{style:#}")
}
