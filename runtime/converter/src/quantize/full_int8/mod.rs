//! Full int8: activations int8 with one scale a tensor, weights int8 with one scale an output channel, biases int32.
//! Operators without an int8 rule stay float, between `DEQUANTIZE` and `QUANTIZE`.
//!
//! Three steps: choose the operators and the scale of every value that flows between them (`plan`), turn their
//! constants (`constants`), then build what stands between int8 and everything else (`boundary`).

mod boundary;
mod constants;
mod plan;

use crate::calibrate::Calibration;
use crate::error::ConvertError;
use crate::graph::Graph;
use crate::optimize;
use crate::options::{Io, Quantize};

use super::report::ConvertReport;

/// Quantizes every operator that can be, from observed ranges.
///
/// # Errors
/// When no operator can be quantized.
pub(crate) fn full_int8(
    graph: &mut Graph,
    calibration: &Calibration,
    io: Io,
    report: &mut ConvertReport,
) -> Result<(), ConvertError> {
    optimize::dequantized_constants(graph);
    optimize::hybrid_weights(graph);
    let plan = plan::Plan::of(graph, calibration, report);
    if plan.is_empty() {
        let reason =
            report.skipped.first().map_or_else(|| "it has none".to_owned(), |skip| skip.reason.clone());
        return Err(ConvertError::NothingToQuantize { quantize: Quantize::FullInt8, reason });
    }
    plan.type_activations(graph, calibration, report);
    constants::quantize(graph, &plan, report);
    boundary::build(graph, &plan, io);
    Ok(())
}
