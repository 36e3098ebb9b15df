//! The operators that there are: one line each. Adding one touches its file in `ops`, this table, and the kernels.

use alloc::format;
use core::ops::RangeInclusive;

use edgebench_schema::tflite::BuiltinOperator as Builtin;

use crate::error::Fault;
use crate::model::Node;
use crate::ops::{self, Prepared, Site};

type Prepare = for<'s, 'm> fn(&Site<'s, 'm>) -> Result<Prepared, Fault>;

/// One operator.
pub(crate) struct Entry {
    operator: Builtin,
    /// The newest version whose meaning is known here (LiteRT's `register.cc` has the same table).
    newest_version: i32,
    /// How many inputs it may list, absent ones included.
    inputs: RangeInclusive<usize>,
    /// Inputs from this slot on may be absent.
    optional_from: usize,
    /// How many outputs it has; `ANY` for one or more.
    outputs: usize,
    pub(crate) prepare: Prepare,
}

const ANY: usize = usize::MAX;

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    //    operator                    version   inputs  optional from  outputs  prepare
    entry(Builtin::ADD,                   5,    2..=2,     ANY,        1, ops::add),
    entry(Builtin::AVERAGE_POOL_2D,       3,    1..=1,     ANY,        1, ops::average_pool_2d),
    entry(Builtin::CONCATENATION,         5,  1..=ANY,     ANY,        1, ops::concatenation),
    entry(Builtin::CONV_2D,               8,    2..=3,       2,        1, ops::conv_2d),
    entry(Builtin::DEPTHWISE_CONV_2D,     7,    2..=3,       2,        1, ops::depthwise_conv_2d),
    entry(Builtin::DEQUANTIZE,            6,    1..=1,     ANY,        1, ops::dequantize),
    entry(Builtin::FULLY_CONNECTED,      14,    2..=3,       2,        1, ops::fully_connected),
    entry(Builtin::HARD_SWISH,            1,    1..=1,     ANY,        1, ops::hard_swish),
    entry(Builtin::LOGISTIC,              3,    1..=1,     ANY,        1, ops::logistic),
    entry(Builtin::MAX_POOL_2D,           3,    1..=1,     ANY,        1, ops::max_pool_2d),
    entry(Builtin::MEAN,                  3,    2..=2,     ANY,        1, ops::mean),
    entry(Builtin::MUL,                   7,    2..=2,     ANY,        1, ops::mul),
    entry(Builtin::PAD,                   4,    2..=2,     ANY,        1, ops::pad),
    entry(Builtin::QUANTIZE,              4,    1..=1,     ANY,        1, ops::quantize),
    entry(Builtin::RELU,                  3,    1..=1,     ANY,        1, ops::relu),
    entry(Builtin::RELU6,                 3,    1..=1,     ANY,        1, ops::relu6),
    entry(Builtin::RESHAPE,               1,    1..=2,       1,        1, ops::reshape),
    entry(Builtin::SOFTMAX,               3,    1..=1,     ANY,        1, ops::softmax),
    entry(Builtin::SQUEEZE,               2,    1..=1,     ANY,        1, ops::squeeze),
    entry(Builtin::SUB,                   5,    2..=2,     ANY,        1, ops::sub),
];

const fn entry(
    operator: Builtin,
    newest_version: i32,
    inputs: RangeInclusive<usize>,
    optional_from: usize,
    outputs: usize,
    prepare: Prepare,
) -> Entry {
    Entry { operator, newest_version, inputs, optional_from, outputs, prepare }
}

/// The entry of an operator; none when it is not one of ours.
pub(crate) fn find(operator: Builtin) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.operator == operator)
}

/// Checks the number of inputs and outputs of a node whose operator is known, and that required inputs are there.
pub(crate) fn check_arity(node: &Node, place: &str) -> Result<(), Fault> {
    let Some(entry) = find(node.operator) else { return Ok(()) };
    if !entry.inputs.contains(&node.inputs.len()) {
        let (least, most) = (entry.inputs.start(), entry.inputs.end());
        let expected = if *most == ANY { format!("{least} or more") } else { format!("{least} to {most}") };
        return Err(Fault::mismatch(place, format!("{expected} inputs"), format!("{}", node.inputs.len())));
    }
    let fits =
        if entry.outputs == ANY { !node.outputs.is_empty() } else { node.outputs.len() == entry.outputs };
    if !fits {
        let least = if entry.outputs == ANY { "1 or more".into() } else { format!("{}", entry.outputs) };
        let expected = format!("number of outputs {least}");
        return Err(Fault::mismatch(place, expected, format!("{}", node.outputs.len())));
    }
    let required = node.inputs.iter().enumerate().take(entry.optional_from);
    match required.into_iter().find(|(_, tensor)| tensor.is_none()) {
        Some((slot, _)) => Err(Fault::missing(format!("{place} input {slot}"), "tensor")),
        None => Ok(()),
    }
}

/// The entry that prepares a node.
pub(crate) fn entry_of(node: &Node, place: &str) -> Result<&'static Entry, Fault> {
    let entry = find(node.operator).ok_or_else(|| Fault::unsupported(place, "operator"))?;
    if node.version < 1 || node.version > entry.newest_version {
        let expected = format!("version 1 to {}", entry.newest_version);
        return Err(Fault::mismatch(place, expected, format!("{}", node.version)));
    }
    Ok(entry)
}
