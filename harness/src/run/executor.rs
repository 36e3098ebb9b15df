//! One device's share of a run: a fresh agent for every step, each result on disk before the next step begins. A step
//! that fails takes the rest of its cell with it and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use edgebench_reports::record::{
    BlockRecord, Cell, ConditionRecord, DeviceRecord, Energy, EvaluationRecord, MemoryRecord, OpRecord,
    PredictionRecord,
};
use edgebench_wire::{Condition, Digest, Facts, Hello, Limits, Opened, Prediction, RunOptions};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::boards::Boards;
use super::entry::Entry;
use super::event::{Event, Events};
use super::journal::JournalError;
use super::outputs;
use super::profile;
use super::recorder::Recorder;
use super::settling::{self, Settled};
use super::store::write_whole;
use crate::build::AgentBinary;
use crate::inventory::Settle;
use crate::plan::{RUNTIME_EDGEBENCH, StepId, StepKind};
use crate::prepare::NoAgent;
use crate::session::{Client, Doing, Measurement, Reach, SessionError};

/// What every device's executor needs of the run.
pub(super) struct Shared {
    /// One a cell, in the order of the plan.
    pub(super) jobs: Vec<Job>,
    /// Number of blocks a cell, for what is shown.
    pub(super) blocks: u32,
    /// How long an agent may be silent.
    pub(super) silence: Duration,
    /// Where results go.
    pub(super) recorder: Recorder,
    /// Folder to keep raw outputs in, when they are wanted.
    pub(super) outputs: Option<PathBuf>,
    /// Where news goes.
    pub(super) events: Events,
    /// Which machine each device turned out to be.
    pub(super) boards: Boards,
    /// Set when the run shall stop.
    pub(super) cancel: CancellationToken,
}

/// Both phases of one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BlockLimits {
    /// Runs that are timed but kept apart.
    pub(super) warmup: Limits,
    /// Runs that count.
    pub(super) steady: Limits,
}

/// What one cell runs.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its names.
    pub(super) cell: Cell,
    /// The variant; or why there is none.
    pub(super) model: Result<ModelFile, String>,
    /// What its accuracy is measured on.
    pub(super) data: Option<Arc<EvaluationData>>,
    /// How to run it.
    pub(super) options: RunOptions,
}

/// A variant's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelFile {
    /// BLAKE3.
    pub digest: Digest,
    /// Where it lies.
    pub path: PathBuf,
}

/// A preprocessed split with its answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvaluationData {
    /// Name of the data set.
    pub dataset: String,
    /// Name of the split.
    pub split: String,
    /// BLAKE3 of the tensor pack.
    pub digest: Digest,
    /// Where the pack lies.
    pub path: PathBuf,
    /// Index in the data set of each example of the pack.
    pub examples: Vec<u32>,
    /// Right class of each example of the pack, as the network counts classes.
    pub labels: Vec<u32>,
}

/// One device and what is to be done on it.
pub(super) struct DeviceRun {
    /// Its name in the inventory.
    pub(super) name: String,
    /// How it is reached: the word in `devices.toml`.
    pub(super) transport: String,
    /// What runs there; or why nothing does.
    pub(super) agent: Result<AgentBinary, NoAgent>,
    /// The way to it; or why there is none.
    pub(super) reach: Result<Arc<dyn Reach>, String>,
    /// What to wait for before a block.
    pub(super) settle: Option<Settle>,
    /// Whether an emulator stands in for it, so that latencies are counts of instructions.
    pub(super) emulated: bool,
    /// When to stop running in a block.
    pub(super) limits: BlockLimits,
    /// What is left to do, in order.
    pub(super) steps: Vec<StepId>,
}

/// Property of a device's record: BLAKE3 of the agent that it was met with.
pub const AGENT_DIGEST: &str = "agent_digest";

/// Best classes that are asked for: enough for top-5 accuracy.
pub(crate) const TOP: u8 = 5;

/// Executes every step of a device. Failures of the device are recorded, told and survived.
///
/// # Errors
/// When a result cannot be written down: the run cannot go on then.
pub(super) async fn execute(device: DeviceRun, shared: Arc<Shared>) -> Result<(), JournalError> {
    let executor = Executor { device, shared, tally: Tally::default() };
    let stopped = executor.shared.cancel.clone();
    let result = tokio::select! {
        () = stopped.cancelled() => Ok(()),
        result = executor.run() => result,
    };
    executor.leave_device().await;
    result
}

