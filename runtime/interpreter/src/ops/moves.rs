//! What the operators share that move elements and compute nothing: which tensors they take, integers that say where to, and
//! the step that copies.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;

use bytemuck::Pod;
use edgebench_kernels::Set;
use edgebench_kernels::reference::strided_copy::StridedCopy;

use super::{Operand, Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::{Frame, Inputs};
use crate::tensor::DType;

/// Types of one to eight bytes that LiteRT moves without looking at them.
pub(super) const ANY_TYPE: &[DType] = &[
    DType::Float32,
    DType::Float16,
    DType::Int8,
    DType::UInt8,
    DType::Int16,
    DType::Int32,
    DType::Int64,
    DType::Bool,
];

/// Checks that the operator moves elements of the input's type, and that the output's elements mean the same.
pub(super) fn check_moved(
    site: &Site<'_, '_>,
    types: &[DType],
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<(), Fault> {
    let dtype = input.dtype();
    if !types.contains(&dtype) {
        return Err(site.unsupported(format!("type {dtype}")));
    }
    output.expect_dtype(dtype)?;
    match dtype {
        DType::Int8 | DType::UInt8 | DType::Int16 => output.expect_same_quantization(input),
        _ => Ok(()),
    }
}

/// Checks the rank of an operand.
pub(super) fn check_rank(operand: &Operand<'_>, most: usize) -> Result<usize, Fault> {
    let rank = operand.shape().len();
    if rank <= most {
        return Ok(rank);
    }
    Err(operand.fault(format!("rank of at most {most}"), format!("shape {:?}", operand.shape())))
}

/// Evaluates an expression with `$element` as the unsigned integer of as many bytes as the element type has.
macro_rules! by_size {
    ($dtype:expr, $element:ident => $result:expr) => {
        match $dtype.size_bytes() {
            1 => {
                type $element = u8;
                $result
            }
            2 => {
                type $element = u16;
                $result
            }
            4 => {
                type $element = u32;
                $result
            }
            _ => {
                type $element = u64;
                $result
            }
        }
    };
}
pub(super) use by_size;

/// An axis that an option names.
pub(super) fn axis_option(site: &Site<'_, '_>, value: i32, rank: usize) -> Result<usize, Fault> {
    super::axis(value, rank).ok_or_else(|| {
        Fault::mismatch(site.place(), format!("an axis within rank {rank}"), format!("{value}"))
    })
}

/// An axis that an operand names.
pub(super) fn axis_operand(operand: &Operand<'_>, value: i64, rank: usize) -> Result<usize, Fault> {
    let axis = i32::try_from(value).ok().and_then(|value| super::axis(value, rank));
    axis.ok_or_else(|| operand.fault(format!("axes within rank {rank}"), format!("{value}")))
}

/// An input whose elements are integers that the step or the preparation reads.
#[derive(Clone)]
pub(super) struct Integers {
    slot: usize,
    dtype: DType,
    /// For messages.
    place: String,
}

impl Integers {
    /// The input at `slot`, which must have one of `types`.
    pub(super) fn new(operand: &Operand<'_>, slot: usize, types: &[DType]) -> Result<Self, Fault> {
        if types.contains(&operand.dtype()) {
            return Ok(Self { slot, dtype: operand.dtype(), place: operand.place() });
        }
        let expected: Vec<&str> = types.iter().map(|dtype| dtype.name()).collect();
        Err(operand.fault(expected.join(" or "), operand.dtype().name()))
    }

    /// The bytes of the input in a run.
    pub(super) fn bytes<'a>(&self, inputs: &Inputs<'a>) -> &'a [u8] {
        inputs.bytes(self.slot)
    }

    /// The element at `index`; 0 behind the end.
    pub(super) fn get(&self, bytes: &[u8], index: usize) -> i64 {
        fn element<const BYTES: usize>(bytes: &[u8], index: usize) -> [u8; BYTES] {
            bytes.as_chunks::<BYTES>().0.get(index).copied().unwrap_or([0; BYTES])
        }
        match self.dtype {
            DType::Int16 => i64::from(i16::from_le_bytes(element(bytes, index))),
            DType::Int32 => i64::from(i32::from_le_bytes(element(bytes, index))),
            DType::Int64 => i64::from_le_bytes(element(bytes, index)),
            _ => 0,
        }
    }

    /// All elements.
    pub(super) fn list(&self, bytes: &[u8]) -> Vec<i64> {
        self.values(bytes).collect()
    }

    /// Checks that all elements are in `0..limit`.
    pub(super) fn check_below(&self, bytes: &[u8], limit: usize) -> Result<(), Fault> {
        let below = |value: i64| usize::try_from(value).is_ok_and(|value| value < limit);
        match self.values(bytes).find(|value| !below(*value)) {
            None => Ok(()),
            Some(value) => Err(self.fault(format!("indices below {limit}"), format!("{value}"))),
        }
    }

    pub(super) fn fault(&self, expected: String, found: String) -> Fault {
        Fault::mismatch(self.place.as_str(), expected, found)
    }

    /// All elements, one by one.
    pub(super) fn values<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = i64> + 'a {
        (0..bytes.len() / self.dtype.size_bytes()).map(|index| self.get(bytes, index))
    }
}

