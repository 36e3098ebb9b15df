//! A running range.

/// Running minimum and maximum of the finite values, and how often each is hit. Values that are not finite are counted
/// and left out.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Observer {
    bounds: Option<Bounds>,
    values: u64,
    nan: u64,
    infinite: u64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Bounds {
    min: f32,
    max: f32,
    at_min: u64,
    at_max: u64,
}

impl Observer {
    /// Takes values in.
    pub fn observe(&mut self, values: impl IntoIterator<Item = f32>) {
        values.into_iter().for_each(|value| self.observe_one(value));
    }

    fn observe_one(&mut self, value: f32) {
        if value.is_nan() {
            self.nan += 1;
        } else if value.is_infinite() {
            self.infinite += 1;
        } else {
            self.values += 1;
            let bounds = self.bounds.get_or_insert(Bounds { min: value, max: value, at_min: 0, at_max: 0 });
            bounds.include(value);
        }
    }

    /// Smallest and largest finite value.
    pub fn range(&self) -> Option<(f32, f32)> {
        self.bounds.map(|bounds| (bounds.min, bounds.max))
    }

    /// Finite values seen.
    pub fn values(&self) -> u64 {
        self.values
    }

    /// Values seen that were no number.
    pub fn nan(&self) -> u64 {
        self.nan
    }

    /// Infinite values seen.
    pub fn infinite(&self) -> u64 {
        self.infinite
    }

    /// Share of the finite values that lie on an end of the range.
    pub fn saturation(&self) -> f64 {
        match self.bounds {
            None => 0.0,
            Some(bounds) if bounds.min == bounds.max => 1.0,
            Some(bounds) => (bounds.at_min + bounds.at_max) as f64 / self.values as f64,
        }
    }
}

impl Bounds {
    fn include(&mut self, value: f32) {
        if value < self.min {
            (self.min, self.at_min) = (value, 0);
        }
        if value > self.max {
            (self.max, self.at_max) = (value, 0);
        }
        self.at_min += u64::from(value == self.min);
        self.at_max += u64::from(value == self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn observed(values: &[f32]) -> Observer {
        let mut observer = Observer::default();
        observer.observe(values.iter().copied());
        observer
    }

    #[test]
    fn values_that_are_not_finite_are_counted_and_left_out() {
        let observer = observed(&[f32::NAN, 2.0, f32::INFINITY, -1.0, f32::NEG_INFINITY, f32::NAN]);
        assert_eq!(observer.range(), Some((-1.0, 2.0)));
        assert_eq!((observer.values(), observer.nan(), observer.infinite()), (2, 2, 2));
    }

    #[test]
    fn nothing_finite_is_no_range() {
        assert_eq!(observed(&[f32::NAN]).range(), None);
        assert_eq!(observed(&[]).saturation(), 0.0);
    }

    #[test]
    fn clipped_values_show_as_saturation() {
        assert_eq!(observed(&[0.0, 0.0, 3.0, 6.0, 6.0, 6.0, 2.0, 1.0]).saturation(), 5.0 / 8.0);
        assert_eq!(observed(&[4.0, 4.0]).saturation(), 1.0);
    }

    proptest! {
        #[test]
        fn same_as_sorting(values in prop::collection::vec(-4i8..5, 1..60)) {
            let floats: Vec<f32> = values.iter().map(|value| f32::from(*value)).collect();
            let observer = observed(&floats);
            let (min, max) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
            prop_assert_eq!(observer.range(), Some((f32::from(min), f32::from(max))));
            let on_ends = values.iter().filter(|value| **value == min || **value == max).count();
            prop_assert_eq!(observer.saturation(), on_ends as f64 / values.len() as f64);
        }
    }
}
