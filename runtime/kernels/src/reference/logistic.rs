//! LOGISTIC on floats (`reference/logistic.h`). On 8 bits it is a [table](super::lookup), on 16 bits see
//! [`sigmoid`](super::sigmoid).

/// `1 / (1 + e^-x)`, as tables are filled with it.
pub fn logistic(value: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-value))
}

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
}
