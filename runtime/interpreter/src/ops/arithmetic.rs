//! ADD, SUB and MUL with broadcasting, on floats, quantized values and plain integers.

use alloc::boxed::Box;
use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::binary::{self, AddPowerOfTwo, AddQuantized, MulQuantized};
use edgebench_kernels::reference::lookup::Table256;
use edgebench_kernels::reference::number::Number;
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_kernels::table::{self, AddI8Fn, BinaryF32};
use edgebench_kernels::{Broadcast, Choice, Clamp, Set, Table};
use edgebench_schema::tflite::ActivationFunctionType;

use super::filter::{float_clamp, number_clamp, quantized_clamp};
use super::map::{binary, plain_binary};
use super::pair::Pair;
use super::{OfBytes, Prepared, Site};
use crate::error::Fault;
use crate::quant::{power_of_two, quantize_multiplier};
use crate::tensor::DType;

type Quantity<C, T> = fn(&C, &Broadcast, &[T], &[T], &mut [T]);
type Numbers<T> = fn(Clamp<T>, &Broadcast, &[T], &[T], &mut [T]);

/// The kernels of one operator.
struct Kernels {
    floats: &'static Table<BinaryF32>,
    int8: &'static Table<AddI8Fn>,
    uint8: Quantity<AddQuantized<u8>, u8>,
    int16: Quantity<AddQuantized<i16>, i16>,
    power_of_two: fn(AddPowerOfTwo, i16, i16) -> i16,
    plain_int16: Option<Numbers<i16>>,
    int32: Numbers<i32>,
    int64: Numbers<i64>,
}

const ADD: Kernels = Kernels {
    floats: &table::ADD_F32,
    int8: &table::ADD_I8,
    uint8: binary::add_quantized,
    int16: binary::add_quantized,
    power_of_two: AddPowerOfTwo::add,
    plain_int16: Some(binary::add_numbers),
    int32: binary::add_numbers,
    int64: binary::add_numbers,
};

const SUB: Kernels = Kernels {
    floats: &table::SUB_F32,
    int8: &table::SUB_I8,
    uint8: binary::sub_quantized,
    int16: binary::sub_quantized,
    power_of_two: AddPowerOfTwo::sub,
    plain_int16: None,
    int32: binary::sub_numbers,
    int64: binary::sub_numbers,
};

/// How a sum is computed.
struct Sum<'m> {
    pair: Pair<'m>,
    activation: ActivationFunctionType,
    /// Whether int16 scales that are powers of two are taken as such.
    is_power_of_two: bool,
}

/// Prepares ADD.
pub(crate) fn add(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_add_options())?;
    let (activation, is_power_of_two) = (options.fused_activation_function(), options.pot_scale_int16());
    let sum = Sum { pair: Pair::of(site)?, activation, is_power_of_two };
    if sum.pair.dtype() == DType::Int16 && sum.pair.left.is_quantized() {
        sum.pair.expect_no_zero_points()?;
    }
    prepare_sum(site, sum, &ADD)
}

/// Prepares SUB.
pub(crate) fn sub(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_sub_options())?;
    let (activation, is_power_of_two) = (options.fused_activation_function(), options.pot_scale_int16());
    prepare_sum(site, Sum { pair: Pair::of(site)?, activation, is_power_of_two }, &SUB)
}

