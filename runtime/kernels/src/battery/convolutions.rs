//! CONV_2D and DEPTHWISE_CONV_2D: every row against the reference, on edges and at random.

use proptest::prelude::*;
use std::vec::Vec;

use super::data::{Random, run};
use super::for_each_row;
use super::geometry::{EDGES, any_conv, any_depthwise, beside_the_image, depthwise_edges, pointwise_edges};
use crate::half::f16_to_f32;
use crate::reference::integer::{ConvInteger, Rescale, Sum, Walk};
use crate::requantize::Multiplier;
use crate::shape::Conv2dShape;
use crate::spec::{ConvF32, ConvHybrid, ConvI8, FilterScales, FloatWeights, InputQuantization, OutputStage};
use crate::table::{
    CONV_2D_F32, CONV_2D_HYBRID, CONV_2D_I8, CONV_2D_I16, CONV_2D_I16_NARROW, DEPTHWISE_CONV_2D_F32,
    DEPTHWISE_CONV_2D_HYBRID, DEPTHWISE_CONV_2D_I8, PackConvF32, PackConvHybrid, PackConvI8, PackConvInteger,
    Table,
};

fn filter_len(shape: &Conv2dShape, depthwise: bool) -> usize {
    if depthwise { shape.depthwise_filter_len() } else { shape.filter_len() }
}

fn check_i8(table: &Table<PackConvI8>, shape: &Conv2dShape, depthwise: bool, seed: u64) {
    let mut random = Random(seed);
    let filter = random.weights(filter_len(shape, depthwise));
    let input = random.int8s(shape.input_len());
    let bias = random.biases(shape.out_channels);
    let multipliers = random.multipliers(shape.out_channels);
    let spec = ConvI8 {
        shape: *shape,
        filter: &filter,
        bias: (random.below(4) > 0).then_some(&bias),
        input_zero_point: random.int(-128, 127),
        output: OutputStage {
            multipliers: &multipliers,
            zero_point: random.int(-128, 127),
            activation: random.clamp_i8(),
        },
    };
    let expected = run(&*(table.rows[0].kernel)(&spec), &input, 99, &mut random);
    for_each_row(table, |row| {
        let found = run(&*(row.kernel)(&spec), &input, 99, &mut random);
        assert_eq!(found, expected, "{} differs on {shape:?}", row.set.name());
    });
}

fn check_hybrid(table: &Table<PackConvHybrid>, shape: &Conv2dShape, depthwise: bool, seed: u64) {
    let mut random = Random(seed);
    let filter = random.weights(filter_len(shape, depthwise));
    let input = random.floats(shape.input_len());
    let bias = random.floats(shape.out_channels);
    let scales: Vec<f32> = (0..shape.out_channels).map(|_| 0.001 + random.float().abs() / 50.0).collect();
    let per_channel = random.below(2) == 0;
    let spec = ConvHybrid {
        shape: *shape,
        filter: &filter,
        filter_scales: if per_channel {
            FilterScales::PerChannel(&scales)
        } else {
            FilterScales::PerTensor(scales[0])
        },
        bias: (random.below(4) > 0).then_some(&bias),
        input: if random.below(2) == 0 {
            InputQuantization::Symmetric
        } else {
            InputQuantization::Asymmetric
        },
        activation: random.clamp_f32(),
    };
    let expected = run(&*(table.rows[0].kernel)(&spec), &input, 99.0, &mut random);
    for_each_row(table, |row| {
        let found = run(&*(row.kernel)(&spec), &input, 99.0, &mut random);
        assert_eq!(found, expected, "{} differs on {shape:?}", row.set.name());
    });
}

/// Weights of a random type: half the time float16 patterns of finite values.
enum Weights {
    F32(Vec<f32>),
    F16(Vec<u16>),
}

impl Weights {
    fn random(random: &mut Random, len: usize) -> Self {
        if random.below(2) == 0 {
            Self::F32(random.floats(len))
        } else {
            // Exponents up to 15: magnitudes below 2.
            Self::F16((0..len).map(|_| (random.bits() as u16) & 0xbfff).collect())
        }
    }

