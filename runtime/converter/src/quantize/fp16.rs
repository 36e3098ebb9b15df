//! Float constants as IEEE binary16. Each gets a `DEQUANTIZE` in front of its first reader, which is how LiteRT and its
//! delegates recognise the variant; activations stay float32.

use edgebench_schema::tflite::{BuiltinOperator, TensorType};

use super::report::{ConvertReport, TensorReport};
use crate::graph::{Graph, Operator, Tensor};

/// Version of `DEQUANTIZE` that reads binary16.
const DEQUANTIZE_FLOAT16_VERSION: i32 = 3;

/// Halves every float constant that a float operator reads.
pub(crate) fn fp16(graph: &mut Graph, report: &mut ConvertReport) {
    let mut widened_of: Vec<Option<usize>> = vec![None; graph.tensors.len()];
    let operators = std::mem::take(&mut graph.operators);
    for mut operator in operators {
        if reads_float_constants(graph, &operator) {
            for slot in 0..operator.inputs.len() {
                let Some(constant) =
                    operator.inputs[slot].filter(|input| eligible(graph, &widened_of, *input))
                else {
                    continue;
                };
                let widened = match widened_of[constant] {
                    Some(widened) => widened,
                    None => halve(graph, constant, report),
                };
                widened_of[constant] = Some(widened);
                operator.inputs[slot] = Some(widened);
            }
        }
        graph.operators.push(operator);
    }
}

/// Operators with integer weights keep float biases, which their kernels need as constants.
fn reads_float_constants(graph: &Graph, operator: &Operator) -> bool {
    let integer = |input: &usize| {
        let tensor = &graph.tensors[*input];
        tensor.data.is_some() && tensor.quantization.is_some()
    };
    operator.kind != BuiltinOperator::DEQUANTIZE && !operator.inputs.iter().flatten().any(integer)
}

fn eligible(graph: &Graph, widened_of: &[Option<usize>], tensor: usize) -> bool {
    graph.tensors[tensor].is_float_constant() || widened_of.get(tensor).copied().flatten().is_some()
}

/// Turns the constant into binary16, adds its `DEQUANTIZE`, and returns the float32 tensor that it fills.
fn halve(graph: &mut Graph, constant: usize, report: &mut ConvertReport) -> usize {
    let original = &graph.tensors[constant];
    let values = original.floats().unwrap_or_default();
    let widened = original.twin(format!("f{constant}"), TensorType::FLOAT32, None);
    let (data, unrepresentable) = halves(&values);
    let half = Tensor { dtype: TensorType::FLOAT16, data: Some(data), ..original.clone() };
    report.tensors.push(TensorReport {
        unrepresentable,
        range: Some(super::activation::range_of(&values)),
        ..TensorReport::of(&half)
    });
    graph.tensors[constant] = half;
    let widened = graph.add_tensor(widened);
    let dequantize =
        Operator::unary(BuiltinOperator::DEQUANTIZE, DEQUANTIZE_FLOAT16_VERSION, constant, widened);
    graph.operators.push(dequantize);
    widened
}

/// Nearest binary16 values, ties to even. Finite values beyond 65504 become ±65504, since an infinity would spread
/// through the network; they are counted, and so are those that vanish.
fn halves(values: &[f32]) -> (Vec<u8>, u64) {
    let mut lost = 0;
    let bytes = values.iter().flat_map(|value| {
        let mut half = half::f16::from_f32(*value);
        if half.is_infinite() && value.is_finite() {
            half = if *value > 0.0 { half::f16::MAX } else { half::f16::MIN };
            lost += 1;
        }
        lost += u64::from(half.to_f32() == 0.0 && *value != 0.0);
        half.to_le_bytes()
    });
    let bytes = bytes.collect();
    (bytes, lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(value: f32) -> (f32, u64) {
        let (bytes, lost) = halves(&[value]);
        (half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32(), lost)
    }

    #[test]
    fn what_binary16_can_hold_is_kept() {
        for value in [0.0, -0.0, 1.5, -65504.0, 6.103_515_6e-5, 5.960_464_5e-8, f32::INFINITY] {
            assert_eq!(stored(value), (value, 0));
        }
    }

    #[test]
    fn overflow_stays_finite_and_is_counted() {
        assert_eq!(stored(65520.0), (65504.0, 1));
        assert_eq!(stored(-1e30), (-65504.0, 1));
    }

    #[test]
    fn vanished_values_are_counted() {
        assert_eq!(stored(1e-9), (0.0, 1));
    }
}
