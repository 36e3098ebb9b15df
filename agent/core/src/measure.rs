//! Timing: which runs, how long each took, and under which conditions. Every sample is handed on; nothing is averaged.

use alloc::vec::Vec;

use edgebench_wire::{Digest, Limits, Measured, Phase, Reply};

use crate::channel::{Channel, SessionError};
use crate::failure::Stop;
use crate::running::Running;
use crate::session::Session;

/// Samples in one reply at most: 160 KB in the worst case, well inside a frame.
const PIECE_SAMPLES: usize = 16 * 1024;

/// Longest time that samples are kept back. Sending wakes the controller, which may share the CPU with the runs, so it
/// must be rare; but a controller that hears nothing must think that the agent hangs.
const PIECE_NANOS: u64 = 250_000_000;

impl Session<'_> {
    /// Answers [`edgebench_wire::Request::Measure`].
    pub(crate) fn measure(
        &mut self,
        running: &mut Running<'_>,
        pack: Option<&Digest>,
        warmup: &Limits,
        steady: &Limits,
    ) -> Result<Reply, Stop> {
        running.run_on(self.store, pack)?;
        let timer_overhead_nanos = self.timer.overhead_nanos()?;
        let (warmup_runs, _) = self.run_phase(running, Phase::Warmup, warmup)?;
        let before = self.meter.condition();
        let cpu_before = self.meter.cpu_nanos();
        let (steady_runs, steady_wall_nanos) = self.run_phase(running, Phase::Steady, steady)?;
        let cpu_after = self.meter.cpu_nanos();
        // How long an emulator took says nothing about the device.
        let steady_wall_nanos = if self.timer.counts() { 0 } else { steady_wall_nanos };
        Ok(Reply::Measured(Measured {
            warmup_runs,
            steady_runs,
            timer_overhead_nanos,
            peak_rss_bytes: self.meter.peak_rss_bytes(),
            steady_cpu_nanos: cpu_before.zip(cpu_after).and_then(|(before, after)| after.checked_sub(before)),
            steady_wall_nanos,
            before,
            after: self.meter.condition(),
        }))
    }

    /// Runs the model as often as `limits` ask. Returns the number of runs and the time from the first to the last,
    /// feeding and reporting between them included.
    fn run_phase(
        &mut self,
        running: &mut Running<'_>,
        phase: Phase,
        limits: &Limits,
    ) -> Result<(u32, u64), Stop> {
        let start = self.timer.now_nanos()?;
        let (mut now, mut runs) = (start, 0);
        let mut outbox = Outbox::new(phase, start);
        while wants_another(limits, runs, now - start) {
            running.feed(runs)?;
            let begun = self.timer.begin()?;
            running.invoke()?;
            let taken = self.timer.end(begun)?;
            now = taken.now_nanos;
            outbox.samples.push(taken.amount);
            runs += 1;
            if outbox.is_due(now) {
                self.channel.check_peer()?;
                outbox.send(&mut self.channel, now)?;
            }
        }
        if !outbox.samples.is_empty() {
            outbox.send(&mut self.channel, now)?;
        }
        Ok((runs, now - start))
    }
}

/// Samples that wait to be sent.
struct Outbox {
    phase: Phase,
    samples: Vec<u64>,
    since: u64,
}

impl Outbox {
    fn new(phase: Phase, now: u64) -> Self {
        Self { phase, samples: Vec::with_capacity(PIECE_SAMPLES), since: now }
    }

    fn is_due(&self, now: u64) -> bool {
        self.samples.len() >= PIECE_SAMPLES || now.saturating_sub(self.since) >= PIECE_NANOS
    }

    fn send(&mut self, channel: &mut Channel<'_>, now: u64) -> Result<(), SessionError> {
        let reply = Reply::Samples { phase: self.phase, nanos: core::mem::take(&mut self.samples) };
        channel.send(&reply)?;
        // The memory is used again: taking new pages between runs would disturb them.
        if let Reply::Samples { nanos, .. } = reply {
            self.samples = nanos;
            self.samples.clear();
        }
        self.since = now;
        Ok(())
    }
}

/// The loop rule of LiteRT's `benchmark_model`, see [`Limits`].
pub(crate) fn wants_another(limits: &Limits, runs: u32, elapsed_nanos: u64) -> bool {
    let nanos = |micros: u64| micros.saturating_mul(1000);
    let too_few = runs < limits.min_runs || elapsed_nanos < nanos(limits.min_micros);
    too_few && elapsed_nanos <= nanos(limits.max_micros) && runs < u32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(limits: Limits, run_micros: u64) -> u32 {
        let mut runs = 0;
        while wants_another(&limits, runs, u64::from(runs) * run_micros * 1000) {
            runs += 1;
        }
        runs
    }

    #[test]
    fn runs_go_on_until_both_minima_are_reached() {
        let limits = Limits { min_runs: 50, min_micros: 1_000_000, max_micros: 150_000_000 };
        assert_eq!(runs(limits, 100_000), 50);
        assert_eq!(runs(limits, 1000), 1000);
    }

    #[test]
    fn no_run_begins_after_the_maximum() {
        let limits = Limits { min_runs: 50, min_micros: 1_000_000, max_micros: 2_000_000 };
        assert_eq!(runs(limits, 1_500_000), 2);
        assert_eq!(runs(Limits { max_micros: 0, ..limits }, 1), 1);
    }

    #[test]
    fn nothing_asked_is_nothing_run() {
        assert_eq!(runs(Limits { min_runs: 0, min_micros: 0, max_micros: 10 }, 1), 0);
    }

    #[test]
    fn extreme_limits_do_not_overflow() {
        let limits = Limits { min_runs: u32::MAX, min_micros: u64::MAX, max_micros: u64::MAX };
        assert!(wants_another(&limits, 0, u64::MAX));
        assert!(!wants_another(&limits, u32::MAX, 0));
    }
}
