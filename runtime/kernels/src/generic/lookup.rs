//! Functions of one int8 element by a table of 256.

use crate::reference::hard_swish::HardSwish;
use crate::reference::lookup::{Table256, look_up};

/// Below this many elements the function itself is quicker than its table.
const WORTH_A_TABLE: usize = 512;

/// HARD_SWISH by a table that `look_up` reads.
pub(crate) fn hard_swish(
    constants: &HardSwish,
    input: &[i8],
    output: &mut [i8],
    look_up: fn(&Table256<i8>, &[i8], &mut [i8]),
) {
    if input.len() < WORTH_A_TABLE {
        return crate::reference::hard_swish::hard_swish_quantized(constants, input, output);
    }
    let table = Table256(core::array::from_fn(|index| constants.apply(index as u8 as i8)));
    look_up(&table, input, output);
}

/// HARD_SWISH on int8.
pub fn hard_swish_i8(constants: &HardSwish, input: &[i8], output: &mut [i8]) {
    hard_swish(constants, input, output, look_up);
}
