//! Signatures: names under which a file offers its subgraphs, and names of their inputs and outputs.

use alloc::format;
use alloc::vec::Vec;

use edgebench_schema::tflite;

use super::Graph;
use crate::error::Fault;

/// A subgraph with names.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Signature<'b> {
    /// The name by which it is called, such as `serving_default`.
    pub key: &'b str,
    /// The subgraph, by index in the file.
    pub subgraph: usize,
    /// Name and place of each input among the inputs of the subgraph.
    pub inputs: Vec<(&'b str, usize)>,
    /// Name and place of each output among the outputs of the subgraph.
    pub outputs: Vec<(&'b str, usize)>,
}

/// Reads and checks every signature of a file.
pub(super) fn read<'b>(file: &tflite::Model<'b>, graphs: &[Graph<'b>]) -> Result<Vec<Signature<'b>>, Fault> {
    let list = file.signature_defs().into_iter().flatten();
    list.map(|table| {
        let key = table.signature_key().unwrap_or_default();
        let place = format!("signature \"{}\"", key.escape_debug());
        let subgraph = usize::try_from(table.subgraph_index()).unwrap_or(usize::MAX);
        let graph = graphs.get(subgraph).ok_or_else(|| {
            let expected = format!("subgraph index below {}", graphs.len());
            Fault::mismatch(place.as_str(), expected, format!("{}", table.subgraph_index()))
        })?;
        let inputs = names(table.inputs().into_iter().flatten(), &graph.inputs, &place)?;
        let outputs = names(table.outputs().into_iter().flatten(), &graph.outputs, &place)?;
        Ok(Signature { key, subgraph, inputs, outputs })
    })
    .collect()
}

fn names<'b>(
    list: impl Iterator<Item = tflite::TensorMap<'b>>,
    door: &[usize],
    place: &str,
) -> Result<Vec<(&'b str, usize)>, Fault> {
    let name = |entry: tflite::TensorMap<'b>| {
        let tensor = usize::try_from(entry.tensor_index()).ok();
        let slot = tensor.and_then(|tensor| door.iter().position(|own| *own == tensor));
        let slot = slot.ok_or_else(|| {
            let found = format!("tensor {}", entry.tensor_index());
            Fault::mismatch(place, "inputs and outputs of its subgraph", found)
        })?;
        Ok((entry.name().unwrap_or_default(), slot))
    };
    list.map(name).collect()
}
