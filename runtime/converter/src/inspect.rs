//! What a model file holds, for people (`bench inspect`) and for records. Structure comes from the importer, multiply-
//! accumulates and memory from the interpreter, which is what will run it.

use edgebench_interpreter::{Interpreter, Memory, Model, Options};
use edgebench_schema::tflite::TensorType;
use serde::Serialize;

use crate::error::ConvertError;
use crate::graph::{Graph, Operator, Quantization, Tensor};
use crate::import;

/// Everything about one model file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Inspection {
    /// Length of the file.
    pub file_bytes: u64,
    /// The writer's own words.
    pub description: Option<String>,
    /// Tensor indices of the inputs.
    pub inputs: Vec<usize>,
    /// Tensor indices of the outputs.
    pub outputs: Vec<usize>,
    /// Operators in execution order.
    pub operators: Vec<OperatorLine>,
    /// Every tensor.
    pub tensors: Vec<TensorLine>,
    /// Operators by name, most multiply-accumulates first.
    pub by_operator: Vec<OperatorTotal>,
    /// Constants by element type, largest first.
    pub by_type: Vec<TypeTotal>,
    /// Number of elements of float and integer weights: constants that are not shapes or axes.
    pub parameters: u64,
    /// Bytes of all constants.
    pub constant_bytes: u64,
    /// Multiply-accumulates of one inference; none when our interpreter cannot read the model.
    pub macs: Option<u64>,
    /// Memory that one inference needs; none when our interpreter cannot run the model.
    pub arena: Option<Arena>,
    /// Why there are no multiply-accumulates or no memory.
    pub not_runnable: Option<String>,
    /// Names of the metadata entries.
    pub metadata: Vec<String>,
    /// Names of the signatures.
    pub signatures: Vec<String>,
}

/// One operator.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct OperatorLine {
    /// Place in execution order.
    pub index: usize,
    /// Name in the format, such as `CONV_2D`, or the custom code.
    pub name: String,
    /// Version in the file.
    pub version: i32,
    /// Tensor indices; none for an optional input that is absent.
    pub inputs: Vec<Option<usize>>,
    /// Tensor indices.
    pub outputs: Vec<usize>,
    /// Shape of the first input.
    pub input_shape: Vec<i32>,
    /// Shape of the first output.
    pub output_shape: Vec<i32>,
    /// Multiply-accumulates of one inference.
    pub macs: Option<u64>,
    /// Bytes of the constants it reads.
    pub constant_bytes: u64,
}

/// One tensor.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TensorLine {
    /// Index in the file.
    pub index: usize,
    /// Name in the file.
    pub name: String,
    /// Element type, such as `float32`.
    pub dtype: String,
    /// Dimensions, NHWC for images.
    pub shape: Vec<i32>,
    /// Whether the file holds its data.
    pub constant: bool,
    /// Bytes of data in the file; 0 for what is computed.
    pub bytes: u64,
    /// How stored values stand for real ones.
    pub quantization: Option<QuantizationLine>,
}

/// real = scale * (stored - zero point).
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct QuantizationLine {
    /// One for the tensor, or one a slice along `axis`.
    pub scales: Vec<f32>,
    /// As many as scales.
    pub zero_points: Vec<i64>,
    /// The dimension that several scales belong to.
    pub axis: usize,
}

/// All operators of one name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OperatorTotal {
    /// Their name.
    pub name: String,
    /// How many.
    pub count: usize,
    /// Their multiply-accumulates.
    pub macs: u64,
    /// Bytes of the constants they read.
    pub constant_bytes: u64,
}

/// All constants of one type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TypeTotal {
    /// Element type.
    pub dtype: String,
    /// How many tensors.
    pub tensors: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Memory of one interpreter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Arena {
    /// High-water mark of the plan for activations and scratch.
    pub arena_bytes: u64,
    /// What the activations would take if none shared memory.
    pub without_reuse_bytes: u64,
    /// Weights rearranged for the kernels of this machine.
    pub packed_bytes: u64,
}

/// Reads a `.tflite` file and tells what is in it.
///
/// # Errors
/// When the importer cannot read the file. A model that our interpreter cannot run is inspected all the same.
pub fn inspect(model: &[u8]) -> Result<Inspection, ConvertError> {
    let graph = import::tflite(model)?;
    let run = Run::of(model);
    let operators: Vec<OperatorLine> = (0..graph.operators.len())
        .map(|index| {
            operator_line(&graph, index, run.macs.as_ref().and_then(|macs| macs.get(index)).copied())
        })
        .collect();
    let tensors: Vec<TensorLine> =
        graph.tensors.iter().enumerate().map(|(index, tensor)| tensor_line(index, tensor)).collect();
    Ok(Inspection {
        file_bytes: model.len() as u64,
        description: graph.description.clone(),
        inputs: graph.inputs.clone(),
        outputs: graph.outputs.clone(),
        by_operator: by_operator(&operators),
        by_type: by_type(&tensors),
        parameters: parameters(&graph),
        constant_bytes: tensors.iter().map(|tensor| tensor.bytes).sum(),
        macs: run.macs.as_ref().map(|macs| macs.iter().sum()),
        arena: run.arena,
        not_runnable: run.problem,
        metadata: graph.dropped_metadata.clone(),
        signatures: graph
            .signatures
            .iter()
            .map(|signature| signature.key.clone().unwrap_or_default())
            .collect(),
        operators,
        tensors,
    })
}

