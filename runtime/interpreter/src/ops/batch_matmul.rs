//! BATCH_MATMUL on floats, int8, int16, and floats with an int8 right operand.

use alloc::format;
use alloc::vec::Vec;

use edgebench_kernels::reference::batch_matmul::{self, BatchMatMulInteger, BatchMatMulShape};
use edgebench_kernels::reference::integer::{Stored, Sum};
use edgebench_kernels::spec::{FilterScales, InputQuantization};
use edgebench_kernels::{Clamp, Set};

use super::{Operand, Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::quant;
use crate::tensor::DType;

/// Prepares BATCH_MATMUL: `[..., rows, depth] x [..., depth, columns]`, ranks 2 to 5; `adj_x` and `adj_y` say that a side
/// is stored transposed.
pub(crate) fn batch_matmul(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_batch_mat_mul_options())?;
    let (left, right, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let shape = shape(&left, &right, &output, [options.adj_x(), options.adj_y()])?;
    let input = if options.asymmetric_quantize_inputs() {
        InputQuantization::Asymmetric
    } else {
        InputQuantization::Symmetric
    };
    match (left.dtype(), right.dtype(), output.dtype()) {
        (DType::Float32, DType::Float32, DType::Float32) => Ok(prepared(shape, Float { shape })),
        (DType::Float32, DType::Int8, DType::Float32) => hybrid(&right, shape, input),
        (DType::Int8, DType::Int8, DType::Int8) => {
            integer::<i8, i8, i32>([&left, &right, &output], shape, (-128, 127))
        }
        (DType::Int8, DType::Int8, DType::Int32) => Ok(prepared(shape, Sums { shape })),
        (DType::Int16, DType::Int16, DType::Int16) => {
            integer::<i16, i16, i64>([&left, &right, &output], shape, (-32_768, 32_767))
        }
        (DType::Int16, DType::Int8, DType::Int16) => {
            integer::<i16, i8, i64>([&left, &right, &output], shape, (-32_768, 32_767))
        }
        (left, right, output) => Err(site.unsupported(format!("types {left} x {right} to {output}"))),
    }
}

fn prepared(shape: BatchMatMulShape, step: impl Step + 'static) -> Prepared {
    Prepared { macs: shape.macs(), ..Prepared::run(Set::Reference.name(), step) }
}

/// Five dimensions, the first ones 1.
fn extended(operand: &Operand<'_>) -> Result<[usize; 5], Fault> {
    let dims = operand.shape();
    if !(2..=5).contains(&dims.len()) || dims.contains(&0) {
        let expected = "rank 2 to 5 and dimensions of at least 1";
        return Err(operand.fault(expected, format!("shape {dims:?}")));
    }
    let mut extended = [1; 5];
    extended[5 - dims.len()..].copy_from_slice(dims);
    Ok(extended)
}

fn shape(
    left: &Operand<'_>,
    right: &Operand<'_>,
    output: &Operand<'_>,
    [left_transposed, right_transposed]: [bool; 2],
) -> Result<BatchMatMulShape, Fault> {
    let (l, r) = (extended(left)?, extended(right)?);
    let (rows, depth) = if left_transposed { (l[4], l[3]) } else { (l[3], l[4]) };
    let (right_depth, columns) = if right_transposed { (r[4], r[3]) } else { (r[3], r[4]) };
    if right_depth != depth {
        return Err(right.fault(format!("a depth of {depth}"), format!("shape {:?}", right.shape())));
    }
    let mut shape = BatchMatMulShape {
        batch: [1; 3],
        left_strides: [0; 3],
        right_strides: [0; 3],
        rows,
        depth,
        columns,
        left_transposed,
        right_transposed,
    };
    for axis in 0..3 {
        if l[axis] != r[axis] && l[axis] != 1 && r[axis] != 1 {
            let expected = format!("a shape that broadcasts with {:?}", left.shape());
            return Err(right.fault(expected, format!("{:?}", right.shape())));
        }
        let stride = |dims: &[usize; 5]| if dims[axis] == 1 { 0 } else { dims[axis + 1..].iter().product() };
        shape.batch[axis] = l[axis].max(r[axis]);
        shape.left_strides[axis] = stride(&l);
        shape.right_strides[axis] = stride(&r);
    }
    let rank = left.shape().len().max(right.shape().len());
    let outer = &shape.batch[5 - rank..];
    output.expect_shape(&[outer, &[rows, columns]].concat())?;
    Ok(shape)
}

struct Float {
    shape: BatchMatMulShape,
}

impl Step for Float {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        batch_matmul::batch_matmul_f32(
            &self.shape,
            frame.inputs.of(0),
            frame.inputs.of(1),
            frame.outputs.of(),
        );
        Ok(())
    }
}

