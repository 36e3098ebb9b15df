//! `bench compare`: two revisions of the runtime on the same device in one session, pair by pair. Which pairs to
//! measure and what they prove, `reports::compare` decides; here they are built, ordered by lot and measured.

mod accuracy;
mod arm;
mod order;
mod pair;
mod record;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use edgebench_reports::compare::{CellPairs, Judged, Pair, Plan};
use edgebench_reports::frame::write_run;
use edgebench_reports::gate::accuracy_watch;
use edgebench_reports::policy::Policy;
use edgebench_reports::record::Cell;
use edgebench_wire::RunOptions;

use crate::build::AgentBinary;
use crate::error::BenchError;
use crate::gate::limits;
use crate::prepare::{Prepared, prepare};
use crate::run::{Context, Event, Loaded, RunFolder, RunRequest, lease};
use crate::session::reach;

pub use arm::{Arm, ArmError, ArmRequest};
pub use pair::{Metric, PairLimits};
pub use record::{BASE_RECORD, HEAD_RECORD};

use accuracy::Answers;
use pair::{Job, Measured};
use record::ArmRecord;

/// What is compared, and how.
#[derive(Clone, Debug)]
pub struct CompareRequest {
    /// Suite, devices, models, variants, threads and seed, as of a run.
    pub run: RunRequest,
    /// What it is compared with.
    pub base: ArmRequest,
    /// What is in question.
    pub head: ArmRequest,
    /// Take each revision's own suite file, at the same place of the repository.
    pub suites_of_revisions: bool,
    /// Levels and numbers of pairs.
    pub plan: Plan,
    /// How long a pair measures.
    pub limits: PairLimits,
    /// What is compared.
    pub metric: Metric,
    /// Whether both arms also answer all examples of each model that has some, once a cell.
    pub accuracy: bool,
}

/// A comparison that went to its end.
#[derive(Debug)]
pub struct Compared {
    /// Name of the base.
    pub base: String,
    /// Name of the head.
    pub head: String,
    /// Where its files are.
    pub folder: RunFolder,
    /// What was measured, a line a cell.
    pub cells: Vec<CellPairs>,
    /// What is said of each.
    pub judged: Vec<Judged>,
}

/// Builds both arms, measures, and judges. Each pair is on disk before the next one begins.
///
/// # Errors
/// When an arm cannot be built, nothing can be prepared, or results cannot be written. A device that fails is no error:
/// its cells say so.
pub async fn compare(request: CompareRequest, context: &Context) -> Result<Compared, BenchError> {
    let base = arm(&request.base, &request, context)?;
    let head = arm(&request.head, &request, context)?;
    let (base_name, head_name) = (base.name.clone(), head.name.clone());
    let sides = [Side::new(base, &request, context).await?, Side::new(head, &request, context).await?];
    let folder = context.results.create(&comparison_id(&sides[1].loaded))?;
    let mut comparison = Comparison::new(&request, context, &sides, &folder)?;
    comparison.measure().await?;
    if request.accuracy {
        comparison.evaluate().await?;
    }
    let Comparison { cells, records, .. } = comparison;
    write_records(&folder, &sides, records, &cells)?;
    let judged = request.plan.judge(&cells);
    Ok(Compared { base: base_name, head: head_name, folder, cells, judged })
}

/// What a gate judges.
fn write_records(
    folder: &RunFolder,
    sides: &[Side; 2],
    records: [ArmRecord; 2],
    cells: &[CellPairs],
) -> Result<(), BenchError> {
    let problems: Vec<Option<String>> = cells.iter().map(|cell| cell.problem.clone()).collect();
    for ((record, side), name) in records.into_iter().zip(sides).zip([BASE_RECORD, HEAD_RECORD]) {
        write_run(&folder.file(name), &record.finish(side, &problems))?;
    }
    Ok(())
}

fn arm(wanted: &ArmRequest, request: &CompareRequest, context: &Context) -> Result<Arm, BenchError> {
    context.events.tell(Event::Preparing { what: format!("agent of {}", wanted.text()) });
    // The compiler keeps this thread busy; the others go on showing news and hearing signals.
    tokio::task::block_in_place(|| {
        Arm::make(wanted, &context.cache, &context.results, request.suites_of_revisions)
    })
}

