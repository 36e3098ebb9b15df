//! SLICE and STRIDED_SLICE. Where a slice begins may be computed during the run; where that leaves its shape as it is, it is
//! planned.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy, steps};
use edgebench_schema::tflite::StridedSliceOptions;

use super::moves::{ANY_TYPE, Integers, check_moved, moves};
use super::{Operand, Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// A part of one axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part {
    begin: usize,
    len: usize,
    stride: i64,
    /// Whether the axis is gone from the output.
    is_shrunk: bool,
    /// The input's axis; none for one that only the output has.
    axis: Option<usize>,
}

/// How the operands say what to take.
enum Rule {
    /// Beginnings and sizes.
    Sizes,
    /// Beginnings, ends and strides.
    Strides(Masks),
}

/// What STRIDED_SLICE does with the entry at each bit.
#[derive(Clone, Copy)]
struct Masks {
    begin: u32,
    end: u32,
    ellipsis: u32,
    new_axis: u32,
    shrink_axis: u32,
    /// Whether ends count from the beginnings.
    is_offset: bool,
}

/// A slice whose operands are read in each run.
struct Slice {
    input: Vec<usize>,
    output: Vec<usize>,
    operands: Vec<Integers>,
    rule: Rule,
    element_bytes: usize,
    /// For messages.
    place: String,
}

/// Most entries that LiteRT takes, one bit of a mask each (`strided_slice.cc`).
const MAX_ENTRIES: usize = 31;

/// Prepares SLICE: inputs 1 and 2 give, for each axis, where to begin and how many; -1 is all that is left.
pub(crate) fn slice(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let rank = site.input(0)?.shape().len();
    let (begin, size) = (site.input(1)?, site.input(2)?);
    begin.expect_shape(&[rank])?;
    size.expect_shape(&[rank])?;
    size.expect_dtype(begin.dtype())?;
    prepare(site, &[begin, size], &[DType::Int32, DType::Int64], Rule::Sizes)
}

/// Prepares STRIDED_SLICE: inputs 1 to 3 give, for each entry, beginning, end and stride; the options' masks change what
/// they mean.
pub(crate) fn strided_slice(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_strided_slice_options())?;
    let operands = [site.input(1)?, site.input(2)?, site.input(3)?];
    let entries = operands[0].elements();
    for operand in &operands {
        operand.expect_shape(&[entries])?;
    }
    if entries > MAX_ENTRIES {
        return Err(operands[0].fault(format!("at most {MAX_ENTRIES} entries"), format!("{entries}")));
    }
    prepare(site, &operands, &[DType::Int32], Rule::Strides(Masks::of(&options)))
}

fn prepare(
    site: &Site<'_, '_>,
    operands: &[Operand<'_>],
    types: &[DType],
    rule: Rule,
) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    let slots = operands.iter().enumerate();
    let slice = Slice {
        input: input.shape().to_vec(),
        output: output.shape().to_vec(),
        operands: slots.map(|(at, one)| Integers::new(one, at + 1, types)).collect::<Result<_, _>>()?,
        rule,
        element_bytes: input.dtype().size_bytes(),
        place: site.place(),
    };
    let is_known = operands.iter().all(|operand| operand.constant().is_some());
    if !is_known && let Some(shape) = slice.fixed_shape(operands) {
        output.expect_shape(&shape)?;
        return Ok(Prepared::run(Set::Reference.name(), slice));
    }
    let mut constants = Vec::with_capacity(operands.len());
    for operand in operands {
        constants.push(operand.expect_constant()?.bytes);
    }
    let parts = slice.parts(&constants)?;
    output.expect_shape(&kept(&parts))?;
    Ok(moves(vec![slice.copy(&parts)]))
}

impl Masks {
    fn of(options: &StridedSliceOptions<'_>) -> Self {
        Self {
            begin: options.begin_mask() as u32,
            end: options.end_mask() as u32,
            ellipsis: options.ellipsis_mask() as u32,
            new_axis: options.new_axis_mask() as u32,
            shrink_axis: options.shrink_axis_mask() as u32,
            is_offset: options.offset(),
        }
    }
}