struct Sums {
    shape: BatchMatMulShape,
}

impl Step for Sums {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let (left, right) = (frame.inputs.of(0), frame.inputs.of(1));
        batch_matmul::batch_matmul_i8_i32(&self.shape, left, right, frame.outputs.of());
        Ok(())
    }
}

struct Integer<A, B, S> {
    constants: BatchMatMulInteger,
    shape: BatchMatMulShape,
    types: core::marker::PhantomData<fn(A, B, S)>,
}

impl<A: Stored + bytemuck::Pod, B: Stored + bytemuck::Pod, S: Sum> Step for Integer<A, B, S> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let (left, right) = (frame.inputs.of::<A>(0), frame.inputs.of::<B>(1));
        batch_matmul::batch_matmul_integer::<A, B, S>(
            &self.constants,
            &self.shape,
            left,
            right,
            frame.outputs.of(),
        );
        Ok(())
    }
}

/// The product of the scales is rounded to single precision (LiteRT `GetQuantizedConvolutionMultipler`).
fn integer<A: Stored + bytemuck::Pod, B: Stored + bytemuck::Pod, S: Sum>(
    operands: [&Operand<'_>; 3],
    shape: BatchMatMulShape,
    (min, max): (i32, i32),
) -> Result<Prepared, Fault> {
    let mut parameters = [(0.0f32, 0i32); 3];
    for (operand, store) in operands.iter().zip(&mut parameters) {
        *store = operand.per_tensor()?;
        if operands[0].dtype() == DType::Int16 && store.1 != 0 {
            return Err(operand.fault("zero point 0", format!("{}", store.1)));
        }
    }
    let [left, right, output] = parameters;
    let multiplier = quant::quantize_multiplier(f64::from(left.0 * right.0) / f64::from(output.0));
    if operands[0].dtype() == DType::Int16 && multiplier.shift >= 8 {
        let found = format!("about 2^{}", multiplier.shift);
        return Err(operands[2].fault("scales whose quotient is below 128", found));
    }
    let constants = BatchMatMulInteger {
        left_zero_point: left.1,
        right_zero_point: right.1,
        multiplier,
        output_zero_point: output.1,
        range: Clamp { min, max },
    };
    Ok(prepared(shape, Integer::<A, B, S> { constants, shape, types: core::marker::PhantomData }))
}

struct Hybrid {
    shape: BatchMatMulShape,
    scales: Vec<f32>,
    input: InputQuantization,
}

fn hybrid(right: &Operand<'_>, shape: BatchMatMulShape, input: InputQuantization) -> Result<Prepared, Fault> {
    let quantization = right.quantization()?;
    let column_axis = right.shape().len() - if shape.right_transposed { 2 } else { 1 };
    if quantization.scales.len() > 1 && quantization.axis != column_axis {
        let found = format!("axis {}", quantization.axis);
        return Err(right.fault(format!("scales along axis {column_axis}"), found));
    }
    if let Some(zero_point) = quantization.zero_points.iter().find(|zero_point| **zero_point != 0) {
        return Err(right.fault("zero points of 0", format!("{zero_point}")));
    }
    let step = Hybrid { shape, scales: quantization.scales.clone(), input };
    // A row of floats, then the same as int8.
    let scratch_bytes = shape.depth.saturating_mul(size_of::<f32>() + 1);
    Ok(Prepared { scratch_bytes, ..prepared(shape, step) })
}

impl Step for Hybrid {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let (row, quantized) = frame.scratch.split_at_mut(self.shape.depth * size_of::<f32>());
        let quantized = &mut quantized[..self.shape.depth];
        let scales = match self.scales.as_slice() {
            [scale] => FilterScales::PerTensor(*scale),
            scales => FilterScales::PerChannel(scales),
        };
        batch_matmul::batch_matmul_hybrid(
            (scales, self.input),
            &self.shape,
            (frame.inputs.of(0), frame.inputs.of(1)),
            (bytemuck::cast_slice_mut(quantized), bytemuck::cast_slice_mut(row)),
            frame.outputs.of(),
        );
        Ok(())
    }
}
