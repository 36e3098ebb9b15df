//! Conversations with agents. [`Client`] speaks the protocol over any byte stream; one file a transport opens such a
//! stream. Nothing here knows plans, cells or records.

mod client;
mod local;

use std::time::Duration;

use edgebench_wire::{Failure, FrameError};
use tokio::io::{AsyncRead, AsyncWrite};

pub use client::{Client, Measurement};
pub use local::LocalLink;

/// A byte stream to a fresh agent. Dropping the guard ends the agent, whatever it is doing.
pub struct Link {
    /// What the agent writes.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What the agent reads.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The other end's life.
    pub guard: Guard,
}

/// Holds the agent's life: one variant a transport.
pub enum Guard {
    /// A child process and its process group.
    Local(Box<LocalLink>),
}

impl Guard {
    /// What is known of how the other end went, after the stream broke. Waits briefly for a process to be reaped.
    pub async fn obituary(&mut self) -> Option<String> {
        let Self::Local(link) = self;
        link.obituary().await
    }

    /// Waits for an orderly end; ends the agent by force when it takes longer than `patience`.
    pub async fn end(&mut self, patience: Duration) {
        let Self::Local(link) = self;
        link.end(patience).await;
    }
}

/// What can go wrong in a conversation.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
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

impl SessionError {
    /// The name of the stage that failed, as records have it.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Start { .. } => "connect",
            Self::File { .. } => "deploy",
            Self::Gone { doing, .. }
            | Self::Silent { doing, .. }
            | Self::Frame { doing, .. }
            | Self::Unexpected { doing, .. }
            | Self::Failed { doing, .. } => client::stage_of(doing),
        }
    }
}
