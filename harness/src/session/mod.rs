//! Conversations with agents. [`Client`] speaks the protocol over any byte stream; one file a transport implements
//! [`Reach`], which brings the agent's program to a device and opens such a stream. Nothing here knows plans, cells or
//! records.

mod adb;
mod believable;
mod client;
mod emulated;
mod local;
mod remote;
mod ssh;
mod word;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use edgebench_wire::{Failure, FrameError};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::artifact::Cache;
use crate::build::{self, AgentBinary, BuildError};
use crate::inventory::{Device, Transport};

pub use adb::{Adb, AdbProblem};
pub use believable::Unbelievable;
pub use client::{Client, Measurement};
pub use emulated::{Emulated, Emulator};
pub use local::{Child, Local};
pub use remote::{AgentFlags, SILENCE};
pub use ssh::{HostKeyError, PASSWORD_VARIABLE, Ssh};
pub use word::{NulInWord, Word, command_line};

/// Something that goes on at a device and may go wrong.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, SessionError>> + Send + 'a>>;

/// Something that goes on and cannot go wrong.
pub type Life<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The way to one device. One implementation a transport; every wait in it has an end.
pub trait Reach: Send + Sync {
    /// Makes sure that the agent's program is on the device, whole and executable: it is there under its hash, or it is
    /// sent to a part file, checked and renamed. Returns the number of bytes sent.
    fn deploy<'a>(&'a self, agent: &'a AgentBinary) -> Doing<'a, u64>;

    /// Starts a fresh agent of a program that was deployed.
    fn start<'a>(&'a self, agent: &'a AgentBinary) -> Doing<'a, Link>;

    /// Whether the device answers and is the one that is meant, before anything is made for it. Sends nothing of ours
    /// and asks for no password.
    fn knock(&self) -> Doing<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Runs a short command on the device to its end.
    fn run<'a>(&'a self, words: &'a [Word], patience: Duration) -> Doing<'a, Output>;

    /// What only the transport knows of the device: properties by name, beside those the agent tells.
    fn properties(&self) -> Doing<'_, Vec<(String, String)>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Takes away everything of ours on the device: agents and received files.
    fn clean(&self) -> Doing<'_, ()>;

    /// Waits, for a short time, until nothing of ours goes on at the device any more.
    fn rest(&self) -> Life<'_, ()> {
        Box::pin(async {})
    }
}

/// The way to a device of the inventory. `store` is a folder on the controller for what a local agent receives; the
/// cache holds what is made once; `lease` is the owner that another user of the device is shown, and the word that makes
/// it ours; `litert` is LiteRT's library on the controller, for local agents that shall run networks in it.
///
/// # Errors
/// When its transport is not part of this build, or what stands in for the device is missing.
pub fn reach(
    device: &Device,
    cache: &Cache,
    store: &Path,
    lease: (String, String),
    litert: Option<&Path>,
) -> Result<Arc<dyn Reach>, SessionError> {
    let flags = AgentFlags {
        cpus: device.cpus.clone(),
        frequency: device.frequency.clone(),
        ..AgentFlags::default()
    };
    let leased = || AgentFlags { lease: Some(lease.clone()), ..flags.clone() };
    match &device.transport {
        Transport::Local => Ok(Arc::new(Local::new(
            store.to_owned(),
            AgentFlags { litert: litert.map(Path::to_owned), ..flags },
        ))),
        Transport::Ssh(ssh) => Ok(Arc::new(Ssh::new(ssh, leased())?)),
        Transport::Adb { serial } => Ok(Arc::new(Adb::new(serial.as_deref(), leased())?)),
        Transport::Emulated { cpu } => {
            let emulator = Emulator::find(device.agent_target())?;
            let plugin = build::counter(cache, emulator.interface)?;
            Ok(Arc::new(Emulated::new(emulator, cpu, &plugin, store.to_owned())))
        }
        Transport::Qemu { .. } => Err(SessionError::NoTransport { name: device.transport.name() }),
    }
}

/// Whether devices of this transport can be reached at all, before anything is made for them.
///
/// # Errors
/// When not.
pub fn can_reach(transport: &Transport) -> Result<(), SessionError> {
    match transport {
        Transport::Local | Transport::Ssh(_) | Transport::Adb { .. } | Transport::Emulated { .. } => Ok(()),
        other => Err(SessionError::NoTransport { name: other.name() }),
    }
}

/// What a short command came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Output {
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote, at most some kilobytes.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A byte stream to a fresh agent. Dropping it ends the agent, whatever it is doing.
pub struct Link {
    /// What the agent writes.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What the agent reads.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The other end's life.
    pub guard: Box<dyn Guard>,
    /// How long an agent that shows life by itself may be silent; none for one that only answers.
    pub silence: Option<Duration>,
    /// Whether samples are instructions, as an emulator counts them: they are then no times and are not checked as such.
    pub counts: bool,
}

