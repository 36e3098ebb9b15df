//! From a checked graph to an interpreter: fold, prepare every node, decide which constants stay, plan and take memory.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::choice::Options;
use crate::constants;
use crate::error::{Fault, Problem};
use crate::fold::Folded;
use crate::interpreter::Memory;
use crate::late::Late;
use crate::machine::Machine;
use crate::memory::{Aligned, Constant, Place, Plan, Request, Room, Wiring};
use crate::model::{Model, Node, Spot, place_of_tensor};
use crate::ops::{Action, Prepared, Site};
use crate::program::{Program, ReadyNode};
use crate::registry::{self, Entry};
use crate::shaped::{Shaped, Wish};
use crate::tables;

/// A node that this interpreter does not run, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Lack {
    /// The subgraph, by index in the file.
    pub subgraph: usize,
    /// The node, in execution order.
    pub node: usize,
    /// The operator's name.
    pub operator: String,
    /// The operator's version in the file.
    pub version: i32,
    /// What does not hold or is not there.
    pub fault: Fault,
}

/// Prepares a subgraph for inputs of the given shapes, by tensor; others have those of the file.
pub(crate) fn programs<'m>(
    model: &'m Model<'m>,
    entry: usize,
    options: &Options,
    shapes: &[(usize, Vec<usize>)],
) -> Result<(Program<'m>, Machine<'m>), Fault> {
    if !options.kernels.is_available() {
        return Err(Fault::unsupported("this CPU", format!("kernels {}", options.kernels)));
    }
    let mut late = Vec::new();
    loop {
        let mut machine = Machine::new(model, options);
        machine.variables.set_late(&late);
        match machine.prepare(entry, shapes) {
            Ok(program) => {
                machine.variables.reserve(&mut machine.room)?;
                return Ok((program, machine));
            }
            // A variable turned out to change its shape: all that was prepared with the one that it had first is void.
            Err(fault) => match machine.variables.take_changing().filter(|number| !late.contains(number)) {
                Some(number) => late.push(number),
                None => return Err(fault),
            },
        }
    }
}

impl Model<'_> {
    /// Every node of every subgraph that this interpreter does not run: its operator, version, types or anything else. A
    /// node behind one that is not there is checked with the shapes that the file states.
    pub fn check(&self, options: &Options) -> Vec<Lack> {
        let mut lacks = Vec::new();
        for (subgraph, graph) in self.graphs().iter().enumerate() {
            let (mut shaped, mut folded) = (Shaped::new(graph), Folded::new(graph));
            let mut late = vec![false; graph.tensors.len()];
            let mut room = Room::new(options.memory_limit_bytes);
            for (index, node) in graph.nodes.iter().enumerate() {
                let fault = match node.inputs.iter().flatten().any(|tensor| late[*tensor]) {
                    true => {
                        node.outputs.iter().for_each(|tensor| late[*tensor] = true);
                        lack_of_late(&mut shaped, &folded, options, index)
                    }
                    false => lack(&mut shaped, &mut folded, &mut room, options, index, &mut late),
                };
                if let Some(fault) = fault.map(|fault| fault.within_subgraph(subgraph)) {
                    let (operator, version) = (String::from(node.name), node.version);
                    lacks.push(Lack { subgraph, node: index, operator, version, fault });
                }
            }
        }
        lacks
    }
}

/// Why a node cannot be prepared.
fn lack(
    shaped: &mut Shaped<'_>,
    folded: &mut Folded,
    room: &mut Room,
    options: &Options,
    index: usize,
    late: &mut [bool],
) -> Option<Fault> {
    let node = &shaped.graph.nodes[index];
    let place = node.place(index);
    match prepare_node(shaped, folded, options, index, place) {
        Ok(Readiness::Ready(ready)) => folded.node(shaped, node, ready, place, room).err(),
        Ok(Readiness::Asks { .. }) => {
            node.outputs.iter().for_each(|tensor| late[*tensor] = true);
            None
        }
        Err(fault) => Some(fault),
    }
}

