//! `bench suites`: which suites there are, and whether one is right.

use std::fmt::Write as _;

use super::locations::SuiteFolders;
use super::{Terminal, print};
use crate::error::{BenchError, ExitCode};
use crate::suite::Suite;

/// Arguments of `bench suites`.
#[derive(clap::Args, Debug)]
pub(super) struct SuitesArgs {
    /// Show this suite (name, folder or file) with its models, variants and data; list all by default.
    suite: Option<String>,
    #[command(flatten)]
    folders: SuiteFolders,
}

pub(super) fn run(arguments: &SuitesArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let folders = arguments.folders.paths();
    match &arguments.suite {
        Some(name) => print(&one(&Suite::find(name, folders)?))?,
        None => return list(folders),
    }
    Ok(ExitCode::Pass)
}

/// Every suite is read: a broken one is shown as broken, and makes the exit code say so.
fn list(folders: &[std::path::PathBuf]) -> Result<ExitCode, BenchError> {
    let mut text = String::new();
    let mut code = ExitCode::Pass;
    for (name, file) in Suite::list(folders) {
        match Suite::load(&file) {
            Ok(suite) => {
                let _ = writeln!(text, "{name:<24} {}", suite.description);
            }
            Err(error) => {
                let _ = writeln!(
                    text,
                    "{name:<24} broken: {}",
                    error.to_string().lines().next().unwrap_or_default()
                );
                code = ExitCode::Usage;
            }
        }
    }
    if text.is_empty() {
        let searched: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let _ = writeln!(text, "no suites in {}", searched.join(", "));
    }
    print(&text)?;
    Ok(code)
}

fn one(suite: &Suite) -> String {
    let mut text = format!("{}\n{}\n{}\n", suite.name, suite.description, suite.file.display());
    let mut line = |kind: &str, name: &str, detail: String| {
        let _ = writeln!(text, "  {kind:<8} {name:<28} {detail}");
    };
    for model in &suite.models {
        let data = model
            .evaluation
            .as_ref()
            .map_or_else(String::new, |split| format!(", {} of {}", split.split, split.dataset));
        line("model", &model.name, format!("{}, {}{data}", model.source.name(), model.task.name()));
    }
    for variant in &suite.variants {
        let calibration = variant.calibration.as_ref().map_or_else(String::new, |plan| {
            format!(
                ", calibrated on {} of {} ({})",
                plan.options.samples, plan.split.dataset, plan.split.split
            )
        });
        line("variant", &variant.name, format!("{}{calibration}", variant.quantize_name()));
    }
    for dataset in &suite.datasets {
        line("data set", &dataset.name, format!("{}, {}", dataset.source.name(), dataset.format.name()));
    }
    let measure = &suite.measure;
    line(
        "measure",
        "",
        format!(
            "{} blocks of at least {} runs and {} s, after at least {} runs and {} s",
            measure.blocks,
            measure.num_runs,
            measure.min.as_secs_f64(),
            measure.warmup_runs,
            measure.warmup_min.as_secs_f64()
        ),
    );
    text
}
