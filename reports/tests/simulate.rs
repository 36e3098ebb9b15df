//! A short run of the simulation that `ci/statistics/RESULTS.md` shows in full: what is promised must hold here too,
//! with the leeway of few repetitions.
#![forbid(unsafe_code)]

use edgebench_reports::simulate::machine::Trace;
use edgebench_reports::simulate::pairs::Study;
use edgebench_reports::simulate::series::SeriesNoise;
use edgebench_reports::simulate::table::{Line, Wanted};
use edgebench_reports::simulate::trend::{delay, false_alarms, steps};
use edgebench_reports::stats::changepoint::detect;

fn indices(values: &[f64]) -> Vec<usize> {
    detect(values).changes.iter().map(|change| change.index).collect()
}

#[test]
fn trends_are_quiet_where_nothing_changed() {
    for (noise, most) in [
        (SeriesNoise::White, 0.4),
        (SeriesNoise::Heavy, 0.6),
        (SeriesNoise::Autoregressive(0.3), 0.4),
        (SeriesNoise::Autoregressive(0.6), 0.4),
        (SeriesNoise::Drift, 3.5),
    ] {
        let found = false_alarms(&mut |values: &[f64]| indices(values), noise, 40);
        assert!(found <= most, "{}: {found} per 1,000 points", noise.name());
    }
}

#[test]
fn trends_find_what_changed() {
    for (noise, size, least) in [
        (SeriesNoise::White, 2.0, 0.95),
        (SeriesNoise::Heavy, 3.0, 0.93),
        (SeriesNoise::Autoregressive(0.6), 3.0, 0.80),
        (SeriesNoise::Drift, 3.0, 0.75),
    ] {
        let score = steps(&mut |values: &[f64]| indices(values), noise, size, 16);
        assert!(score.f1() >= least, "{} at {size}: {score:?}", noise.name());
    }
    assert!(delay(&mut |values: &[f64]| indices(values), 3.0, 41) <= 3.0);
}

#[test]
fn comparisons_keep_their_promises() {
    let trace = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/statistics/trace.csv"));
    let trace = Trace::parse(&trace.expect("the trace is in the repository")).expect("a trace");
    let lines = Study { repetitions: 100, seed: 7 }.lines(&trace, None);
    let holds = |line: &&Line| match line.wanted {
        // Three standard errors of 100 repetitions of a rate of 5 %; means of pairs have their own leeway.
        Wanted::AtMost => line.ours <= line.target.max(0.02) + if line.target < 1.0 { 0.07 } else { 2.0 },
        Wanted::AtLeast => line.ours >= line.target - 0.12,
    };
    let broken: Vec<&Line> = lines.iter().filter(|line| !holds(line)).collect();
    assert!(lines.len() > 30 && broken.is_empty(), "{broken:?}");
}

/// S12. The figures of this test are those of every machine: nothing in the detector asks the machine's own libm.
#[test]
fn the_same_series_give_the_same_bytes() {
    let mut text = String::new();
    for (seed, noise) in SeriesNoise::ALL.into_iter().enumerate() {
        let series = edgebench_reports::simulate::series::labelled(noise, 300, 3, 3.0, seed as u64);
        for change in detect(&series.values).changes {
            text.push_str(&format!(
                "{} {:x} {:x}\n",
                change.index,
                change.before.to_bits(),
                change.contrast.to_bits()
            ));
        }
    }
    insta::assert_snapshot!(text);
}
