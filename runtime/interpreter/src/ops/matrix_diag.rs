//! MATRIX_DIAG: rows become the diagonals of matrices of zeros.

use alloc::vec;

use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy};

use super::moves::{Assembly, assembly, check_moved};
use super::{Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Types that LiteRT takes (`matrix_diag.cc`).
const TYPES: &[DType] =
    &[DType::Float32, DType::UInt8, DType::Int8, DType::Int16, DType::Int32, DType::Int64];

/// Prepares MATRIX_DIAG. Zero is the stored 0, whatever the zero point.
pub(crate) fn matrix_diag(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    check_moved(site, TYPES, &input, &output)?;
    let Some((side, outer)) = input.shape().split_last() else {
        return Err(input.fault("rank of at least 1", "a scalar"));
    };
    output.expect_shape(&[outer, &[*side, *side]].concat())?;
    let axes = [
        CopyAxis { len: outer.iter().product(), from: *side as isize, to: (side * side) as isize },
        CopyAxis { len: *side, from: 1, to: *side as isize + 1 },
    ];
    let element_bytes = input.dtype().size_bytes();
    let copies = vec![StridedCopy::new(&axes, 0, 0, element_bytes)];
    Ok(assembly(Assembly { background: Some(vec![0; element_bytes]), copies }))
}
