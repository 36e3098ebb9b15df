//! The network as one editable graph: tensors, operators, the door, signatures. Every importer makes one, every pass
//! changes it, [`crate::write`] turns it into a file. It must not know where it came from or what will be done to it.

use edgebench_schema::tflite::{BuiltinOperator, BuiltinOptions2T, BuiltinOptionsT, TensorType};
use edgebench_schema::{builtin_name, tensor_type_name};

/// A network of one subgraph. Tensors are referred to by their index; passes add tensors at the end and never move
/// one, so an index of the imported file stays valid until writing, which leaves out what is no longer used.
#[derive(Clone, PartialEq, Debug)]
pub struct Graph {
    pub(crate) description: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) tensors: Vec<Tensor>,
    /// In execution order.
    pub(crate) operators: Vec<Operator>,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
    pub(crate) signatures: Vec<Signature>,
    /// Names of the metadata entries that were read over.
    pub(crate) dropped_metadata: Vec<String>,
}

/// A value that flows, or a constant when it has `data`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) dtype: TensorType,
    pub(crate) shape: Vec<i32>,
    /// The shape with -1 for what may change, where the file says so.
    pub(crate) shape_signature: Option<Vec<i32>>,
    pub(crate) has_rank: bool,
    pub(crate) is_variable: bool,
    pub(crate) quantization: Option<Quantization>,
    pub(crate) data: Option<Vec<u8>>,
}

/// real = scale * (stored - zero point), for the whole tensor or for each slice along `axis`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Quantization {
    pub(crate) scales: Vec<f32>,
    pub(crate) zero_points: Vec<i64>,
    pub(crate) axis: usize,
}

/// One step of the network.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Operator {
    /// Its index in the imported file; none when a pass added it.
    pub(crate) origin: Option<usize>,
    pub(crate) kind: BuiltinOperator,
    pub(crate) version: i32,
    pub(crate) custom_code: Option<String>,
    pub(crate) inputs: Vec<Option<usize>>,
    pub(crate) outputs: Vec<usize>,
    pub(crate) options: BuiltinOptionsT,
    pub(crate) options2: BuiltinOptions2T,
    pub(crate) custom_options: Option<Vec<u8>>,
    pub(crate) mutating_variable_inputs: Option<Vec<bool>>,
    pub(crate) intermediates: Option<Vec<usize>>,
}

/// A named way to call the network.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Signature {
    pub(crate) key: Option<String>,
    pub(crate) inputs: Vec<(String, usize)>,
    pub(crate) outputs: Vec<(String, usize)>,
}

impl Graph {
    /// Number of operators.
    pub fn operator_count(&self) -> usize {
        self.operators.len()
    }

    pub(crate) fn add_tensor(&mut self, tensor: Tensor) -> usize {
        self.tensors.push(tensor);
        self.tensors.len() - 1
    }

    /// The tensor that takes the place of constant `old` for one consumer: `old` itself when nobody else reads it,
    /// else a new one.
    pub(crate) fn replace_constant(&mut self, old: usize, new: Tensor) -> usize {
        if self.readers(old) <= 1 {
            self.tensors[old] = new;
            old
        } else {
            self.add_tensor(new)
        }
    }

    /// How many operator inputs and graph outputs read this tensor.
    pub(crate) fn readers(&self, tensor: usize) -> usize {
        let by_operators =
            self.operators.iter().flat_map(|op| &op.inputs).filter(|input| **input == Some(tensor));
        by_operators.count() + self.outputs.iter().filter(|output| **output == tensor).count()
    }

    /// Takes `new` for graph input `old`, in the signatures too.
    pub(crate) fn replace_input(&mut self, old: usize, new: usize) {
        replace_all(&mut self.inputs, old, new);
        for signature in &mut self.signatures {
            replace_named(&mut signature.inputs, old, new);
        }
    }

    /// Takes `new` for graph output `old`, in the signatures too.
    pub(crate) fn replace_output(&mut self, old: usize, new: usize) {
        replace_all(&mut self.outputs, old, new);
        for signature in &mut self.signatures {
            replace_named(&mut signature.outputs, old, new);
        }
    }

    /// The place of an operator in messages, such as `operator 3 (CONV_2D)`.
    pub(crate) fn operator_place(&self, index: usize) -> String {
        format!("operator {index} ({})", self.operators[index].name())
    }
}

fn replace_all(list: &mut [usize], old: usize, new: usize) {
    list.iter_mut().filter(|tensor| **tensor == old).for_each(|tensor| *tensor = new);
}

fn replace_named(list: &mut [(String, usize)], old: usize, new: usize) {
    list.iter_mut().filter(|(_, tensor)| *tensor == old).for_each(|(_, tensor)| *tensor = new);
}

impl Tensor {
    /// An activation of this type, shaped and typed like `self` but for the arguments.
    pub(crate) fn twin(&self, name: String, dtype: TensorType, quantization: Option<Quantization>) -> Self {
        Self { name, dtype, quantization, data: None, ..self.clone() }
    }

    /// The constant as float32 values, or none when it is not one.
    pub(crate) fn floats(&self) -> Option<Vec<f32>> {
        let data = self.data.as_ref().filter(|_| self.dtype == TensorType::FLOAT32)?;
        Some(
            data.chunks_exact(4)
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                .collect(),
        )
    }

    pub(crate) fn is_float_constant(&self) -> bool {
        self.dtype == TensorType::FLOAT32 && self.data.is_some()
    }

    pub(crate) fn is_float_activation(&self) -> bool {
        self.dtype == TensorType::FLOAT32 && self.data.is_none()
    }

    /// Number of elements; negative dimensions count as one, overflow as the largest number.
    pub(crate) fn elements(&self) -> usize {
        self.shape
            .iter()
            .fold(1usize, |product, dim| product.saturating_mul(usize::try_from(*dim).unwrap_or(1)))
    }

    pub(crate) fn dtype_name(&self) -> String {
        tensor_type_name(self.dtype).to_ascii_lowercase()
    }
}

impl Quantization {
    pub(crate) fn per_tensor(scale: f32, zero_point: i64) -> Self {
        Self { scales: vec![scale], zero_points: vec![zero_point], axis: 0 }
    }

    /// Symmetric, one scale a slice along `axis`.
    pub(crate) fn symmetric(scales: Vec<f32>, axis: usize) -> Self {
        let zero_points = vec![0; scales.len()];
        Self { scales, zero_points, axis }
    }
}

impl Operator {
    /// A step without options from one tensor to another.
    pub(crate) fn unary(kind: BuiltinOperator, version: i32, input: usize, output: usize) -> Self {
        Self {
            origin: None,
            kind,
            version,
            custom_code: None,
            inputs: vec![Some(input)],
            outputs: vec![output],
            options: BuiltinOptionsT::NONE,
            options2: BuiltinOptions2T::NONE,
            custom_options: None,
            mutating_variable_inputs: None,
            intermediates: None,
        }
    }

    pub(crate) fn input(&self, index: usize) -> Option<usize> {
        self.inputs.get(index).copied().flatten()
    }

    pub(crate) fn name(&self) -> &str {
        match &self.custom_code {
            Some(code) => code,
            None => builtin_name(self.kind),
        }
    }
}
