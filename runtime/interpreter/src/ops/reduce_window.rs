//! REDUCE_WINDOW: what the elements under a window of any rank come to.

use alloc::format;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::reference::number::Number;
use edgebench_kernels::reference::windows::{WindowAxis, reduce_window as kernel};
use edgebench_schema::tflite::ReduceWindowFunction;

use super::map::plain;
use super::moves::constant_list;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Taps of one place; the work is this many times the output.
const MAX_TAPS: usize = 1 << 24;

/// Prepares REDUCE_WINDOW: input 1 is the first value, inputs 2 to 4 are sides, steps and dilations of the window.
pub(crate) fn reduce_window(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options2_as_reduce_window_options())?;
    let (input, start, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    for operand in [&start, &output] {
        operand.expect_dtype(input.dtype())?;
    }
    start.expect_elements(1)?;
    let axes = axes(site, &input)?;
    output.expect_shape(&axes.iter().map(|axis| axis.output).collect::<Vec<_>>())?;
    let function = options.reduce_function();
    match input.dtype() {
        DType::Float32 => number::<f32>(site, function, axes),
        DType::Int8 => number::<i8>(site, function, axes),
        DType::UInt8 => number::<u8>(site, function, axes),
        DType::Int16 => number::<i16>(site, function, axes),
        DType::Int32 => number::<i32>(site, function, axes),
        DType::Int64 => number::<i64>(site, function, axes),
        DType::Bool => truth(site, function, axes),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn axes(site: &Site<'_, '_>, input: &Operand<'_>) -> Result<Vec<WindowAxis>, Fault> {
    let rank = input.shape().len();
    let list = |slot: usize| {
        let operand = site.input(slot)?;
        operand.expect_dtype(DType::Int64)?;
        operand.expect_shape(&[rank])?;
        let positive = |value: i64| {
            let valid = usize::try_from(value).ok().filter(|value| (1..=1 << 30).contains(value));
            valid.ok_or_else(|| operand.fault("numbers of at least 1", format!("{value}")))
        };
        constant_list(&operand, slot)?.into_iter().map(positive).collect::<Result<Vec<usize>, Fault>>()
    };
    let (sides, strides, dilations) = (list(2)?, list(3)?, list(4)?);
    let taps = sides.iter().try_fold(1usize, |taps, side| taps.checked_mul(*side));
    if taps.is_none_or(|taps| taps > MAX_TAPS) {
        return Err(site.input(2)?.fault(format!("at most {MAX_TAPS} taps"), format!("{sides:?}")));
    }
    let axis = |axis: usize| {
        let (taps, stride, dilation, dim) =
            (sides[axis], strides[axis], dilations[axis], input.shape()[axis]);
        let reach = (taps - 1).checked_mul(dilation).and_then(|reach| reach.checked_add(1));
        let room = reach.and_then(|reach| dim.checked_sub(reach));
        let room =
            room.ok_or_else(|| input.fault("room for the window", format!("shape {:?}", input.shape())))?;
        Ok(WindowAxis { input: dim, output: room / stride + 1, taps, stride, dilation })
    };
    (0..rank).map(axis).collect()
}

fn number<T: Number + Pod + Send + Sync>(
    site: &Site<'_, '_>,
    function: ReduceWindowFunction,
    axes: Vec<WindowAxis>,
) -> Result<Prepared, Fault> {
    let join: fn(T, T) -> T = match function {
        ReduceWindowFunction::ADD => T::plus,
        ReduceWindowFunction::MUL => T::times,
        ReduceWindowFunction::MINIMUM => |a, b| if b < a { b } else { a },
        ReduceWindowFunction::MAXIMUM => |a, b| if a < b { b } else { a },
        other => return Err(site.unsupported(format!("function {} on numbers", other.0))),
    };
    Ok(prepared(axes, join))
}

fn truth(
    site: &Site<'_, '_>,
    function: ReduceWindowFunction,
    axes: Vec<WindowAxis>,
) -> Result<Prepared, Fault> {
    match function {
        ReduceWindowFunction::ALL => Ok(prepared::<u8>(axes, |a, b| u8::from(a != 0 && b != 0))),
        ReduceWindowFunction::ANY => Ok(prepared::<u8>(axes, |a, b| u8::from(a != 0 || b != 0))),
        other => Err(site.unsupported(format!("function {} on bool", other.0))),
    }
}

fn prepared<T: Pod + Send + Sync>(axes: Vec<WindowAxis>, join: fn(T, T) -> T) -> Prepared {
    plain(move |frame| {
        if let Some(start) = frame.inputs.of::<T>(1).first() {
            kernel(&axes, *start, join, frame.inputs.of(0), frame.outputs.of());
        }
        Ok(())
    })
}
