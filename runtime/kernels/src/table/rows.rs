//! The tables themselves: function types, then one table for each operator and choice of types.

use alloc::boxed::Box;

use super::{Row, Set, Table};
#[cfg(target_arch = "aarch64")]
use crate::arch::aarch64;
#[cfg(target_arch = "x86_64")]
use crate::arch::x86_64;
use crate::generic;
use crate::packed::Packed;
use crate::reference::binary::{AddI8, MulI8};
use crate::reference::hard_swish::HardSwish;
use crate::reference::integer::ConvInteger;
use crate::reference::lookup::Table256;
use crate::reference::mean::MeanQuantized;
use crate::reference::quantize::Requantize;
use crate::reference::resize::Resize;
use crate::reference::softmax::SoftmaxQuantized;
use crate::reference::{
    activation, binary, conv_2d, depthwise_conv_2d, fully_connected, hard_swish, integer, logistic, lookup,
    mean, pool_2d, quantize, resize, softmax,
};
use crate::shape::{Broadcast, Clamp, Pool2dShape};
use crate::spec::{
    ConvF32, ConvHybrid, ConvI8, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8,
    FullyConnectedRealI8,
};

/// Packs a float convolution.
pub type PackConvF32 = fn(&ConvF32<'_>) -> Box<dyn Packed<f32, f32>>;
/// Packs an int8 convolution.
pub type PackConvI8 = fn(&ConvI8<'_>) -> Box<dyn Packed<i8, i8>>;
/// Packs a convolution on int16 with int8 weights.
pub type PackConvInteger<S> = fn(&ConvInteger<'_, i8, S>) -> Box<dyn Packed<i16, i16>>;
/// Packs a hybrid convolution.
pub type PackConvHybrid = fn(&ConvHybrid<'_>) -> Box<dyn Packed<f32, f32>>;
/// Packs a float FULLY_CONNECTED.
pub type PackFullyConnectedF32 = fn(&FullyConnectedF32<'_>) -> Box<dyn Packed<f32, f32>>;
/// Packs an int8 FULLY_CONNECTED.
pub type PackFullyConnectedI8 = fn(&FullyConnectedI8<'_>) -> Box<dyn Packed<i8, i8>>;
/// Packs an int8 FULLY_CONNECTED that rescales in double precision.
pub type PackFullyConnectedRealI8 = fn(&FullyConnectedRealI8<'_>) -> Box<dyn Packed<i8, i8>>;
/// Packs a hybrid FULLY_CONNECTED.
pub type PackFullyConnectedHybrid = fn(&FullyConnectedHybrid<'_>) -> Box<dyn Packed<f32, f32>>;
/// `(activation, walk, left, right, output)`, see [`binary`].
pub type BinaryF32 = fn(Clamp<f32>, &Broadcast, &[f32], &[f32], &mut [f32]);
/// `(constants, walk, left, right, output)`, see [`binary`].
pub type AddI8Fn = fn(&AddI8, &Broadcast, &[i8], &[i8], &mut [i8]);
/// `(constants, walk, left, right, output)`, see [`binary`].
pub type MulI8Fn = fn(&MulI8, &Broadcast, &[i8], &[i8], &mut [i8]);
/// `(shape, activation, input, output)`, see [`pool_2d`].
pub type PoolF32 = fn(&Pool2dShape, Clamp<f32>, &[f32], &mut [f32]);
/// `(shape, activation, input, output)`, see [`pool_2d`].
pub type PoolI8 = fn(&Pool2dShape, Clamp<i8>, &[i8], &mut [i8]);
/// `(dims, reduced, input, output)`, see [`mean`].
pub type MeanF32Fn = fn(&[usize], &[bool], &[f32], &mut [f32]);
/// `(constants, dims, reduced, input, sums, output)`, see [`mean`].
pub type MeanI8Fn = fn(&MeanQuantized, &[usize], &[bool], &[i8], &mut [i32], &mut [i8]);
/// `(shape, input, output)`, see [`resize`].
pub type ResizeFn<T> = fn(&Resize, &[T], &mut [T]);
/// `(beta, depth, input, output)`, see [`softmax`].
pub type SoftmaxF32Fn = fn(f32, usize, &[f32], &mut [f32]);
/// `(constants, depth, input, output)`, see [`softmax`].
pub type SoftmaxI8Fn = fn(&SoftmaxQuantized, usize, &[i8], &mut [i8]);
/// `(input, output)`, element by element.
pub type UnaryF32 = fn(&[f32], &mut [f32]);
/// `(table, input, output)`, element by element.
pub type LookUpI8 = fn(&Table256<i8>, &[i8], &mut [i8]);
/// `(range, input, output)`, see [`activation`].
pub type ClampF32Fn = fn(Clamp<f32>, &[f32], &mut [f32]);
/// `(rescale, range, input, output)`, see [`activation`].
pub type ClampI8Fn = fn(&Requantize, Clamp<i8>, &[i8], &mut [i8]);
/// `(constants, input, output)`, see [`hard_swish`].
pub type HardSwishI8Fn = fn(&HardSwish, &[i8], &mut [i8]);
/// `(scale, zero_point, input, output)`, see [`quantize`].
pub type QuantizeFn<T> = fn(f32, i32, &[f32], &mut [T]);
/// `(rescale, input, output)`, see [`quantize`].
pub type RequantizeFn<In, Out> = fn(&Requantize, &[In], &mut [Out]);
/// `(scale, zero_point, input, output)`, see [`quantize`].
pub type DequantizeFn<T> = fn(f32, i32, &[T], &mut [f32]);

/// The row that every table begins with.
const fn plain<F>(kernel: F) -> Row<F> {
    Row { set: Set::Reference, name: "plain loops", kernel }
}

const fn portable<F>(name: &'static str, kernel: F) -> Row<F> {
    Row { set: Set::Portable, name, kernel }
}

#[cfg(target_arch = "x86_64")]
const fn avx2<F>(name: &'static str, kernel: F) -> Row<F> {
    Row { set: Set::Avx2, name, kernel }
}

#[cfg(target_arch = "x86_64")]
const fn avx512_vnni<F>(name: &'static str, kernel: F) -> Row<F> {
    Row { set: Set::Avx512Vnni, name, kernel }
}

#[cfg(target_arch = "aarch64")]
const fn neon<F>(name: &'static str, kernel: F) -> Row<F> {
    Row { set: Set::Neon, name, kernel }
}

#[cfg(target_arch = "aarch64")]
const fn dotprod<F>(name: &'static str, kernel: F) -> Row<F> {
    Row { set: Set::Dotprod, name, kernel }
}

#[cfg(target_arch = "aarch64")]
const fn i8mm<F>(name: &'static str, kernel: F) -> Row<F> {
    Row { set: Set::I8mm, name, kernel }
}

/// CONV_2D on floats, weights float32 or float16.
pub static CONV_2D_F32: Table<PackConvF32> = Table {
    operator: "CONV_2D",
    types: "f32",
    rows: &[
        plain(conv_2d::pack_f32),
        portable("tiles of 4 x 8", generic::conv_2d::pack_f32),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 6 x 16", x86_64::avx2::conv_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 8 x 32", x86_64::avx512::conv_f32),
        #[cfg(target_arch = "aarch64")]
        neon("tiles of 4 x 16", aarch64::neon::conv_f32),
    ],
};

/// CONV_2D on int8, per-channel scales.
pub static CONV_2D_I8: Table<PackConvI8> = Table {
    operator: "CONV_2D",
    types: "i8",
    rows: &[
        plain(conv_2d::pack_i8),
        portable("tiles of 4 x 8", generic::conv_2d::pack_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 6 x 16", x86_64::avx2::conv_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 8 x 32", x86_64::avx512::conv_i8),
        #[cfg(target_arch = "aarch64")]
        neon("tiles of 4 x 8, products in 16 bits", aarch64::neon::conv_i8),
        #[cfg(target_arch = "aarch64")]
        dotprod("tiles of 4 x 16", aarch64::dotprod::conv_i8),
        #[cfg(target_arch = "aarch64")]
        i8mm("tiles of 4 x 16, squares", aarch64::i8mm::conv_i8),
    ],
};

/// CONV_2D on floats with int8 weights.
pub static CONV_2D_HYBRID: Table<PackConvHybrid> = Table {
    operator: "CONV_2D",
    types: "f32 x i8",
    rows: &[
        plain(conv_2d::pack_hybrid),
        portable("tiles of 4 x 8", generic::conv_2d::pack_hybrid),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 6 x 16", x86_64::avx2::conv_hybrid),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 8 x 32", x86_64::avx512::conv_hybrid),
        #[cfg(target_arch = "aarch64")]
        neon("tiles of 4 x 8, products in 16 bits", aarch64::neon::conv_hybrid),
        #[cfg(target_arch = "aarch64")]
        dotprod("tiles of 4 x 16", aarch64::dotprod::conv_hybrid),
        #[cfg(target_arch = "aarch64")]
        i8mm("tiles of 4 x 16, squares", aarch64::i8mm::conv_hybrid),
    ],
};

/// DEPTHWISE_CONV_2D on floats, weights float32 or float16.
pub static DEPTHWISE_CONV_2D_F32: Table<PackConvF32> = Table {
    operator: "DEPTHWISE_CONV_2D",
    types: "f32",
    rows: &[
        plain(depthwise_conv_2d::pack_f32),
        portable("vectors of 8", generic::depthwise_conv_2d::pack_f32),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors of 16", x86_64::avx2::depthwise_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("4 pixels x 32", x86_64::avx512::depthwise_f32),
        #[cfg(target_arch = "aarch64")]
        neon("4 pixels x 16", aarch64::neon::depthwise_f32),
    ],
};

/// DEPTHWISE_CONV_2D on int8, per-channel scales.
pub static DEPTHWISE_CONV_2D_I8: Table<PackConvI8> = Table {
    operator: "DEPTHWISE_CONV_2D",
    types: "i8",
    rows: &[
        plain(depthwise_conv_2d::pack_i8),
        portable("vectors of 8", generic::depthwise_conv_2d::pack_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors of 16", x86_64::avx2::depthwise_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("quads of taps, blocks of 64", x86_64::avx512::depthwise_i8),
        #[cfg(target_arch = "aarch64")]
        neon("lines, 4 pixels x 16", aarch64::neon::depthwise_i8),
    ],
};

/// DEPTHWISE_CONV_2D on floats with int8 weights.
pub static DEPTHWISE_CONV_2D_HYBRID: Table<PackConvHybrid> = Table {
    operator: "DEPTHWISE_CONV_2D",
    types: "f32 x i8",
    rows: &[
        plain(depthwise_conv_2d::pack_hybrid),
        portable("vectors of 8", generic::depthwise_conv_2d::pack_hybrid),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors of 16", x86_64::avx2::depthwise_hybrid),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("quads of taps, blocks of 64", x86_64::avx512::depthwise_hybrid),
        #[cfg(target_arch = "aarch64")]
        neon("lines, 4 pixels x 16", aarch64::neon::depthwise_hybrid),
    ],
};

/// FULLY_CONNECTED on floats, weights float32 or float16.
pub static FULLY_CONNECTED_F32: Table<PackFullyConnectedF32> = Table {
    operator: "FULLY_CONNECTED",
    types: "f32",
    rows: &[
        plain(fully_connected::pack_f32),
        portable("tiles of 4 x 8", generic::fully_connected::pack_f32),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 6 x 16", x86_64::avx2::fully_connected_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 8 x 32", x86_64::avx512::fully_connected_f32),
        #[cfg(target_arch = "aarch64")]
        neon("tiles of 4 x 16", aarch64::neon::fully_connected_f32),
    ],
};

/// FULLY_CONNECTED on int8, rescaled in fixed point.
pub static FULLY_CONNECTED_I8: Table<PackFullyConnectedI8> = Table {
    operator: "FULLY_CONNECTED",
    types: "i8",
    rows: &[
        plain(fully_connected::pack_i8),
        portable("tiles of 4 x 8", generic::fully_connected::pack_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 6 x 16", x86_64::avx2::fully_connected_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 8 x 32", x86_64::avx512::fully_connected_i8),
        #[cfg(target_arch = "aarch64")]
        neon("tiles of 4 x 8, products in 16 bits", aarch64::neon::fully_connected_i8),
        #[cfg(target_arch = "aarch64")]
        dotprod("tiles of 4 x 16", aarch64::dotprod::fully_connected_i8),
        #[cfg(target_arch = "aarch64")]
        i8mm("tiles of 4 x 16, squares", aarch64::i8mm::fully_connected_i8),
    ],
};

/// FULLY_CONNECTED on int8, rescaled in double precision: what LiteRT 2.3's reference kernels compute.
pub static FULLY_CONNECTED_REAL_I8: Table<PackFullyConnectedRealI8> = Table {
    operator: "FULLY_CONNECTED",
    types: "i8, real rescale",
    rows: &[
        plain(fully_connected::pack_real_i8),
        portable("tiles of 4 x 8", generic::fully_connected::pack_real_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 6 x 16", x86_64::avx2::fully_connected_real_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 8 x 32", x86_64::avx512::fully_connected_real_i8),
        #[cfg(target_arch = "aarch64")]
        neon("tiles of 4 x 8, products in 16 bits", aarch64::neon::fully_connected_real_i8),
        #[cfg(target_arch = "aarch64")]
        dotprod("tiles of 4 x 16", aarch64::dotprod::fully_connected_real_i8),
        #[cfg(target_arch = "aarch64")]
        i8mm("tiles of 4 x 16, squares", aarch64::i8mm::fully_connected_real_i8),
    ],
};

/// FULLY_CONNECTED on floats with int8 weights.
pub static FULLY_CONNECTED_HYBRID: Table<PackFullyConnectedHybrid> = Table {
    operator: "FULLY_CONNECTED",
    types: "f32 x i8",
    rows: &[
        plain(fully_connected::pack_hybrid),
        portable("tiles of 4 x 8", generic::fully_connected::pack_hybrid),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 6 x 16", x86_64::avx2::fully_connected_hybrid),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 8 x 32", x86_64::avx512::fully_connected_hybrid),
        #[cfg(target_arch = "aarch64")]
        neon("tiles of 4 x 8, products in 16 bits", aarch64::neon::fully_connected_hybrid),
        #[cfg(target_arch = "aarch64")]
        dotprod("tiles of 4 x 16", aarch64::dotprod::fully_connected_hybrid),
        #[cfg(target_arch = "aarch64")]
        i8mm("tiles of 4 x 16, squares", aarch64::i8mm::fully_connected_hybrid),
    ],
};

/// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int16 with int8 weights, summed in 64 bits.
pub static CONV_2D_I16: Table<PackConvInteger<i64>> = Table {
    operator: "CONV_2D",
    types: "i16 x i8, 64-bit sums",
    rows: &[
        plain(integer::pack),
        portable("tiles of 2 x 8", generic::wide::pack),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 3 x 8", x86_64::avx2::conv_i16),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 4 x 16", x86_64::avx512::conv_i16),
    ],
};

/// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int16 with int8 weights, summed in 32 bits.
pub static CONV_2D_I16_NARROW: Table<PackConvInteger<i32>> = Table {
    operator: "CONV_2D",
    types: "i16 x i8, 32-bit sums",
    rows: &[
        plain(integer::pack),
        portable("tiles of 2 x 8", generic::wide::pack),
        #[cfg(target_arch = "x86_64")]
        avx2("tiles of 3 x 8", x86_64::avx2::conv_i16),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("tiles of 4 x 16", x86_64::avx512::conv_i16),
    ],
};

/// ADD on floats.
pub static ADD_F32: Table<BinaryF32> = Table {
    operator: "ADD",
    types: "f32",
    rows: &[
        plain(binary::add_f32),
        portable("vectors", generic::float_pairs::add),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors", x86_64::avx2::add_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors", x86_64::avx512::add_f32),
    ],
};

/// ADD on int8.
pub static ADD_I8: Table<AddI8Fn> = Table {
    operator: "ADD",
    types: "i8",
    rows: &[
        plain(binary::add_quantized),
        portable("blocks of 64", generic::binary::add_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("blocks of 64", x86_64::avx2::add_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("blocks of 64", x86_64::avx512::add_i8),
    ],
};

/// SUB on floats.
pub static SUB_F32: Table<BinaryF32> = Table {
    operator: "SUB",
    types: "f32",
    rows: &[
        plain(binary::sub_f32),
        portable("vectors", generic::float_pairs::sub),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors", x86_64::avx2::sub_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors", x86_64::avx512::sub_f32),
    ],
};

/// SUB on int8.
pub static SUB_I8: Table<AddI8Fn> = Table {
    operator: "SUB",
    types: "i8",
    rows: &[
        plain(binary::sub_quantized),
        portable("blocks of 64", generic::binary::sub_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("blocks of 64", x86_64::avx2::sub_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("blocks of 64", x86_64::avx512::sub_i8),
    ],
};

/// MUL on floats.
pub static MUL_F32: Table<BinaryF32> = Table {
    operator: "MUL",
    types: "f32",
    rows: &[
        plain(binary::mul_f32),
        portable("vectors", generic::float_pairs::mul),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors", x86_64::avx2::mul_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors", x86_64::avx512::mul_f32),
    ],
};

/// MUL on int8.
pub static MUL_I8: Table<MulI8Fn> = Table {
    operator: "MUL",
    types: "i8",
    rows: &[
        plain(binary::mul_quantized),
        portable("blocks of 64", generic::binary::mul_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("blocks of 64", x86_64::avx2::mul_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("blocks of 64", x86_64::avx512::mul_i8),
    ],
};

/// AVERAGE_POOL_2D on floats.
pub static AVERAGE_POOL_2D_F32: Table<PoolF32> = Table {
    operator: "AVERAGE_POOL_2D",
    types: "f32",
    rows: &[
        plain(pool_2d::average_f32),
        portable("vectors of 64", generic::pool_2d::average_f32),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors of 64", x86_64::avx2::average_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors of 64", x86_64::avx512::average_f32),
    ],
};

/// AVERAGE_POOL_2D on int8.
pub static AVERAGE_POOL_2D_I8: Table<PoolI8> = Table {
    operator: "AVERAGE_POOL_2D",
    types: "i8",
    rows: &[
        plain(pool_2d::average_quantized),
        portable("vectors of 64", generic::pool_2d::average_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors of 64", x86_64::avx2::average_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors of 64", x86_64::avx512::average_i8),
    ],
};

/// MAX_POOL_2D on floats.
pub static MAX_POOL_2D_F32: Table<PoolF32> = Table {
    operator: "MAX_POOL_2D",
    types: "f32",
    rows: &[
        plain(pool_2d::max_f32),
        portable("vectors of 64", generic::pool_2d::max_f32),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors of 64", x86_64::avx2::max_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors of 64", x86_64::avx512::max_f32),
    ],
};

/// MAX_POOL_2D on int8.
pub static MAX_POOL_2D_I8: Table<PoolI8> = Table {
    operator: "MAX_POOL_2D",
    types: "i8",
    rows: &[
        plain(pool_2d::max_quantized),
        portable("vectors of 64", generic::pool_2d::max_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors of 64", x86_64::avx2::max_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors of 64", x86_64::avx512::max_i8),
    ],
};

/// RESIZE_BILINEAR on floats.
pub static RESIZE_BILINEAR_F32: Table<ResizeFn<f32>> = Table {
    operator: "RESIZE_BILINEAR",
    types: "f32",
    rows: &[
        plain(resize::bilinear_f32),
        portable("pixels", generic::resize::bilinear_f32),
        #[cfg(target_arch = "x86_64")]
        avx2("pixels", x86_64::avx2::bilinear_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("pixels", x86_64::avx512::bilinear_f32),
    ],
};

/// RESIZE_BILINEAR on int8.
pub static RESIZE_BILINEAR_I8: Table<ResizeFn<i8>> = Table {
    operator: "RESIZE_BILINEAR",
    types: "i8",
    rows: &[
        plain(resize::bilinear_integer),
        portable("pixels", generic::resize::bilinear_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("pixels", x86_64::avx2::bilinear_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("pixels", x86_64::avx512::bilinear_i8),
    ],
};

/// MEAN on floats.
pub static MEAN_F32: Table<MeanF32Fn> = Table {
    operator: "MEAN",
    types: "f32",
    rows: &[
        plain(mean::mean_f32),
        portable("runs of inner axes", generic::mean::mean_f32),
        #[cfg(target_arch = "x86_64")]
        avx2("runs of inner axes", x86_64::avx2::mean_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("runs of inner axes", x86_64::avx512::mean_f32),
    ],
};

/// MEAN on int8.
pub static MEAN_I8: Table<MeanI8Fn> = Table {
    operator: "MEAN",
    types: "i8",
    rows: &[
        plain(mean::mean_quantized),
        portable("runs of inner axes", generic::mean::mean_i8),
        #[cfg(target_arch = "x86_64")]
        avx2("runs of inner axes", x86_64::avx2::mean_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("runs of inner axes", x86_64::avx512::mean_i8),
    ],
};

/// SOFTMAX on floats.
pub static SOFTMAX_F32: Table<SoftmaxF32Fn> = Table {
    operator: "SOFTMAX",
    types: "f32",
    rows: &[
        plain(softmax::softmax_f32),
        portable("vectors", generic::exponential::softmax),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors", x86_64::avx2::softmax_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors", x86_64::avx512::softmax_f32),
        #[cfg(target_arch = "aarch64")]
        neon("vectors", aarch64::neon::softmax_f32),
    ],
};

/// SOFTMAX on int8.
pub static SOFTMAX_I8: Table<SoftmaxI8Fn> =
    Table { operator: "SOFTMAX", types: "i8", rows: &[plain(softmax::softmax_quantized)] };

/// LOGISTIC on floats.
pub static LOGISTIC_F32: Table<UnaryF32> = Table {
    operator: "LOGISTIC",
    types: "f32",
    rows: &[
        plain(logistic::logistic_f32),
        portable("vectors", generic::exponential::logistic),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors", x86_64::avx2::logistic_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors", x86_64::avx512::logistic_f32),
        #[cfg(target_arch = "aarch64")]
        neon("vectors", aarch64::neon::logistic_f32),
    ],
};

/// LOGISTIC on int8, by a table.
pub static LOGISTIC_I8: Table<LookUpI8> = Table {
    operator: "LOGISTIC",
    types: "i8",
    rows: &[
        plain(lookup::look_up),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("byte permutes", x86_64::avx512::look_up_i8),
        #[cfg(target_arch = "aarch64")]
        neon("byte permutes", aarch64::lookup::look_up_i8),
    ],
};

/// RELU, RELU6 and RELU_N1_TO_1 on floats.
pub static RELU_F32: Table<ClampF32Fn> =
    Table { operator: "RELU", types: "f32", rows: &[plain(activation::clamp_f32)] };

/// RELU, RELU6 and RELU_N1_TO_1 on int8.
pub static RELU_I8: Table<ClampI8Fn> =
    Table { operator: "RELU", types: "i8", rows: &[plain(activation::clamp_quantized)] };

/// HARD_SWISH on floats.
pub static HARD_SWISH_F32: Table<UnaryF32> = Table {
    operator: "HARD_SWISH",
    types: "f32",
    rows: &[
        plain(hard_swish::hard_swish_f32),
        portable("vectors", generic::float_pairs::hard_swish),
        #[cfg(target_arch = "x86_64")]
        avx2("vectors", x86_64::avx2::hard_swish_f32),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("vectors", x86_64::avx512::hard_swish_f32),
    ],
};

/// HARD_SWISH on int8.
pub static HARD_SWISH_I8: Table<HardSwishI8Fn> = Table {
    operator: "HARD_SWISH",
    types: "i8",
    rows: &[
        plain(hard_swish::hard_swish_quantized),
        portable("table", generic::lookup::hard_swish_i8),
        #[cfg(target_arch = "x86_64")]
        avx512_vnni("table, byte permutes", x86_64::avx512::hard_swish_i8),
        #[cfg(target_arch = "aarch64")]
        neon("table, byte permutes", aarch64::lookup::hard_swish_i8),
    ],
};

/// QUANTIZE from floats to int8.
pub static QUANTIZE_F32_I8: Table<QuantizeFn<i8>> =
    Table { operator: "QUANTIZE", types: "f32 to i8", rows: &[plain(quantize::quantize)] };

/// QUANTIZE from floats to uint8.
pub static QUANTIZE_F32_U8: Table<QuantizeFn<u8>> =
    Table { operator: "QUANTIZE", types: "f32 to u8", rows: &[plain(quantize::quantize)] };

/// QUANTIZE from int8 to int8.
pub static QUANTIZE_I8_I8: Table<RequantizeFn<i8, i8>> =
    Table { operator: "QUANTIZE", types: "i8 to i8", rows: &[plain(quantize::requantize)] };

/// QUANTIZE from int8 to uint8.
pub static QUANTIZE_I8_U8: Table<RequantizeFn<i8, u8>> =
    Table { operator: "QUANTIZE", types: "i8 to u8", rows: &[plain(quantize::requantize)] };

/// QUANTIZE from uint8 to int8.
pub static QUANTIZE_U8_I8: Table<RequantizeFn<u8, i8>> =
    Table { operator: "QUANTIZE", types: "u8 to i8", rows: &[plain(quantize::requantize)] };

/// DEQUANTIZE from int8.
pub static DEQUANTIZE_I8: Table<DequantizeFn<i8>> =
    Table { operator: "DEQUANTIZE", types: "i8", rows: &[plain(quantize::dequantize)] };

/// DEQUANTIZE from uint8.
pub static DEQUANTIZE_U8: Table<DequantizeFn<u8>> =
    Table { operator: "DEQUANTIZE", types: "u8", rows: &[plain(quantize::dequantize)] };

/// Calls `visit(operator, types, set, name)` for every row.
pub(super) fn for_each(visit: &mut dyn FnMut(&'static str, &'static str, Set, &'static str)) {
    rows_of(&CONV_2D_F32, visit);
    rows_of(&CONV_2D_I8, visit);
    rows_of(&CONV_2D_HYBRID, visit);
    rows_of(&DEPTHWISE_CONV_2D_F32, visit);
    rows_of(&DEPTHWISE_CONV_2D_I8, visit);
    rows_of(&DEPTHWISE_CONV_2D_HYBRID, visit);
    rows_of(&FULLY_CONNECTED_F32, visit);
    rows_of(&FULLY_CONNECTED_I8, visit);
    rows_of(&FULLY_CONNECTED_REAL_I8, visit);
    rows_of(&FULLY_CONNECTED_HYBRID, visit);
    rows_of(&CONV_2D_I16, visit);
    rows_of(&CONV_2D_I16_NARROW, visit);
    rows_of(&ADD_F32, visit);
    rows_of(&ADD_I8, visit);
    rows_of(&SUB_F32, visit);
    rows_of(&SUB_I8, visit);
    rows_of(&MUL_F32, visit);
    rows_of(&MUL_I8, visit);
    rows_of(&AVERAGE_POOL_2D_F32, visit);
    rows_of(&AVERAGE_POOL_2D_I8, visit);
    rows_of(&MAX_POOL_2D_F32, visit);
    rows_of(&MAX_POOL_2D_I8, visit);
    rows_of(&RESIZE_BILINEAR_F32, visit);
    rows_of(&RESIZE_BILINEAR_I8, visit);
    rows_of(&MEAN_F32, visit);
    rows_of(&MEAN_I8, visit);
    rows_of(&SOFTMAX_F32, visit);
    rows_of(&SOFTMAX_I8, visit);
    rows_of(&LOGISTIC_F32, visit);
    rows_of(&LOGISTIC_I8, visit);
    rows_of(&RELU_F32, visit);
    rows_of(&RELU_I8, visit);
    rows_of(&HARD_SWISH_F32, visit);
    rows_of(&HARD_SWISH_I8, visit);
    rows_of(&QUANTIZE_F32_I8, visit);
    rows_of(&QUANTIZE_F32_U8, visit);
    rows_of(&QUANTIZE_I8_I8, visit);
    rows_of(&QUANTIZE_I8_U8, visit);
    rows_of(&QUANTIZE_U8_I8, visit);
    rows_of(&DEQUANTIZE_I8, visit);
    rows_of(&DEQUANTIZE_U8, visit);
}

fn rows_of<F>(table: &Table<F>, visit: &mut dyn FnMut(&'static str, &'static str, Set, &'static str)) {
    for row in table.rows {
        visit(table.operator, table.types, row.set, row.name);
    }
}
