//! Nodes that are prepared in the run, because the shapes of their outputs depend on values that only a run has: on an
//! operand that is no constant, on how often a condition holds, or on the output of another such node. A node is
//! prepared when its turn comes, with the values that it asked for as if they were constants, and again only when those or
//! the shapes of its inputs have changed. Its outputs have memory of their own, outside the plan, for as long as later
//! nodes read them. Operators do not know any of this: they ask for a constant, and get it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::calls::{self, Fetched, Passed};
use crate::constants;
use crate::error::Fault;
use crate::machine::Machine;
use crate::memory::{Aligned, Constant, Frame, Outputs, Place, Wiring};
use crate::model::{Access, Node, Spot, place_of_tensor};
use crate::ops::{Action, Prepared};
use crate::prepare::{Readiness, prepare_node};
use crate::program::Program;

/// What the preparation of a node in the run was made for.
#[derive(Default)]
pub(crate) struct Late {
    known: Option<Known>,
    scratch_bytes: usize,
    /// Packed weights, and the values that it was made for.
    kept_bytes: usize,
    /// Late tensors that nothing reads after this node.
    pub(crate) frees: Vec<usize>,
}

struct Known {
    /// By input slot.
    shapes: Vec<Vec<usize>>,
    /// Tensors and the values that they had.
    values: Vec<(usize, Aligned)>,
}

/// Values that a preparation asked for are kept up to this size to see whether they change; with larger ones the node is
/// prepared anew in each run.
const MAX_KNOWN_BYTES: usize = 1 << 12;

/// A value that a kernel packs may take so many times its bytes: one channel fills a vector of sixteen. There must be room
/// for that before it is packed, for a small file may compute a large value.
const MAX_PACKING: usize = 16;

/// Prepares a node, where needed, and computes its outputs.
pub(crate) fn run<'m>(
    program: &mut Program<'m>,
    index: usize,
    machine: &mut Machine<'m>,
) -> Result<(), Fault> {
    if !is_known(program, index) {
        renew(program, index, machine)?;
    }
    let outputs = compute(program, index, machine)?;
    let node = &program.shaped.graph.nodes[index];
    for (tensor, output) in node.outputs.iter().zip(outputs) {
        program.shaped.set(*tensor, &output.shape)?;
        drop_value(program, *tensor, machine);
        program.constants[*tensor] = Constant::Owned(output.memory);
    }
    let frees = program.nodes[index].late.as_mut().map(|late| core::mem::take(&mut late.frees));
    for tensor in frees.iter().flatten() {
        drop_value(program, *tensor, machine);
    }
    if let (Some(late), Some(frees)) = (&mut program.nodes[index].late, frees) {
        late.frees = frees;
    }
    Ok(())
}

fn drop_value(program: &mut Program<'_>, tensor: usize, machine: &mut Machine<'_>) {
    machine.room.give(program.constants[tensor].owned_bytes());
    program.constants[tensor] = Constant::None;
}

/// Whether the node is prepared for the shapes and values that its inputs have now.
fn is_known(program: &Program<'_>, index: usize) -> bool {
    let known = program.nodes[index].late.as_ref().and_then(|late| late.known.as_ref());
    let Some(Known { shapes, values }) = known else { return false };
    let inputs = program.shaped.graph.nodes[index].inputs.iter();
    let mut shapes = inputs.zip(shapes);
    let has = |tensor: &Option<usize>, shape: &Vec<usize>| {
        tensor.is_none_or(|tensor| program.shaped.shape(tensor) == shape.as_slice())
    };
    shapes.all(|(tensor, shape)| has(tensor, shape))
        && values.iter().all(|(tensor, value)| program.bytes(*tensor) == Some(value.bytes()))
}

