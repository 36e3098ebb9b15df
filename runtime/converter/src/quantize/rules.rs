//! What the 8-bit specification says about each operator (LiteRT quantization specification, operator tables): one row
//! an operator.

use edgebench_schema::tflite::BuiltinOperator;

/// The row of one operator.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Rule {
    pub(crate) kind: BuiltinOperator,
    /// Inputs that carry values to quantize; others (shapes, axes, paddings) stay as they are.
    pub(crate) activations: &'static [usize],
    pub(crate) weights: Option<Weights>,
    pub(crate) output: OutputRule,
    /// Operator version with int8 activations.
    pub(crate) int8_version: i32,
    /// Operator version with int8 weights, one scale a channel, between float activations.
    pub(crate) hybrid_version: Option<i32>,
}

/// Where an operator keeps its weights.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Weights {
    /// Input that holds them.
    pub(crate) slot: usize,
    /// Dimension that counts output channels.
    pub(crate) axis: usize,
    /// Input that holds the bias, where the operator has one.
    pub(crate) bias_slot: usize,
}

/// How the scale of an output is found.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum OutputRule {
    /// From its own observed range.
    Observed,
    /// Fixed by the kernel.
    Fixed { scale: f32, zero_point: i64 },
    /// The same as the first input's: values are moved, not computed.
    SameAsInput,
}

/// Softmax and logistic give values in [0, 1).
const UNIT_RANGE: OutputRule = OutputRule::Fixed { scale: 1.0 / 256.0, zero_point: -128 };

const FILTER_OHWI: Option<Weights> = Some(Weights { slot: 1, axis: 0, bias_slot: 2 });
const FILTER_DEPTHWISE: Option<Weights> = Some(Weights { slot: 1, axis: 3, bias_slot: 2 });

const RULES: &[Rule] = &[
    heavy(BuiltinOperator::CONV_2D, FILTER_OHWI, 3, 5),
    heavy(BuiltinOperator::DEPTHWISE_CONV_2D, FILTER_DEPTHWISE, 3, 6),
    heavy(BuiltinOperator::FULLY_CONNECTED, FILTER_OHWI, 4, 12),
    light(BuiltinOperator::ADD, &[0, 1], OutputRule::Observed, 2),
    light(BuiltinOperator::SUB, &[0, 1], OutputRule::Observed, 2),
    light(BuiltinOperator::MUL, &[0, 1], OutputRule::Observed, 2),
    light(BuiltinOperator::MEAN, &[0], OutputRule::Observed, 2),
    light(BuiltinOperator::RELU, &[0], OutputRule::Observed, 2),
    light(BuiltinOperator::RELU6, &[0], OutputRule::Observed, 2),
    light(BuiltinOperator::SOFTMAX, &[0], UNIT_RANGE, 2),
    light(BuiltinOperator::LOGISTIC, &[0], UNIT_RANGE, 2),
    light(BuiltinOperator::AVERAGE_POOL_2D, &[0], OutputRule::SameAsInput, 2),
    light(BuiltinOperator::MAX_POOL_2D, &[0], OutputRule::SameAsInput, 2),
    light(BuiltinOperator::PAD, &[0], OutputRule::SameAsInput, 2),
    light(BuiltinOperator::RESHAPE, &[0], OutputRule::SameAsInput, 1),
    light(BuiltinOperator::SQUEEZE, &[0], OutputRule::SameAsInput, 1),
];

const fn heavy(
    kind: BuiltinOperator,
    weights: Option<Weights>,
    int8_version: i32,
    hybrid_version: i32,
) -> Rule {
    let output = OutputRule::Observed;
    Rule { kind, activations: &[0], weights, output, int8_version, hybrid_version: Some(hybrid_version) }
}

const fn light(
    kind: BuiltinOperator,
    activations: &'static [usize],
    output: OutputRule,
    int8_version: i32,
) -> Rule {
    Rule { kind, activations, weights: None, output, int8_version, hybrid_version: None }
}

/// The row of this operator; none when it can only run in float.
pub(crate) fn rule(kind: BuiltinOperator) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_an_operator() {
        for (index, row) in RULES.iter().enumerate() {
            assert!(RULES[..index].iter().all(|other| other.kind != row.kind), "{:?} twice", row.kind);
        }
    }

    #[test]
    fn softmax_is_fixed_and_reshape_keeps_its_scale() {
        let softmax = rule(BuiltinOperator::SOFTMAX).map(|rule| rule.output);
        assert_eq!(softmax, Some(OutputRule::Fixed { scale: 0.003_906_25, zero_point: -128 }));
        let reshape = rule(BuiltinOperator::RESHAPE).map(|rule| rule.output);
        assert_eq!(reshape, Some(OutputRule::SameAsInput));
        assert_eq!(rule(BuiltinOperator::TOPK_V2), None);
    }
}