fn comparison_id(loaded: &Loaded) -> String {
    let now = jiff::Timestamp::now();
    let salt = blake3::hash(format!("{}-{}", now.as_nanosecond(), std::process::id()).as_bytes()).to_hex();
    format!("compare-{}-{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), loaded.suite.name, &salt[..4])
}

/// One arm with what it runs.
struct Side {
    arm: Arm,
    loaded: Loaded,
    prepared: Prepared,
}

impl Side {
    async fn new(arm: Arm, request: &CompareRequest, context: &Context) -> Result<Self, BenchError> {
        let mut run = request.run.clone();
        if let Some(root) = &arm.sources {
            run.suite = in_revision(&run.suite, root)?;
        }
        let loaded = Loaded::new(run)?;
        let context = Context { agent: Some(arm.agent.path.clone()), ..context.clone() };
        let prepared = prepare(&loaded, &context).await?;
        Ok(Self { arm, loaded, prepared })
    }
}

/// The same file in another checkout of the repository.
fn in_revision(suite: &Path, root: &Path) -> Result<PathBuf, BenchError> {
    let top = arm::repository_of(suite.parent().unwrap_or(Path::new(".")))?;
    let inside = suite
        .strip_prefix(&top)
        .map_err(|_| ArmError::Outside { path: suite.to_owned(), root: top.clone() })?;
    Ok(root.join(inside))
}

struct Comparison<'c> {
    plan: &'c Plan,
    context: &'c Context,
    folder: &'c RunFolder,
    seed: u64,
    jobs: Vec<Result<Job, String>>,
    cells: Vec<CellPairs>,
    /// Of the base and of the head.
    records: [ArmRecord; 2],
    /// Of the head's suite.
    policy: Policy,
}

impl<'c> Comparison<'c> {
    fn new(
        request: &'c CompareRequest,
        context: &'c Context,
        [base, head]: &[Side; 2],
        folder: &'c RunFolder,
    ) -> Result<Self, BenchError> {
        let planned = head.loaded.plan.cells.clone();
        let jobs = planned
            .iter()
            .map(|cell| job(cell, [base, head], request, (context, folder)))
            .collect::<Vec<_>>();
        let empty = |(cell, job): (&Cell, &Result<Job, String>)| CellPairs {
            problem: job.as_ref().err().cloned(),
            ..CellPairs::new(cell.clone())
        };
        let cells = planned.iter().zip(&jobs).map(empty).collect();
        let records = [
            ArmRecord::new(base, &folder.id, "base", context),
            ArmRecord::new(head, &folder.id, "head", context),
        ];
        let (plan, seed) = (&request.plan, request.run.seed);
        let policy = limits(&head.loaded.suite)?;
        Ok(Self { plan, context, folder, seed, jobs, cells, records, policy })
    }

    /// The screen in rounds over all cells, each round in an order drawn anew; then fresh pairs for the suspects until
    /// each is decided.
    async fn measure(&mut self) -> Result<(), BenchError> {
        for round in 0..self.plan.screen_pairs {
            for cell in order::cells(self.seed, round, self.cells.len()) {
                self.step(cell, round, Phase::Screen).await?;
            }
        }
        let suspects: Vec<usize> =
            (0..self.cells.len()).filter(|at| self.plan.is_suspect(&self.cells[*at])).collect();
        for record in &mut self.records {
            suspects.iter().for_each(|at| record.cells[*at].begin_again());
        }
        let most = self.plan.confirm_looks.last().copied().unwrap_or(0);
        // Twice as many rounds as pairs: a pair that was left out is measured again, but not for ever.
        for round in self.plan.screen_pairs..self.plan.screen_pairs + 2 * most {
            let open = |at: &usize| !self.plan.is_confirmed(&self.cells[*at], self.cells.len());
            let left: Vec<usize> = suspects.iter().copied().filter(open).collect();
            for cell in order::cells(self.seed, round, left.len()) {
                self.step(left[cell], round, Phase::Confirm).await?;
            }
        }
        Ok(())
    }

    async fn step(&mut self, at: usize, round: u32, phase: Phase) -> Result<(), BenchError> {
        if self.context.cancel.is_cancelled() {
            return Err(BenchError::interrupted());
        }
        let Ok(job) = &self.jobs[at] else { return Ok(()) };
        if self.cells[at].problem.is_some() {
            return Ok(());
        }
        let cell = &self.cells[at].cell;
        self.context
            .events
            .tell(Event::Step { device: cell.device.clone(), what: label(cell, phase, round) });
        match job.measure(order::base_first(self.seed, round, cell), self.context.silence).await {
            Ok(measured) => self.take(at, (phase, round), measured)?,
            Err(error) => self.cells[at].problem = Some(error),
        }
        Ok(())
    }

