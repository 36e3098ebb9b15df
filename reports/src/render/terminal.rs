//! The run as a table for a terminal: fits the width it is given, colours only where asked for, and never passes on a
//! control character that came from outside.

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::columns::{self, Column, Place};
use super::figures::ABSENT;
use super::outside::printable;
use super::{findings, shipping};
use crate::record::{Outcome, RunRecord};
use crate::summary::{CellSummary, Group, summarize};

/// Narrower than this, lines are longer than the terminal: a table needs some room.
const MIN_WIDTH: usize = 40;

/// Space between two columns; an addition stands closer to what it adds to.
const GAP: usize = 2;
const ADDITION_GAP: usize = 1;

/// How to render for a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TerminalOptions {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to write ANSI colours.
    pub color: bool,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self { width: 100, color: false }
    }
}

/// Title, what to ship, one table a group, what the reader should know about its cells, a legend. Ends with a line break.
pub fn terminal(run: &RunRecord, options: TerminalOptions) -> String {
    let page = Page { width: options.width.max(MIN_WIDTH), color: options.color };
    let summary = summarize(run);
    let duration = findings::duration(&run.run).map(|duration| format!(" in {duration}")).unwrap_or_default();
    let about = format!("{}{duration} · run {}", findings::tally(&summary), run.run.id);
    let mut lines = vec![page.paint(BOLD, &cut(&printable(&run.run.suite), page.width))];
    lines.extend(page.wrapped("", &printable(&about)));
    for (place, problem) in findings::unusable(run) {
        lines.extend(page.note(RED, "✗", &format!("{place}: {problem}")));
    }
    for advice in shipping::advice(run, &summary.groups) {
        lines.push(String::new());
        lines.extend(page.note(BOLD, "→", &format!("{}: {}", advice.place, advice.paragraph())));
    }
    for group in &summary.groups {
        lines.push(String::new());
        lines.extend(page.group(group));
    }
    lines.push(String::new());
    lines.join("\n")
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();

struct Page {
    width: usize,
    color: bool,
}

impl Page {
    fn group(&self, group: &Group) -> Vec<String> {
        let mut lines = vec![self.paint(BOLD, &cut(&printable(&findings::group_title(group)), self.width))];
        let all = columns::columns_of(group);
        let shown = self.fitting(&all, group);
        lines.extend(self.table(&shown, group));
        for cell in &group.cells {
            lines.extend(self.about(cell));
        }
        for line in findings::legend(group).iter().chain(&hidden(&all, &shown)) {
            lines.extend(self.wrapped("  ", &printable(line)).iter().map(|line| self.paint(DIM, line)));
        }
        lines
    }

    /// The columns that fit; those of the highest rank go first.
    fn fitting(&self, all: &[&'static Column], group: &Group) -> Vec<&'static Column> {
        let mut shown = all.to_vec();
        while total_width(&shown, group) > self.width {
            let Some(worst) = shown.iter().map(|column| column.rank).max().filter(|rank| *rank > 0) else {
                break;
            };
            shown.retain(|column| column.rank != worst);
        }
        shown
    }

    fn table(&self, columns: &[&'static Column], group: &Group) -> Vec<String> {
        let widths: Vec<usize> = columns.iter().map(|column| column_width(column, group)).collect();
        let line = |texts: Vec<String>| {
            let mut line = String::new();
            for (at, (text, (column, width))) in texts.iter().zip(columns.iter().zip(&widths)).enumerate() {
                line.push_str(&" ".repeat(gap(at, column)));
                line.push_str(&aligned(text, *width, at == 0));
            }
            line.trim_end().to_owned()
        };
        let heading = line(columns.iter().map(|column| heading(column).to_owned()).collect());
        let mut lines = vec![self.paint(DIM, &heading)];
        for cell in &group.cells {
            let text = line(columns.iter().map(|column| shown_text(column, cell)).collect());
            lines.push(match cell.outcome {
                Outcome::Failed { .. } => self.paint(RED, &text),
                Outcome::Unfinished => self.paint(DIM, &text),
                Outcome::Complete => text,
            });
        }
        lines
    }

    /// What a reader should know about a cell.
    fn about(&self, cell: &CellSummary) -> Vec<String> {
        let named = |text: &dyn std::fmt::Display| format!("{}: {text}", cell.cell.variant);
        let trouble = findings::trouble(&cell.outcome).into_iter();
        let trouble = trouble.flat_map(|trouble| self.note(RED, "✗", &named(&trouble)));
        let warnings = cell.warnings.iter().flat_map(|warning| self.note(YELLOW, "!", &named(warning)));
        trouble.chain(warnings).collect()
    }

    fn note(&self, style: Style, mark: &str, text: &str) -> Vec<String> {
        let mut lines = self.wrapped("  ", &printable(text));
        for (at, line) in lines.iter_mut().enumerate() {
            let lead = if at == 0 { self.paint(style, mark) } else { " ".to_owned() };
            *line = format!("{lead} {}", line.trim_start());
        }
        lines
    }

    /// Lines that fit, each after `indent`; a single word that does not is cut.
    fn wrapped(&self, indent: &str, text: &str) -> Vec<String> {
        let room = self.width.saturating_sub(indent.width());
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if line.width() + 1 + word.width() <= room => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(cut(word, room)),
            }
        }
        lines.into_iter().map(|line| format!("{indent}{line}")).collect()
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The line that names the columns that found no room.
fn hidden(all: &[&'static Column], shown: &[&'static Column]) -> Option<String> {
    let is_hidden = |column: &&&Column| {
        column.place != Place::Addition && !shown.iter().any(|one| one.title == column.title)
    };
    let titles: Vec<&str> = all.iter().filter(is_hidden).map(|column| column.title).collect();
    (!titles.is_empty()).then(|| format!("no room for: {}", titles.join(", ")))
}

/// An interval stands in brackets beside its figure, which say what it is.
fn heading(column: &Column) -> &'static str {
    if column.place == Place::Addition { "" } else { column.title }
}

fn shown_text(column: &Column, cell: &CellSummary) -> String {
    let text = printable(&columns::text(column, cell));
    match (column.place, &cell.outcome) {
        (Place::Name, Outcome::Failed { .. }) => format!("{text} ✗"),
        (Place::Name, Outcome::Unfinished) => format!("{text} …"),
        (Place::Addition, _) if text != ABSENT => format!("[{text}]"),
        _ => text,
    }
}

fn column_width(column: &Column, group: &Group) -> usize {
    let widest = group.cells.iter().map(|cell| shown_text(column, cell).width()).max().unwrap_or(0);
    widest.max(heading(column).width())
}

fn gap(position: usize, column: &Column) -> usize {
    match (position, column.place) {
        (0, _) => 0,
        (_, Place::Addition) => ADDITION_GAP,
        _ => GAP,
    }
}

fn total_width(columns: &[&'static Column], group: &Group) -> usize {
    columns.iter().enumerate().map(|(at, column)| gap(at, column) + column_width(column, group)).sum()
}

fn aligned(text: &str, width: usize, left: bool) -> String {
    let room = " ".repeat(width.saturating_sub(text.width()));
    if left { format!("{text}{room}") } else { format!("{room}{text}") }
}

/// At most `width` columns wide, with a sign where something was cut.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(character);
    }
    format!("{kept}…")
}
