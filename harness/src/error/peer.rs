//! The peer runtime that is not there or refuses.

use super::{BenchError, ExitCode, Report};
use crate::peer::PeerError;

impl From<PeerError> for BenchError {
    fn from(error: PeerError) -> Self {
        match &error {
            PeerError::NotFound => Report::new(ExitCode::Usage, &error)
                .help("install it with `pip install ai-edge-litert` in .venv, or name libLiteRt.so with --litert or EDGEBENCH_LITERT")
                .into(),
            PeerError::LiteRt(_) | PeerError::Inputs { .. } => Report::new(ExitCode::Device, &error).into(),
        }
    }
}

impl BenchError {
    /// A peer that shall run where it cannot.
    pub fn peer_on(device: &str, runtime: &str) -> Self {
        Report::new(ExitCode::Usage, format!("device {device}: runtime {runtime} cannot run there"))
            .help("peers are opened by agents on this machine: name devices with transport = \"local\"")
            .into()
    }

    /// Options that do not go together or have a value that is none.
    pub fn option(what: impl std::fmt::Display) -> Self {
        Report::new(ExitCode::Usage, what).into()
    }
}
