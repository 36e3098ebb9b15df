//! `bench plan`: how many pairs of blocks, and how many minutes, a wanted resolution costs on a device, from what was
//! measured on it before.

use edgebench_reports::gate;
use edgebench_reports::render::plan as render;

use super::locations::{ResultsFolder, SuiteFolders};
use super::{Terminal, print};
use crate::config::Percent;
use crate::error::{BenchError, ExitCode};
use crate::gate::history;
use crate::suite::Suite;

/// Arguments of `bench plan`.
#[derive(clap::Args, Debug)]
pub(super) struct PlanArgs {
    /// Name of the suite, or the path of its folder or file.
    #[arg(long, value_name = "SUITE")]
    suite: String,
    /// The change that should be found, such as 3%.
    #[arg(long, value_name = "PERCENT", default_value = "3%", value_parser = percent)]
    resolution: f64,
    /// How often it should be found, from 0.5 to 0.99.
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = power)]
    power: f64,
    /// How often a clean change may be blamed, over all cells together.
    #[arg(long, value_name = "LEVEL", default_value_t = 0.05, value_parser = level)]
    alpha: f64,
    #[command(flatten)]
    suites: SuiteFolders,
    #[command(flatten)]
    results: ResultsFolder,
}

fn percent(text: &str) -> Result<f64, String> {
    let wanted = text.parse::<Percent>().ok().map(Percent::fraction).filter(|share| *share > 0.0);
    wanted.ok_or_else(|| "expected a percentage above 0, such as 3%".to_owned())
}

fn power(text: &str) -> Result<f64, String> {
    between(text, 0.5, 0.99)
}

fn level(text: &str) -> Result<f64, String> {
    between(text, 0.0001, 0.2)
}

fn between(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("expected a number from {least} to {most}"))
}

pub(super) fn run(arguments: &PlanArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    let suite = Suite::find(&arguments.suite, arguments.suites.paths())?;
    let history = history(&suite, &arguments.results.open())?;
    let rows = gate::plan(&history, arguments.resolution, arguments.power, arguments.alpha);
    print(&render(&rows, arguments.resolution, history.len(), terminal.options(true)))?;
    Ok(ExitCode::Pass)
}
