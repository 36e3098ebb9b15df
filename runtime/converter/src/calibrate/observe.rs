//! The calibration run.

use super::{Calibration, CalibrationOptions, Samples};
use crate::error::ConvertError;

/// Runs a float model over samples and records what flows. `progress` is called with the number of samples done and
/// the number of all, first with none done.
///
/// # Errors
/// When the model does not load or run, there are no samples, or a sample cannot be read or does not fit.
pub fn calibrate(
    _model: &[u8],
    samples: &dyn Samples,
    how: &CalibrationOptions,
    _progress: &mut dyn FnMut(usize, usize),
) -> Result<Calibration, ConvertError> {
    if super::pick::pick(samples.len(), how.samples, how.seed).is_empty() {
        return Err(ConvertError::NoSamples);
    }
    Err(ConvertError::Run { cause: "the interpreter is not part of this build yet".into() })
}
