//! Takes a network apart: into models of one operator each, so that another runtime can be asked about every operator by
//! itself, on inputs that do not carry the differences of the operators before it; into everything up to an operator; and
//! into everything behind it. Must not run anything.

use crate::error::ImportError;
use crate::graph::{Graph, Operator, Tensor};
use crate::import;
use crate::infer::Trace;
use crate::write;

/// A part of a network as a model of its own, with the constants it needs and the operators that make constants for it.
/// Inputs and outputs are named `tensor_N` by their index in the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperatorModel {
    /// Index in the network's file of the operator it is about.
    pub index: usize,
    /// Name of that operator, such as `CONV_2D`.
    pub name: String,
    /// Tensors of the network that go in, in the order of the model's inputs.
    pub inputs: Vec<usize>,
    /// Tensors of the network that come out, in the order of the model's outputs.
    pub outputs: Vec<usize>,
    /// The model: a `.tflite` file.
    pub model: Vec<u8>,
}

/// Every operator of a network that depends on its inputs, in execution order. `trace` gives the shapes: those of the
/// file may leave a batch open that a run has computed.
///
/// # Errors
/// When the file cannot be read as one editable graph: broken, or of several subgraphs.
pub fn operator_models(model: &[u8], trace: &Trace) -> Result<Vec<OperatorModel>, ImportError> {
    Ok(Parts::of(model, trace)?.operators().collect())
}

/// A network that can be taken apart.
#[derive(Clone, PartialEq, Debug)]
pub struct Parts {
    graph: Graph,
    /// For each tensor, whether it has the same value at every inference.
    constant: Vec<bool>,
}

impl Parts {
    /// Reads a network. `trace` gives the shapes, as for [`operator_models`].
    ///
    /// # Errors
    /// As [`operator_models`].
    pub fn of(model: &[u8], trace: &Trace) -> Result<Self, ImportError> {
        let mut graph = import::tflite(model)?;
        settle(&mut graph, trace);
        let constant = constants(&graph);
        Ok(Self { graph, constant })
    }

    /// Every operator that depends on the network's inputs by itself, in execution order.
    pub fn operators(&self) -> impl Iterator<Item = OperatorModel> {
        let flowing = self.graph.operators.iter().filter(|operator| self.flows(operator));
        flowing.map(|operator| Cut::new(&self.graph, &self.constant).operator(operator))
    }

    /// Everything up to the operator of this index in the file, whose outputs are the outputs. None if there is no such
    /// operator.
    pub fn until(&self, index: usize) -> Option<OperatorModel> {
        let place = self.place(index)?;
        let wanted = self.graph.operators.get(place)?.outputs.clone();
        Some(Cut::new(&self.graph, &self.constant).stretch(0..place + 1, place, wanted))
    }

    /// Everything behind the operator of this index in the file, with the network's own outputs. None if there is no such
    /// operator, or no output comes from behind it.
    pub fn behind(&self, index: usize) -> Option<OperatorModel> {
        let place = self.place(index)?;
        let later = self.graph.operators.get(place + 1..)?;
        let comes_later = |tensor: &&usize| later.iter().any(|operator| operator.outputs.contains(tensor));
        let wanted: Vec<usize> = self.graph.outputs.iter().filter(comes_later).copied().collect();
        let cut = Cut::new(&self.graph, &self.constant);
        (!wanted.is_empty()).then(|| cut.stretch(place + 1..self.graph.operators.len(), place, wanted))
    }

    fn place(&self, index: usize) -> Option<usize> {
        self.graph.operators.iter().position(|operator| operator.origin == Some(index))
    }

    fn flows(&self, operator: &Operator) -> bool {
        operator.outputs.iter().any(|output| !self.constant[*output])
    }
}

/// Gives every tensor of the run the shape it had there; nothing is open any more.
fn settle(graph: &mut Graph, trace: &Trace) {
    for (index, tensor) in graph.tensors.iter_mut().enumerate() {
        tensor.shape_signature = None;
        let shape = trace.tensors.get(&index).map(|traced| traced.shape.iter());
        if let Some(Ok(shape)) = shape.map(|dims| dims.copied().map(i32::try_from).collect()) {
            tensor.shape = shape;
        }
    }
}

/// Which tensors have the same value at every inference: data of the file, and what is computed from such alone.
fn constants(graph: &Graph) -> Vec<bool> {
    let mut constant: Vec<bool> = graph.tensors.iter().map(|tensor| tensor.data.is_some()).collect();
    for operator in &graph.operators {
        let mut inputs = operator.inputs.iter().flatten();
        let computed = !operator.inputs.is_empty() && inputs.all(|input| constant[*input]);
        operator.outputs.iter().filter(|_| computed).for_each(|output| constant[*output] = true);
    }
    constant
}

