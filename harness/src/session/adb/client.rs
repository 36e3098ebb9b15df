//! Running `adb`: with a time limit on everything, and with a server that is started again when it no longer answers.
//! Knows no scripts and no agents.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::devices::{AdbProblem, choose, listed};
use crate::build::program;
use crate::session::{Output, SessionError};

/// Longest wait for what the server answers by itself.
const SERVER: Duration = Duration::from_secs(15);

/// How long a phone on the network is given to show up behind `adb connect`.
const CONNECTING: Duration = Duration::from_secs(10);

/// Pause between two looks at the list of devices.
const LOOK: Duration = Duration::from_millis(250);

/// The client, and the phone that it is used for.
#[derive(Clone, Debug)]
pub(super) struct Client {
    program: PathBuf,
    serial: Option<String>,
}

impl Client {
    pub(super) fn find(serial: Option<&str>) -> Result<Self, SessionError> {
        let problem = || SessionError::Adb { place: "adb".to_owned(), problem: AdbProblem::NoClient };
        let program = program("adb").ok_or_else(problem)?;
        Ok(Self { program, serial: serial.map(str::to_owned) })
    }

    /// `adb`, for our phone, with these arguments. Without a shell: each argument arrives as it is.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(serial) = &self.serial {
            command.args(["-s", serial]);
        }
        command.args(arguments).kill_on_drop(true);
        command
    }

    /// Runs `adb` to its end.
    async fn run(&self, mut command: Command, patience: Duration) -> Result<Output, SessionError> {
        let failed = |source| SessionError::Start { what: self.program.display().to_string(), source };
        command.stdin(Stdio::null());
        match timeout(patience, command.output()).await {
            Ok(output) => Ok(output.map_err(failed)?.into()),
            Err(_) => Err(self.problem(AdbProblem::Silent { waited: patience })),
        }
    }

    /// A line for the phone's shell, to its end; whatever its exit code is.
    pub(super) async fn shell(&self, line: &str, patience: Duration) -> Result<Output, SessionError> {
        let output = self.run(self.command(&["shell", "-T", line]), patience).await?;
        match AdbProblem::said(&output.stderr) {
            Some(problem) if output.code == Some(1) => Err(self.problem(problem)),
            _ => Ok(output),
        }
    }

    /// A command of `adb` that must succeed.
    pub(super) async fn done(&self, arguments: &[&str], patience: Duration) -> Result<Output, SessionError> {
        let output = self.run(self.command(arguments), patience).await?;
        if output.code == Some(0) { Ok(output) } else { Err(self.refused(&output)) }
    }

    /// The phone did not do what it was told.
    pub(super) fn refused(&self, output: &Output) -> SessionError {
        let problem = AdbProblem::said(&output.stderr).unwrap_or_else(|| AdbProblem::Refused {
            said: last_line(&output.stderr)
                .or(last_line(&output.stdout))
                .unwrap_or_else(|| "nothing".to_owned()),
        });
        self.problem(problem)
    }

    fn problem(&self, problem: AdbProblem) -> SessionError {
        let place = self.serial.clone().unwrap_or_else(|| "the attached phone".to_owned());
        SessionError::Adb { place, problem }
    }

    /// Makes sure that there is exactly one phone that is meant and that it can be talked to.
    pub(super) async fn ready(&self) -> Result<(), SessionError> {
        match self.state().await? {
            Err(AdbProblem::Unknown { .. } | AdbProblem::Offline) if self.on_network() => {
                self.connect().await
            }
            Err(problem) => Err(self.problem(problem)),
            Ok(()) => Ok(()),
        }
    }

    async fn state(&self) -> Result<Result<(), AdbProblem>, SessionError> {
        Ok(choose(&listed(&self.list().await?), self.serial.as_deref()))
    }

    /// The list of devices. A server that does not answer is started again, once: what hangs in it hangs for everybody.
    async fn list(&self) -> Result<String, SessionError> {
        let ask = |words: &[&str]| {
            let mut command = Command::new(&self.program);
            command.args(words).kill_on_drop(true);
            command
        };
        if let Ok(output) = self.run(ask(&["devices"]), SERVER).await
            && output.code == Some(0)
        {
            return Ok(output.stdout);
        }
        // Either may hang as well; what counts is whether the list comes then.
        let _ = self.run(ask(&["kill-server"]), SERVER).await;
        let _ = self.run(ask(&["start-server"]), SERVER).await;
        match self.run(ask(&["devices"]), SERVER).await {
            Ok(output) if output.code == Some(0) => Ok(output.stdout),
            Ok(output) => Err(self.refused(&output)),
            Err(_) => Err(self.problem(AdbProblem::Wedged)),
        }
    }

    /// `HOST:PORT`: a phone that is reached over TCP.
    fn on_network(&self) -> bool {
        let port = self.serial.as_ref().and_then(|serial| serial.rsplit_once(':')).map(|(_, port)| port);
        port.is_some_and(|port| port.parse::<u16>().is_ok())
    }

    async fn connect(&self) -> Result<(), SessionError> {
        let serial = self.serial.clone().unwrap_or_default();
        let mut command = Command::new(&self.program);
        command.args(["connect", &serial]).kill_on_drop(true);
        let said = self.run(command, SERVER).await?;
        let looks = CONNECTING.as_millis() / LOOK.as_millis();
        for _ in 0..looks {
            match self.state().await? {
                Ok(()) => return Ok(()),
                // The phone may be about to accept our key.
                Err(AdbProblem::Unknown { .. } | AdbProblem::Offline | AdbProblem::Unauthorized) => {
                    sleep(LOOK).await;
                }
                Err(problem) => return Err(self.problem(problem)),
            }
        }
        match self.state().await? {
            Ok(()) => Ok(()),
            Err(AdbProblem::Unknown { .. }) => Err(self.refused(&said)),
            Err(problem) => Err(self.problem(problem)),
        }
    }
}

fn last_line(text: &str) -> Option<String> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}
