//! Configuration files that are wrong.

use std::io::ErrorKind;

use super::{BenchError, ExitCode, Report};
use crate::config::{ConfigError, Problem, ProblemKind, nearest};

impl From<ConfigError> for BenchError {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::Wrong { file, text, problems } => {
                Self::new(problems.iter().map(|problem| report(file, text, problem)).collect())
            }
            ConfigError::Unreadable { cause, .. } => {
                let report = Report::new(ExitCode::Usage, &error).causes_of(&error);
                match cause.kind() {
                    ErrorKind::NotFound => {
                        report.help("check the path, and the folder the command runs in").into()
                    }
                    _ => report.into(),
                }
            }
            ConfigError::TooLong { .. } => Report::new(ExitCode::Refused, &error).into(),
        }
    }
}

fn report(file: &std::path::Path, text: &str, problem: &Problem) -> Report {
    let report = Report::new(ExitCode::Usage, problem).label(problem.label());
    // A key that is missing from the outermost table has no line to show.
    let nowhere = matches!(problem.kind, ProblemKind::MissingKey { .. }) && problem.table.is_empty();
    let report = if nowhere { report.at(file) } else { report.at_text(file, text, problem.span.clone()) };
    let meant = problem.candidates().and_then(|(given, known)| nearest(given, known));
    match meant {
        Some(meant) => report.help(format!("did you mean `{meant}`?")),
        None => report,
    }
}
