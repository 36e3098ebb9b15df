//! One pair: a fresh agent of each arm, both ready at once, measured in turns so short that what the machine does to
//! one it does to the other.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use edgebench_reports::compare::Pair;
use edgebench_reports::stats::quantile::{median_of, quantile, sorted};
use edgebench_wire::{Digest, Facts, Hello, Limits, Opened, Prediction, RunOptions};
use jiff::Timestamp;

use crate::build::AgentBinary;
use crate::run::{EvaluationData, ModelFile, TOP};
use crate::session::{Client, Measurement, Reach, SessionError};

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// Median wall time of an inference.
    Latency,
    /// Processor time of an inference: what other load takes away does not count. Of all threads together.
    CpuTime,
}

/// How long a pair measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PairLimits {
    /// Warm-up of each arm.
    pub warmup: Duration,
    /// Time of each arm that counts, over all turns.
    pub steady: Duration,
    /// Turns of each arm.
    pub turns: u32,
}

impl Default for PairLimits {
    fn default() -> Self {
        Self { warmup: Duration::from_millis(20), steady: Duration::from_millis(100), turns: 6 }
    }
}

/// What one arm runs.
pub(super) struct ArmJob {
    pub(super) agent: AgentBinary,
    pub(super) model: ModelFile,
    pub(super) data: Option<Arc<EvaluationData>>,
}

/// What both arms of a cell run.
pub(super) struct Job {
    pub(super) base: ArmJob,
    pub(super) head: ArmJob,
    pub(super) options: RunOptions,
    pub(super) limits: PairLimits,
    pub(super) metric: Metric,
    /// The way to the device.
    pub(super) reach: Arc<dyn Reach>,
}

/// What a pair came to.
pub(super) struct Measured {
    /// The pair; none where the processor was throttled during it, whichever arm ran: both are left out.
    pub(super) pair: Option<Pair>,
    /// All that the base did.
    pub(super) base: Turns,
    /// All that the head did.
    pub(super) head: Turns,
}

/// All that an arm did in a pair.
pub(super) struct Turns {
    /// What the agent said of itself and of the device.
    pub(super) met: (Hello, Facts),
    /// The open model.
    pub(super) opened: Opened,
    /// When the first turn that counts began.
    pub(super) started_at: String,
    /// All turns as one measurement; none where there was no turn.
    pub(super) measurement: Option<Measurement>,
}

impl Job {
    /// Measures a pair. The error is one line.
    pub(super) async fn measure(&self, base_first: bool, silence: Duration) -> Result<Measured, String> {
        let (first, second) = if base_first { (&self.base, &self.head) } else { (&self.head, &self.base) };
        let measured = async {
            let mut first = Resident::start(first, self, silence).await?;
            let mut second = Resident::start(second, self, silence).await?;
            first.turn(self.warmup(), self.metric).await?;
            second.turn(self.warmup(), self.metric).await?;
            first.forget();
            second.forget();
            for turn in 0..self.limits.turns {
                // First, second, second, first: neither gains from a steady drift.
                if turn % 2 == 0 {
                    first.turn(self.steady(), self.metric).await?;
                    second.turn(self.steady(), self.metric).await?;
                } else {
                    second.turn(self.steady(), self.metric).await?;
                    first.turn(self.steady(), self.metric).await?;
                }
            }
            Ok::<_, SessionError>((first.leave().await, second.leave().await))
        };
        let measured = measured.await;
        self.reach.rest().await;
        let (first, second) = measured.map_err(|error| told(&error))?;
        let ((base, base_turns), (head, head_turns)) =
            if base_first { (first, second) } else { (second, first) };
        let throttled = base.throttled || head.throttled;
        let pair = base.pair(&head).filter(|_| !throttled);
        Ok(Measured { pair, base: base_turns, head: head_turns })
    }

    fn warmup(&self) -> Limits {
        limits(self.limits.warmup)
    }

    fn steady(&self) -> Limits {
        limits(self.limits.steady / self.limits.turns.max(1))
    }
}

/// The error in one line.
pub(super) fn told(error: &SessionError) -> String {
    format!("{}: {error}", error.stage())
}

/// At least two runs, so that the first one after the other arm's turn is not alone.
fn limits(time: Duration) -> Limits {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Limits { min_runs: 2, min_micros: micros, max_micros: micros.saturating_mul(100) }
}

/// An agent with its model open.
pub(super) struct Resident {
    client: Client,
    met: (Hello, Facts),
    opened: Opened,
    pack: Option<Digest>,
    taken: Taken,
    warmup_nanos: Vec<u64>,
}

/// What an arm's turns took.
#[derive(Default)]
pub(super) struct Taken {
    /// Nanoseconds of an inference, a value a turn.
    turns: Vec<f64>,
    throttled: bool,
    /// When the first turn began, and all turns as one measurement.
    whole: Option<(String, Measurement)>,
}

