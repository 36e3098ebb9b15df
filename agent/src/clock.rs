//! Time: `CLOCK_MONOTONIC`, which no clock adjustment moves backwards.

use std::time::Instant;

use edgebench_agent_core::Clock;

/// Nanoseconds since the agent started.
pub(crate) struct Monotonic {
    start: Instant,
}

impl Monotonic {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for Monotonic {
    fn now_nanos(&mut self) -> u64 {
        // 584 years fit.
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
