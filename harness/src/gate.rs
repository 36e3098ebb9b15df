//! Which runs a gate compares: the one that is judged, what it is compared with and why that, and which earlier ones
//! tell the noise. Knows the results folder and git; judges nothing itself.

mod comparison;

use std::path::Path;

use edgebench_reports::frame::read_run;
use edgebench_reports::policy::Policy;
use edgebench_reports::record::RunRecord;

use crate::error::BenchError;
use crate::revision::{Repository, RevisionError};
use crate::run::{Results, RunFolder, record_so_far};
use crate::suite::{FILE_NAME, GATE_FILE_NAME, Suite};

pub use comparison::choose_comparison;

pub use edgebench_reports::record::PROJECT_REVISION;
/// Property of a run: branch of the project.
pub const PROJECT_BRANCH: &str = "project_branch";
/// Property of a run: `true` where tracked files differed from the commit.
pub const PROJECT_DIRTY: &str = "project_dirty";

/// Earlier runs of the suite that are looked at; older ones say little about today's machine.
const HISTORY: usize = 24;

/// Commits before the merge base that are looked at for a run.
const ANCESTORS: usize = 200;

/// Where changes are usually merged to.
const MAIN_BRANCHES: &[&str] = &["origin/HEAD", "origin/main", "main", "origin/master", "master"];

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The suite.
    pub suite: &'a Suite,
    /// The results.
    pub results: &'a Results,
    /// Identity of a run, a revision, or `latest`; by default the run of the merge base.
    pub baseline: Option<&'a str>,
    /// Identity of a run, or `latest`.
    pub candidate: &'a str,
    /// The branch that changes are merged to; by default the first usual one that exists.
    pub onto: Option<&'a str>,
    /// Whether it is accepted that there is no baseline yet.
    pub first_run: bool,
}

/// The runs of a gate.
#[derive(Clone, PartialEq, Debug)]
pub struct Chosen {
    /// The run that is judged.
    pub candidate: RunRecord,
    /// What it is compared with.
    pub baseline: Option<RunRecord>,
    /// How the baseline was found, in words.
    pub how: String,
    /// Other runs of the suite.
    pub history: Vec<RunRecord>,
    /// Which try of the candidate's revision it is.
    pub attempt: u32,
}

/// Why there is nothing to judge.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GateError {
    /// No run of the suite.
    #[error("no run of suite {suite} in {}", folder.display())]
    NoRun {
        /// The suite.
        suite: String,
        /// The results folder.
        folder: std::path::PathBuf,
    },
    /// No such comparison.
    #[error("no comparison `{wanted}` in {}", folder.display())]
    NoComparison {
        /// What was asked for.
        wanted: String,
        /// The results folder.
        folder: std::path::PathBuf,
        /// Whole comparisons of the suite, newest first.
        known: Vec<String>,
    },
    /// Nothing to compare with.
    #[error("no baseline for run {candidate}")]
    NoBaseline {
        /// The run that is judged.
        candidate: String,
        /// Where was looked.
        looked: Vec<String>,
    },
    /// A run compared with itself.
    #[error("run {run} is both baseline and candidate")]
    Itself {
        /// The run.
        run: String,
    },
    /// A run of another suite.
    #[error("run {run} is of suite {found}, not of {expected}")]
    OtherSuite {
        /// The run.
        run: String,
        /// The suite that is judged.
        expected: String,
        /// The suite of the run.
        found: String,
    },
    /// The policy has no limit.
    #[error("suite {suite} has no limits")]
    NoPolicy {
        /// The suite.
        suite: String,
        /// The file that should have them.
        file: std::path::PathBuf,
    },
    /// No cell fits what should be explained.
    #[error("no cell fits `{wanted}`")]
    NoCell {
        /// What was asked for.
        wanted: String,
        /// The cells there are.
        known: Vec<String>,
    },
}

/// Finds the runs.
///
/// # Errors
/// When there is no run of the suite, nothing to compare with, or a file that cannot be read.
pub fn choose(request: &Request<'_>) -> Result<Chosen, BenchError> {
    let folders = runs_of(&request.suite.name, request.results)?;
    let candidate = candidate(request, &folders)?;
    let others = others(&folders, &candidate)?;
    let attempt = attempt(&candidate, &others);
    let found = Search { request, candidate: &candidate, others: &others }.baseline()?;
    let (baseline, how) = match found {
        Some((run, how)) => (Some(run), how),
        None => (None, "there is no earlier run, and --first-run accepts that".to_owned()),
    };
    Ok(Chosen { candidate, baseline, how, history: others, attempt })
}

