//! From untrusted bytes to a checked graph, once. What is here has been verified: every index leads somewhere, every
//! shape has a size that fits in memory, every constant fills its shape, every tensor has one source that comes before
//! its readers. What the operators ask of shapes and types is theirs to check; kernels and memory are not known here.

mod calls;
mod limits;
mod nodes;
mod signatures;
mod sparse;
mod spot;
mod tensors;

pub(crate) use calls::{Access, Call};
pub(crate) use limits::{MAX_RANK, MAX_TENSOR_BYTES};
pub use signatures::Signature;
pub(crate) use spot::Spot;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use edgebench_schema::tflite::{self, BuiltinOperator};
use edgebench_schema::verified_root;

use crate::error::{Fault, ModelError};
use crate::registry::{Entry, Operators};
use crate::tensor::{DType, Quantization};

/// A checked network over borrowed bytes, which on a microcontroller are flash: constants are never copied here.
#[derive(Debug)]
pub struct Model<'b> {
    /// At least one.
    graphs: Vec<Graph<'b>>,
    signatures: Vec<Signature<'b>>,
    /// How many variables the nodes name.
    variables: usize,
    description: Option<&'b str>,
}

/// One subgraph: tensors, and the steps that compute them.
#[derive(Debug)]
pub(crate) struct Graph<'b> {
    pub(crate) tensors: Vec<TensorInfo<'b>>,
    pub(crate) nodes: Vec<Node<'b>>,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
}

/// A tensor of the file.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct TensorInfo<'b> {
    /// Name in the file.
    pub name: &'b str,
    /// Element type.
    pub dtype: DType,
    /// Dimensions as the file states them; NHWC for images. Empty for a scalar.
    pub shape: Vec<usize>,
    /// Which dimensions are open (none) and which are fixed, where the file says so.
    pub shape_signature: Option<Vec<Option<usize>>>,
    /// How stored values stand for real ones; none for float types.
    pub quantization: Option<Quantization>,
    /// Elements row-major and little-endian, when the tensor is a constant. Not aligned.
    pub data: Option<&'b [u8]>,
    /// Elements of a constant that the file stores sparse.
    pub(crate) dense: Option<Vec<u8>>,
    /// Whether its value lives on from one inference to the next.
    pub is_variable: bool,
    /// The scales of blocks, which other tensors have.
    pub(crate) blocks: Option<Blocks>,
    /// What about it no operator here can work with. A node that touches it is refused; the others can still be checked.
    pub(crate) lack: Option<String>,
}

/// Scales for blocks of elements along the last axis, as the file has them: nothing is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Blocks {
    /// Index of the tensor with a scale for each block.
    pub(crate) scales: i32,
    /// Index of the tensor with a zero point for each block; 0 or less where there is none.
    pub(crate) zero_points: i32,
    /// Elements of a block.
    pub(crate) size: i32,
}

/// One step of the network.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Node<'b> {
    /// What it does.
    pub operator: BuiltinOperator,
    /// The operator's name, such as `CONV_2D`, or the custom code.
    pub name: &'b str,
    /// The operator's version in the file.
    pub version: i32,
    /// Tensor indices; none for an optional input that is absent.
    pub inputs: Vec<Option<usize>>,
    /// Tensor indices.
    pub outputs: Vec<usize>,
    /// The subgraphs that it runs.
    pub(crate) call: Option<Call>,
    /// The number of the variable that it names.
    pub(crate) variable: Option<u32>,
    /// What is registered for the operator; none when it is not there.
    pub(crate) entry: Option<&'static Entry>,
    /// The verified table with the operator's options.
    pub(crate) table: tflite::Operator<'b>,
}

impl<'b> Model<'b> {
    /// Checks the bytes of a `.tflite` file.
    ///
    /// # Errors
    /// When the bytes do not verify, an index, a shape, a constant's size, quantization parameters, an operator's
    /// number of inputs or the order of execution does not hold, or a limit is exceeded. The message names the place.
    pub fn load(bytes: &'b [u8]) -> Result<Self, ModelError> {
        Self::load_with(bytes, &Operators::ALL)
    }

