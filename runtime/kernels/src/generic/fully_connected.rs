//! FULLY_CONNECTED as a pointwise convolution over one-pixel images: the same panels, the same tiles.

use alloc::boxed::Box;

use super::conv_2d::{ConvFloat, ConvInt, ConvMixed};
use super::tile::{Floats, Singles};
use crate::isa::Portable;
use crate::packed::Packed;
use crate::spec::{
    ConvF32, ConvHybrid, ConvI8, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8,
    FullyConnectedRealI8,
};

/// Packs for tiles of 4 rows by two panels of 4 features.
pub fn pack_f32(spec: &FullyConnectedF32<'_>) -> Box<dyn Packed<f32, f32>> {
    Box::new(ConvFloat::<Floats<Portable>, 4, 4>::new(Portable::new(), &as_conv_f32(spec)))
}

/// Packs for tiles of 4 rows by one panel of 8 features.
pub fn pack_i8(spec: &FullyConnectedI8<'_>) -> Box<dyn Packed<i8, i8>> {
    Box::new(ConvInt::<Singles<Portable>, _, 4, 8>::new(Portable::new(), &as_conv_i8(spec)))
}

/// Packs for tiles of 4 rows by one panel of 8 features.
pub fn pack_real_i8(spec: &FullyConnectedRealI8<'_>) -> Box<dyn Packed<i8, i8>> {
    Box::new(ConvInt::<Singles<Portable>, _, 4, 8>::fully_connected(Portable::new(), spec))
}

/// Packs for tiles of 4 rows by one panel of 8 features.
pub fn pack_hybrid(spec: &FullyConnectedHybrid<'_>) -> Box<dyn Packed<f32, f32>> {
    Box::new(ConvMixed::<Singles<Portable>, 4, 8>::new(Portable::new(), &as_conv_hybrid(spec), false))
}

pub(crate) fn as_conv_f32<'a>(spec: &FullyConnectedF32<'a>) -> ConvF32<'a> {
    let FullyConnectedF32 { shape, filter, bias, activation } = *spec;
    ConvF32 { shape: shape.as_conv(), filter, bias, activation }
}

pub(crate) fn as_conv_i8<'a>(spec: &FullyConnectedI8<'a>) -> ConvI8<'a> {
    let FullyConnectedI8 { shape, filter, bias, input_zero_point, output } = *spec;
    ConvI8 { shape: shape.as_conv(), filter, bias, input_zero_point, output }
}

pub(crate) fn as_conv_hybrid<'a>(spec: &FullyConnectedHybrid<'a>) -> ConvHybrid<'a> {
    let FullyConnectedHybrid { shape, filter, filter_scales, bias, input, activation } = *spec;
    ConvHybrid { shape: shape.as_conv(), filter, filter_scales, bias, input, activation }
}
