//! What can be wrong with a configuration file, in words without advice, and where.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::nearest::nearest;

/// Why a configuration file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operating system refused.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The file is no configuration.
    #[error("{}: longer than {limit_bytes} bytes", file.display())]
    TooLong {
        /// The file.
        file: PathBuf,
        /// Most that is read.
        limit_bytes: u64,
    },
    /// The file was read and its text is wrong.
    #[error("{}: {}", file.display(), Listed(problems))]
    Wrong {
        /// The file.
        file: PathBuf,
        /// Its text.
        text: String,
        /// At least one, in the order of the text.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// The problems with the text; none when there is no text.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Wrong { problems, .. } => problems,
            _ => &[],
        }
    }
}

/// The problems in one line, for a plain `Display`.
struct Listed<'p>(&'p [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong, and where in the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What.
    pub kind: ProblemKind,
    /// The table it is in, such as `variant.int8`; empty for the outermost.
    pub table: String,
    /// Bytes of the text. May be empty, may lie at the end.
    pub span: Range<usize>,
}

/// The kinds of problems.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// Not TOML.
    Syntax(String),
    /// A key that stands for nothing.
    UnknownKey {
        /// The key.
        key: String,
        /// What would be understood there.
        known: Vec<&'static str>,
    },
    /// A key that must be there.
    MissingKey {
        /// The key.
        key: String,
        /// What its value would be.
        expected: String,
    },
    /// A value of another type than expected.
    WrongType {
        /// The key.
        key: String,
        /// The type that is understood.
        expected: String,
        /// The type that was found.
        found: &'static str,
    },
    /// A value of the right type that is out of range or malformed.
    BadValue {
        /// The key.
        key: String,
        /// What is understood.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A name that leads to nothing.
    UnknownName {
        /// What kind of thing is named, such as `dataset`.
        what: &'static str,
        /// The name.
        found: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Two things with one name.
    Duplicate {
        /// What kind of thing is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two values that contradict each other.
    Conflict {
        /// The key.
        key: String,
        /// What would fit.
        expected: String,
        /// What does not.
        found: String,
    },
}

impl Problem {
    pub(super) fn syntax(message: &str, span: Range<usize>) -> Self {
        Self { kind: ProblemKind::Syntax(message.to_owned()), table: String::new(), span }
    }

    /// What is written under the marked text: expected and found. May be empty.
    pub fn label(&self) -> String {
        match &self.kind {
            ProblemKind::Syntax(_) | ProblemKind::Duplicate { .. } => String::new(),
            ProblemKind::UnknownKey { known, .. } => one_of(known),
            ProblemKind::MissingKey { expected, .. } => format!("expected {expected}"),
            ProblemKind::WrongType { expected, found, .. } => format!("expected {expected}, found {found}"),
            ProblemKind::BadValue { expected, found, .. } | ProblemKind::Conflict { expected, found, .. } => {
                format!("expected {expected}, found {found}")
            }
            ProblemKind::UnknownName { known, .. } => one_of(known),
        }
    }

    /// Names among which the right one probably is, with the one that was given.
    pub fn candidates(&self) -> Option<(&str, Vec<&str>)> {
        match &self.kind {
            ProblemKind::UnknownKey { key, known } => Some((key, known.clone())),
            ProblemKind::UnknownName { found, known, .. } => {
                Some((found, known.iter().map(String::as_str).collect()))
            }
            _ => None,
        }
    }
}

/// What is wrong, in one line, without the label.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ProblemKind::Syntax(message) => return write!(f, "{message}"),
            ProblemKind::UnknownKey { key, .. } => write!(f, "unknown key `{key}`")?,
            ProblemKind::MissingKey { key, .. } => write!(f, "missing key `{key}`")?,
            ProblemKind::WrongType { key, .. } => write!(f, "wrong type of `{key}`")?,
            ProblemKind::BadValue { key, .. } => write!(f, "wrong value of `{key}`")?,
            ProblemKind::UnknownName { what, found, .. } => write!(f, "unknown {what} `{found}`")?,
            ProblemKind::Duplicate { what, name } => write!(f, "a second {what} named `{name}`")?,
            ProblemKind::Conflict { key, .. } => write!(f, "`{key}` does not fit")?,
        }
        if self.table.is_empty() { Ok(()) } else { write!(f, " in {}", self.table) }
    }
}

fn one_of<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => "expected nothing here".to_owned(),
        [only] => format!("expected {only}"),
        several => format!("expected one of: {}", several.join(", ")),
    }
}

/// A place in a text as an editor counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Position {
    /// Of byte `offset`, which may lie anywhere, also inside a character or behind the text.
    pub fn of(text: &str, offset: usize) -> Self {
        let start = text.floor_char_boundary(offset);
        let before = text.get(..start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(begin..).unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

/// Where the tables of one file note what is wrong.
#[derive(Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn note(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(super) fn into_error(self, file: &Path, text: &str) -> ConfigError {
        let mut problems = without_consequences(self.0.into_inner());
        if problems.is_empty() {
            problems.push(Problem::syntax("nothing usable", 0..0));
        }
        problems.sort_by_key(|problem| problem.span.start);
        ConfigError::Wrong { file: file.to_owned(), text: text.to_owned(), problems }
    }
}

/// A key that is missing because it is misspelt is one mistake, not two.
fn without_consequences(problems: Vec<Problem>) -> Vec<Problem> {
    let misspelt: Vec<(String, String)> = problems
        .iter()
        .filter(|problem| matches!(problem.kind, ProblemKind::UnknownKey { .. }))
        .filter_map(|problem| {
            let (given, known) = problem.candidates()?;
            Some((problem.table.clone(), nearest(given, known)?.to_owned()))
        })
        .collect();
    let consequence = |problem: &Problem| match &problem.kind {
        ProblemKind::MissingKey { key, .. } => misspelt.contains(&(problem.table.clone(), key.clone())),
        _ => false,
    };
    problems.into_iter().filter(|problem| !consequence(problem)).collect()
}
