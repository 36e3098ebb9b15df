//! The rows of NEON. Elementwise operators have none where compilers make the same of the portable loops, for NEON is part of
//! aarch64.

use alloc::boxed::Box;

use super::floats::Floats8;
use super::octets::{Octets8, fits};
use super::{elementwise, packers};
use crate::generic;
use crate::generic::conv_2d::{ConvFloat, ConvInt, ConvMixed};
use crate::generic::depthwise_floats::DepthwiseTaps;
use crate::generic::depthwise_lines;
use crate::generic::exponential;
use crate::generic::fully_connected::{as_conv_f32, as_conv_hybrid, as_conv_i8};
use crate::generic::tile::Singles;
use crate::isa::Neon;
use crate::packed::Packed;
use crate::spec::{
    ConvF32, ConvHybrid, ConvI8, FilterScales, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8,
    FullyConnectedRealI8,
};

packers! { Neon;
    /// CONV_2D on floats.
    conv_f32: ConvF32 -> f32, generic::conv_2d::pack_f32, |isa, spec| Box::new(ConvFloat::<Floats8, 4, 8>::new(isa, spec));
    /// CONV_2D on int8.
    conv_i8: ConvI8 -> i8, generic::conv_2d::pack_i8, |isa, spec| match fits(spec.filter) {
        true => Box::new(ConvInt::<Octets8, _, 4, 8>::new(isa, spec)),
        false => Box::new(ConvInt::<Singles<Neon>, _, 4, 8>::new(isa, spec)),
    };
    /// CONV_2D on floats with int8 weights.
    conv_hybrid: ConvHybrid -> f32, generic::conv_2d::pack_hybrid,
        |isa, spec| hybrid(isa, spec, matches!(spec.filter_scales, FilterScales::PerChannel(_)));
    /// DEPTHWISE_CONV_2D on floats.
    depthwise_f32: ConvF32 -> f32, generic::depthwise_conv_2d::pack_f32, |isa, spec| DepthwiseTaps::pack(isa, spec);
    /// DEPTHWISE_CONV_2D on int8.
    depthwise_i8: ConvI8 -> i8, generic::depthwise_conv_2d::pack_i8, |isa, spec| depthwise_lines::pack_i8(isa, spec);
    /// DEPTHWISE_CONV_2D on floats with int8 weights.
    depthwise_hybrid: ConvHybrid -> f32, generic::depthwise_conv_2d::pack_hybrid,
        |isa, spec| depthwise_lines::pack_hybrid(isa, spec);
    /// FULLY_CONNECTED on floats.
    fully_connected_f32: FullyConnectedF32 -> f32, generic::fully_connected::pack_f32,
        |isa, spec| Box::new(ConvFloat::<Floats8, 4, 8>::new(isa, &as_conv_f32(spec)));
    /// FULLY_CONNECTED on int8.
    fully_connected_i8: FullyConnectedI8 -> i8, generic::fully_connected::pack_i8, |isa, spec| match fits(spec.filter) {
        true => Box::new(ConvInt::<Octets8, _, 4, 8>::new(isa, &as_conv_i8(spec))),
        false => Box::new(ConvInt::<Singles<Neon>, _, 4, 8>::new(isa, &as_conv_i8(spec))),
    };
    /// FULLY_CONNECTED on int8, in double precision at the end.
    fully_connected_real_i8: FullyConnectedRealI8 -> i8, generic::fully_connected::pack_real_i8,
        |isa, spec| match fits(spec.filter) {
            true => Box::new(ConvInt::<Octets8, _, 4, 8>::fully_connected(isa, spec)),
            false => Box::new(ConvInt::<Singles<Neon>, _, 4, 8>::fully_connected(isa, spec)),
        };
    /// FULLY_CONNECTED on floats with int8 weights.
    fully_connected_hybrid: FullyConnectedHybrid -> f32, generic::fully_connected::pack_hybrid,
        |isa, spec| hybrid(isa, &as_conv_hybrid(spec), false);
}

/// A convolution on floats with int8 weights.
fn hybrid(isa: Neon, spec: &ConvHybrid<'_>, filter_first: bool) -> Box<dyn Packed<f32, f32>> {
    match fits(spec.filter) {
        true => Box::new(ConvMixed::<Octets8, 4, 8>::new(isa, spec, filter_first)),
        false => Box::new(ConvMixed::<Singles<Neon>, 4, 8>::new(isa, spec, filter_first)),
    }
}

elementwise! { Neon;
    /// LOGISTIC.
    logistic_f32(input: &[f32], output: &mut [f32]), generic::exponential::logistic, exponential::logistic_on;
    /// SOFTMAX.
    softmax_f32(beta: f32, depth: usize, input: &[f32], output: &mut [f32]), generic::exponential::softmax, exponential::softmax_on;
}
