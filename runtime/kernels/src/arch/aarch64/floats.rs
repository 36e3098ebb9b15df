//! The tile of floats: fused products with one lane of the inputs.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use core::arch::aarch64::*;

use crate::generic::tile::{Tile, as_they_are};
use crate::isa::Neon;

/// 8 channels in two registers, four steps of depth at once.
pub(crate) struct Floats8;

impl Tile<8> for Floats8 {
    as_they_are!(f32, f32);

    type Isa = Neon;

    const GROUP: usize = 1;
    const PANELS: usize = 2;

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: Neon,
        inputs: &[f32],
        stride: usize,
        panels: &[f32],
        depth: usize,
    ) -> [[[f32; 8]; P]; M] {
        assert!(M > 0 && inputs.len() >= (M - 1) * stride + depth);
        assert!(panels.len() >= P * depth * 8);
        let mut sums = [[[0.0; 8]; P]; M];
        // SAFETY: the token proves the instructions. Row `m` is read at `m * stride + 0..depth` and panel `p` at
        // `(p * depth + 0..depth) * 8`, which the assertions hold inside the slices; `sums` holds 8 numbers a store.
        unsafe {
            let mut registers = [[[vdupq_n_f32(0.0); 2]; P]; M];
            let mut k = 0;
            while k + 4 <= depth {
                let mut rows = [vdupq_n_f32(0.0); M];
                for m in 0..M {
                    rows[m] = vld1q_f32(inputs.as_ptr().add(m * stride + k));
                }
                let panels = panels.as_ptr().add(k * 8);
                step::<0, M, P>(&mut registers, &rows, panels, depth);
                step::<1, M, P>(&mut registers, &rows, panels, depth);
                step::<2, M, P>(&mut registers, &rows, panels, depth);
                step::<3, M, P>(&mut registers, &rows, panels, depth);
                k += 4;
            }
            while k < depth {
                let mut rows = [vdupq_n_f32(0.0); M];
                for m in 0..M {
                    rows[m] = vld1q_dup_f32(inputs.as_ptr().add(m * stride + k));
                }
                step::<0, M, P>(&mut registers, &rows, panels.as_ptr().add(k * 8), depth);
                k += 1;
            }
            for m in 0..M {
                for p in 0..P {
                    let sums = sums[m][p].as_mut_ptr();
                    vst1q_f32(sums, registers[m][p][0]);
                    vst1q_f32(sums.add(4), registers[m][p][1]);
                }
            }
        }
        sums
    }
}

/// One step of depth: lane `LANE` of each row times the weights `LANE` steps behind `panels`.
///
/// # Safety
/// The CPU has NEON, and each panel, `depth * 8` behind the one before, holds 8 weights there.
#[inline(always)]
unsafe fn step<const LANE: i32, const M: usize, const P: usize>(
    registers: &mut [[[float32x4_t; 2]; P]; M],
    rows: &[float32x4_t; M],
    panels: *const f32,
    depth: usize,
) {
    for p in 0..P {
        // SAFETY: the caller's promise.
        unsafe {
            let weights = panels.add(p * depth * 8 + LANE as usize * 8);
            let weights = [vld1q_f32(weights), vld1q_f32(weights.add(4))];
            for m in 0..M {
                let [low, high] = registers[m][p];
                registers[m][p] = [
                    vfmaq_laneq_f32::<LANE>(low, weights[0], rows[m]),
                    vfmaq_laneq_f32::<LANE>(high, weights[1], rows[m]),
                ];
            }
        }
    }
}
