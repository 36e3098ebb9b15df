//! IF, WHILE, CALL and STABLEHLO_COMPOSITE: nodes that run other subgraphs. What is checked here is their own; whether values fit the subgraphs is
//! checked where those are prepared.

use alloc::format;

use super::{Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares IF: input 0 decides, the others go to the subgraph that is taken.
pub(crate) fn branch(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let condition = site.input(0)?;
    condition.expect_dtype(DType::Bool)?;
    condition.expect_elements(1)?;
    calling(site)
}

/// Prepares WHILE: as many outputs as inputs, which are the values before the first and after the last round.
pub(crate) fn repeat(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (inputs, outputs) = (site.node().inputs.len(), site.node().outputs.len());
    if inputs != outputs {
        return Err(Fault::mismatch(site.place(), format!("{inputs} outputs"), format!("{outputs}")));
    }
    calling(site)
}

/// Prepares CALL and STABLEHLO_COMPOSITE: the subgraph gets all inputs and gives all outputs. Of a composite operator that is
/// its decomposition, which computes the same as the operator that it is named after.
pub(crate) fn call(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    calling(site)
}

pub(super) fn calling(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let call = site.node().call.ok_or_else(|| Fault::missing(site.place(), "options"))?;
    Ok(Prepared::call(call))
}
