//! `bench trend`: how figures went over runs.

use std::path::{Path, PathBuf};

use edgebench_reports::stats::changepoint::{Change, detect};
use edgebench_reports::trend::{self, Row, Series};

use super::locations::ResultsFolder;
use super::{Terminal, print};
use crate::error::{BenchError, ExitCode};
use crate::run::{Display, write_whole};
use crate::trend::{Branch, add_to_folder, file_of_run, numbers, of_branch, of_folder, of_results};

/// Arguments of `bench trend`.
#[derive(clap::Args, Debug)]
pub(super) struct TrendArgs {
    /// Divide each latency by that of this runtime or variant of the same run, so that what the machine did cancels.
    #[arg(long, value_name = "RUNTIME|VARIANT")]
    reference: Option<String>,
    /// Read the history from this folder of small Parquet files instead of the results.
    #[arg(long, value_name = "DIR", conflicts_with = "branch")]
    history: Option<PathBuf>,
    /// Read the history from this branch of the git repository here.
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Add a run of the results to --history or --branch first: its name, or latest.
    #[arg(long, value_name = "RUN")]
    add: Option<String>,
    /// Write a static site into this folder.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Where the site finds the folders of the runs: an address, or a path relative to the site.
    #[arg(long, value_name = "BASE", requires = "site")]
    runs: Option<String>,
    /// Detect changes in the columns of this file of comma-separated numbers, and nothing else.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reference", "history", "branch", "add", "site"])]
    csv: Option<PathBuf>,
    /// Only this column of --csv.
    #[arg(long, value_name = "NAME", requires = "csv")]
    column: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    results: ResultsFolder,
}

pub(super) fn run(arguments: &TrendArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    if let Some(path) = &arguments.csv {
        return columns(path, arguments);
    }
    let rows = load(arguments)?;
    let series = trend::detected(trend::series(&rows));
    if let Some(folder) = &arguments.site {
        write_site(folder, &series, arguments.runs.as_deref())?;
        if terminal.display != Display::Quiet {
            eprintln!("site:   {}", folder.join("index.html").display());
        }
    }
    let text = if arguments.json {
        trend::json(&series).map_err(BenchError::internal)? + "\n"
    } else {
        trend::terminal(&series)
    };
    print(&text)?;
    Ok(ExitCode::Pass)
}

fn load(arguments: &TrendArgs) -> Result<Vec<Row>, BenchError> {
    let results = arguments.results.open();
    let reference = arguments.reference.as_deref();
    let branch = arguments.branch.as_deref().map(|name| Branch::new(PathBuf::from("."), name)).transpose()?;
    if let Some(run) = &arguments.add {
        let (name, bytes) = file_of_run(&results.find(run)?.frame(), reference)?;
        match (&branch, &arguments.history) {
            (Some(branch), _) => branch.add(&name, &bytes).map(drop)?,
            (None, Some(folder)) => add_to_folder(folder, &name, &bytes).map(drop)?,
            (None, None) => return Err(BenchError::add_to_nothing()),
        }
    }
    match (&branch, &arguments.history) {
        (Some(branch), _) => of_branch(branch),
        (None, Some(folder)) => of_folder(folder),
        (None, None) => of_results(&results, reference),
    }
}

fn write_site(folder: &Path, series: &[Series<'_>], runs: Option<&str>) -> Result<(), BenchError> {
    std::fs::create_dir_all(folder).map_err(|cause| BenchError::write(folder, cause))?;
    for page in trend::site(series, runs)? {
        let path = folder.join(&page.name);
        write_whole(&path, page.html.as_bytes()).map_err(|cause| BenchError::write(&path, cause))?;
    }
    Ok(())
}

/// The detector alone, on any columns.
fn columns(path: &Path, arguments: &TrendArgs) -> Result<ExitCode, BenchError> {
    let columns = numbers(path, arguments.column.as_deref())?;
    let found: Vec<(String, usize, Vec<Change>)> =
        columns.into_iter().map(|(name, values)| (name, values.len(), detect(&values).changes)).collect();
    print(&if arguments.json { columns_json(&found)? } else { columns_text(&found) })?;
    Ok(ExitCode::Pass)
}

fn columns_json(found: &[(String, usize, Vec<Change>)]) -> Result<String, BenchError> {
    let change = |change: &Change| {
        serde_json::json!({
            "index": change.index,
            "before": change.before,
            "after": change.after,
            "relative": change.relative(),
            "contrast": change.contrast,
            "fresh": change.fresh,
        })
    };
    let column = |(name, points, changes): &(String, usize, Vec<Change>)| serde_json::json!({ "column": name, "points": points, "changes": changes.iter().map(change).collect::<Vec<_>>() });
    let columns: Vec<serde_json::Value> = found.iter().map(column).collect();
    let text = serde_json::to_string_pretty(&serde_json::json!({ "columns": columns }));
    Ok(text.map_err(BenchError::internal)? + "\n")
}

fn columns_text(found: &[(String, usize, Vec<Change>)]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (name, points, changes) in found {
        let _ = writeln!(text, "{name}: {points} points, {} changes", changes.len());
        for change in changes {
            let share =
                change.relative().map_or(String::new(), |share| format!(" ({:+.2} %)", share * 100.0));
            let fresh = if change.fresh { ", new" } else { "" };
            let Change { index, before, after, .. } = change;
            let _ = writeln!(text, "  at {index}: {before} to {after}{share}{fresh}");
        }
    }
    text
}
