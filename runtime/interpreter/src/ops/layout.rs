//! PAD, PADV2, MIRROR_PAD, CONCATENATION and PACK: inputs put together, or with something around them.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::concatenation::RescaleU8;
use edgebench_kernels::reference::{mirror_pad, pad};
use edgebench_schema::tflite::{ActivationFunctionType, MirrorPadMode};

use super::moves::{ANY_TYPE, axis_option, by_size, check_moved, constant_list, moved, zero_element};
use super::{Operand, Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Types of PAD and PADV2 (`pad.cc`).
const PAD_TYPES: &[DType] = ANY_TYPE;
/// Types of PACK (`pack.cc`).
const PACK_TYPES: &[DType] =
    &[DType::Float32, DType::UInt8, DType::Int8, DType::Int16, DType::Int32, DType::Int64];
/// Types of MIRROR_PAD (`mirror_pad.cc`).
const MIRROR_TYPES: &[DType] = ANY_TYPE;

/// What the elements are that padding adds.
enum Added {
    /// This.
    Value(Vec<u8>),
    /// The only element of input 2.
    Operand,
}

struct Padding {
    dims: Vec<usize>,
    before: Vec<usize>,
    padded: Vec<usize>,
    dtype: DType,
    added: Added,
}

/// Prepares PAD: input 1 is a constant `[rank, 2]` of elements before and after each axis. What is added stands for 0.
pub(crate) fn pad(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let added = Added::Value(zero_element(&site.output(0)?)?);
    Ok(Prepared { reads: Reads::Only(&[0]), ..padding(site, added)? })
}

/// Prepares PADV2: like PAD, and what is added is input 2.
pub(crate) fn pad_v2(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, value) = (site.input(0)?, site.input(2)?);
    value.expect_elements(1)?;
    value.expect_dtype(input.dtype())?;
    Ok(Prepared { reads: Reads::Only(&[0, 2]), ..padding(site, Added::Operand)? })
}

fn padding(site: &Site<'_, '_>, added: Added) -> Result<Prepared, Fault> {
    let (input, paddings, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, PAD_TYPES, &input, &output)?;
    let paddings = read_paddings(&input, &paddings)?;
    let padded = padded_shape(&input, &paddings);
    output.expect_shape(&padded)?;
    let before = paddings.iter().map(|[before, _]| *before).collect();
    let step = Padding { dims: input.shape().to_vec(), before, padded, dtype: input.dtype(), added };
    Ok(Prepared::run(Set::Reference.name(), step))
}

/// Prepares MIRROR_PAD: like PAD, and what is added is the input seen in a mirror at its edges.
pub(crate) fn mirror_pad(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_mirror_pad_options())?;
    let (input, paddings, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, MIRROR_TYPES, &input, &output)?;
    let offset = match options.mode() {
        MirrorPadMode::REFLECT => 1,
        MirrorPadMode::SYMMETRIC => 0,
        other => return Err(site.unsupported(format!("mode {}", other.0))),
    };
    let amounts = read_paddings(&input, &paddings)?;
    let fits = |(dim, sides): (&usize, &[usize; 2])| {
        sides.iter().all(|side| side.saturating_add(offset) <= *dim || *side == 0)
    };
    if !input.shape().iter().zip(&amounts).all(fits) {
        let expected = format!("padding that shape {:?} can mirror", input.shape());
        return Err(paddings.fault(expected, format!("{amounts:?}")));
    }
    let padded = padded_shape(&input, &amounts);
    output.expect_shape(&padded)?;
    let before: Vec<usize> = amounts.iter().map(|[before, _]| *before).collect();
    let dims = input.shape().to_vec();
    Ok(by_size!(input.dtype(), Element => moved(move |input: &[Element], output| {
        mirror_pad::mirror_pad(&dims, &before, &padded, offset, input, output);
    })))
}

fn padded_shape(input: &Operand<'_>, paddings: &[[usize; 2]]) -> Vec<usize> {
    let grown =
        |(dim, [before, after]): (&usize, &[usize; 2])| dim.saturating_add(*before).saturating_add(*after);
    input.shape().iter().zip(paddings).map(grown).collect()
}

impl Step for Padding {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let value = match &self.added {
            Added::Value(value) => value,
            Added::Operand => frame.inputs.bytes(2),
        };
        by_size!(self.dtype, Element => {
            let value: Element = bytemuck::pod_read_unaligned(value);
            pad::pad(&self.dims, &self.before, &self.padded, value, frame.inputs.of(0), frame.outputs.of());
        });
        Ok(())
    }
}

