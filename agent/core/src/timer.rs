//! The device's clock with its only promise checked at every look: that it never goes backwards. And what a piece of
//! work takes: its time, or its instructions where the device counts them.

use alloc::format;
use alloc::vec::Vec;

use edgebench_wire::{Failure, FailureKind};

use crate::device::Clock;
use crate::failure::{failed, mismatch};

/// Pairs of readings that the timer's own time is the median of.
const TIMER_PAIRS: usize = 1001;

/// A piece of work has begun, at this time.
#[must_use]
pub(crate) struct Begun {
    nanos: u64,
}

/// A piece of work has ended.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    /// Nanoseconds that it took, the clock's own included; or its instructions where they are counted.
    pub(crate) amount: u64,
    /// The time after it.
    pub(crate) now_nanos: u64,
}

pub(crate) struct Timer<'d> {
    clock: &'d mut dyn Clock,
    last_nanos: u64,
    /// Instructions of the laps so far, while there are laps.
    laps: Option<u64>,
}

impl<'d> Timer<'d> {
    pub(crate) fn new(clock: &'d mut dyn Clock) -> Self {
        let last_nanos = clock.now_nanos();
        Self { clock, last_nanos, laps: None }
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

    /// Whether work is measured in instructions: none of its times mean anything then.
    pub(crate) fn counts(&mut self) -> bool {
        self.clock.counter().is_some()
    }

    /// Work begins right behind this.
    pub(crate) fn begin(&mut self) -> Result<Begun, Failure> {
        let nanos = self.now_nanos()?;
        if let Some(counter) = self.clock.counter() {
            counter.start();
        }
        Ok(Begun { nanos })
    }

    /// Work ended right before this.
    pub(crate) fn end(&mut self, begun: Begun) -> Result<Taken, Failure> {
        let counted = self.clock.counter().map(|counter| counter.stop());
        let now_nanos = self.now_nanos()?;
        let amount = match counted {
            Some(count) => count.map_err(|error| failed(FailureKind::Clock, error))?,
            None => now_nanos - begun.nanos,
        };
        Ok(Taken { amount, now_nanos })
    }

    /// What has been taken up to here by work that is looked at between its parts: only the difference of two laps means
    /// something. Ended by [`end_laps`](Self::end_laps).
    pub(crate) fn lap(&mut self) -> Result<u64, Failure> {
        let Some(counter) = self.clock.counter() else { return self.now_nanos() };
        let counted = match self.laps {
            Some(before) => {
                let count = counter.stop().map_err(|error| failed(FailureKind::Clock, error))?;
                before.saturating_add(count)
            }
            None => 0,
        };
        self.laps = Some(counted);
        counter.start();
        Ok(counted)
    }

    /// No lap follows.
    pub(crate) fn end_laps(&mut self) -> Result<(), Failure> {
        match (self.laps.take(), self.clock.counter()) {
            (Some(_), Some(counter)) => {
                counter.stop().map(|_| ()).map_err(|error| failed(FailureKind::Clock, error))
            }
            _ => Ok(()),
        }
    }

    /// Median time of reading the clock twice, which is inside every sample. 0 where instructions are
    /// counted: no clock is read between the markers.
    pub(crate) fn overhead_nanos(&mut self) -> Result<u64, Failure> {
        if self.counts() {
            return Ok(0);
        }
        let mut pairs = Vec::with_capacity(TIMER_PAIRS);
        for _ in 0..TIMER_PAIRS {
            let start = self.now_nanos()?;
            pairs.push(self.now_nanos()? - start);
        }
        let (_, median, _) = pairs.select_nth_unstable(TIMER_PAIRS / 2);
        Ok(*median)
    }
}
