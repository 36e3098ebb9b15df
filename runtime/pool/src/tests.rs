//! A pool on real threads.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use edgebench_kernels::Workers;

use super::Pool;

/// Which thread computed each share.
fn threads_of_shares(pool: &Pool, shares: usize) -> BTreeMap<usize, ThreadId> {
    let seen = Mutex::new(BTreeMap::new());
    pool.run(shares, &|share| {
        let before = seen.lock().expect("whole").insert(share, thread::current().id());
        assert!(before.is_none(), "share {share} twice");
    });
    seen.into_inner().expect("whole")
}

#[test]
fn shares_are_dealt_out_in_turn_and_always_alike() {
    let pool = Pool::new(3).expect("threads");
    assert_eq!(pool.count(), 3);
    let first = threads_of_shares(&pool, 7);
    assert_eq!(first.len(), 7);
    assert_eq!(first[&0], thread::current().id());
    assert!(first[&0] == first[&3] && first[&0] == first[&6] && first[&1] == first[&4]);
    assert!(first[&0] != first[&1] && first[&1] != first[&2] && first[&2] != first[&0]);
    for _ in 0..200 {
        assert_eq!(threads_of_shares(&pool, 7), first);
    }
}

#[test]
fn fewer_shares_than_threads_are_fine() {
    let pool = Pool::new(4).expect("threads");
    assert_eq!((0..4).map(|shares| threads_of_shares(&pool, shares).len()).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn one_thread_is_the_calling_one() {
    for threads in [0, 1] {
        let pool = Pool::new(threads).expect("no thread");
        let seen = threads_of_shares(&pool, 3);
        assert!(pool.count() == 1 && seen.values().all(|id| *id == thread::current().id()));
    }
}

#[test]
fn every_new_thread_is_greeted_once() {
    let greeted = std::sync::Arc::new(Mutex::new(Vec::new()));
    let list = greeted.clone();
    let pool = Pool::with_start(4, move |number| list.lock().expect("whole").push(number)).expect("threads");
    pool.run(4, &|_| ());
    drop(pool);
    greeted.lock().expect("whole").sort_unstable();
    assert_eq!(*greeted.lock().expect("whole"), [1, 2, 3]);
}

#[test]
fn sleeping_workers_wake_up() {
    let pool = Pool::new(2).expect("threads");
    let count = AtomicUsize::new(0);
    for _ in 0..5 {
        // Longer than a worker looks.
        thread::sleep(std::time::Duration::from_millis(2));
        pool.run(2, &|_| _ = count.fetch_add(1, Ordering::Relaxed));
    }
    assert_eq!(count.into_inner(), 10);
}

#[test]
fn a_panic_reaches_the_caller_and_spoils_nothing() {
    let pool = Pool::new(2).expect("threads");
    for culprit in [0, 1] {
        let run = || pool.run(2, &|share| assert!(share != culprit, "share {share} does not like it"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(threads_of_shares(&pool, 2).len(), 2);
    }
}
