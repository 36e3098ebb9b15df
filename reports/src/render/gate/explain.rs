//! Everything behind the verdict of a cell, for somebody who does not believe it.

use super::{cell_name, design, limit_name, story};
use crate::gate::{CellVerdict, Check, GateReport};
use crate::policy::Policy;
use crate::render::outside::printable;
use crate::verdict::Verdict;

/// The whole story of every cell whose name has all the words (separated by blanks, slashes or commas) of `wanted`;
/// none where no cell fits.
pub fn explain(report: &GateReport, policy: &Policy, wanted: &str) -> Option<String> {
    let words: Vec<&str> = wanted
        .split(|one: char| one.is_whitespace() || matches!(one, '/' | ','))
        .filter(|word| !word.is_empty())
        .collect();
    let fits = |cell: &&CellVerdict| {
        let threads = cell.cell.threads.to_string();
        let names = [&cell.cell.device, &cell.cell.model, &cell.cell.variant, &cell.cell.runtime, &threads];
        words.iter().all(|word| names.iter().any(|name| name == word))
    };
    let stories: Vec<String> =
        report.cells.iter().filter(fits).map(|cell| one_cell(report, policy, cell)).collect();
    (!stories.is_empty()).then(|| stories.join("\n"))
}

fn one_cell(report: &GateReport, policy: &Policy, cell: &CellVerdict) -> String {
    let mut lines = vec![format!("{} is {}", cell_name(&cell.cell), cell.verdict.word())];
    let baseline = report.baseline.as_deref().unwrap_or("nothing");
    lines.push(format!("  run {} against {baseline}", report.candidate));
    lines.extend(cell.design.map(|one| format!("  {}", design(one))));
    lines.extend(cell.notes.iter().map(|note| format!("  {note}")));
    for check in &cell.checks {
        lines.push(format!("  {} {}", check.verdict.word(), story(check)));
        lines.push(format!("    limit: {}", origin(policy, cell, check)));
        lines.push(format!("    {}", reason(report, check)));
        lines.extend(waiver(report, check));
    }
    let text: Vec<String> = lines.iter().map(|line| printable(line)).collect();
    text.join("\n") + "\n"
}

/// Which rule gave the limit.
fn origin(policy: &Policy, cell: &CellVerdict, check: &Check) -> String {
    let mut rules =
        policy.rules.iter().filter(|rule| rule.scope.holds(&cell.cell) && rule.limits.contains(&check.limit));
    let scope = rules.next_back().map_or_else(|| "every cell".to_owned(), |rule| rule.scope.to_string());
    format!("{} = {} from the rule for {scope}", limit_name(check), check.limit.text)
}

/// Why the figures lead to this word and no other.
fn reason(report: &GateReport, check: &Check) -> String {
    let level = super::percent(report.false_alarm);
    match check.verdict {
        Verdict::Pass => "even the unfavourable end of the interval keeps the limit".to_owned(),
        Verdict::Improved => "better than before, proven, and by more than the limit is wide".to_owned(),
        Verdict::Regressed => {
            format!(
                "a change for the worse is proven at {level} (corrected for all answers) and its best estimate lies beyond the limit"
            )
        }
        Verdict::Inconclusive if check.evidence.is_none() => "there is nothing firm to judge".to_owned(),
        Verdict::Inconclusive => format!(
            "the interval reaches beyond the limit, but a change beyond it is not proven at {level}: more pairs would tell"
        ),
        Verdict::Waived => "beyond what the limit lets pass, and covered by a waiver".to_owned(),
        Verdict::New => "there is nothing to compare it with yet".to_owned(),
        Verdict::Missing => "what is not there cannot pass".to_owned(),
        Verdict::Invalid => "what was measured is not what the limit is about".to_owned(),
    }
}

fn waiver(report: &GateReport, check: &Check) -> Option<String> {
    let one = &report.waivers.get(check.waiver?)?.waiver;
    Some(format!(
        "    waiver of {} until {}, up to {}: {}",
        one.owner, one.expires, one.accept_text, one.reason
    ))
}
