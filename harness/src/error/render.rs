//! From reports to the text on a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Excerpt, Report};

/// Longest part of a line of a file that is shown, in characters.
const MAX_LINE: usize = 160;

/// The colours of one text; all plain when it goes to a file.
struct Styles {
    error: Style,
    frame: Style,
    mark: Style,
    help: Style,
}

impl Styles {
    fn new(color: bool) -> Self {
        if !color {
            let plain = Style::new();
            return Self { error: plain, frame: plain, mark: plain, help: plain };
        }
        Self {
            error: AnsiColor::Red.on_default().bold(),
            frame: AnsiColor::Blue.on_default().bold(),
            mark: AnsiColor::Red.on_default(),
            help: AnsiColor::Green.on_default().bold(),
        }
    }
}

pub(super) fn render(reports: &[Report], color: bool) -> String {
    let styles = Styles::new(color);
    let texts: Vec<String> = reports.iter().map(|report| one(report, &styles)).collect();
    texts.join("\n")
}

fn one(report: &Report, styles: &Styles) -> String {
    let mut text = String::new();
    line(&mut text, styles.error, "error", &format!(": {}", shown(&report.what)));
    let excerpt = report.place.as_ref().and_then(|place| place.excerpt.as_ref());
    if let Some(place) = &report.place {
        let position = match excerpt {
            Some(excerpt) => format!(":{}:{}", excerpt.position.line, excerpt.position.column),
            None => String::new(),
        };
        let file = shown(&place.file.display().to_string());
        line(&mut text, styles.frame, "  -->", &format!(" {file}{position}"));
    }
    match excerpt {
        Some(excerpt) => text.push_str(&quote(excerpt, &shown(&report.label), styles)),
        None if !report.label.is_empty() => line(&mut text, Style::new(), "  ", &shown(&report.label)),
        None => {}
    }
    for cause in &report.causes {
        line(&mut text, styles.frame, "  because", &format!(": {}", shown(cause)));
    }
    for help in &report.help {
        line(&mut text, styles.help, "  help", &format!(": {}", shown(help)));
    }
    text
}

fn line(text: &mut String, style: Style, head: &str, rest: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{style}{head}{style:#}{rest}");
}

/// The line of the file with the meant part underlined and the label behind it.
fn quote(excerpt: &Excerpt, label: &str, styles: &Styles) -> String {
    let number = excerpt.position.line.to_string();
    let gutter = " ".repeat(number.len());
    let (content, indent, width) = window(excerpt);
    let marks = format!("{}{}", " ".repeat(indent), "^".repeat(width));
    let label = if label.is_empty() { String::new() } else { format!(" {label}") };
    let mut text = String::new();
    line(&mut text, styles.frame, &format!("{gutter} |"), "");
    line(&mut text, styles.frame, &format!("{number} |"), &format!(" {content}"));
    let mark = styles.mark;
    line(&mut text, styles.frame, &format!("{gutter} |"), &format!(" {mark}{marks}{label}{mark:#}"));
    text
}

/// The part of a long line around the meant characters, how far in they are and how many of them are seen.
fn window(excerpt: &Excerpt) -> (String, usize, usize) {
    let column = excerpt.position.column.saturating_sub(1);
    let from = if column + excerpt.width > MAX_LINE { column.saturating_sub(MAX_LINE / 4) } else { 0 };
    let letters: Vec<char> = excerpt.line.chars().skip(from).take(MAX_LINE).map(plain).collect();
    let indent = column - from;
    let width = excerpt.width.min(letters.len().saturating_sub(indent)).max(1);
    (letters.into_iter().collect(), indent, width)
}

/// One visible character for each, so that the marks stay under the text.
fn plain(letter: char) -> char {
    match letter {
        '\t' => ' ',
        letter if hidden(letter) => char::REPLACEMENT_CHARACTER,
        letter => letter,
    }
}

/// Text in which nothing acts on a terminal.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars() {
        if hidden(letter) { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown
}

/// Control characters, and the marks that turn the direction of text around ("Trojan Source", CVE-2021-42574).
fn hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}
