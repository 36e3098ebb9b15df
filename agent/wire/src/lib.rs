//! Messages, framing and version of the protocol between controller and agent.
//!
//! One protocol over any byte stream: a child's stdio, an ssh channel, adb, a serial line. This crate knows how
//! messages look and how they are cut out of a stream; what they do is `agent/core`'s and the controller's business.
//!
//! `CHANGELOG.md` tells the versions; `tests/golden/messages.txt` holds the bytes of every message.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod frame;
mod message;

pub use frame::{Decoder, FrameError, MAX_FRAME_BYTES, MAX_RAW_OUTPUT_BYTES, encode};
pub use message::*;

/// Raised by every change of the messages that is not a new variant at the end of an enum.
pub const PROTOCOL_VERSION: u16 = 1;

/// Most runs that a [`Request::Profile`] looks at: what they took is kept until the last one.
pub const MAX_PROFILED_RUNS: u32 = 1000;

/// Most bytes of a file in one [`Request::Put`].
pub const MAX_CHUNK_BYTES: usize = 256 * 1024;
