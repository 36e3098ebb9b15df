//! From the graph to the bytes of a `.tflite` file that LiteRT takes as its own and that is as small as the format
//! allows: vectors and strings of equal content are written once (a flatbuffer is a graph, not a tree), data of equal
//! content is one buffer, tensors nobody uses are left out. The same graph always gives the same bytes. It must not
//! decide anything about the network.

use std::collections::HashMap;

use edgebench_schema::MODEL_IDENTIFIER;
use edgebench_schema::tflite::{
    Buffer, BufferArgs, BuiltinOperator, Metadata, Model, ModelArgs, Operator as FileOperator, OperatorArgs,
    OperatorCode, OperatorCodeArgs, QuantizationParameters, QuantizationParametersArgs, SignatureDef,
    SignatureDefArgs, SubGraph, SubGraphArgs, Tensor as FileTensor, TensorArgs, TensorMap, TensorMapArgs,
};
use flatbuffers::{FlatBufferBuilder, ForwardsUOffset, Vector, WIPOffset};

use crate::graph::{Graph, Operator, Quantization, Signature, Tensor};

/// Version of the file format, the same for every model.
const FORMAT_VERSION: u32 = 3;

/// Data starts on a multiple of this, as the schema's `force_align` asks, so that it can be used where it lies.
const DATA_ALIGNMENT: usize = 16;

/// Largest operator code that the old 8-bit field can carry; it then says "look at the other field".
const PLACEHOLDER_CODE: i32 = 127;

type Offset<T> = WIPOffset<T>;
type Tables<'b, T> = Offset<Vector<'b, ForwardsUOffset<T>>>;

/// The graph as a file.
pub fn tflite(graph: &Graph) -> Vec<u8> {
    let bytes = Writer::new(graph, 0).finish();
    let excess = bytes.len() % DATA_ALIGNMENT;
    if excess == 0 {
        return bytes;
    }
    // Data is aligned to the end of the file, where writing starts; the start is aligned once the length is a multiple.
    Writer::new(graph, DATA_ALIGNMENT - excess).finish()
}

/// Which tensors are written, and under which index.
struct Kept {
    /// Graph index of each written tensor.
    tensors: Vec<usize>,
    /// Written index of each graph tensor, where it has one.
    index: Vec<Option<i32>>,
}

impl Kept {
    /// Tensors that the door, a signature or an operator refers to, in their old order.
    fn of(graph: &Graph) -> Self {
        let mut used = vec![false; graph.tensors.len()];
        let mut mark = |tensor: &usize| used[*tensor] = true;
        graph.inputs.iter().chain(&graph.outputs).for_each(&mut mark);
        for operator in &graph.operators {
            operator.inputs.iter().flatten().chain(&operator.outputs).for_each(&mut mark);
            operator.intermediates.iter().flatten().for_each(&mut mark);
        }
        for signature in &graph.signatures {
            signature.inputs.iter().chain(&signature.outputs).for_each(|(_, tensor)| mark(tensor));
        }
        let tensors: Vec<usize> = (0..used.len()).filter(|tensor| used[*tensor]).collect();
        let mut index = vec![None; used.len()];
        for (written, tensor) in tensors.iter().enumerate() {
            index[*tensor] = i32::try_from(written).ok();
        }
        Self { tensors, index }
    }

    fn index(&self, tensor: usize) -> i32 {
        self.index[tensor].unwrap_or(-1)
    }

    fn indices(&self, tensors: &[usize]) -> Vec<i32> {
        tensors.iter().map(|tensor| self.index(*tensor)).collect()
    }
}

struct Writer<'g, 'b> {
    graph: &'g Graph,
    builder: FlatBufferBuilder<'b>,
    kept: Kept,
    shared: Shared<'b>,
    padding: usize,
}

/// What has been written already, by content. Floats are compared by their bits.
#[derive(Default)]
struct Shared<'b> {
    ints: HashMap<Vec<i32>, Offset<Vector<'b, i32>>>,
    longs: HashMap<Vec<i64>, Offset<Vector<'b, i64>>>,
    floats: HashMap<Vec<u32>, Offset<Vector<'b, f32>>>,
    quantizations: HashMap<(Vec<u32>, Vec<i64>, usize), Offset<QuantizationParameters<'b>>>,
}

impl<'g, 'b> Writer<'g, 'b> {
    fn new(graph: &'g Graph, padding: usize) -> Self {
        let builder = FlatBufferBuilder::new();
        Self { graph, builder, kept: Kept::of(graph), shared: Shared::default(), padding }
    }

