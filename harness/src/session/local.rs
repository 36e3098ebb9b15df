//! This machine as a device: the agent as a child process, spoken to over its standard input and output.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, Command};
use tokio::time::timeout;

use super::remote;
use super::{AgentFlags, Doing, Guard, Life, Link, Output, Reach, SILENCE, SessionError, Word};
use crate::build::AgentBinary;

/// How much of what the agent wrote to standard error is kept.
const LAST_WORDS_BYTES: usize = 2048;

/// How long a process whose stream broke is given to be reaped before we say what became of it.
const REAPING: Duration = Duration::from_millis(500);

/// How long the last work on this machine may take.
const RESTING: Duration = Duration::from_secs(8);

/// Agents on the controller itself, with their store in a folder.
#[derive(Clone, Debug)]
pub struct Local {
    store: PathBuf,
    flags: AgentFlags,
}

impl Local {
    /// Agents that keep their files in `store`.
    pub fn new(store: PathBuf, flags: AgentFlags) -> Self {
        Self { store, flags }
    }
}

impl Reach for Local {
    /// It is here already.
    fn deploy<'a>(&'a self, _agent: &'a AgentBinary) -> Doing<'a, u64> {
        Box::pin(async { Ok(0) })
    }

    fn start<'a>(&'a self, agent: &'a AgentBinary) -> Doing<'a, Link> {
        Box::pin(async {
            let mut command = Command::new(&agent.path);
            command.arg("--store").arg(&self.store).args(self.flags.arguments());
            Ok(Link { silence: Some(SILENCE), ..Child::start(&mut command)? })
        })
    }

    fn run<'a>(&'a self, words: &'a [Word], patience: Duration) -> Doing<'a, Output> {
        Box::pin(async move {
            let [program, arguments @ ..] = words else { return Ok(Output::default()) };
            let mut command = Command::new(program.text());
            command.args(arguments.iter().map(Word::text)).stdin(Stdio::null()).kill_on_drop(true);
            let failed = |source| SessionError::Start { what: program.text().to_owned(), source };
            match timeout(patience, command.output()).await {
                Ok(output) => Ok(output.map_err(failed)?.into()),
                Err(_) => Err(failed(std::io::ErrorKind::TimedOut.into())),
            }
        })
    }

    /// Frequencies that a killed agent left are put back.
    fn rest(&self) -> Life<'_, ()> {
        Box::pin(async {
            if self.flags.frequency.is_some()
                && let Ok(words) = remote::put_back(&self.store.display().to_string())
            {
                let _ = self.run(&words, RESTING).await;
            }
        })
    }

    fn clean(&self) -> Doing<'_, ()> {
        Box::pin(async {
            let words = remote::put_back(&self.store.display().to_string())?;
            let restored = self.run(&words, RESTING).await?;
            if restored.code != Some(0) {
                return Err(remote::refused("this machine", &restored));
            }
            match tokio::fs::remove_dir_all(&self.store).await {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    Err(SessionError::File { path: self.store.display().to_string(), source })
                }
                _ => Ok(()),
            }
        })
    }
}

/// An agent that is a child of the controller, in a process group of its own, so that a terminal's Ctrl-C reaches the
/// controller only and everything the child started ends with it. Also what other programs' streams, such as those of
/// an emulator, are held by.
pub struct Child {
    child: tokio::process::Child,
    group: Option<Pid>,
    last_words: Arc<Mutex<Vec<u8>>>,
}

impl Child {
    /// Starts a command whose standard input and output are an agent's.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(command: &mut Command) -> Result<Link, SessionError> {
        let what = Path::new(command.as_std().get_program()).display().to_string();
        let failed = |source| SessionError::Start { what: what.clone(), source };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let missing = || failed(std::io::Error::other("its standard streams are not connected"));
        let reader = child.stdout.take().ok_or_else(missing)?;
        let writer = child.stdin.take().ok_or_else(missing)?;
        let last_words = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(listen(stderr, Arc::clone(&last_words)));
        }
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let guard = Box::new(Self { child, group, last_words });
        Ok(Link { reader: Box::new(reader), writer: Box::new(writer), guard, silence: None, counts: false })
    }

    fn kill(&mut self) {
        // A reaped process has no id any more: its number may already belong to somebody else.
        if let (Some(group), Some(_)) = (self.group, self.child.id()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Guard for Child {
    fn obituary(&mut self) -> Life<'_, Option<String>> {
        Box::pin(async {
            let status = timeout(REAPING, self.child.wait()).await.ok()?.ok()?;
            // The reader of standard error has seen its end once the process is gone; give its task a turn.
            tokio::task::yield_now().await;
            let last_words = self.last_words.lock().map(|bytes| last_line(&bytes)).unwrap_or_default();
            Some(if last_words.is_empty() { how(status) } else { format!("{}: {last_words}", how(status)) })
        })
    }

    fn end(&mut self, patience: Duration) -> Life<'_, ()> {
        Box::pin(async move {
            if timeout(patience, self.child.wait()).await.is_err() {
                self.kill();
                let _ = self.child.wait().await;
            }
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn listen(mut stderr: ChildStderr, last_words: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let Ok(mut kept) = last_words.lock() else { return };
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(LAST_WORDS_BYTES);
        kept.drain(..surplus);
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rev().map(str::trim).find(|line| remote::is_told(line)).unwrap_or_default().to_owned()
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (_, Some(signal)) => format!("killed by signal {signal}"),
        (Some(code), None) => format!("exited with code {code}"),
        (None, None) => "ended".to_owned(),
    }
}
