//! Constants that are stored in a smaller type and widened at run time become float constants again, so that every
//! later pass finds the same network whatever variant it was read from.

use edgebench_schema::tflite::{BuiltinOperator, TensorType};

use crate::graph::{Graph, Tensor};
use crate::quantize::rules::rule;

/// Replaces each `DEQUANTIZE` of a constant by its result.
pub(crate) fn dequantized_constants(graph: &mut Graph) {
    let mut position = 0;
    while let Some(operator) = graph.operators.get(position) {
        let folded = (operator.kind == BuiltinOperator::DEQUANTIZE)
            .then(|| operator.input(0).zip(operator.outputs.first().copied()))
            .flatten()
            .and_then(|(input, output)| Some((output, widened(&graph.tensors[input])?)));
        let Some((output, values)) = folded else {
            position += 1;
            continue;
        };
        graph.tensors[output].data = Some(float_bytes(&values));
        graph.operators.remove(position);
    }
}

/// Widens the int8 weights of operators whose activations are float.
pub(crate) fn hybrid_weights(graph: &mut Graph) {
    for position in 0..graph.operators.len() {
        let operator = &graph.operators[position];
        let Some(slot) = rule(operator.kind).and_then(|rule| rule.weights).map(|weights| weights.slot) else {
            continue;
        };
        let Some((activation, weights)) = operator.input(0).zip(operator.input(slot)) else { continue };
        if !graph.tensors[activation].is_float_activation()
            || graph.tensors[weights].dtype != TensorType::INT8
        {
            continue;
        }
        let Some(values) = widened(&graph.tensors[weights]) else { continue };
        let float = Tensor {
            dtype: TensorType::FLOAT32,
            quantization: None,
            data: Some(float_bytes(&values)),
            ..graph.tensors[weights].clone()
        };
        let replacement = graph.replace_constant(weights, float);
        graph.operators[position].inputs[slot] = Some(replacement);
    }
}

/// The real values of a binary16 or quantized 8-bit constant.
fn widened(tensor: &Tensor) -> Option<Vec<f32>> {
    let data = tensor.data.as_ref()?;
    match tensor.dtype {
        TensorType::FLOAT16 => Some(
            data.chunks_exact(2)
                .map(|bytes| half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
                .collect(),
        ),
        TensorType::INT8 => dequantized(tensor, data.iter().map(|byte| i32::from(*byte as i8))),
        TensorType::UINT8 => dequantized(tensor, data.iter().map(|byte| i32::from(*byte))),
        _ => None,
    }
}

fn dequantized(tensor: &Tensor, stored: impl Iterator<Item = i32>) -> Option<Vec<f32>> {
    let quantization = tensor.quantization.as_ref()?;
    let channels = quantization.scales.len();
    let inner: usize =
        tensor.shape.iter().skip(quantization.axis + 1).map(|dim| dim.unsigned_abs() as usize).product();
    let channel = |index: usize| if channels == 1 { 0 } else { index / inner.max(1) % channels };
    let value = |(index, stored): (usize, i32)| {
        let channel = channel(index);
        quantization.scales[channel] * (i64::from(stored) - quantization.zero_points[channel]) as f32
    };
    Some(stored.enumerate().map(value).collect())
}

fn float_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
