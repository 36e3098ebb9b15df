//! Small networks as files, written with the schema's object API.

use edgebench_schema::MODEL_IDENTIFIER;
use edgebench_schema::tflite::*;

/// A table of the object API: they may grow fields, so they cannot be written as one expression.
macro_rules! table {
    ($kind:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let mut table = $kind::default();
        $(table.$field = $value;)*
        table
    }};
}
pub(crate) use table;

/// A network that grows tensor by tensor and node by node.
pub(crate) struct Net {
    /// What will be written; tests damage it.
    pub(crate) model: ModelT,
}

impl Net {
    pub(crate) fn new() -> Self {
        let subgraph = table!(SubGraphT {
            tensors: Some(Vec::new()),
            inputs: Some(Vec::new()),
            outputs: Some(Vec::new()),
            operators: Some(Vec::new()),
        });
        let model = table!(ModelT {
            version: 3,
            operator_codes: Some(Vec::new()),
            subgraphs: Some(vec![subgraph]),
            buffers: Some(vec![BufferT::default()]),
        });
        Self { model }
    }

    pub(crate) fn subgraph(&mut self) -> &mut SubGraphT {
        &mut self.model.subgraphs.as_mut().expect("subgraphs")[0]
    }

    pub(crate) fn tensors(&mut self) -> &mut Vec<TensorT> {
        self.subgraph().tensors.as_mut().expect("tensors")
    }

    pub(crate) fn nodes(&mut self) -> &mut Vec<OperatorT> {
        self.subgraph().operators.as_mut().expect("operators")
    }

    /// A computed tensor.
    pub(crate) fn tensor(&mut self, dtype: TensorType, shape: &[i32]) -> i32 {
        let name = format!("t{}", self.tensors().len());
        self.tensors().push(table!(TensorT { name: Some(name), shape: Some(shape.to_vec()), type_: dtype }));
        self.tensors().len() as i32 - 1
    }

    pub(crate) fn floats(&mut self, shape: &[i32]) -> i32 {
        self.tensor(TensorType::FLOAT32, shape)
    }

    /// A computed tensor with one scale.
    pub(crate) fn quantized(&mut self, dtype: TensorType, shape: &[i32], scale: f32, zero_point: i64) -> i32 {
        let tensor = self.tensor(dtype, shape);
        self.set_scales(tensor, &[scale], &[zero_point], 0);
        tensor
    }

    pub(crate) fn set_scales(&mut self, tensor: i32, scales: &[f32], zero_points: &[i64], axis: i32) {
        let parameters = table!(QuantizationParametersT {
            scale: Some(scales.to_vec()),
            zero_point: Some(zero_points.to_vec()),
            quantized_dimension: axis,
        });
        self.tensors()[tensor as usize].quantization = Some(Box::new(parameters));
    }

    pub(crate) fn scales(&mut self, tensor: i32) -> Vec<f32> {
        let parameters = self.tensors()[tensor as usize].quantization.clone();
        parameters.and_then(|parameters| parameters.scale).expect("scales")
    }

    pub(crate) fn zero_point(&mut self, tensor: i32) -> i64 {
        let parameters = self.tensors()[tensor as usize].quantization.clone();
        parameters.and_then(|parameters| parameters.zero_point).expect("zero points")[0]
    }

    /// Gives `to` the quantization of `from`.
    pub(crate) fn same_scale(&mut self, from: i32, to: i32) {
        let parameters = self.tensors()[from as usize].quantization.clone();
        self.tensors()[to as usize].quantization = parameters;
    }

    /// Gives a tensor data.
    pub(crate) fn fill(&mut self, tensor: i32, data: Vec<u8>) -> i32 {
        let buffers = self.model.buffers.as_mut().expect("buffers");
        buffers.push(table!(BufferT { data: Some(data) }));
        let buffer = buffers.len() as u32 - 1;
        self.tensors()[tensor as usize].buffer = buffer;
        tensor
    }

    pub(crate) fn float_constant(&mut self, shape: &[i32], values: &[f32]) -> i32 {
        let tensor = self.floats(shape);
        self.fill(tensor, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    pub(crate) fn int32_constant(&mut self, shape: &[i32], values: &[i32]) -> i32 {
        let tensor = self.tensor(TensorType::INT32, shape);
        self.fill(tensor, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Appends a node of version 1; version and absent inputs can be changed through [`Self::nodes`].
    pub(crate) fn node(
        &mut self,
        kind: BuiltinOperator,
        inputs: &[i32],
        outputs: &[i32],
        options: BuiltinOptionsT,
    ) {
        let codes = self.model.operator_codes.as_mut().expect("codes");
        let old = kind.0.min(127) as i8;
        codes.push(table!(OperatorCodeT { builtin_code: kind, deprecated_builtin_code: old, version: 1 }));
        let opcode_index = codes.len() as u32 - 1;
        self.nodes().push(table!(OperatorT {
            opcode_index: opcode_index,
            inputs: Some(inputs.to_vec()),
            outputs: Some(outputs.to_vec()),
            builtin_options: options,
        }));
    }

    /// Makes another network a subgraph of this file, and gives its index.
    pub(crate) fn attach(&mut self, mut other: Net) -> i32 {
        let buffers = self.model.buffers.as_mut().expect("buffers");
        let first_buffer = buffers.len() as u32;
        buffers.extend(other.model.buffers.take().expect("buffers"));
        let codes = self.model.operator_codes.as_mut().expect("codes");
        let first_code = codes.len() as u32;
        codes.extend(other.model.operator_codes.take().expect("codes"));
        other.tensors().iter_mut().for_each(|tensor| tensor.buffer += first_buffer);
        other.nodes().iter_mut().for_each(|node| node.opcode_index += first_code);
        let subgraphs = self.model.subgraphs.as_mut().expect("subgraphs");
        subgraphs.append(other.model.subgraphs.as_mut().expect("subgraphs"));
        subgraphs.len() as i32 - 1
    }

    pub(crate) fn door(&mut self, inputs: &[i32], outputs: &[i32]) {
        self.subgraph().inputs = Some(inputs.to_vec());
        self.subgraph().outputs = Some(outputs.to_vec());
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut builder = Default::default();
        let root = self.model.pack(&mut builder);
        builder.finish(root, Some(MODEL_IDENTIFIER));
        builder.finished_data().to_vec()
    }
}

pub(crate) fn conv(padding: Padding, stride: i32, activation: ActivationFunctionType) -> BuiltinOptionsT {
    BuiltinOptionsT::Conv2DOptions(Box::new(table!(Conv2DOptionsT {
        padding: padding,
        stride_w: stride,
        stride_h: stride,
        fused_activation_function: activation,
    })))
}

/// The element at `index` of a reproducible sequence in [-1, 1).
pub(crate) fn noise(index: usize) -> f32 {
    let mixed = (index as u32).wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (mixed >> 8) as f32 / (1u32 << 23) as f32 - 1.0
}
