//! Operators without weights: every row against the reference, bit for bit, floats too: these rows keep its order.

use std::vec::Vec;

use super::data::Random;
use super::for_each_row;
use super::geometry::EDGES;
use crate::reference::binary::{AddI8, MulI8};
use crate::reference::hard_swish::HardSwish;
use crate::reference::lookup::Table256;
use crate::reference::mean::MeanQuantized;
use crate::reference::reduce::output_len;
use crate::reference::resize::Resize;
use crate::requantize::Multiplier;
use crate::shape::{Broadcast, Pool2dShape, Window2d};
use crate::table::{
    ADD_F32, ADD_I8, AVERAGE_POOL_2D_F32, AVERAGE_POOL_2D_I8, HARD_SWISH_F32, HARD_SWISH_I8, LOGISTIC_F32,
    LOGISTIC_I8, MAX_POOL_2D_F32, MAX_POOL_2D_I8, MEAN_F32, MEAN_I8, MUL_F32, MUL_I8, PoolF32, PoolI8,
    RESIZE_BILINEAR_F32, RESIZE_BILINEAR_I8, SOFTMAX_F32, SUB_F32, SUB_I8, Table,
};

/// Operands of random shapes that broadcast.
fn operands(random: &mut Random) -> (Broadcast, Vec<i8>, Vec<i8>) {
    let (walk, left_len, right_len) = any_walk(random);
    (walk, random.int8s(left_len), random.int8s(right_len))
}

/// A walk over random shapes that broadcast, and the elements of its operands.
fn any_walk(random: &mut Random) -> (Broadcast, usize, usize) {
    let shapes: [(&[usize], &[usize]); 6] = [
        (&[1], &[1]),
        (&[700], &[700]),
        (&[17], &[17]),
        (&[40, 33], &[33]),
        (&[1], &[999]),
        (&[3, 1, 65], &[1, 5, 65]),
    ];
    let (left, right) = shapes[random.below(shapes.len())];
    let walk = Broadcast::new(left, right).expect("shapes that broadcast");
    (walk, left.iter().product(), right.iter().product())
}

/// Any floats, with infinities and NaN among them.
fn wild_floats(random: &mut Random, len: usize) -> Vec<f32> {
    (0..len)
        .map(
            |_| {
                if random.below(9) == 0 { f32::from_bits(random.bits() as u32) } else { random.float() * 5.0 }
            },
        )
        .collect()
}

/// The same bits, but for the payload of a NaN.
fn assert_same(found: &[f32], expected: &[f32], what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(),
            "{what}: {found} for {expected}"
        );
    }
}

#[test]
fn floats_in_pairs_hold() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (walk, left_len, right_len) = any_walk(&mut random);
        let (left, right) = (wild_floats(&mut random, left_len), wild_floats(&mut random, right_len));
        let activation = random.clamp_f32();
        for table in [&ADD_F32, &SUB_F32, &MUL_F32] {
            let mut expected = std::vec![0.0; walk.output_len()];
            (table.rows[0].kernel)(activation, &walk, &left, &right, &mut expected);
            for_each_row(table, |row| {
                let mut found = std::vec![99.0; walk.output_len()];
                (row.kernel)(activation, &walk, &left, &right, &mut found);
                assert_same(&found, &expected, row.set.name());
            });
        }
    }
}

#[test]
fn hard_swish_on_floats_holds() {
    let mut random = Random(5);
    for len in EDGES.into_iter().chain([1000]) {
        let input = wild_floats(&mut random, len);
        let mut expected = std::vec![0.0; len];
        (HARD_SWISH_F32.rows[0].kernel)(&input, &mut expected);
        for_each_row(&HARD_SWISH_F32, |row| {
            let mut found = std::vec![99.0; len];
            (row.kernel)(&input, &mut found);
            assert_same(&found, &expected, row.set.name());
        });
    }
}

