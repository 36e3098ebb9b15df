//! DENSIFY: a sparse constant as a dense one. The model's reader has made it dense already.

use super::{Prepared, Site};
use crate::error::Fault;

/// Prepares DENSIFY: the output is the input under another name.
pub(crate) fn densify(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    input.expect_constant()?;
    output.expect_dtype(input.dtype())?;
    output.expect_shape(input.shape())?;
    Ok(Prepared::view())
}
