//! RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR on NHWC images.

use alloc::format;

use edgebench_kernels::reference::resize::{Resize, bilinear_integer, bilinear_u8, nearest_neighbor};
use edgebench_kernels::table;

use super::map::unary;
use super::moves::{check_moved, constant_shape, moved};
use super::{Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Largest height and width; their positions with ten bits of fraction fit in 32 bits.
const MAX_SIDE: usize = 1 << 20;

/// Types of RESIZE_BILINEAR (`resize_bilinear.cc`).
const BILINEAR_TYPES: &[DType] = &[DType::Float32, DType::UInt8, DType::Int8, DType::Int16];
/// Types of RESIZE_NEAREST_NEIGHBOR (`resize_nearest_neighbor.cc`).
const NEAREST_TYPES: &[DType] = &[DType::Float32, DType::UInt8, DType::Int8, DType::Int16];

/// Prepares RESIZE_BILINEAR: input 1 is the constant height and width of the output.
pub(crate) fn resize_bilinear(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_resize_bilinear_options())?;
    let shape = resize(site, BILINEAR_TYPES, options.align_corners(), options.half_pixel_centers())?;
    Ok(match site.input(0)?.dtype() {
        DType::Float32 => {
            let row = table::RESIZE_BILINEAR_F32.select(site.choice());
            unary(row, move |kernel, input, output| kernel(&shape, input, output))
        }
        DType::Int8 => {
            let row = table::RESIZE_BILINEAR_I8.select(site.choice());
            unary(row, move |kernel, input, output| kernel(&shape, input, output))
        }
        DType::Int16 => moved(move |input, output| bilinear_integer::<i16>(&shape, input, output)),
        _ => moved(move |input, output| bilinear_u8(&shape, input, output)),
    })
}

/// Prepares RESIZE_NEAREST_NEIGHBOR: input 1 is the constant height and width of the output.
pub(crate) fn resize_nearest_neighbor(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_resize_nearest_neighbor_options())?;
    let shape = resize(site, NEAREST_TYPES, options.align_corners(), options.half_pixel_centers())?;
    let element_bytes = site.input(0)?.dtype().size_bytes();
    Ok(moved::<u8, u8>(move |input, output| nearest_neighbor(&shape, element_bytes, input, output)))
}

fn resize(
    site: &Site<'_, '_>,
    types: &[DType],
    align_corners: bool,
    half_pixel_centers: bool,
) -> Result<Resize, Fault> {
    let (input, size, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, types, &input, &output)?;
    let [batch, height, width, channels] = input.dims()?;
    size.expect_dtype(DType::Int32)?;
    size.expect_shape(&[2])?;
    let to = constant_shape(&size, 1)?;
    let (Some(&rows), Some(&columns)) = (to.first(), to.get(1)) else {
        return Err(size.fault("two numbers", "fewer"));
    };
    if [height, width, rows, columns].iter().any(|side| *side == 0 || *side > MAX_SIDE) {
        let found = format!("{height} x {width} to {rows} x {columns}");
        return Err(Fault::mismatch(site.place(), format!("sides of 1 to {MAX_SIDE}"), found));
    }
    if align_corners && half_pixel_centers {
        return Err(site.unsupported("aligned corners with half pixel centers"));
    }
    output.expect_shape(&[batch, rows, columns, channels])?;
    Ok(Resize {
        batch,
        from: [height, width],
        to: [rows, columns],
        channels,
        align_corners,
        half_pixel_centers,
    })
}
