//! Comparisons that cannot be made.

use super::{BenchError, ExitCode, Report};
use crate::compare::ArmError;

impl From<ArmError> for BenchError {
    fn from(error: ArmError) -> Self {
        let report = Report::new(exit_code(&error), &error).causes_of(&error);
        match &error {
            ArmError::NoRepository { .. } => {
                report.help("run it inside the repository, or name ready agents with --base-agent and --head-agent").into()
            }
            ArmError::Unknown { .. } => report
                .help("name a commit, branch or tag of the repository, a run of --results, or . for the working tree")
                .into(),
            ArmError::NoRevision { .. } => report.help("name the revision itself").into(),
            ArmError::Outside { .. } => report.help("compare without --own-suites").into(),
            ArmError::NoTool { program, .. } => report.help(format!("install {program}")).into(),
            ArmError::Tool { .. } => report.into(),
        }
    }
}

fn exit_code(error: &ArmError) -> ExitCode {
    match error {
        ArmError::Tool { .. } | ArmError::NoTool { .. } => ExitCode::Device,
        _ => ExitCode::Usage,
    }
}
