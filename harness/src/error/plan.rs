//! Requests that make no plan.

use super::names::choices;
use super::{BenchError, ExitCode, Report};
use crate::plan::PlanError;

impl From<PlanError> for BenchError {
    fn from(error: PlanError) -> Self {
        let report = Report::new(ExitCode::Usage, &error);
        match &error {
            PlanError::UnknownName { name, known, .. } => choices(report, name, known).into(),
            PlanError::Empty { .. } => report.help("--dry-run shows what a command would measure").into(),
            PlanError::Twice { .. } => report.into(),
            PlanError::TooMany { .. } => {
                report.help("measure fewer --devices, --variants or --threads in one run").into()
            }
        }
    }
}