    fn take(
        &mut self,
        at: usize,
        (phase, round): (Phase, u32),
        measured: Measured,
    ) -> Result<(), BenchError> {
        let Measured { pair, base, head } = measured;
        let invalid = pair.is_none().then_some(LEFT_OUT);
        for (record, turns) in self.records.iter_mut().zip([base, head]) {
            record.meet(&self.cells[at].cell.device, &turns.met);
            record.cells[at].add(round, turns, invalid);
        }
        match pair {
            Some(pair) => self.keep(at, phase, pair),
            None => {
                self.cells[at].left_out += 1;
                Ok(())
            }
        }
    }

    /// Both arms of each cell answer its examples: all, or as many as decide where the policy allows that.
    async fn evaluate(&mut self) -> Result<(), BenchError> {
        for at in 0..self.cells.len() {
            if self.context.cancel.is_cancelled() {
                return Err(BenchError::interrupted());
            }
            let Ok(job) = &self.jobs[at] else { continue };
            if self.cells[at].problem.is_some() {
                continue;
            }
            let cell = self.cells[at].cell.clone();
            let what = format!("{} {} x{} accuracy", cell.model, cell.variant, cell.threads);
            self.context.events.tell(Event::Step { device: cell.device.clone(), what });
            let watch = accuracy_watch(&self.policy, &cell);
            match job.answers(watch, self.seed, self.context.silence).await {
                Ok(None) => {}
                Ok(Some(Answers { arms, stopped })) => {
                    for (record, arm) in self.records.iter_mut().zip(arms) {
                        record.answered(at, &cell, arm, stopped);
                    }
                }
                Err(error) => self.cells[at].problem = Some(error),
            }
        }
        Ok(())
    }

    /// Notes the pair and puts it on disk.
    fn keep(&mut self, at: usize, phase: Phase, pair: Pair) -> Result<(), BenchError> {
        let cell = &mut self.cells[at];
        match phase {
            Phase::Screen => cell.screen.push(pair),
            Phase::Confirm => cell.confirm.push(pair),
        }
        let line = serde_json::json!({ "cell": cell.cell, "phase": phase.name(), "pair": pair });
        let path = self.folder.file("pairs.jsonl");
        arm::append(&path, &format!("{line}\n")).map_err(|cause| BenchError::write(&path, cause))
    }
}

/// Why a pair does not count.
const LEFT_OUT: &str = "the processor was throttled during the pair, or a turn took no time";

#[derive(Clone, Copy)]
enum Phase {
    Screen,
    Confirm,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Confirm => "confirm",
        }
    }
}

fn label(cell: &Cell, phase: Phase, round: u32) -> String {
    format!("{} {} x{} {} pair {}", cell.model, cell.variant, cell.threads, phase.name(), round + 1)
}

/// What both arms of a cell run; or why there is nothing to run.
fn job(
    cell: &Cell,
    [base, head]: [&Side; 2],
    request: &CompareRequest,
    (context, folder): (&Context, &RunFolder),
) -> Result<Job, String> {
    let options = RunOptions { threads: cell.threads, kernels: request.run.kernels.clone() };
    let arm = |side: &Side| -> Result<pair::ArmJob, String> {
        Ok(pair::ArmJob {
            agent: agent_for(side, cell)?,
            model: side.prepared.model(&cell.model, &cell.variant)?,
            data: side.prepared.data(&cell.model).as_ref().map(Arc::clone),
        })
    };
    let device = head.loaded.devices.iter().find(|device| device.name == cell.device);
    let device = device.ok_or_else(|| format!("no device {}", cell.device))?;
    let store = context.cache.root().join("devices").join(&cell.device);
    let reach =
        reach(device, &context.cache, &store, lease(&folder.id), None).map_err(|error| error.to_string())?;
    Ok(Job {
        base: arm(base)?,
        head: arm(head)?,
        options,
        limits: request.limits,
        metric: request.metric,
        reach,
    })
}

/// The side's own agent, if it can run on the cell's device: another one would compare something else.
fn agent_for(side: &Side, cell: &Cell) -> Result<AgentBinary, String> {
    let agent = side.prepared.agent(&cell.device).map_err(|lack| lack.to_string())?;
    if agent.digest == side.arm.agent.digest {
        return Ok(agent);
    }
    let (target, name) = (&agent.target, &side.arm.name);
    Err(format!("the agent of {name} was built for this machine, and the device needs one for {target}"))
}
