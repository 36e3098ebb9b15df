//! From a checked graph to an interpreter: fold, prepare every node, decide which constants stay, plan and take memory.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::choice::Options;
use crate::constants;
use crate::error::Fault;
use crate::fold::Folded;
use crate::interpreter::Memory;
use crate::memory::{Aligned, Constant, Place, Plan, Request, Wiring};
use crate::model::{Access, Call, Model, Node};
use crate::ops::{Action, Prepared, Site};
use crate::program::{Program, ReadyNode};
use crate::registry;
use crate::shaped::{Shaped, Wish};
use crate::tensor::DType;
use crate::variables::Variables;

/// More than any network for an edge device needs, and little enough that 32-bit offsets hold it.
const MAX_ARENA_BYTES: usize = 1 << 30;

/// A subgraph with those that it calls.
pub(crate) struct Programs<'m> {
    pub(crate) program: Program<'m>,
    /// Each calls only those before it.
    pub(crate) callees: Vec<Program<'m>>,
    pub(crate) variables: Variables,
    pub(crate) memory: Memory,
}

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
) -> Result<Programs<'m>, Fault> {
    if !options.kernels.is_available() {
        return Err(Fault::unsupported("this CPU", format!("kernels {}", options.kernels)));
    }
    let mut preparation = Preparation {
        model,
        options,
        callees: Vec::new(),
        callee_of: vec![None; model.graphs().len()],
        variables: Vec::new(),
        memory: Memory::default(),
    };
    let program = preparation.program(entry, shapes)?;
    let Preparation { callees, variables, mut memory, .. } = preparation;
    let size = |form: &Option<(DType, Vec<usize>)>| match form {
        Some((dtype, shape)) => dtype.bytes_of(shape.iter().product()),
        None => 0,
    };
    let total = variables.iter().map(size).fold(memory.arena_bytes, usize::saturating_add);
    if total > MAX_ARENA_BYTES {
        return Err(Fault::limit("variables", "size in bytes", total as u64, MAX_ARENA_BYTES as u64));
    }
    memory.arena_bytes = total;
    let variables = Variables::new(variables.iter().map(size), callees.len())?;
    Ok(Programs { program, callees, variables, memory })
}

impl Model<'_> {
    /// Every node of every subgraph that this interpreter does not run: its operator, version, types or anything else. A
    /// node behind one that is not there is checked with the shapes that the file states.
    pub fn check(&self, options: &Options) -> Vec<Lack> {
        let mut lacks = Vec::new();
        for (subgraph, graph) in self.graphs().iter().enumerate() {
            let (mut shaped, mut folded) = (Shaped::new(graph), Folded::new(graph));
            for (index, node) in graph.nodes.iter().enumerate() {
                let place = node.place(index);
                let ready = prepare_node(&mut shaped, &folded, options, index, &place);
                let ready = ready.and_then(|ready| folded.node(&shaped, node, ready, &place));
                if let Err(fault) = ready.map_err(|fault| fault.within_subgraph(subgraph)) {
                    let (operator, version) = (String::from(node.name), node.version);
                    lacks.push(Lack { subgraph, node: index, operator, version, fault });
                }
            }
        }
        lacks
    }
}

/// What has been prepared so far.
struct Preparation<'o, 'm> {
    model: &'m Model<'m>,
    options: &'o Options,
    callees: Vec<Program<'m>>,
    /// By subgraph: its place among the callees.
    callee_of: Vec<Option<usize>>,
    /// By variable: type and shape, once a node has said them.
    variables: Vec<Option<(DType, Vec<usize>)>>,
    memory: Memory,
}

