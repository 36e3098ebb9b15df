//! Which runs are made, and what is told about them.

use edgebench_wire::{Condition, FailureKind, Limits, Measured, Phase, Reply, Request};

use crate::fake::{Bench, digest};
use crate::tiny::{self, runs};

const STEP_NANOS: u64 = 100;

fn bench(measure: Request) -> Bench {
    let model = tiny::model();
    Bench::new(&[tiny::open(&model), measure]).with_files(&[&model])
}

/// Samples of each phase and the closing reply.
fn measured(answers: &[Reply]) -> (Vec<u64>, Vec<u64>, Measured) {
    let (mut warmup, mut steady) = (Vec::new(), Vec::new());
    for reply in answers {
        match reply {
            Reply::Opened(_) => {}
            Reply::Samples { phase: Phase::Warmup, nanos } => warmup.extend(nanos),
            Reply::Samples { phase: Phase::Steady, nanos } => steady.extend(nanos),
            Reply::Measured(measured) => return (warmup, steady, measured.clone()),
            other => panic!("unexpected {other:?}"),
        }
    }
    panic!("no closing reply in {answers:?}")
}

#[test]
fn every_run_gives_one_sample_and_warmup_is_kept_apart() {
    let answers = bench(Request::Measure { pack: None, warmup: runs(2), steady: runs(5) }).answers();
    let (warmup, steady, measured) = measured(&answers);
    assert_eq!(warmup, [STEP_NANOS; 2]);
    assert_eq!(steady, [STEP_NANOS; 5]);
    assert_eq!((measured.warmup_runs, measured.steady_runs), (2, 5));
    assert_eq!(measured.timer_overhead_nanos, STEP_NANOS);
    // Two looks at the clock a run.
    assert_eq!(measured.steady_wall_nanos, 10 * STEP_NANOS);
    // The fake meter counts: condition, CPU time, CPU time, condition.
    assert_eq!(measured.before, Condition { throttle_count: Some(1), ..Condition::default() });
    assert_eq!(measured.after, Condition { throttle_count: Some(4), ..Condition::default() });
    assert_eq!(measured.steady_cpu_nanos, Some(1000));
    assert_eq!(measured.peak_rss_bytes, Some(4096));
}

#[test]
fn runs_go_on_until_the_minimum_time_is_reached() {
    // A run takes two steps of 100 ns, so that 100 runs make 20 us.
    let steady = Limits { min_runs: 3, min_micros: 20, max_micros: 1_000_000 };
    let answers = bench(Request::Measure { pack: None, warmup: runs(0), steady }).answers();
    assert_eq!(measured(&answers).1.len(), 100);
}

#[test]
fn no_run_begins_after_the_maximum_time() {
    let steady = Limits { min_runs: 1000, min_micros: 0, max_micros: 20 };
    let answers = bench(Request::Measure { pack: None, warmup: runs(0), steady }).answers();
    // The run that ends exactly at the maximum is followed by one more, as benchmark_model has it.
    assert_eq!(measured(&answers).1.len(), 101);
}

#[test]
fn a_figure_that_the_machine_does_not_tell_is_absent() {
    let mut bench = bench(Request::Measure { pack: None, warmup: runs(0), steady: runs(1) });
    bench.meter.silent = true;
    let (_, _, measured) = measured(&bench.answers());
    assert_eq!((measured.peak_rss_bytes, measured.steady_cpu_nanos), (None, None));
    assert_eq!(measured.before, Condition::default());
}

#[test]
fn samples_come_in_pieces_that_fit_into_frames_and_none_is_lost() {
    let answers = bench(Request::Measure { pack: None, warmup: runs(0), steady: runs(40_000) }).answers();
    let pieces = answers.iter().filter(|reply| matches!(reply, Reply::Samples { .. })).count();
    assert!(pieces > 1);
    assert_eq!(measured(&answers).1.len(), 40_000);
}

#[test]
fn slow_runs_are_told_as_they_come() {
    let mut bench = bench(Request::Measure { pack: None, warmup: runs(0), steady: runs(3) });
    bench.clock.step_nanos = 300_000_000;
    let answers = bench.answers();
    let pieces = answers.iter().filter(|reply| matches!(reply, Reply::Samples { .. })).count();
    assert_eq!(pieces, 3);
}

#[test]
fn a_clock_that_goes_back_makes_the_measurement_fail_wherever_it_happens() {
    let measure = Request::Measure { pack: None, warmup: runs(2), steady: runs(3) };
    let mut sound = bench(measure.clone());
    sound.answers();
    // The session begins with 1 look, and opening takes 2.
    for look in 4..=sound.clock.looks {
        let mut bench = bench(measure.clone());
        bench.clock.jump = Some((look, -1_000_000));
        let answers = bench.answers();
        let Some(Reply::Failed(failure)) = answers.last() else { panic!("look {look}: {answers:?}") };
        assert_eq!(failure.kind, FailureKind::Clock, "look {look}");
    }
}

#[test]
fn a_clock_that_leaps_ahead_shows_in_its_sample_and_ends_the_runs() {
    let steady = Limits { min_runs: 100, min_micros: 0, max_micros: 1000 };
    let mut bench = bench(Request::Measure { pack: None, warmup: runs(0), steady });
    // The session begins with 1 look, opening takes 2, the timer 2002, the phases begin with 1 each, a run takes 2: this
    // is the end of the second run.
    bench.clock.jump = Some((1 + 2 + 2002 + 2 + 4, 5_000_000_000));
    let (_, steady, _) = measured(&bench.answers());
    assert_eq!(steady, [STEP_NANOS, 5_000_000_000 + STEP_NANOS]);
}

#[test]
fn a_model_may_be_measured_on_examples_in_turn() {
    let (model, pack) = (tiny::model(), tiny::pack(&[[1.0; 4], [2.0; 4]]));
    let measure = Request::Measure { pack: Some(digest(&pack)), warmup: runs(1), steady: runs(5) };
    let answers = Bench::new(&[tiny::open(&model), measure]).with_files(&[&model, &pack]).answers();
    assert_eq!(measured(&answers).1.len(), 5);
}

#[test]
fn a_pack_that_is_not_there_is_missing() {
    let model = tiny::model();
    let measure = Request::Measure { pack: Some(digest(b"nowhere")), warmup: runs(1), steady: runs(1) };
    let answers = Bench::new(&[tiny::open(&model), measure]).with_files(&[&model]).answers();
    let Some(Reply::Failed(failure)) = answers.last() else { panic!("{answers:?}") };
    assert_eq!(failure.kind, FailureKind::Missing);
}