    /// Like [`load`](Self::load), for a program with fewer operators. A node whose operator is not among these is refused
    /// when it is prepared.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn load_with(bytes: &'b [u8], operators: &Operators) -> Result<Self, ModelError> {
        let file = verified_root(bytes)?;
        let subgraphs = file.subgraphs().filter(|list| !list.is_empty());
        let subgraphs = subgraphs.ok_or_else(|| Fault::missing("model", "subgraph"))?;
        check_totals(subgraphs.iter())?;
        let mut room = limits::dense_room(bytes.len());
        let read = |(index, subgraph)| {
            let graph = Graph::read(&file, &subgraph, bytes, operators, &mut room);
            graph.map_err(|fault| fault.within_subgraph(index))
        };
        let mut graphs: Vec<Graph<'b>> = subgraphs.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        calls::check(&graphs)?;
        let variables = calls::number_variables(&mut graphs);
        let signatures = signatures::read(&file, &graphs)?;
        Ok(Self { graphs, signatures, variables, description: file.description() })
    }

    /// The names under which the file offers its subgraphs.
    pub fn signatures(&self) -> &[Signature<'b>] {
        &self.signatures
    }

    /// How many variables the nodes name.
    pub(crate) fn variables(&self) -> usize {
        self.variables
    }

    /// The subgraphs, by index in the file.
    pub(crate) fn graphs(&self) -> &[Graph<'b>] {
        &self.graphs
    }

    /// Every tensor, by index in the file.
    pub fn tensors(&self) -> &[TensorInfo<'b>] {
        &self.graphs[0].tensors
    }

    /// Every step, in execution order.
    pub fn nodes(&self) -> &[Node<'b>] {
        &self.graphs[0].nodes
    }

    /// Tensor indices of the inputs.
    pub fn inputs(&self) -> &[usize] {
        &self.graphs[0].inputs
    }

    /// Tensor indices of the outputs.
    pub fn outputs(&self) -> &[usize] {
        &self.graphs[0].outputs
    }

    /// The writer's own words.
    pub fn description(&self) -> Option<&'b str> {
        self.description
    }
}

impl<'b> Graph<'b> {
    fn read(
        file: &tflite::Model<'b>,
        subgraph: &tflite::SubGraph<'b>,
        bytes: &'b [u8],
        operators: &Operators,
        room: &mut usize,
    ) -> Result<Self, Fault> {
        let mut tensors = tensors::read(file, subgraph, bytes, room)?;
        let nodes = nodes::read(file, subgraph, &tensors, operators)?;
        let inputs = door(subgraph.inputs().into_iter().flatten(), Spot::The("model inputs"), &tensors)?;
        let outputs = door(subgraph.outputs().into_iter().flatten(), Spot::The("model outputs"), &tensors)?;
        nodes::settle_empty_constants(&mut tensors, &nodes, &inputs);
        let graph = Self { tensors, nodes, inputs, outputs };
        nodes::check_order(&graph)?;
        Ok(graph)
    }
}

impl TensorInfo<'_> {
    /// Number of elements; 1 for a scalar.
    pub fn elements(&self) -> usize {
        // Checked at load: the product fits.
        self.shape.iter().product()
    }

    /// Bytes of all elements.
    pub fn bytes(&self) -> usize {
        self.dtype.bytes_of(self.elements())
    }
}

impl Node<'_> {
    /// The tensor at this input; none when the input is absent or the list is shorter.
    pub fn input(&self, slot: usize) -> Option<usize> {
        self.inputs.get(slot).copied().flatten()
    }

    /// The node in messages, such as `node 3 (CONV_2D)`.
    pub(crate) fn place(&self, index: usize) -> Spot<'_> {
        Spot::Node { index, name: self.name }
    }
}

impl core::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

/// The limits hold for all subgraphs together.
fn check_totals<'b>(subgraphs: impl Iterator<Item = tflite::SubGraph<'b>>) -> Result<(), Fault> {
    let (mut count, mut nodes, mut tensors) = (0usize, 0usize, 0usize);
    for subgraph in subgraphs {
        count += 1;
        nodes = nodes.saturating_add(subgraph.operators().map_or(0, |list| list.len()));
        tensors = tensors.saturating_add(subgraph.tensors().map_or(0, |list| list.len()));
    }
    for (what, found, limit) in [
        ("number of subgraphs", count, limits::MAX_SUBGRAPHS),
        ("number of nodes", nodes, limits::MAX_NODES),
        ("number of tensors", tensors, limits::MAX_TENSORS),
    ] {
        if found > limit {
            return Err(Fault::limit("model", what, found as u64, limit as u64));
        }
    }
    Ok(())
}

/// The tensor in messages.
pub(crate) fn place_of_tensor(index: usize, name: &str) -> Spot<'_> {
    Spot::Tensor { index, name }
}

/// A tensor index of the file, or a fault.
fn tensor_index(index: i32, place: Spot<'_>, tensors: &[TensorInfo]) -> Result<usize, Fault> {
    let valid = usize::try_from(index).ok().filter(|index| *index < tensors.len());
    valid.ok_or_else(|| {
        Fault::mismatch(place, format!("tensor index below {}", tensors.len()), format!("{index}"))
    })
}

fn door(
    indices: impl Iterator<Item = i32>,
    place: Spot<'_>,
    tensors: &[TensorInfo],
) -> Result<Vec<usize>, Fault> {
    indices.map(|index| tensor_index(index, place, tensors)).collect()
}
