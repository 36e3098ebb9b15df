//! `bench run`: the main job.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use edgebench_reports::record::{CellRecord, Outcome};
use edgebench_reports::render;
use tokio_util::sync::CancellationToken;

use super::cells::seconds;
use super::infer::Runtime;
use super::locations::{InventoryFile, ResultsFolder, Storage, SuiteFolders};
use super::{Terminal, listen, print};
use crate::error::{BenchError, ExitCode};
use crate::plan::StepKind;
use crate::run::{
    self, Context, DEFAULT_SILENCE, Events, Finished, Loaded, MeasureOverrides, RunRequest, show,
};
use crate::session::{STAGE_TRUST, can_reach};
use crate::suite::Suite;

/// Arguments of `bench run`.
#[derive(clap::Args, Debug)]
pub(super) struct RunArgs {
    /// Name of the suite, or the path of its folder or file.
    #[arg(long, value_name = "SUITE", required_unless_present = "resume")]
    suite: Option<String>,
    /// Devices, separated by commas: names, tag:TAG, all; `!` in front of one takes it away.
    #[arg(long, value_name = "DEVICES", value_delimiter = ',', default_value = "host")]
    devices: Vec<String>,
    /// Let emulators stand in for the devices, with the CPUs that their `emulate` names: accuracy and sizes are exact,
    /// latencies are counts of instructions and no times.
    #[arg(long)]
    emulate: bool,
    /// Only these models.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    models: Vec<String>,
    /// Only these variants.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    variants: Vec<String>,
    /// Numbers of worker threads, in place of those of each device.
    #[arg(long = "num_threads", aliases = ["num-threads", "threads"], value_name = "N", value_delimiter = ',')]
    threads: Vec<u16>,
    /// What executes the networks: edgebench, litert, or both, which are then measured in turns.
    #[arg(
        long = "runtime",
        value_enum,
        value_name = "RUNTIMES",
        value_delimiter = ',',
        default_value = "edgebench"
    )]
    runtimes: Vec<Runtime>,
    /// LiteRT's library, libLiteRt.so; else EDGEBENCH_LITERT, else that of the Python package ai-edge-litert.
    #[arg(long, value_name = "FILE")]
    litert: Option<PathBuf>,
    /// Kernel set: auto, reference, portable, or an instruction set that `bench devices --check` lists. An operator that
    /// has no kernel of this set takes the next plainer one, never a faster one.
    #[arg(long = "isa", visible_alias = "kernels", value_name = "SET", default_value = "auto")]
    kernels: String,
    /// When everything is measured, look at each operator of our networks: the report and the data then say where the time
    /// of an inference goes, and what ran it.
    #[arg(long, alias = "enable_op_profiling")]
    profile: bool,
    /// Seed of the order in which blocks are measured.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    limits: Limits,
    /// Print the cells, files and bytes, and measure nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go on with a run that was not finished or has failed cells: the newest, or the one named.
    #[arg(long, value_name = "RUN", num_args = 0..=1, conflicts_with_all = ["suite", "dry_run"])]
    resume: Option<Option<String>>,
    /// Keep what each network said of each example, as it lies in memory, in the run's folder `outputs`.
    #[arg(long = "keep_outputs", alias = "keep-outputs")]
    keep_outputs: bool,
    /// Use this agent instead of building one.
    #[arg(long, env = "EDGEBENCH_AGENT", value_name = "PATH")]
    agent: Option<PathBuf>,
    /// Give a device up when it says nothing for so many seconds beyond what its work takes.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_SILENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    silence_secs: u64,
    #[command(flatten)]
    inventory: InventoryFile,
    #[command(flatten)]
    suites: SuiteFolders,
    #[command(flatten)]
    results: ResultsFolder,
    #[command(flatten)]
    storage: Storage,
}

/// Names and meaning as in LiteRT's `benchmark_model`; the suite's own values by default.
#[derive(clap::Args, Debug)]
struct Limits {
    /// Least number of warm-up runs in each block.
    #[arg(long = "warmup_runs", alias = "warmup-runs", value_name = "N")]
    warmup_runs: Option<u32>,
    /// Least duration of the warm-up in each block, in seconds.
    #[arg(long = "warmup_min_secs", alias = "warmup-min-secs", value_name = "SECONDS", value_parser = seconds)]
    warmup_min_secs: Option<f64>,
    /// Least number of runs that count in each block.
    #[arg(long = "num_runs", alias = "num-runs", value_name = "N")]
    num_runs: Option<u32>,
    /// Least duration of the runs that count in each block, in seconds.
    #[arg(long = "min_secs", alias = "min-secs", value_name = "SECONDS", value_parser = seconds)]
    min_secs: Option<f64>,
    /// No new run of a phase after so many seconds.
    #[arg(long = "max_secs", alias = "max-secs", value_name = "SECONDS", value_parser = seconds)]
    max_secs: Option<f64>,
    /// Blocks of each cell.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    blocks: Option<u32>,
}

