//! Operators without weights: every row against the reference.

use super::data::Random;
use super::for_each_row;
use crate::reference::binary::AddI8;
use crate::shape::Broadcast;
use crate::table::{ADD_I8, SUB_I8};

#[test]
fn int8_sums_hold() {
    let shapes: [(&[usize], &[usize]); 5] =
        [(&[1], &[1]), (&[700], &[700]), (&[40, 33], &[33]), (&[1], &[999]), (&[3, 1, 65], &[1, 5, 65])];
    for seed in 0..40 {
        let mut random = Random(seed);
        let (left_shape, right_shape) = shapes[random.below(shapes.len())];
        let walk = Broadcast::new(left_shape, right_shape).expect("shapes that broadcast");
        let left = random.int8s(left_shape.iter().product());
        let right = random.int8s(right_shape.iter().product());
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