#[test]
fn int8_sums_hold() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (walk, left, right) = operands(&mut random);
        let multipliers = random.multipliers(3);
        let constants = AddI8 {
            left_zero_point: random.int(-128, 127),
            right_zero_point: random.int(-128, 127),
            output_zero_point: random.int(-128, 127),
            left_shift: 20,
            left: multipliers[0],
            right: multipliers[1],
            output: multipliers[2],
            activation: random.clamp_i8(),
        };
        for table in [&ADD_I8, &SUB_I8] {
            let mut expected = std::vec![0; walk.output_len()];
            (table.rows[0].kernel)(&constants, &walk, &left, &right, &mut expected);
            for_each_row(table, |row| {
                let mut found = std::vec![99; walk.output_len()];
                (row.kernel)(&constants, &walk, &left, &right, &mut found);
                assert_eq!(found, expected, "{} {}", table.operator, row.set.name());
            });
        }
    }
}

/// Multipliers as ADD has them, and scales whose sums are ties time and again.
#[test]
fn int8_sums_hold_near_ties() {
    for seed in 0..400 {
        let mut random = Random(seed);
        let mut multiplier = |least, greatest| {
            let mantissa = if seed % 4 == 0 { 1 << 30 } else { random.int(1 << 30, i32::MAX) };
            Multiplier { mantissa, shift: random.int(least, greatest) }
        };
        let (left, right, output) = (multiplier(-2, 0), multiplier(-2, 0), multiplier(-19, -12));
        let constants = AddI8 {
            left_zero_point: random.int(-128, 127),
            right_zero_point: random.int(-128, 127),
            output_zero_point: random.int(-128, 127),
            left_shift: 20,
            left,
            right,
            output,
            activation: random.clamp_i8(),
        };
        let (walk, left, right) = operands(&mut random);
        for table in [&ADD_I8, &SUB_I8] {
            let mut expected = std::vec![0; walk.output_len()];
            (table.rows[0].kernel)(&constants, &walk, &left, &right, &mut expected);
            for_each_row(table, |row| {
                let mut found = std::vec![99; walk.output_len()];
                (row.kernel)(&constants, &walk, &left, &right, &mut found);
                assert_eq!(found, expected, "{} {} {constants:?}", table.operator, row.set.name());
            });
        }
    }
}

/// Every int8 through tables, at lengths round the edges of vectors.
#[test]
fn tables_hold() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let table = Table256(core::array::from_fn(|_| random.bits() as i8));
        let constants = HardSwish {
            input_zero_point: random.int(-128, 127) as i16,
            output_zero_point: random.int(-128, 127) as i16,
            output_mantissa: random.int(1 << 14, 32767) as i16,
            output_exponent: random.int(-8, 0),
            reluish_mantissa: random.int(1 << 14, 32767) as i16,
            reluish_exponent: random.int(-3, 4),
        };
        let input: Vec<i8> = (0..500 + random.below(200)).map(|index| index as i8).collect();
        let mut expected = std::vec![0; input.len()];
        (LOGISTIC_I8.rows[0].kernel)(&table, &input, &mut expected);
        for_each_row(&LOGISTIC_I8, |row| {
            let mut found = std::vec![99; input.len()];
            (row.kernel)(&table, &input, &mut found);
            assert_eq!(found, expected, "{}", row.set.name());
        });
        (HARD_SWISH_I8.rows[0].kernel)(&constants, &input, &mut expected);
        for_each_row(&HARD_SWISH_I8, |row| {
            let mut found = std::vec![99; input.len()];
            (row.kernel)(&constants, &input, &mut found);
            assert_eq!(found, expected, "{}", row.set.name());
        });
    }
}

