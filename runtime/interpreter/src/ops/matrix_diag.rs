//! MATRIX_DIAG and MATRIX_SET_DIAG: rows become diagonals, of matrices of zeros or of given ones.

use alloc::vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy};

use super::moves::{Assembly, assembly, check_moved};
use super::{Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Types that LiteRT computes (`matrix_diag.cc`, `matrix_set_diag.cc`), and bool, of which LiteRT never writes the output.
const TYPES: &[DType] =
    &[DType::Float32, DType::UInt8, DType::Int8, DType::Int16, DType::Int32, DType::Int64, DType::Bool];

/// Prepares MATRIX_DIAG. Zero is the stored 0, whatever the zero point.
pub(crate) fn matrix_diag(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    check_moved(site, TYPES, &input, &output)?;
    let Some((side, outer)) = input.shape().split_last() else {
        return Err(input.fault("rank of at least 1", "a scalar"));
    };
    output.expect_shape(&[outer, &[*side, *side]].concat())?;
    let element_bytes = input.dtype().size_bytes();
    let copies = vec![diagonal(outer.iter().product(), [*side, *side], element_bytes)];
    Ok(assembly(Assembly { background: Some(vec![0; element_bytes]), copies }))
}

/// Input 0 with input 1 on its diagonals.
struct Diagonals(StridedCopy);

/// Prepares MATRIX_SET_DIAG.
pub(crate) fn matrix_set_diag(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, diagonals, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, TYPES, &input, &output)?;
    check_moved(site, TYPES, &diagonals, &output)?;
    output.expect_shape(input.shape())?;
    let [outer @ .., rows, columns] = input.shape() else {
        return Err(input.fault("rank of at least 2", alloc::format!("shape {:?}", input.shape())));
    };
    diagonals.expect_shape(&[outer, &[*rows.min(columns)]].concat())?;
    let copy = diagonal(outer.iter().product(), [*rows, *columns], input.dtype().size_bytes());
    Ok(Prepared::run(Set::Reference.name(), Diagonals(copy)))
}

/// The copy of `count` rows to the diagonals of as many matrices.
fn diagonal(count: usize, [rows, columns]: [usize; 2], element_bytes: usize) -> StridedCopy {
    let len = rows.min(columns);
    let axes = [
        CopyAxis { len: count, from: len as isize, to: (rows * columns) as isize },
        CopyAxis { len, from: 1, to: columns as isize + 1 },
    ];
    StridedCopy::new(&axes, 0, 0, element_bytes)
}

impl Step for Diagonals {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let output = frame.outputs.bytes();
        output.copy_from_slice(frame.inputs.bytes(0));
        self.0.run(frame.inputs.bytes(1), output);
        Ok(())
    }
}
