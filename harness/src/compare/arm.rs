//! One side of a comparison: an agent built from a revision of the repository, from the working tree, or brought along.
//!
//! A revision is checked out into a git worktree under the cache and built there; the agent is kept under the commit's
//! name, so that each commit is built once on a machine.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edgebench_reports::frame::read_run;

use crate::artifact::Cache;
use crate::build::{self, AgentBinary, HOST_TARGET};
use crate::error::BenchError;
use crate::run::Results;

/// The word for the sources as they lie in the working tree.
const WORKING_TREE: &str = ".";

/// Lines of the compiler's or git's own words that an error repeats.
const TOOL_WORDS: usize = 12;

/// What a side shall be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ArmRequest {
    /// A revision, a run (its revision), or `.` for the working tree.
    Revision(String),
    /// A ready agent.
    Agent(PathBuf),
}

impl ArmRequest {
    /// As the user wrote it.
    pub fn text(&self) -> String {
        match self {
            Self::Revision(text) => text.clone(),
            Self::Agent(path) => path.display().to_string(),
        }
    }
}

/// A side that is ready to be measured.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What it is, for people.
    pub name: String,
    /// Its agent.
    pub agent: AgentBinary,
    /// The commit it was built from, where it was.
    pub commit: Option<String>,
    /// Its checkout, where its own suite was asked for.
    pub sources: Option<PathBuf>,
}

/// Why a side cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    /// Not in a repository.
    #[error("{} is in no git repository", folder.display())]
    NoRepository {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Git does not know it.
    #[error("unknown revision or run `{wanted}`")]
    Unknown {
        /// What was asked for.
        wanted: String,
    },
    /// A run that does not say from which revision it was.
    #[error("run {run} does not tell its revision")]
    NoRevision {
        /// The run.
        run: String,
    },
    /// A tool failed.
    #[error("{what} failed:\n{words}")]
    Tool {
        /// What was done.
        what: String,
        /// The last lines it wrote.
        words: String,
    },
    /// A tool could not be started.
    #[error("cannot start {program}")]
    NoTool {
        /// Its name.
        program: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A suite that is not in the repository has no other revision.
    #[error("{} is not inside the repository {}", path.display(), root.display())]
    Outside {
        /// The suite.
        path: PathBuf,
        /// The repository.
        root: PathBuf,
    },
}

impl Arm {
    /// Finds or builds the agent.
    ///
    /// # Errors
    /// When the revision is unknown or cannot be built.
    pub(super) fn make(
        wanted: &ArmRequest,
        cache: &Cache,
        results: &Results,
        keep_sources: bool,
    ) -> Result<Self, BenchError> {
        let text = match wanted {
            ArmRequest::Agent(path) => {
                let agent = build::agent(cache, HOST_TARGET, Some(path))?;
                let name = format!("{} ({})", path.display(), short(&agent.digest));
                return Ok(Self { name, agent, commit: None, sources: None });
            }
            ArmRequest::Revision(text) => text,
        };
        if text == WORKING_TREE {
            let agent = build::agent(cache, HOST_TARGET, None)?;
            let name = "the working tree".to_owned();
            return Ok(Self { name, agent, commit: None, sources: None });
        }
        let commit = commit(text, results)?;
        let checkout = Checkout::new(cache, &commit);
        let agent = checkout.agent(cache)?;
        let sources = if keep_sources { Some(checkout.open()?) } else { None };
        let name = if commit.starts_with(text.as_str()) {
            short(&commit)
        } else {
            format!("{text} ({})", short(&commit))
        };
        Ok(Self { name, agent, commit: Some(commit), sources })
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(10).collect()
}

/// The commit that a text names: a run's, or what git makes of it.
fn commit(text: &str, results: &Results) -> Result<String, BenchError> {
    if let Ok(run) = results.find(text)
        && run.frame().is_file()
    {
        let revision = read_run(&run.frame())?.run.git_revision;
        return revision.ok_or_else(|| ArmError::NoRevision { run: text.to_owned() }.into());
    }
    let asked = git(
        Path::new("."),
        &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{text}^{{commit}}")],
    );
    match asked {
        Ok(output) => Ok(output.trim().to_owned()),
        Err(error @ ArmError::NoTool { .. }) => Err(error.into()),
        Err(_) => {
            repository_of(Path::new("."))?;
            Err(ArmError::Unknown { wanted: text.to_owned() }.into())
        }
    }
}

/// The top folder of the repository that a folder is in.
pub(super) fn repository_of(folder: &Path) -> Result<PathBuf, ArmError> {
    match git(folder, &["rev-parse", "--show-toplevel"]) {
        Ok(output) => Ok(PathBuf::from(output.trim_end_matches('\n'))),
        Err(error @ ArmError::NoTool { .. }) => Err(error),
        Err(_) => Err(ArmError::NoRepository { folder: folder.to_owned() }),
    }
}

/// A commit's place under the cache.
struct Checkout {
    commit: String,
    folder: PathBuf,
    target: PathBuf,
    kept: PathBuf,
}

impl Checkout {
    fn new(cache: &Cache, commit: &str) -> Self {
        let root = cache.root().join("revisions");
        Self {
            commit: commit.to_owned(),
            folder: root.join(commit),
            // One for all commits: what did not change between them is built once.
            target: root.join("target"),
            kept: cache.root().join("agents").join(format!("commit-{commit}")).join("edgebench-agent"),
        }
    }

    /// The commit's agent, built if this machine has not built it before.
    fn agent(&self, cache: &Cache) -> Result<AgentBinary, BenchError> {
        if !self.kept.is_file() {
            let sources = self.open()?;
            self.build(&sources)?;
        }
        Ok(build::agent(cache, HOST_TARGET, Some(&self.kept))?)
    }

    /// Checks the commit out, unless it is.
    fn open(&self) -> Result<PathBuf, ArmError> {
        if self.folder.join(".git").exists() {
            return Ok(self.folder.clone());
        }
        let folder = self.folder.display().to_string();
        git(Path::new("."), &["worktree", "prune"])?;
        git(Path::new("."), &["worktree", "add", "--detach", "--force", &folder, &self.commit])?;
        Ok(self.folder.clone())
    }

    fn build(&self, sources: &Path) -> Result<(), BenchError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(["build", "--profile", "agent", "--package", "edgebench-agent", "--locked", "--target-dir"])
            .arg(&self.target)
            .current_dir(sources);
        output(command, "cargo", &format!("building {}", short(&self.commit)))?;
        let built = self.target.join("agent").join("edgebench-agent");
        let folder = self.kept.parent().unwrap_or(Path::new("."));
        let part = self.kept.with_extension(format!("{}.part", std::process::id()));
        let kept = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::copy(&built, &part))
            .and_then(|_| std::fs::File::open(&part)?.sync_all())
            .and_then(|()| std::fs::rename(&part, &self.kept));
        kept.map_err(|cause| {
            let _ = std::fs::remove_file(&part);
            BenchError::write(&self.kept, cause)
        })
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, ArmError> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder);
    output(command, "git", &format!("git {}", arguments.first().copied().unwrap_or_default()))
}

/// What a tool wrote to standard output.
fn output(mut command: Command, program: &'static str, what: &str) -> Result<String, ArmError> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|source| ArmError::NoTool { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = words.lines().collect();
    let words = lines[lines.len().saturating_sub(TOOL_WORDS)..].join("\n");
    Err(ArmError::Tool { what: what.to_owned(), words })
}

/// Adds a line to a file; returns when it is on disk.
pub(super) fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}
