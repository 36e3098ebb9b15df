//! Devices over ssh: one thread and one connection a device, opened when it is needed and again when it broke. The
//! agent runs as the command of a channel; its standard input and output are the protocol's stream.
//!
//! What a device needs: a POSIX shell with mkdir, cat, chmod, mv, rm and sha256sum (busybox has them). Everything of
//! ours there is below one folder in the home of the user.

mod config;
mod connection;
mod host_key;
mod login;
mod pump;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use self::connection::{Address, Connection};
use self::pump::{Notes, pump};
use super::{
    AgentFlags, Doing, Guard, Life, Link, Output, Reach, SILENCE, SessionError, Word, command_line, remote,
};
use crate::build::AgentBinary;
use crate::inventory;

pub use host_key::HostKeyError;
pub use login::PASSWORD_VARIABLE;

/// Most that is kept of what a short command writes.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;

/// For whatever a device is asked for: connecting, an upload of some megabytes over a slow line.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long the end of an agent that went away is waited for.
const REAPING: Duration = Duration::from_secs(3);

/// How long the end of everything is waited for.
const RESTING: Duration = Duration::from_secs(8);

/// Bytes that are written to a channel at once: small packets cost a round trip each.
const PIECE_BYTES: usize = 256 * 1024;

type Job = Box<dyn FnOnce(&mut Line) + Send>;

/// The way to one device over ssh.
pub struct Ssh {
    place: String,
    jobs: Sender<Job>,
    flags: AgentFlags,
}

impl Ssh {
    /// Connects when something is asked for, not now.
    ///
    /// # Errors
    /// When `~/.ssh/config` asks for a way to the device that is not spoken here.
    pub fn new(ssh: &inventory::Ssh, flags: AgentFlags) -> Result<Self, SessionError> {
        let address = Address::of(ssh)?;
        let place = address.place();
        let (jobs, waiting) = channel::<Job>();
        let thread = std::thread::Builder::new().name(place.clone());
        thread
            .spawn(move || work(Line { address, connection: None }, &waiting))
            .map_err(|source| SessionError::Start { what: place.clone(), source })?;
        Ok(Self { place, jobs, flags })
    }

    /// Has the device's thread do something, and waits for what comes of it.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Line) -> Result<T, SessionError> + Send + 'static,
    ) -> Result<T, SessionError> {
        let (sender, answer) = oneshot::channel();
        let job = Box::new(move |line: &mut Line| drop(sender.send(work(line))));
        let gone = || self.failed(std::io::ErrorKind::BrokenPipe);
        self.jobs.send(job).map_err(|_| gone())?;
        match timeout(PATIENCE, answer).await {
            Ok(answer) => answer.map_err(|_| gone())?,
            Err(_) => Err(self.failed(std::io::ErrorKind::TimedOut)),
        }
    }

    fn failed(&self, kind: std::io::ErrorKind) -> SessionError {
        SessionError::Start { what: self.place.clone(), source: kind.into() }
    }
}

/// The thread of a device: one thing after the other until nobody asks any more.
fn work(mut line: Line, waiting: &Receiver<Job>) {
    while let Ok(job) = waiting.recv() {
        job(&mut line);
    }
}

impl Reach for Ssh {
    fn deploy<'a>(&'a self, agent: &'a AgentBinary) -> Doing<'a, u64> {
        Box::pin(async move {
            let file = |source| SessionError::File { path: agent.path.display().to_string(), source };
            let program = tokio::fs::read(&agent.path).await.map_err(file)?;
            let sum: String = Sha256::digest(&program).iter().map(|byte| format!("{byte:02x}")).collect();
            let (check, store) = (remote::check(agent, &sum)?, remote::store(agent, &sum)?);
            let sent = self.ask(move |line| {
                if line.run(&check, &[])?.code == Some(0) {
                    return Ok((0, Output::default()));
                }
                line.run(&store, &program).map(|output| (program.len() as u64, output))
            });
            let (bytes, output) = sent.await?;
            if bytes > 0 && output.code != Some(0) {
                return Err(remote::refused(&self.place, &output));
            }
            Ok(bytes)
        })
    }

    fn start<'a>(&'a self, agent: &'a AgentBinary) -> Doing<'a, Link> {
        Box::pin(async move {
            // The shell becomes the agent: otherwise it would stand between the agent and the end of the channel.
            let command = format!("exec {}", command_line(&remote::agent(agent, &self.flags)?));
            let notes = Notes::default();
            let (sender, answer) = oneshot::channel();
            let theirs = notes.clone();
            let job = Box::new(move |line: &mut Line| line.carry(&command, sender, &theirs));
            self.jobs.send(job).map_err(|_| self.failed(std::io::ErrorKind::BrokenPipe))?;
            let stream = match timeout(PATIENCE, answer).await {
                Ok(Ok(stream)) => stream?,
                Ok(Err(_)) => return Err(self.failed(std::io::ErrorKind::BrokenPipe)),
                Err(_) => return Err(self.failed(std::io::ErrorKind::TimedOut)),
            };
            let broken = |source| SessionError::Start { what: self.place.clone(), source };
            stream.set_nonblocking(true).map_err(broken)?;
            let (reader, writer) = tokio::net::UnixStream::from_std(stream).map_err(broken)?.into_split();
            let guard = Box::new(Held { notes });
            Ok(Link {
                reader: Box::new(reader),
                writer: Box::new(writer),
                guard,
                silence: Some(SILENCE),
                counts: false,
            })
        })
    }

