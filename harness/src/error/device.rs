//! Devices that do not answer, agents that cannot be built.

use super::{BenchError, ExitCode, Report};
use crate::build::BuildError;
use crate::session::SessionError;

impl From<BuildError> for BenchError {
    fn from(error: BuildError) -> Self {
        let report = Report::new(ExitCode::Device, &error).causes_of(&error);
        match &error {
            BuildError::NoSources { .. } => {
                report.help("name a ready agent with --agent or EDGEBENCH_AGENT").into()
            }
            BuildError::SourcesChanged { .. } => {
                report.help("build bench again, so that controller and agent are of the same sources").into()
            }
            BuildError::OtherTarget { .. } => report.help("name a ready agent for it with --agent").into(),
            BuildError::NoCargo { .. } => {
                report.help("install Rust, or name a ready agent with --agent").into()
            }
            BuildError::Io { .. } | BuildError::Compiler { .. } => report.into(),
        }
    }
}

impl BenchError {
    /// A device did not answer as it should.
    pub fn session(device: &str, error: &SessionError) -> Self {
        Report::new(ExitCode::Device, format!("device {device}: {error}")).causes_of(error).into()
    }

    /// A device that this build cannot reach.
    pub fn transport(device: &str, transport: &str) -> Self {
        Report::new(
            ExitCode::Device,
            format!("device {device}: transport {transport} is not part of this build yet"),
        )
        .help("devices with transport = \"local\" can be used")
        .into()
    }
}
