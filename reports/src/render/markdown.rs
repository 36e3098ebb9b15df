//! The run as GitHub-flavoured Markdown, for pull requests and step summaries.

use super::columns::{self, Column};
use super::outside::printable;
use super::{findings, shipping};
use crate::record::RunRecord;
use crate::summary::{CellSummary, Group, summarize};

/// Title, what to ship, one table a group, findings, warnings. Text that came from outside cannot make markup.
pub fn markdown(run: &RunRecord) -> String {
    let summary = summarize(run);
    let mut text = format!("## {}\n\n{}", escape(&run.run.suite), findings::tally(&summary));
    if let Some(duration) = findings::duration(&run.run) {
        text.push_str(&format!(" in {duration}"));
    }
    text.push_str(&format!(". Run {}, edgebench {}.\n", code(&run.run.id), escape(&run.run.tool_version)));
    for (at, (place, problem)) in findings::unusable(run).into_iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        text.push_str(&format!("{gap}- **{}** {}\n", escape(&place), escape(&problem)));
    }
    for advice in shipping::advice(run, &summary.groups) {
        text.push_str(&format!("\n**{}**: {}\n", escape(&advice.place), escape(&advice.paragraph())));
    }
    for group in &summary.groups {
        text.push_str(&format!("\n### {}\n\n", escape(&findings::group_title(group))));
        table(&mut text, group);
        lines(&mut text, group);
    }
    text
}

fn table(text: &mut String, group: &Group) {
    let columns = columns::with_additions(group);
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text.push_str(&row(columns.iter().map(|(column, _)| column.title.to_owned()).collect()));
    let rule = |(at, _): (usize, _)| if at == 0 { "---" } else { "---:" }.to_owned();
    text.push_str(&row(columns.iter().enumerate().map(rule).collect()));
    for cell in &group.cells {
        let written = |(column, addition): &(&Column, Option<&Column>)| {
            let figure = escape(&columns::text(column, cell));
            let addition = addition.and_then(|addition| (addition.text)(cell));
            addition.map_or(figure.clone(), |addition| format!("{figure} ({})", escape(&addition)))
        };
        text.push_str(&row(columns.iter().map(written).collect()));
    }
    text.push('\n');
}

fn lines(text: &mut String, group: &Group) {
    for cell in &group.cells {
        for line in cell_lines(cell, group) {
            text.push_str(&format!("- **{}** {}\n", escape(&cell.cell.variant), escape(&line)));
        }
    }
    let legend: Vec<String> = findings::legend(group).iter().map(|line| escape(line)).collect();
    text.push_str(&format!("\n<sub>{}</sub>\n", legend.join(" · ")));
}

fn cell_lines(cell: &CellSummary, group: &Group) -> Vec<String> {
    let trouble = findings::trouble(&cell.outcome);
    let comparison = findings::comparison(cell, group);
    let warnings = cell.warnings.iter().map(|warning| format!("⚠ {warning}"));
    trouble.into_iter().chain(comparison).chain(warnings).collect()
}

/// Every character that could open markup is escaped.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(character);
            }
            character => escaped.push(character),
        }
    }
    escaped
}

/// A code span; a backtick inside cannot end it.
fn code(text: &str) -> String {
    let safe: String =
        text.chars().map(|one| if one == '`' || one.is_control() { ' ' } else { one }).collect();
    format!("`{safe}`")
}
