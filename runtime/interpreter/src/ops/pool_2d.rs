//! AVERAGE_POOL_2D and MAX_POOL_2D, on floats and on quantized values; L2_POOL_2D on floats.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::pool_2d::{average_quantized, max_quantized, root_mean_square_f32};
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_kernels::table::{self, PoolF32, PoolI8};
use edgebench_kernels::{Clamp, Pool2dShape, Table};
use edgebench_schema::tflite::{ActivationFunctionType, Pool2DOptions};

use super::filter::{float_clamp, quantized_clamp};
use super::map::{plain_unary, unary};
use super::window::{WindowOptions, at_least_one};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Taps whose 8-bit sum is sure to fit in 32 bits; sums of 16 bits wrap, as LiteRT's do.
const MAX_TAPS: usize = 1 << 24;

type Kernel<T> = fn(&Pool2dShape, Clamp<T>, &[T], &mut [T]);

/// The kernels of one operator.
struct Kernels {
    float: &'static Table<PoolF32>,
    int8: &'static Table<PoolI8>,
    uint8: Kernel<u8>,
    int16: Kernel<i16>,
}

/// Prepares AVERAGE_POOL_2D: NHWC; taps in the padding do not count.
pub(crate) fn average_pool_2d(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let kernels = Kernels {
        float: &table::AVERAGE_POOL_2D_F32,
        int8: &table::AVERAGE_POOL_2D_I8,
        uint8: average_quantized,
        int16: average_quantized,
    };
    pool(site, &kernels)
}

/// Prepares L2_POOL_2D: NHWC floats; taps in the padding do not count.
pub(crate) fn l2_pool_2d(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_pool_2_doptions())?;
    let (input, output) = (site.input(0)?, site.output(0)?);
    let shape = shape(site, &options, &input)?;
    output.expect_shape(&[shape.batch, shape.out_height, shape.out_width, shape.channels])?;
    input.expect_dtype(DType::Float32)?;
    output.expect_dtype(DType::Float32)?;
    let activation = float_clamp(options.fused_activation_function(), site)?;
    Ok(plain_unary(move |input, output| root_mean_square_f32(&shape, activation, input, output)))
}

/// Prepares MAX_POOL_2D: NHWC.
pub(crate) fn max_pool_2d(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let kernels = Kernels {
        float: &table::MAX_POOL_2D_F32,
        int8: &table::MAX_POOL_2D_I8,
        uint8: max_quantized,
        int16: max_quantized,
    };
    pool(site, &kernels)
}

fn pool(site: &Site<'_, '_>, kernels: &Kernels) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_pool_2_doptions())?;
    let (input, output) = (site.input(0)?, site.output(0)?);
    let shape = shape(site, &options, &input)?;
    output.expect_shape(&[shape.batch, shape.out_height, shape.out_width, shape.channels])?;
    output.expect_dtype(input.dtype())?;
    let activation = options.fused_activation_function();
    match input.dtype() {
        DType::Float32 => {
            let activation = float_clamp(activation, site)?;
            let row = kernels.float.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&shape, activation, input, output)))
        }
        DType::Int8 => {
            output.expect_same_quantization(&input)?;
            let activation = quantized_clamp(activation, output.per_tensor()?, site)?;
            let row = kernels.int8.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&shape, activation, input, output)))
        }
        DType::UInt8 => quantized(site, shape, activation, [&input, &output], kernels.uint8),
        DType::Int16 => quantized(site, shape, activation, [&input, &output], kernels.int16),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn quantized<T: Pod + Quantized + Send + Sync>(
    site: &Site<'_, '_>,
    shape: Pool2dShape,
    activation: ActivationFunctionType,
    [input, output]: [&Operand<'_>; 2],
    kernel: Kernel<T>,
) -> Result<Prepared, Fault> {
    output.expect_same_quantization(input)?;
    let activation = quantized_clamp(activation, output.per_tensor()?, site)?;
    Ok(plain_unary(move |input, output| kernel(&shape, activation, input, output)))
}

fn shape(
    site: &Site<'_, '_>,
    options: &Pool2DOptions<'_>,
    input: &Operand<'_>,
) -> Result<Pool2dShape, Fault> {
    let [batch, in_height, in_width, channels] = input.dims()?;
    let filter = [
        at_least_one(options.filter_height(), "filters", site)?,
        at_least_one(options.filter_width(), "filters", site)?,
    ];
    if filter[0].checked_mul(filter[1]).is_none_or(|taps| taps > MAX_TAPS) {
        let found = format!("filter {} x {}", filter[0], filter[1]);
        return Err(Fault::mismatch(site.place(), format!("at most {MAX_TAPS} taps"), found));
    }
    let window = WindowOptions {
        padding: options.padding(),
        filter,
        stride: [options.stride_h(), options.stride_w()],
        dilation: [1, 1],
    };
    let (window, [out_height, out_width]) = window.over(input, [in_height, in_width], site)?;
    Ok(Pool2dShape { batch, in_height, in_width, out_height, out_width, channels, window })
}