/// Against the function in double precision: a few units in the last place, as the reference.
#[test]
fn float_exponentials_are_close() {
    let input: Vec<f32> = (-3000..=3000).map(|step| step as f32 / 100.0).collect();
    for_each_row(&LOGISTIC_F32, |row| {
        let mut found = std::vec![99.0; input.len()];
        (row.kernel)(&input, &mut found);
        for (&value, &found) in input.iter().zip(&found) {
            let exact = 1.0 / (1.0 + (-f64::from(value)).exp());
            // Below -9 the reference leaves the sum out.
            let bound = if value < -9.0 { 2e-4 } else { 4e-7 };
            assert!((f64::from(found) / exact - 1.0).abs() < bound, "{} {value} {found}", row.set.name());
        }
    });
    let depth = 17;
    let rows = &input[..input.len() / depth * depth];
    for_each_row(&SOFTMAX_F32, |row| {
        let mut found = std::vec![99.0; rows.len()];
        (row.kernel)(0.7, depth, rows, &mut found);
        for (values, found) in rows.chunks_exact(depth).zip(found.chunks_exact(depth)) {
            let powers: Vec<f64> =
                values.iter().map(|&value| (0.7 * f64::from(value - values[0])).exp()).collect();
            let sum: f64 = powers.iter().sum();
            for (power, &found) in powers.iter().zip(found) {
                assert!((f64::from(found) * sum / power - 1.0).abs() < 2e-6, "{}", row.set.name());
            }
        }
    });
}

#[test]
fn infinities_and_nan_go_through_exponentials() {
    for_each_row(&LOGISTIC_F32, |row| {
        let mut found = [99.0; 5];
        (row.kernel)(&[f32::NEG_INFINITY, -1000.0, f32::INFINITY, 1000.0, f32::NAN], &mut found);
        assert!(found[..2].iter().all(|&low| (0.0..1e-30).contains(&low)), "{found:?}");
        assert_eq!(found[2..4], [1.0, 1.0], "{}", row.set.name());
        assert!(found[4].is_nan(), "{}", row.set.name());
    });
}

#[test]
fn resized_images_hold() {
    for (seed, &channels) in EDGES.iter().cycle().take(6 * EDGES.len()).enumerate() {
        let mut random = Random(seed as u64);
        let mut side = || 1 + random.below(9);
        let (from, to) = ([side(), side()], [side(), side()]);
        let (align_corners, half_pixel_centers) = [(false, false), (true, false), (false, true)][seed % 3];
        let shape = Resize { batch: 1 + seed % 2, from, to, channels, align_corners, half_pixel_centers };
        let elements = shape.batch * from[0] * from[1] * channels;
        let (bytes, floats) = (random.int8s(elements), random.floats(elements));
        let output_len = shape.batch * to[0] * to[1] * channels;
        let (mut expected, mut expected_floats) = (std::vec![0; output_len], std::vec![0.0; output_len]);
        (RESIZE_BILINEAR_I8.rows[0].kernel)(&shape, &bytes, &mut expected);
        (RESIZE_BILINEAR_F32.rows[0].kernel)(&shape, &floats, &mut expected_floats);
        for_each_row(&RESIZE_BILINEAR_I8, |row| {
            let mut found = std::vec![99; output_len];
            (row.kernel)(&shape, &bytes, &mut found);
            assert_eq!(found, expected, "{} {shape:?}", row.set.name());
        });
        for_each_row(&RESIZE_BILINEAR_F32, |row| {
            let mut found = std::vec![99.0; output_len];
            (row.kernel)(&shape, &floats, &mut found);
            assert_eq!(found, expected_floats, "{} {shape:?}", row.set.name());
        });
    }
}

#[test]
fn int8_products_hold() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (walk, left, right) = operands(&mut random);
        let constants = MulI8 {
            left_zero_point: random.int(-128, 127),
            right_zero_point: random.int(-128, 127),
            output_zero_point: random.int(-128, 127),
            output: random.multipliers(1)[0],
            activation: random.clamp_i8(),
        };
        let mut expected = std::vec![0; walk.output_len()];
        (MUL_I8.rows[0].kernel)(&constants, &walk, &left, &right, &mut expected);
        for_each_row(&MUL_I8, |row| {
            let mut found = std::vec![99; walk.output_len()];
            (row.kernel)(&constants, &walk, &left, &right, &mut found);
            assert_eq!(found, expected, "{}", row.set.name());
        });
    }
}

