//! Steps: operator codes, inputs and outputs, and the order in which values come to be.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_schema::{builtin_name, operator_code, tflite};

use super::limits::MAX_NODE_TENSORS;
use super::{Call, Graph, Node, Spot, TensorInfo, place_of_tensor, tensor_index};
use crate::error::Fault;
use crate::registry::{self, Operators};

/// Reads and checks every step of a subgraph.
pub(super) fn read<'b>(
    file: &tflite::Model<'b>,
    subgraph: &tflite::SubGraph<'b>,
    tensors: &[TensorInfo<'b>],
    operators: &Operators,
) -> Result<Vec<Node<'b>>, Fault> {
    let Some(list) = subgraph.operators() else { return Ok(Vec::new()) };
    let read = |(index, table)| read_node(file, table, index, tensors, operators);
    list.iter().enumerate().map(read).collect()
}

fn read_node<'b>(
    file: &tflite::Model<'b>,
    table: tflite::Operator<'b>,
    index: usize,
    tensors: &[TensorInfo<'b>],
    operators: &Operators,
) -> Result<Node<'b>, Fault> {
    let codes = file.operator_codes().ok_or_else(|| Fault::missing("model", "operator codes"))?;
    let code = usize::try_from(table.opcode_index()).ok().filter(|code| *code < codes.len());
    let code = code.ok_or_else(|| {
        let expected = format!("operator code index below {}", codes.len());
        Fault::mismatch(format!("node {index}"), expected, format!("{}", table.opcode_index()))
    })?;
    let code = codes.get(code);
    let operator = operator_code(&code);
    let name = code.custom_code().unwrap_or_else(|| builtin_name(operator));
    let place = Spot::Node { index, name };
    let node = Node {
        operator,
        name,
        version: code.version(),
        inputs: read_inputs(&table, place, tensors)?,
        outputs: read_outputs(&table, place, tensors)?,
        call: Call::read(operator, &table, place, file.subgraphs().map_or(0, |list| list.len()))?,
        variable: None,
        entry: operators.find(operator, name),
        table,
    };
    registry::check_arity(&node, place)?;
    Ok(node)
}

fn read_inputs(
    table: &tflite::Operator,
    place: Spot<'_>,
    tensors: &[TensorInfo],
) -> Result<Vec<Option<usize>>, Fault> {
    let Some(list) = table.inputs() else { return Ok(Vec::new()) };
    check_length(list.len(), place, "number of inputs")?;
    list.iter()
        .enumerate()
        .map(|(slot, index)| match index {
            -1 => Ok(None),
            _ => tensor_index(index, place.slot("input", slot), tensors).map(Some),
        })
        .collect()
}

fn read_outputs(
    table: &tflite::Operator,
    place: Spot<'_>,
    tensors: &[TensorInfo],
) -> Result<Vec<usize>, Fault> {
    let Some(list) = table.outputs() else { return Ok(Vec::new()) };
    check_length(list.len(), place, "number of outputs")?;
    list.iter()
        .enumerate()
        .map(|(slot, index)| tensor_index(index, place.slot("output", slot), tensors))
        .collect()
}

fn check_length(found: usize, place: Spot<'_>, what: &'static str) -> Result<(), Fault> {
    if found <= MAX_NODE_TENSORS {
        return Ok(());
    }
    Err(Fault::limit(place, what, found as u64, MAX_NODE_TENSORS as u64))
}

/// A tensor without elements that nothing computes is a constant: files leave out the data that it does not have.
pub(super) fn settle_empty_constants(tensors: &mut [TensorInfo], nodes: &[Node], inputs: &[usize]) {
    let mut computed = vec![false; tensors.len()];
    let written = nodes.iter().flat_map(|node| &node.outputs).chain(inputs);
    written.for_each(|tensor| computed[*tensor] = true);
    for (tensor, _) in tensors.iter_mut().zip(computed).filter(|(_, computed)| !computed) {
        if tensor.elements() == 0 && tensor.data.is_none() {
            tensor.data = Some(&[]);
        }
    }
}

/// Every tensor has one source (a constant, a model input, a variable, or one node) that comes before its readers.
pub(super) fn check_order(graph: &Graph) -> Result<(), Fault> {
    let mut known: Vec<bool> = graph
        .tensors
        .iter()
        .map(|tensor| tensor.data.is_some() || tensor.dense.is_some() || tensor.is_variable)
        .collect();
    for input in &graph.inputs {
        if core::mem::replace(&mut known[*input], true) {
            let place = place_of_tensor(*input, graph.tensors[*input].name);
            return Err(Fault::mismatch(place, "one source", "a model input that has another"));
        }
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        if let Some((slot, tensor)) = unknown_input(node, &known) {
            let place = slot_place(graph, index, "input", slot, tensor);
            return Err(Fault::mismatch(place, "a tensor with a value", "one that nothing has written yet"));
        }
        for (slot, output) in node.outputs.iter().enumerate() {
            if core::mem::replace(&mut known[*output], true) {
                let place = slot_place(graph, index, "output", slot, *output);
                return Err(Fault::mismatch(place, "a tensor with no other source", "one that has a value"));
            }
        }
    }
    match graph.outputs.iter().find(|output| !known[**output]) {
        None => Ok(()),
        Some(output) => {
            let place = place_of_tensor(*output, graph.tensors[*output].name);
            Err(Fault::mismatch(place, "a value for this model output", "none"))
        }
    }
}

fn unknown_input(node: &Node, known: &[bool]) -> Option<(usize, usize)> {
    let inputs = node.inputs.iter().enumerate();
    inputs.filter_map(|(slot, tensor)| Some((slot, (*tensor)?))).find(|(_, tensor)| !known[*tensor])
}

fn slot_place(graph: &Graph, node: usize, side: &str, slot: usize, tensor: usize) -> String {
    let name = graph.tensors[tensor].name.escape_debug();
    format!("{} {side} {slot} \"{name}\"", graph.nodes[node].place(node))
}