/// What is started, and how.
#[derive(Clone, Copy)]
struct Way<'w> {
    agent: &'w AgentBinary,
    reach: &'w dyn Reach,
}

/// What a device took, over the whole run.
#[derive(Default)]
struct Tally {
    agent_bytes: AtomicU64,
    file_bytes: AtomicU64,
    all_bytes: AtomicU64,
    retries: AtomicU64,
}

/// Tries of something that the way to a device spoiled, the first included. A measurement is never tried again.
const TRIES: u32 = 3;

/// Pause before the second try; four times as long before the third.
const BACKOFF: Duration = Duration::from_millis(500);

/// Steps in a row that the way to a device may spoil before it is left alone.
const QUARANTINE_AFTER: u32 = 3;

struct Executor {
    device: DeviceRun,
    shared: Arc<Shared>,
    tally: Tally,
}

/// How a step ended that was not done.
struct Spoilt {
    stage: &'static str,
    reason: String,
    passing: bool,
}

impl Executor {
    async fn run(&self) -> Result<(), JournalError> {
        if self.device.steps.is_empty() {
            return Ok(());
        }
        let way = match (&self.device.agent, &self.device.reach) {
            (Ok(agent), Ok(reach)) => Way { agent, reach: reach.as_ref() },
            (Err(NoAgent::Failed(reason)), _) => return self.give_up("prepare", reason).await,
            (_, Err(reason)) => return self.give_up("connect", reason).await,
            (Err(NoAgent::Away), Ok(reach)) => {
                let spoilt = self.look_again(reach.as_ref()).await;
                return self.give_up(spoilt.stage, &spoilt.reason).await;
            }
        };
        let met = match self.meet(way).await {
            Ok(met) => met,
            Err(spoilt) => return self.give_up(spoilt.stage, &spoilt.reason).await,
        };
        self.write_device(&met).await?;
        let mut failed = BTreeSet::new();
        let mut spoilt_in_a_row = 0;
        for (position, step) in self.device.steps.iter().enumerate() {
            if failed.contains(&step.cell) {
                continue;
            }
            match self.step(*step, position, way).await? {
                Ok(()) => spoilt_in_a_row = 0,
                Err(spoilt) => {
                    failed.insert(step.cell);
                    spoilt_in_a_row = if spoilt.passing { spoilt_in_a_row + 1 } else { 0 };
                    if spoilt_in_a_row == QUARANTINE_AFTER {
                        self.quarantine(position, &failed, &spoilt).await?;
                        break;
                    }
                }
            }
        }
        self.write_device(&met).await
    }

    /// Why a device is not used that did not answer when its agent was to be built.
    async fn look_again(&self, reach: &dyn Reach) -> Spoilt {
        match self.patiently(|| reach.knock()).await {
            Err(error) => spoilt(&error),
            Ok(()) => {
                let reason = "it did not answer when its agent was to be built, and does now".to_owned();
                Spoilt { stage: "connect", reason, passing: true }
            }
        }
    }

    /// What the device is, the agent brought there first; tried again while only the way to it fails.
    async fn meet(&self, way: Way<'_>) -> Result<(Hello, Facts), Spoilt> {
        let met = self.patiently(|| Box::pin(self.encounter(way))).await;
        let (hello, facts) = met.map_err(|error| spoilt(&error))?;
        if let Some(twin) = self.shared.boards.twin(&self.device.name, &facts) {
            let reason = format!("it is the same machine as {twin}");
            return Err(Spoilt { stage: "connect", reason, passing: false });
        }
        let description = describe(&hello, &facts);
        self.tell(Event::Met { device: self.device.name.clone(), description });
        Ok((hello, facts))
    }