/// A graph that grows by the tensors of `from` that are needed.
struct Cut<'g> {
    from: &'g Graph,
    constant: &'g [bool],
    place: Vec<Option<usize>>,
    graph: Graph,
}

impl<'g> Cut<'g> {
    fn new(from: &'g Graph, constant: &'g [bool]) -> Self {
        let graph = Graph {
            description: None,
            name: None,
            tensors: Vec::new(),
            operators: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            signatures: Vec::new(),
            dropped_metadata: Vec::new(),
        };
        Self { from, constant, place: vec![None; from.tensors.len()], graph }
    }

    fn operator(mut self, operator: &Operator) -> OperatorModel {
        for maker in self.makers(operator) {
            self.add(maker);
        }
        let mut inputs: Vec<usize> = operator.inputs.iter().flatten().copied().collect();
        inputs.retain(|tensor| !self.constant[*tensor] && !self.from.tensors[*tensor].is_variable);
        inputs.sort_unstable();
        inputs.dedup();
        self.add(operator);
        self.graph.inputs = inputs.iter().map(|tensor| self.tensor(*tensor)).collect();
        self.graph.outputs = operator.outputs.iter().map(|tensor| self.tensor(*tensor)).collect();
        OperatorModel {
            index: operator.origin.unwrap_or_default(),
            name: operator.name().to_owned(),
            inputs,
            outputs: operator.outputs.clone(),
            model: write::tflite(&self.graph),
        }
    }

    /// A stretch of operators in one model; `about` is the place of the operator that it is named after.
    fn stretch(mut self, places: std::ops::Range<usize>, about: usize, wanted: Vec<usize>) -> OperatorModel {
        let from = self.from;
        let operators = from.operators.get(places.clone()).unwrap_or_default();
        let constant = self.constant;
        let makes_constants = |operator: &&Operator| operator.outputs.iter().all(|output| constant[*output]);
        from.operators.iter().take(places.start).filter(makes_constants).for_each(|maker| self.add(maker));
        let made = |tensor: usize| operators.iter().any(|operator| operator.outputs.contains(&tensor));
        let mut inputs: Vec<usize> =
            operators.iter().flat_map(|operator| operator.inputs.iter().flatten()).copied().collect();
        inputs.retain(|tensor| !constant[*tensor] && !from.tensors[*tensor].is_variable && !made(*tensor));
        inputs.sort_unstable();
        inputs.dedup();
        operators.iter().for_each(|operator| self.add(operator));
        self.graph.inputs = inputs.iter().map(|tensor| self.tensor(*tensor)).collect();
        self.graph.outputs = wanted.iter().map(|tensor| self.tensor(*tensor)).collect();
        let named = &from.operators[about];
        OperatorModel {
            index: named.origin.unwrap_or_default(),
            name: named.name().to_owned(),
            inputs,
            outputs: wanted,
            model: write::tflite(&self.graph),
        }
    }

    /// The operators before `operator` that compute its constant inputs, such as the DEQUANTIZE of float16 weights,
    /// in execution order.
    fn makers(&self, operator: &Operator) -> Vec<&'g Operator> {
        let mut wanted: Vec<usize> = operator.inputs.iter().flatten().copied().collect();
        let mut makers = Vec::new();
        for before in self.from.operators.iter().rev() {
            let makes = before.outputs.iter().any(|output| wanted.contains(output) && self.constant[*output]);
            if makes {
                wanted.extend(before.inputs.iter().flatten());
                makers.push(before);
            }
        }
        makers.reverse();
        makers
    }

    fn add(&mut self, operator: &Operator) {
        let mut copy = operator.clone();
        for input in copy.inputs.iter_mut().flatten() {
            *input = self.tensor(*input);
        }
        for tensor in copy.outputs.iter_mut().chain(copy.intermediates.iter_mut().flatten()) {
            *tensor = self.tensor(*tensor);
        }
        self.graph.operators.push(copy);
    }

    /// The place of a tensor of the network in the cut. Names are made unique: LiteRT names the inputs and outputs of
    /// a model without signatures by them.
    fn tensor(&mut self, index: usize) -> usize {
        if let Some(place) = self.place[index] {
            return place;
        }
        let tensor = Tensor { name: format!("tensor_{index}"), ..self.from.tensors[index].clone() };
        let place = self.graph.add_tensor(tensor);
        self.place[index] = Some(place);
        place
    }
}
