//! Subgraphs that nodes run: how values go in and come back. Depth is bounded when the model is loaded, and a program
//! only calls programs before it; how often one inference calls is bounded here.

use alloc::vec::Vec;

use crate::error::Fault;
use crate::memory::Frame;
use crate::model::Call;
use crate::program::Program;
use crate::variables::Variables;

/// Runs the last of `programs`; the others are those that it may call.
pub(crate) fn run(programs: &mut [Program<'_>], variables: &mut Variables) -> Result<(), Fault> {
    let Some((program, callees)) = programs.split_last_mut() else { return Ok(()) };
    variables.count_call()?;
    (0..program.nodes.len()).try_for_each(|index| program.run_node(index, callees, variables))
}

/// Runs a node that calls, whose indices are those of `programs`.
pub(crate) fn call(
    call: Call,
    frame: Frame<'_>,
    programs: &mut [Program<'_>],
    variables: &mut Variables,
) -> Result<(), Fault> {
    match call {
        Call::If { then, otherwise } => {
            let holds = frame.inputs.bytes(0).first().is_some_and(|byte| *byte != 0);
            let taken = if holds { then } else { otherwise };
            pass(programs, taken, |slot| frame.inputs.bytes(slot + 1));
            run(&mut programs[..=taken], variables)?;
            frame.outputs.all().enumerate().for_each(|(slot, output)| fetch(programs, taken, slot, output));
            Ok(())
        }
        Call::Once { body } if variables.is_first_call(body) => run(&mut programs[..=body], variables),
        Call::Once { .. } => Ok(()),
        Call::While { condition, body } => {
            let mut values: Vec<&mut [u8]> = frame.outputs.all().collect();
            for (slot, value) in values.iter_mut().enumerate() {
                value.copy_from_slice(frame.inputs.bytes(slot));
            }
            loop {
                pass(programs, condition, |slot| &*values[slot]);
                run(&mut programs[..=condition], variables)?;
                if programs[condition].output(0).is_none_or(|holds| holds.first() == Some(&0)) {
                    return Ok(());
                }
                pass(programs, body, |slot| &*values[slot]);
                run(&mut programs[..=body], variables)?;
                values.iter_mut().enumerate().for_each(|(slot, value)| fetch(programs, body, slot, value));
            }
        }
    }
}

/// Copies values to the inputs of a program. Preparation has made both of one length.
fn pass<'v>(programs: &mut [Program<'_>], callee: usize, value: impl Fn(usize) -> &'v [u8]) {
    let program = &mut programs[callee];
    for slot in 0..program.shaped.graph.inputs.len() {
        let tensor = program.shaped.graph.inputs[slot];
        if let Some(input) = program.bytes_mut(tensor) {
            input.copy_from_slice(value(slot));
        }
    }
}

/// Copies an output of a program.
fn fetch(programs: &[Program<'_>], callee: usize, slot: usize, value: &mut [u8]) {
    if let Some(output) = programs[callee].output(slot) {
        value.copy_from_slice(output);
    }
}
