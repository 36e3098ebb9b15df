//! What belongs to an interpreter and not to one subgraph: values that nodes assign and read by name, and how often one
//! inference has called.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Fault;
use crate::memory::{Aligned, Room};
use crate::tensor::DType;

/// Calls of subgraphs in one inference. Genuine loops walk over the steps of a sequence; one whose condition never fails,
/// and calls that multiply from subgraph to subgraph, must end too.
const MAX_CALLS: u32 = 1 << 21;

/// A node that is prepared in the run, and with it a subgraph, counts as so many calls: it takes longer.
const CALLS_A_PREPARATION: u32 = 1 << 5;

/// The variables of one interpreter, and which subgraphs of CALL_ONCE have run.
#[derive(Default)]
pub(crate) struct Variables {
    list: Vec<Variable>,
    /// Subgraphs, by index in the file.
    called: Vec<usize>,
    /// Calls of this inference.
    calls: u32,
    /// The variable whose shape a node would change.
    changing: Option<usize>,
}

#[derive(Default)]
struct Variable {
    /// Type and shape that preparation counts on, once a node has said them.
    planned: Option<(DType, Vec<usize>)>,
    /// The type and shape of the value.
    dtype: Option<DType>,
    shape: Vec<usize>,
    value: Aligned,
    /// Whether only a run knows its shape.
    is_late: bool,
    /// Whether anything has assigned it since the first values were lost.
    is_assigned: bool,
}

impl Variables {
    /// So many variables without values.
    pub(crate) fn new(count: usize) -> Self {
        let list = (0..count).map(|_| Variable::default()).collect();
        Self { list, ..Self::default() }
    }

    /// Type and shape of a variable: those that the first node that touches it says.
    ///
    /// # Errors
    /// When there is no such variable.
    pub(crate) fn settle(
        &mut self,
        number: usize,
        dtype: DType,
        shape: &[usize],
    ) -> Result<(DType, &[usize]), Fault> {
        let variable = self.variable(number)?;
        let (dtype, shape) = variable.planned.get_or_insert_with(|| (dtype, shape.to_vec()));
        Ok((*dtype, shape))
    }

    /// Lets the shapes of these variables be known in the run only.
    pub(crate) fn set_late(&mut self, numbers: &[usize]) {
        for variable in numbers {
            if let Some(variable) = self.list.get_mut(*variable) {
                variable.is_late = true;
            }
        }
    }

    pub(crate) fn is_late(&self, number: usize) -> bool {
        self.list.get(number).is_some_and(|variable| variable.is_late)
    }

    pub(crate) fn note_changing(&mut self, number: usize) {
        self.changing = Some(number);
    }

    pub(crate) fn take_changing(&mut self) -> Option<usize> {
        self.changing.take()
    }

    fn variable(&mut self, number: usize) -> Result<&mut Variable, Fault> {
        let count = self.list.len();
        let expected = || format!("a variable below {count}");
        self.list.get_mut(number).ok_or_else(|| Fault::mismatch(place(number), expected(), "none"))
    }

    /// Takes memory for every variable that preparation knows.
    pub(crate) fn reserve(&mut self, room: &mut Room) -> Result<(), Fault> {
        for (number, variable) in self.list.iter_mut().enumerate() {
            let bytes = variable.planned_bytes();
            room.plan(bytes, || place(number))?;
            if variable.value.bytes().len() != bytes {
                variable.value = Aligned::zeroed(bytes).ok_or_else(|| {
                    Fault::mismatch("variables", format!("{bytes} bytes of memory"), "less")
                })?;
            }
        }
        Ok(())
    }

    /// Bytes of all variables that preparation knows.
    pub(crate) fn planned_bytes(&self) -> usize {
        self.list.iter().map(Variable::planned_bytes).fold(0, usize::saturating_add)
    }

    /// Bytes of all variables whose values have another size than preparation knows.
    pub(crate) fn late_bytes(&self) -> usize {
        let late =
            self.list.iter().filter(|variable| variable.value.bytes().len() != variable.planned_bytes());
        late.map(|variable| variable.value.bytes().len()).fold(0, usize::saturating_add)
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
        self.count(1)
    }

    /// Notes a preparation during the run.
    ///
    /// # Errors
    /// When there has been too much.
    pub(crate) fn count_preparation(&mut self) -> Result<(), Fault> {
        self.count(CALLS_A_PREPARATION)
    }

    fn count(&mut self, calls: u32) -> Result<(), Fault> {
        self.calls = self.calls.saturating_add(calls);
        if self.calls <= MAX_CALLS {
            return Ok(());
        }
        Err(Fault::limit("inference", "number of calls", u64::from(self.calls), u64::from(MAX_CALLS)))
    }

    /// Takes every value away.
    pub(crate) fn reset(&mut self) {
        self.list.iter_mut().for_each(|variable| variable.is_assigned = false);
        self.called.clear();
    }

    /// Whether this is the first call of a subgraph; none after it is.
    pub(crate) fn is_first_call(&mut self, subgraph: usize) -> bool {
        let is_first = !self.called.contains(&subgraph);
        if is_first {
            self.called.push(subgraph);
        }
        is_first
    }

    /// The type, shape and elements of a variable.
    ///
    /// # Errors
    /// When there is no such variable, or nothing has assigned it.
    pub(crate) fn read(&self, number: usize) -> Result<(DType, &[usize], &[u8]), Fault> {
        let count = self.list.len();
        let expected = || format!("a variable below {count}");
        let variable = self.list.get(number);
        let variable = variable.ok_or_else(|| Fault::mismatch(place(number), expected(), "none"))?;
        match variable.dtype.filter(|_| variable.is_assigned) {
            Some(dtype) => Ok((dtype, &variable.shape, variable.value.bytes())),
            None => Err(Fault::mismatch(place(number), "a value", "none yet")),
        }
    }

    /// Gives a variable a value.
    ///
    /// # Errors
    /// When there is no such variable, the type is not the variable's, or there is no room for another size than before.
    pub(crate) fn assign(
        &mut self,
        number: usize,
        (dtype, shape): (DType, &[usize]),
        value: &[u8],
        room: &mut Room,
    ) -> Result<(), Fault> {
        let variable = self.variable(number)?;
        let known = variable.planned.as_ref().map(|(dtype, _)| *dtype).or(variable.dtype);
        if let Some(known) = known.filter(|known| *known != dtype) {
            return Err(Fault::mismatch(place(number), known.name(), dtype.name()));
        }
        if variable.value.bytes().len() != value.len() {
            let (planned, old) = (variable.planned_bytes(), variable.value.bytes().len());
            variable.value = Aligned::default();
            room.give(if old == planned { 0 } else { old });
            variable.value = room.take(value.len())?;
        }
        variable.dtype = Some(dtype);
        variable.shape.clear();
        variable.shape.extend_from_slice(shape);
        variable.value.bytes_mut().copy_from_slice(value);
        variable.is_assigned = true;
        Ok(())
    }
}

impl Variable {
    fn planned_bytes(&self) -> usize {
        self.planned.as_ref().map_or(0, |(dtype, shape)| dtype.bytes_of(shape.iter().product()))
    }
}

fn place(number: usize) -> String {
    format!("variable {number}")
}
