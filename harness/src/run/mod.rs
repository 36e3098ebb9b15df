//! One `bench run` from the request to the files it leaves: plan, prepare, execute on all devices at once, assemble.
//!
//! The journal in the run's folder is the run; everything else can be made again from it.

mod assemble;
mod boards;
mod entry;
mod event;
mod executor;
mod identity;
mod journal;
mod locating;
mod meeting;
mod outputs;
mod profile;
mod progress;
mod recorder;
mod settling;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use edgebench_reports::frame::write_run;
use edgebench_reports::record::{Cell, Outcome, RunRecord};
use edgebench_reports::render;
use edgebench_wire::{Limits, RunOptions};
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::artifact::Cache;
use crate::beside::gather;
use crate::error::BenchError;
use crate::inventory::{Device, Inventory, InventoryError, Transport};
use crate::plan::{Plan, RUNTIME_EDGEBENCH, Request, StepId};
use crate::prepare::{Prepared, prepare};
use crate::session::reach;
use crate::suite::{Measure, Suite};

pub use entry::{Entry, MeasureOverrides, RunRequest, Started};
pub use event::{Event, Events};
pub use executor::{AGENT_DIGEST, EvaluationData, ModelFile};
pub(crate) use executor::{TOP, block_record, evaluation_record, memory_record};
pub(crate) use identity::{lease, run_info};
pub use journal::{Journal, JournalError};
pub use locating::{Looking, first_difference};
pub use meeting::{clean, meet};
pub use outputs::{KeptOutputs, kept_outputs};
pub(crate) use profile::op_record;
pub use progress::{Display, show};
pub use store::{Results, RunFolder, StoreError, write_whole};

use assemble::{is_done, record};
use executor::{BlockLimits, DeviceRun, Job, Shared, execute, with_causes};
use recorder::Recorder;

/// How long an agent may be silent beyond what a request allows by itself.
pub const DEFAULT_SILENCE: Duration = Duration::from_secs(60);

/// Runs that count in a block of an emulated device.
const EMULATED_RUNS: u32 = 3;

/// No phase of an emulated device takes longer unless something is wrong.
const EMULATED_MAX: Duration = Duration::from_secs(3600);

/// What a run needs of this machine.
#[derive(Clone, Debug)]
pub struct Context {
    /// Everything that is made once and reused.
    pub cache: Cache,
    /// Folders to look in for files named by SHA-256.
    pub mirrors: Vec<PathBuf>,
    /// Never download.
    pub offline: bool,
    /// Where results go.
    pub results: Results,
    /// An agent to use instead of building one.
    pub agent: Option<PathBuf>,
    /// How long an agent may be silent.
    pub silence: Duration,
    /// Keep what the networks said, as it lies in memory.
    pub keep_outputs: bool,
    /// The command line, for the record.
    pub arguments: Vec<String>,
    /// Where news goes.
    pub events: Events,
    /// Set when the run shall stop.
    pub cancel: CancellationToken,
}

/// A run that went to its end or was stopped.
#[derive(Debug)]
pub struct Finished {
    /// Where its files are.
    pub folder: RunFolder,
    /// What it measured.
    pub record: RunRecord,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// Steps that have their result.
    pub done: usize,
    /// Steps that were planned.
    pub planned: usize,
}

impl Finished {
    /// Whether every cell was measured.
    pub fn is_complete(&self) -> bool {
        self.record.cells.iter().all(|cell| cell.outcome == Outcome::Complete)
    }
}

/// A request with everything it names.
#[derive(Debug)]
pub struct Loaded {
    /// The request.
    pub request: RunRequest,
    /// Its suite.
    pub suite: Suite,
    /// Its devices.
    pub devices: Vec<Device>,
    /// What is measured, and in which order.
    pub plan: Plan,
    /// How to measure: the suite's word, changed by the command line's.
    pub measure: Measure,
}

