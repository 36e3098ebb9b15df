//! The verdict for a pull request or a step summary: the worst first, the rest folded, never longer than what the
//! place takes.

use super::{about, cell_name, deciding, story, tally, worst_first};
use crate::gate::{CellVerdict, GateReport};
use crate::render::markdown::escape;
use crate::verdict::Verdict;

/// Longest comment of GitHub, in characters; a little is left for what others put around it.
pub const COMMENT_LIMIT: usize = 65_000;

/// Longest step summary of GitHub is 1 MiB, in bytes.
pub const SUMMARY_LIMIT: usize = 1_000_000;

/// The mark by which the comment of a suite is found again, so that there is only ever one.
pub fn marker(suite: &str) -> String {
    // Nothing in a name can end the HTML comment early.
    let safe: String =
        suite.chars().filter(|one| one.is_ascii_alphanumeric() || matches!(one, '.' | '_')).collect();
    format!("<!-- edgebench-gate:{safe} -->")
}

/// The text, in at most `limit` bytes (and so at most as many characters). What does not fit is counted.
pub fn markdown(report: &GateReport, limit: usize) -> String {
    let mut text = head(report);
    let tail = format!("\n<sub>{}</sub>\n", escape(&about(report)));
    let cells = worst_first(report);
    let (bad, good): (Vec<&CellVerdict>, Vec<&CellVerdict>) =
        cells.into_iter().partition(|cell| !matches!(cell.verdict, Verdict::Pass | Verdict::Improved));
    let budget = limit.saturating_sub(tail.len() + RESERVED);
    let mut left_out = 0;
    for cell in &bad {
        append(&mut text, &open(cell), budget, &mut left_out);
    }
    if !good.is_empty() {
        let summary = format!("\n<details><summary>{} within their limits</summary>\n\n", good.len());
        if text.len() + summary.len() < budget {
            text.push_str(&summary);
            for cell in &good {
                append(&mut text, &folded(cell), budget, &mut left_out);
            }
            text.push_str("\n</details>\n");
        } else {
            left_out += good.len();
        }
    }
    if left_out > 0 {
        text.push_str(&format!("\n{left_out} more do not fit here; the job's artefacts have them.\n"));
    }
    text.push_str(&tail);
    text
}

/// For the ends of what is folded and the line about what does not fit.
const RESERVED: usize = 200;

fn append(text: &mut String, part: &str, budget: usize, left_out: &mut usize) {
    if *left_out == 0 && text.len() + part.len() < budget {
        text.push_str(part);
    } else {
        *left_out += 1;
    }
}

fn head(report: &GateReport) -> String {
    let sign = if report.verdict.passes() { "✅" } else { "❌" };
    let mut text = format!(
        "{}\n### {sign} {} · {}\n\n{}\n\n",
        marker(&report.suite),
        report.verdict.word(),
        escape(&report.suite),
        tally(report)
    );
    let lints: Vec<String> = report
        .lints
        .iter()
        .take(20)
        .map(|lint| format!("- policy: {}\n", short(&lint.to_string())))
        .collect();
    text.push_str(&lints.concat());
    for one in report.waivers.iter().filter(|one| one.covers > 0).take(20) {
        let line =
            format!("waiver of {} until {}: {}", one.waiver.owner, one.waiver.expires, one.waiver.reason);
        text.push_str(&format!("- {}\n", short(&line)));
    }
    text
}

/// One line that cannot take the room of everything else.
fn short(line: &str) -> String {
    const LONGEST: usize = 400;
    let cut: String = line.chars().take(LONGEST).collect();
    escape(&cut)
}

fn open(cell: &CellVerdict) -> String {
    let mut text = format!("\n**{}** {}\n\n", cell.verdict.word(), short(&cell_name(&cell.cell)));
    for note in &cell.notes {
        text.push_str(&format!("- {}\n", short(note)));
    }
    for check in &cell.checks {
        text.push_str(&format!("- {} {}\n", check.verdict.word(), short(&story(check))));
    }
    text
}

fn folded(cell: &CellVerdict) -> String {
    format!("- {} {}: {}\n", cell.verdict.word(), short(&cell_name(&cell.cell)), short(&deciding(cell)))
}
