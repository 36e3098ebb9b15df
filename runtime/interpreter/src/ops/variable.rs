//! VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE: values with a name of their own, which live from one inference to the
//! next and which all subgraphs share; and CALL_ONCE, which gives them their first values. A handle is the variable's
//! number, and has to be known before the first run.

use super::{ConstantData, Operand, Prepared, Reads, Site, Step, calling};
use crate::error::Fault;
use crate::memory::Frame;
use crate::model::Access;
use crate::tensor::DType;

struct Handle(u32);

/// Prepares VAR_HANDLE.
pub(crate) fn var_handle(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let output = site.output(0)?;
    let number = site.node().variable.ok_or_else(|| Fault::missing(site.place(), "options"))?;
    output.expect_dtype(DType::Resource)?;
    output.expect_elements(1)?;
    Ok(Prepared { reads: Reads::Only(&[]), ..Prepared::run("handle", Handle(number)) })
}

impl Step for Handle {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        frame.outputs.bytes().copy_from_slice(&self.0.to_le_bytes());
        Ok(())
    }
}

/// Prepares READ_VARIABLE: the output has the variable's value.
pub(crate) fn read_variable(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    Ok(Prepared::access(Access::Read(number(&site.input(0)?)?)))
}

/// Prepares ASSIGN_VARIABLE: the variable takes the value of input 1.
pub(crate) fn assign_variable(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    Ok(Prepared::access(Access::Assign(number(&site.input(0)?)?)))
}

/// Prepares CALL_ONCE.
pub(crate) fn call_once(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    calling(site)
}

fn number(handle: &Operand<'_>) -> Result<usize, Fault> {
    handle.expect_dtype(DType::Resource)?;
    let ConstantData { bytes, .. } = handle.expect_constant()?;
    let number = bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
    number.ok_or_else(|| handle.fault("a handle", "none"))
}