impl Loaded {
    /// Reads the suite and the inventory and makes the plan.
    ///
    /// # Errors
    /// When either is wrong, or a name is unknown.
    pub fn new(request: RunRequest) -> Result<Self, BenchError> {
        let suite = Suite::load(&request.suite)?;
        let inventory = match &request.inventory {
            Some(file) => Inventory::load(file)?,
            None => Inventory::built_in(),
        };
        let selected = inventory.select(&request.devices)?;
        let devices = devices(&selected, &request)?;
        let selected: Vec<&Device> = devices.iter().collect();
        check_peers(&request, &selected)?;
        let measure = overridden(suite.measure, &request.measure);
        let plan = Plan::new(&Request {
            suite: &suite,
            devices: &selected,
            runtimes: &request.runtimes,
            models: some(&request.models),
            variants: some(&request.variants),
            threads: some(&request.threads),
            blocks: Some(measure.blocks),
            seed: request.seed,
            profile: request.profile,
        })?;
        Ok(Self { request, suite, devices, plan, measure })
    }

    /// Every step of every device.
    pub fn steps(&self) -> Vec<StepId> {
        self.plan.devices.iter().flat_map(|device| device.steps.iter().copied()).collect()
    }

    fn limits(&self, device: &Device) -> BlockLimits {
        if let Transport::Emulated { .. } = device.transport {
            return self.emulated_limits();
        }
        let limits = |runs: u32, least: Duration| Limits {
            min_runs: runs,
            min_micros: micros(least),
            max_micros: micros(self.measure.max),
        };
        BlockLimits {
            warmup: limits(self.measure.warmup_runs, self.measure.warmup_min),
            steady: limits(self.measure.num_runs, self.measure.min),
        }
    }

    /// Numbers of runs and no times: how long an emulator takes must decide nothing. A count repeats exactly, so that a
    /// few runs say what many would.
    fn emulated_limits(&self) -> BlockLimits {
        let runs = |runs: u32| Limits { min_runs: runs, min_micros: 0, max_micros: micros(EMULATED_MAX) };
        let steady = self.request.measure.num_runs.unwrap_or(EMULATED_RUNS);
        BlockLimits { warmup: runs(self.measure.warmup_runs.max(1)), steady: runs(steady.max(1)) }
    }
}

/// The devices that were selected, or what stands in for them.
fn devices(selected: &[&Device], request: &RunRequest) -> Result<Vec<Device>, BenchError> {
    if !request.emulate {
        return Ok(selected.iter().map(|device| (*device).clone()).collect());
    }
    if let Some(threads) = request.threads.iter().find(|threads| **threads != 1) {
        return Err(InventoryError::EmulatedThreads { threads: *threads }.into());
    }
    let emulated: Result<Vec<Device>, InventoryError> =
        selected.iter().map(|device| device.emulated()).collect();
    Ok(emulated?)
}

/// Peers are libraries of this machine: only agents that run here can open them.
fn check_peers(request: &RunRequest, devices: &[&Device]) -> Result<(), BenchError> {
    let peer = request.runtimes.iter().find(|runtime| *runtime != RUNTIME_EDGEBENCH);
    let remote = devices.iter().find(|device| !matches!(device.transport, Transport::Local));
    match (peer, remote) {
        (Some(peer), Some(device)) => Err(BenchError::peer_on(&device.name, peer)),
        _ => Ok(()),
    }
}

/// Starts a new run.
///
/// # Errors
/// When it cannot be planned or prepared, or its results cannot be written.
pub async fn begin(request: RunRequest, context: &Context) -> Result<Finished, BenchError> {
    let loaded = Loaded::new(request)?;
    let prepared = prepare(&loaded, context).await?;
    let info = identity::run_info(&loaded, context);
    let folder = context.results.create(&info.id)?;
    let _lock = folder.lock()?;
    let recorder = Recorder::new(Journal::create(&folder.journal())?);
    let started = Started {
        run: info,
        request: loaded.request.clone(),
        cells: loaded.plan.cells.clone(),
        steps: loaded.steps(),
        fingerprint: identity::fingerprint(&loaded, &prepared),
    };
    recorder.write(Entry::Started(Box::new(started))).await?;
    go_on(&loaded, &prepared, context, &folder, recorder, &[]).await
}