    fn as_spec(&self) -> FloatWeights<'_> {
        match self {
            Self::F32(values) => FloatWeights::F32(values),
            Self::F16(bits) => FloatWeights::F16(bits),
        }
    }

    fn get(&self, index: usize) -> f64 {
        f64::from(match self {
            Self::F32(values) => values[index],
            Self::F16(bits) => f16_to_f32(bits[index]),
        })
    }
}

/// The exact sum of one output element and the sum of its products' magnitudes.
fn exact(shape: &Conv2dShape, depthwise: bool, input: &[f32], filter: &Weights, index: usize) -> (f64, f64) {
    let channel = index % shape.out_channels;
    let pixel = index / shape.out_channels;
    let (row, out_x) = (pixel / shape.out_width, pixel % shape.out_width);
    let (image, out_y) = (row / shape.out_height, row % shape.out_height);
    let depth = shape.group_in_channels();
    let first = channel / shape.group_out_channels() * depth;
    let window = &shape.window;
    let (mut sum, mut magnitude) = (0.0, 0.0);
    for tap in 0..window.taps() {
        let y = window.in_y(out_y, tap / window.filter_width, shape.in_height);
        let x = window.in_x(out_x, tap % window.filter_width, shape.in_width);
        let Some((y, x)) = y.zip(x) else { continue };
        for c in 0..depth {
            let place = ((image * shape.in_height + y) * shape.in_width + x) * shape.in_channels + first + c;
            let weight = if depthwise {
                tap * shape.out_channels + channel
            } else {
                (channel * window.taps() + tap) * depth + c
            };
            let product = f64::from(input[place]) * filter.get(weight);
            sum += product;
            magnitude += product.abs();
        }
    }
    (sum, magnitude)
}

fn check_f32(table: &Table<PackConvF32>, shape: &Conv2dShape, depthwise: bool, seed: u64) {
    let mut random = Random(seed);
    let filter = Weights::random(&mut random, filter_len(shape, depthwise));
    let bias = Weights::random(&mut random, shape.out_channels);
    let input = random.floats(shape.input_len());
    let spec = ConvF32 {
        shape: *shape,
        filter: filter.as_spec(),
        bias: Some(bias.as_spec()),
        activation: random.clamp_f32(),
    };
    for_each_row(table, |row| {
        let found = run(&*(row.kernel)(&spec), &input, 99.0, &mut random);
        for (index, &found) in found.iter().enumerate() {
            let (sum, magnitude) = exact(shape, depthwise, &input, &filter, index);
            let bias = bias.get(index % shape.out_channels);
            let expected = (sum + bias).max(spec.activation.min.into()).min(spec.activation.max.into());
            // Higham 2002, section 3.1: n roundings err by at most n u / (1 - n u) of the sum of magnitudes.
            let roundings = (shape.depth().max(shape.window.taps()) + 2) as f64 * 2f64.powi(-24);
            let bound = roundings / (1.0 - roundings) * (magnitude + bias.abs());
            let error = (f64::from(found) - expected).abs();
            assert!(error <= bound, "{}: {found} for {expected}, {shape:?}", row.set.name());
        }
    });
}

/// int16 activations, int8 weights; in one of three cases nothing but the extremes.
fn check_i16<S: Sum + Into<i64>>(
    table: &Table<PackConvInteger<S>>,
    shape: &Conv2dShape,
    depthwise: bool,
    seed: u64,
    bias: impl Fn(i32) -> S,
) {
    let mut random = Random(seed);
    let filter = random.weights(filter_len(shape, depthwise));
    let extremes = random.below(3) == 0;
    let input: Vec<i16> = (0..shape.input_len())
        .map(|_| if extremes { [i16::MIN, i16::MAX][random.below(2)] } else { random.bits() as i16 })
        .collect();
    let bias: Vec<S> = random.biases(shape.out_channels).into_iter().map(bias).collect();
    let multipliers: Vec<Multiplier> = (0..shape.out_channels)
        .map(|_| Multiplier { mantissa: random.int(1 << 30, i32::MAX), shift: random.int(-20, 2) })
        .collect();
    let factors: Vec<f64> = multipliers.iter().map(|_| f64::from(random.float().abs()) / 1e4).collect();
    let spec = ConvInteger {
        shape: *shape,
        walk: if depthwise { Walk::Depthwise } else { Walk::Conv },
        filter: &filter,
        filter_zero_point: 0,
        bias: Some(&bias),
        input_zero_point: 0,
        rescale: if seed.is_multiple_of(2) { Rescale::Fixed(&multipliers) } else { Rescale::Real(&factors) },
        output_zero_point: 0,
        activation: crate::Clamp { min: -32_768, max: random.int(0, 32_767) },
    };
    let expected = run(&*(table.rows[0].kernel)(&spec), &input, 99, &mut random);
    for_each_row(table, |row| {
        let found = run(&*(row.kernel)(&spec), &input, 99, &mut random);
        assert_eq!(found, expected, "{} differs on {shape:?}", row.set.name());
    });
}