#[test]
fn means_over_any_axes_hold() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let dims: Vec<usize> = (0..=random.below(4)).map(|_| 1 + random.below(9)).collect();
        let reduced: Vec<bool> = dims.iter().map(|_| random.below(2) == 0).collect();
        let len = output_len(&dims, &reduced);
        let constants = MeanQuantized {
            input_zero_point: random.int(-128, 127),
            output_zero_point: random.int(-128, 127),
            rescale: Multiplier { mantissa: random.int(1 << 30, i32::MAX), shift: random.int(-4, 4) },
        };
        let (bytes, floats) = (random.int8s(dims.iter().product()), random.floats(dims.iter().product()));
        let mut sums = std::vec![77; len];
        let (mut expected, mut expected_floats) = (std::vec![0; len], std::vec![0.0; len]);
        (MEAN_I8.rows[0].kernel)(&constants, &dims, &reduced, &bytes, &mut sums, &mut expected);
        (MEAN_F32.rows[0].kernel)(&dims, &reduced, &floats, &mut expected_floats);
        for_each_row(&MEAN_I8, |row| {
            let mut found = std::vec![99; len];
            (row.kernel)(&constants, &dims, &reduced, &bytes, &mut sums, &mut found);
            assert_eq!(found, expected, "{} {dims:?} {reduced:?}", row.set.name());
        });
        for_each_row(&MEAN_F32, |row| {
            let mut found = std::vec![99.0; len];
            (row.kernel)(&dims, &reduced, &floats, &mut found);
            assert_eq!(found, expected_floats, "{} {dims:?} {reduced:?}", row.set.name());
        });
    }
}

fn pool_shape(random: &mut Random, channels: usize) -> Pool2dShape {
    let (in_height, in_width) = (1 + random.below(7), 1 + random.below(7));
    let (filter, stride) = (1 + random.below(3), 1 + random.below(3));
    let pad = random.below(filter);
    // As many outputs as keep at least one tap of each window inside the image.
    let outputs = |len: usize| (len + pad - 1) / stride + 1;
    Pool2dShape {
        batch: 1 + random.below(2),
        in_height,
        in_width,
        out_height: outputs(in_height),
        out_width: outputs(in_width),
        channels,
        window: Window2d {
            filter_height: filter,
            filter_width: filter,
            stride_height: stride,
            stride_width: stride,
            pad_top: pad,
            pad_left: pad,
            ..Window2d::POINT
        },
    }
}

fn check_pool_i8(table: &Table<PoolI8>, shape: &Pool2dShape, random: &mut Random) {
    let (input, activation) = (random.int8s(shape.input_len()), random.clamp_i8());
    let mut expected = std::vec![0; shape.output_len()];
    (table.rows[0].kernel)(shape, activation, &input, &mut expected);
    for_each_row(table, |row| {
        let mut found = std::vec![99; shape.output_len()];
        (row.kernel)(shape, activation, &input, &mut found);
        assert_eq!(found, expected, "{} {} {shape:?}", table.operator, row.set.name());
    });
}

fn check_pool_f32(table: &Table<PoolF32>, shape: &Pool2dShape, random: &mut Random) {
    let (input, activation) = (random.floats(shape.input_len()), random.clamp_f32());
    let mut expected = std::vec![0.0; shape.output_len()];
    (table.rows[0].kernel)(shape, activation, &input, &mut expected);
    for_each_row(table, |row| {
        let mut found = std::vec![99.0; shape.output_len()];
        (row.kernel)(shape, activation, &input, &mut found);
        assert_eq!(found, expected, "{} {} {shape:?}", table.operator, row.set.name());
    });
}

#[test]
fn pools_hold_at_the_edges_of_vectors() {
    for (seed, &channels) in EDGES.iter().cycle().take(5 * EDGES.len()).enumerate() {
        let mut random = Random(seed as u64);
        let shape = pool_shape(&mut random, channels);
        for table in [&AVERAGE_POOL_2D_I8, &MAX_POOL_2D_I8] {
            check_pool_i8(table, &shape, &mut random);
        }
        for table in [&AVERAGE_POOL_2D_F32, &MAX_POOL_2D_F32] {
            check_pool_f32(table, &shape, &mut random);
        }
    }
}
