//! The two networks, taken apart, and which tensor of the one is which of the other: by name, through the QUANTIZE and
//! DEQUANTIZE that a quantizer puts in between.

use std::collections::HashMap;

use edgebench_converter::{
    ConvertError, Inspection, LooseTensor, OperatorModel, Parts, Trace, inspect, trace,
};

use super::plain;
use super::tensor::{Step, Stored};

/// The float network with everything it computed on one example.
pub(super) struct Float {
    pub(super) parts: Parts,
    pub(super) operators: Vec<OperatorModel>,
    /// Its outputs, by index.
    pub(super) outputs: Vec<usize>,
    trace: Trace,
}

impl Float {
    pub(super) fn run(model: &[u8], example: &[LooseTensor]) -> Result<Self, ConvertError> {
        let trace = trace(model, example, &plain())?;
        let parts = Parts::of(model, &trace)?;
        let operators = parts.operators().collect();
        Ok(Self { parts, operators, outputs: inspect(model)?.outputs, trace })
    }

    /// What was computed.
    pub(super) fn tensor(&self, index: usize) -> Result<&LooseTensor, ConvertError> {
        let missing = || ConvertError::Infer { cause: format!("tensor {index} was not computed") };
        self.trace.tensors.get(&index).ok_or_else(missing)
    }

    /// The first of its names.
    pub(super) fn name(&self, index: usize) -> String {
        let name = self.trace.tensors.get(&index).and_then(|tensor| tensor.name.as_deref());
        plain_name(name.unwrap_or_default())
    }
}

/// The quantized network.
pub(super) struct Quantized {
    pub(super) operators: Vec<OperatorModel>,
    inspection: Inspection,
    /// Index in the float network of a tensor of this name.
    by_name: HashMap<String, usize>,
}

impl Quantized {
    /// Runs it once, for the shapes.
    pub(super) fn run(model: &[u8], example: &[LooseTensor], float: &Float) -> Result<Self, ConvertError> {
        let traced = trace(model, example, &plain())?;
        let operators = Parts::of(model, &traced)?.operators().collect();
        let named = float.trace.tensors.iter();
        let by_name =
            named.filter_map(|(index, tensor)| Some((plain_name(tensor.name.as_deref()?), *index))).collect();
        Ok(Self { operators, inspection: inspect(model)?, by_name })
    }

    /// The tensor of the float network that a tensor stands for.
    pub(super) fn counterpart(&self, index: usize) -> Option<usize> {
        let named = |index: usize| {
            let name = &self.inspection.tensors.get(index)?.name;
            self.by_name.get(&plain_name(name)).copied()
        };
        named(index).or_else(|| self.neighbours(index).find_map(named))
    }

    /// What a tensor is made into, or was made from, without a change of its value.
    fn neighbours(&self, index: usize) -> impl Iterator<Item = usize> {
        let passing = self.inspection.operators.iter();
        let passing = passing.filter(|one| matches!(one.name.as_str(), "QUANTIZE" | "DEQUANTIZE"));
        passing.filter_map(move |one| {
            let (input, output) = ((*one.inputs.first()?)?, *one.outputs.first()?);
            match index {
                index if index == output => Some(input),
                index if index == input => Some(output),
                _ => None,
            }
        })
    }

    /// How stored values of a tensor stand for real ones, if it is quantized as a whole.
    pub(super) fn step(&self, index: usize) -> Option<Step> {
        let line = self.inspection.tensors.get(index)?;
        let (stored, quantization) = (Stored::named(&line.dtype)?, line.quantization.as_ref()?);
        let scale = *quantization.scales.first().filter(|scale| **scale > 0.0)?;
        Some(Step { scale, zero_point: quantization.zero_points.first().copied().unwrap_or(0), stored })
    }
}

/// The first of the names that a converter joined for a fused tensor: a quantizer keeps that one.
fn plain_name(name: &str) -> String {
    name.split(';').next().unwrap_or_default().to_owned()
}
