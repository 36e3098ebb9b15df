//! The history of a fleet: one point a run for each cell and figure, changes of level, and a site that shows them.
//!
//! A point is a ratio to a reference cell of the same run wherever there is one: what the machine did that day, it did
//! to both. A series ends where the environment of its device changes, and a new one begins: unlike is never compared.
//! Knows rows and numbers: no folder, no git.

mod chart;
mod history;
mod series;
mod site;
mod store;

pub use history::{Row, rows};
pub use series::{Figure, Found, Series, SeriesName, detected, series};
pub use site::{Page, site};
pub use store::{read_rows, write_rows};

use serde::Serialize;

/// Everything that was found, for programs.
#[derive(Serialize)]
struct Document<'d> {
    series: &'d [Series<'d>],
}

/// Every series with its changes as JSON.
///
/// # Errors
/// When a figure cannot be written, which no measured one is.
pub fn json(series: &[Series<'_>]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&Document { series })
}

/// The changes of every series, the newest first, a line each.
pub fn terminal(series: &[Series<'_>]) -> String {
    use std::fmt::Write as _;
    let points: usize = series.iter().map(|one| one.points.len()).sum();
    let mut found: Vec<(&Series<'_>, &Found)> =
        series.iter().flat_map(|one| one.changes.iter().map(move |change| (one, change))).collect();
    found.sort_by(|(_, one), (_, other)| other.at.cmp(&one.at));
    let mut text = format!("{} series, {points} points, {} changes\n", series.len(), found.len());
    for (series, change) in found {
        let word = if change.worse { "worse " } else { "better" };
        let fresh = if change.fresh { " (new: a few more runs will tell)" } else { "" };
        let _ = writeln!(text, "{word} {}  {}: {}{fresh}", change.effect, series.name.title(), change.range);
    }
    text
}

#[cfg(test)]
mod tests;
