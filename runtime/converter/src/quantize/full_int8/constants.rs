//! Weights, biases and constant operands of the operators that become int8.

use edgebench_schema::tflite::TensorType;

use super::plan::Plan;
use crate::graph::{Graph, Quantization, Tensor};
use crate::quantize::activation;
use crate::quantize::report::{ConvertReport, TensorReport};
use crate::quantize::rules::{Rule, Weights};
use crate::quantize::weights::{Channels, guard_bias, magnitudes, quantize_bias, symmetric};

/// Quantizes the constants of every planned operator and raises its version.
pub(super) fn quantize(graph: &mut Graph, plan: &Plan, report: &mut ConvertReport) {
    for position in 0..graph.operators.len() {
        let Some(rule) = plan.rule(position) else { continue };
        operands(graph, plan, position, rule, report);
        if let Some(weights) = rule.weights {
            let input = graph.operators[position].input(0).and_then(|input| plan.tensor(input));
            if let Some((input_scale, _)) = input {
                weights_and_bias(graph, position, weights, input_scale, report);
            }
        }
        let operator = &mut graph.operators[position];
        operator.version = operator.version.max(rule.int8_version);
    }
}

/// Constants that take part like activations, such as the second operand of `ADD`.
fn operands(graph: &mut Graph, plan: &Plan, position: usize, rule: &Rule, report: &mut ConvertReport) {
    for slot in rule.activations {
        let Some(index) = graph.operators[position].input(*slot) else { continue };
        let Some((values, (scale, zero_point))) = graph.tensors[index].floats().zip(plan.tensor(index))
        else {
            continue;
        };
        let (data, unrepresentable) = activation::quantize(&values, scale, zero_point);
        let quantization = Quantization::per_tensor(scale, zero_point);
        let new = constant(&graph.tensors[index], TensorType::INT8, quantization, data);
        let range = Some(activation::range_of(&values));
        report.tensors.push(TensorReport { range, unrepresentable, ..TensorReport::of(&new) });
        put(graph, position, *slot, index, new);
    }
}

fn weights_and_bias(
    graph: &mut Graph,
    position: usize,
    weights: Weights,
    input_scale: f32,
    report: &mut ConvertReport,
) {
    let operator = &graph.operators[position];
    let Some(index) = operator.input(weights.slot) else { return };
    let bias_index = operator.input(weights.bias_slot);
    let bias = bias_index.and_then(|bias| graph.tensors[bias].floats());
    let tensor = &graph.tensors[index];
    let Some((values, channels)) = tensor.floats().zip(Channels::new(&tensor.shape, weights.axis)) else {
        return;
    };

    let mut largest = magnitudes(&values, channels);
    let guarded = bias.as_ref().map_or(0, |bias| guard_bias(&mut largest, bias, input_scale));
    let quantized = symmetric(&values, channels, &largest);
    let scales = quantized.scales.clone();
    let new = constant(tensor, TensorType::INT8, quantized.quantization(weights.axis), quantized.data);
    report.tensors.push(TensorReport {
        range: Some(activation::range_of(&values)),
        unrepresentable: quantized.unrepresentable,
        bias_guarded_channels: guarded,
        ..TensorReport::of(&new)
    });
    put(graph, position, weights.slot, index, new);
    if let Some((bias_index, bias)) = bias_index.zip(bias) {
        put_bias(graph, position, weights.bias_slot, bias_index, &bias, input_scale, &scales, report);
    }
}

#[expect(clippy::too_many_arguments, reason = "the place, the values and both scales are all of it")]
fn put_bias(
    graph: &mut Graph,
    position: usize,
    slot: usize,
    index: usize,
    bias: &[f32],
    input_scale: f32,
    weight_scales: &[f32],
    report: &mut ConvertReport,
) {
    let quantized = quantize_bias(bias, input_scale, weight_scales);
    let data = quantized.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let quantization = Quantization::symmetric(quantized.scales, 0);
    let new = constant(&graph.tensors[index], TensorType::INT32, quantization, data);
    report.tensors.push(TensorReport {
        range: Some(activation::range_of(bias)),
        unrepresentable: quantized.unrepresentable,
        ..TensorReport::of(&new)
    });
    put(graph, position, slot, index, new);
}

fn constant(old: &Tensor, dtype: TensorType, quantization: Quantization, data: Vec<u8>) -> Tensor {
    Tensor { dtype, quantization: Some(quantization), data: Some(data), ..old.clone() }
}

/// Makes `new` what the operator reads at `slot`, in place of tensor `old`.
fn put(graph: &mut Graph, position: usize, slot: usize, old: usize, new: Tensor) {
    let new = graph.replace_constant(old, new);
    graph.operators[position].inputs[slot] = Some(new);
}
