//! The whole way from bytes to bytes.

use crate::calibrate::Calibration;
use crate::error::ConvertError;
use crate::options::{Io, Options, Quantize};
use crate::quantize::{self, ConvertReport};
use crate::{import, optimize, write};

/// A written variant.
#[derive(Clone, PartialEq, Debug)]
pub struct Converted {
    /// The `.tflite` file.
    pub bytes: Vec<u8>,
    /// What was done.
    pub report: ConvertReport,
}

/// Writes the variant of a float `.tflite` model that `options` name. The same model, options and calibration give the
/// same bytes.
///
/// # Errors
/// When the model cannot be read, the options contradict each other, a calibration is needed and missing or belongs to
/// another model, or nothing in the model can be quantized that way.
pub fn convert(
    model: &[u8],
    options: &Options,
    calibration: Option<&Calibration>,
) -> Result<Converted, ConvertError> {
    let Options { quantize, io, .. } = *options;
    if quantize != Quantize::FullInt8 && io != Io::Float {
        return Err(ConvertError::IoChoice { quantize, io });
    }
    let mut graph = import::tflite(model)?;
    let mut report = ConvertReport::new(*options, &graph, model.len());
    if let Some(calibration) = calibration {
        calibration.check_origin(&graph)?;
    }
    if quantize != Quantize::None {
        optimize::short_names(&mut graph);
    }
    match quantize {
        Quantize::None => {}
        Quantize::Fp16 => quantize::fp16(&mut graph, &mut report),
        Quantize::DynamicInt8 => quantize::dynamic_int8(&mut graph, &mut report),
        Quantize::FullInt8 => {
            let calibration = calibration.ok_or(ConvertError::MissingCalibration { quantize })?;
            report.calibration_samples = calibration.samples;
            quantize::full_int8(&mut graph, calibration, io, &mut report);
        }
    }
    if quantize != Quantize::None && report.tensors.is_empty() {
        return Err(ConvertError::NothingToQuantize { quantize, reason: reason(&report) });
    }
    let bytes = write::tflite(&graph);
    report.complete(&graph, bytes.len());
    Ok(Converted { bytes, report })
}

/// Why a variant changed nothing.
fn reason(report: &ConvertReport) -> String {
    let first = report.skipped.first().map(|skip| format!("{}: {}", skip.name, skip.reason));
    first.unwrap_or_else(|| "it has no float32 constants".to_owned())
}