/// The newest complete runs of a suite.
///
/// # Errors
/// When there is none, or one cannot be read.
pub fn history(suite: &Suite, results: &Results) -> Result<Vec<RunRecord>, BenchError> {
    let folders = runs_of(&suite.name, results)?;
    let complete = folders.iter().rev().filter(|run| run.frame().is_file());
    let runs = complete.take(HISTORY).map(read).collect::<Result<Vec<_>, _>>()?;
    if runs.is_empty() {
        let (suite, folder) = (suite.name.clone(), results.path().to_owned());
        return Err(GateError::NoRun { suite, folder }.into());
    }
    Ok(runs)
}

/// Folders whose name says that they are runs of the suite, oldest first.
fn runs_of(name: &str, results: &Results) -> Result<Vec<RunFolder>, BenchError> {
    let is_of_suite = |run: &RunFolder| {
        let middle = run.id.split_once('-').and_then(|(_, rest)| rest.rsplit_once('-'));
        middle.is_some_and(|(suite, _)| suite == name)
    };
    Ok(results.runs()?.into_iter().filter(is_of_suite).collect())
}

fn read(folder: &RunFolder) -> Result<RunRecord, BenchError> {
    if folder.frame().is_file() { Ok(read_run(&folder.frame())?) } else { record_so_far(folder) }
}

/// The newest is taken also where it is not complete: what is missing in it must not bring back an older one.
fn candidate(request: &Request<'_>, folders: &[RunFolder]) -> Result<RunRecord, BenchError> {
    if request.candidate != "latest" {
        return of_suite(request, read(&request.results.find(request.candidate)?)?);
    }
    match folders.last() {
        Some(newest) => of_suite(request, read(newest)?),
        None => {
            let (suite, folder) = (request.suite.name.clone(), request.results.path().to_owned());
            Err(GateError::NoRun { suite, folder }.into())
        }
    }
}

fn of_suite(request: &Request<'_>, run: RunRecord) -> Result<RunRecord, BenchError> {
    if run.run.suite == request.suite.name {
        return Ok(run);
    }
    let (expected, found) = (request.suite.name.clone(), run.run.suite);
    Err(GateError::OtherSuite { run: run.run.id, expected, found }.into())
}

/// The other complete runs, newest first.
fn others(folders: &[RunFolder], candidate: &RunRecord) -> Result<Vec<RunRecord>, BenchError> {
    let complete = folders.iter().rev().filter(|run| run.id != candidate.run.id && run.frame().is_file());
    complete.take(HISTORY).map(read).collect()
}

fn revision(run: &RunRecord) -> Option<&str> {
    run.run.controller.get(PROJECT_REVISION).map(String::as_str)
}

/// How many runs of the same revision there are up to this one: each was a chance to pass.
fn attempt(candidate: &RunRecord, others: &[RunRecord]) -> u32 {
    let Some(mine) = revision(candidate) else { return 1 };
    let earlier = |run: &&RunRecord| revision(run) == Some(mine) && run.run.id < candidate.run.id;
    1 + others.iter().filter(earlier).count() as u32
}

struct Search<'a> {
    request: &'a Request<'a>,
    candidate: &'a RunRecord,
    others: &'a [RunRecord],
}

type Found = Option<(RunRecord, String)>;

