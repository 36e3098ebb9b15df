//! One piece of work after the other, shared by the caller and all workers. A round ends when every worker has left it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sync::{self, AtomicBool, AtomicU32, AtomicUsize, Condvar, Mutex, Ordering};

/// What caller and workers share.
pub(crate) struct Rounds {
    workers: usize,
    /// Whether those who wait look for a moment before they sleep.
    spins: bool,
    state: Mutex<State>,
    /// The number of the round in `state`, to look at without the lock.
    number: AtomicU32,
    /// Workers that have not left the round.
    left: AtomicUsize,
    panicked: AtomicBool,
    /// Wakes workers.
    begun: Condvar,
    /// Wakes the caller.
    ended: Condvar,
}

struct State {
    number: u32,
    job: Option<Job>,
    closing: bool,
    sleeping_workers: usize,
    caller_sleeps: bool,
}

/// The work of a round.
#[derive(Clone, Copy)]
struct Job {
    shares: usize,
    /// Lives until the round has ended, and no longer.
    share: &'static (dyn Fn(usize) + Sync),
}

impl Rounds {
    pub(crate) fn new(workers: usize, spins: bool) -> Self {
        let state = State { number: 0, job: None, closing: false, sleeping_workers: 0, caller_sleeps: false };
        Self {
            workers,
            spins,
            state: Mutex::new(state),
            number: AtomicU32::new(0),
            left: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            begun: Condvar::new(),
            ended: Condvar::new(),
        }
    }

    /// A whole round: begins it, does the caller's shares, and returns when every worker has left it. Only one thread may
    /// be in here at a time.
    pub(crate) fn run(&self, shares: usize, threads: usize, share: &(dyn Fn(usize) + Sync)) {
        #[expect(unsafe_code, reason = "a reference is lent to threads that outlive it")]
        // SAFETY: workers use the reference only between `begin` and their leaving of this round. `end` is dropped before
        // this function returns or unwinds, and returns only after all workers have left.
        let share =
            unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(share) };
        self.begin(Job { shares, share });
        let end = End(self);
        (0..shares).step_by(threads).for_each(share);
        drop(end);
        assert!(!self.panicked.swap(false, Ordering::Relaxed), "a share of an operator panicked");
    }

    fn begin(&self, job: Job) {
        self.left.store(self.workers, Ordering::Relaxed);
        let mut state = sync::lock(&self.state);
        state.job = Some(job);
        state.number = state.number.wrapping_add(1);
        self.number.store(state.number, Ordering::Release);
        if state.sleeping_workers > 0 {
            self.begun.notify_all();
        }
    }

    /// Ends all workers.
    pub(crate) fn close(&self) {
        let mut state = sync::lock(&self.state);
        state.closing = true;
        state.number = state.number.wrapping_add(1);
        self.number.store(state.number, Ordering::Release);
        self.begun.notify_all();
    }

    /// What worker `number` of `threads` threads does all its life.
    pub(crate) fn serve(&self, number: usize, threads: usize) {
        let mut seen = 0;
        while let Some((round, job)) = self.next(seen) {
            seen = round;
            let work = || (number..job.shares).step_by(threads).for_each(job.share);
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.leave();
        }
    }

    /// The round after `seen`; none when the pool closes.
    fn next(&self, seen: u32) -> Option<(u32, Job)> {
        if self.spins {
            sync::spin_until(|| self.number.load(Ordering::Acquire) != seen);
        }
        let mut state = sync::lock(&self.state);
        while state.number == seen {
            state.sleeping_workers += 1;
            state = sync::wait(&self.begun, state);
            state.sleeping_workers -= 1;
        }
        if state.closing { None } else { state.job.map(|job| (state.number, job)) }
    }

    /// Notes that a worker does not use the job any more.
    fn leave(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let state = sync::lock(&self.state);
            if state.caller_sleeps {
                self.ended.notify_one();
            }
        }
    }

    /// Waits until all workers have left.
    fn wait_for_all(&self) {
        let all_left = || self.left.load(Ordering::Acquire) == 0;
        if self.spins {
            sync::spin_until(all_left);
        }
        if all_left() {
            return;
        }
        let mut state = sync::lock(&self.state);
        state.caller_sleeps = true;
        while !all_left() {
            state = sync::wait(&self.ended, state);
        }
        state.caller_sleeps = false;
    }
}

/// The end of a round, also when the caller's own share panics.
struct End<'a>(&'a Rounds);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.wait_for_all();
        sync::lock(&self.0.state).job = None;
    }
}