/// What our interpreter lacks to run a model: a line for each node whose operator, version or types are not there, or one
/// for a file that it does not take at all. Empty for a model that runs.
pub fn check(model: &[u8]) -> Vec<String> {
    let model = match Model::load(model) {
        Ok(model) => model,
        Err(error) => return vec![error.to_string()],
    };
    let options = Options::default();
    let lacks: Vec<String> = model.check(&options).iter().map(|lack| lack.fault.to_string()).collect();
    match Interpreter::new(&model, &options) {
        Err(error) if lacks.is_empty() => vec![error.to_string()],
        _ => lacks,
    }
}

/// What only the interpreter knows.
#[derive(Default)]
struct Run {
    macs: Option<Vec<u64>>,
    arena: Option<Arena>,
    problem: Option<String>,
}

impl Run {
    fn of(bytes: &[u8]) -> Self {
        let prepared = |model: &Model<'_>| -> Result<Self, String> {
            let interpreter =
                Interpreter::new(model, &Options::default()).map_err(|error| error.to_string())?;
            Ok(Self {
                macs: Some(interpreter.nodes().map(|node| node.macs).collect()),
                arena: Some(interpreter.memory().into()),
                problem: None,
            })
        };
        let model = Model::load(bytes).map_err(|error| error.to_string());
        let run = model.and_then(|model| prepared(&model));
        run.unwrap_or_else(|problem| Self { problem: Some(problem), ..Self::default() })
    }
}

impl From<Memory> for Arena {
    fn from(memory: Memory) -> Self {
        Self {
            arena_bytes: memory.arena_bytes as u64,
            without_reuse_bytes: memory.without_reuse_bytes as u64,
            packed_bytes: memory.packed_bytes as u64,
        }
    }
}

fn operator_line(graph: &Graph, index: usize, macs: Option<u64>) -> OperatorLine {
    let operator = &graph.operators[index];
    let shape =
        |tensor: Option<usize>| tensor.map(|tensor| graph.tensors[tensor].shape.clone()).unwrap_or_default();
    OperatorLine {
        index,
        name: operator.name().to_owned(),
        version: operator.version,
        inputs: operator.inputs.clone(),
        outputs: operator.outputs.clone(),
        input_shape: shape(operator.input(0)),
        output_shape: shape(operator.outputs.first().copied()),
        macs,
        constant_bytes: constants(graph, operator).map(data_bytes).sum(),
    }
}

fn constants<'a>(graph: &'a Graph, operator: &'a Operator) -> impl Iterator<Item = &'a Tensor> {
    operator
        .inputs
        .iter()
        .flatten()
        .map(|input| &graph.tensors[*input])
        .filter(|tensor| tensor.data.is_some())
}

fn data_bytes(tensor: &Tensor) -> u64 {
    tensor.data.as_ref().map_or(0, Vec::len) as u64
}

fn tensor_line(index: usize, tensor: &Tensor) -> TensorLine {
    TensorLine {
        index,
        name: tensor.name.clone(),
        dtype: tensor.dtype_name(),
        shape: tensor.shape.clone(),
        constant: tensor.data.is_some(),
        bytes: data_bytes(tensor),
        quantization: tensor.quantization.as_ref().map(quantization_line),
    }
}

fn quantization_line(quantization: &Quantization) -> QuantizationLine {
    QuantizationLine {
        scales: quantization.scales.clone(),
        zero_points: quantization.zero_points.clone(),
        axis: quantization.axis,
    }
}

/// Elements of every constant that is a float or carries scales; shapes and axes are neither.
fn parameters(graph: &Graph) -> u64 {
    let weight = |tensor: &&Tensor| {
        let float = matches!(tensor.dtype, TensorType::FLOAT32 | TensorType::FLOAT16 | TensorType::BFLOAT16);
        tensor.data.is_some() && (float || tensor.quantization.is_some())
    };
    graph.tensors.iter().filter(weight).map(|tensor| tensor.elements() as u64).sum()
}

fn by_operator(lines: &[OperatorLine]) -> Vec<OperatorTotal> {
    let mut totals: Vec<OperatorTotal> = Vec::new();
    for line in lines {
        let known = totals.iter().position(|total| total.name == line.name);
        let place = known.unwrap_or_else(|| {
            totals.push(OperatorTotal { name: line.name.clone(), count: 0, macs: 0, constant_bytes: 0 });
            totals.len() - 1
        });
        let total = &mut totals[place];
        total.count += 1;
        total.macs += line.macs.unwrap_or(0);
        total.constant_bytes += line.constant_bytes;
    }
    totals.sort_by(|a, b| (b.macs, b.constant_bytes, &a.name).cmp(&(a.macs, a.constant_bytes, &b.name)));
    totals
}

fn by_type(lines: &[TensorLine]) -> Vec<TypeTotal> {
    let mut totals: Vec<TypeTotal> = Vec::new();
    for line in lines.iter().filter(|line| line.constant) {
        match totals.iter_mut().find(|total| total.dtype == line.dtype) {
            Some(total) => {
                total.tensors += 1;
                total.bytes += line.bytes;
            }
            None => totals.push(TypeTotal { dtype: line.dtype.clone(), tensors: 1, bytes: line.bytes }),
        }
    }
    totals.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.dtype.cmp(&b.dtype)));
    totals
}