/// Prepares a node for what its inputs are now.
fn renew<'m>(program: &mut Program<'m>, index: usize, machine: &mut Machine<'m>) -> Result<(), Fault> {
    machine.variables.count_preparation()?;
    let node = &program.shaped.graph.nodes[index];
    let place = node.place(index);
    let mut asked = Vec::new();
    let ready = prepare_with_values(program, index, machine, place, &mut asked);
    let taken = asked.iter().filter_map(|tensor| Some((*tensor, program.folded.take(*tensor)?)));
    let values: Vec<(usize, Aligned)> = taken.collect();
    let lent_bytes = values.iter().map(|(_, value)| value.bytes().len()).sum();
    machine.room.give(lent_bytes);
    let ready = ready?;
    let is_small = lent_bytes <= MAX_KNOWN_BYTES;
    let kept_bytes = ready.packed_bytes.saturating_add(if is_small { lent_bytes } else { 0 });
    charge(program, index, kept_bytes, machine)?;
    keep_constants(program, node, &ready, machine)?;
    let wiring = wire(program, node, &ready, place)?;
    let shapes = node.inputs.iter().map(|tensor| match tensor {
        Some(tensor) => program.shaped.shape(*tensor).to_vec(),
        None => Vec::new(),
    });
    let known = is_small.then(|| Known { shapes: shapes.collect(), values });
    let own = &mut program.nodes[index];
    (own.action, own.wiring, own.kernel, own.macs) = (ready.action, wiring, ready.kernel, ready.macs);
    if let Some(late) = &mut own.late {
        (late.known, late.scratch_bytes) = (known, ready.scratch_bytes);
    }
    Ok(())
}

/// Prepares a node, and lends it each value that it asks for.
fn prepare_with_values<'m>(
    program: &mut Program<'m>,
    index: usize,
    machine: &mut Machine<'m>,
    place: Spot<'_>,
    asked: &mut Vec<usize>,
) -> Result<Prepared, Fault> {
    loop {
        let Program { shaped, folded, .. } = program;
        match prepare_node(shaped, folded, &machine.options, index, place)? {
            Readiness::Ready(ready) => return Ok(ready),
            Readiness::Asks { tensor, fault } => {
                let value = program.bytes(tensor).filter(|_| !asked.contains(&tensor));
                let value = value.ok_or(fault)?;
                let most = value.len().saturating_mul(MAX_PACKING);
                machine.room.check(most, || format!("{place} with a computed tensor {tensor}"))?;
                let copy = machine.room.copy(value)?;
                program.folded.lend(tensor, copy);
                asked.push(tensor);
            }
        }
    }
}

/// Counts what the node keeps in place of what it kept before.
fn charge(
    program: &mut Program<'_>,
    index: usize,
    kept_bytes: usize,
    machine: &mut Machine<'_>,
) -> Result<(), Fault> {
    let node = &program.shaped.graph.nodes[index];
    let Some(late) = &mut program.nodes[index].late else { return Ok(()) };
    let before = core::mem::take(&mut late.kept_bytes);
    machine.room.give_back(before);
    program.planned_bytes = program.planned_bytes.saturating_sub(before);
    machine.room.plan(kept_bytes, || node.place(index))?;
    program.planned_bytes += kept_bytes;
    late.kept_bytes = kept_bytes;
    Ok(())
}

/// Constants that the step reads and nothing has read before.
fn keep_constants(
    program: &mut Program<'_>,
    node: &Node<'_>,
    ready: &Prepared,
    machine: &mut Machine<'_>,
) -> Result<(), Fault> {
    for tensor in node.inputs.iter().enumerate().filter(|(slot, _)| ready.reads(*slot)) {
        let Some(tensor) = *tensor.1 else { continue };
        if program.places[tensor] == Place::Nowhere {
            let bytes = constants::copied_bytes(&program.shaped, &program.folded, tensor);
            let name = program.shaped.info(tensor).name;
            machine.room.plan(bytes, || place_of_tensor(tensor, name))?;
            program.planned_bytes += bytes;
            program.constants[tensor] = constants::kept(&program.shaped, &program.folded, tensor)?;
            program.places[tensor] = Place::Constant(tensor);
        }
    }
    Ok(())
}

