//! Every order in which caller and workers can meet, tried by loom: rounds, sleep, panics, the end.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

use super::Pool;
use edgebench_kernels::Workers;

/// Runs `rounds` rounds of `shares` shares; each share counts itself.
fn play(threads: usize, rounds: usize, shares: usize) {
    let pool = Pool::new(threads).expect("threads");
    for round in 1..=rounds {
        let counts: Vec<AtomicUsize> = (0..shares).map(|_| AtomicUsize::new(0)).collect();
        pool.run(shares, &|share| _ = counts[share].fetch_add(round, Ordering::Relaxed));
        // Behind the end of a round everything that its shares did is seen.
        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == round));
    }
}

#[test]
fn two_threads_meet_in_every_order() {
    loom::model(|| play(2, 2, 2));
}

#[test]
fn three_threads_meet_in_many_orders() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| play(3, 1, 3));
}

#[test]
fn a_pool_that_never_ran_ends() {
    loom::model(|| drop(Pool::new(2)));
}

#[test]
fn two_callers_take_turns() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let pool = Arc::new(Pool::new(2).expect("threads"));
        let total = Arc::new(AtomicUsize::new(0));
        let (theirs, sum) = (pool.clone(), total.clone());
        let other = loom::thread::spawn(move || {
            theirs.run(2, &|_| _ = sum.fetch_add(1, Ordering::Relaxed));
        });
        pool.run(2, &|_| _ = total.fetch_add(1, Ordering::Relaxed));
        other.join().expect("the other caller");
        assert_eq!(total.load(Ordering::Relaxed), 4);
    });
}
