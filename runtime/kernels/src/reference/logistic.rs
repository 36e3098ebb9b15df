//! LOGISTIC: `reference/logistic.h` on floats; on int8 a table of 256 entries, as in LiteRT's `activations.cc` and
//! `lut.h`, for both of its kernel families.

/// `1 / (1 + e^-x)`, with the cut-offs of the source.
pub fn logistic_f32(input: &[f32], output: &mut [f32]) {
    /// Above it, the result rounds to 1.
    const UPPER: f32 = 16.619_047;
    /// Below it, `e^x` is as good.
    const LOWER: f32 = -9.0;
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = if value > UPPER {
            1.0
        } else if value < LOWER {
            libm::expf(value)
        } else {
            1.0 / (1.0 + libm::expf(-value))
        };
    }
}

/// Every output of a function of one int8: entry `q as u8` is the output for `q`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table256(pub [i8; 256]);

impl Table256 {
    /// The table of `function` between two quantizations: dequantize, compute, multiply by `1 / output_scale`, round, clamp.
    pub fn of(
        (input_scale, input_zero_point): (f32, i32),
        (output_scale, output_zero_point): (f32, i32),
        function: impl Fn(f32) -> f32,
    ) -> Self {
        let inverse = 1.0 / output_scale;
        Self(core::array::from_fn(|index| {
            let q = i32::from(index as u8 as i8);
            let real = input_scale * (q - input_zero_point) as f32;
            let rounded = libm::roundf(function(real) * inverse);
            (rounded + output_zero_point as f32).clamp(-128.0, 127.0) as i8
        }))
    }

    /// LOGISTIC's table.
    pub fn logistic(input: (f32, i32), output: (f32, i32)) -> Self {
        Self::of(input, output, |value| 1.0 / (1.0 + libm::expf(-value)))
    }
}

/// Looks every element up.
pub fn look_up(table: &Table256, input: &[i8], output: &mut [i8]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = table.0[usize::from(value as u8)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_reached_and_the_middle_is_a_half() {
        let mut output = [0.0; 4];
        logistic_f32(&[-200.0, 0.0, 20.0, f32::INFINITY], &mut output);
        assert_eq!(output, [0.0, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn floats_are_close_to_the_function() {
        for step in -4000..4000 {
            let value = step as f32 / 200.0;
            let mut output = [0.0];
            logistic_f32(&[value], &mut output);
            let exact = 1.0 / (1.0 + (-f64::from(value)).exp());
            let tolerance = if value < -9.0 { 2e-4 } else { 2e-7 };
            assert!((f64::from(output[0]) / exact - 1.0).abs() < tolerance, "{value}");
        }
    }

    #[test]
    fn a_table_holds_each_rounded_value() {
        let table = Table256::logistic((0.1, 3), (1.0 / 256.0, -128));
        for q in i8::MIN..=i8::MAX {
            let exact = 1.0 / (1.0 + (-0.1 * (f64::from(q) - 3.0)).exp());
            let mut output = [0];
            look_up(&table, &[q], &mut output);
            assert!((exact * 256.0 - 128.0 - f64::from(output[0])).abs() < 0.501 || output[0] == 127);
        }
    }
}
