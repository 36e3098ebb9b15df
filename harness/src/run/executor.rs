//! One device's share of a run: a fresh agent for every step, each result on disk before the next step begins. A step
//! that fails takes the rest of its cell with it and nothing else.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use edgebench_reports::record::{
    BlockRecord, Cell, ConditionRecord, DeviceRecord, Energy, EvaluationRecord, MemoryRecord,
    PredictionRecord,
};
use edgebench_wire::{Condition, Digest, Facts, Hello, Limits, Opened, Prediction, RunOptions};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::entry::Entry;
use super::event::{Event, Events};
use super::journal::JournalError;
use super::outputs;
use super::recorder::Recorder;
use super::store::write_whole;
use crate::build::AgentBinary;
use crate::plan::{StepId, StepKind};
use crate::session::{Client, Measurement, Reach, SessionError};

/// What every device's executor needs of the run.
pub(super) struct Shared {
    /// One a cell, in the order of the plan.
    pub(super) jobs: Vec<Job>,
    /// When to stop running in a block.
    pub(super) limits: BlockLimits,
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
    pub(super) agent: Result<AgentBinary, String>,
    /// The way to it; or why there is none.
    pub(super) reach: Result<Arc<dyn Reach>, String>,
    /// What is left to do, in order.
    pub(super) steps: Vec<StepId>,
}

/// Best classes that are asked for: enough for top-5 accuracy.
const TOP: u8 = 5;

/// Executes every step of a device. Failures of the device are recorded, told and survived.
///
/// # Errors
/// When a result cannot be written down: the run cannot go on then.
pub(super) async fn execute(device: DeviceRun, shared: Arc<Shared>) -> Result<(), JournalError> {
    let executor = Executor { device, shared };
    let stopped = executor.shared.cancel.clone();
    tokio::select! {
        () = stopped.cancelled() => Ok(()),
        result = executor.run() => result,
    }
}

/// What is started, and how.
#[derive(Clone, Copy)]
struct Way<'w> {
    agent: &'w AgentBinary,
    reach: &'w dyn Reach,
}

struct Executor {
    device: DeviceRun,
    shared: Arc<Shared>,
}

impl Executor {
    async fn run(&self) -> Result<(), JournalError> {
        if self.device.steps.is_empty() {
            return Ok(());
        }
        let way = match (&self.device.agent, &self.device.reach) {
            (Ok(agent), Ok(reach)) => Way { agent, reach: reach.as_ref() },
            (Err(reason), _) => return self.give_up("prepare", reason).await,
            (_, Err(reason)) => return self.give_up("connect", reason).await,
        };
        if let Err(error) = self.meet(way).await? {
            return self.give_up(error.stage(), &with_causes(&error)).await;
        }
        let mut failed = BTreeSet::new();
        for (position, step) in self.device.steps.iter().enumerate() {
            if failed.contains(&step.cell) {
                continue;
            }
            if !self.step(*step, position, way).await? {
                failed.insert(step.cell);
            }
        }
        Ok(())
    }