impl Step for Slice {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let operands: Vec<&[u8]> = self.operands.iter().map(|one| one.bytes(&frame.inputs)).collect();
        let parts = self.parts(&operands)?;
        if kept(&parts) != self.output {
            let expected = format!("a slice of shape {:?}", self.output);
            return Err(Fault::mismatch(self.place.as_str(), expected, format!("{:?}", kept(&parts))));
        }
        self.copy(&parts).run(frame.inputs.bytes(0), frame.outputs.bytes());
        Ok(())
    }
}

impl Slice {
    /// The shape of the slice wherever it begins; none when that decides the shape too.
    fn fixed_shape(&self, operands: &[Operand<'_>]) -> Option<Vec<usize>> {
        let known =
            |operand: usize| Some(self.operands.get(operand)?.list(operands.get(operand)?.constant()?.bytes));
        match &self.rule {
            Rule::Sizes => known(1)?.into_iter().map(|size| usize::try_from(size).ok()).collect(),
            Rule::Strides(masks) => {
                let entries = operands.first()?.elements();
                let strides = known(2);
                let has = |mask: u32, entry: usize| mask >> entry & 1 == 1;
                let is_fixed = |entry: usize| {
                    let is_one = has(masks.ellipsis | masks.new_axis | masks.shrink_axis, entry);
                    is_one || (has(masks.begin & masks.end, entry) && strides.is_some())
                };
                let anywhere = vec![0; entries];
                let strides = strides.clone().unwrap_or_else(|| vec![1; entries]);
                let parts = (0..entries).all(is_fixed).then(|| {
                    self.strided_parts(masks, [anywhere.as_slice(), anywhere.as_slice(), strides.as_slice()])
                });
                parts?.ok().map(|parts| kept(&parts))
            }
        }
    }

    fn parts(&self, operands: &[&[u8]]) -> Result<Vec<Part>, Fault> {
        let lists: Vec<Vec<i64>> =
            self.operands.iter().zip(operands).map(|(one, bytes)| one.list(bytes)).collect();
        match (&self.rule, lists.as_slice()) {
            (Rule::Sizes, [begins, sizes]) => self.sized_parts(begins, sizes),
            (Rule::Strides(masks), [begins, ends, strides]) => {
                self.strided_parts(masks, [begins.as_slice(), ends.as_slice(), strides.as_slice()])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn sized_parts(&self, begins: &[i64], sizes: &[i64]) -> Result<Vec<Part>, Fault> {
        let part = |(axis, (begin, size)): (usize, (&i64, &i64))| {
            let dim = self.input[axis];
            let begin = usize::try_from(*begin).ok().filter(|begin| *begin <= dim);
            let begin = begin.ok_or_else(|| self.range_fault(axis, 0, begins))?;
            let rest = dim - begin;
            let len = if *size == -1 { Some(rest) } else { usize::try_from(*size).ok() };
            let len = len.filter(|len| *len <= rest).ok_or_else(|| self.range_fault(axis, 1, sizes))?;
            Ok(Part { begin, len, stride: 1, is_shrunk: false, axis: Some(axis) })
        };
        begins.iter().zip(sizes).enumerate().map(part).collect()
    }

    fn range_fault(&self, axis: usize, operand: usize, found: &[i64]) -> Fault {
        let expected = format!("a part of axis {axis} of shape {:?}", self.input);
        self.operands[operand].fault(expected, format!("{found:?}"))
    }

    /// The entries, spread over the axes: the first ellipsis stands for all axes that no entry names.
    fn strided_parts(&self, masks: &Masks, lists: [&[i64]; 3]) -> Result<Vec<Part>, Fault> {
        let entries = lists[0].len();
        let has = |mask: u32, entry: usize| mask >> entry & 1 == 1;
        let is_new = |entry: usize| has(masks.new_axis, entry) && !has(masks.ellipsis, entry);
        let named = (0..entries).filter(|entry| !is_new(*entry) && !has(masks.ellipsis, *entry)).count();
        let rank = self.input.len();
        let unnamed = rank.checked_sub(named).ok_or_else(|| {
            self.operands[0]
                .fault(format!("at most {rank} entries for shape {:?}", self.input), format!("{named}"))
        })?;
        let (mut parts, mut axis, mut has_ellipsis) = (Vec::with_capacity(rank + entries), 0, false);
        for entry in 0..entries {
            if has(masks.ellipsis, entry) {
                let axes = if core::mem::replace(&mut has_ellipsis, true) { 0 } else { unnamed };
                parts.extend((axis..axis + axes).map(|axis| self.whole(axis)));
                axis += axes;
            } else if is_new(entry) {
                parts.push(Part { begin: 0, len: 1, stride: 1, is_shrunk: false, axis: None });
            } else {
                let [begin, end, stride] = lists.map(|list| list[entry]);
                let begin = (!has(masks.begin, entry)).then_some(begin);
                let end = (!has(masks.end, entry)).then_some(end);
                let shrinks = has(masks.shrink_axis, entry);
                parts.push(self.strided_part(axis, [begin, end], stride, shrinks, masks.is_offset)?);
                axis += 1;
            }
        }
        parts.extend((axis..rank).map(|axis| self.whole(axis)));
        Ok(parts)
    }

    fn whole(&self, axis: usize) -> Part {
        Part { begin: 0, len: self.input[axis], stride: 1, is_shrunk: false, axis: Some(axis) }
    }

    /// The part of an axis from `begin` to `end`, each the axis' own end where it is not given.
    fn strided_part(
        &self,
        axis: usize,
        [begin, end]: [Option<i64>; 2],
        stride: i64,
        is_shrunk: bool,
        is_offset: bool,
    ) -> Result<Part, Fault> {
        let dim = self.input[axis] as i64;
        if stride == 0 || stride == i64::from(i32::MIN) {
            let expected =
                if stride == 0 { "strides other than 0" } else { "strides that can be turned round" };
            return Err(self.operands[2].fault(expected.into(), format!("{stride}")));
        }
        // Negative positions count from the end; positions outside go to the nearest place where a walk may begin or end.
        let (lowest, highest) = if stride > 0 { (0, dim) } else { (-1, dim - 1) };
        let place = |value: i64| (if value < 0 { value + dim } else { value }).clamp(lowest, highest);
        let first = begin.map_or(if stride > 0 { 0 } else { dim - 1 }, place);
        if is_shrunk {
            let inside = usize::try_from(first).ok().filter(|first| *first < self.input[axis]);
            let begin = inside.ok_or_else(|| self.range_fault(axis, 0, &[begin.unwrap_or(0)]))?;
            return Ok(Part { begin, len: 1, stride: 1, is_shrunk, axis: Some(axis) });
        }
        let end = match end {
            None => {
                if stride > 0 {
                    dim
                } else {
                    -1
                }
            }
            Some(end) if is_offset => place(first + end),
            Some(end) => place(end),
        };
        let distance = end - first;
        let is_ahead = distance.signum() == stride.signum();
        let len = if is_ahead { (distance + stride - stride.signum()) / stride } else { 0 };
        let begin = usize::try_from(first).unwrap_or(0);
        Ok(Part { begin, len: usize::try_from(len).unwrap_or(0), stride, is_shrunk, axis: Some(axis) })
    }

    fn copy(&self, parts: &[Part]) -> StridedCopy {
        let from = steps(&self.input);
        let shape: Vec<usize> = parts.iter().map(|part| part.len).collect();
        let to = steps(&shape);
        let step = |part: &Part| part.axis.map_or(0, |axis| from[axis]);
        let start: isize = parts.iter().map(|part| part.begin as isize * step(part)).sum();
        let axes = parts.iter().zip(to);
        let axes: Vec<CopyAxis> = axes
            .map(|(part, to)| CopyAxis { len: part.len, from: step(part) * part.stride as isize, to })
            .collect();
        StridedCopy::new(&axes, start as usize, 0, self.element_bytes)
    }
}

/// The shape of what is taken.
fn kept(parts: &[Part]) -> Vec<usize> {
    parts.iter().filter(|part| !part.is_shrunk).map(|part| part.len).collect()
}