const INDEX_TYPES: &[DType] = &[DType::Int32, DType::Int64];

/// The elements of a constant list of int32 or int64.
pub(super) fn constant_list(operand: &Operand<'_>, slot: usize) -> Result<Vec<i64>, Fault> {
    let integers = Integers::new(operand, slot, INDEX_TYPES)?;
    Ok(integers.list(operand.expect_constant()?.bytes))
}

/// Dimensions that a constant list of int32 or int64 states.
pub(super) fn constant_shape(operand: &Operand<'_>, slot: usize) -> Result<Vec<usize>, Fault> {
    let dim = |value: i64| {
        let dim = usize::try_from(value).ok().filter(|_| value <= i64::from(i32::MAX));
        dim.ok_or_else(|| operand.fault("dimensions of at least 0", format!("{value}")))
    };
    constant_list(operand, slot)?.into_iter().map(dim).collect()
}

/// Copies parts of one input, one to each output.
struct Moves {
    slot: usize,
    copies: Vec<StridedCopy>,
}

impl Step for Moves {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let input = frame.inputs.bytes(self.slot);
        for (copy, output) in self.copies.iter().zip(frame.outputs.all()) {
            copy.run(input, output);
        }
        Ok(())
    }
}

/// A node whose outputs are parts of input 0, in an order of their own.
pub(super) fn moves(copies: Vec<StridedCopy>) -> Prepared {
    let prepared = Prepared::run(Set::Reference.name(), Moves { slot: 0, copies });
    Prepared { reads: Reads::Only(&[0]), ..prepared }
}

/// The same with input 1.
pub(super) fn moves_of_second(copies: Vec<StridedCopy>) -> Prepared {
    let prepared = Prepared::run(Set::Reference.name(), Moves { slot: 1, copies });
    Prepared { reads: Reads::Only(&[1]), ..prepared }
}

/// Copies that together fill the output, or all of it but a background.
pub(super) struct Assembly {
    /// The element that stands where nothing is copied to.
    pub(super) background: Option<Vec<u8>>,
    pub(super) copies: Vec<StridedCopy>,
}

impl Step for Assembly {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let output = frame.outputs.bytes();
        if let Some(element) = &self.background {
            fill(output, element);
        }
        self.copies.iter().for_each(|copy| copy.run(frame.inputs.bytes(0), output));
        Ok(())
    }
}

/// Repeats an element. Nearly all that are asked for are the same byte over and over.
fn fill(output: &mut [u8], element: &[u8]) {
    match element.split_first() {
        Some((first, rest)) if rest.iter().all(|byte| byte == first) => output.fill(*first),
        _ => output.chunks_exact_mut(element.len().max(1)).for_each(|store| store.copy_from_slice(element)),
    }
}

/// A node that puts parts of input 0 into output 0.
pub(super) fn assembly(step: Assembly) -> Prepared {
    Prepared { reads: Reads::Only(&[0]), ..Prepared::run(Set::Reference.name(), step) }
}

/// The element that stands for 0.
pub(super) fn zero_element(output: &Operand<'_>) -> Result<Vec<u8>, Fault> {
    let is_quantized = matches!(output.dtype(), DType::Int8 | DType::UInt8 | DType::Int16)
        && output.info.quantization.is_some();
    let zero_point = if is_quantized { output.per_tensor()?.1 } else { 0 };
    Ok(i64::from(zero_point).to_le_bytes()[..output.dtype().size_bytes()].to_vec())
}

type Types<In, Out> = PhantomData<fn(In) -> Out>;

struct Moved<In, Out, F>(F, Types<In, Out>);

impl<In: Pod, Out: Pod, F: Fn(&[In], &mut [Out]) + Send + Sync> Step for Moved<In, Out, F> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        (self.0)(frame.inputs.of(0), frame.outputs.of());
        Ok(())
    }
}

/// A node that makes output 0 from input 0 with the plain loops that there are for it.
pub(super) fn moved<In: Pod, Out: Pod>(
    compute: impl Fn(&[In], &mut [Out]) + Send + Sync + 'static,
) -> Prepared {
    let step = Moved(compute, PhantomData);
    Prepared { reads: Reads::Only(&[0]), ..Prepared::run(Set::Reference.name(), step) }
}
