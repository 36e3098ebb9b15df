//! Files that a command names: models, arrays, outputs.

use std::path::Path;

use edgebench_converter::ConvertError;

use super::{BenchError, ExitCode, Report};
use crate::npy::NpyError;

impl BenchError {
    /// A file that was named cannot be read.
    pub fn read(path: &Path, cause: std::io::Error) -> Self {
        Report::new(ExitCode::Usage, format!("cannot read {}", path.display())).because(cause).into()
    }

    /// A file that was named cannot be written.
    pub fn write(path: &Path, cause: std::io::Error) -> Self {
        Report::new(ExitCode::Usage, format!("cannot write {}", path.display())).because(cause).into()
    }

    /// A tensor of a file is not what it should be.
    pub fn tensor(path: &Path, name: &str, expected: &str, found: &str) -> Self {
        let what = format!("{} tensor {name}: expected {expected}, found {found}", path.display());
        Report::new(ExitCode::Usage, what).into()
    }

    /// Standard output cannot be written, or the machine refuses what every program needs.
    pub fn output(cause: std::io::Error) -> Self {
        Report::new(ExitCode::Internal, "cannot go on").because(cause).into()
    }

    /// A model has other signatures, or several when none was named.
    pub fn signature(path: &Path, found: &str, known: &[String]) -> Self {
        let what = format!("{}: expected a signature of {known:?}, found \"{found}\"", path.display());
        Report::new(ExitCode::Usage, what).help("name one with --signature_to_run_for=KEY").into()
    }

    /// A model cannot be read, calibrated or converted.
    pub fn model(path: &Path, error: &ConvertError) -> Self {
        let report = Report::new(ExitCode::Usage, format!("{}: {error}", path.display()));
        match error {
            ConvertError::MissingCalibration { .. } => report
                .help("name representative inputs with --calibration (a .npy or .npz whose first axis counts examples)")
                .into(),
            ConvertError::IoChoice { .. } => {
                report.help("--io int8 and --io uint8 belong to --quantize full-int8").into()
            }
            ConvertError::NothingToQuantize { .. } => {
                report.help("is it a float model? `bench inspect` shows what is in it").into()
            }
            _ => report.into(),
        }
    }
}

impl From<NpyError> for BenchError {
    fn from(error: NpyError) -> Self {
        Report::new(ExitCode::Usage, &error).causes_of(&error).into()
    }
}
