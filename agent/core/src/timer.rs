//! The device's clock with its only promise checked at every look: that it never goes backwards.

use alloc::format;
use alloc::vec::Vec;

use edgebench_wire::{Failure, FailureKind};

use crate::device::Clock;
use crate::failure::mismatch;

/// Pairs of readings that the timer's own time is the median of.
const TIMER_PAIRS: usize = 1001;

pub(crate) struct Timer<'d> {
    clock: &'d mut dyn Clock,
    last_nanos: u64,
}

impl<'d> Timer<'d> {
    pub(crate) fn new(clock: &'d mut dyn Clock) -> Self {
        let last_nanos = clock.now_nanos();
        Self { clock, last_nanos }
    }

    /// Nanoseconds on the clock, never less than before. A clock that went back is told once; from there it counts on.
    pub(crate) fn now_nanos(&mut self) -> Result<u64, Failure> {
        let now = self.clock.now_nanos();
        let last = core::mem::replace(&mut self.last_nanos, now);
        if now >= last {
            return Ok(now);
        }
        Err(mismatch(FailureKind::Clock, "clock", format!("at least {last} ns"), format!("{now} ns")))
    }

    /// Median time of reading the clock twice, which is inside every sample.
    pub(crate) fn overhead_nanos(&mut self) -> Result<u64, Failure> {
        let mut pairs = Vec::with_capacity(TIMER_PAIRS);
        for _ in 0..TIMER_PAIRS {
            let start = self.now_nanos()?;
            pairs.push(self.now_nanos()? - start);
        }
        let (_, median, _) = pairs.select_nth_unstable(TIMER_PAIRS / 2);
        Ok(*median)
    }
}
