//! From rows to series, and the changes of level in each.

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::Row;
use crate::record::Cell;
use crate::stats::changepoint::{Change, detect};

/// What a series shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Median time of an inference by that of the reference of the same run.
    LatencyRatio,
    /// Median time of an inference, nanoseconds.
    Latency,
    /// Share of examples whose first class is right.
    Top1,
    /// Length of the model file.
    FileBytes,
}

impl Figure {
    /// Every figure, in the order of pages.
    pub const ALL: [Self; 4] = [Self::LatencyRatio, Self::Latency, Self::Top1, Self::FileBytes];

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::LatencyRatio => "latency by reference",
            Self::Latency => "latency",
            Self::Top1 => "top-1 accuracy",
            Self::FileBytes => "file size",
        }
    }

    /// A value with its unit.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::LatencyRatio => format!("{value:.3}×"),
            Self::Latency if value < 1e3 => format!("{value:.0} ns"),
            Self::Latency if value < 1e6 => format!("{:.1} µs", value / 1e3),
            Self::Latency => format!("{:.2} ms", value / 1e6),
            Self::Top1 => format!("{:.2} %", value * 100.0),
            Self::FileBytes if value < 1e6 => format!("{:.1} kB", value / 1e3),
            Self::FileBytes => format!("{:.2} MB", value / 1e6),
        }
    }

    fn is_worse(self, change: &Change) -> bool {
        match self {
            Self::LatencyRatio | Self::Latency | Self::FileBytes => change.after > change.before,
            Self::Top1 => change.after < change.before,
        }
    }

    fn of(self, row: &Row) -> Option<f64> {
        match self {
            Self::LatencyRatio => row.ratio,
            // The ratio says it better.
            Self::Latency => row.median_nanos.filter(|_| row.ratio.is_none()),
            Self::Top1 => row.top1,
            Self::FileBytes => row.file_bytes.map(|bytes| bytes as f64),
        }
    }
}

/// What a series is of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct SeriesName {
    /// Which cell.
    pub cell: Cell,
    /// Which figure.
    pub figure: Figure,
    /// The environment it was measured in.
    pub fingerprint: String,
    /// What a ratio refers to.
    pub reference: Option<String>,
}

impl SeriesName {
    /// In one line.
    pub fn title(&self) -> String {
        let Cell { device, model, variant, runtime, threads } = &self.cell;
        format!("{model} {variant} {runtime} x{threads} on {device}, {}", self.figure.title())
    }
}

/// One value of a series.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Point<'r> {
    /// The run.
    pub run: &'r str,
    /// RFC 3339, UTC.
    pub started_at: &'r str,
    /// Revision of the sources.
    pub revision: Option<&'r str>,
    /// In the figure's unit.
    pub value: f64,
}

/// A lasting change of a series.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Found {
    /// Index of the first point of the new level.
    pub index: usize,
    /// When that point was measured.
    pub at: String,
    /// Run of that point.
    pub run: String,
    /// The revisions it must be in: after the first, up to the second.
    pub range: String,
    /// Level before.
    pub before: f64,
    /// Level after.
    pub after: f64,
    /// The change for people, such as `+5.0 %`.
    pub effect: String,
    /// Whether it is for the worse.
    pub worse: bool,
    /// By its standard error.
    pub contrast: f64,
    /// Whether the next points may yet overturn it.
    pub fresh: bool,
}

/// Values over runs, oldest first, with their changes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Series<'r> {
    /// What it is of.
    pub name: SeriesName,
    /// Oldest first.
    pub points: Vec<Point<'r>>,
    /// Oldest first.
    pub changes: Vec<Found>,
}

/// The series of these rows, in any order, by name; without changes yet. A run that is there twice counts once.
pub fn series(rows: &[Row]) -> Vec<Series<'_>> {
    type Key<'r> = (&'r Cell, Figure, &'r str, Option<&'r str>);
    let mut ordered: Vec<&Row> = rows.iter().collect();
    ordered.sort_by(|one, other| (&one.started_at, &one.run).cmp(&(&other.started_at, &other.run)));
    let mut series: BTreeMap<Key<'_>, Vec<Point<'_>>> = BTreeMap::new();
    for row in ordered {
        for figure in Figure::ALL {
            let Some(value) = figure.of(row).filter(|value| value.is_finite()) else { continue };
            let reference = row.reference.as_deref().filter(|_| figure == Figure::LatencyRatio);
            let points = series.entry((&row.cell, figure, &row.fingerprint, reference)).or_default();
            if points.last().is_none_or(|last| last.run != row.run) {
                points.push(point(row, value));
            }
        }
    }
    let named = |((cell, figure, fingerprint, reference), points): (Key<'_>, _)| Series {
        name: SeriesName {
            cell: cell.clone(),
            figure,
            fingerprint: fingerprint.to_owned(),
            reference: reference.map(str::to_owned),
        },
        points,
        changes: Vec::new(),
    };
    series.into_iter().map(named).collect()
}

fn point(row: &Row, value: f64) -> Point<'_> {
    Point { run: &row.run, started_at: &row.started_at, revision: row.revision.as_deref(), value }
}

/// The same series with their changes.
pub fn detected(mut series: Vec<Series<'_>>) -> Vec<Series<'_>> {
    for one in &mut series {
        let values: Vec<f64> = one.points.iter().map(|point| point.value).collect();
        one.changes = detect(&values).changes.iter().filter_map(|change| found(one, change)).collect();
    }
    series
}

fn found(series: &Series<'_>, change: &Change) -> Option<Found> {
    let (last, first) = (series.points.get(change.index.checked_sub(1)?)?, series.points.get(change.index)?);
    let figure = series.name.figure;
    let effect = match (figure, change.relative()) {
        (Figure::Top1, _) => format!("{:+.2} points", (change.after - change.before) * 100.0),
        (_, Some(share)) => format!("{:+.1} %", share * 100.0),
        (_, None) => format!("{:+}", change.after - change.before),
    };
    Some(Found {
        index: change.index,
        at: first.started_at.to_owned(),
        run: first.run.to_owned(),
        range: range(last, first),
        before: change.before,
        after: change.after,
        effect,
        worse: figure.is_worse(change),
        contrast: change.contrast,
        fresh: change.fresh,
    })
}

/// `aaaa..bbbb` as git takes it, or the runs where a revision is not known.
fn range(last: &Point<'_>, first: &Point<'_>) -> String {
    let short = |revision: &str| revision.chars().take(10).collect::<String>();
    match (last.revision, first.revision) {
        (Some(before), Some(after)) if before == after => {
            format!("{}, not a commit: the same sources", short(after))
        }
        (Some(before), Some(after)) => format!("{}..{}", short(before), short(after)),
        _ => format!("run {} to run {}", last.run, first.run),
    }
}
