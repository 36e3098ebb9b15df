//! What became of mutants: the line a child writes for each, and the table of them all.

use std::collections::BTreeMap;
use std::fmt;

use crate::mutate::Mutants;

/// What became of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Outcome {
    /// An error when it was loaded or prepared.
    Refused,
    /// An error because it asks for more memory than there is.
    NoMemory,
    /// An error from a value during the run.
    Stopped,
    /// It ran.
    Ran,
    /// A panic or a signal.
    Crashed,
    /// Not done within the time.
    Hung,
    /// Memory was asked for in a way that cannot fail, and was not there.
    OutOfMemory,
}

impl Outcome {
    pub(crate) const ALL: [Self; 7] = [
        Self::Refused,
        Self::NoMemory,
        Self::Stopped,
        Self::Ran,
        Self::Crashed,
        Self::Hung,
        Self::OutOfMemory,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NoMemory => "refused for memory",
            Self::Stopped => "stopped",
            Self::Ran => "ran",
            Self::Crashed => "crashed",
            Self::Hung => "hung",
            Self::OutOfMemory => "out of memory",
        }
    }

    pub(crate) fn is_broken(self) -> bool {
        matches!(self, Self::Crashed | Self::Hung | Self::OutOfMemory)
    }
}

/// One mutant, as the child reports it.
pub(crate) struct Line {
    pub(crate) index: u64,
    pub(crate) outcome: Outcome,
    pub(crate) micros: u64,
    pub(crate) peak_kib: u64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, outcome, micros, peak_kib } = self;
        write!(f, "{index},{},{micros},{peak_kib}", outcome.name())
    }
}

impl Line {
    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let index = parts.next()?.parse().ok()?;
        let name = parts.next()?;
        let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)?;
        let micros = parts.next()?.parse().ok()?;
        let peak_kib = parts.next()?.parse().ok()?;
        Some(Self { index, outcome, micros, peak_kib })
    }
}

/// All mutants by kind.
#[derive(Default)]
pub(crate) struct Table {
    rows: BTreeMap<&'static str, Row>,
}

#[derive(Default)]
struct Row {
    counts: BTreeMap<Outcome, u64>,
    slowest_micros: u64,
    peak_kib: u64,
}

impl Table {
    pub(crate) fn add(&mut self, line: &Line) {
        self.rows.entry(Mutants::kind(line.index).name()).or_default().add(line);
        self.rows.entry("total").or_default().add(line);
    }

    pub(crate) fn is_broken(&self) -> bool {
        let rows = self.rows.values();
        rows.flat_map(|row| row.counts.keys()).any(|outcome| outcome.is_broken())
    }
}

impl Row {
    fn add(&mut self, line: &Line) {
        *self.counts.entry(line.outcome).or_default() += 1;
        self.slowest_micros = self.slowest_micros.max(line.micros);
        self.peak_kib = self.peak_kib.max(line.peak_kib);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| kind | mutants |")?;
        Outcome::ALL.iter().try_for_each(|outcome| write!(f, " {} |", outcome.name()))?;
        writeln!(f, " slowest (ms) | peak (MiB) |")?;
        writeln!(f, "|---{}", "|---:".repeat(Outcome::ALL.len() + 3) + "|")?;
        for (name, row) in &self.rows {
            write!(f, "| {name} | {} |", row.counts.values().sum::<u64>())?;
            let count = |outcome| row.counts.get(outcome).copied().unwrap_or(0);
            Outcome::ALL.iter().try_for_each(|outcome| write!(f, " {} |", count(outcome)))?;
            let slowest_ms = row.slowest_micros as f64 / 1000.0;
            let peak_mib = row.peak_kib as f64 / 1024.0;
            writeln!(f, " {slowest_ms:.1} | {peak_mib:.1} |")?;
        }
        Ok(())
    }
}