impl Search<'_> {
    fn baseline(&self) -> Result<Found, BenchError> {
        let found = match self.request.baseline {
            Some("latest") => self.latest().map(|run| (run, "the newest run before it".to_owned())),
            Some(wanted) => Some(self.named(wanted)?),
            None => self.by_history(),
        };
        match found {
            Some((run, _)) if run.run.id == self.candidate.run.id => {
                Err(GateError::Itself { run: run.run.id }.into())
            }
            None if !self.request.first_run => Err(self.nothing().into()),
            found => Ok(found),
        }
    }

    fn latest(&self) -> Option<RunRecord> {
        self.others.iter().find(|run| run.run.id < self.candidate.run.id).cloned()
    }

    /// A run by its identity, or the newest run of a revision.
    fn named(&self, wanted: &str) -> Result<(RunRecord, String), BenchError> {
        if let Ok(folder) = self.request.results.find(wanted) {
            let run = of_suite(self.request, read(&folder)?)?;
            return Ok((run, "named on the command line".to_owned()));
        }
        let commit = self.repository()?.resolve(wanted)?;
        let how = format!("the newest run of {wanted} ({})", short(&commit));
        let looked = vec![format!("runs of {wanted} ({})", short(&commit))];
        let candidate = self.candidate.run.id.clone();
        let run = self.of_commit(&commit).ok_or(GateError::NoBaseline { candidate, looked })?;
        Ok((run, how))
    }

    fn of_commit(&self, commit: &str) -> Option<RunRecord> {
        self.others.iter().find(|run| revision(run) == Some(commit)).cloned()
    }

    fn repository(&self) -> Result<Repository, RevisionError> {
        Repository::around(&self.request.suite.folder)
    }

    /// The run of the merge base, else of the nearest commit before it, else the newest run before the candidate.
    fn by_history(&self) -> Found {
        let from_git = || {
            let repository = self.repository().ok()?;
            let mine = revision(self.candidate).map(str::to_owned).or_else(|| repository.head())?;
            let (branch, base) = self.merge_base(&repository, &mine)?;
            let line = repository.line_of(&base, ANCESTORS);
            let at =
                line.iter().position(|commit| self.of_commit(commit).is_some_and(|_| *commit != mine))?;
            let commit = line.get(at)?;
            let how = match at {
                0 => format!("the run of {}, where it left {branch}", short(commit)),
                _ => format!("the run of {}, {at} commits before it left {branch}", short(commit)),
            };
            Some((self.of_commit(commit)?, how))
        };
        let latest = || {
            self.latest()
                .map(|run| (run, "no run of a commit before it: the newest run before it".to_owned()))
        };
        from_git().or_else(latest)
    }

    fn merge_base(&self, repository: &Repository, mine: &str) -> Option<(String, String)> {
        let usual = MAIN_BRANCHES.iter().copied();
        let branches: Vec<&str> = self.request.onto.map_or_else(|| usual.collect(), |branch| vec![branch]);
        let (branch, tip) =
            branches.into_iter().find_map(|name| Some((name, repository.resolve(name).ok()?)))?;
        Some((branch.to_owned(), repository.merge_base(mine, &tip)?))
    }

    fn nothing(&self) -> GateError {
        let looked = match self.others {
            [] => vec!["there is no other complete run of the suite".to_owned()],
            others => vec![format!("{} other runs of the suite, none before it", others.len())],
        };
        GateError::NoBaseline { candidate: self.candidate.run.id.clone(), looked }
    }
}

/// Digits of a commit that a reader compares by eye.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// The policy of a suite as it lies in its folder, or as a revision had it: then a change cannot loosen its own gate.
///
/// # Errors
/// When there are no limits, a file is wrong, or the revision does not have it.
pub fn policy(suite: &Suite, from: Option<&str>) -> Result<Policy, BenchError> {
    let gate_file = suite.folder.join(GATE_FILE_NAME);
    let policy = match from {
        None => limits(suite)?,
        Some(name) => {
            let repository = Repository::around(&suite.folder)?;
            let commit = repository.resolve(name)?;
            let text = repository.text_at(&commit, &suite.folder.join(FILE_NAME))?;
            let suite = Suite::parse(&shown(name, &suite.file), &text)?;
            let text = repository.text_at(&commit, &gate_file).ok();
            suite.policy(
                text.as_deref()
                    .map(|text| (shown(name, &gate_file), text))
                    .as_ref()
                    .map(|(file, text)| (file.as_path(), *text)),
            )?
        }
    };
    if policy.is_empty() {
        return Err(GateError::NoPolicy { suite: suite.name.clone(), file: suite.file.clone() }.into());
    }
    Ok(policy)
}

/// The policy of a suite as it lies in its folder; it may be empty.
///
/// # Errors
/// When a file cannot be read, or is wrong.
pub fn limits(suite: &Suite) -> Result<Policy, BenchError> {
    let gate_file = suite.folder.join(GATE_FILE_NAME);
    let text = gate_file.is_file().then(|| crate::config::read_text(&gate_file)).transpose()?;
    Ok(suite.policy(text.as_deref().map(|text| (gate_file.as_path(), text)))?)
}

/// A file of a revision, as git writes it.
fn shown(name: &str, file: &Path) -> std::path::PathBuf {
    std::path::PathBuf::from(format!("{name}:{}", file.display()))
}
