//! Runs and their results: folders that cannot be used, journals that are damaged, runs that cannot go on.

use std::io::ErrorKind;

use edgebench_reports::frame::StoreError as FrameError;
use edgebench_reports::render::RenderError;

use super::{BenchError, ExitCode, Report};
use crate::agreement::LengthError;
use crate::run::{JournalError, StoreError};

impl From<StoreError> for BenchError {
    fn from(error: StoreError) -> Self {
        let report = Report::new(exit_code(&error), &error).causes_of(&error);
        match &error {
            StoreError::Io { source, .. } => space_help(report, source.kind()).into(),
            StoreError::Busy { .. } => report.help("wait for it, or end it with Ctrl-C").into(),
            StoreError::Unknown { known, .. } => super::names::choices(report, "", known).into(),
            StoreError::NothingToResume { .. } => {
                report.help("start a new run with --suite and --devices").into()
            }
        }
    }
}

fn exit_code(error: &StoreError) -> ExitCode {
    match error {
        StoreError::Io { source, .. } => match source.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => {
                ExitCode::Usage
            }
            _ => ExitCode::Internal,
        },
        StoreError::Busy { .. } | StoreError::Unknown { .. } | StoreError::NothingToResume { .. } => {
            ExitCode::Usage
        }
    }
}

/// What helps against a refusal of the operating system.
fn space_help(report: Report, kind: ErrorKind) -> Report {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            report.help("free some space, or choose another folder with --results")
        }
        ErrorKind::AlreadyExists => {
            report.help("something that is not a folder is in the way: choose another folder with --results")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory => {
            report.help("check the folder and its rights, or choose another one with --results")
        }
        _ => report,
    }
}

impl BenchError {
    /// A run that kept no outputs.
    pub fn no_outputs(run: &str) -> Self {
        Report::new(ExitCode::Usage, format!("run {run} kept no outputs"))
            .help("measure with --keep_outputs to compare what devices say")
            .into()
    }

    /// Outputs of which no two are of the same file and examples.
    pub fn nothing_to_compare(runs: &[String]) -> Self {
        Report::new(
            ExitCode::Usage,
            format!("no two devices ran the same model on the same examples in {}", runs.join(", ")),
        )
        .help("name several --devices in one run, or several runs")
        .into()
    }

    /// Kept outputs that are not as long as they must be.
    pub fn outputs(path: &std::path::Path, error: &LengthError) -> Self {
        Report::new(ExitCode::Internal, format!("{}: {error}", path.display())).into()
    }
}

impl From<JournalError> for BenchError {
    fn from(error: JournalError) -> Self {
        let report = Report::new(ExitCode::Internal, &error).causes_of(&error);
        match &error {
            JournalError::Io { source, .. } => space_help(report, source.kind())
                .help("what was measured before is kept: `bench run --resume` goes on from there")
                .into(),
            JournalError::Damaged { .. } => report
                .help("the file was changed after it was written: nothing in it is used; start a new run")
                .into(),
            JournalError::Unknown { .. } => {
                report.help("it was written by another version of bench: use that one to go on").into()
            }
        }
    }
}

impl From<FrameError> for BenchError {
    fn from(error: FrameError) -> Self {
        let report = |exit| Report::new(exit, &error).causes_of(&error);
        match &error {
            FrameError::Io { source, .. } => space_help(report(ExitCode::Internal), source.kind())
                .help("what was measured is kept: `bench run --resume` writes the files again")
                .into(),
            FrameError::Version { .. } => report(ExitCode::Internal)
                .help("it was written by another version of bench: use that one to read it")
                .into(),
            _ => report(ExitCode::Internal).into(),
        }
    }
}

impl From<RenderError> for BenchError {
    fn from(error: RenderError) -> Self {
        Self::internal(error)
    }
}

impl BenchError {
    /// A run that was stopped before it measured anything.
    pub fn empty_run(id: &str) -> Self {
        Report::new(ExitCode::Usage, format!("run {id} has no beginning in its journal"))
            .help("nothing was measured in it: start a new run")
            .into()
    }

    /// The user stopped the program before anything was measured.
    pub fn interrupted() -> Self {
        Report::new(ExitCode::Interrupted, "interrupted before anything was measured").into()
    }

    /// A run whose ingredients are no longer the same.
    pub fn run_changed(id: &str) -> Self {
        Report::new(
            ExitCode::Usage,
            format!("run {id} cannot go on: what it measures has changed since it began"),
        )
        .because("the suite, its files, the devices or bench itself are different now")
        .help("start a new run; `bench report` still shows what was measured")
        .into()
    }
}