fn read_paddings(input: &Operand<'_>, paddings: &Operand<'_>) -> Result<Vec<[usize; 2]>, Fault> {
    paddings.expect_shape(&[input.shape().len(), 2])?;
    let values = constant_list(paddings, 1)?;
    let count = |value: i64| {
        let count = usize::try_from(value);
        count.map_err(|_| paddings.fault("paddings of at least 0", format!("{value}")))
    };
    values.as_chunks().0.iter().map(|[before, after]| Ok([count(*before)?, count(*after)?])).collect()
}

/// Runs of bytes, one from each input in turn.
struct Concatenation {
    /// Bytes of each input from one step along the outer axes to the next.
    runs: Vec<usize>,
    outer: usize,
    /// By input: the scale change of legacy uint8; none where the elements stay as they are.
    rescales: Vec<Option<RescaleU8>>,
}

/// Prepares CONCATENATION along one axis.
pub(crate) fn concatenation(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_concatenation_options())?;
    if options.fused_activation_function() != ActivationFunctionType::NONE {
        return Err(site.unsupported("fused activation"));
    }
    let output = site.output(0)?;
    let first = site.input(0)?;
    let axis = axis_option(site, options.axis(), first.shape().len())?;
    let mut along = 0usize;
    let inputs = site.node().inputs.len();
    let (mut runs, mut rescales) = (Vec::with_capacity(inputs), Vec::with_capacity(inputs));
    for slot in 0..inputs {
        let input = site.input(slot)?;
        rescales.push(rescale_to(site, &input, &output)?);
        let length = input.shape().get(axis).copied().unwrap_or(0);
        let mut expected = first.shape().to_vec();
        expected[axis] = length;
        input.expect_shape(&expected)?;
        along = along.saturating_add(length);
        runs.push(expected[axis..].iter().product::<usize>() * output.dtype().size_bytes());
    }
    let mut joined = first.shape().to_vec();
    joined[axis] = along;
    output.expect_shape(&joined)?;
    let outer = joined[..axis].iter().product();
    Ok(Prepared::run(Set::Reference.name(), Concatenation { runs, outer, rescales }))
}

/// Legacy uint8 may change its scale on the way; every other type must not.
fn rescale_to(
    site: &Site<'_, '_>,
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<Option<RescaleU8>, Fault> {
    let both = (input.info.quantization.as_ref(), output.info.quantization.as_ref());
    if input.dtype() != DType::UInt8 || both.0 == both.1 || both.0.is_none() || both.1.is_none() {
        return check_moved(site, ANY_TYPE, input, output).map(|()| None);
    }
    output.expect_dtype(DType::UInt8)?;
    let (from, to) = (input.per_tensor()?, output.per_tensor()?);
    Ok((from != to).then(|| RescaleU8::new(from, to)))
}

/// Prepares PACK: inputs of one shape become the steps along a new axis.
pub(crate) fn pack(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_pack_options())?;
    let (first, output) = (site.input(0)?, site.output(0)?);
    let inputs = site.node().inputs.len();
    if usize::try_from(options.values_count()) != Ok(inputs) {
        let expected = format!("{} inputs", options.values_count());
        return Err(Fault::mismatch(site.place(), expected, format!("{inputs}")));
    }
    let axis = axis_option(site, options.axis(), first.shape().len() + 1)?;
    let mut shape = first.shape().to_vec();
    shape.insert(axis, inputs);
    output.expect_shape(&shape)?;
    for slot in 0..inputs {
        let input = site.input(slot)?;
        input.expect_shape(first.shape())?;
        check_moved(site, PACK_TYPES, &input, &output)?;
    }
    let run = first.shape()[axis..].iter().product::<usize>() * first.dtype().size_bytes();
    let outer = first.shape()[..axis].iter().product();
    let step = Concatenation { runs: vec![run; inputs], outer, rescales: vec![None; inputs] };
    Ok(Prepared::run(Set::Reference.name(), step))
}

impl Step for Concatenation {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let mut output = frame.outputs.bytes();
        for index in 0..self.outer {
            for (slot, (run, rescale)) in self.runs.iter().zip(&self.rescales).enumerate() {
                let (piece, rest) = output.split_at_mut(*run);
                let input = &frame.inputs.bytes(slot)[index * run..][..*run];
                match rescale {
                    None => piece.copy_from_slice(input),
                    Some(rescale) => rescale.run(input, piece),
                }
                output = rest;
            }
        }
        Ok(())
    }
}
