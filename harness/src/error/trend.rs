//! Histories that cannot be read or written.

use super::names::choices;
use super::{BenchError, ExitCode, Report};
use crate::trend::{BranchError, HistoryError, NumbersError};

impl From<BranchError> for BenchError {
    fn from(error: BranchError) -> Self {
        let report = |exit| Report::new(exit, &error).causes_of(&error);
        match &error {
            BranchError::NoGit(_) => report(ExitCode::Device)
                .help("install git, or keep the history in a folder with --history")
                .into(),
            BranchError::Git { .. } => {
                report(ExitCode::Usage).help("run it inside the git repository").into()
            }
            BranchError::Name { .. } => report(ExitCode::Usage).into(),
            BranchError::Missing { name } => report(ExitCode::Usage)
                .help(format!("add a run to it first: `bench trend --branch {name} --add latest`"))
                .into(),
            BranchError::Busy { .. } => report(ExitCode::Device).help("try again").into(),
        }
    }
}

impl From<HistoryError> for BenchError {
    fn from(error: HistoryError) -> Self {
        Report::new(ExitCode::Internal, &error)
            .help("it was damaged or written by another version of bench; the other files are untouched")
            .into()
    }
}

impl From<NumbersError> for BenchError {
    fn from(error: NumbersError) -> Self {
        let report = Report::new(ExitCode::Usage, &error).causes_of(&error);
        match &error {
            NumbersError::Column { wanted, known, .. } => choices(report, wanted, known).into(),
            _ => report.into(),
        }
    }
}

impl BenchError {
    /// A run is to be added, but not to what.
    pub fn add_to_nothing() -> Self {
        Report::new(ExitCode::Usage, "--add needs a history to add to")
            .help("name a folder with --history or a branch with --branch")
            .into()
    }
}
