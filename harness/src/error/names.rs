//! Suites and devices that are not there.

use super::{BenchError, ExitCode, Report};
use crate::config::nearest;
use crate::inventory::InventoryError;
use crate::suite::SuiteError;

impl From<InventoryError> for BenchError {
    fn from(error: InventoryError) -> Self {
        let report = Report::new(ExitCode::Usage, &error);
        let (name, known, file) = match &error {
            InventoryError::UnknownDevice { name, known, file } => (name, known, file),
            InventoryError::UnknownTag { tag, known, file } => (tag, known, file),
            InventoryError::NotEmulated { name } => {
                return report
                    .help(format!("name the CPU in its table: [{name}] emulate = {{ cpu = \"cortex-a72\" }}"))
                    .help("`qemu-aarch64 -cpu help` lists those there are")
                    .into();
            }
            InventoryError::EmulatedThreads { .. } => {
                return report
                    .help("leave --num_threads out, or measure threads on the device itself")
                    .into();
            }
        };
        let report = match file {
            Some(file) => report.at(file),
            None => report.help("without a devices.toml there is only `host`; give one with --inventory"),
        };
        choices(report, name, known).into()
    }
}

impl From<SuiteError> for BenchError {
    fn from(error: SuiteError) -> Self {
        let report = Report::new(ExitCode::Usage, &error);
        match &error {
            SuiteError::NoFile { .. } => report.help("a suite is a folder with a suite.toml in it").into(),
            SuiteError::Unknown { name, known, searched } => {
                let folders: Vec<String> =
                    searched.iter().map(|folder| folder.display().to_string()).collect();
                let looked = match folders.is_empty() {
                    true => "no folder was searched".to_owned(),
                    false => format!("looked in {}", folders.join(", ")),
                };
                choices(report, name, known)
                    .because(looked)
                    .help("name a suite's folder by path to use one from elsewhere, such as ./my-suite")
                    .into()
            }
        }
    }
}

/// The names there are, and the one that was probably meant.
pub(super) fn choices(report: Report, given: &str, known: &[String]) -> Report {
    let label = match known {
        [] => "there is none".to_owned(),
        known => format!("expected one of: {}", known.join(", ")),
    };
    let report = report.label(label);
    match nearest(given, known.iter().map(String::as_str)) {
        Some(meant) => report.help(format!("did you mean `{meant}`?")),
        None => report,
    }
}
