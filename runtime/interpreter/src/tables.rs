//! Nodes on int8 that read one tensor by two ways, as `x * logistic(x)` does: their outputs depend on one byte each, so
//! that both nodes together are one table. Knows no operator: which function of bytes a node is, its preparation says.

use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::reference::lookup::Table256;
use edgebench_kernels::{Choice, table};

use crate::choice::Options;
use crate::error::Fault;
use crate::memory::Frame;
use crate::ops::{Prepared, Reads, Step};
use crate::shaped::Shaped;

/// Puts tables in the place of such nodes, and takes the nodes out that only they read.
pub(crate) fn unite(shaped: &Shaped<'_>, prepared: &mut [Prepared], options: &Options) {
    let origins = Origins::of(shaped, prepared);
    let mut passed_over = vec![false; prepared.len()];
    for (index, ready) in prepared.iter_mut().enumerate() {
        let Some((slot, values)) = origins.united(shaped, ready, index) else { continue };
        for tensor in shaped.graph.nodes[index].inputs.iter().flatten() {
            if let Some((node, _)) = origins.producer(*tensor) {
                passed_over[node] = true;
            }
        }
        *ready = table_node(slot, values, options);
    }
    for index in (0..prepared.len()).rev().filter(|index| passed_over[*index]) {
        if is_unread(shaped, prepared, index) {
            prepared[index] = Prepared::folded();
        }
    }
}

/// For each tensor that is a function of one other's bytes: the node that computes it, and its table.
struct Origins(Vec<Option<(usize, Table256<i8>)>>);

impl Origins {
    fn of(shaped: &Shaped<'_>, prepared: &[Prepared]) -> Self {
        let identity = Table256(core::array::from_fn(|index| index as u8 as i8));
        let mut origins = vec![None; shaped.graph.tensors.len()];
        for (index, (node, ready)) in shaped.graph.nodes.iter().zip(prepared).enumerate() {
            if let (Some(of_bytes), [Some(_)], [output]) =
                (&ready.of_bytes, node.inputs.as_slice(), node.outputs.as_slice())
            {
                origins[*output] = Some((index, of_bytes(&[identity])));
            }
        }
        Self(origins)
    }

    fn producer(&self, tensor: usize) -> Option<(usize, &Table256<i8>)> {
        self.0.get(tensor)?.as_ref().map(|(node, values)| (*node, values))
    }

    /// The slot at which a node of two inputs reads the tensor that both come from, and its table.
    fn united(&self, shaped: &Shaped<'_>, ready: &Prepared, index: usize) -> Option<(usize, Table256<i8>)> {
        let of_bytes = ready.of_bytes.as_ref()?;
        let [Some(left), Some(right)] = *shaped.graph.nodes[index].inputs.as_slice() else { return None };
        if shaped.shape(left) != shaped.shape(right) {
            return None;
        }
        let identity = Table256(core::array::from_fn(|index| index as u8 as i8));
        let source = |tensor: usize| {
            let (node, _) = self.producer(tensor)?;
            shaped.graph.nodes[node].input(0)
        };
        let values = |tensor: usize| self.producer(tensor).map_or(identity, |(_, values)| *values);
        match (source(left), source(right)) {
            (Some(source), _) if source == right => Some((1, of_bytes(&[values(left), identity]))),
            (_, Some(source)) if source == left => Some((0, of_bytes(&[identity, values(right)]))),
            _ => None,
        }
    }
}

/// Whether nothing reads what a node computes.
fn is_unread(shaped: &Shaped<'_>, prepared: &[Prepared], index: usize) -> bool {
    let outputs = &shaped.graph.nodes[index].outputs;
    let is_shown = outputs.iter().any(|output| shaped.graph.outputs.contains(output));
    let mut nodes = shaped.graph.nodes.iter().zip(prepared);
    let is_read = nodes.any(|(node, ready)| {
        let mut inputs = node.inputs.iter().enumerate().filter(|(slot, _)| ready.reads(*slot));
        inputs.any(|(_, tensor)| tensor.is_some_and(|tensor| outputs.contains(&tensor)))
    });
    !is_shown && !is_read
}

/// A node that looks the input at `slot` up.
fn table_node(slot: usize, values: Table256<i8>, options: &Options) -> Prepared {
    let row = table::LOGISTIC_I8.select(options.kernels.set().map_or(Choice::Auto, Choice::UpTo));
    let reads = if slot == 0 { Reads::Only(&[0]) } else { Reads::Only(&[1]) };
    Prepared { reads, ..Prepared::run(row.set.name(), LookUp { slot, values, kernel: row.kernel }) }
}

struct LookUp {
    slot: usize,
    values: Table256<i8>,
    kernel: table::LookUpI8,
}

impl Step for LookUp {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        (self.kernel)(&self.values, frame.inputs.of(self.slot), frame.outputs.of());
        Ok(())
    }
}