    fn knock(&self) -> Doing<'_, ()> {
        Box::pin(self.ask(|line| match &line.connection {
            Some(_) => Ok(()),
            None => Connection::introduced(&line.address).map(drop),
        }))
    }

    fn run<'a>(&'a self, words: &'a [Word], patience: Duration) -> Doing<'a, Output> {
        let words = words.to_vec();
        Box::pin(async move {
            match timeout(patience, self.ask(move |line| line.run(&words, &[]))).await {
                Ok(output) => output,
                Err(_) => Err(self.failed(std::io::ErrorKind::TimedOut)),
            }
        })
    }

    fn clean(&self) -> Doing<'_, ()> {
        Box::pin(async {
            let put_back = remote::put_back(&remote::store_folder())?;
            let output = self.ask(move |line| {
                let restored = line.run(&put_back, &[])?;
                // The note is all that is known of what was there.
                if restored.code == Some(0) { line.run(&remote::clean(), &[]) } else { Ok(restored) }
            });
            let output = output.await?;
            if output.code == Some(0) { Ok(()) } else { Err(remote::refused(&self.place, &output)) }
        })
    }

    /// Whatever the thread still does for us, such as ending an agent, is done after this. A device that is away has
    /// its lease lapse by itself.
    fn rest(&self) -> Life<'_, ()> {
        let release = self.flags.lease.as_ref().and_then(|(_, token)| remote::release(token).ok());
        let put_back =
            self.flags.frequency.as_ref().and_then(|_| remote::put_back(&remote::store_folder()).ok());
        Box::pin(async {
            let done = self.ask(|line| {
                let left = put_back.into_iter().chain(release).filter(|_| line.connection.is_some());
                left.collect::<Vec<_>>().iter().try_for_each(|words| line.run(words, &[]).map(drop))
            });
            let _ = timeout(RESTING, done).await;
        })
    }
}

/// The device's connection, as its thread has it.
struct Line {
    address: Address,
    connection: Option<Connection>,
}

impl Line {
    /// Runs a command with some input to its end. A connection that broke while nobody used it is opened once more.
    fn run(&mut self, words: &[Word], input: &[u8]) -> Result<Output, SessionError> {
        let command = command_line(words);
        let fresh = self.connection.is_none();
        match self.run_once(&command, input) {
            Err(SessionError::Start { .. }) if !fresh => self.run_once(&command, input),
            done => done,
        }
    }

    fn run_once(&mut self, command: &str, input: &[u8]) -> Result<Output, SessionError> {
        let what = self.address.place();
        let connection = self.connected()?;
        let done = exec(connection, command, input);
        done.map_err(|source| {
            self.connection = None;
            SessionError::Start { what, source }
        })
    }

    fn connected(&mut self) -> Result<&Connection, SessionError> {
        let open = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.address)?,
        };
        Ok(self.connection.insert(open))
    }

    /// Starts an agent, hands its stream out, and carries bytes until it is over.
    fn carry(
        &mut self,
        command: &str,
        sender: oneshot::Sender<Result<UnixStream, SessionError>>,
        notes: &Notes,
    ) {
        let started = self.begin(command).or_else(|_| {
            // The connection may have been lost since the last use.
            self.connection = None;
            self.begin(command)
        });
        let (channel, ours, theirs) = match started {
            Ok(started) => started,
            Err(error) => return drop(sender.send(Err(error))),
        };
        let Some(connection) = &self.connection else { return };
        if sender.send(Ok(theirs)).is_err() {
            // Nobody waits any more; the pump sees it and ends the agent.
            notes.ask_to_end();
        }
        if pump(connection, channel, &ours, notes).is_err() {
            self.connection = None;
        }
    }

    fn begin(&mut self, command: &str) -> Result<(ssh2::Channel, UnixStream, UnixStream), SessionError> {
        let what = self.address.place();
        let broken = |source: std::io::Error| SessionError::Start { what: what.clone(), source };
        let connection = self.connected()?;
        connection.session.set_blocking(true);
        let mut channel = connection.session.channel_session().map_err(|error| broken(error.into()))?;
        channel.exec(command).map_err(|error| broken(error.into()))?;
        let (ours, theirs) = UnixStream::pair().map_err(broken)?;
        Ok((channel, ours, theirs))
    }
}

/// Runs one command on an open connection.
fn exec(connection: &Connection, command: &str, input: &[u8]) -> std::io::Result<Output> {
    connection.session.set_blocking(true);
    let mut channel = connection.session.channel_session()?;
    channel.exec(command)?;
    let written = input.chunks(PIECE_BYTES).try_for_each(|piece| channel.write_all(piece));
    // A command that refuses its input early is understood by what it says.
    let _ = written.and_then(|()| channel.flush());
    channel.send_eof()?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    (&mut channel).take(MAX_OUTPUT_BYTES).read_to_end(&mut stdout)?;
    channel.stderr().take(MAX_OUTPUT_BYTES).read_to_end(&mut stderr)?;
    channel.close()?;
    channel.wait_close()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Output { code: Some(channel.exit_status()?), stdout: text(stdout), stderr: text(stderr) })
}

/// The life of an agent on the device. Dropping it has the pump see the end of the stream, which ends the agent.
struct Held {
    notes: Notes,
}

impl Held {
    async fn ending(&self, patience: Duration) -> Option<String> {
        let until = Instant::now() + patience;
        loop {
            match self.notes.ending() {
                None if Instant::now() < until => sleep(Duration::from_millis(20)).await,
                known => return known,
            }
        }
    }
}

impl Guard for Held {
    fn obituary(&mut self) -> Life<'_, Option<String>> {
        Box::pin(self.ending(REAPING))
    }

    fn end(&mut self, patience: Duration) -> Life<'_, ()> {
        Box::pin(async move {
            if self.ending(patience).await.is_none() {
                self.notes.ask_to_end();
                let _ = self.ending(REAPING * 2).await;
            }
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.notes.ask_to_end();
    }
}
