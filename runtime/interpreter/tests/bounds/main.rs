//! Float operators with every set of kernels against an oracle in float64: on drawn inputs, within the bounds that
//! `suites/ops/FLOAT.md` states.
#![forbid(unsafe_code)]

#[expect(dead_code, reason = "the networks need more of it")]
#[path = "../networks/build.rs"]
mod build;
mod layers;
mod measure;
mod pointwise;
#[expect(dead_code, reason = "the networks need more of it")]
#[path = "../networks/random.rs"]
mod random;
#[expect(dead_code, reason = "the example that writes the sheet needs more of it")]
mod sheet;

use edgebench_interpreter::KernelChoice;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn floats_stay_within_their_bounds(seed in any::<u64>()) {
        for subject in measure::subjects() {
            for kernels in sheet::sets().into_iter().filter(|kernels| kernels.is_available()) {
                let worst = measure::worst(&subject, kernels, seed);
                prop_assert!(
                    worst <= subject.bound,
                    "{} with {kernels} kernels: {worst} {}, over {}", subject.operator, subject.unit, subject.bound
                );
            }
        }
    }
}

/// An error that is too large is seen.
#[test]
fn the_measure_notices_a_wrong_digit() {
    let exact = measure::Exact::ulp(1.0);
    assert_eq!(exact.error(1.0), 0.0);
    assert_eq!(exact.error(1.0 + 2.0 * f32::EPSILON), 2.0);
    assert_eq!(measure::Exact { value: 0.0, room: 0.0 }.error(0.5), f64::INFINITY);
    assert_eq!(measure::Exact::ulp(2.0).error(f32::NAN), f64::INFINITY);
}

#[test]
fn committed_bounds_are_the_tested_ones() {
    let committed = std::fs::read_to_string(sheet::path()).expect("the sheet is committed");
    for subject in measure::subjects() {
        let row = sheet::stated(&subject);
        assert!(committed.contains(&row), "suites/ops/FLOAT.md lacks \"{row}\": {}", sheet::COMMAND);
    }
    for absent in KernelChoice::all().filter(|kernels| !kernels.is_available()) {
        println!("skipped: float bounds with {absent} kernels: this CPU does not have them");
    }
}
