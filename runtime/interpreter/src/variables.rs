//! What belongs to an interpreter and not to one subgraph: values that nodes assign and read by name, and how often one
//! inference has called.

use alloc::format;
use alloc::vec::Vec;

use crate::error::Fault;
use crate::memory::{Aligned, Frame};
use crate::model::Access;

/// Calls of subgraphs in one inference. Genuine loops walk over the steps of a sequence; one whose condition never fails,
/// and calls that multiply from subgraph to subgraph, must end too.
const MAX_CALLS: u32 = 1 << 21;

/// The variables of one interpreter, and which subgraphs of CALL_ONCE have run.
#[derive(Default)]
pub(crate) struct Variables {
    values: Vec<Variable>,
    /// By program.
    called: Vec<bool>,
    /// Calls of this inference.
    calls: u32,
}

struct Variable {
    value: Aligned,
    /// Whether anything has assigned it since the first values were lost.
    is_assigned: bool,
}

impl Variables {
    /// Variables of these sizes in bytes, without values.
    pub(crate) fn new(sizes: impl Iterator<Item = usize>, programs: usize) -> Result<Self, Fault> {
        let variable = |bytes: usize| {
            let value = Aligned::zeroed(bytes)
                .ok_or_else(|| Fault::mismatch("variables", format!("{bytes} bytes of memory"), "less"))?;
            Ok(Variable { value, is_assigned: false })
        };
        Ok(Self {
            values: sizes.map(variable).collect::<Result<_, Fault>>()?,
            called: alloc::vec![false; programs],
            calls: 0,
        })
    }

    /// Notes that an inference begins.
    pub(crate) fn begin(&mut self) {
        self.calls = 0;
    }

    /// Notes a call of a subgraph.
    ///
    /// # Errors
    /// When there have been too many.
    pub(crate) fn count_call(&mut self) -> Result<(), Fault> {
        self.calls = self.calls.saturating_add(1);
        if self.calls <= MAX_CALLS {
            return Ok(());
        }
        Err(Fault::limit("inference", "number of calls", u64::from(self.calls), u64::from(MAX_CALLS)))
    }

    /// Takes every value away.
    pub(crate) fn reset(&mut self) {
        self.values.iter_mut().for_each(|variable| variable.is_assigned = false);
        self.called.fill(false);
    }

    /// Whether this is the first call of a program; none after it is.
    pub(crate) fn is_first_call(&mut self, program: usize) -> bool {
        self.called.get_mut(program).is_some_and(|called| !core::mem::replace(called, true))
    }

    /// Runs a node that reads or assigns. Preparation has made its tensor and the variable of one size.
    ///
    /// # Errors
    /// When a variable is read that nothing has assigned.
    pub(crate) fn access(&mut self, access: Access, frame: Frame<'_>) -> Result<(), Fault> {
        match access {
            Access::Read(number) => match self.values.get(number).filter(|variable| variable.is_assigned) {
                Some(variable) => {
                    frame.outputs.bytes().copy_from_slice(variable.value.bytes());
                    Ok(())
                }
                None => Err(Fault::mismatch(format!("variable {number}"), "a value", "none yet")),
            },
            Access::Assign(number) => {
                if let Some(variable) = self.values.get_mut(number) {
                    variable.value.bytes_mut().copy_from_slice(frame.inputs.bytes(1));
                    variable.is_assigned = true;
                }
                Ok(())
            }
        }
    }
}
