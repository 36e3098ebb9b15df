//! Everything a user can cause, in the words a user sees: what, where, expected and found, why, what to do, and the
//! code the program exits with.
//!
//! The other modules say only what they know (kind, place, expected, found); this is the only place with advice,
//! colour and exit codes. **To add a kind**: give the module that finds it a typed error whose `Display` is one
//! lower-case line, and write `impl From<ThatError> for BenchError` in a file of `error/`, one file a module. The
//! conversion picks the exit code and adds labels, causes and help with the methods of [`Report`].

mod artifact;
mod compare;
mod config;
mod dataset;
mod device;
mod file;
mod gate;
mod names;
mod peer;
mod plan;
mod render;
mod run;
mod trend;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::Position;

/// What the program tells its caller.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything was measured and nothing got worse.
    Pass = 0,
    /// Something got worse beyond its limit.
    Regression = 1,
    /// The command line or a configuration file is wrong.
    Usage = 2,
    /// The measurements cannot tell.
    Inconclusive = 3,
    /// A device or a measurement is invalid or missing.
    Device = 4,
    /// A mistake of ours, or a damaged store.
    Internal = 5,
    /// Refused for security: host key, digest, hostile input.
    Refused = 6,
    /// Stopped by the user: 128 and the number of SIGINT, as shells have it.
    Interrupted = 130,
}

impl ExitCode {
    /// Every code with its meaning, for `--help`.
    pub const TABLE: [(Self, &'static str); 8] = [
        (Self::Pass, "pass"),
        (Self::Regression, "regression"),
        (Self::Usage, "usage or configuration"),
        (Self::Inconclusive, "inconclusive"),
        (Self::Device, "device or measurement invalid or missing"),
        (Self::Internal, "internal error or damaged store"),
        (Self::Refused, "refused for security (host key, digest, hostile input)"),
        (Self::Interrupted, "interrupted; `bench run --resume` goes on"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Which of two codes the program exits with when both apply: security first, then what a user should not
    /// overlook, a plain regression before a pass.
    pub fn graver(self, other: Self) -> Self {
        if self.gravity() >= other.gravity() { self } else { other }
    }

    fn gravity(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Inconclusive => 1,
            Self::Regression => 2,
            Self::Device => 3,
            Self::Usage => 4,
            Self::Internal => 5,
            Self::Refused => 6,
            Self::Interrupted => 7,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

/// One or more things that went wrong.
#[derive(Clone, PartialEq, Debug)]
pub struct BenchError {
    /// Never empty.
    reports: Vec<Report>,
}

/// One thing that went wrong.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    exit: ExitCode,
    what: String,
    place: Option<Place>,
    label: String,
    causes: Vec<String>,
    help: Vec<String>,
}

/// Where it went wrong.
#[derive(Clone, PartialEq, Debug)]
struct Place {
    file: PathBuf,
    excerpt: Option<Excerpt>,
}

/// One line of the file and the characters of it that are meant.
#[derive(Clone, PartialEq, Debug)]
struct Excerpt {
    position: Position,
    line: String,
    /// Characters, at least 1.
    width: usize,
}

impl Report {
    /// Something went wrong: in one line, lower case, without advice.
    pub fn new(exit: ExitCode, what: impl fmt::Display) -> Self {
        let (what, label) = (what.to_string(), String::new());
        Self { exit, what, place: None, label, causes: Vec::new(), help: Vec::new() }
    }

    /// In this file.
    #[must_use]
    pub fn at(mut self, file: &Path) -> Self {
        self.place = Some(Place { file: file.to_owned(), excerpt: None });
        self
    }

    /// At these bytes of this file's text; shown with the line.
    #[must_use]
    pub fn at_text(mut self, file: &Path, text: &str, span: std::ops::Range<usize>) -> Self {
        let excerpt = Some(Excerpt::of(text, span));
        self.place = Some(Place { file: file.to_owned(), excerpt });
        self
    }

    /// What was expected and what was found.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Why, in one line.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Why: the causes of `error`, outermost first, without `error` itself.
    #[must_use]
    pub fn causes_of(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = error.source();
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// What to do about it, in one line.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl Excerpt {
    fn of(text: &str, span: std::ops::Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end.max(start));
        let begin = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let line = text.get(begin..).unwrap_or_default().lines().next().unwrap_or_default();
        let line_end = begin + line.len();
        let marked = text.get(start..end.min(line_end)).unwrap_or_default();
        let width = marked.trim_end().chars().count().max(1);
        Self { position: Position::of(text, start), line: line.to_owned(), width }
    }
}

impl BenchError {
    /// From one or more reports; none is a mistake of ours and said to be one.
    pub fn new(reports: Vec<Report>) -> Self {
        if reports.is_empty() {
            return Report::new(ExitCode::Internal, "an error without a report").into();
        }
        Self { reports }
    }

    /// A mistake of ours: something that should be impossible.
    pub fn internal(what: impl fmt::Display) -> Self {
        Report::new(ExitCode::Internal, what)
            .help("this is a defect of edgebench: please report it with the command and its output")
            .into()
    }

    /// Both errors.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.reports.extend(other.reports);
        self
    }

    /// What the program exits with: the gravest of its reports.
    pub fn exit_code(&self) -> ExitCode {
        self.reports.iter().map(|report| report.exit).fold(ExitCode::Pass, ExitCode::graver)
    }

    /// What went wrong, without place, causes and help: one line a report. For records and journals.
    pub fn summary(&self) -> String {
        let lines: Vec<String> = self.reports.iter().map(Report::summary).collect();
        lines.join("; ")
    }

    /// The whole text for a terminal, ending in a line break. Control characters of file names and files are shown,
    /// not sent.
    pub fn render(&self, color: bool) -> String {
        render::render(&self.reports, color)
    }
}

impl From<Report> for BenchError {
    fn from(report: Report) -> Self {
        Self { reports: vec![report] }
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

impl std::error::Error for BenchError {}

impl Report {
    fn summary(&self) -> String {
        let mut summary = self.what.clone();
        for cause in &self.causes {
            summary.push_str(": ");
            summary.push_str(cause);
        }
        summary
    }
}

#[cfg(test)]
mod tests;
