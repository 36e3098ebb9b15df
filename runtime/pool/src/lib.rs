//! Threads for one inference: a [`Pool`] is what an interpreter's operators are divided among.
//!
//! Which thread computes which share is fixed before a round begins, so that nothing of a measurement depends on a
//! scheduler of ours. Workers that wait look at the next round for a moment, then sleep. A pool of one thread has no
//! workers at all. This crate knows no operator and no model.
//!
//! All orders in which two threads can meet here are tried by loom:
//! `RUSTFLAGS="--cfg loom" cargo test -p edgebench-pool --lib --release`.
#![deny(unsafe_code)]

mod round;
mod sync;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use edgebench_kernels::Workers;

use crate::round::Rounds;
use crate::sync::{Arc, JoinHandle, Mutex, spawn};

/// Some threads that wait to share work, and the calling one.
pub struct Pool {
    rounds: Arc<Rounds>,
    workers: Vec<JoinHandle>,
    /// Held by the thread whose round it is.
    turn: Mutex<()>,
}

impl Pool {
    /// A pool of `threads` threads with the calling one, so `threads - 1` new ones; none for 0 and 1.
    ///
    /// # Errors
    /// When the system does not give that many.
    pub fn new(threads: usize) -> io::Result<Self> {
        Self::with_start(threads, |_| ())
    }

    /// Like [`new`](Self::new); every new thread first calls `started` with its number, from 1 on, for instance to bind
    /// itself to a processor.
    ///
    /// # Errors
    /// When the system does not give that many.
    pub fn with_start(threads: usize, started: impl Fn(usize) + Send + Sync + 'static) -> io::Result<Self> {
        let count = threads.max(1);
        let rounds = Arc::new(Rounds::new(count - 1, sync::may_spin(count)));
        let started = Arc::new(started);
        let mut pool = Self { rounds, workers: Vec::with_capacity(count - 1), turn: Mutex::new(()) };
        for number in 1..count {
            let (rounds, started) = (pool.rounds.clone(), started.clone());
            pool.workers.push(spawn(number, move || {
                // A worker that is missing would be waited for.
                let _ = catch_unwind(AssertUnwindSafe(|| started(number)));
                rounds.serve(number, count);
            })?);
        }
        Ok(pool)
    }
}

impl Workers for Pool {
    fn count(&self) -> usize {
        self.workers.len() + 1
    }

    /// Share `i` is computed by thread `i` modulo their number; 0 is the caller. When several threads call, one waits for
    /// the other; a share that calls waits for itself, so it must not.
    ///
    /// # Panics
    /// If a share panicked, after all others have returned.
    fn run(&self, shares: usize, share: &(dyn Fn(usize) + Sync)) {
        if self.workers.is_empty() || shares <= 1 {
            (0..shares).for_each(share);
            return;
        }
        let turn = sync::lock(&self.turn);
        self.rounds.run(shares, self.count(), share);
        drop(turn);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.rounds.close();
        for worker in self.workers.drain(..) {
            // Panics of shares were told to who ran them.
            let _ = worker.join();
        }
    }
}

#[cfg(all(test, loom))]
mod meetings;
#[cfg(all(test, not(loom)))]
mod tests;