/// What a node lacks whatever shapes its inputs come to have: those of the file do not count.
fn lack_of_late(shaped: &mut Shaped<'_>, folded: &Folded, options: &Options, index: usize) -> Option<Fault> {
    let node = &shaped.graph.nodes[index];
    let place = node.place(index);
    if let Err(fault) = entry_of(shaped, node, place) {
        return Some(fault);
    }
    let fault = prepare_node(shaped, folded, options, index, place).err();
    fault.filter(|fault| matches!(fault.problem, Problem::Unsupported { .. }))
}

impl<'m> Machine<'m> {
    /// Prepares a subgraph after those that it calls. Calls are no deeper than the model allows.
    pub(crate) fn prepare(
        &mut self,
        subgraph: usize,
        shapes: &[(usize, Vec<usize>)],
    ) -> Result<Program<'m>, Fault> {
        let mut shaped = Shaped::new(&self.model.graphs()[subgraph]);
        for (tensor, shape) in shapes {
            shaped.set(*tensor, shape)?;
        }
        let mut folded = Folded::new(shaped.graph);
        let tab = self.room.open_tab();
        let prepared = self.nodes(&mut shaped, &mut folded);
        let program = prepared.and_then(|prepared| self.planned(shaped, folded, prepared));
        let planned_bytes = self.room.close_tab(tab);
        match program {
            Ok(program) => Ok(Program { planned_bytes, ..program }),
            Err(fault) => {
                self.room.give_back(planned_bytes);
                Err(fault.within_subgraph(subgraph))
            }
        }
    }

    /// In order, for what a node computes from constants is a constant for those after it, and what has its shape in the
    /// run only is late for those after it.
    fn nodes(&mut self, shaped: &mut Shaped<'m>, folded: &mut Folded) -> Result<Vec<Prepared>, Fault> {
        let graph = shaped.graph;
        let mut prepared = Vec::with_capacity(graph.nodes.len());
        let mut late = vec![false; graph.tensors.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            let place = node.place(index);
            if let Some(call) = node.call {
                self.check_call(call, graph, node, place)?;
            }
            let ready = match node.inputs.iter().flatten().any(|tensor| late[*tensor]) {
                true => entry_of(shaped, node, place).map(|_| Prepared::late())?,
                false => self.node(shaped, folded, index, place)?,
            };
            if let Action::Late = ready.action {
                node.outputs.iter().for_each(|tensor| late[*tensor] = true);
            }
            prepared.push(ready);
        }
        Ok(prepared)
    }

    /// Prepares a node whose inputs all have their shapes.
    fn node(
        &mut self,
        shaped: &mut Shaped<'m>,
        folded: &mut Folded,
        index: usize,
        place: Spot<'_>,
    ) -> Result<Prepared, Fault> {
        let node = &shaped.graph.nodes[index];
        let ready = match prepare_node(shaped, folded, &self.options, index, place)? {
            Readiness::Ready(ready) => ready,
            Readiness::Asks { .. } => return Ok(Prepared::late()),
        };
        match ready.action {
            Action::Call(call) if !self.link(call, shaped, node, place)? => return Ok(Prepared::late()),
            Action::Access(access) if !self.settle(access, shaped, node, place)? => {
                return Ok(Prepared::late());
            }
            _ => {}
        }
        let ready = folded.node(shaped, node, ready, place, &mut self.room)?;
        self.room.plan(ready.packed_bytes, || place)?;
        Ok(ready)
    }

    /// Decides which constants stay, plans and takes memory.
    fn planned(
        &mut self,
        shaped: Shaped<'m>,
        mut folded: Folded,
        mut prepared: Vec<Prepared>,
    ) -> Result<Program<'m>, Fault> {
        if !self.options.keep_all {
            tables::unite(&shaped, &mut prepared, &self.options);
        }
        let roots = roots(&shaped, &prepared);
        check_states(&shaped, &prepared, &roots)?;
        let (keep_all, room) = (self.options.keep_all, &mut self.room);
        let constants = constants::keep(&shaped, &mut folded, &prepared, &roots, keep_all, room)?;
        let layout = Layout::plan(&shaped, &prepared, &roots, &constants, keep_all, room)?;
        let owned = constants.iter().map(Constant::owned_bytes).sum::<usize>();
        let packed = prepared.iter().map(|node| node.packed_bytes).sum::<usize>();
        let memory = Memory {
            arena_bytes: layout.plan.arena_bytes,
            without_reuse_bytes: layout.without_reuse_bytes,
            packed_bytes: owned + packed,
            late_bytes: 0,
        };
        let arena = Aligned::zeroed(layout.plan.arena_bytes).ok_or_else(|| {
            Fault::mismatch("arena", format!("{} bytes of memory", layout.plan.arena_bytes), "less")
        })?;
        self.planned.add(&memory);
        let nodes = ready_nodes(&shaped, prepared, &layout, keep_all);
        let mut program = Program {
            shaped,
            nodes,
            places: layout.places,
            constants,
            arena,
            folded,
            memory,
            planned_bytes: 0,
        };
        self.place_late(&mut program)?;
        program.reset_variables();
        Ok(program)
    }

    /// Gives late tensors places of their own, and zeros of the shape in the file to those that are outputs.
    fn place_late(&mut self, program: &mut Program<'m>) -> Result<(), Fault> {
        let graph = program.shaped.graph;
        for (ready, node) in program.nodes.iter().zip(&graph.nodes).filter(|(ready, _)| ready.late.is_some())
        {
            debug_assert!(matches!(ready.action, Action::Late));
            for tensor in &node.outputs {
                program.places[*tensor] = Place::Constant(*tensor);
                if graph.outputs.contains(tensor) {
                    let zeros = self.room.take(program.shaped.bytes(*tensor))?;
                    program.constants[*tensor] = Constant::Owned(zeros);
                }
            }
        }
        Ok(())
    }
}

