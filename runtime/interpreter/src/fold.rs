//! Values that are known before the first run: outputs of nodes whose inputs are all constants. Converters write shape
//! arithmetic (SHAPE, STRIDED_SLICE, PACK) and smaller weights (DEQUANTIZE) in this way. Each such node is computed once, by
//! its own step, and is gone from the run. No operator is known here.

use alloc::vec::Vec;
use core::ops::Range;

use crate::constants;
use crate::error::Fault;
use crate::memory::{Aligned, Constant, Place, Room, Wiring, align_up};
use crate::model::{Graph, Node, Spot};
use crate::ops::{Action, ConstantData, Prepared, Step};
use crate::shaped::Shaped;

/// Shape arithmetic is small; this much may be computed even in a model without constants.
const SPARE_BYTES: usize = 1 << 20;

/// By tensor: its value, where it is known although the file does not store it.
pub(crate) struct Folded {
    values: Vec<Value>,
    /// What may still be computed: all of it together at most as much as the file's constants and [`SPARE_BYTES`], so
    /// that a small file cannot grow without limit.
    budget_bytes: usize,
}

/// How a value is known.
enum Value {
    Unknown,
    /// The constant of another tensor under another shape, or in a smaller type that its readers convert.
    Of(usize),
    Computed(Aligned),
}

impl Folded {
    pub(crate) fn new(graph: &Graph) -> Self {
        let stored = graph.tensors.iter().filter_map(|tensor| tensor.data.or(tensor.dense.as_deref()));
        let stored_bytes = stored.map(<[u8]>::len).fold(0, usize::saturating_add);
        let values = graph.tensors.iter().map(|_| Value::Unknown).collect();
        Self { values, budget_bytes: stored_bytes.saturating_add(SPARE_BYTES) }
    }

