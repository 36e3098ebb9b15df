//! RFFT2D, and what is made of complex numbers: COMPLEX_ABS, REAL, IMAG.

use alloc::format;

use edgebench_kernels::Set;
use edgebench_kernels::reference::spectrum::{self, Complex, Fft2d, Wide};

use super::{Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Prepares RFFT2D: input `[..., height, width]` float32, constant lengths `[2]` that are powers of two, output
/// `[..., lengths[0], lengths[1] / 2 + 1]` complex64. Rows and columns beyond the lengths are cut off, missing ones zero.
pub(crate) fn rfft_2d(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, lengths, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    input.expect_dtype(DType::Float32)?;
    output.expect_dtype(DType::Complex64)?;
    lengths.expect_dtype(DType::Int32)?;
    lengths.expect_shape(&[2])?;
    let [outer @ .., height, width] = input.shape() else {
        return Err(input.fault("rank 2 or more", format!("shape {:?}", input.shape())));
    };
    let mut sizes = [0; 2];
    for (size, stored) in sizes.iter_mut().zip(lengths.expect_constant()?.bytes.as_chunks().0) {
        let length = i32::from_le_bytes(*stored);
        let valid = usize::try_from(length).ok().filter(|length| length.is_power_of_two());
        *size = valid.ok_or_else(|| lengths.fault("powers of two", format!("{length}")))?;
    }
    output.expect_shape(&[outer, &[sizes[0], sizes[1] / 2 + 1]].concat())?;
    let fft = Fft2d::new([*height, *width], sizes);
    let scratch_bytes = fft.scratch_len().saturating_mul(size_of::<Wide>());
    let prepared = Prepared::run(Set::Reference.name(), Transform(fft));
    Ok(Prepared { scratch_bytes, reads: Reads::Only(&[0]), ..prepared })
}

struct Transform(Fft2d);

impl Step for Transform {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let scratch = bytemuck::cast_slice_mut(frame.scratch);
        self.0.run(frame.inputs.of(0), &mut scratch[..self.0.scratch_len()], frame.outputs.of());
        Ok(())
    }
}

/// Prepares COMPLEX_ABS.
pub(crate) fn complex_abs(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    part(site, spectrum::magnitude)
}

/// Prepares REAL.
pub(crate) fn real(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    part(site, |[real, _]| real)
}

/// Prepares IMAG.
pub(crate) fn imag(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    part(site, |[_, imaginary]| imaginary)
}

fn part(site: &Site<'_, '_>, of: fn(Complex) -> f32) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    input.expect_dtype(DType::Complex64)?;
    output.expect_dtype(DType::Float32)?;
    output.expect_shape(input.shape())?;
    Ok(Prepared::run(Set::Reference.name(), Part(of)))
}

/// A function of each complex number.
struct Part(fn(Complex) -> f32);

impl Step for Part {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let output: &mut [f32] = frame.outputs.of();
        output.iter_mut().zip(frame.inputs.of(0)).for_each(|(store, value)| *store = (self.0)(*value));
        Ok(())
    }
}
