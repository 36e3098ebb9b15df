//! Constants that something reads at run time. Those that can be read where the file has them stay there; others are
//! copied to aligned memory, once. Weights that a kernel has packed are not kept.

use alloc::format;
use alloc::vec::Vec;

use crate::error::Fault;
use crate::fold::Folded;
use crate::memory::{Aligned, Constant, Room};
use crate::model::{TensorInfo, place_of_tensor};
use crate::ops::{Action, ConstantData, Prepared};
use crate::shaped::Shaped;
use crate::tensor::{DType, unpack_int2, unpack_int4};

/// By tensor: the constants that steps read, that model outputs show, or all of them.
pub(crate) fn keep<'m>(
    graph: &Shaped<'m>,
    folded: &mut Folded,
    prepared: &[Prepared],
    roots: &[usize],
    keep_all: bool,
    room: &mut Room,
) -> Result<Vec<Constant<'m>>, Fault> {
    let mut wanted = alloc::vec![keep_all; graph.graph.tensors.len()];
    for (node, ready) in graph.graph.nodes.iter().zip(prepared) {
        let runs = ready.action.computes();
        let read = node.inputs.iter().enumerate().filter(|(slot, _)| runs && ready.reads(*slot));
        read.filter_map(|(_, tensor)| *tensor).for_each(|tensor| wanted[roots[tensor]] = true);
    }
    graph.graph.outputs.iter().for_each(|output| wanted[roots[*output]] = true);
    let stored = |(tensor, wanted): (usize, &bool)| {
        if !*wanted || folded.is_computed(tensor) {
            return Ok(Constant::None);
        }
        let place = || place_of_tensor(tensor, graph.info(tensor).name);
        room.plan(copied_bytes(graph, folded, tensor), place)?;
        kept(graph, folded, tensor)
    };
    let mut constants: Vec<Constant<'_>> = wanted.iter().enumerate().map(stored).collect::<Result<_, _>>()?;
    // Nodes that are prepared in the run need them again.
    let is_late = prepared.iter().any(|ready| matches!(ready.action, Action::Late));
    // Last, because others are made from them.
    for (tensor, constant) in constants.iter_mut().enumerate().filter(|(tensor, _)| wanted[*tensor]) {
        if is_late && folded.is_computed(tensor) {
            room.plan(graph.bytes(tensor), || place_of_tensor(tensor, graph.info(tensor).name))?;
            *constant = kept(graph, folded, tensor)?;
        } else if let Some(memory) = folded.take(tensor) {
            *constant = Constant::Owned(memory);
        }
    }
    Ok(constants)
}

/// Bytes of the copy that [`kept`] makes.
pub(crate) fn copied_bytes(graph: &Shaped<'_>, folded: &Folded, tensor: usize) -> usize {
    let is_computed = || folded.data(graph, tensor).is_none();
    if lies_aligned(graph.info(tensor)).is_some() || is_computed() { 0 } else { graph.bytes(tensor) }
}

/// The data of a constant that can be read where the file has it.
fn lies_aligned<'m>(info: &TensorInfo<'m>) -> Option<&'m [u8]> {
    info.data.filter(|data| data.as_ptr().addr().is_multiple_of(info.dtype.size_bytes()))
}

/// The constant that a tensor is, aligned and in the tensor's own type; none for one that is computed in each run.
pub(crate) fn kept<'m>(graph: &Shaped<'m>, folded: &Folded, tensor: usize) -> Result<Constant<'m>, Fault> {
    let info = graph.info(tensor);
    let bytes = graph.bytes(tensor);
    let no_memory = || {
        let place = place_of_tensor(tensor, info.name);
        Fault::mismatch(place, format!("{bytes} bytes of memory"), "less")
    };
    if let Some(data) = lies_aligned(info) {
        return Ok(Constant::Borrowed(data));
    }
    let Some(stored) = folded.data(graph, tensor) else { return Ok(Constant::None) };
    if stored.dtype == info.dtype {
        return Aligned::copy_of(stored.bytes).map(Constant::Owned).ok_or_else(no_memory);
    }
    let mut memory = Aligned::zeroed(bytes).ok_or_else(no_memory)?;
    let elements = memory.bytes_mut().as_chunks_mut::<4>().0;
    elements.iter_mut().zip(stored.reals()).for_each(|(element, value)| *element = value.to_ne_bytes());
    Ok(Constant::Owned(memory))
}

impl ConstantData<'_> {
    /// The real values of a float or quantized constant; empty for other types.
    pub(crate) fn reals(&self) -> Vec<f32> {
        match self.dtype {
            DType::Float32 => read(self.bytes, f32::from_le_bytes),
            DType::Float16 => read(self.bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
            DType::Int2 => {
                let elements = unpack_int2(self.bytes, self.shape.iter().product());
                self.dequantized(elements.map(i32::from))
            }
            DType::Int4 => {
                let elements = unpack_int4(self.bytes, self.shape.iter().product());
                self.dequantized(elements.map(i32::from))
            }
            DType::Int8 => self.dequantized(self.bytes.iter().map(|byte| i32::from(*byte as i8))),
            DType::UInt8 => self.dequantized(self.bytes.iter().map(|byte| i32::from(*byte))),
            _ => Vec::new(),
        }
    }

    fn dequantized(&self, stored: impl Iterator<Item = i32>) -> Vec<f32> {
        let Some(quantization) = self.quantization else { return Vec::new() };
        let channels = quantization.scales.len();
        let inner: usize = self.shape.iter().skip(quantization.axis + 1).product();
        let value = |(index, stored): (usize, i32)| {
            let channel = if channels == 1 { 0 } else { index / inner.max(1) % channels };
            (stored - quantization.zero_points[channel]) as f32 * quantization.scales[channel]
        };
        stored.enumerate().map(value).collect()
    }
}

fn read<const SIZE: usize, T>(bytes: &[u8], element: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    bytes.as_chunks::<SIZE>().0.iter().map(|chunk| element(*chunk)).collect()
}