    /// The data of a tensor, when it is a constant of the file or a value that is known.
    pub(crate) fn data<'m>(&'m self, graph: &'m Shaped<'m>, tensor: usize) -> Option<ConstantData<'m>> {
        let tensor = self.source(tensor).unwrap_or(tensor);
        let info = graph.graph.tensors.get(tensor)?;
        let computed = match self.values.get(tensor)? {
            Value::Computed(memory) => Some(memory.bytes()),
            Value::Unknown | Value::Of(_) => None,
        };
        Some(ConstantData {
            dtype: info.dtype,
            quantization: info.quantization.as_ref(),
            shape: graph.shape(tensor),
            bytes: info.data.or(info.dense.as_deref()).or(computed)?,
        })
    }

    /// The tensor whose constant is this one's value, when they are two.
    pub(crate) fn source(&self, tensor: usize) -> Option<usize> {
        match self.values.get(tensor)? {
            Value::Of(source) => Some(*source),
            Value::Unknown | Value::Computed(_) => None,
        }
    }

    pub(crate) fn is_computed(&self, tensor: usize) -> bool {
        matches!(self.values.get(tensor), Some(Value::Computed(_)))
    }

    /// Lets a value of the run be known until it is taken.
    pub(crate) fn lend(&mut self, tensor: usize, value: Aligned) {
        self.values[tensor] = Value::Computed(value);
    }

    /// Gives away what was computed.
    pub(crate) fn take(&mut self, tensor: usize) -> Option<Aligned> {
        match core::mem::replace(self.values.get_mut(tensor)?, Value::Unknown) {
            Value::Computed(memory) => Some(memory),
            other => {
                self.values[tensor] = other;
                None
            }
        }
    }

    /// Computes a prepared node when everything that it reads is known, and notes its outputs.
    ///
    /// # Errors
    /// When the node's step fails, or there is no memory. A node that needs more than is left is computed in each run.
    pub(crate) fn node(
        &mut self,
        graph: &Shaped<'_>,
        node: &Node,
        ready: Prepared,
        place: Spot<'_>,
        room: &mut Room,
    ) -> Result<Prepared, Fault> {
        match &ready.action {
            Action::View | Action::Folded => {
                self.point(graph, node);
                Ok(ready)
            }
            Action::Call(_) | Action::Access(_) | Action::Late => Ok(ready),
            Action::Run(step) => {
                let output_bytes = node.outputs.iter().map(|output| align_up(graph.bytes(*output)));
                let output_bytes = output_bytes.fold(0, usize::saturating_add);
                let bytes = output_bytes.saturating_add(ready.scratch_bytes);
                if bytes > self.budget_bytes
                    || !ready.states.is_empty()
                    || !self.is_known(graph, node, &ready)
                    || self.passing_bytes(graph, node, bytes) > room.left_bytes()
                {
                    return Ok(ready);
                }
                self.budget_bytes -= bytes;
                room.plan(output_bytes, || place)?;
                self.compute(graph, node, step.as_ref(), ready.scratch_bytes, place)?;
                Ok(Prepared::folded())
            }
        }
    }

    /// Output 0 has the value of input 0.
    fn point(&mut self, graph: &Shaped<'_>, node: &Node) {
        let (Some(input), Some(output)) = (node.input(0), node.outputs.first()) else { return };
        if self.data(graph, input).is_some() {
            self.values[*output] = Value::Of(self.source(input).unwrap_or(input));
        }
    }

    fn is_known(&self, graph: &Shaped<'_>, node: &Node, ready: &Prepared) -> bool {
        let read = node.inputs.iter().enumerate().filter(|(slot, _)| ready.reads(*slot));
        let mut read = read.filter_map(|(_, tensor)| *tensor);
        read.all(|tensor| !graph.info(tensor).is_variable && self.data(graph, tensor).is_some())
    }

    /// What [`compute`](Self::compute) takes for a while: the node's own memory of `own_bytes`, the outputs once more,
    /// and inputs that cannot be read where they are.
    fn passing_bytes(&self, graph: &Shaped<'_>, node: &Node, own_bytes: usize) -> usize {
        let copies = node.inputs.iter().flatten();
        let copies = copies.map(|tensor| constants::copied_bytes(graph, self, *tensor));
        copies.fold(own_bytes.saturating_mul(2), usize::saturating_add)
    }

    fn compute(
        &mut self,
        graph: &Shaped<'_>,
        node: &Node,
        step: &dyn Step,
        scratch_bytes: usize,
        place: Spot<'_>,
    ) -> Result<(), Fault> {
        let constant = |tensor: &Option<usize>| match tensor {
            Some(tensor) => constants::kept(graph, self, *tensor),
            None => Ok(Constant::None),
        };
        let constants: Vec<Constant<'_>> = node.inputs.iter().map(constant).collect::<Result<_, _>>()?;
        let inputs: Vec<Place> = (0..constants.len()).map(Place::Constant).collect();
        let (outputs, scratch) = parts(graph, node, scratch_bytes);
        let no_memory = || Fault::mismatch(place, "memory for a constant", "less");
        let mut arena = Aligned::zeroed(scratch.end).ok_or_else(no_memory)?;
        let wiring = Wiring::new(inputs.iter(), outputs.iter().cloned(), core::iter::empty(), scratch);
        step.run(wiring.frame(arena.bytes_mut(), &constants))?;
        let copies = outputs.into_iter().map(|part| Aligned::copy_of(&arena.bytes()[part]));
        let copies: Vec<Aligned> = copies.collect::<Option<_>>().ok_or_else(no_memory)?;
        for (output, copy) in node.outputs.iter().zip(copies) {
            self.values[*output] = Value::Computed(copy);
        }
        Ok(())
    }
}

/// Outputs one after the other, then scratch.
fn parts(graph: &Shaped<'_>, node: &Node, scratch_bytes: usize) -> (Vec<Range<usize>>, Range<usize>) {
    let mut end = 0;
    let part = |output: &usize| {
        let bytes = graph.bytes(*output);
        let start = end;
        end += align_up(bytes);
        start..start + bytes
    };
    let outputs = node.outputs.iter().map(part).collect();
    (outputs, end..end + scratch_bytes)
}
