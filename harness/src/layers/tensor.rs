//! Tensors as real numbers, and back.

use edgebench_converter::LooseTensor;

use crate::npy::Values;

/// real = scale * (stored - zero point).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Step {
    pub(super) scale: f32,
    pub(super) zero_point: i64,
    pub(super) stored: Stored,
}

/// Integers that activations are stored as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stored {
    Int8,
    Uint8,
    Int16,
}

impl Stored {
    pub(super) fn named(dtype: &str) -> Option<Self> {
        Some(match dtype {
            "int8" => Self::Int8,
            "uint8" => Self::Uint8,
            "int16" => Self::Int16,
            _ => return None,
        })
    }
}

impl Step {
    /// A float tensor as a quantized network stores it: rounded to the nearest step, clipped at its ends.
    pub(super) fn rounded(self, tensor: &LooseTensor) -> LooseTensor {
        let stored = floats(tensor, None)
            .into_iter()
            .map(|value| (value / f64::from(self.scale)).round() + self.zero_point as f64);
        // A cast from a float saturates at the ends of the integer.
        let (dtype, bytes) = match self.stored {
            Stored::Int8 => ("int8", stored.flat_map(|value| (value as i8).to_ne_bytes()).collect()),
            Stored::Uint8 => ("uint8", stored.map(|value| value as u8).collect()),
            Stored::Int16 => ("int16", stored.flat_map(|value| (value as i16).to_ne_bytes()).collect()),
        };
        LooseTensor { dtype: dtype.to_owned(), bytes, ..tensor.clone() }
    }
}

/// The real numbers that a tensor stands for; empty for an element type without numbers.
pub(super) fn floats(tensor: &LooseTensor, step: Option<Step>) -> Vec<f64> {
    let stored =
        Values::from_bytes(&tensor.dtype, &tensor.bytes).map(|values| values.to_f64()).unwrap_or_default();
    match step {
        Some(Step { scale, zero_point, .. }) => {
            stored.into_iter().map(|value| f64::from(scale) * (value - zero_point as f64)).collect()
        }
        None => stored,
    }
}

/// A float32 tensor without a name.
pub(super) fn loose(shape: &[usize], values: &[f64]) -> LooseTensor {
    let bytes = values.iter().flat_map(|value| (*value as f32).to_ne_bytes()).collect();
    LooseTensor { name: None, dtype: "float32".to_owned(), shape: shape.to_vec(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_stands_for_the_nearest_value_within_reach() {
        let step = Step { scale: 0.5, zero_point: -3, stored: Stored::Int8 };
        let rounded = step.rounded(&loose(&[4], &[0.0, 0.74, 1000.0, -1000.0]));
        assert_eq!((rounded.dtype.as_str(), &rounded.bytes[..]), ("int8", &[0xfd, 0xfe, 0x7f, 0x80][..]));
        assert_eq!(floats(&rounded, Some(step)), [0.0, 0.5, 65.0, -62.5]);
    }
}