    /// Records what the device is. The outer result is the journal's, the inner one the device's.
    async fn meet(&self, way: Way<'_>) -> Result<Result<(), SessionError>, JournalError> {
        let met = async {
            way.reach.deploy(way.agent).await?;
            let (mut client, hello) = self.connect(way).await?;
            let mut facts = client.facts().await?;
            client.leave().await;
            facts.properties.extend(way.reach.properties().await?);
            Ok((hello, facts))
        };
        match met.await {
            Ok((hello, facts)) => {
                let description = describe(&hello, &facts);
                self.shared.recorder.write(Entry::Device(self.record(Some((hello, facts)), None))).await?;
                self.tell(Event::Met { device: self.device.name.clone(), description });
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// The device cannot be used: every cell that has steps left fails with the same reason.
    async fn give_up(&self, stage: &str, reason: &str) -> Result<(), JournalError> {
        self.shared.recorder.write(Entry::Device(self.record(None, Some(reason.to_owned())))).await?;
        self.tell(Event::Lost { device: self.device.name.clone(), reason: reason.to_owned() });
        let mut cells: Vec<u32> = self.device.steps.iter().map(|step| step.cell).collect();
        cells.sort_unstable();
        cells.dedup();
        for cell in cells {
            let (stage, reason) = (stage.to_owned(), reason.to_owned());
            self.shared.recorder.write(Entry::Failed { cell, step: None, stage, reason }).await?;
        }
        Ok(())
    }

    fn record(&self, met: Option<(Hello, Facts)>, problem: Option<String>) -> DeviceRecord {
        let (hello, facts) = met.map_or((None, Facts::default()), |(hello, facts)| (Some(hello), facts));
        DeviceRecord {
            name: self.device.name.clone(),
            transport: self.device.transport.clone(),
            emulated: false,
            agent_version: hello.as_ref().map(|hello| hello.agent_version.clone()),
            agent_target: hello.map(|hello| hello.target),
            agent_bytes: self.device.agent.as_ref().ok().map(|agent| agent.bytes),
            properties: facts.properties.into_iter().collect(),
            problem,
        }
    }

    /// Whether the step was done.
    async fn step(&self, step: StepId, position: usize, way: Way<'_>) -> Result<bool, JournalError> {
        let what = self.name_of(step);
        self.tell(Event::Step { device: self.device.name.clone(), what: what.clone() });
        let outcome = match &self.shared.jobs[step.cell as usize].model {
            Ok(model) => {
                self.perform(step, model, way).await.map_err(|error| (error.stage(), with_causes(&error)))
            }
            Err(reason) => Err(("prepare", reason.clone())),
        };
        match outcome {
            Ok((entries, result)) => {
                for entry in entries {
                    self.shared.recorder.write(entry).await?;
                }
                self.tell(Event::Done { device: self.device.name.clone(), what, result });
                Ok(true)
            }
            Err((stage, reason)) => {
                let left_out =
                    self.device.steps[position + 1..].iter().filter(|later| later.cell == step.cell).count();
                let (cell, stage) = (step.cell, stage.to_owned());
                let entry = Entry::Failed { cell, step: Some(step), stage, reason: reason.clone() };
                self.shared.recorder.write(entry).await?;
                self.tell(Event::Failed { device: self.device.name.clone(), what, reason, left_out });
                Ok(false)
            }
        }
    }

    /// The entries to write down, and a word on what came out.
    async fn perform(
        &self,
        step: StepId,
        model: &ModelFile,
        way: Way<'_>,
    ) -> Result<(Vec<Entry>, String), SessionError> {
        let job = &self.shared.jobs[step.cell as usize];
        let (mut client, _) = self.connect(way).await?;
        client.deploy(model.digest, &model.path).await?;
        let (entry, result) = match (step.kind, &job.data) {
            (StepKind::Evaluate, Some(data)) => {
                client.deploy(data.digest, &data.path).await?;
                client.open(model.digest, &job.options).await?;
                let evaluation = self.evaluate(&mut client, data, &job.cell).await?;
                let result = top1(&evaluation);
                (vec![Entry::Evaluation { cell: step.cell, evaluation }], result)
            }
            (StepKind::Evaluate, None) => (Vec::new(), "no data set".to_owned()),
            (StepKind::Block(number), data) => {
                // On real inputs where there are some: the agent reads them one by one, between the timed runs.
                if let Some(data) = data {
                    client.deploy(data.digest, &data.path).await?;
                }
                let opened = client.open(model.digest, &job.options).await?;
                let started_at = Timestamp::now().to_string();
                let measured = self.measure(&mut client, data.as_ref().map(|data| data.digest)).await?;
                let block = block_record(number, started_at, &opened, measured);
                let result = median_text(&block.steady_nanos);
                let memory = Entry::Memory { cell: step.cell, memory: memory_record(opened) };
                let block = Entry::Block { cell: step.cell, block };
                (if number == 0 { vec![memory, block] } else { vec![block] }, result)
            }
        };
        client.leave().await;
        Ok((entry, result))
    }

    async fn connect(&self, way: Way<'_>) -> Result<(Client, Hello), SessionError> {
        let link = way.reach.start(way.agent).await?;
        Client::greet(link, self.shared.silence).await
    }

    async fn measure(&self, client: &mut Client, pack: Option<Digest>) -> Result<Measurement, SessionError> {
        let BlockLimits { warmup, steady } = self.shared.limits;
        client.measure(pack, warmup, steady, |runs| self.progress(format!("{runs} runs"))).await
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
            .evaluate(data.digest, asked, TOP, keep.is_some(), |done| {
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
        Ok(EvaluationRecord {
            dataset: data.dataset.clone(),
            split: data.split.clone(),
            pack_digest: hex(&data.digest),
            predictions: prediction_records(data, predictions),
        })
    }

    fn name_of(&self, step: StepId) -> String {
        let Cell { model, variant, threads, .. } = &self.shared.jobs[step.cell as usize].cell;
        let what = match step.kind {
            StepKind::Evaluate => "accuracy".to_owned(),
            StepKind::Block(number) => format!("block {}/{}", number + 1, self.shared.blocks),
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

fn block_record(number: u32, started_at: String, opened: &Opened, measurement: Measurement) -> BlockRecord {
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

fn memory_record(opened: Opened) -> MemoryRecord {
    let Opened { arena_bytes, packed_bytes, kernels, .. } = opened;
    MemoryRecord { arena_bytes, packed_bytes, kernels }
}

fn condition_record(condition: Condition) -> ConditionRecord {
    let Condition { load_1m, cpu_khz, temperature_millicelsius, throttle_count, steal_ticks } = condition;
    ConditionRecord { load_1m, cpu_khz, temperature_millicelsius, throttle_count, steal_ticks }
}

fn prediction_records(data: &EvaluationData, predictions: Vec<Prediction>) -> Vec<PredictionRecord> {
    let answers = data.examples.iter().zip(&data.labels);
    answers
        .zip(predictions)
        .map(|((example, label), prediction)| PredictionRecord {
            example: *example,
            label: *label,
            top: prediction.top,
        })
        .collect()
}

/// For the line that is shown while a run goes on; reports derive their figures elsewhere.
fn median_text(nanos: &[u64]) -> String {
    let mut sorted = nanos.to_vec();
    sorted.sort_unstable();
    match sorted.get(sorted.len() / 2) {
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
