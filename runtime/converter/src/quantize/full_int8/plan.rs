//! Which operators become int8, and the scale of every value between them.

use edgebench_schema::tflite::TensorType;

use crate::calibrate::Calibration;
use crate::graph::{Graph, Operator, Quantization};
use crate::quantize::activation::{asymmetric, range_of};
use crate::quantize::report::{ConvertReport, TensorReport};
use crate::quantize::rules::{OutputRule, Rule, Weights, rule};
use crate::quantize::weights::Channels;

/// The decisions. Indices are those of the graph it was made from.
pub(super) struct Plan {
    /// The rule of each operator that becomes int8.
    operators: Vec<Option<&'static Rule>>,
    /// The parameters of each tensor that becomes int8, weights left out.
    tensors: Vec<Option<Quantization>>,
}

impl Plan {
    /// Goes through the operators in execution order, so that a value's parameters are known before its readers ask.
    pub(super) fn of(graph: &Graph, calibration: &Calibration, report: &mut ConvertReport) -> Self {
        let mut planner = Planner { graph, calibration, tensors: vec![None; graph.tensors.len()] };
        let mut operators = Vec::with_capacity(graph.operators.len());
        for operator in &graph.operators {
            operators.push(match planner.choose(operator) {
                Ok(rule) => Some(rule),
                Err(reason) => {
                    report.skip(operator, reason);
                    None
                }
            });
        }
        Self { operators, tensors: planner.tensors }
    }

    pub(super) fn rule(&self, operator: usize) -> Option<&'static Rule> {
        self.operators.get(operator).copied().flatten()
    }

    /// Scale and zero point of a tensor that becomes int8.
    pub(super) fn tensor(&self, tensor: usize) -> Option<(f32, i64)> {
        let quantization = self.tensors.get(tensor)?.as_ref()?;
        quantization.scales.first().copied().zip(quantization.zero_points.first().copied())
    }

    /// Gives the activations their type.
    pub(super) fn type_activations(
        &self,
        graph: &mut Graph,
        calibration: &Calibration,
        report: &mut ConvertReport,
    ) {
        for (index, quantization) in self.tensors.iter().enumerate() {
            let tensor = &mut graph.tensors[index];
            if quantization.is_none() || tensor.data.is_some() {
                continue;
            }
            tensor.dtype = TensorType::INT8;
            tensor.quantization.clone_from(quantization);
            let observed = calibration.range(index);
            report.tensors.push(TensorReport {
                range: observed.map(|range| (range.min, range.max)),
                saturation: observed.map(|range| range.saturation),
                ..TensorReport::of(tensor)
            });
        }
    }
}

struct Planner<'a> {
    graph: &'a Graph,
    calibration: &'a Calibration,
    tensors: Vec<Option<Quantization>>,
}

impl Planner<'_> {
    /// Decides about one operator, and records the parameters of its values when it becomes int8.
    fn choose(&mut self, operator: &Operator) -> Result<&'static Rule, String> {
        let rule = rule(operator.kind).ok_or("no int8 form")?;
        if let Some(weights) = rule.weights {
            self.check_weights(operator, weights)?;
        }
        let inputs: Vec<usize> = rule.activations.iter().filter_map(|slot| operator.input(*slot)).collect();
        let [output] = operator.outputs[..] else { return Err("more than one output".into()) };
        if inputs.len() != rule.activations.len() {
            return Err("missing input".into());
        }
        let found: Vec<Quantization> =
            inputs.iter().map(|input| self.parameters(*input)).collect::<Result<_, _>>()?;
        if rule.output == OutputRule::SameAsInput && self.flows_in_float(inputs[0]) {
            return Err("moves float32 values".into());
        }
        let made = match rule.output {
            OutputRule::Observed => self.parameters(output)?,
            OutputRule::Fixed { scale, zero_point } => Quantization::per_tensor(scale, zero_point),
            OutputRule::SameAsInput => found[0].clone(),
        };
        if !self.graph.tensors[output].is_float_activation() {
            return Err("output is not float32".into());
        }
        for (input, quantization) in inputs.into_iter().zip(found) {
            self.tensors[input] = Some(quantization);
        }
        self.tensors[output] = Some(made);
        Ok(rule)
    }

    /// Known parameters, or those of the tensor's own range.
    fn parameters(&self, tensor: usize) -> Result<Quantization, String> {
        if let Some(known) = &self.tensors[tensor] {
            return Ok(known.clone());
        }
        let found = &self.graph.tensors[tensor];
        if let Some(values) = found.floats() {
            let (min, max) = range_of(&values);
            return Ok(asymmetric(min, max));
        }
        if found.dtype != TensorType::FLOAT32 {
            return Err(format!("tensor {tensor} is {}", found.dtype_name()));
        }
        let range = self.calibration.range(tensor).filter(|range| range.values > 0);
        let range = range.ok_or_else(|| format!("tensor {tensor} has no observed range"))?;
        Ok(asymmetric(range.min, range.max))
    }

    /// Whether a float operator makes this value, so that moving it in int8 would only add conversions.
    fn flows_in_float(&self, tensor: usize) -> bool {
        let made = self.graph.operators.iter().any(|operator| operator.outputs.contains(&tensor));
        made && self.tensors[tensor].is_none()
    }

    fn check_weights(&self, operator: &Operator, weights: Weights) -> Result<(), String> {
        let tensor = &self.graph.tensors[operator.input(weights.slot).ok_or("no weights")?];
        if !tensor.is_float_constant() {
            return Err("weights are not a float32 constant".into());
        }
        let channels = Channels::new(&tensor.shape, weights.axis).ok_or("weights have no output channels")?;
        let Some(bias) = operator.input(weights.bias_slot).map(|bias| &self.graph.tensors[bias]) else {
            return Ok(());
        };
        if !bias.is_float_constant() {
            return Err("bias is not a float32 constant".into());
        }
        if bias.elements() != channels.count() {
            return Err(format!("bias has {} values for {} channels", bias.elements(), channels.count()));
        }
        Ok(())
    }
}
