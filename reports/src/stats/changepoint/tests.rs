use super::*;
use crate::simulate::series::{LEVEL, SeriesNoise, labelled};
use proptest::prelude::*;

fn indices(values: &[f64]) -> Vec<usize> {
    detect(values).changes.iter().map(|change| change.index).collect()
}

#[test]
fn a_clear_step_is_found_in_its_place_with_its_levels() {
    let series = labelled(SeriesNoise::White, 120, 1, 5.0, 7);
    let found = detect(&series.values);
    assert_eq!(found.changes.len(), 1, "{found:?}");
    let change = found.changes[0];
    assert!(change.index.abs_diff(series.steps[0]) <= 1, "{change:?}, expected {:?}", series.steps);
    assert!((change.before - LEVEL).abs() < 1.0 && ((change.after - change.before).abs() - 5.0).abs() < 1.0);
    assert!(!change.fresh && change.contrast > 10.0);
    let relative = change.relative().expect("a level above 0");
    assert!((relative.abs() - 0.05).abs() < 0.01, "{relative}");
}

#[test]
fn a_new_step_is_seen_after_two_points() {
    let mut seen = 0;
    for seed in 0..20 {
        let mut values = labelled(SeriesNoise::White, 102, 0, 0.0, seed).values;
        values[100..].iter_mut().for_each(|value| *value += 5.0);
        let found = detect(&values).changes;
        seen += usize::from(found.iter().any(|change| change.fresh && change.index.abs_diff(100) <= 1));
    }
    assert!(seen >= 18, "{seen} of 20");
}

#[test]
fn outliers_are_no_steps() {
    let mut values = labelled(SeriesNoise::White, 200, 0, 0.0, 3).values;
    for at in [20, 21, 90, 150, 199] {
        values[at] += 40.0;
    }
    assert_eq!(indices(&values), Vec::<usize>::new());
}

#[test]
fn what_says_nothing_gives_nothing() {
    assert_eq!(indices(&[]), Vec::<usize>::new());
    assert_eq!(indices(&[1.0, 2.0, 1.0, 50.0]), Vec::<usize>::new());
    assert_eq!(indices(&[3.0; 50]), Vec::<usize>::new());
    let mut values = vec![1.0; 50];
    values[7] = f64::NAN;
    assert_eq!(indices(&values), Vec::<usize>::new());
}

/// Bytes and emulated instruction counts do not vary: every lasting change of them is one.
#[test]
fn exact_series_have_exact_steps() {
    let mut values = vec![1000.0; 30];
    values[12..].iter_mut().for_each(|value| *value = 1010.0);
    values[20] = 5.0;
    let found = detect(&values).changes;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].index, found[0].before, found[0].after), (12, 1000.0, 1010.0));
}

#[test]
fn drift_is_recognised_and_its_sharp_step_still_found() {
    let mut drifting = 0;
    let mut located = 0;
    for seed in 0..20 {
        let series = labelled(SeriesNoise::Drift, 500, 1, 5.0, 300 + seed);
        let found = detect(&series.values);
        drifting += usize::from(found.noise.is_some_and(|noise| noise.drift > 0.0));
        located += usize::from(found.changes.iter().any(|one| one.index.abs_diff(series.steps[0]) <= 1));
    }
    assert!(drifting >= 10 && located >= 18, "{drifting} drifting, {located} located of 20");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The unit of a figure and its zero decide nothing. Powers of two keep every digit.
    #[test]
    fn another_unit_gives_the_same_changes(seed in 0u64..500, power in -20i32..20) {
        let series = labelled(SeriesNoise::Autoregressive(0.3), 150, 2, 4.0, seed);
        let factor = f64::powi(2.0, power);
        let scaled: Vec<f64> = series.values.iter().map(|value| value * factor).collect();
        prop_assert_eq!(indices(&scaled), indices(&series.values));
    }

    #[test]
    fn changes_are_ascending_and_inside(seed in 0u64..500, count in 8usize..300) {
        let values = labelled(SeriesNoise::Heavy, count, (count / 60).min(4), 6.0, seed).values;
        let found = indices(&values);
        prop_assert!(found.windows(2).all(|two| two[0] < two[1]), "{:?}", found);
        prop_assert!(found.iter().all(|index| (1..count).contains(index)), "{:?}", found);
    }

    #[test]
    fn no_finite_numbers_bring_it_down(values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 0..80)) {
        let found = detect(&values);
        prop_assert!(found.changes.iter().all(|change| change.index < values.len()));
    }
}
