//! What stands between int8 and everything else: the network's own inputs and outputs, and operators that stay float.

use edgebench_schema::tflite::{BuiltinOperator, TensorType};

use super::plan::Plan;
use crate::graph::{Graph, Operator, Quantization};
use crate::options::Io;

/// Version of `QUANTIZE` from float32, and between int8 and uint8.
const QUANTIZE_VERSION: i32 = 1;

/// Version of `DEQUANTIZE` from int8.
const DEQUANTIZE_INT8_VERSION: i32 = 2;

/// uint8 counts from 0 where int8 counts from -128.
const UINT8_OFFSET: i64 = 128;

/// Inserts every conversion the plan needs and gives the door the type asked for.
pub(super) fn build(graph: &mut Graph, plan: &Plan, io: Io) {
    let operators = std::mem::take(&mut graph.operators);
    let mut boundary = Boundary { float_of: vec![None; graph.tensors.len()], graph, plan };
    boundary.inputs(io);
    for (position, operator) in operators.into_iter().enumerate() {
        if plan.rule(position).is_some() {
            boundary.graph.operators.push(operator);
        } else {
            boundary.float_operator(operator);
        }
    }
    boundary.outputs(io);
}

struct Boundary<'a> {
    graph: &'a mut Graph,
    plan: &'a Plan,
    /// The float32 form of an int8 tensor, where there is one by now.
    float_of: Vec<Option<usize>>,
}

impl Boundary<'_> {
    fn inputs(&mut self, io: Io) {
        for inner in distinct(&self.graph.inputs) {
            let Some(outer) = self.outer(inner, io) else { continue };
            self.graph.replace_input(inner, outer);
            self.push(BuiltinOperator::QUANTIZE, QUANTIZE_VERSION, outer, inner);
            if io == Io::Float {
                self.float_of[inner] = Some(outer);
            }
        }
    }

    fn outputs(&mut self, io: Io) {
        for inner in distinct(&self.graph.outputs) {
            let known = self.float_of.get(inner).copied().flatten().filter(|_| io == Io::Float);
            if let Some(outer) = known {
                self.graph.replace_output(inner, outer);
                continue;
            }
            let Some(outer) = self.outer(inner, io) else { continue };
            self.graph.replace_output(inner, outer);
            match io {
                Io::Float => self.push(BuiltinOperator::DEQUANTIZE, DEQUANTIZE_INT8_VERSION, inner, outer),
                Io::Int8 | Io::Uint8 => self.push(BuiltinOperator::QUANTIZE, QUANTIZE_VERSION, inner, outer),
            }
        }
    }

    /// A tensor of the type asked for in place of an int8 tensor at the door; none when it is that type already. It
    /// takes over the name that users know.
    fn outer(&mut self, inner: usize, io: Io) -> Option<usize> {
        let (scale, zero_point) = self.plan.tensor(inner)?;
        if self.graph.tensors[inner].dtype != TensorType::INT8 {
            return None;
        }
        let (dtype, quantization) = match io {
            Io::Int8 => return None,
            Io::Float => (TensorType::FLOAT32, None),
            Io::Uint8 => {
                (TensorType::UINT8, Some(Quantization::per_tensor(scale, zero_point + UINT8_OFFSET)))
            }
        };
        let name = std::mem::replace(&mut self.graph.tensors[inner].name, format!("q{inner}"));
        let outer = self.graph.tensors[inner].twin(name, dtype, quantization);
        Some(self.graph.add_tensor(outer))
    }

    /// Lets an operator that stays float read and write float32.
    fn float_operator(&mut self, mut operator: Operator) {
        for input in operator.inputs.iter_mut().flatten() {
            *input = self.float_input(*input);
        }
        let mut written = Vec::new();
        for output in &mut operator.outputs {
            let inner = *output;
            if self.plan.tensor(inner).is_some() {
                *output = self.float_twin(inner);
                written.push((*output, inner));
            }
        }
        self.graph.operators.push(operator);
        for (float, inner) in written {
            self.push(BuiltinOperator::QUANTIZE, QUANTIZE_VERSION, float, inner);
        }
    }

    fn float_input(&mut self, tensor: usize) -> usize {
        let planned = self.plan.tensor(tensor).is_some() && self.graph.tensors[tensor].data.is_none();
        if !planned {
            return tensor;
        }
        if let Some(float) = self.float_of[tensor] {
            return float;
        }
        let float = self.float_twin(tensor);
        self.push(BuiltinOperator::DEQUANTIZE, DEQUANTIZE_INT8_VERSION, tensor, float);
        float
    }

    fn float_twin(&mut self, tensor: usize) -> usize {
        let twin = self.graph.tensors[tensor].twin(format!("f{tensor}"), TensorType::FLOAT32, None);
        let twin = self.graph.add_tensor(twin);
        self.float_of[tensor] = Some(twin);
        twin
    }

    fn push(&mut self, kind: BuiltinOperator, version: i32, input: usize, output: usize) {
        self.graph.operators.push(Operator::unary(kind, version, input, output));
    }
}

fn distinct(tensors: &[usize]) -> Vec<usize> {
    let mut seen: Vec<usize> = Vec::new();
    for tensor in tensors {
        if !seen.contains(tensor) {
            seen.push(*tensor);
        }
    }
    seen
}
