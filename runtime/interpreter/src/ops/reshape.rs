//! RESHAPE, SQUEEZE and EXPAND_DIMS: the same elements under another shape. The output shares the input's memory.

use alloc::format;
use alloc::vec::Vec;

use super::moves::{axis_operand, constant_list};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Slot of RESHAPE's shape.
const SHAPE: usize = 1;

/// Prepares RESHAPE. The new shape is input 1, or the options where that is absent; one dimension may be -1. LiteRT takes
/// the options too when the operand is no list (`reshape.cc`).
pub(crate) fn reshape(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    let operand = site.optional_input(SHAPE).filter(|operand| operand.shape().len() == 1);
    match operand {
        Some(operand) => {
            operand.expect_dtype(DType::Int32)?;
            reshape_to(&constant_list(&operand, SHAPE)?, &input, &output)
        }
        None => match options_shape(site) {
            Some(dims) => reshape_to(&dims, &input, &output),
            None => view(&input, &output),
        },
    }
}

/// The shape in the options; none where there is no such list. Old files write a scalar as the list of one 0.
fn options_shape(site: &Site<'_, '_>) -> Option<Vec<i64>> {
    let options = site.node().table.builtin_options_as_reshape_options()?;
    let dims: Vec<i64> = options.new_shape()?.iter().map(i64::from).collect();
    Some(if dims == [0] { Vec::new() } else { dims })
}

fn reshape_to(dims: &[i64], input: &Operand<'_>, output: &Operand<'_>) -> Result<Prepared, Fault> {
    let shape = filled_in(dims, input.elements());
    let shape = shape.ok_or_else(|| {
        input.fault(format!("elements for shape {dims:?}"), format!("shape {:?}", input.shape()))
    })?;
    output.expect_shape(&shape)?;
    view(input, output)
}

/// The dimensions, with the one that may be -1 chosen so that they hold `elements`.
fn filled_in(dims: &[i64], elements: usize) -> Option<Vec<usize>> {
    let known = dims.iter().filter(|dim| **dim != -1);
    let mut known = known.map(|dim| usize::try_from(*dim).ok());
    let product = known.try_fold(1usize, |product: usize, dim| product.checked_mul(dim?))?;
    let stretched = match dims.iter().filter(|dim| **dim == -1).count() {
        0 => Some(1),
        1 => elements.checked_div(product),
        _ => None,
    }?;
    let dim = |dim: &i64| usize::try_from(*dim).unwrap_or(stretched);
    (product.checked_mul(stretched) == Some(elements)).then(|| dims.iter().map(dim).collect())
}

/// Prepares SQUEEZE: dimensions of 1 go, those that the options list or all of them.
pub(crate) fn squeeze(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    let listed = site.node().table.builtin_options_as_squeeze_options();
    let listed: Vec<i32> = listed.and_then(|options| options.squeeze_dims()).into_iter().flatten().collect();
    let rank = input.shape().len();
    let mut goes: Vec<bool> = input.shape().iter().map(|dim| listed.is_empty() && *dim == 1).collect();
    for value in listed {
        let axis = super::axis(value, rank).filter(|axis| input.shape()[*axis] == 1);
        let axis = axis.ok_or_else(|| {
            input.fault(format!("1 along axis {value}"), format!("shape {:?}", input.shape()))
        })?;
        goes[axis] = true;
    }
    let dims = input.shape().iter().zip(&goes).filter(|(_, goes)| !**goes);
    output.expect_shape(&dims.map(|(dim, _)| *dim).collect::<Vec<_>>())?;
    view(&input, &output)
}

/// Prepares EXPAND_DIMS: input 1 is the constant place of a new dimension of 1.
pub(crate) fn expand_dims(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, axis, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    axis.expect_elements(1)?;
    let value = constant_list(&axis, 1)?.first().copied().unwrap_or(0);
    let place = axis_operand(&axis, value, input.shape().len() + 1)?;
    let mut shape = input.shape().to_vec();
    shape.insert(place, 1);
    output.expect_shape(&shape)?;
    view(&input, &output)
}

fn view(input: &Operand<'_>, output: &Operand<'_>) -> Result<Prepared, Fault> {
    output.expect_dtype(input.dtype())?;
    output.expect_elements(input.elements())?;
    output.expect_same_quantization(input)?;
    Ok(Prepared::view())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn one_dimension_is_filled_in() {
        assert_eq!(filled_in(&[2, -1], 6), Some(vec![2, 3]));
        assert_eq!(filled_in(&[], 1), Some(vec![]));
        assert_eq!(filled_in(&[3, 0], 0), Some(vec![3, 0]));
        assert_eq!(filled_in(&[4, -1], 6), None);
        assert_eq!(filled_in(&[-1, -1], 6), None);
        assert_eq!(filled_in(&[0, -1], 0), None);
        assert_eq!(filled_in(&[-2, 3], 6), None);
        assert_eq!(filled_in(&[i64::MAX, i64::MAX], 6), None);
    }
}
