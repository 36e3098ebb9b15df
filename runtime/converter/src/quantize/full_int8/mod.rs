//! Full int8: activations int8 with one scale a tensor, weights int8 with one scale an output channel, biases int32.
//! Operators without an int8 rule stay float, between `DEQUANTIZE` and `QUANTIZE`.
//!
//! Three steps: choose the operators and the scale of every value that flows between them (`plan`), turn their
//! constants (`constants`), then build what stands between int8 and everything else (`boundary`).

mod boundary;
mod constants;
mod plan;

use crate::calibrate::Calibration;
use crate::graph::Graph;
use crate::optimize;
use crate::options::Io;

use super::report::ConvertReport;

/// Quantizes every operator that can be, from observed ranges.
pub(crate) fn full_int8(graph: &mut Graph, calibration: &Calibration, io: Io, report: &mut ConvertReport) {
    optimize::dequantized_constants(graph);
    optimize::hybrid_weights(graph);
    let plan = plan::Plan::of(graph, calibration, report);
    plan.type_activations(graph, calibration, report);
    constants::quantize(graph, &plan, report);
    boundary::build(graph, &plan, io);
}