    fn finish(mut self) -> Vec<u8> {
        let graph = self.graph;
        let (buffers, buffer_of) = self.buffers();
        (0..self.padding).for_each(|_| {
            self.builder.push(0u8);
        });
        let (codes, code_of) = self.operator_codes();
        let subgraph = self.subgraph(&buffer_of, &code_of);
        let subgraphs = self.builder.create_vector(&[subgraph]);
        let signatures = (!graph.signatures.is_empty()).then(|| self.signatures());
        let description = graph.description.as_ref().map(|text| self.builder.create_shared_string(text));
        let arguments = ModelArgs {
            version: FORMAT_VERSION,
            operator_codes: Some(codes),
            subgraphs: Some(subgraphs),
            description,
            buffers: Some(buffers),
            signature_defs: signatures,
            metadata: None::<Tables<'b, Metadata<'b>>>,
            ..ModelArgs::default()
        };
        let root = Model::create(&mut self.builder, &arguments);
        self.builder.finish(root, Some(MODEL_IDENTIFIER));
        self.builder.finished_data().to_vec()
    }

    /// All buffers, and the index of each written tensor's. Buffer 0 is empty and stands for "no data".
    fn buffers(&mut self) -> (Tables<'b, Buffer<'b>>, Vec<u32>) {
        let graph = self.graph;
        let mut seen: HashMap<&[u8], u32> = HashMap::new();
        let mut contents: Vec<&[u8]> = Vec::new();
        let mut buffer_of = Vec::with_capacity(self.kept.tensors.len());
        for tensor in &self.kept.tensors {
            let data = graph.tensors[*tensor].data.as_deref().unwrap_or_default();
            buffer_of.push(if data.is_empty() {
                0
            } else {
                *seen.entry(data).or_insert_with(|| {
                    contents.push(data);
                    contents.len() as u32
                })
            });
        }
        let vectors: Vec<_> = contents.iter().map(|data| self.aligned(data)).collect();
        let mut tables = vec![Buffer::create(&mut self.builder, &BufferArgs::default())];
        for data in vectors {
            tables.push(Buffer::create(
                &mut self.builder,
                &BufferArgs { data: Some(data), ..Default::default() },
            ));
        }
        (self.builder.create_vector(&tables), buffer_of)
    }

