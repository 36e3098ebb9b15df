//! CONV_3D and CONV_3D_TRANSPOSE on floats: volumes NDHWC.

use alloc::format;

use edgebench_kernels::Clamp;
use edgebench_kernels::reference::conv_3d::{self, Axis3d, Conv3dShape};
use edgebench_schema::tflite::Conv3DOptions;

use super::filter::float_clamp;
use super::map::plain;
use super::moves::constant_shape;
use super::window::WindowOptions;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

type Kernel = fn(&Conv3dShape, Clamp<f32>, (&[f32], &[f32]), &[f32], &mut [f32]);

/// Prepares CONV_3D: input NDHWC, filter `[depth, height, width, I, O]`, bias `[O]` or absent.
pub(crate) fn conv_3d(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, filter) = (site.input(0)?, site.input(1)?);
    let [batch, depth, height, width, in_channels] = input.dims()?;
    let [filter_depth, filter_height, filter_width, own_channels, out_channels] = filter.dims()?;
    if own_channels != in_channels {
        return Err(filter.fault(format!("{in_channels} input channels"), format!("{own_channels}")));
    }
    let taps = [filter_depth, filter_height, filter_width];
    let axes = axes(site, &input, [depth, height, width], taps)?;
    let [out_depth, out_height, out_width] = axes.map(|axis| axis.places);
    site.output(0)?.expect_shape(&[batch, out_depth, out_height, out_width, out_channels])?;
    let shape = Conv3dShape { batch, axes, in_channels, out_channels };
    prepared(site, shape, [0, 1, 2], conv_3d::conv_3d)
}

/// Prepares CONV_3D_TRANSPOSE: output shape, filter `[depth, height, width, O, I]`, input NDHWC, bias `[O]` or absent.
pub(crate) fn conv_3d_transpose(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (stated, filter, input) = (site.input(0)?, site.input(1)?, site.input(2)?);
    stated.expect_dtype(DType::Int32)?;
    let dims = constant_shape(&stated, 0)?;
    site.output(0)?.expect_shape(&dims)?;
    let [batch, depth, height, width, out_channels] = site.output(0)?.dims()?;
    let [filter_depth, filter_height, filter_width, own_channels, in_channels] = filter.dims()?;
    if own_channels != out_channels {
        return Err(filter.fault(format!("{out_channels} output channels"), format!("{own_channels}")));
    }
    let taps = [filter_depth, filter_height, filter_width];
    let axes = axes(site, &site.output(0)?, [depth, height, width], taps)?;
    let [in_depth, in_height, in_width] = axes.map(|axis| axis.places);
    input.expect_shape(&[batch, in_depth, in_height, in_width, in_channels])?;
    let shape = Conv3dShape { batch, axes, in_channels, out_channels };
    prepared(site, shape, [2, 1, 3], conv_3d::conv_3d_transpose)
}

/// The window over the sides of `wide`, which are `sides` long.
fn axes(
    site: &Site<'_, '_>,
    wide: &Operand<'_>,
    sides: [usize; 3],
    taps: [usize; 3],
) -> Result<[Axis3d; 3], Fault> {
    let options = options(site)?;
    let plane = WindowOptions {
        padding: options.padding(),
        filter: [taps[1], taps[2]],
        stride: [options.stride_h(), options.stride_w()],
        dilation: [options.dilation_h_factor(), options.dilation_w_factor()],
    };
    let line = WindowOptions {
        filter: [taps[0], 1],
        stride: [options.stride_d(), 1],
        dilation: [options.dilation_d_factor(), 1],
        ..plane
    };
    let (depth, [deep, _]) = line.over(wide, [sides[0], 1], site)?;
    let (plane, [high, broad]) = plane.over(wide, [sides[1], sides[2]], site)?;
    let axis = |side: usize, places, stride, dilation, pad| Axis3d {
        wide: sides[side],
        places,
        filter: taps[side],
        stride,
        dilation,
        pad,
    };
    Ok([
        axis(0, deep, depth.stride_height, depth.dilation_height, depth.pad_top),
        axis(1, high, plane.stride_height, plane.dilation_height, plane.pad_top),
        axis(2, broad, plane.stride_width, plane.dilation_width, plane.pad_left),
    ])
}

fn options<'m>(site: &Site<'_, 'm>) -> Result<Conv3DOptions<'m>, Fault> {
    site.options(|table| table.builtin_options_as_conv_3_doptions())
}

fn prepared(
    site: &Site<'_, '_>,
    shape: Conv3dShape,
    [input, filter, bias]: [usize; 3],
    kernel: Kernel,
) -> Result<Prepared, Fault> {
    for operand in [site.input(input)?, site.input(filter)?, site.output(0)?] {
        operand.expect_dtype(DType::Float32)?;
    }
    if let Some(bias) = site.optional_input(bias) {
        bias.expect_dtype(DType::Float32)?;
        bias.expect_elements(shape.out_channels)?;
    }
    let activation = float_clamp(options(site)?.fused_activation_function(), site)?;
    let places: usize = shape.axes.iter().map(|axis| axis.places).product();
    let macs = (shape.batch * places) as u64
        * shape.taps() as u64
        * (shape.in_channels as u64).saturating_mul(shape.out_channels as u64);
    let step = plain(move |frame| {
        let weights = (frame.inputs.of(filter), frame.inputs.of(bias));
        kernel(&shape, activation, weights, frame.inputs.of(input), frame.outputs.of());
        Ok(())
    });
    Ok(Prepared { macs, ..step })
}
