//! SQUARED_DIFFERENCE with broadcasting.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::Broadcast;
use edgebench_kernels::reference::binary::for_each_pair;
use edgebench_kernels::reference::number::Number;
use edgebench_kernels::reference::squared_difference::{
    LEFT_SHIFT, SquaredDifferenceI8, squared_difference_i8,
};

use super::map::plain_binary;
use super::pair::Pair;
use super::{Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Prepares SQUARED_DIFFERENCE.
pub(crate) fn squared_difference(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    match pair.dtype() {
        DType::Float32 => Ok(numbers::<f32>(pair.walk)),
        DType::Int32 => Ok(numbers::<i32>(pair.walk)),
        DType::Int8 => {
            let constants = constants(&pair)?;
            let walk = pair.walk;
            Ok(plain_binary(move |left, right, output| {
                squared_difference_i8(&constants, &walk, left, right, output);
            }))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn numbers<T: Pod + Number>(walk: Broadcast) -> Prepared {
    plain_binary(move |left: &[T], right, output| {
        for_each_pair(&walk, left, right, output, |l, r| {
            let difference = l.minus(r);
            difference.times(difference)
        });
    })
}

/// Both operands come to twice the larger scale (LiteRT `squared_difference.cc`; its mix of precisions).
fn constants(pair: &Pair<'_>) -> Result<SquaredDifferenceI8, Fault> {
    let [left, right, output] = pair.quantizations()?;
    let twice_largest = f64::from(2.0 * left.0.max(right.0));
    let headroom = (1u32 << (2 * LEFT_SHIFT)) as f32;
    Ok(SquaredDifferenceI8 {
        left_zero_point: left.1,
        right_zero_point: right.1,
        output_zero_point: output.1,
        left: quantize_multiplier(f64::from(left.0) / twice_largest),
        right: quantize_multiplier(f64::from(right.0) / twice_largest),
        output: quantize_multiplier(twice_largest * twice_largest / f64::from(headroom * output.0)),
    })
}
