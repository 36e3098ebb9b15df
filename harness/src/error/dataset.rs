//! Data sets that cannot be used.

use super::names::choices;
use super::{BenchError, ExitCode, Report};
use crate::dataset::{DatasetError, PackError};

impl From<DatasetError> for BenchError {
    fn from(error: DatasetError) -> Self {
        let exit = match &error {
            DatasetError::Artifact(_) | DatasetError::Pack(_) => ExitCode::Internal,
            DatasetError::Hostile { .. } => ExitCode::Refused,
            _ => ExitCode::Usage,
        };
        let report = Report::new(exit, &error).causes_of(&error);
        match error {
            DatasetError::Artifact(error) => error.into(),
            DatasetError::Pack(error) => error.into(),
            DatasetError::UnknownSplit { split, known, .. } => choices(report, &split, &known).into(),
            DatasetError::UnequalShapes { .. } => {
                report.help("give the data set's preprocess a resize, such as resize = [224, 224]").into()
            }
            DatasetError::TooLarge { .. } => report.help("choose a smaller split or a smaller resize").into(),
            DatasetError::Io { .. }
            | DatasetError::Format { .. }
            | DatasetError::Entry { .. }
            | DatasetError::Hostile { .. } => report.into(),
        }
    }
}

impl From<PackError> for BenchError {
    fn from(error: PackError) -> Self {
        Report::new(ExitCode::Internal, &error).causes_of(&error).into()
    }
}
