//! From a checked graph to an interpreter: fold, prepare every node, decide which constants stay, plan and take memory.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::choice::Options;
use crate::constants;
use crate::error::Fault;
use crate::fold::Folded;
use crate::interpreter::Memory;
use crate::memory::{Aligned, Constant, Place, Plan, Request, Wiring};
use crate::model::{Model, Node};
use crate::ops::{Action, Prepared, Site};
use crate::program::{Program, ReadyNode};
use crate::registry;
use crate::shaped::{Shaped, Wish};

/// More than any network for an edge device needs, and little enough that 32-bit offsets hold it.
const MAX_ARENA_BYTES: usize = 1 << 30;

/// Prepares a model for inputs of the given shapes, by tensor; others have those of the file.
pub(crate) fn program<'m>(
    model: &'m Model<'m>,
    options: &Options,
    shapes: &[(usize, Vec<usize>)],
) -> Result<(Program<'m>, Memory), Fault> {
    if !options.kernels.is_available() {
        return Err(Fault::unsupported("this CPU", format!("kernels {}", options.kernels)));
    }
    let mut shaped = Shaped::new(&model.graphs()[0]);
    for (tensor, shape) in shapes {
        shaped.set(*tensor, shape)?;
    }
    let mut folded = Folded::new(shaped.graph);
    let prepared = prepare_nodes(&mut shaped, &mut folded, options)?;
    let roots = roots(&shaped, &prepared);
    check_states(&shaped, &prepared, &roots)?;
    let constants = constants::keep(&shaped, &mut folded, &prepared, &roots, options.keep_all)?;
    let layout = Layout::plan(&shaped, &prepared, &roots, &constants, options.keep_all);
    if layout.plan.arena_bytes > MAX_ARENA_BYTES {
        let found = layout.plan.arena_bytes as u64;
        return Err(Fault::limit("arena", "size in bytes", found, MAX_ARENA_BYTES as u64));
    }
    let arena = Aligned::zeroed(layout.plan.arena_bytes).ok_or_else(|| {
        Fault::mismatch("arena", format!("{} bytes of memory", layout.plan.arena_bytes), "less")
    })?;
    let owned = constants.iter().map(Constant::owned_bytes).sum::<usize>();
    let memory = Memory {
        arena_bytes: layout.plan.arena_bytes,
        without_reuse_bytes: layout.without_reuse_bytes,
        packed_bytes: owned + prepared.iter().map(|node| node.packed_bytes).sum::<usize>(),
    };
    let nodes = ready_nodes(&shaped, prepared, &layout);
    let mut program = Program { shaped, nodes, places: layout.places, constants, arena };
    program.reset_variables();
    Ok((program, memory))
}

/// In order, for what a node computes from constants is a constant for those after it.
fn prepare_nodes(
    shaped: &mut Shaped<'_>,
    folded: &mut Folded,
    options: &Options,
) -> Result<Vec<Prepared>, Fault> {
    let graph = shaped.graph;
    let prepare = |(index, node): (usize, &Node<'_>)| {
        let place = node.place(index);
        let ready = prepare_node(shaped, folded, options, index, &place)?;
        folded.node(shaped, node, ready, &place)
    };
    graph.nodes.iter().enumerate().map(prepare).collect()
}

/// Prepares one node. Where an operator computes another shape for an output than the tensor has, the computed one wins,
/// as it does in LiteRT, and the node is prepared again.
fn prepare_node(
    shaped: &mut Shaped<'_>,
    folded: &Folded,
    options: &Options,
    index: usize,
    place: &str,
) -> Result<Prepared, Fault> {
    let node = &shaped.graph.nodes[index];
    let entry = registry::entry_of(node, place)?;
    let mut rounds = node.outputs.len();
    loop {
        let wish = Wish::default();
        let site = Site { graph: shaped, index, folded, kernels: options.kernels, wish: &wish };
        match ((entry.prepare)(&site), wish.into_inner()) {
            (Err(_), Some((tensor, shape))) if rounds > 0 => shaped.set(tensor, &shape)?,
            (ready, _) => return ready,
        }
        rounds -= 1;
    }
}

/// For every tensor the one whose memory it has: itself, or the input that it is a view of.
fn roots(shaped: &Shaped<'_>, prepared: &[Prepared]) -> Vec<usize> {
    let mut roots: Vec<usize> = (0..shaped.graph.tensors.len()).collect();
    for (node, ready) in shaped.graph.nodes.iter().zip(prepared) {
        if let (Action::View, Some(input), Some(output)) =
            (&ready.action, node.input(0), node.outputs.first())
        {
            roots[*output] = roots[input];
        }
    }
    roots
}

/// A variable that a node changes has memory that the node reads by no other way.
fn check_states(shaped: &Shaped<'_>, prepared: &[Prepared], roots: &[usize]) -> Result<(), Fault> {
    for (index, (node, ready)) in shaped.graph.nodes.iter().zip(prepared).enumerate() {
        for slot in ready.states {
            let root = |tensor: &Option<usize>| tensor.map(|tensor| roots[tensor]);
            let own = node.inputs.get(*slot).and_then(root);
            let uses = node.inputs.iter().filter(|tensor| root(tensor) == own).count();
            if own.is_none() || own != node.input(*slot) || uses != 1 {
                let place = format!("{} input {slot}", node.place(index));
                return Err(Fault::mismatch(place, "a variable of its own", "one that another input is"));
            }
        }
    }
    Ok(())
}

