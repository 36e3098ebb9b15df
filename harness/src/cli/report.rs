//! `bench report`: an earlier run, in any format.

use std::path::PathBuf;

use clap::ValueEnum;
use edgebench_reports::frame::read_run;
use edgebench_reports::record::RunRecord;
use edgebench_reports::render;

use super::locations::{CacheFolder, ResultsFolder};
use super::{Terminal, print};
use crate::beside::gather;
use crate::error::{BenchError, ExitCode};
use crate::run::{self, RunFolder, write_whole};

/// Arguments of `bench report`.
#[derive(clap::Args, Debug)]
pub(super) struct ReportArgs {
    /// Identity of the run, `latest`, or the path of a run.parquet.
    #[arg(default_value = "latest")]
    run: String,
    /// What to write.
    #[arg(long, short, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Where to write it; standard output by default.
    #[arg(long, short, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    results: ResultsFolder,
    #[command(flatten)]
    storage: CacheFolder,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    /// A table for this terminal.
    Terminal,
    /// One self-contained page.
    Html,
    /// For pull requests and issues.
    Markdown,
    /// A line a cell.
    Csv,
    /// Everything that is derived from the run.
    Json,
    /// Where the time of an inference goes, operator by operator, of runs with `--profile`.
    Operators,
}

pub(super) fn run(arguments: &ReportArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    let (record, folder) = load(arguments)?;
    let text = match arguments.format {
        Format::Terminal => {
            let options = terminal.options(arguments.output.is_none());
            render::terminal(&record, options) + &render::beside(&record) + &render::profiles(&record)
        }
        Format::Html => {
            let beside = gather(&record, folder.as_ref(), &arguments.storage.cache()?);
            render::html(&record, &beside)?
        }
        Format::Markdown => render::markdown(&record),
        Format::Csv => render::csv(&record),
        Format::Json => render::json(&record)?,
        Format::Operators => render::operators(&record),
    };
    match &arguments.output {
        Some(path) => write_whole(path, text.as_bytes()).map_err(|cause| BenchError::write(path, cause))?,
        None => print(&text)?,
    }
    Ok(ExitCode::Pass)
}

/// The run, and its folder where it was found in the results.
fn load(arguments: &ReportArgs) -> Result<(RunRecord, Option<RunFolder>), BenchError> {
    let path = PathBuf::from(&arguments.run);
    if path.extension().is_some_and(|extension| extension == "parquet") {
        return Ok((read_run(&path)?, None));
    }
    let folder = arguments.results.open().find(&arguments.run)?;
    let record =
        if folder.frame().is_file() { read_run(&folder.frame())? } else { run::record_so_far(&folder)? };
    Ok((record, Some(folder)))
}