    async fn encounter(&self, way: Way<'_>) -> Result<(Hello, Facts), SessionError> {
        let sent_bytes = way.reach.deploy(way.agent).await?;
        self.tally.agent_bytes.fetch_add(sent_bytes, Ordering::Relaxed);
        self.tally.all_bytes.fetch_add(sent_bytes, Ordering::Relaxed);
        let (mut client, hello) = self.connect(way).await?;
        let mut facts = client.facts().await?;
        self.end(client).await;
        facts.properties.extend(way.reach.properties().await?);
        Ok((hello, facts))
    }

    /// Does something before a measurement, again when the way to the device failed and not the device.
    async fn patiently<'f, T>(
        &'f self,
        work: impl Fn() -> Doing<'f, T> + Send + Sync + 'f,
    ) -> Result<T, SessionError> {
        let mut pause = BACKOFF;
        for attempt in 1..TRIES {
            match work().await {
                Err(error) if error.is_passing() => {
                    self.tally.retries.fetch_add(1, Ordering::Relaxed);
                    let (device, reason) = (self.device.name.clone(), with_causes(&error));
                    self.tell(Event::Again { device: device.clone(), reason: reason.clone(), pause });
                    let entry = Entry::Again { device, attempt, reason };
                    // A journal that cannot be written is noticed with the next result, which matters more.
                    let _ = self.shared.recorder.write(entry).await;
                    tokio::time::sleep(pause).await;
                    pause *= 4;
                }
                done => return done,
            }
        }
        work().await
    }

    /// The device has failed too often in a row: its other cells are not tried.
    async fn quarantine(
        &self,
        position: usize,
        failed: &BTreeSet<u32>,
        last: &Spoilt,
    ) -> Result<(), JournalError> {
        let reason = format!("left alone after {QUARANTINE_AFTER} failures in a row: {}", last.reason);
        self.tell(Event::Lost { device: self.device.name.clone(), reason: reason.clone() });
        let later = self.device.steps.iter().skip(position).map(|step| step.cell);
        let left: BTreeSet<u32> = later.filter(|cell| !failed.contains(cell)).collect();
        self.fail(left, last.stage, &reason).await
    }

    async fn fail(&self, cells: BTreeSet<u32>, stage: &str, reason: &str) -> Result<(), JournalError> {
        for cell in cells {
            let (stage, reason) = (stage.to_owned(), reason.to_owned());
            self.shared.recorder.write(Entry::Failed { cell, step: None, stage, reason }).await?;
        }
        Ok(())
    }

    /// Whatever of ours still goes on there is ended, and the next user may have it.
    async fn leave_device(&self) {
        if let Ok(reach) = &self.device.reach
            && !self.device.steps.is_empty()
        {
            reach.rest().await;
        }
        let sent = |bytes: &AtomicU64| bytes.load(Ordering::Relaxed);
        let Tally { agent_bytes, file_bytes, all_bytes, .. } = &self.tally;
        self.tell(Event::Left {
            device: self.device.name.clone(),
            agent_bytes: sent(agent_bytes),
            file_bytes: sent(file_bytes),
            all_bytes: sent(all_bytes),
        });
    }

    async fn write_device(&self, met: &(Hello, Facts)) -> Result<(), JournalError> {
        self.shared.recorder.write(Entry::Device(self.record(Some(met.clone()), None))).await
    }

    /// The device cannot be used: every cell that has steps left fails with the same reason.
    async fn give_up(&self, stage: &str, reason: &str) -> Result<(), JournalError> {
        self.shared.recorder.write(Entry::Device(self.record(None, Some(reason.to_owned())))).await?;
        self.tell(Event::Lost { device: self.device.name.clone(), reason: reason.to_owned() });
        let cells: BTreeSet<u32> = self.device.steps.iter().map(|step| step.cell).collect();
        self.fail(cells, stage, reason).await
    }

    fn record(&self, met: Option<(Hello, Facts)>, problem: Option<String>) -> DeviceRecord {
        let (hello, facts) = met.map_or((None, Facts::default()), |(hello, facts)| (Some(hello), facts));
        let mut properties: BTreeMap<String, String> = facts.properties.into_iter().collect();
        properties.extend(self.tally.properties());
        properties
            .extend(self.device.agent.as_ref().map(|agent| (AGENT_DIGEST.to_owned(), agent.digest.clone())));
        DeviceRecord {
            name: self.device.name.clone(),
            transport: self.device.transport.clone(),
            emulated: self.device.emulated,
            agent_version: hello.as_ref().map(|hello| hello.agent_version.clone()),
            agent_target: hello.map(|hello| hello.target),
            agent_bytes: self.device.agent.as_ref().ok().map(|agent| agent.bytes),
            properties,
            problem,
        }
    }

    /// The outer result is the journal's, the inner one the device's.
    async fn step(
        &self,
        step: StepId,
        position: usize,
        way: Way<'_>,
    ) -> Result<Result<(), Spoilt>, JournalError> {
        let what = self.name_of(step);
        self.tell(Event::Step { device: self.device.name.clone(), what: what.clone() });
        let outcome = match &self.shared.jobs[step.cell as usize].model {
            Ok(model) => self.perform(step, model, way).await.map_err(|error| spoilt(&error)),
            Err(reason) => Err(Spoilt { stage: "prepare", reason: reason.clone(), passing: false }),
        };
        match outcome {
            Ok((entries, result)) => {
                for entry in entries {
                    self.shared.recorder.write(entry).await?;
                }
                self.tell(Event::Done { device: self.device.name.clone(), what, result });
                Ok(Ok(()))
            }
            Err(spoilt) => {
                let left_out =
                    self.device.steps[position + 1..].iter().filter(|later| later.cell == step.cell).count();
                let (cell, stage, reason) = (step.cell, spoilt.stage.to_owned(), spoilt.reason.clone());
                let entry = Entry::Failed { cell, step: Some(step), stage, reason: reason.clone() };
                self.shared.recorder.write(entry).await?;
                self.tell(Event::Failed { device: self.device.name.clone(), what, reason, left_out });
                Ok(Err(spoilt))
            }
        }
    }

    /// The entries to write down, and a word on what came out. Everything up to the open model may be tried again; what
    /// is measured is measured once.
    async fn perform(
        &self,
        step: StepId,
        model: &ModelFile,
        way: Way<'_>,
    ) -> Result<(Vec<Entry>, String), SessionError> {
        let job = &self.shared.jobs[step.cell as usize];
        // On real inputs where there are some: the agent reads them one by one, between the timed runs.
        let data = job.data.as_ref();
        let pack = data.map(|data| data.digest);
        if step.kind == StepKind::Evaluate && data.is_none() {
            return Ok((Vec::new(), "no data set".to_owned()));
        }
        let (mut client, opened) = self.patiently(|| Box::pin(self.open(job, model, way))).await?;
        let (entries, result) = match (step.kind, data) {
            (StepKind::Block(number), _) => {
                let settled = self.settle(&mut client).await?;
                let started_at = Timestamp::now().to_string();
                let before = client.facts().await?;
                let measured = self.measure(&mut client, pack).await?;
                let after = client.facts().await?;
                let mut block = block_record(number, started_at, &opened, measured);
                let doubts = settled.doubt().or_else(|| settling::changed(&before, &after));
                block.invalid = block.invalid.or(doubts);
                let result = median_text(&block.steady_nanos, self.device.emulated);
                let memory = Entry::Memory { cell: step.cell, memory: memory_record(opened) };
                let block = Entry::Block { cell: step.cell, block };
                // A peer does not tell what its arena and weights take.
                let tells = number == 0 && job.cell.runtime == RUNTIME_EDGEBENCH;
                (if tells { vec![memory, block] } else { vec![block] }, result)
            }
            (StepKind::Evaluate, Some(data)) => {
                let evaluation = self.evaluate(&mut client, data, &job.cell).await?;
                let result = top1(&evaluation);
                (vec![Entry::Evaluation { cell: step.cell, evaluation }], result)
            }
            (StepKind::Evaluate, None) => (Vec::new(), String::new()),
            (StepKind::Profile, _) => {
                let ops = self.profile(&mut client, pack).await?;
                let result = format!("{} operators", ops.len());
                (vec![Entry::Profile { cell: step.cell, ops }], result)
            }
        };
        self.end(client).await;
        Ok((entries, result))
    }

    /// A fresh agent with everything the cell needs and its model open.
    async fn open(
        &self,
        job: &Job,
        model: &ModelFile,
        way: Way<'_>,
    ) -> Result<(Client, Opened), SessionError> {
        let (mut client, _) = self.connect(way).await?;
        let mut file_bytes = client.deploy(model.digest, &model.path).await?;
        if let Some(data) = &job.data {
            file_bytes += client.deploy(data.digest, &data.path).await?;
        }
        self.tally.file_bytes.fetch_add(file_bytes, Ordering::Relaxed);
        let opened = match job.cell.runtime.as_str() {
            RUNTIME_EDGEBENCH => client.open(model.digest, &job.options).await?,
            peer => client.open_peer(peer, model.digest, &job.options).await?,
        };
        Ok((client, opened))
    }

    async fn end(&self, client: Client) {
        self.tally.all_bytes.fetch_add(client.sent_bytes(), Ordering::Relaxed);
        client.leave().await;
    }

    /// Waits until the device is as cool as its table wants it.
    async fn settle(&self, client: &mut Client) -> Result<Settled, SessionError> {
        let Some(wanted) = &self.device.settle else { return Ok(Settled::NotAsked) };
        let mut settling = settling::Settling::new(wanted);
        loop {
            let facts = client.facts().await?;
            match settling.look(&facts) {
                settling::Look::Over(settled) => return Ok(settled),
                settling::Look::Wait { how_far } => self.progress(how_far),
            }
            tokio::time::sleep(settling::INTERVAL).await;
        }
    }

    async fn connect(&self, way: Way<'_>) -> Result<(Client, Hello), SessionError> {
        let link = way.reach.start(way.agent).await?;
        Client::greet(link, self.shared.silence).await
    }

    async fn measure(&self, client: &mut Client, pack: Option<Digest>) -> Result<Measurement, SessionError> {
        let BlockLimits { warmup, steady } = self.device.limits;
        client.measure(pack, warmup, steady, |runs| self.progress(format!("{runs} runs"))).await
    }

    async fn profile(
        &self,
        client: &mut Client,
        pack: Option<Digest>,
    ) -> Result<Vec<OpRecord>, SessionError> {
        let limits = profile::limits(&self.device.limits.steady, self.device.emulated);
        let told = |count| self.progress(format!("{count} operators"));
        let times = client.profile(pack, limits, told).await?;
        Ok(times.into_iter().map(profile::op_record).collect())
    }

    async fn evaluate(
        &self,
        client: &mut Client,
        data: &EvaluationData,
        cell: &Cell,
    ) -> Result<EvaluationRecord, SessionError> {
        let count = data.labels.len();
        let asked = u32::try_from(count).unwrap_or(u32::MAX);
        let keep = self.shared.outputs.as_ref();
        let predictions = client
            .evaluate(data.digest, 0..asked, TOP, keep.is_some(), |done| {
                self.progress(format!("{done}/{count} examples"));
            })
            .await?;
        if let Some(folder) = keep {
            let path = folder.join(outputs::file_name(cell));
            let raw: Vec<u8> = predictions
                .iter()
                .filter_map(|prediction| prediction.raw.as_deref())
                .flatten()
                .copied()
                .collect();
            write_whole(&path, &raw)
                .map_err(|source| SessionError::File { path: path.display().to_string(), source })?;
        }
        Ok(evaluation_record(data, 0..asked, predictions))
    }

    fn name_of(&self, step: StepId) -> String {
        let Cell { model, variant, threads, .. } = &self.shared.jobs[step.cell as usize].cell;
        let what = match step.kind {
            StepKind::Evaluate => "accuracy".to_owned(),
            StepKind::Block(number) => format!("block {}/{}", number + 1, self.shared.blocks),
            StepKind::Profile => "operators".to_owned(),
        };
        format!("{model} {variant} x{threads} {what}")
    }

    fn progress(&self, how_far: String) {
        self.tell(Event::Progress { device: self.device.name.clone(), how_far });
    }

    fn tell(&self, event: Event) {
        self.shared.events.tell(event);
    }
}

