//! One subgraph that is ready to run: its nodes with their parts of an arena, and where each tensor is. Knows nothing of
//! preparation.

use alloc::vec::Vec;

use crate::calls;
use crate::error::Fault;
use crate::memory::{Aligned, Constant, Place, Wiring};
use crate::ops::Action;
use crate::shaped::Shaped;
use crate::tensor::{DType, TensorView};
use crate::variables::Variables;

/// A prepared subgraph.
pub(crate) struct Program<'m> {
    pub(crate) shaped: Shaped<'m>,
    pub(crate) nodes: Vec<ReadyNode>,
    /// Where each tensor is, by index in the file.
    pub(crate) places: Vec<Place>,
    /// By index in the file.
    pub(crate) constants: Vec<Constant<'m>>,
    pub(crate) arena: Aligned,
}

/// A prepared node with its parts of the arena.
pub(crate) struct ReadyNode {
    pub(crate) action: Action,
    pub(crate) wiring: Wiring,
    pub(crate) kernel: &'static str,
    pub(crate) macs: u64,
}

impl Program<'_> {
    /// The bytes of a tensor; none when it has no memory.
    pub(crate) fn bytes(&self, tensor: usize) -> Option<&[u8]> {
        match self.places.get(tensor)? {
            Place::Nowhere => None,
            Place::Arena(part) => self.arena.bytes().get(part.clone()),
            Place::Constant(constant) => Some(self.constants.get(*constant)?.bytes()),
        }
    }

    /// The bytes of a tensor that is computed, or a model input.
    pub(crate) fn bytes_mut(&mut self, tensor: usize) -> Option<&mut [u8]> {
        match self.places.get(tensor)? {
            Place::Arena(part) => self.arena.bytes_mut().get_mut(part.clone()),
            Place::Nowhere | Place::Constant(_) => None,
        }
    }

    /// A tensor as it is now; none when it has no memory.
    pub(crate) fn view(&self, tensor: usize) -> Option<TensorView<'_>> {
        let bytes = self.bytes(tensor)?;
        let info = self.shaped.info(tensor);
        Some(TensorView {
            index: tensor,
            name: info.name,
            dtype: info.dtype,
            shape: self.shaped.shape(tensor),
            scale_zero_point: info.quantization.as_ref().and_then(|quantization| quantization.per_tensor()),
            bytes,
        })
    }

    /// Gives every variable the stored zero, which for int8 is the zero point (LiteRT `ResetVariableTensors`).
    pub(crate) fn reset_variables(&mut self) {
        for (info, place) in self.shaped.graph.tensors.iter().zip(&self.places) {
            let Place::Arena(part) = place else { continue };
            let zero = match (&info.quantization, info.dtype) {
                (Some(quantization), DType::Int8) => quantization.zero_points.first().copied().unwrap_or(0),
                _ => 0,
            };
            if info.is_variable {
                self.arena.bytes_mut()[part.clone()].fill(zero as u8);
            }
        }
    }

    /// The bytes of an output.
    pub(crate) fn output(&self, slot: usize) -> Option<&[u8]> {
        self.bytes(*self.shaped.graph.outputs.get(slot)?)
    }

    /// Computes the outputs of one node. `callees` are the programs that it may call.
    ///
    /// # Errors
    /// When a value that was computed during the run cannot be worked with.
    pub(crate) fn run_node(
        &mut self,
        index: usize,
        callees: &mut [Program<'_>],
        variables: &mut Variables,
    ) -> Result<(), Fault> {
        let ReadyNode { action, wiring, .. } = &self.nodes[index];
        match action {
            Action::Run(step) => step.run(wiring.frame(self.arena.bytes_mut(), &self.constants)),
            Action::Call(call) => {
                calls::call(*call, wiring.frame(self.arena.bytes_mut(), &self.constants), callees, variables)
            }
            Action::Access(access) => {
                variables.access(*access, wiring.frame(self.arena.bytes_mut(), &self.constants))
            }
            Action::View | Action::Folded => Ok(()),
        }
    }
}
