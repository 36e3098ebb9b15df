//! Sums over the taps of depthwise windows.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use core::arch::aarch64::*;

use crate::generic::depthwise_floats::FloatTaps;
use crate::generic::depthwise_lines::{LANES, LineTaps};
use crate::isa::Neon;

impl LineTaps for Neon {
    #[inline(always)]
    fn sums<const M: usize>(
        self,
        lines: &[i8],
        step: usize,
        taps: &[usize],
        reach: usize,
        weights: &[i8],
    ) -> [[[i32; LANES]; 1]; M] {
        assert!(
            M > 0 && lines.len() >= (M - 1) * step + reach + LANES && weights.len() >= taps.len() * LANES
        );
        let mut sums = [[[0; LANES]; 1]; M];
        // SAFETY: the token proves the instructions. Each tap is asserted to lie within `reach`, so that pixel `m` reads 16
        // bytes below `m * step + reach + 16`; weights are 16 a tap; `sums` holds 4 numbers a store.
        unsafe {
            let mut registers = [[vdupq_n_s32(0); 4]; M];
            for (index, &[first, second]) in taps.as_chunks::<2>().0.iter().enumerate() {
                assert!(first <= reach && second <= reach);
                let weight = vld1q_s8(weights.as_ptr().add(2 * LANES * index));
                let next = vld1q_s8(weights.as_ptr().add(2 * LANES * index + LANES));
                for m in 0..M {
                    let input = vld1q_s8(lines.as_ptr().add(m * step + first));
                    let below = vld1q_s8(lines.as_ptr().add(m * step + second));
                    let low = vmull_s8(vget_low_s8(input), vget_low_s8(weight));
                    let low = vmlal_s8(low, vget_low_s8(below), vget_low_s8(next));
                    let high = vmlal_high_s8(vmull_high_s8(input, weight), below, next);
                    let [a, b, c, d] = registers[m];
                    registers[m] = [
                        vaddw_s16(a, vget_low_s16(low)),
                        vaddw_high_s16(b, low),
                        vaddw_s16(c, vget_low_s16(high)),
                        vaddw_high_s16(d, high),
                    ];
                }
            }
            for m in 0..M {
                for quarter in 0..4 {
                    vst1q_s32(sums[m][0].as_mut_ptr().add(4 * quarter), registers[m][quarter]);
                }
            }
        }
        sums
    }
}

impl FloatTaps for Neon {
    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        self,
        input: &[f32],
        step: usize,
        taps: &[(usize, usize)],
        weights: &[f32],
    ) -> [[[f32; 16]; P]; M] {
        let (input_room, weight_room) = (input.len(), weights.len());
        let mut sums = [[[0.0; 16]; P]; M];
        // Sixteen channels of four pixels fill half of the registers.
        for p in 0..P {
            // SAFETY: the token proves the instructions. Each tap is asserted to hold 16 channels in the weights, and in the
            // input as many at the last pixel, which reads furthest; `sums` holds 4 numbers a store.
            unsafe {
                let mut registers = [[vdupq_n_f32(0.0); 4]; M];
                for &(place, weight) in taps {
                    let (place, weight) = (place + 16 * p, weight + 16 * p);
                    assert!(M > 0 && place + (M - 1) * step + 16 <= input_room && weight + 16 <= weight_room);
                    for quarter in 0..4 {
                        let weight = vld1q_f32(weights.as_ptr().add(weight + 4 * quarter));
                        for m in 0..M {
                            let input = vld1q_f32(input.as_ptr().add(place + m * step + 4 * quarter));
                            registers[m][quarter] = vfmaq_f32(registers[m][quarter], input, weight);
                        }
                    }
                }
                for m in 0..M {
                    for quarter in 0..4 {
                        vst1q_f32(sums[m][p].as_mut_ptr().add(4 * quarter), registers[m][quarter]);
                    }
                }
            }
        }
        sums
    }
}
