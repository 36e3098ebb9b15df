//! What a device brings. The only doors through which the state machine sees the world.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use edgebench_interpreter::Workers;
use edgebench_wire::{Condition, Digest};

use crate::network::Peer;

/// Everything that a session needs of the device it runs on.
pub struct Device<'d> {
    /// The stream to the controller.
    pub transport: &'d mut dyn Transport,
    /// What times runs.
    pub clock: &'d mut dyn Clock,
    /// What looks at the machine and at the agent itself.
    pub meter: &'d mut dyn Meter,
    /// Where files are kept.
    pub store: &'d mut dyn Store,
    /// A runtime beside ours, where there is one.
    pub peer: Option<&'d mut dyn Peer>,
    /// Threads, where there can be several.
    pub crew: Option<&'d mut dyn Crew>,
}

/// Who answers, as [`edgebench_wire::Hello`] tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Version of the agent's package.
    pub agent_version: String,
    /// Target triple it was built for.
    pub target: String,
}

/// A byte stream in both directions, in order and without loss; damage is found by the framing.
pub trait Transport {
    /// Waits for bytes and puts some at the beginning of `buffer`. Returns how many; 0 when the stream has ended.
    ///
    /// # Errors
    /// When the stream is broken.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError>;

    /// Sends all of `bytes` now.
    ///
    /// # Errors
    /// When the stream is broken.
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError>;

    /// Whether it is known, without waiting, that nobody will read an answer any more. Asked during long work.
    fn peer_is_gone(&mut self) -> bool {
        false
    }
}

/// Why a stream is broken: place, expected and found in one line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// A monotonic clock.
pub trait Clock {
    /// Nanoseconds since a moment that stays the same during a session.
    fn now_nanos(&mut self) -> u64;

    /// What runs are measured by where their time means nothing, as under an emulator. Time then only bounds them.
    fn counter(&mut self) -> Option<&mut dyn Counter> {
        None
    }
}

/// Counts the instructions that this thread executes.
pub trait Counter {
    /// Counting begins behind this.
    fn start(&mut self);

    /// Instructions since [`Counter::start`].
    ///
    /// # Errors
    /// When no count came.
    fn stop(&mut self) -> Result<u64, CounterError>;
}

/// Why there is no count: place, expected and found in one line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct CounterError(pub String);

/// Threads that share the operators of a network.
pub trait Crew {
    /// Most threads that there can be, the one that asks included.
    fn most(&self) -> u16;

    /// So many threads, the one that asks included.
    ///
    /// # Errors
    /// When the system does not give them.
    fn hire(&mut self, threads: u16) -> Result<Arc<dyn Workers>, CrewError>;
}

/// Why there are no threads: place, expected and found in one line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct CrewError(pub String);

/// Figures about the machine and the agent. What cannot be read is absent, never guessed.
pub trait Meter {
    /// Processor time that the agent has used since it started, over all its threads.
    fn cpu_nanos(&mut self) -> Option<u64>;

    /// Largest resident set of the agent since it started.
    fn peak_rss_bytes(&mut self) -> Option<u64>;

    /// How the machine is now.
    fn condition(&mut self) -> Condition;

    /// Lasting properties of the machine by name, as in [`edgebench_wire::Facts::properties`].
    fn properties(&mut self) -> Vec<(String, String)>;
}

/// Files under the hashes of their contents. Whether a content has its hash is checked by the state machine.
pub trait Store {
    /// The file of that name, or none when it is not there.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open(&mut self, digest: &Digest) -> Result<Option<Box<dyn StoredFile>>, StoreError>;

    /// Begins to receive a file, and forgets one that was begun before and not kept.
    ///
    /// # Errors
    /// When there is no room for `total_bytes` or nothing can be written.
    fn begin(&mut self, digest: &Digest, total_bytes: u64) -> Result<(), StoreError>;

    /// Adds to the file that was begun.
    ///
    /// # Errors
    /// When nothing was begun, there is no room, or nothing can be written.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Makes the file that was begun, whose hash has been verified, lasting and visible under its name, at once and
    /// whole.
    ///
    /// # Errors
    /// When nothing was begun or it cannot be made lasting.
    fn keep(&mut self) -> Result<(), StoreError>;

    /// Forgets the file that was begun, if any.
    fn discard(&mut self);

    /// Takes a file out that does not have the hash of its name, so that a sound one can be sent. Nothing happens when
    /// it is not there.
    ///
    /// # Errors
    /// When it cannot be taken out.
    fn remove(&mut self, digest: &Digest) -> Result<(), StoreError>;
}

/// A file of the store, open for reading. Its content stays as it was when it was opened.
pub trait StoredFile {
    /// Length of the file.
    fn len_bytes(&self) -> u64;

    /// Fills `into` with what stands at `offset`.
    ///
    /// # Errors
    /// When the file is shorter or cannot be read.
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> Result<(), StoreError>;

    /// The whole content where it lies in memory anyway, as flash does on a microcontroller.
    fn in_memory(&self) -> Option<&[u8]> {
        None
    }
}

/// What a store could not do: place, expected and found in one line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);
