//! Many questions asked at once: p values that keep their promise over the whole family.

/// Holm's adjusted p values (Holm, 1979), in the order given: comparing each with a level keeps the chance of even one
/// false alarm in the whole family at that level, whatever the dependence between its members. A value that is not a
/// number counts as 1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let usable = |value: f64| if value.is_nan() { 1.0 } else { value.clamp(0.0, 1.0) };
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, other| usable(p_values[*one]).total_cmp(&usable(p_values[*other])));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0f64;
    for (rank, at) in order.into_iter().enumerate() {
        let left = (p_values.len() - rank) as f64;
        largest = largest.max((usable(p_values[at]) * left).min(1.0));
        adjusted[at] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        // Wright (1992), table 1 shape: 0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[0.2]), [0.2]);
        assert_eq!(holm(&[f64::NAN, 0.01]), [1.0, 0.02]);
    }

    proptest! {
        #[test]
        fn adjusting_keeps_the_order_and_never_lowers(p_values in prop::collection::vec(0.0f64..=1.0, 1..40)) {
            let adjusted = holm(&p_values);
            for (one, other) in p_values.iter().zip(&adjusted) {
                prop_assert!(other >= one && *other <= 1.0);
            }
            for (at, one) in p_values.iter().enumerate() {
                for (with, other) in p_values.iter().enumerate() {
                    prop_assert!(one > other || adjusted[at] <= adjusted[with] || one == other);
                }
            }
        }
    }
}