/// Goes on with a run that was interrupted or lost devices: what is missing is measured, nothing twice.
///
/// # Errors
/// As for [`begin`]; also when what decides the measurements has changed since.
pub async fn resume(wanted: Option<&str>, context: &Context) -> Result<Finished, BenchError> {
    let folder = match wanted {
        Some(id) => context.results.find(id)?,
        None => latest_incomplete(&context.results)?,
    };
    let _lock = folder.lock()?;
    let (journal, entries) = Journal::reopen::<Entry>(&folder.journal())?;
    let Some(beginning) = assemble::beginning(&entries) else {
        return Err(BenchError::empty_run(&folder.id));
    };
    let loaded = Loaded::new(beginning.request.clone())?;
    let prepared = prepare(&loaded, context).await?;
    let same = identity::fingerprint(&loaded, &prepared) == beginning.fingerprint;
    if !same || !identity::has_same_agents(&entries, &prepared) {
        return Err(BenchError::run_changed(&folder.id));
    }
    let recorder = Recorder::new(journal);
    recorder.write(Entry::Resumed { at: Timestamp::now().to_string() }).await?;
    go_on(&loaded, &prepared, context, &folder, recorder, &entries).await
}

/// The newest run that was not brought to its end or that lacks cells.
fn latest_incomplete(results: &Results) -> Result<RunFolder, StoreError> {
    let lacks_cells = |run: &RunFolder| {
        // A finished run whose journal is a ruin cannot be gone on with.
        let record = Journal::read::<Entry>(&run.journal()).ok().and_then(|entries| record(&entries));
        record.is_some_and(|record| record.cells.iter().any(|cell| cell.outcome != Outcome::Complete))
    };
    results.latest(|run| !run.frame().is_file() || lacks_cells(run))
}

/// What an unfinished run has measured so far.
///
/// # Errors
/// When its journal cannot be read, or has no beginning.
pub fn record_so_far(folder: &RunFolder) -> Result<RunRecord, BenchError> {
    let entries = Journal::read::<Entry>(&folder.journal())?;
    record(&entries).ok_or_else(|| BenchError::empty_run(&folder.id))
}

async fn go_on(
    loaded: &Loaded,
    prepared: &Prepared,
    context: &Context,
    folder: &RunFolder,
    recorder: Recorder,
    before: &[Entry],
) -> Result<Finished, BenchError> {
    for artifact in &prepared.artifacts {
        recorder.write(Entry::Artifact(artifact.clone())).await?;
    }
    let devices = device_runs(loaded, prepared, context, before, &folder.id);
    context.events.tell(planned(&devices, loaded, before));
    let outputs = context.keep_outputs.then(|| folder.folder(outputs::FOLDER)).transpose()?;
    let shared = Arc::new(Shared {
        jobs: jobs(loaded, prepared),
        blocks: loaded.measure.blocks,
        silence: context.silence,
        recorder: recorder.clone(),
        outputs: outputs.clone(),
        events: context.events.clone(),
        boards: boards::Boards::default(),
        cancel: context.cancel.clone(),
    });
    execute_all(devices, &shared).await?;
    if let Some(outputs) = outputs {
        outputs::write_manifest(&outputs, &shared.jobs)?;
    }
    let interrupted = context.cancel.is_cancelled();
    if !interrupted {
        recorder.write(Entry::Finished { at: Timestamp::now().to_string() }).await?;
    }
    conclude(loaded, folder, context, interrupted)
}

/// All devices at once. The first result that cannot be written down stops the run: what follows it would be lost.
async fn execute_all(devices: Vec<DeviceRun>, shared: &Arc<Shared>) -> Result<(), JournalError> {
    let mut running = JoinSet::new();
    for device in devices {
        running.spawn(execute(device, Arc::clone(shared)));
    }
    let mut first_trouble = Ok(());
    while let Some(joined) = running.join_next().await {
        let result = joined.unwrap_or_else(|cause| std::panic::resume_unwind(cause.into_panic()));
        if result.is_err() && first_trouble.is_ok() {
            first_trouble = result;
            running.abort_all();
            return drain(running, first_trouble).await;
        }
    }
    first_trouble
}