pub(super) fn run(arguments: &RunArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    if arguments.dry_run {
        dry_run(arguments)?;
        return Ok(ExitCode::Pass);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(BenchError::output)?;
    let finished = runtime.block_on(work(arguments, terminal))?;
    tell(&finished, terminal)
}

async fn work(arguments: &RunArgs, terminal: Terminal) -> Result<Finished, BenchError> {
    let (events, receiver) = Events::channel();
    let shown = tokio::spawn(show(receiver, terminal.display));
    let cancel = CancellationToken::new();
    tokio::spawn(listen(cancel.clone()));
    let finished = {
        let context = context(arguments, events, cancel)?;
        match &arguments.resume {
            Some(wanted) => run::resume(wanted.as_deref(), &context).await,
            None => run::begin(request(arguments)?, &context).await,
        }
    };
    // The last sender of events is gone with the context; what is still to be shown is shown before anything else.
    let _ = shown.await;
    finished
}

fn context(arguments: &RunArgs, events: Events, cancel: CancellationToken) -> Result<Context, BenchError> {
    Ok(Context {
        cache: arguments.storage.cache()?,
        mirrors: arguments.storage.mirrors().to_vec(),
        offline: arguments.storage.offline(),
        results: arguments.results.open(),
        agent: arguments.agent.clone(),
        silence: Duration::from_secs(arguments.silence_secs),
        keep_outputs: arguments.keep_outputs,
        arguments: std::env::args().collect(),
        events,
        cancel,
    })
}

fn request(arguments: &RunArgs) -> Result<RunRequest, BenchError> {
    let suite = Suite::find(arguments.suite.as_deref().unwrap_or_default(), arguments.suites.paths())?;
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let Limits { warmup_runs, warmup_min_secs, num_runs, min_secs, max_secs, blocks } = arguments.limits;
    let litert = arguments.runtimes.contains(&Runtime::Litert);
    let litert = litert.then(|| crate::peer::locate(arguments.litert.as_deref())).transpose()?;
    Ok(RunRequest {
        runtimes: arguments.runtimes.iter().map(|runtime| runtime.name().to_owned()).collect(),
        litert: litert.map(absolute),
        suite: absolute(suite.file),
        inventory: arguments.inventory.path().map(absolute),
        devices: arguments.devices.clone(),
        emulate: arguments.emulate,
        models: arguments.models.clone(),
        variants: arguments.variants.clone(),
        threads: arguments.threads.clone(),
        kernels: arguments.kernels.clone(),
        seed: arguments.seed,
        measure: MeasureOverrides { warmup_runs, warmup_min_secs, num_runs, min_secs, max_secs, blocks },
        profile: arguments.profile,
    })
}

/// The report on standard output, where things are on standard error, and the exit code.
fn tell(finished: &Finished, terminal: Terminal) -> Result<ExitCode, BenchError> {
    let id = &finished.folder.id;
    if finished.interrupted {
        eprintln!(
            "interrupted: {} of {} steps are done and kept; go on with `bench run --resume {id}`",
            finished.done, finished.planned
        );
        return Ok(ExitCode::Interrupted);
    }
    print(&render::terminal(&finished.record, terminal.options(true)))?;
    print(&render::beside(&finished.record))?;
    print(&render::profiles(&finished.record))?;
    if terminal.display != run::Display::Quiet {
        eprintln!("report: {}", finished.folder.file("report.html").display());
        eprintln!("data:   {}", finished.folder.frame().display());
    }
    if finished.is_complete() {
        return Ok(ExitCode::Pass);
    }
    let stage = |cell: &CellRecord| match &cell.outcome {
        Outcome::Failed { stage, .. } => stage == STAGE_TRUST,
        _ => false,
    };
    if finished.record.cells.iter().any(stage) {
        eprintln!("a device was refused: nothing was sent to it; `bench devices --check` says what to do");
        return Ok(ExitCode::Refused);
    }
    eprintln!("some cells failed; `bench run --resume {id}` tries them again");
    Ok(ExitCode::Device)
}

fn dry_run(arguments: &RunArgs) -> Result<(), BenchError> {
    let loaded = Loaded::new(request(arguments)?)?;
    let mut text = format!("suite {} ({})\n", loaded.suite.name, loaded.suite.file.display());
    let _ = writeln!(text, "\ncells:");
    for cell in &loaded.plan.cells {
        let _ = writeln!(
            text,
            "  {:<12} {:<28} {:<10} {:<10} {} threads",
            cell.device, cell.model, cell.variant, cell.runtime, cell.threads
        );
    }
    let steps = loaded.steps();
    let count = |kind: fn(&StepKind) -> bool| steps.iter().filter(|step| kind(&step.kind)).count();
    let evaluations = count(|kind| *kind == StepKind::Evaluate);
    let profiles = count(|kind| *kind == StepKind::Profile);
    let looks = if profiles > 0 { format!(", {profiles} looks at operators") } else { String::new() };
    let _ = writeln!(
        text,
        "\n{} steps: {evaluations} evaluations, {} blocks{looks}; measuring takes at least {:.0} s a device",
        steps.len(),
        steps.len() - evaluations - profiles,
        least_seconds(&loaded)
    );
    for (device, error) in
        loaded.devices.iter().filter_map(|device| Some((device, can_reach(&device.transport).err()?)))
    {
        let _ = writeln!(text, "device {}: {error}", device.name);
    }
    let _ = writeln!(text, "\nfiles:");
    for file in crate::prepare::files(&loaded, arguments.storage.mirrors()) {
        let bytes = file.bytes.map_or_else(|| "not found here".to_owned(), |bytes| format!("{bytes} bytes"));
        let _ = writeln!(text, "  {:<10} {:<44} {bytes}", file.kind, file.name);
    }
    print(&text)
}

/// Blocks of the busiest device, each with its least warm-up and its least measuring.
fn least_seconds(loaded: &Loaded) -> f64 {
    let a_block = (loaded.measure.warmup_min + loaded.measure.min).as_secs_f64();
    let blocks = loaded
        .plan
        .devices
        .iter()
        .map(|device| device.steps.iter().filter(|step| matches!(step.kind, StepKind::Block(_))).count());
    blocks.max().unwrap_or(0) as f64 * a_block
}