/// Where everything is.
struct Layout {
    /// By tensor.
    places: Vec<Place>,
    /// By node; empty for a node that needs none.
    scratch: Vec<Range<usize>>,
    plan: Plan,
    without_reuse_bytes: usize,
}

impl Layout {
    fn plan(
        shaped: &Shaped<'_>,
        prepared: &[Prepared],
        roots: &[usize],
        constants: &[Constant<'_>],
        keep_all: bool,
    ) -> Self {
        let lifetimes = lifetimes(shaped, prepared, roots);
        let (mut requests, mut request_of) = (Vec::new(), vec![None; lifetimes.len()]);
        for (tensor, (first, last)) in
            lifetimes.iter().enumerate().filter_map(|(i, life)| Some((i, (*life)?)))
        {
            request_of[tensor] = Some(requests.len());
            requests.push(Request { bytes: shaped.bytes(tensor), first, last });
        }
        let mut scratch_of = Vec::with_capacity(prepared.len());
        for (node, ready) in prepared.iter().enumerate() {
            let request = Request { bytes: ready.scratch_bytes, first: node + 1, last: node + 1 };
            // Most nodes have none, and a plan takes time by the square of its requests.
            scratch_of.push((request.bytes > 0).then_some(requests.len()));
            requests.extend(scratch_of.last().copied().flatten().map(|_| request));
        }
        let without_reuse = Plan::without_reuse(&requests);
        let without_reuse_bytes = without_reuse.arena_bytes;
        let plan = if keep_all { without_reuse } else { Plan::greedy_by_size(&requests) };
        let part = |request: usize| plan.offsets[request]..plan.offsets[request] + requests[request].bytes;
        let place = |root: usize| match request_of[root] {
            Some(request) => Place::Arena(part(request)),
            None if constants[root].is_kept() => Place::Constant(root),
            None => Place::Nowhere,
        };
        Self {
            places: roots.iter().map(|root| place(*root)).collect(),
            scratch: scratch_of.into_iter().map(|request| request.map_or(0..0, part)).collect(),
            plan,
            without_reuse_bytes,
        }
    }
}

/// First and last time at which each tensor has a value that is needed. Time 0 is before the first node, node `i` runs
/// at `i + 1`. None for constants, for views, and for tensors that nothing touches.
///
/// Inputs keep their memory for the whole run, so that the next run needs no new ones (LiteRT does the same); outputs
/// and variables have to.
fn lifetimes(shaped: &Shaped<'_>, prepared: &[Prepared], roots: &[usize]) -> Vec<Option<(usize, usize)>> {
    let end = prepared.len() + 1;
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; shaped.graph.tensors.len()];
    for input in &shaped.graph.inputs {
        lives[*input] = Some((0, end));
    }
    for (tensor, info) in shaped.graph.tensors.iter().enumerate() {
        if info.is_variable && info.data.is_none() {
            lives[tensor] = Some((0, end));
        }
    }
    for (index, (node, ready)) in shaped.graph.nodes.iter().zip(prepared).enumerate() {
        if let Action::Folded = ready.action {
            continue;
        }
        for input in node.inputs.iter().flatten() {
            extend(&mut lives[roots[*input]], index + 1);
        }
        if let Action::Run(_) = ready.action {
            node.outputs.iter().for_each(|output| lives[*output] = Some((index + 1, index + 1)));
        }
    }
    for output in &shaped.graph.outputs {
        extend(&mut lives[roots[*output]], end);
    }
    lives
}

/// Lets a tensor that has memory live until `time`.
fn extend(life: &mut Option<(usize, usize)>, time: usize) {
    if let Some((_, last)) = life {
        *last = time.max(*last);
    }
}

fn ready_nodes(shaped: &Shaped<'_>, prepared: Vec<Prepared>, layout: &Layout) -> Vec<ReadyNode> {
    let nodes = shaped.graph.nodes.iter().zip(prepared).zip(&layout.scratch);
    nodes
        .map(|((node, ready), scratch)| {
            let wiring = match ready.action {
                Action::Run(_) => {
                    let inputs = node.inputs.iter().enumerate().map(|(slot, tensor)| match tensor {
                        Some(tensor) if !ready.states.contains(&slot) => &layout.places[*tensor],
                        Some(_) | None => &Place::Nowhere,
                    });
                    let part = |tensor: usize| match &layout.places[tensor] {
                        Place::Arena(part) => Some(part.clone()),
                        Place::Nowhere | Place::Constant(_) => None,
                    };
                    let outputs = node.outputs.iter().filter_map(|tensor| part(*tensor));
                    let states = ready.states.iter().filter_map(|slot| part(node.input(*slot)?));
                    Wiring::new(inputs, outputs, states, scratch.clone())
                }
                Action::View | Action::Folded => Wiring::default(),
            };
            ReadyNode { action: ready.action, wiring, kernel: ready.kernel, macs: ready.macs }
        })
        .collect()
}
