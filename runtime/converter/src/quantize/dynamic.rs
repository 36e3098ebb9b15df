//! Dynamic range: int8 weights, one scale an output channel, in operators whose kernels quantize float activations as
//! they come ("hybrid"). Activations, biases and small weights stay float32.

use edgebench_schema::tflite::{BuiltinOptionsT, TensorType};

use super::report::{ConvertReport, TensorReport};
use super::rules::{Rule, Weights, rule};
use super::weights::{Channels, magnitudes, symmetric};
use crate::graph::{Graph, Tensor};

/// Smaller weights stay float: they save nothing and cost accuracy (TFLite converter, `weights_min_num_elements`).
const SMALLEST_WEIGHTS: usize = 1024;

/// Quantizes the weights of every operator that has a hybrid kernel.
pub(crate) fn dynamic_int8(graph: &mut Graph, report: &mut ConvertReport) {
    for position in 0..graph.operators.len() {
        let Some((rule, weights)) = hybrid_rule(graph, position) else { continue };
        match quantized_weights(graph, position, weights) {
            Ok((tensor, tensor_report)) => {
                report.tensors.push(tensor_report);
                apply(graph, position, rule, weights, tensor);
            }
            Err(reason) => report.skip(&graph.operators[position], reason),
        }
    }
}

fn hybrid_rule(graph: &Graph, position: usize) -> Option<(&'static Rule, Weights)> {
    let rule = rule(graph.operators[position].kind)?;
    rule.hybrid_version?;
    Some((rule, rule.weights?))
}

fn quantized_weights(
    graph: &Graph,
    position: usize,
    weights: Weights,
) -> Result<(Tensor, TensorReport), String> {
    let operator = &graph.operators[position];
    let activation = operator.input(0).ok_or("no input")?;
    let tensor = &graph.tensors[operator.input(weights.slot).ok_or("no weights")?];
    if !graph.tensors[activation].is_float_activation() {
        return Err("activations are not float32".into());
    }
    let values = tensor.floats().ok_or("weights are not a float32 constant")?;
    if values.len() < SMALLEST_WEIGHTS {
        return Err(format!("{} weights are fewer than {SMALLEST_WEIGHTS}", values.len()));
    }
    let channels = Channels::new(&tensor.shape, weights.axis).ok_or("weights have no output channels")?;
    let quantized = symmetric(&values, channels, &magnitudes(&values, channels));
    let new = Tensor {
        dtype: TensorType::INT8,
        quantization: Some(quantized.quantization(weights.axis)),
        data: Some(quantized.data),
        ..tensor.clone()
    };
    let report = TensorReport {
        range: Some(super::activation::range_of(&values)),
        unrepresentable: quantized.unrepresentable,
        ..TensorReport::of(&new)
    };
    Ok((new, report))
}

fn apply(graph: &mut Graph, position: usize, rule: &Rule, weights: Weights, tensor: Tensor) {
    if let Some(old) = graph.operators[position].input(weights.slot) {
        let new = graph.replace_constant(old, tensor);
        graph.operators[position].inputs[weights.slot] = Some(new);
    }
    let operator = &mut graph.operators[position];
    operator.version = operator.version.max(rule.hybrid_version.unwrap_or(1));
    // Convolutions with one scale a channel quantize their input asymmetrically in any case; this operator asks.
    if let BuiltinOptionsT::FullyConnectedOptions(options) = &mut operator.options {
        options.asymmetric_quantize_inputs = true;
    }
}
