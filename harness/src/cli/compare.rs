//! `bench compare`: is this revision slower than that one, on this device?

use std::path::PathBuf;
use std::time::Duration;

use edgebench_reports::compare::{Plan, json, terminal};
use edgebench_reports::verdict::Verdict;
use tokio_util::sync::CancellationToken;

use super::cells::{CellFilter, seconds};
use super::locations::{InventoryFile, ResultsFolder, Storage, SuiteFolders};
use super::{Terminal, listen, print};
use crate::compare::{ArmRequest, CompareRequest, Compared, Metric, PairLimits, compare};
use crate::error::{BenchError, ExitCode};
use crate::run::{Context, DEFAULT_SILENCE, Display, Events, show};

/// Arguments of `bench compare`.
#[derive(clap::Args, Debug)]
pub(super) struct CompareArgs {
    /// What to compare with: a revision, a run (its revision), or . for the working tree.
    #[arg(long, value_name = "REV|RUN", required_unless_present = "base_agent")]
    base: Option<String>,
    /// What is in question: a revision, a run (its revision), or . for the working tree.
    #[arg(long, value_name = "REV|RUN", default_value = ".", conflicts_with = "head_agent")]
    head: String,
    /// Use this agent as the base instead of building one.
    #[arg(long, value_name = "PATH", conflicts_with = "base")]
    base_agent: Option<PathBuf>,
    /// Use this agent as the head instead of building one.
    #[arg(long, value_name = "PATH")]
    head_agent: Option<PathBuf>,
    /// Take each revision's own suite file instead of the one that lies here.
    #[arg(long)]
    own_suites: bool,
    #[command(flatten)]
    cells: CellFilter,
    #[command(flatten)]
    pairs: PairArgs,
    /// Let both sides also answer all examples of their data sets, so that `bench gate --compare` can judge accuracy.
    #[arg(long)]
    accuracy: bool,
    /// Slowdown that is accepted, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = percent)]
    margin: f64,
    /// Write every pair and what follows from it to this file.
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    #[command(flatten)]
    places: Places,
}

/// How pairs are measured.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct PairArgs {
    /// What is compared: latency (median wall time), or cpu-time, which other load disturbs less.
    #[arg(long, value_enum, default_value_t = MetricArg::Latency)]
    metric: MetricArg,
    /// Time of each arm of a pair that counts, in seconds.
    #[arg(long = "pair_secs", alias = "pair-secs", value_name = "SECONDS", default_value_t = 0.1, value_parser = seconds)]
    pair_secs: f64,
    /// Turns of each arm of a pair: both are ready at once and alternate.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1000))]
    turns: u32,
    /// Seed of the order of cells and arms.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum, Debug)]
enum MetricArg {
    Latency,
    CpuTime,
}

/// Where things are.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Places {
    #[command(flatten)]
    inventory: InventoryFile,
    #[command(flatten)]
    suites: SuiteFolders,
    #[command(flatten)]
    results: ResultsFolder,
    #[command(flatten)]
    storage: Storage,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(value) if (0.0..=1000.0).contains(&value) => Ok(value),
        _ => Err("expected percent from 0 to 1000".to_owned()),
    }
}

pub(super) fn run(arguments: &CompareArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    let base = match (&arguments.base_agent, &arguments.base) {
        (Some(path), _) => ArmRequest::Agent(path.clone()),
        (None, text) => ArmRequest::Revision(text.clone().unwrap_or_default()),
    };
    let head = match &arguments.head_agent {
        Some(path) => ArmRequest::Agent(path.clone()),
        None => ArmRequest::Revision(arguments.head.clone()),
    };
    let plan = Plan { margin: arguments.margin / 100.0, ..Plan::default() };
    let request = request(&arguments.cells, &arguments.pairs, &arguments.places, (base, head), plan)?;
    let request =
        CompareRequest { suites_of_revisions: arguments.own_suites, accuracy: arguments.accuracy, ..request };
    let plan = request.plan.clone();
    let compared = measure(request, &arguments.places, terminal)?;
    tell(&compared, &plan, arguments, terminal)
}

/// The request of a comparison of these two arms.
pub(super) fn request(
    cells: &CellFilter,
    pairs: &PairArgs,
    places: &Places,
    (base, head): (ArmRequest, ArmRequest),
    plan: Plan,
) -> Result<CompareRequest, BenchError> {
    let metric = match pairs.metric {
        MetricArg::Latency => Metric::Latency,
        MetricArg::CpuTime => Metric::CpuTime,
    };
    let steady = Duration::from_secs_f64(pairs.pair_secs);
    Ok(CompareRequest {
        run: cells.request(places.suites.paths(), places.inventory.path(), pairs.seed)?,
        base,
        head,
        suites_of_revisions: false,
        plan,
        limits: PairLimits { steady, turns: pairs.turns, ..PairLimits::default() },
        metric,
        accuracy: false,
    })
}

/// Measures with news on the terminal. Ctrl-C stops it.
pub(super) fn measure(
    request: CompareRequest,
    places: &Places,
    terminal: Terminal,
) -> Result<Compared, BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(BenchError::output)?;
    runtime.block_on(async {
        let (events, receiver) = Events::channel();
        // Thousands of pairs: as lines they would bury the verdict.
        let display = if terminal.display == Display::Bars { Display::Bars } else { Display::Quiet };
        let shown = tokio::spawn(show(receiver, display));
        let cancel = CancellationToken::new();
        tokio::spawn(listen(cancel.clone()));
        let compared = {
            let context = context(places, events, cancel)?;
            compare(request, &context).await
        };
        let _ = shown.await;
        compared
    })
}

fn context(places: &Places, events: Events, cancel: CancellationToken) -> Result<Context, BenchError> {
    Ok(Context {
        cache: places.storage.cache()?,
        mirrors: places.storage.mirrors().to_vec(),
        offline: places.storage.offline(),
        results: places.results.open(),
        agent: None,
        silence: DEFAULT_SILENCE,
        keep_outputs: false,
        arguments: std::env::args().collect(),
        events,
        cancel,
    })
}

fn tell(
    compared: &Compared,
    plan: &Plan,
    arguments: &CompareArgs,
    terminal_is: Terminal,
) -> Result<ExitCode, BenchError> {
    let Compared { base, head, folder, cells, judged } = compared;
    let document = json(base, head, plan, cells, judged).map_err(BenchError::internal)?;
    let kept = folder.write("comparison.json", document.as_bytes())?;
    if let Some(path) = &arguments.json {
        crate::run::write_whole(path, document.as_bytes()).map_err(|cause| BenchError::write(path, cause))?;
    }
    print(&terminal(base, head, plan, cells, judged))?;
    if terminal_is.display != Display::Quiet {
        eprintln!("data:   {}", kept.display());
        eprintln!("judge it by the suite's limits: bench gate --suite S --compare {}", folder.id);
    }
    Ok(exit_code(judged.iter().map(|one| one.verdict)))
}

/// A regression first, then what could not be measured, then what could not be decided.
fn exit_code(verdicts: impl Iterator<Item = Verdict>) -> ExitCode {
    let code = |verdict| match verdict {
        Verdict::Regressed => ExitCode::Regression,
        Verdict::Missing | Verdict::Invalid => ExitCode::Device,
        Verdict::Inconclusive => ExitCode::Inconclusive,
        Verdict::Pass | Verdict::Improved | Verdict::New | Verdict::Waived => ExitCode::Pass,
    };
    match Verdict::of_all(verdicts) {
        Some(worst) => code(worst),
        None => ExitCode::Device,
    }
}
