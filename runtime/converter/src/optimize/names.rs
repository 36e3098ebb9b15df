//! Shorter tensor names. The TensorFlow converter names a fused tensor by all that went into it, joined by `;`, which
//! makes names the largest part of a small quantized file after its weights.

use std::collections::HashSet;

use crate::graph::Graph;

/// What joins the names of fused tensors.
const JOINT: char = ';';

/// Keeps the first of each tensor's joined names; a second tensor of that name gets its index behind it. Inputs and
/// outputs of the network keep what users know them by.
pub(crate) fn short_names(graph: &mut Graph) {
    let door: HashSet<usize> = graph.inputs.iter().chain(&graph.outputs).copied().collect();
    let mut taken: HashSet<String> = door.iter().map(|tensor| graph.tensors[*tensor].name.clone()).collect();
    // Activations first: theirs are the names that people look for.
    let (constants, activations): (Vec<usize>, Vec<usize>) = (0..graph.tensors.len())
        .filter(|tensor| !door.contains(tensor))
        .partition(|t| graph.tensors[*t].data.is_some());
    for tensor in activations.into_iter().chain(constants) {
        let name = &mut graph.tensors[tensor].name;
        let Some((first, _)) = name.split_once(JOINT) else {
            taken.insert(name.clone());
            continue;
        };
        let short = if taken.contains(first) { format!("{first}:{tensor}") } else { first.to_owned() };
        taken.insert(short.clone());
        *name = short;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Tensor;
    use edgebench_schema::tflite::TensorType;

    fn tensor(name: &str, constant: bool) -> Tensor {
        Tensor {
            name: name.into(),
            dtype: TensorType::FLOAT32,
            shape: vec![1],
            shape_signature: None,
            has_rank: false,
            is_variable: false,
            quantization: None,
            data: constant.then(|| vec![0; 4]),
        }
    }

    #[test]
    fn activations_keep_the_plain_name_and_the_door_its_own() {
        let tensors = vec![
            tensor("in;x", false),
            tensor("a/Relu;b", true),
            tensor("a/Relu;c", false),
            tensor("w", true),
        ];
        let mut graph = Graph {
            description: None,
            name: None,
            tensors,
            operators: Vec::new(),
            inputs: vec![0],
            outputs: Vec::new(),
            signatures: Vec::new(),
            dropped_metadata: Vec::new(),
        };
        short_names(&mut graph);
        let names: Vec<&str> = graph.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["in;x", "a/Relu:1", "a/Relu", "w"]);
    }
}
