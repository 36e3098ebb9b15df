//! Subgraphs that nodes run: how values go in and come back. Depth is bounded when the model is loaded, and no subgraph
//! comes to call itself; how often one inference calls is bounded by the count of its calls.

use alloc::format;
use alloc::vec::Vec;

use crate::error::Fault;
use crate::machine::Machine;
use crate::memory::{Aligned, Frame};
use crate::model::Call;

/// Shape and bytes of a value on its way into a subgraph.
pub(crate) type Passed<'v> = (&'v [usize], &'v [u8]);

/// A value on its way out of a subgraph, when its shape is known only then.
pub(crate) struct Fetched {
    pub(crate) shape: Vec<usize>,
    pub(crate) memory: Aligned,
}

/// Runs a node that calls and whose outputs have the shapes that were planned. `shapes` are those of its inputs.
pub(crate) fn call(
    call: Call,
    frame: Frame<'_>,
    shapes: &[&[usize]],
    machine: &mut Machine<'_>,
) -> Result<(), Fault> {
    let passed = |slot: usize| (shapes[slot], frame.inputs.bytes(slot));
    match call {
        Call::If { .. } | Call::Always { .. } => {
            let (taken, inputs) = taken(call, passed(0).1);
            let inputs: Vec<Passed<'_>> = (inputs..shapes.len()).map(passed).collect();
            run(machine, taken, &inputs)?;
            frame.outputs.all().enumerate().try_for_each(|(slot, output)| fetch(machine, taken, slot, output))
        }
        Call::Once { body } => once(machine, body),
        Call::While { condition, body } => {
            let mut values: Vec<&mut [u8]> = frame.outputs.all().collect();
            for (slot, value) in values.iter_mut().enumerate() {
                value.copy_from_slice(frame.inputs.bytes(slot));
            }
            loop {
                let inputs: Vec<Passed<'_>> =
                    values.iter().zip(shapes).map(|(value, shape)| (*shape, &**value)).collect();
                if !holds(machine, condition, &inputs)? {
                    return Ok(());
                }
                run(machine, body, &inputs)?;
                let mut slots = values.iter_mut().enumerate();
                slots.try_for_each(|(slot, value)| fetch(machine, body, slot, value))?;
            }
        }
    }
}

/// Runs a node that calls and gives its outputs, whatever their shapes.
pub(crate) fn call_late(
    call: Call,
    inputs: &[Passed<'_>],
    machine: &mut Machine<'_>,
) -> Result<Vec<Fetched>, Fault> {
    match call {
        Call::If { .. } | Call::Always { .. } => {
            let decides = inputs.first().map_or(&[][..], |(_, bytes)| bytes);
            let (taken, first) = taken(call, decides);
            run(machine, taken, inputs.get(first..).unwrap_or_default())?;
            fetch_late(machine, taken)
        }
        Call::Once { body } => once(machine, body).map(|()| Vec::new()),
        Call::While { condition, body } => {
            let copy = |(shape, bytes): &Passed<'_>, machine: &mut Machine<'_>| {
                Ok(Fetched { shape: shape.to_vec(), memory: machine.room.copy(bytes)? })
            };
            let mut values =
                inputs.iter().map(|input| copy(input, machine)).collect::<Result<Vec<_>, Fault>>()?;
            loop {
                let inputs: Vec<Passed<'_>> =
                    values.iter().map(|value| (value.shape.as_slice(), value.memory.bytes())).collect();
                if !holds(machine, condition, &inputs)? {
                    return Ok(values);
                }
                run(machine, body, &inputs)?;
                let next = fetch_late(machine, body)?;
                values.iter().for_each(|value| machine.room.give(value.memory.bytes().len()));
                values = next;
            }
        }
    }
}

/// The subgraph that is run, and how many inputs of the node it does not get.
fn taken(call: Call, decides: &[u8]) -> (usize, usize) {
    match call {
        Call::If { then, otherwise } => {
            (if decides.first().is_some_and(|byte| *byte != 0) { then } else { otherwise }, 1)
        }
        Call::Always { body } | Call::Once { body } | Call::While { body, .. } => (body, 0),
    }
}

fn once(machine: &mut Machine<'_>, body: usize) -> Result<(), Fault> {
    match machine.variables.is_first_call(body) {
        true => run(machine, body, &[]),
        false => Ok(()),
    }
}

fn holds(machine: &mut Machine<'_>, condition: usize, inputs: &[Passed<'_>]) -> Result<bool, Fault> {
    run(machine, condition, inputs)?;
    match machine.program_of(condition).and_then(|program| program.output(0)) {
        Some([holds]) => Ok(*holds != 0),
        found => {
            let found = format!("{} bytes", found.map_or(0, <[u8]>::len));
            Err(Fault::mismatch(format!("subgraph {condition} output 0"), "one bool", found))
        }
    }
}

/// Runs a subgraph on these values.
fn run(machine: &mut Machine<'_>, subgraph: usize, inputs: &[Passed<'_>]) -> Result<(), Fault> {
    machine.variables.count_call()?;
    let shapes: Vec<&[usize]> = inputs.iter().map(|(shape, _)| *shape).collect();
    machine.make_ready(subgraph, &shapes)?;
    let Some(mut program) = machine.take(subgraph) else { return Ok(()) };
    for (slot, (_, value)) in inputs.iter().enumerate() {
        let tensor = program.shaped.graph.inputs[slot];
        if let Some(input) = program.bytes_mut(tensor) {
            input.copy_from_slice(value);
        }
    }
    let result = (0..program.nodes.len()).try_for_each(|index| program.run_node(index, machine));
    machine.put(subgraph, program);
    result
}

/// Copies an output of a program to where it was planned to go.
fn fetch(machine: &Machine<'_>, subgraph: usize, slot: usize, value: &mut [u8]) -> Result<(), Fault> {
    let output = machine.program_of(subgraph).and_then(|program| program.output(slot)).unwrap_or_default();
    if output.len() != value.len() {
        let place = format!("subgraph {subgraph} output {slot}");
        return Err(Fault::mismatch(place, format!("{} bytes", value.len()), format!("{}", output.len())));
    }
    value.copy_from_slice(output);
    Ok(())
}

/// Copies of all outputs of a program.
fn fetch_late(machine: &mut Machine<'_>, subgraph: usize) -> Result<Vec<Fetched>, Fault> {
    let Some(program) = machine.take(subgraph) else { return Ok(Vec::new()) };
    let fetched = program.shaped.graph.outputs.iter().map(|tensor| {
        let memory = machine.room.copy(program.bytes(*tensor).unwrap_or_default())?;
        Ok(Fetched { shape: program.shaped.shape(*tensor).to_vec(), memory })
    });
    let fetched = fetched.collect();
    machine.put(subgraph, program);
    fetched
}