impl Tally {
    /// As properties of the device's record.
    fn properties(&self) -> [(String, String); 4] {
        let Self { agent_bytes, file_bytes, all_bytes, retries } = self;
        let named = [
            ("sent_agent_bytes", agent_bytes),
            ("sent_file_bytes", file_bytes),
            ("sent_bytes", all_bytes),
            ("transport_retries", retries),
        ];
        named.map(|(name, count)| (name.to_owned(), count.load(Ordering::Relaxed).to_string()))
    }
}

fn spoilt(error: &SessionError) -> Spoilt {
    Spoilt { stage: error.stage(), reason: with_causes(error), passing: error.is_passing() }
}

/// A block as records have it.
pub(crate) fn block_record(
    number: u32,
    started_at: String,
    opened: &Opened,
    measurement: Measurement,
) -> BlockRecord {
    let Measurement { warmup_nanos, steady_nanos, measured } = measurement;
    let throttled = measured.after.throttle_count > measured.before.throttle_count;
    BlockRecord {
        block: number,
        started_at,
        init_nanos: opened.init_nanos,
        warmup_nanos,
        steady_nanos,
        timer_overhead_nanos: measured.timer_overhead_nanos,
        steady_cpu_nanos: measured.steady_cpu_nanos,
        steady_wall_nanos: measured.steady_wall_nanos,
        peak_rss_bytes: measured.peak_rss_bytes,
        energy: Energy::Unmeasured,
        before: condition_record(measured.before),
        after: condition_record(measured.after),
        invalid: throttled.then(|| "the processor was throttled during the block".to_owned()),
    }
}