/// Waits for aborted executors, so that their agents are gone before the run's lock is.
async fn drain(
    mut running: JoinSet<Result<(), JournalError>>,
    trouble: Result<(), JournalError>,
) -> Result<(), JournalError> {
    while running.join_next().await.is_some() {}
    trouble
}

/// Reads the journal back and writes what is made from it.
fn conclude(
    loaded: &Loaded,
    folder: &RunFolder,
    context: &Context,
    interrupted: bool,
) -> Result<Finished, BenchError> {
    let entries = Journal::read::<Entry>(&folder.journal())?;
    let steps = loaded.steps();
    let record = record(&entries).ok_or_else(|| BenchError::empty_run(&folder.id))?;
    let done = steps.iter().filter(|step| is_done(&entries, **step)).count();
    if !interrupted {
        write_run(&folder.frame(), &record)?;
        let beside = gather(&record, Some(folder), &context.cache);
        folder.write("report.html", render::html(&record, &beside)?.as_bytes())?;
        folder.write("report.md", render::markdown(&record).as_bytes())?;
    }
    Ok(Finished { folder: folder.clone(), record, interrupted, done, planned: steps.len() })
}

fn device_runs(
    loaded: &Loaded,
    prepared: &Prepared,
    context: &Context,
    before: &[Entry],
    run: &str,
) -> Vec<DeviceRun> {
    let missing = |steps: &[StepId]| steps.iter().copied().filter(|step| !is_done(before, *step)).collect();
    let planned = loaded.devices.iter().zip(&loaded.plan.devices);
    let devices = planned.map(|(device, plan)| DeviceRun {
        name: device.name.clone(),
        transport: device.transport.name().to_owned(),
        agent: prepared.agent(&device.name),
        reach: reach(
            device,
            &context.cache,
            &device_store(&context.cache, &device.name),
            identity::lease(run),
            loaded.request.litert.as_deref(),
        )
        .map_err(|error| with_causes(&error)),
        settle: device.settle.clone(),
        emulated: matches!(device.transport, Transport::Emulated { .. }),
        limits: loaded.limits(device),
        steps: missing(&plan.steps),
    });
    devices.collect()
}

fn planned(devices: &[DeviceRun], loaded: &Loaded, before: &[Entry]) -> Event {
    let done_before = loaded.steps().iter().filter(|step| is_done(before, **step)).count();
    let devices = devices.iter().map(|device| (device.name.clone(), device.steps.len())).collect();
    Event::Planned { devices, done_before }
}

fn jobs(loaded: &Loaded, prepared: &Prepared) -> Vec<Job> {
    let kernels = |cell: &Cell| match cell.runtime.as_str() {
        RUNTIME_EDGEBENCH => loaded.request.kernels.clone(),
        // Our names of kernel sets are not a peer's.
        _ => "auto".to_owned(),
    };
    let one = |cell: &Cell| Job {
        cell: cell.clone(),
        model: prepared.model(&cell.model, &cell.variant),
        data: prepared.data(&cell.model),
        options: RunOptions { threads: cell.threads, kernels: kernels(cell) },
    };
    loaded.plan.cells.iter().map(one).collect()
}

/// Where the agent of a local device keeps its files.
pub(crate) fn device_store(cache: &Cache, device: &str) -> PathBuf {
    cache.root().join("devices").join(device)
}

fn overridden(measure: Measure, overrides: &MeasureOverrides) -> Measure {
    let seconds = |given: Option<f64>, otherwise| given.map_or(otherwise, Duration::from_secs_f64);
    Measure {
        warmup_runs: overrides.warmup_runs.unwrap_or(measure.warmup_runs),
        warmup_min: seconds(overrides.warmup_min_secs, measure.warmup_min),
        num_runs: overrides.num_runs.unwrap_or(measure.num_runs),
        min: seconds(overrides.min_secs, measure.min),
        max: seconds(overrides.max_secs, measure.max),
        blocks: overrides.blocks.unwrap_or(measure.blocks),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn some<T>(list: &[T]) -> Option<&[T]> {
    if list.is_empty() { None } else { Some(list) }
}
