//! LOCAL_RESPONSE_NORMALIZATION and FAKE_QUANT, on floats.

use alloc::format;

use edgebench_kernels::reference::fake_quant::FakeQuant;
use edgebench_kernels::reference::neighbours::{LocalResponse, local_response};

use super::map::plain_unary;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares LOCAL_RESPONSE_NORMALIZATION: NHWC, along the channels.
pub(crate) fn local_response_normalization(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_local_response_normalization_options())?;
    let input = same_floats(site)?;
    let [.., channels] = input.dims::<4>()?;
    let radius = usize::try_from(options.radius());
    let found = || format!("{}", options.radius());
    let options = LocalResponse {
        radius: radius.map_err(|_| Fault::mismatch(site.place(), "a radius of at least 0", found()))?,
        bias: options.bias(),
        alpha: options.alpha(),
        beta: options.beta(),
    };
    Ok(plain_unary(move |input, output| local_response(&options, channels, input, output)))
}

/// Prepares FAKE_QUANT.
pub(crate) fn fake_quant(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_fake_quant_options())?;
    same_floats(site)?;
    let bits = u32::try_from(options.num_bits()).ok().filter(|bits| (2..=16).contains(bits));
    let found = || format!("{}", options.num_bits());
    let bits = bits.ok_or_else(|| Fault::mismatch(site.place(), "2 to 16 bits", found()))?;
    let (least, greatest) = (options.min(), options.max());
    if !(least <= 0.0 && greatest >= 0.0 && least < greatest) {
        let found = format!("{least:?} to {greatest:?}");
        return Err(Fault::mismatch(site.place(), "a range with 0 in it", found));
    }
    // LiteRT leaves the narrow range to weights, which are constants.
    if options.narrow_range() {
        return Err(site.unsupported("narrow range"));
    }
    let steps = FakeQuant::new(least, greatest, bits);
    Ok(plain_unary(move |input: &[f32], output: &mut [f32]| {
        output.iter_mut().zip(input).for_each(|(store, value)| *store = steps.apply(*value));
    }))
}

/// Input 0, of floats and with the shape of output 0.
fn same_floats<'m>(site: &Site<'_, 'm>) -> Result<Operand<'m>, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    input.expect_dtype(DType::Float32)?;
    output.expect_dtype(DType::Float32)?;
    output.expect_shape(input.shape())?;
    Ok(input)
}