    fn aligned(&mut self, data: &[u8]) -> Offset<Vector<'b, u8>> {
        let end = self.builder.unfinished_data().len() + data.len();
        for _ in 0..end.next_multiple_of(DATA_ALIGNMENT) - end {
            self.builder.push(0u8);
        }
        self.builder.create_vector(data)
    }

    /// One entry for each kind and version of operator, and the entry of each operator.
    fn operator_codes(&mut self) -> (Tables<'b, OperatorCode<'b>>, Vec<u32>) {
        let mut entries: Vec<&Operator> = Vec::new();
        let mut code_of = Vec::with_capacity(self.graph.operators.len());
        for operator in &self.graph.operators {
            let key = |o: &Operator| (o.kind, o.version, o.custom_code.clone());
            let known = entries.iter().position(|entry| key(entry) == key(operator));
            code_of.push(known.unwrap_or_else(|| {
                entries.push(operator);
                entries.len() - 1
            }) as u32);
        }
        let tables: Vec<_> = entries.into_iter().map(|entry| self.operator_code(entry)).collect();
        (self.builder.create_vector(&tables), code_of)
    }

    fn operator_code(&mut self, operator: &Operator) -> Offset<OperatorCode<'b>> {
        let custom_code = operator.custom_code.as_ref().map(|code| self.builder.create_shared_string(code));
        let arguments = OperatorCodeArgs {
            deprecated_builtin_code: operator.kind.0.clamp(0, PLACEHOLDER_CODE) as i8,
            custom_code,
            version: operator.version,
            builtin_code: BuiltinOperator(operator.kind.0),
        };
        OperatorCode::create(&mut self.builder, &arguments)
    }

    fn subgraph(&mut self, buffer_of: &[u32], code_of: &[u32]) -> Offset<SubGraph<'b>> {
        let graph = self.graph;
        let kept = std::mem::take(&mut self.kept.tensors);
        let tables: Vec<_> = kept
            .iter()
            .zip(buffer_of)
            .map(|(tensor, buffer)| self.tensor(&graph.tensors[*tensor], *buffer))
            .collect();
        let tensors = self.builder.create_vector(&tables);
        let tables: Vec<_> = graph
            .operators
            .iter()
            .zip(code_of)
            .map(|(operator, code)| self.operator(operator, *code))
            .collect();
        let operators = self.builder.create_vector(&tables);
        let inputs = self.indices(&graph.inputs);
        let outputs = self.indices(&graph.outputs);
        let name = graph.name.as_ref().map(|name| self.builder.create_shared_string(name));
        let arguments = SubGraphArgs {
            tensors: Some(tensors),
            inputs: Some(inputs),
            outputs: Some(outputs),
            operators: Some(operators),
            name,
            ..SubGraphArgs::default()
        };
        SubGraph::create(&mut self.builder, &arguments)
    }

    fn tensor(&mut self, tensor: &Tensor, buffer: u32) -> Offset<FileTensor<'b>> {
        let shape = self.ints(&tensor.shape);
        let shape_signature = tensor.shape_signature.as_ref().map(|dims| self.ints(dims));
        let quantization = tensor.quantization.as_ref().map(|quantization| self.quantization(quantization));
        let name = (!tensor.name.is_empty()).then(|| self.builder.create_shared_string(&tensor.name));
        let arguments = TensorArgs {
            shape: Some(shape),
            type_: tensor.dtype,
            buffer,
            name,
            quantization,
            is_variable: tensor.is_variable,
            shape_signature,
            has_rank: tensor.has_rank,
            ..TensorArgs::default()
        };
        FileTensor::create(&mut self.builder, &arguments)
    }

    fn quantization(&mut self, quantization: &Quantization) -> Offset<QuantizationParameters<'b>> {
        let bits: Vec<u32> = quantization.scales.iter().map(|scale| scale.to_bits()).collect();
        let key = (bits, quantization.zero_points.clone(), quantization.axis);
        if let Some(written) = self.shared.quantizations.get(&key) {
            return *written;
        }
        let builder = &mut self.builder;
        let scale = *self
            .shared
            .floats
            .entry(key.0.clone())
            .or_insert_with(|| builder.create_vector(&quantization.scales));
        let zero_point = *self
            .shared
            .longs
            .entry(key.1.clone())
            .or_insert_with(|| builder.create_vector(&quantization.zero_points));
        let arguments = QuantizationParametersArgs {
            scale: Some(scale),
            zero_point: Some(zero_point),
            quantized_dimension: quantization.axis as i32,
            ..QuantizationParametersArgs::default()
        };
        let written = QuantizationParameters::create(&mut self.builder, &arguments);
        self.shared.quantizations.insert(key, written);
        written
    }

    fn operator(&mut self, operator: &Operator, code: u32) -> Offset<FileOperator<'b>> {
        let inputs: Vec<i32> =
            operator.inputs.iter().map(|input| input.map_or(-1, |tensor| self.kept.index(tensor))).collect();
        let inputs = self.ints(&inputs);
        let outputs = self.indices(&operator.outputs);
        let intermediates = operator.intermediates.as_ref().map(|tensors| self.indices(tensors));
        let custom = operator.custom_options.as_ref().map(|bytes| self.builder.create_vector(bytes));
        let mutating =
            operator.mutating_variable_inputs.as_ref().map(|flags| self.builder.create_vector(flags));
        let arguments = OperatorArgs {
            opcode_index: code,
            inputs: Some(inputs),
            outputs: Some(outputs),
            builtin_options_type: operator.options.builtin_options_type(),
            builtin_options: operator.options.pack(&mut self.builder),
            custom_options: custom,
            mutating_variable_inputs: mutating,
            intermediates,
            builtin_options2_type: operator.options2.builtin_options_2_type(),
            builtin_options2: operator.options2.pack(&mut self.builder),
            ..OperatorArgs::default()
        };
        FileOperator::create(&mut self.builder, &arguments)
    }

    fn signatures(&mut self) -> Tables<'b, SignatureDef<'b>> {
        let tables: Vec<_> =
            self.graph.signatures.iter().map(|signature| self.signature(signature)).collect();
        self.builder.create_vector(&tables)
    }

    fn signature(&mut self, signature: &Signature) -> Offset<SignatureDef<'b>> {
        let inputs = self.tensor_maps(&signature.inputs);
        let outputs = self.tensor_maps(&signature.outputs);
        let signature_key = signature.key.as_ref().map(|key| self.builder.create_shared_string(key));
        let arguments = SignatureDefArgs {
            inputs: Some(inputs),
            outputs: Some(outputs),
            signature_key,
            subgraph_index: 0,
        };
        SignatureDef::create(&mut self.builder, &arguments)
    }

    fn tensor_maps(&mut self, named: &[(String, usize)]) -> Tables<'b, TensorMap<'b>> {
        let mut tables = Vec::with_capacity(named.len());
        for (name, tensor) in named {
            let name = Some(self.builder.create_shared_string(name));
            let tensor_index = self.kept.index(*tensor).unsigned_abs();
            tables.push(TensorMap::create(&mut self.builder, &TensorMapArgs { name, tensor_index }));
        }
        self.builder.create_vector(&tables)
    }

    fn indices(&mut self, tensors: &[usize]) -> Offset<Vector<'b, i32>> {
        self.ints(&self.kept.indices(tensors))
    }

    fn ints(&mut self, values: &[i32]) -> Offset<Vector<'b, i32>> {
        let builder = &mut self.builder;
        *self.shared.ints.entry(values.to_vec()).or_insert_with(|| builder.create_vector(values))
    }
}
