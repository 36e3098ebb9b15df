//! LOCAL_RESPONSE_NORMALIZATION (`reference_ops.h`, `LocalResponseNormalization`): an element by the squares of its neighbours
//! along the channels.

/// The operator's options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalResponse {
    /// Channels before an element that count; of those behind it, one fewer.
    pub radius: usize,
    /// Added to the sum of squares.
    pub bias: f32,
    /// Factor of the sum of squares.
    pub alpha: f32,
    /// Power of the divisor.
    pub beta: f32,
}

/// `input[c] * (bias + alpha * sum of squares) ^ -beta`, for rows of `channels` elements.
pub fn local_response(options: &LocalResponse, channels: usize, input: &[f32], output: &mut [f32]) {
    let rows = input.chunks_exact(channels.max(1)).zip(output.chunks_exact_mut(channels.max(1)));
    for (values, stores) in rows {
        for (at, store) in stores.iter_mut().enumerate() {
            let near =
                &values[at.saturating_sub(options.radius)..at.saturating_add(options.radius).min(channels)];
            let squares = near.iter().fold(0.0, |sum, value| sum + value * value);
            *store = values[at] * libm::powf(options.bias + options.alpha * squares, -options.beta);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_behind_count_to_one_less() {
        let options = LocalResponse { radius: 1, bias: 0.0, alpha: 1.0, beta: 1.0 };
        let mut output = [0.0; 3];
        local_response(&options, 3, &[1.0, 2.0, 4.0], &mut output);
        assert_eq!(output, [1.0, 2.0 / 5.0, 4.0 / 20.0]);
    }
}
