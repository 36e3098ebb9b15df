//! One subgraph that is ready to run: its nodes with their parts of an arena, and where each tensor is. Knows nothing of
//! preparation.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::calls;
use crate::error::Fault;
use crate::fold::Folded;
use crate::interpreter::Memory;
use crate::late::{self, Late};
use crate::machine::Machine;
use crate::memory::{Aligned, Constant, Frame, Place, Wiring};
use crate::model::Access;
use crate::ops::Action;
use crate::shaped::Shaped;
use crate::tensor::{DType, TensorView};

/// A prepared subgraph.
pub(crate) struct Program<'m> {
    pub(crate) shaped: Shaped<'m>,
    pub(crate) nodes: Vec<ReadyNode>,
    /// Where each tensor is, by index in the file.
    pub(crate) places: Vec<Place>,
    /// By index in the file. Values whose shapes only a run knows are here too.
    pub(crate) constants: Vec<Constant<'m>>,
    pub(crate) arena: Aligned,
    /// What is known before the first run, for nodes that are prepared in it.
    pub(crate) folded: Folded,
    /// What was planned.
    pub(crate) memory: Memory,
    /// What it has taken of the room.
    pub(crate) planned_bytes: usize,
}

/// A prepared node with its parts of the arena.
pub(crate) struct ReadyNode {
    pub(crate) action: Action,
    pub(crate) wiring: Wiring,
    pub(crate) kernel: &'static str,
    pub(crate) macs: u64,
    /// Into how many shares a run is divided.
    pub(crate) shares: usize,
    /// For a node that is prepared in the run.
    pub(crate) late: Option<Box<Late>>,
}

impl<'m> Program<'m> {
    /// The bytes of a tensor; none when it has no memory.
    pub(crate) fn bytes(&self, tensor: usize) -> Option<&[u8]> {
        match self.places.get(tensor)? {
            Place::Nowhere => None,
            Place::Arena(part) => self.arena.bytes().get(part.clone()),
            Place::Constant(constant) => {
                let constant = self.constants.get(*constant).filter(|constant| constant.is_kept())?;
                Some(constant.bytes())
            }
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

    /// Whether the inputs have these shapes.
    pub(crate) fn has_inputs(&self, shapes: &[&[usize]]) -> bool {
        let inputs = &self.shaped.graph.inputs;
        let mut pairs = inputs.iter().zip(shapes);
        inputs.len() == shapes.len() && pairs.all(|(tensor, shape)| self.shaped.shape(*tensor) == *shape)
    }

    /// The shapes of the outputs; none when only a run knows one of them.
    pub(crate) fn output_shapes(&self) -> Option<Vec<Vec<usize>>> {
        let outputs = self.shaped.graph.outputs.iter();
        let late = self.nodes.iter().zip(&self.shaped.graph.nodes).filter(|(ready, _)| ready.late.is_some());
        let late: Vec<usize> = late.flat_map(|(_, node)| &node.outputs).copied().collect();
        outputs.map(|tensor| (!late.contains(tensor)).then(|| self.shaped.shape(*tensor).to_vec())).collect()
    }

    /// Bytes of values whose shapes only a run knows.
    pub(crate) fn late_bytes(&self) -> usize {
        let late = self.nodes.iter().zip(&self.shaped.graph.nodes).filter(|(ready, _)| ready.late.is_some());
        late.flat_map(|(_, node)| &node.outputs).map(|tensor| self.constants[*tensor].owned_bytes()).sum()
    }

    /// Computes the outputs of one node.
    ///
    /// # Errors
    /// When a value that was computed during the run cannot be worked with.
    pub(crate) fn run_node(&mut self, index: usize, machine: &mut Machine<'m>) -> Result<(), Fault> {
        let ReadyNode { action, wiring, late, shares, .. } = &self.nodes[index];
        if late.is_some() {
            return late::run(self, index, machine);
        }
        match action {
            Action::Run(step) => {
                let crew = machine.crew(*shares);
                step.run(Frame { crew, ..wiring.frame(self.arena.bytes_mut(), &self.constants) })
            }
            Action::Call(call) => {
                let inputs = self.shaped.graph.nodes[index].inputs.iter().flatten();
                let shapes: Vec<&[usize]> = inputs.map(|tensor| self.shaped.shape(*tensor)).collect();
                calls::call(*call, wiring.frame(self.arena.bytes_mut(), &self.constants), &shapes, machine)
            }
            Action::Access(access) => {
                let frame = wiring.frame(self.arena.bytes_mut(), &self.constants);
                touch(*access, frame, &self.shaped, index, machine)
            }
            Action::View | Action::Folded | Action::Late => Ok(()),
        }
    }
}

/// Runs a node that reads or assigns a variable of the shape that was planned.
fn touch(
    access: Access,
    frame: Frame<'_>,
    shaped: &Shaped<'_>,
    index: usize,
    machine: &mut Machine<'_>,
) -> Result<(), Fault> {
    match access {
        Access::Read(number) => {
            let (_, shape, value) = machine.variables.read(number)?;
            let output = frame.outputs.bytes();
            if output.len() != value.len() {
                let place = shaped.graph.nodes[index].place(index);
                let found = alloc::format!("shape {shape:?}");
                return Err(Fault::mismatch(place, alloc::format!("{} bytes", output.len()), found));
            }
            output.copy_from_slice(value);
            Ok(())
        }
        Access::Assign(number) => {
            let Some(tensor) = shaped.graph.nodes[index].input(1) else { return Ok(()) };
            let form = (shaped.info(tensor).dtype, shaped.shape(tensor));
            machine.variables.assign(number, form, frame.inputs.bytes(1), &mut machine.room)
        }
    }
}