/// What the step reads, and the variables that it changes.
fn wire(program: &Program<'_>, node: &Node<'_>, ready: &Prepared, place: Spot<'_>) -> Result<Wiring, Fault> {
    let place_of = |tensor: &Option<usize>| tensor.map_or(&Place::Nowhere, |tensor| &program.places[tensor]);
    let mut states = Vec::with_capacity(ready.states.len());
    for slot in ready.states {
        let own = node.inputs.get(*slot).map(place_of);
        let Some(Place::Arena(part)) = own else {
            return Err(Fault::missing(format!("{place} input {slot}"), "variable"));
        };
        if node.inputs.iter().filter(|tensor| Some(place_of(tensor)) == own).count() != 1 {
            let place = format!("{place} input {slot}");
            return Err(Fault::mismatch(place, "a variable of its own", "one that another input is"));
        }
        states.push(part.clone());
    }
    let inputs = node.inputs.iter().enumerate().map(|(slot, tensor)| match ready.states.contains(&slot) {
        true => &Place::Nowhere,
        false => place_of(tensor),
    });
    Ok(Wiring::new(inputs, core::iter::empty(), states.into_iter(), 0..0))
}

/// The outputs of a prepared node.
fn compute<'m>(
    program: &mut Program<'m>,
    index: usize,
    machine: &mut Machine<'m>,
) -> Result<Vec<Fetched>, Fault> {
    let node = &program.shaped.graph.nodes[index];
    match &program.nodes[index].action {
        Action::Run(_) => step_outputs(program, index, machine),
        Action::View => {
            let bytes = node.input(0).and_then(|tensor| program.bytes(tensor)).unwrap_or_default();
            let memory = machine.room.copy(bytes)?;
            let shape = node.outputs.first().map(|output| program.shaped.shape(*output).to_vec());
            Ok(Vec::from([Fetched { shape: shape.unwrap_or_default(), memory }]))
        }
        Action::Call(call) => {
            let value =
                |tensor: &usize| (program.shaped.shape(*tensor), program.bytes(*tensor).unwrap_or_default());
            let inputs: Vec<Passed<'_>> = node.inputs.iter().flatten().map(value).collect();
            calls::call_late(*call, &inputs, machine)
        }
        Action::Access(access) => touch(*access, program, node, machine),
        Action::Folded | Action::Late => Err(Fault::unsupported(node.place(index), "values of a run")),
    }
}

fn step_outputs<'m>(
    program: &mut Program<'m>,
    index: usize,
    machine: &mut Machine<'m>,
) -> Result<Vec<Fetched>, Fault> {
    let node = &program.shaped.graph.nodes[index];
    let fetched = |tensor: &usize| {
        let memory = machine.room.take(program.shaped.bytes(*tensor))?;
        Ok(Fetched { shape: program.shaped.shape(*tensor).to_vec(), memory })
    };
    let mut outputs: Vec<Fetched> = node.outputs.iter().map(fetched).collect::<Result<_, Fault>>()?;
    let own = &program.nodes[index];
    let scratch_bytes = own.late.as_ref().map_or(0, |late| late.scratch_bytes);
    let mut scratch = machine.room.take(scratch_bytes)?;
    let Action::Run(step) = &own.action else { return Ok(outputs) };
    let frame = own.wiring.frame(program.arena.bytes_mut(), &program.constants);
    let pieces = outputs.iter_mut().map(|output| output.memory.bytes_mut());
    let result = step.run(Frame { outputs: Outputs::own(pieces), scratch: scratch.bytes_mut(), ..frame });
    machine.room.give(scratch_bytes);
    result.map(|()| outputs)
}

/// A variable that is named by a value of the run.
fn touch<'m>(
    access: Access,
    program: &Program<'m>,
    node: &Node<'_>,
    machine: &mut Machine<'m>,
) -> Result<Vec<Fetched>, Fault> {
    match access {
        Access::Read(number) => {
            let (dtype, shape, value) = machine.variables.read(number)?;
            let expected = node.outputs.first().map(|output| program.shaped.info(*output).dtype);
            if let Some(expected) = expected.filter(|expected| *expected != dtype) {
                let place = String::from(node.name);
                return Err(Fault::mismatch(place, expected.name(), dtype.name()));
            }
            Ok(Vec::from([Fetched { shape: shape.to_vec(), memory: machine.room.copy(value)? }]))
        }
        Access::Assign(number) => {
            let Some(tensor) = node.input(1) else { return Ok(Vec::new()) };
            let form = (program.shaped.info(tensor).dtype, program.shaped.shape(tensor));
            let value = program.bytes(tensor).unwrap_or_default();
            machine.variables.assign(number, form, value, &mut machine.room)?;
            Ok(Vec::new())
        }
    }
}
