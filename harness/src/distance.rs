//! How far two tensors lie apart, element by element. What is near enough is for the caller to say.

use crate::npy::Array;

/// How far one tensor lies from its reference.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Distance {
    /// The tensor.
    pub name: String,
    /// Element type, such as `int8`.
    pub dtype: String,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Elements that differ at all.
    pub differing: usize,
    /// Elements in all.
    pub elements: usize,
    /// Largest absolute difference: steps for integers. Infinite where only one side is not a number.
    pub max_difference: f64,
    /// Largest finite absolute value of the reference.
    pub magnitude: f64,
    /// Root of the mean squared difference.
    pub rmse: f64,
    /// Cosine of the angle between the two; none when either is all zero.
    pub cosine: Option<f64>,
    /// Power of the reference over that of the difference, in decibels; none when they are equal.
    pub snr_db: Option<f64>,
}

/// Compares two arrays of the same shape.
pub fn distance(name: &str, reference: &Array, other: &Array) -> Distance {
    let (a, b) = (reference.values.to_f64(), other.values.to_f64());
    let mut sums = Sums::default();
    for (x, y) in a.iter().zip(&b) {
        sums.add(*x, *y);
    }
    Distance {
        name: name.to_owned(),
        dtype: reference.values.dtype().to_owned(),
        shape: reference.shape.clone(),
        differing: sums.differing,
        elements: a.len(),
        max_difference: sums.max,
        magnitude: sums.magnitude,
        rmse: (sums.squared_difference / a.len().max(1) as f64).sqrt(),
        cosine: sums.cosine(),
        snr_db: sums.snr_db(),
    }
}

/// Running sums over pairs of elements.
#[derive(Default)]
struct Sums {
    differing: usize,
    max: f64,
    magnitude: f64,
    squared_difference: f64,
    squared_reference: f64,
    squared_other: f64,
    product: f64,
}

impl Sums {
    fn add(&mut self, x: f64, y: f64) {
        let same = x == y || (x.is_nan() && y.is_nan());
        let difference = if same { 0.0 } else { (x - y).abs() };
        // A NaN on one side only, or infinities of different sign, is as far apart as can be.
        let difference = if difference.is_nan() { f64::INFINITY } else { difference };
        self.differing += usize::from(!same);
        self.max = self.max.max(difference);
        self.squared_difference += difference * difference;
        if x.is_finite() {
            self.magnitude = self.magnitude.max(x.abs());
        }
        if x.is_finite() && y.is_finite() {
            self.squared_reference += x * x;
            self.squared_other += y * y;
            self.product += x * y;
        }
    }

    fn cosine(&self) -> Option<f64> {
        let norms = (self.squared_reference * self.squared_other).sqrt();
        (norms > 0.0).then(|| self.product / norms)
    }

    fn snr_db(&self) -> Option<f64> {
        let ratio = self.squared_reference / self.squared_difference;
        (self.squared_difference > 0.0).then(|| 10.0 * ratio.log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::Values;

    fn floats(values: &[f32]) -> Array {
        Array { name: Some("x".into()), shape: vec![values.len()], values: Values::Float32(values.to_vec()) }
    }

    #[test]
    fn equal_tensors_are_at_no_distance() {
        let a = floats(&[1.0, f32::NAN, f32::INFINITY]);
        let distance = distance("x", &a, &a);
        assert_eq!((distance.differing, distance.max_difference, distance.snr_db), (0, 0.0, None));
    }

    #[test]
    fn known_distance() {
        let distance = distance("x", &floats(&[3.0, 4.0]), &floats(&[3.0, 3.0]));
        assert_eq!((distance.differing, distance.max_difference), (1, 1.0));
        assert!((distance.rmse - 0.5f64.sqrt()).abs() < 1e-12);
        assert!((distance.snr_db.expect("they differ") - 10.0 * 25f64.log10()).abs() < 1e-9);
        assert!((distance.cosine.expect("neither is zero") - 21.0 / (5.0 * 18f64.sqrt())).abs() < 1e-12);
    }

    #[test]
    fn not_a_number_on_one_side_is_infinitely_far() {
        assert_eq!(distance("x", &floats(&[1.0]), &floats(&[f32::NAN])).max_difference, f64::INFINITY);
    }
}