impl Resident {
    pub(super) async fn start(arm: &ArmJob, job: &Job, silence: Duration) -> Result<Self, SessionError> {
        job.reach.deploy(&arm.agent).await?;
        let (mut client, hello) = Client::greet(job.reach.start(&arm.agent).await?, silence).await?;
        let facts = client.facts().await?;
        client.deploy(arm.model.digest, &arm.model.path).await?;
        if let Some(data) = &arm.data {
            client.deploy(data.digest, &data.path).await?;
        }
        let opened = client.open(arm.model.digest, &job.options).await?;
        let pack = arm.data.as_ref().map(|data| data.digest);
        let (met, taken) = ((hello, facts), Taken::default());
        Ok(Self { client, met, opened, pack, taken, warmup_nanos: Vec::new() })
    }

    async fn turn(&mut self, steady: Limits, metric: Metric) -> Result<(), SessionError> {
        // One run brings the caches back from the other arm.
        let again = Limits { min_runs: 1, min_micros: 0, max_micros: u64::MAX };
        let started_at = Timestamp::now().to_string();
        let measured = self.client.measure(self.pack, again, steady, |_| ()).await?;
        self.taken.add(started_at, measured, metric);
        Ok(())
    }

    /// The warm-up does not count.
    fn forget(&mut self) {
        let warm = std::mem::take(&mut self.taken).whole;
        self.warmup_nanos =
            warm.map_or_else(Vec::new, |(_, warm)| [warm.warmup_nanos, warm.steady_nanos].concat());
    }

    /// What it says of these examples of a pack.
    pub(super) async fn answer(
        &mut self,
        data: &EvaluationData,
        examples: Range<u32>,
    ) -> Result<Vec<Prediction>, SessionError> {
        self.client.evaluate(data.digest, examples, TOP, false, |_| ()).await
    }

    pub(super) async fn leave(self) -> (Taken, Turns) {
        let Self { client, met, opened, mut taken, warmup_nanos, .. } = self;
        client.leave().await;
        let (started_at, measurement) = taken.whole.take().unzip();
        let warm = |measured: Measurement| Measurement {
            warmup_nanos: [warmup_nanos, measured.warmup_nanos].concat(),
            ..measured
        };
        let started_at = started_at.unwrap_or_default();
        (taken, Turns { met, opened, started_at, measurement: measurement.map(warm) })
    }
}

fn inference_nanos(measurement: &Measurement, metric: Metric) -> Option<f64> {
    let runs = &measurement.steady_nanos;
    match metric {
        Metric::Latency => median_of(runs.iter().map(|nanos| *nanos as f64)),
        Metric::CpuTime => {
            let cpu = measurement.measured.steady_cpu_nanos?;
            (!runs.is_empty()).then(|| cpu as f64 / runs.len() as f64)
        }
    }
}

impl Taken {
    fn add(&mut self, started_at: String, turn: Measurement, metric: Metric) {
        self.throttled |= turn.measured.after.throttle_count > turn.measured.before.throttle_count;
        self.turns.extend(inference_nanos(&turn, metric));
        match &mut self.whole {
            None => self.whole = Some((started_at, turn)),
            Some((_, whole)) => append(whole, turn),
        }
    }

    /// The pair of this base with `head`; none where a turn took nothing.
    fn pair(&self, head: &Self) -> Option<Pair> {
        let middle = |taken: &Self| median_of(taken.turns.iter().copied()).filter(|nanos| *nanos > 0.0);
        let (base_nanos, head_nanos) = (middle(self)?, middle(head)?);
        let spread = (spread(&self.turns) / base_nanos + spread(&head.turns) / head_nanos) / 2.0;
        Some(Pair { base_nanos, head_nanos, spread })
    }
}

/// Two turns as one measurement.
fn append(whole: &mut Measurement, turn: Measurement) {
    whole.warmup_nanos.extend(turn.warmup_nanos);
    whole.steady_nanos.extend(turn.steady_nanos);
    let (all, turn) = (&mut whole.measured, turn.measured);
    all.warmup_runs = all.warmup_runs.saturating_add(turn.warmup_runs);
    all.steady_runs = all.steady_runs.saturating_add(turn.steady_runs);
    all.steady_wall_nanos = all.steady_wall_nanos.saturating_add(turn.steady_wall_nanos);
    let both = all.steady_cpu_nanos.zip(turn.steady_cpu_nanos);
    all.steady_cpu_nanos = both.map(|(one, other)| one.saturating_add(other));
    all.peak_rss_bytes = all.peak_rss_bytes.max(turn.peak_rss_bytes);
    all.after = turn.after;
}

/// Interquartile range.
fn spread(values: &[f64]) -> f64 {
    let ascending = sorted(values.to_vec());
    quantile(&ascending, 0.75).zip(quantile(&ascending, 0.25)).map_or(0.0, |(upper, lower)| upper - lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_the_medians_of_the_turns() {
        let base = Taken { turns: vec![10.0, 11.0, 90.0], throttled: false, whole: None };
        let head = Taken { turns: vec![22.0, 20.0, 21.0], throttled: false, whole: None };
        let pair = base.pair(&head).expect("both took time");
        assert_eq!((pair.base_nanos, pair.head_nanos), (11.0, 21.0));
        assert!(pair.spread > 0.0);
        assert!(Taken::default().pair(&head).is_none());
        assert!(Taken { turns: vec![0.0], throttled: false, whole: None }.pair(&head).is_none());
    }
}