/// Holds the agent's life: when it is dropped, the agent ends.
pub trait Guard: Send {
    /// What is known of how the other end went, after the stream broke. Waits briefly for a process to be reaped.
    fn obituary(&mut self) -> Life<'_, Option<String>>;

    /// Waits for an orderly end; ends the agent by force when it takes longer than `patience`.
    fn end(&mut self, patience: Duration) -> Life<'_, ()>;
}

/// What can go wrong in a conversation.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Devices of this transport cannot be reached.
    #[error("transport {name} is not part of this build yet")]
    NoTransport {
        /// The word in `devices.toml`.
        name: &'static str,
    },
    /// The way to the device needs something that is not spoken here.
    #[error("{place}: {what} is not supported")]
    Unsupported {
        /// Where it is asked for.
        place: String,
        /// What.
        what: String,
    },
    /// The device is not known to be the one that is meant.
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
    /// The device does not let us in.
    #[error("{place}: login refused; it takes {offered}, tried {tried}")]
    Login {
        /// User, name and port.
        place: String,
        /// Ways that the device takes.
        offered: String,
        /// What was tried.
        tried: String,
    },
    /// The device refused something of ours.
    #[error("{place}: command failed with code {code}: {said}")]
    Device {
        /// User, name and port.
        place: String,
        /// Exit code of the command.
        code: i32,
        /// The last line it wrote.
        said: String,
    },
    /// Something that cannot be said to a device.
    #[error(transparent)]
    Word(#[from] NulInWord),
    /// Nothing on this machine can stand in for the device.
    #[error("nothing emulates {target}: {reason}")]
    NoEmulator {
        /// Target of its agent.
        target: String,
        /// What was looked at, and what it lacks.
        reason: String,
    },
    /// The emulator's counter cannot be made.
    #[error("cannot count instructions")]
    NoCounter(#[from] BuildError),
    /// A phone cannot be used.
    #[error("phone {place}: {problem}")]
    Adb {
        /// Its serial number.
        place: String,
        /// Why not.
        problem: AdbProblem,
    },
    /// The agent could not be started or reached.
    #[error("cannot start {what}")]
    Start {
        /// The program or address.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The stream ended or broke while an answer was due.
    #[error("agent went away while {doing}{}", obituary.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Gone {
        /// What was being done.
        doing: &'static str,
        /// Exit status and last words, as far as known.
        obituary: Option<String>,
    },
    /// No answer came in time.
    #[error("agent did not answer for {} s while {doing}", waited.as_secs())]
    Silent {
        /// What was being done.
        doing: &'static str,
        /// How long it was waited for.
        waited: Duration,
    },
    /// What came is not our protocol.
    #[error("agent's stream is damaged while {doing}: {source}")]
    Frame {
        /// What was being done.
        doing: &'static str,
        /// What was wrong.
        source: FrameError,
    },
    /// A message came that does not answer the request.
    #[error("agent answered {found} while {doing}")]
    Unexpected {
        /// What was being done.
        doing: &'static str,
        /// The message.
        found: String,
    },
    /// What the agent told cannot be so.
    #[error("agent is not believed while {doing}: {source}")]
    Unbelievable {
        /// What was being done.
        doing: &'static str,
        /// What was told, and what would be possible.
        source: Unbelievable,
    },
    /// The agent says that it could not be done.
    #[error("{}", failure.message)]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// The agent's own words.
        failure: Failure,
    },
    /// A file to send could not be read, or one that came could not be written.
    #[error("cannot use {path}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// The stage of a device that is not taken for the one that is meant.
pub const STAGE_TRUST: &str = "trust";

impl SessionError {
    /// Whether the same might go well when it is tried again: the way to the device failed, not the device.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Start { .. } | Self::Gone { .. } | Self::Silent { .. } | Self::Frame { .. })
    }

    /// The name of the stage that failed, as records have it.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::NoTransport { .. }
            | Self::Unsupported { .. }
            | Self::Login { .. }
            | Self::Word(_)
            | Self::NoEmulator { .. }
            | Self::NoCounter(_)
            | Self::Adb { .. }
            | Self::Start { .. } => "connect",
            Self::HostKey(_) => STAGE_TRUST,
            Self::File { .. } | Self::Device { .. } => "deploy",
            Self::Gone { doing, .. }
            | Self::Silent { doing, .. }
            | Self::Frame { doing, .. }
            | Self::Unexpected { doing, .. }
            | Self::Unbelievable { doing, .. }
            | Self::Failed { doing, .. } => client::stage_of(doing),
        }
    }
}