/// What came of preparing a node.
pub(crate) enum Readiness {
    Ready(Prepared),
    /// It asks for the value of a tensor that is not known; the fault says so.
    Asks {
        tensor: usize,
        fault: Fault,
    },
}

/// The entry that prepares a node whose tensors can all be worked with.
fn entry_of(shaped: &Shaped<'_>, node: &Node<'_>, place: Spot<'_>) -> Result<&'static Entry, Fault> {
    let entry = registry::entry_of(node, place)?;
    for tensor in node.inputs.iter().flatten().chain(&node.outputs) {
        let info = shaped.info(*tensor);
        if let Some(lack) = &info.lack {
            return Err(Fault::unsupported(place_of_tensor(*tensor, info.name), lack.as_str()));
        }
    }
    Ok(entry)
}

/// Prepares one node. Where an operator computes another shape for an output than the tensor has, the computed one wins,
/// as it does in LiteRT, and the node is prepared again.
pub(crate) fn prepare_node(
    shaped: &mut Shaped<'_>,
    folded: &Folded,
    options: &Options,
    index: usize,
    place: Spot<'_>,
) -> Result<Readiness, Fault> {
    let node = &shaped.graph.nodes[index];
    let entry = entry_of(shaped, node, place)?;
    let mut rounds = node.outputs.len();
    loop {
        let wish = Wish::default();
        let site = Site {
            graph: shaped,
            index,
            folded,
            kernels: options.kernels,
            threads: options.threads,
            wish: &wish,
        };
        let fault = match (entry.prepare)(&site) {
            Ok(ready) if computes_nothing(shaped, index, &ready) => {
                return Ok(Readiness::Ready(Prepared::empty()));
            }
            Ok(ready) => return Ok(Readiness::Ready(ready.shared(options))),
            Err(fault) => fault,
        };
        match (wish.shape.into_inner(), wish.value.get()) {
            (_, Some(tensor)) => return Ok(Readiness::Asks { tensor, fault }),
            (Some((tensor, shape)), None) if rounds > 0 => shaped.set(tensor, &shape)?,
            _ => return Err(fault),
        }
        rounds -= 1;
    }
}

/// Whether a step has outputs, and none of them has elements. The other dimensions of an empty tensor may be large, and
/// no kernel shall walk over them for nothing.
fn computes_nothing(shaped: &Shaped<'_>, index: usize, ready: &Prepared) -> bool {
    let outputs = &shaped.graph.nodes[index].outputs;
    matches!(ready.action, Action::Run(_))
        && ready.states.is_empty()
        && !outputs.is_empty()
        && outputs.iter().all(|tensor| shaped.bytes(*tensor) == 0)
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
    /// # Errors
    /// When there is no room for the arena.
    fn plan(
        shaped: &Shaped<'_>,
        prepared: &[Prepared],
        roots: &[usize],
        constants: &[Constant<'_>],
        keep_all: bool,
        room: &mut Room,
    ) -> Result<Self, Fault> {
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
        room.plan(plan.arena_bytes, || place_of_arena(shaped, prepared, &request_of, &requests))?;
        let part = |request: usize| plan.offsets[request]..plan.offsets[request] + requests[request].bytes;
        let place = |root: usize| match request_of[root] {
            Some(request) => Place::Arena(part(request)),
            None if constants[root].is_kept() => Place::Constant(root),
            None => Place::Nowhere,
        };
        Ok(Self {
            places: roots.iter().map(|root| place(*root)).collect(),
            scratch: scratch_of.into_iter().map(|request| request.map_or(0..0, part)).collect(),
            plan,
            without_reuse_bytes,
        })
    }
}

/// The arena in messages, with the largest that has a place in it: requests of tensors are first, in the order of the
/// tensors, and those of scratch follow.
fn place_of_arena(
    shaped: &Shaped<'_>,
    prepared: &[Prepared],
    request_of: &[Option<usize>],
    requests: &[Request],
) -> String {
    let tensors = request_of.iter().enumerate().filter(|(_, request)| request.is_some());
    let tensors = tensors.map(|(tensor, _)| place_of_tensor(tensor, shaped.info(tensor).name).into());
    let nodes = prepared.iter().zip(&shaped.graph.nodes).enumerate();
    let nodes = nodes.filter(|(_, (ready, _))| ready.scratch_bytes > 0);
    let scratch = nodes.map(|(index, (_, node))| format!("the scratch of {}", node.place(index)));
    let named = requests.iter().zip(tensors.chain(scratch));
    let largest = named.max_by_key(|(request, _)| request.bytes).map(|(_, name)| name);
    format!("arena, whose largest part is {}", largest.unwrap_or_default())
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
        if ready.action.computes() {
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

fn ready_nodes(
    shaped: &Shaped<'_>,
    prepared: Vec<Prepared>,
    layout: &Layout,
    keep_all: bool,
) -> Vec<ReadyNode> {
    let mut late = late_nodes(shaped, &prepared, keep_all).into_iter();
    let nodes = shaped.graph.nodes.iter().zip(prepared).zip(&layout.scratch);
    nodes
        .map(|((node, ready), scratch)| {
            let wiring = match ready.action {
                Action::Run(_) | Action::Call(_) | Action::Access(_) => {
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
                Action::View | Action::Folded | Action::Late => Wiring::default(),
            };
            let late = late.next().flatten();
            ReadyNode {
                action: ready.action,
                wiring,
                kernel: ready.kernel,
                macs: ready.macs,
                shares: ready.shares,
                late,
            }
        })
        .collect()
}

/// For each node that is prepared in the run, what it frees.
fn late_nodes(shaped: &Shaped<'_>, prepared: &[Prepared], keep_all: bool) -> Vec<Option<Box<Late>>> {
    let is_late = |ready: &Prepared| matches!(ready.action, Action::Late);
    let mut list: Vec<Option<Box<Late>>> =
        prepared.iter().map(|ready| is_late(ready).then(Box::default)).collect();
    if keep_all {
        return list;
    }
    // The last node that touches each tensor, where one that is late computes it.
    let mut last = BTreeMap::new();
    for (index, (node, ready)) in shaped.graph.nodes.iter().zip(prepared).enumerate() {
        let outputs = node.outputs.iter().filter(|_| is_late(ready));
        outputs.for_each(|output| _ = last.insert(*output, index));
        let inputs = node.inputs.iter().flatten();
        inputs.for_each(|input| _ = last.get_mut(input).map(|last| *last = index));
    }
    for (tensor, index) in last.into_iter().filter(|(tensor, _)| !shaped.graph.outputs.contains(tensor)) {
        if let Some(late) = &mut list[index] {
            late.frees.push(tensor);
        }
    }
    list
}
