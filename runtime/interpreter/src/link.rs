//! Whether calls of subgraphs and variables fit what they are given: numbers and types of values, which the file says; and
//! which shapes go in and come back, as far as they are known before the first run.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Fault;
use crate::machine::Machine;
use crate::model::{Access, Call, Graph, Node, Spot};
use crate::shaped::Shaped;
use crate::tensor::DType;

impl<'m> Machine<'m> {
    /// Checks numbers and types of what goes into the subgraphs of a node and comes back.
    pub(crate) fn check_call(
        &self,
        call: Call,
        graph: &Graph<'_>,
        node: &Node<'_>,
        place: Spot<'_>,
    ) -> Result<(), Fault> {
        let inputs = |subgraph: usize, inputs: &[Option<usize>]| {
            check_inputs(graph, inputs, &self.model.graphs()[subgraph], subgraph, place)
        };
        let outputs = |subgraph: usize, tensors: &[usize]| {
            check_outputs(graph, tensors, &self.model.graphs()[subgraph], place)
        };
        match call {
            Call::If { then, otherwise } => {
                for branch in [then, otherwise] {
                    inputs(branch, node.inputs.get(1..).unwrap_or_default())?;
                    outputs(branch, &node.outputs)?;
                }
                Ok(())
            }
            Call::Once { body } => inputs(body, &[]),
            Call::Always { body } => inputs(body, &node.inputs).and_then(|()| outputs(body, &node.outputs)),
            Call::While { condition, body } => {
                inputs(condition, &node.inputs)?;
                inputs(body, &node.inputs)?;
                outputs(body, &node.outputs)?;
                let carried: Vec<usize> = node.inputs.iter().flatten().copied().collect();
                outputs(body, &carried)?;
                let decides = &self.model.graphs()[condition];
                match decides.outputs.as_slice() {
                    [output] if decides.tensors[*output].dtype == DType::Bool => Ok(()),
                    _ => Err(no_condition(place)),
                }
            }
        }
    }

    /// Prepares what a node calls, and gives the node's outputs the shapes that come of it. Says whether they are known.
    pub(crate) fn link(
        &mut self,
        call: Call,
        shaped: &mut Shaped<'m>,
        node: &Node<'_>,
        place: Spot<'_>,
    ) -> Result<bool, Fault> {
        let given = |inputs: &[Option<usize>], shaped: &Shaped<'m>| -> Vec<Vec<usize>> {
            inputs.iter().flatten().map(|tensor| shaped.shape(*tensor).to_vec()).collect()
        };
        let shapes = match call {
            Call::If { then, otherwise } => {
                let inputs = given(&node.inputs[1..], shaped);
                let known = self.outputs_for(then, &inputs)?;
                let others = self.outputs_for(otherwise, &inputs)?;
                known.filter(|known| Some(known) == others.as_ref())
            }
            Call::Once { body } => {
                self.outputs_for(body, &[])?;
                return Ok(true);
            }
            Call::Always { body } => self.outputs_for(body, &given(&node.inputs, shaped))?,
            Call::While { condition, body } => {
                let inputs = given(&node.inputs, shaped);
                let decides = self.outputs_for(condition, &inputs)?;
                if decides.is_some_and(|shapes| shapes.iter().any(|dims| dims.iter().product::<usize>() != 1))
                {
                    return Err(no_condition(place));
                }
                self.outputs_for(body, &inputs)?.filter(|shapes| *shapes == inputs)
            }
        };
        for (output, shape) in node.outputs.iter().zip(shapes.iter().flatten()) {
            shaped.set(*output, shape)?;
        }
        Ok(shapes.is_some())
    }

    /// The shapes of the outputs of a subgraph that gets inputs of these shapes; none when only a run knows them. There is
    /// one program a subgraph: a second caller with other shapes prepares it again in the run.
    fn outputs_for(
        &mut self,
        subgraph: usize,
        inputs: &[Vec<usize>],
    ) -> Result<Option<Vec<Vec<usize>>>, Fault> {
        if self.program_of(subgraph).is_none() {
            let tensors = self.model.graphs()[subgraph].inputs.iter().copied();
            let shapes: Vec<(usize, Vec<usize>)> = tensors.zip(inputs.iter().cloned()).collect();
            let program = self.prepare(subgraph, &shapes)?;
            self.put(subgraph, Box::new(program));
        }
        let inputs: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        let program = self.program_of(subgraph).filter(|program| program.has_inputs(&inputs));
        Ok(program.and_then(|program| program.output_shapes()))
    }

    /// The first node that touches a variable says its type and shape. Says whether the shape is known before the run: it is
    /// not where another node assigns another one, which that node's fault makes known.
    pub(crate) fn settle(
        &mut self,
        access: Access,
        shaped: &mut Shaped<'m>,
        node: &Node<'_>,
        place: Spot<'_>,
    ) -> Result<bool, Fault> {
        let (number, tensor) = match access {
            Access::Read(number) => (number, node.outputs.first().copied()),
            Access::Assign(number) => (number, node.input(1)),
        };
        let tensor = tensor.ok_or_else(|| Fault::missing(place, "tensor"))?;
        let found = shaped.info(tensor).dtype;
        if self.variables.is_late(number) {
            return Ok(false);
        }
        let (dtype, shape) = self.variables.settle(number, found, shaped.shape(tensor))?;
        check_dtype(|| String::from(place), dtype, found)?;
        if let Access::Read(_) = access {
            shaped.set(tensor, shape)?;
        }
        if shaped.shape(tensor) == shape {
            return Ok(true);
        }
        let (expected, found) = (format!("shape {shape:?}"), format!("shape {:?}", shaped.shape(tensor)));
        self.variables.note_changing(number);
        Err(Fault::mismatch(place, expected, found))
    }
}

fn no_condition(place: Spot<'_>) -> Fault {
    Fault::mismatch(place, "a condition with one bool as output", "another")
}

fn check_inputs(
    caller: &Graph<'_>,
    inputs: &[Option<usize>],
    callee: &Graph<'_>,
    subgraph: usize,
    place: Spot<'_>,
) -> Result<(), Fault> {
    if callee.inputs.len() != inputs.len() {
        let expected = format!("{} inputs for subgraph {subgraph}", callee.inputs.len());
        return Err(Fault::mismatch(place, expected, format!("{}", inputs.len())));
    }
    for (slot, (own, input)) in callee.inputs.iter().zip(inputs).enumerate() {
        let place = || format!("{place} input {slot} of subgraph {subgraph}");
        let input = input.ok_or_else(|| Fault::missing(place(), "tensor"))?;
        check_dtype(place, callee.tensors[*own].dtype, caller.tensors[input].dtype)?;
    }
    Ok(())
}

fn check_outputs(
    caller: &Graph<'_>,
    tensors: &[usize],
    callee: &Graph<'_>,
    place: Spot<'_>,
) -> Result<(), Fault> {
    if callee.outputs.len() != tensors.len() {
        let expected = format!("{} outputs of each subgraph", tensors.len());
        return Err(Fault::mismatch(place, expected, format!("{}", callee.outputs.len())));
    }
    for (slot, (own, tensor)) in callee.outputs.iter().zip(tensors).enumerate() {
        let place = || format!("{place} output {slot} of a subgraph");
        check_dtype(place, caller.tensors[*tensor].dtype, callee.tensors[*own].dtype)?;
    }
    Ok(())
}

fn check_dtype(place: impl Fn() -> String, expected: DType, found: DType) -> Result<(), Fault> {
    if expected == found {
        return Ok(());
    }
    Err(Fault::mismatch(place(), expected.name(), found.name()))
}