/// What an open model takes, as records have it.
pub(crate) fn memory_record(opened: Opened) -> MemoryRecord {
    let Opened { arena_bytes, packed_bytes, kernels, .. } = opened;
    MemoryRecord { arena_bytes, packed_bytes, kernels }
}

fn condition_record(condition: Condition) -> ConditionRecord {
    let Condition { load_1m, cpu_khz, temperature_millicelsius, throttle_count, steal_ticks } = condition;
    ConditionRecord { load_1m, cpu_khz, temperature_millicelsius, throttle_count, steal_ticks }
}

/// Answers to the examples at these positions of the pack, as records have them.
pub(crate) fn evaluation_record(
    data: &EvaluationData,
    positions: impl Iterator<Item = u32>,
    predictions: Vec<Prediction>,
) -> EvaluationRecord {
    EvaluationRecord {
        dataset: data.dataset.clone(),
        split: data.split.clone(),
        pack_digest: hex(&data.digest),
        predictions: prediction_records(data, positions, predictions),
    }
}

fn prediction_records(
    data: &EvaluationData,
    positions: impl Iterator<Item = u32>,
    predictions: Vec<Prediction>,
) -> Vec<PredictionRecord> {
    let answer = |position: u32| {
        let position = position as usize;
        data.examples.get(position).copied().zip(data.labels.get(position).copied())
    };
    let answers = positions.map(answer).zip(predictions);
    answers
        .filter_map(|(answer, prediction)| {
            let (example, label) = answer?;
            Some(PredictionRecord { example, label, top: prediction.top })
        })
        .collect()
}

/// For the line that is shown while a run goes on; reports derive their figures elsewhere.
fn median_text(amounts: &[u64], emulated: bool) -> String {
    let mut sorted = amounts.to_vec();
    sorted.sort_unstable();
    match sorted.get(sorted.len() / 2) {
        Some(median) if emulated => format!("median {median} instructions over {} runs", sorted.len()),
        Some(median) => format!("median {:.3} ms over {} runs", *median as f64 / 1e6, sorted.len()),
        None => "no runs".to_owned(),
    }
}

fn top1(evaluation: &EvaluationRecord) -> String {
    let right = evaluation.predictions.iter().filter(|prediction| prediction.is_right()).count();
    format!("top-1 {right}/{}", evaluation.predictions.len())
}

fn describe(hello: &Hello, facts: &Facts) -> String {
    let property =
        |name: &str| facts.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut words = vec![hello.target.as_str()];
    words.extend(property("cpu_model"));
    let cores = property("cpu_cores").map(|cores| format!("{cores} cores"));
    words.extend(cores.as_deref());
    words.join(", ")
}

/// An error and what lies beneath it, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// A digest as records have it.
pub(super) fn hex(digest: &Digest) -> String {
    blake3::Hash::from_bytes(digest.0).to_hex().to_string()
}