impl<'m> Preparation<'_, 'm> {
    /// Prepares a subgraph after those that it calls. Calls are no deeper than the model allows.
    fn program(&mut self, index: usize, shapes: &[(usize, Vec<usize>)]) -> Result<Program<'m>, Fault> {
        let mut shaped = Shaped::new(&self.model.graphs()[index]);
        for (tensor, shape) in shapes {
            shaped.set(*tensor, shape)?;
        }
        let mut folded = Folded::new(shaped.graph);
        let prepared = self.nodes(&mut shaped, &mut folded).map_err(|fault| fault.within_subgraph(index))?;
        self.planned(shaped, folded, prepared).map_err(|fault| fault.within_subgraph(index))
    }

    /// In order, for what a node computes from constants is a constant for those after it.
    fn nodes(&mut self, shaped: &mut Shaped<'m>, folded: &mut Folded) -> Result<Vec<Prepared>, Fault> {
        let graph = shaped.graph;
        let mut prepared = Vec::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            let place = node.place(index);
            let mut ready = prepare_node(shaped, folded, self.options, index, &place)?;
            if let Action::Call(call) = ready.action {
                ready.action = Action::Call(self.link(call, shaped, node, &place)?);
            }
            if let Action::Access(access) = ready.action {
                self.settle(access, shaped, node, &place)?;
            }
            prepared.push(folded.node(shaped, node, ready, &place)?);
        }
        Ok(prepared)
    }

    /// The first node that touches a variable says its type and shape; the others have to agree.
    fn settle(
        &mut self,
        access: Access,
        shaped: &mut Shaped<'m>,
        node: &Node<'_>,
        place: &str,
    ) -> Result<(), Fault> {
        let (number, tensor) = match access {
            Access::Read(number) => (number, node.outputs.first().copied()),
            Access::Assign(number) => (number, node.input(1)),
        };
        let tensor = tensor.ok_or_else(|| Fault::missing(place, "tensor"))?;
        if self.variables.len() <= number {
            self.variables.resize(number + 1, None);
        }
        let dtype = shaped.info(tensor).dtype;
        let Some((known, shape)) = &self.variables[number] else {
            self.variables[number] = Some((dtype, shaped.shape(tensor).to_vec()));
            return Ok(());
        };
        check_dtype(String::from(place), *known, dtype)?;
        if let Access::Read(_) = access {
            shaped.set(tensor, shape)?;
        }
        if shaped.shape(tensor) == shape.as_slice() {
            return Ok(());
        }
        let (expected, found) = (format!("shape {shape:?}"), format!("shape {:?}", shaped.shape(tensor)));
        Err(Fault::mismatch(place, expected, found))
    }

    /// Prepares what a node calls, and gives the node's outputs the shapes that come of it.
    fn link(
        &mut self,
        call: Call,
        shaped: &mut Shaped<'m>,
        node: &Node<'_>,
        place: &str,
    ) -> Result<Call, Fault> {
        match call {
            Call::If { then, otherwise } => {
                let then = self.callee(then, &node.inputs[1..], shaped, place)?;
                let otherwise = self.callee(otherwise, &node.inputs[1..], shaped, place)?;
                self.take_outputs(then, shaped, node, place)?;
                self.check_outputs(otherwise, &node.outputs, shaped, place)?;
                Ok(Call::If { then, otherwise })
            }
            Call::Once { body } => {
                let body = self.callee(body, &[], shaped, place)?;
                Ok(Call::Once { body })
            }
            Call::While { condition, body } => {
                let condition = self.callee(condition, &node.inputs, shaped, place)?;
                let body = self.callee(body, &node.inputs, shaped, place)?;
                self.take_outputs(body, shaped, node, place)?;
                let inputs: Vec<usize> = node.inputs.iter().flatten().copied().collect();
                self.check_outputs(body, &inputs, shaped, place)?;
                let decides = &self.callees[condition].shaped;
                match decides.graph.outputs.as_slice() {
                    [output] if decides.info(*output).dtype == DType::Bool && decides.bytes(*output) == 1 => {
                        Ok(Call::While { condition, body })
                    }
                    _ => Err(Fault::mismatch(place, "a condition with one bool as output", "another")),
                }
            }
        }
    }

    /// The program of a subgraph that gets these inputs. There is one a subgraph, so all of its callers have to agree.
    fn callee(
        &mut self,
        subgraph: usize,
        inputs: &[Option<usize>],
        caller: &Shaped<'m>,
        place: &str,
    ) -> Result<usize, Fault> {
        let own = Shaped::new(&self.model.graphs()[subgraph]);
        let own_inputs = &own.graph.inputs;
        if own_inputs.len() != inputs.len() {
            let expected = format!("{} inputs for subgraph {subgraph}", own_inputs.len());
            return Err(Fault::mismatch(place, expected, format!("{}", inputs.len())));
        }
        let mut shapes = Vec::with_capacity(inputs.len());
        for (slot, (own_input, input)) in own_inputs.iter().zip(inputs).enumerate() {
            let place = || format!("{place} input {slot} of subgraph {subgraph}");
            let input = input.ok_or_else(|| Fault::missing(place(), "tensor"))?;
            check_dtype(place(), own.info(*own_input).dtype, caller.info(input).dtype)?;
            shapes.push((*own_input, caller.shape(input).to_vec()));
        }
        if let Some(known) = self.callee_of[subgraph] {
            let known_shapes = &self.callees[known].shaped;
            return match shapes.iter().find(|(tensor, shape)| known_shapes.shape(*tensor) != shape.as_slice())
            {
                None => Ok(known),
                Some(_) => Err(Fault::unsupported(place, "subgraph with inputs of several shapes")),
            };
        }
        let program = self.program(subgraph, &shapes)?;
        self.callees.push(program);
        let callee = self.callees.len() - 1;
        self.callee_of[subgraph] = Some(callee);
        Ok(callee)
    }

    fn take_outputs(
        &self,
        callee: usize,
        shaped: &mut Shaped<'m>,
        node: &Node<'_>,
        place: &str,
    ) -> Result<(), Fault> {
        let callee_shapes = &self.callees[callee].shaped;
        for (output, own) in node.outputs.iter().zip(&callee_shapes.graph.outputs) {
            shaped.set(*output, callee_shapes.shape(*own))?;
        }
        self.check_outputs(callee, &node.outputs, shaped, place)
    }

    /// Checks that the outputs of a callee are as many as `tensors`, and of their types and shapes.
    fn check_outputs(
        &self,
        callee: usize,
        tensors: &[usize],
        shaped: &Shaped<'m>,
        place: &str,
    ) -> Result<(), Fault> {
        let callee = &self.callees[callee].shaped;
        let outputs = &callee.graph.outputs;
        if outputs.len() != tensors.len() {
            let expected = format!("{} outputs of each subgraph", tensors.len());
            return Err(Fault::mismatch(place, expected, format!("{}", outputs.len())));
        }
        for (slot, (output, tensor)) in outputs.iter().zip(tensors).enumerate() {
            let place = || format!("{place} output {slot} of a subgraph");
            check_dtype(place(), shaped.info(*tensor).dtype, callee.info(*output).dtype)?;
            let (expected, found) = (shaped.shape(*tensor), callee.shape(*output));
            if expected != found {
                return Err(Fault::mismatch(place(), format!("shape {expected:?}"), format!("{found:?}")));
            }
        }
        Ok(())
    }

    /// Decides which constants stay, plans and takes memory.
    fn planned(
        &mut self,
        shaped: Shaped<'m>,
        mut folded: Folded,
        prepared: Vec<Prepared>,
    ) -> Result<Program<'m>, Fault> {
        let roots = roots(&shaped, &prepared);
        check_states(&shaped, &prepared, &roots)?;
        let constants = constants::keep(&shaped, &mut folded, &prepared, &roots, self.options.keep_all)?;
        let layout = Layout::plan(&shaped, &prepared, &roots, &constants, self.options.keep_all);
        let owned = constants.iter().map(Constant::owned_bytes).sum::<usize>();
        let packed = prepared.iter().map(|node| node.packed_bytes).sum::<usize>();
        let total = &mut self.memory;
        total.arena_bytes = total.arena_bytes.saturating_add(layout.plan.arena_bytes);
        total.without_reuse_bytes = total.without_reuse_bytes.saturating_add(layout.without_reuse_bytes);
        total.packed_bytes = total.packed_bytes.saturating_add(owned + packed);
        if total.arena_bytes > MAX_ARENA_BYTES {
            let found = total.arena_bytes as u64;
            return Err(Fault::limit("arena", "size in bytes", found, MAX_ARENA_BYTES as u64));
        }
        let arena = Aligned::zeroed(layout.plan.arena_bytes).ok_or_else(|| {
            Fault::mismatch("arena", format!("{} bytes of memory", layout.plan.arena_bytes), "less")
        })?;
        let nodes = ready_nodes(&shaped, prepared, &layout);
        let mut program = Program { shaped, nodes, places: layout.places, constants, arena };
        program.reset_variables();
        Ok(program)
    }
}

fn check_dtype(place: String, expected: DType, found: DType) -> Result<(), Fault> {
    if expected == found {
        return Ok(());
    }
    Err(Fault::mismatch(place, expected.name(), found.name()))
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

fn ready_nodes(shaped: &Shaped<'_>, prepared: Vec<Prepared>, layout: &Layout) -> Vec<ReadyNode> {
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
                Action::View | Action::Folded => Wiring::default(),
            };
            ReadyNode { action: ready.action, wiring, kernel: ready.kernel, macs: ready.macs }
        })
        .collect()
}
