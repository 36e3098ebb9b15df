//! Functions of one byte by table permutes: the 256 entries are held in sixteen registers.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use core::arch::aarch64::*;

use crate::generic;
use crate::isa::Neon;
use crate::reference::hard_swish::HardSwish;
use crate::reference::lookup::{self, Table256};

/// Looks every element up, 16 at a time.
pub(crate) fn look_up_i8(table: &Table256<i8>, input: &[i8], output: &mut [i8]) {
    match Neon::detect() {
        // SAFETY: the token proves the instructions.
        Some(_) => unsafe { permute(table, input, output) },
        None => lookup::look_up(table, input, output),
    }
}

/// HARD_SWISH by a table.
pub(crate) fn hard_swish_i8(constants: &HardSwish, input: &[i8], output: &mut [i8]) {
    generic::lookup::hard_swish(constants, input, output, look_up_i8);
}

/// Each quarter of the table knows the indices below 64, and leaves the others as they are.
#[target_feature(enable = "neon")]
fn permute(table: &Table256<i8>, input: &[i8], output: &mut [i8]) {
    assert_eq!(input.len(), output.len());
    // SAFETY: the table has 256 bytes, of which each quarter reads 64.
    let quarters: [int8x16x4_t; 4] =
        core::array::from_fn(|quarter| unsafe { vld1q_s8_x4(table.0.as_ptr().add(64 * quarter)) });
    let (outputs, rest) = output.as_chunks_mut::<16>();
    let (inputs, rest_of_input) = input.as_chunks::<16>();
    for (output, input) in outputs.iter_mut().zip(inputs) {
        // SAFETY: both are 16 bytes.
        unsafe {
            let index = vld1q_u8(input.as_ptr().cast());
            let found = vqtbl4q_s8(quarters[0], index);
            let found = vqtbx4q_s8(found, quarters[1], vsubq_u8(index, vdupq_n_u8(64)));
            let found = vqtbx4q_s8(found, quarters[2], vsubq_u8(index, vdupq_n_u8(128)));
            let found = vqtbx4q_s8(found, quarters[3], vsubq_u8(index, vdupq_n_u8(192)));
            vst1q_s8(output.as_mut_ptr(), found);
        }
    }
    lookup::look_up(table, rest_of_input, rest);
}
