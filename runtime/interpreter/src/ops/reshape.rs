//! RESHAPE, SQUEEZE and EXPAND_DIMS: the same elements under another shape. The output shares the input's memory.

use super::moves::{axis_operand, axis_option, constant_list};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares RESHAPE. The output's shape in the file is the truth, as files with static shapes have it; a constant shape
/// operand must not say otherwise.
pub(crate) fn reshape(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    if let Some(shape) = site.optional_input(1) {
        check_shape_operand(&shape, &output)?;
    }
    view(&input, &output)
}

/// Prepares SQUEEZE. Only dimensions of 1 may go: those that the options name, or else all.
pub(crate) fn squeeze(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    let kept =
        |shape: &[usize]| shape.iter().copied().filter(|dim| *dim != 1).collect::<alloc::vec::Vec<_>>();
    if kept(input.shape()) != kept(output.shape()) {
        let expected = alloc::format!("shape {:?} without dimensions of 1", input.shape());
        return Err(output.fault(expected, alloc::format!("shape {:?}", output.shape())));
    }
    let options = site.node().table.builtin_options_as_squeeze_options();
    for dim in options.and_then(|options| options.squeeze_dims()).into_iter().flatten() {
        let axis = axis_option(site, dim, input.shape().len())?;
        if input.shape()[axis] != 1 {
            let expected = alloc::format!("1 along axis {axis}");
            return Err(input.fault(expected, alloc::format!("shape {:?}", input.shape())));
        }
    }
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

/// A shape that is computed during the run would need memory to be planned again.
fn check_shape_operand(shape: &Operand<'_>, output: &Operand<'_>) -> Result<(), Fault> {
    shape.expect_dtype(DType::Int32)?;
    let Some(constant) = shape.constant() else {
        // Converters compute the shape of a flattening from the batch size; the file's own shape says the outcome.
        return Ok(());
    };
    let wanted = constant.bytes.as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes));
    let fits = |(wanted, found): (i32, &usize)| wanted == -1 || usize::try_from(wanted) == Ok(*found);
    let open = wanted.clone().filter(|dim| *dim == -1).count();
    let is_shape = wanted.len() == output.shape().len() && open <= 1;
    if is_shape && wanted.clone().zip(output.shape()).all(fits) {
        return Ok(());
    }
    let wanted: alloc::vec::Vec<i32> = wanted.collect();
    Err(output.fault(alloc::format!("shape {wanted:?}"), alloc::format!("shape {:?}", output.shape())))
}
