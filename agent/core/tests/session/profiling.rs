//! Where the time of a run goes, operator by operator.

use edgebench_wire::{FailureKind, Limits, MAX_PROFILED_RUNS, OperatorTimes, Reply, Request};

use crate::fake::{Bench, digest};
use crate::tiny::{self, runs};

const STEP_NANOS: u64 = 100;

fn bench(limits: Limits) -> Bench {
    let model = tiny::model();
    Bench::new(&[tiny::open(&model), Request::Profile { pack: None, limits }]).with_files(&[&model])
}

/// Every operator, which must come in order and without a gap, and the number of runs.
fn profiled(answers: &[Reply]) -> (Vec<OperatorTimes>, u32) {
    let mut operators = Vec::new();
    for reply in answers {
        match reply {
            Reply::Opened(_) => {}
            Reply::Operators { first, items } => {
                assert_eq!(*first as usize, operators.len());
                operators.extend(items.iter().cloned());
            }
            Reply::Profiled { runs } => return (operators, *runs),
            other => panic!("unexpected {other:?}"),
        }
    }
    panic!("no closing reply in {answers:?}")
}

#[test]
fn every_run_gives_one_time_an_operator() {
    let (operators, count) = profiled(&bench(runs(5)).answers());
    assert_eq!(count, 5);
    let [only] = &operators[..] else { panic!("one operator, found {operators:?}") };
    assert_eq!((only.index, only.operator.as_str(), only.output.as_str()), (0, "FULLY_CONNECTED", "y"));
    assert_eq!(only.macs, 12);
    assert!(!only.kernel.is_empty());
    // The clock is read once before the operator and once behind it.
    assert_eq!(only.nanos, [STEP_NANOS; 5]);
}

#[test]
fn runs_end_with_their_time_and_with_the_room_for_them() {
    let few = Limits { min_runs: 1000, min_micros: 0, max_micros: 0 };
    assert_eq!(profiled(&bench(few).answers()).1, 1);
    assert_eq!(profiled(&bench(runs(u32::MAX)).answers()).1, MAX_PROFILED_RUNS);
}

#[test]
fn a_clock_that_goes_back_between_operators_is_told() {
    let mut sound = bench(runs(2));
    sound.answers();
    // The session begins with 1 look, and opening takes 2.
    for look in 4..=sound.clock.looks {
        let mut bench = bench(runs(2));
        bench.clock.jump = Some((look, -1_000_000));
        let answers = bench.answers();
        let Some(Reply::Failed(failure)) = answers.last() else { panic!("look {look}: {answers:?}") };
        assert_eq!(failure.kind, FailureKind::Clock, "look {look}");
    }
}

#[test]
fn what_is_not_open_or_not_there_is_refused() {
    let profile = Request::Profile { pack: None, limits: runs(1) };
    assert_eq!(Bench::new(&[profile]).failure().0, FailureKind::State);
    let model = tiny::model();
    let profile = Request::Profile { pack: Some(digest(b"nowhere")), limits: runs(1) };
    let answers = Bench::new(&[tiny::open(&model), profile]).with_files(&[&model]).answers();
    let Some(Reply::Failed(failure)) = answers.last() else { panic!("{answers:?}") };
    assert_eq!(failure.kind, FailureKind::Missing);
}
