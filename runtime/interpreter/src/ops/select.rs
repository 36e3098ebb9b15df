//! SELECT and SELECT_V2: one of two operands where a condition holds. Only the size of an element matters.

use alloc::format;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::reference::select::{SelectAxis, SelectWalk, select as choose};

use super::map::plain;
use super::pair::broadcast_shape;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// The operands of a selection.
struct Selection<'m> {
    condition: Operand<'m>,
    on_true: Operand<'m>,
    on_false: Operand<'m>,
    output: Operand<'m>,
}

impl<'m> Selection<'m> {
    fn of(site: &Site<'_, 'm>) -> Result<Self, Fault> {
        let (condition, on_true, on_false) = (site.input(0)?, site.input(1)?, site.input(2)?);
        let output = site.output(0)?;
        condition.expect_dtype(DType::Bool)?;
        on_false.expect_dtype(on_true.dtype())?;
        output.expect_dtype(on_true.dtype())?;
        Ok(Self { condition, on_true, on_false, output })
    }

    /// The walk over operands that have the output's rank, or less and repeat along the first axes.
    fn walk(&self, condition: &[usize]) -> SelectWalk {
        let output = self.output.shape();
        let steps =
            [condition, self.on_true.shape(), self.on_false.shape()].map(|shape| steps(shape, output));
        let axis = |(axis, len): (usize, &usize)| SelectAxis {
            len: *len,
            steps: [steps[0][axis], steps[1][axis], steps[2][axis]],
        };
        SelectWalk { axes: output.iter().enumerate().map(axis).collect() }
    }

    fn prepare(&self, site: &Site<'_, '_>, condition: &[usize]) -> Result<Prepared, Fault> {
        let walk = self.walk(condition);
        match self.output.dtype() {
            DType::Float32 | DType::Int32 => Ok(elements::<u32>(walk)),
            DType::Int8 | DType::UInt8 | DType::Bool => Ok(elements::<u8>(walk)),
            DType::Int16 => Ok(elements::<u16>(walk)),
            DType::Int64 => Ok(elements::<u64>(walk)),
            dtype => Err(site.unsupported(format!("type {dtype}"))),
        }
    }
}

/// Step of an operand along each axis of the output; 0 where it repeats.
fn steps(shape: &[usize], output: &[usize]) -> Vec<usize> {
    let missing = output.len() - shape.len();
    let mut steps = alloc::vec![0; output.len()];
    let mut step = 1;
    for (axis, dim) in shape.iter().enumerate().rev() {
        if *dim != 1 {
            steps[missing + axis] = step;
        }
        step *= dim;
    }
    steps
}

fn elements<T: Pod>(walk: SelectWalk) -> Prepared {
    plain(move |frame| {
        let (on_true, on_false) = (frame.inputs.of::<T>(1), frame.inputs.of(2));
        choose(&walk, frame.inputs.bytes(0), on_true, on_false, frame.outputs.of());
        Ok(())
    })
}

/// Prepares SELECT: the condition has the operands' shape, or one element for each of their first axis, or one element.
pub(crate) fn select(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let selection = Selection::of(site)?;
    let dims = selection.on_true.shape();
    selection.on_false.expect_shape(dims)?;
    selection.output.expect_shape(dims)?;
    let condition = selection.condition.shape();
    let along_first: Vec<usize> = match (condition, dims.first()) {
        (condition, _) if condition == dims => dims.to_vec(),
        ([], _) => Vec::new(),
        ([length], Some(first)) if length == first => {
            let ones = core::iter::repeat_n(1, dims.len() - 1);
            core::iter::once(*length).chain(ones).collect()
        }
        _ => {
            let expected = format!("shape {dims:?}, its first dimension or none");
            return Err(selection.condition.fault(expected, format!("shape {condition:?}")));
        }
    };
    selection.prepare(site, &along_first)
}

/// Prepares SELECT_V2: condition and operands broadcast.
pub(crate) fn select_v2(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let selection = Selection::of(site)?;
    let Selection { condition, on_true, on_false, output } = &selection;
    let shape = broadcast_shape(&broadcast_shape(condition.shape(), on_true.shape()), on_false.shape());
    output.expect_shape(&shape)?;
    for operand in [condition, on_true, on_false] {
        let own = operand.shape();
        let aligned = &shape[shape.len() - own.len()..];
        if own.iter().zip(aligned).any(|(own, dim)| own != dim && *own != 1) {
            let expected = format!("a shape that broadcasts to {shape:?}");
            return Err(operand.fault(expected, format!("shape {own:?}")));
        }
    }
    selection.prepare(site, condition.shape())
}
