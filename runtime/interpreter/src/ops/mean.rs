//! MEAN and SUM over any axes, on floats, quantized values and plain integers.

use alloc::format;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::reference::mean::{self, MeanQuantized};
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_kernels::table;

use super::map::{plain_unary_with_scratch, unary, unary_with_scratch};
use super::reduce::{Reduction, sum_numbers};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Prepares MEAN: input 1 is a constant list of axes, negative ones counted from the last.
pub(crate) fn mean(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let Reduction { input, output, dims, reduced } = Reduction::of(site)?;
    let sums = output.elements();
    match input.dtype() {
        DType::Float32 => {
            let row = table::MEAN_F32.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&dims, &reduced, input, output)))
        }
        DType::Int8 => {
            let constants = constants(&input, &output)?;
            let row = table::MEAN_I8.select(site.choice());
            Ok(unary_with_scratch(row, sums, move |kernel, input, sums, output| {
                kernel(&constants, &dims, &reduced, input, sums, output);
            }))
        }
        DType::UInt8 => quantized(Reduction { input, output, dims, reduced }, mean::mean_quantized::<u8>),
        DType::Int16 => {
            expect_symmetric(&input, &output)?;
            quantized(Reduction { input, output, dims, reduced }, mean::mean_quantized::<i16>)
        }
        DType::Int32 => Ok(plain_unary_with_scratch(sums, move |input, sums, output| {
            mean::mean_integers(&dims, &reduced, input, sums, output, |mean| mean as i32);
        })),
        DType::Int64 => Ok(plain_unary_with_scratch(sums, move |input, sums, output| {
            mean::mean_integers(&dims, &reduced, input, sums, output, |mean| mean);
        })),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares SUM: inputs as for MEAN.
pub(crate) fn sum(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let reduction = Reduction::of(site)?;
    match reduction.input.dtype() {
        DType::Float32 => Ok(sum_numbers::<f32>(reduction)),
        DType::Int32 => Ok(sum_numbers::<i32>(reduction)),
        DType::Int64 => Ok(sum_numbers::<i64>(reduction)),
        DType::Int8 => quantized(reduction, mean::sum_quantized::<i8>),
        DType::UInt8 => quantized(reduction, mean::sum_quantized::<u8>),
        DType::Int16 => {
            expect_symmetric(&reduction.input, &reduction.output)?;
            quantized(reduction, mean::sum_quantized::<i16>)
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

type Kernel<T> = fn(&MeanQuantized, &[usize], &[bool], &[T], &mut [i32], &mut [T]);

fn quantized<T: Pod + Quantized>(reduction: Reduction<'_>, kernel: Kernel<T>) -> Result<Prepared, Fault> {
    let constants = constants(&reduction.input, &reduction.output)?;
    let sums = reduction.output.elements();
    let (dims, reduced): (Vec<usize>, Vec<bool>) = (reduction.dims, reduction.reduced);
    Ok(plain_unary_with_scratch(sums, move |input, sums, output| {
        kernel(&constants, &dims, &reduced, input, sums, output);
    }))
}

fn expect_symmetric(input: &Operand<'_>, output: &Operand<'_>) -> Result<(), Fault> {
    input.expect_no_zero_point()?;
    output.expect_no_zero_point()
}

fn constants(input: &Operand<'_>, output: &Operand<'_>) -> Result<MeanQuantized, Fault> {
    let (input, output) = (input.per_tensor()?, output.per_tensor()?);
    Ok(MeanQuantized {
        input_zero_point: input.1,
        output_zero_point: output.1,
        rescale: quantize_multiplier(f64::from(input.0) / f64::from(output.0)),
    })
}
