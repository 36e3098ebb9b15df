//! FULLY_CONNECTED: every row against the reference, on edges and at random.

use proptest::prelude::*;
use std::vec::Vec;

use super::data::{Random, run};
use super::for_each_row;
use super::geometry::EDGES;
use crate::shape::FullyConnectedShape;
use crate::spec::{
    FilterScales, FloatWeights, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8,
    FullyConnectedRealI8, InputQuantization, OutputStage, RealStage,
};
use crate::table::{
    FULLY_CONNECTED_F32, FULLY_CONNECTED_HYBRID, FULLY_CONNECTED_I8, FULLY_CONNECTED_REAL_I8,
};

fn check_i8(shape: FullyConnectedShape, seed: u64) {
    let mut random = Random(seed);
    let filter = random.weights(shape.in_features * shape.out_features);
    let input = random.int8s(shape.batch * shape.in_features);
    let bias = random.biases(shape.out_features);
    let multipliers = random.multipliers(shape.out_features);
    let spec = FullyConnectedI8 {
        shape,
        filter: &filter,
        bias: Some(&bias),
        input_zero_point: random.int(-128, 127),
        output: OutputStage {
            multipliers: &multipliers,
            zero_point: random.int(-128, 127),
            activation: random.clamp_i8(),
        },
    };
    let expected = run(&*(FULLY_CONNECTED_I8.rows[0].kernel)(&spec), &input, 99, &mut random);
    for_each_row(&FULLY_CONNECTED_I8, |row| {
        let found = run(&*(row.kernel)(&spec), &input, 99, &mut random);
        assert_eq!(found, expected, "{} differs on {shape:?}", row.set.name());
    });
}

fn check_real_i8(shape: FullyConnectedShape, seed: u64) {
    let mut random = Random(seed);
    let filter = random.weights(shape.in_features * shape.out_features);
    let input = random.int8s(shape.batch * shape.in_features);
    let bias = random.biases(shape.out_features);
    // Powers of two make exact halves, on which the roundings differ; others are any factor.
    let factors: Vec<f64> = (0..shape.out_features)
        .map(|_| match random.below(3) {
            0 => 2f64.powi(random.int(-14, -1)),
            _ => 10f64.powi(random.int(-5, 0)) * (1.5 + f64::from(random.float())),
        })
        .collect();
    let spec = FullyConnectedRealI8 {
        shape,
        filter: &filter,
        bias: Some(&bias),
        input_zero_point: random.int(-128, 127),
        output: RealStage {
            factors: &factors,
            zero_point: random.int(-128, 127),
            activation: random.clamp_i8(),
        },
    };
    let expected = run(&*(FULLY_CONNECTED_REAL_I8.rows[0].kernel)(&spec), &input, 99, &mut random);
    for_each_row(&FULLY_CONNECTED_REAL_I8, |row| {
        let found = run(&*(row.kernel)(&spec), &input, 99, &mut random);
        assert_eq!(found, expected, "{} differs on {shape:?}", row.set.name());
    });
}

/// Hand-checked: sums of 5, -5 and 3 by one half are 2.5, -2.5 and 1.5, and halves go away from zero.
#[test]
fn real_factors_round_halves_away_from_zero() {
    let shape = FullyConnectedShape { batch: 1, in_features: 1, out_features: 3 };
    let spec = FullyConnectedRealI8 {
        shape,
        filter: &[5, -5, 3],
        bias: None,
        input_zero_point: 0,
        output: RealStage { factors: &[0.5; 3], zero_point: 1, activation: crate::Clamp::<i8>::NONE },
    };
    for_each_row(&FULLY_CONNECTED_REAL_I8, |row| {
        assert_eq!(run(&*(row.kernel)(&spec), &[1], 99, &mut Random(0)), [4, -2, 3], "{}", row.set.name());
    });
}

fn check_hybrid(shape: FullyConnectedShape, seed: u64) {
    let mut random = Random(seed);
    let filter = random.weights(shape.in_features * shape.out_features);
    let input = random.floats(shape.batch * shape.in_features);
    let bias = random.floats(shape.out_features);
    let scales: Vec<f32> = (0..shape.out_features).map(|_| 0.001 + random.float().abs() / 50.0).collect();
    let spec = FullyConnectedHybrid {
        shape,
        filter: &filter,
        filter_scales: if seed.is_multiple_of(2) {
            FilterScales::PerChannel(&scales)
        } else {
            FilterScales::PerTensor(scales[0])
        },
        bias: Some(&bias),
        input: if random.below(2) == 0 {
            InputQuantization::Symmetric
        } else {
            InputQuantization::Asymmetric
        },
        activation: random.clamp_f32(),
    };
    let expected = run(&*(FULLY_CONNECTED_HYBRID.rows[0].kernel)(&spec), &input, 99.0, &mut random);
    for_each_row(&FULLY_CONNECTED_HYBRID, |row| {
        let found = run(&*(row.kernel)(&spec), &input, 99.0, &mut random);
        assert_eq!(found, expected, "{} differs on {shape:?}", row.set.name());
    });
}

fn check_f32(shape: FullyConnectedShape, seed: u64) {
    let mut random = Random(seed);
    let filter = random.floats(shape.in_features * shape.out_features);
    let input = random.floats(shape.batch * shape.in_features);
    let bias = random.floats(shape.out_features);
    let spec = FullyConnectedF32 {
        shape,
        filter: FloatWeights::F32(&filter),
        bias: Some(FloatWeights::F32(&bias)),
        activation: random.clamp_f32(),
    };
    for_each_row(&FULLY_CONNECTED_F32, |row| {
        let found = run(&*(row.kernel)(&spec), &input, 99.0, &mut random);
        for (index, &found) in found.iter().enumerate() {
            let (row_index, feature) = (index / shape.out_features, index % shape.out_features);
            let inputs = &input[row_index * shape.in_features..][..shape.in_features];
            let weights = &filter[feature * shape.in_features..][..shape.in_features];
            let products = inputs.iter().zip(weights).map(|(&x, &w)| f64::from(x) * f64::from(w));
            let (sum, magnitude) = products
                .fold((0.0, 0.0), |(sum, magnitude), product| (sum + product, magnitude + product.abs()));
            let bias = f64::from(bias[feature]);
            let expected = (sum + bias).max(spec.activation.min.into()).min(spec.activation.max.into());
            // The bound of the convolutions: one rounding a product and a sum, one for the bias.
            let roundings = (shape.in_features + 2) as f64 * 2f64.powi(-24);
            let bound = roundings / (1.0 - roundings) * (magnitude + bias.abs());
            assert!((f64::from(found) - expected).abs() <= bound, "{}: {found} {expected}", row.set.name());
        }
    });
}

fn check(shape: FullyConnectedShape, seed: u64) {
    check_i8(shape, seed);
    check_real_i8(shape, seed);
    check_hybrid(shape, seed);
    check_f32(shape, seed);
}

#[test]
fn features_and_rows_hold_at_the_edges_of_tiles() {
    for (seed, &out_features) in EDGES.iter().enumerate() {
        for (in_features, batch) in [(1, 1), (2, 3), (7, 9), (64, 1), (129, 2)] {
            check(FullyConnectedShape { batch, in_features, out_features }, seed as u64);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_product_holds(batch in 1usize..20, in_features in 1usize..150, out_features in 1usize..80, seed in any::<u64>()) {
        check(FullyConnectedShape { batch, in_features, out_features }, seed);
    }
}
