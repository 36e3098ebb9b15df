//! Files that are missing, damaged or not what they should be, and a cache that cannot be used.

use std::io::ErrorKind;

use super::{BenchError, ExitCode, Report};
use crate::artifact::ArtifactError;

impl From<ArtifactError> for BenchError {
    fn from(error: ArtifactError) -> Self {
        let report = Report::new(exit_code(&error), &error).causes_of(&error);
        match &error {
            ArtifactError::Io { source, .. } => io_help(report, source.kind()).into(),
            ArtifactError::Unreadable { .. } => report.help("check the rights of the file").into(),
            ArtifactError::NoCacheFolder => report.help("give one with --cache-dir or EDGEBENCH_CACHE").into(),
            ArtifactError::NotFound { looked, url, .. } => {
                let report = looked.iter().fold(report, Report::because);
                let help = match url {
                    Some(url) => format!("download {url} into a folder and name that folder with --mirror"),
                    None => "name the folder that holds it with --mirror or EDGEBENCH_MIRROR".to_owned(),
                };
                report.help(help).into()
            }
            ArtifactError::Mismatch { expected, found, .. } => report
                .label(format!("expected {expected}, found {found}"))
                .help("it is another file, or it was changed: it is not used. If the change is meant, put the new sum into suite.toml")
                .into(),
            ArtifactError::NoFile { .. } => {
                report.help("check the path in suite.toml; it starts at the suite's folder").into()
            }
            ArtifactError::TooLong { .. } | ArtifactError::NotAFile { .. } => report.into(),
        }
    }
}

impl BenchError {
    /// A file of a suite is missing, and the suite says which command makes it.
    pub fn to_be_made(error: &ArtifactError, command: &str) -> Self {
        Report::new(exit_code(error), error).causes_of(error).help(format!("make it with: {command}")).into()
    }
}

fn exit_code(error: &ArtifactError) -> ExitCode {
    match error {
        ArtifactError::Mismatch { .. } | ArtifactError::TooLong { .. } => ExitCode::Refused,
        ArtifactError::Io { .. } => ExitCode::Internal,
        ArtifactError::Unreadable { .. }
        | ArtifactError::NoCacheFolder
        | ArtifactError::NoFile { .. }
        | ArtifactError::NotFound { .. }
        | ArtifactError::NotAFile { .. } => ExitCode::Usage,
    }
}

/// What helps against a refusal of the operating system.
pub(super) fn io_help(report: Report, kind: ErrorKind) -> Report {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            report.help("free some space, or choose another folder with --cache-dir")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            report.help("check the rights of the folder, or choose another one with --cache-dir")
        }
        _ => report,
    }
}