fn check_conv(shape: &Conv2dShape, seed: u64) {
    check_i8(&CONV_2D_I8, shape, false, seed);
    check_hybrid(&CONV_2D_HYBRID, shape, false, seed);
    check_f32(&CONV_2D_F32, shape, false, seed);
    check_i16(&CONV_2D_I16, shape, false, seed, i64::from);
    check_i16(&CONV_2D_I16_NARROW, shape, false, seed, |bias| bias);
}

fn check_depthwise(shape: &Conv2dShape, seed: u64) {
    check_i8(&DEPTHWISE_CONV_2D_I8, shape, true, seed);
    check_hybrid(&DEPTHWISE_CONV_2D_HYBRID, shape, true, seed);
    check_f32(&DEPTHWISE_CONV_2D_F32, shape, true, seed);
    check_i16(&CONV_2D_I16, shape, true, seed, i64::from);
}

#[test]
fn pointwise_convolutions_hold_at_the_edges_of_tiles() {
    for (seed, shape) in pointwise_edges().iter().enumerate() {
        check_conv(shape, seed as u64);
    }
}

#[test]
fn depthwise_convolutions_hold_at_the_edges_of_vectors() {
    for (seed, shape) in depthwise_edges().iter().enumerate() {
        check_depthwise(shape, seed as u64);
    }
}

#[test]
fn rows_that_read_only_padding_hold() {
    for (seed, channels) in EDGES.into_iter().enumerate() {
        check_conv(&beside_the_image(3, channels, 1), seed as u64);
        check_depthwise(&beside_the_image(1, 1, channels), seed as u64);
    }
}

/// Sums at the limit of what pairs, quads and 16-bit products hold: every input and every weight at an end.
#[test]
fn extremes_do_not_overflow_on_the_way() {
    for (input, weight) in [(-128i8, -128i8), (-128, 127), (127, -128), (127, 127)] {
        for input_zero_point in [-128, 0, 127] {
            let shape = pointwise_edges()[40];
            let (filter, inputs) =
                (std::vec![weight; shape.filter_len()], std::vec![input; shape.input_len()]);
            let multipliers =
                std::vec![crate::Multiplier { mantissa: 1 << 30, shift: -10 }; shape.out_channels];
            let output = OutputStage {
                multipliers: &multipliers,
                zero_point: 0,
                activation: crate::Clamp::<i8>::NONE,
            };
            let spec = ConvI8 { shape, filter: &filter, bias: None, input_zero_point, output };
            let sum = (i32::from(input) - input_zero_point) * i32::from(weight) * shape.depth() as i32;
            let expected = multipliers[0].apply(sum).clamp(-128, 127) as i8;
            for_each_row(&CONV_2D_I8, |row| {
                let found = run(&*(row.kernel)(&spec), &inputs, 99, &mut Random(1));
                assert!(found.iter().all(|&found| found == expected), "{}", row.set.name());
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_convolution_holds(shape in any_conv(), seed in any::<u64>()) {
        check_conv(&shape, seed);
    }

    #[test]
    fn any_depthwise_convolution_holds(shape in any_depthwise(), seed in any::<u64>()) {
        check_depthwise(&shape, seed);
    }
}