/// Prepares MUL.
pub(crate) fn mul(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_mul_options())?;
    let activation = options.fused_activation_function();
    let pair = Pair::of(site)?;
    match pair.dtype() {
        DType::Float32 => float(site, pair, activation, &table::MUL_F32),
        DType::Int8 => {
            let constants = mul_constants(site, &pair, activation)?;
            let walk = pair.walk;
            let row = table::MUL_I8.select(site.choice());
            Ok(Prepared {
                of_bytes: (site.choice() != Choice::UpTo(Set::Reference))
                    .then(|| product_of_bytes(constants)),
                ..binary(row, move |kernel, left, right, output| {
                    kernel(&constants, &walk, left, right, output);
                })
            })
        }
        DType::UInt8 => quantized(mul_constants(site, &pair, activation)?, pair, binary::mul_quantized::<u8>),
        DType::Int16 if pair.output.is_quantized() => {
            pair.expect_no_zero_points()?;
            quantized(mul_constants(site, &pair, activation)?, pair, binary::mul_quantized::<i16>)
        }
        DType::Int16 => numbers(site, pair, activation, binary::mul_numbers::<i16>),
        DType::Int32 => numbers(site, pair, activation, binary::mul_numbers::<i32>),
        DType::Int64 => numbers(site, pair, activation, binary::mul_numbers::<i64>),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// MUL of 256 elements, as the reference has it.
fn product_of_bytes(constants: MulQuantized<i8>) -> OfBytes {
    Box::new(move |inputs| {
        let mut products = Table256([0; 256]);
        if let (Some(walk), [left, right]) = (Broadcast::new(&[256], &[256]), inputs) {
            binary::mul_quantized(&constants, &walk, &left.0, &right.0, &mut products.0);
        }
        products
    })
}

fn prepare_sum(site: &Site<'_, '_>, sum: Sum<'_>, kernels: &Kernels) -> Result<Prepared, Fault> {
    let Sum { activation, .. } = sum;
    match sum.pair.dtype() {
        DType::Float32 => float(site, sum.pair, activation, kernels.floats),
        DType::Int8 => {
            let constants = sum_constants(site, &sum, LEFT_SHIFT_8_BITS)?;
            let walk = sum.pair.walk;
            let row = kernels.int8.select(site.choice());
            Ok(binary(row, move |kernel, left, right, output| kernel(&constants, &walk, left, right, output)))
        }
        DType::UInt8 => quantized(sum_constants(site, &sum, LEFT_SHIFT_8_BITS)?, sum.pair, kernels.uint8),
        DType::Int16 => int16_sum(site, sum, kernels),
        DType::Int32 => numbers(site, sum.pair, activation, kernels.int32),
        DType::Int64 => numbers(site, sum.pair, activation, kernels.int64),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Without scales int16 are plain integers; with scales that are powers of two they are shifted.
fn int16_sum(site: &Site<'_, '_>, sum: Sum<'_>, kernels: &Kernels) -> Result<Prepared, Fault> {
    if let (false, Some(kernel)) = (sum.pair.left.is_quantized(), kernels.plain_int16) {
        return numbers(site, sum.pair, sum.activation, kernel);
    }
    let [left, right, output] = sum.pair.quantizations()?;
    let exponents = [left.0, right.0, output.0].map(power_of_two);
    let has_zero_points = [left.1, right.1, output.1] != [0; 3];
    match exponents {
        [Some(left), Some(right), Some(to)] if sum.is_power_of_two && !has_zero_points => {
            let constants = power_of_two_constants(site, &sum, [left - to, right - to])?;
            let (walk, kernel) = (sum.pair.walk, kernels.power_of_two);
            Ok(plain_binary(move |left, right, output| {
                binary::for_each_pair(&walk, left, right, output, |l, r| kernel(constants, l, r));
            }))
        }
        _ => quantized(sum_constants(site, &sum, LEFT_SHIFT_16_BITS)?, sum.pair, kernels.int16),
    }
}

/// One operand has the output's scale, the other a smaller one (LiteRT `add.cc`).
fn power_of_two_constants(
    site: &Site<'_, '_>,
    sum: &Sum<'_>,
    [left, right]: [i32; 2],
) -> Result<AddPowerOfTwo, Fault> {
    if left > 0 || right > 0 || (left != 0 && right != 0) {
        let found = format!("2^{left} and 2^{right} of the output's scale");
        return Err(Fault::mismatch(
            site.place(),
            "one operand at the output's scale, the other below",
            found,
        ));
    }
    let activation = quantized_clamp(sum.activation, sum.pair.output.per_tensor()?, site)?;
    let shift = |exponent: i32| exponent.unsigned_abs().min(31);
    Ok(AddPowerOfTwo { left_shift: shift(left), right_shift: shift(right), activation })
}

fn float(
    site: &Site<'_, '_>,
    pair: Pair<'_>,
    activation: ActivationFunctionType,
    kernels: &Table<BinaryF32>,
) -> Result<Prepared, Fault> {
    let activation = float_clamp(activation, site)?;
    let walk = pair.walk;
    let row = kernels.select(site.choice());
    Ok(binary(row, move |kernel, left, right, output| kernel(activation, &walk, left, right, output)))
}

fn quantized<C: Send + Sync + 'static, T: Pod>(
    constants: C,
    pair: Pair<'_>,
    kernel: Quantity<C, T>,
) -> Result<Prepared, Fault> {
    let walk = pair.walk;
    Ok(plain_binary(move |left, right, output| kernel(&constants, &walk, left, right, output)))
}

fn numbers<T: Pod + Number + Send + Sync>(
    site: &Site<'_, '_>,
    pair: Pair<'_>,
    activation: ActivationFunctionType,
    kernel: Numbers<T>,
) -> Result<Prepared, Fault> {
    let activation = number_clamp(activation, site)?;
    let walk = pair.walk;
    Ok(plain_binary(move |left, right, output| kernel(activation, &walk, left, right, output)))
}

/// Bits of headroom of sums (LiteRT `add.cc`).
const LEFT_SHIFT_8_BITS: u32 = 20;
const LEFT_SHIFT_16_BITS: u32 = 15;

/// Both operands come to twice the larger scale (LiteRT `add.cc`, `sub.cc`; its mix of precisions).
fn sum_constants<T: Quantized>(
    site: &Site<'_, '_>,
    sum: &Sum<'_>,
    left_shift: u32,
) -> Result<AddQuantized<T>, Fault> {
    let [left, right, output] = sum.pair.quantizations()?;
    let twice_largest = f64::from(2.0 * left.0.max(right.0));
    let headroom = (1u32 << left_shift) as f32;
    Ok(AddQuantized {
        left_zero_point: left.1,
        right_zero_point: right.1,
        output_zero_point: output.1,
        left_shift,
        left: quantize_multiplier(f64::from(left.0) / twice_largest),
        right: quantize_multiplier(f64::from(right.0) / twice_largest),
        output: quantize_multiplier(twice_largest / f64::from(headroom * output.0)),
        activation: quantized_clamp(sum.activation, output, site)?,
    })
}

/// The product of the scales is rounded to single precision at each step (LiteRT `mul.cc`).
fn mul_constants<T: Quantized>(
    site: &Site<'_, '_>,
    pair: &Pair<'_>,
    activation: ActivationFunctionType,
) -> Result<MulQuantized<T>, Fault> {
    let [left, right, output] = pair.quantizations()?;
    Ok(MulQuantized {
        left_zero_point: left.1,
        right_zero_point: right.1,
        output_zero_point: output.1,
        output: quantize_multiplier(f64::from(left.0 * right.0 / output.0)),
        activation: quantized_clamp(activation, output, site)?,
    })
}
