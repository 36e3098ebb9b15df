//! Requests in, replies out, over a transport. Knows frames, not what they ask.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_wire::{Decoder, FailureKind, FrameError, Reply, Request, encode};

use crate::device::{Transport, TransportError};
use crate::failure::failed;

/// Bytes asked of the transport at once.
const READ_BYTES: usize = 64 * 1024;

/// Why a session ended without the controller's leave.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Nothing can be sent or received any more.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// What arrives is no longer the protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The stream ended inside a message.
    #[error("stream: expected the rest of a message, found its end after {pending_bytes} bytes")]
    Cut {
        /// Bytes of the message that had arrived.
        pending_bytes: usize,
    },
    /// The controller went away while its request was worked on.
    #[error("stream: expected a controller that reads answers, found that it is gone")]
    Gone,
}

pub(crate) struct Channel<'d> {
    transport: &'d mut dyn Transport,
    decoder: Decoder,
    read_buffer: Vec<u8>,
    write_buffer: Vec<u8>,
}

impl<'d> Channel<'d> {
    pub(crate) fn new(transport: &'d mut dyn Transport) -> Self {
        let read_buffer = vec![0; READ_BYTES];
        Self { transport, decoder: Decoder::new(), read_buffer, write_buffer: Vec::new() }
    }

    /// The next request; none when the stream ended between two. A message that is no request is answered here.
    pub(crate) fn receive(&mut self) -> Result<Option<Request>, SessionError> {
        loop {
            match self.decoder.next() {
                Ok(Some(request)) => return Ok(Some(request)),
                Ok(None) => {}
                Err(error) => {
                    self.complain(error)?;
                    continue;
                }
            }
            let count = self.transport.receive(&mut self.read_buffer)?;
            match (count, self.decoder.pending_bytes()) {
                (0, 0) => return Ok(None),
                (0, pending_bytes) => return Err(SessionError::Cut { pending_bytes }),
                _ => self.decoder.push(self.read_buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    /// Sends a reply. One that is too large for a frame is replaced by a failure that says so.
    pub(crate) fn send(&mut self, reply: &Reply) -> Result<(), SessionError> {
        self.write_buffer.clear();
        if let Err(error) = encode(reply, &mut self.write_buffer) {
            encode(&Reply::Failed(failed(FailureKind::Data, error)), &mut self.write_buffer)?;
        }
        self.transport.send(&self.write_buffer)?;
        Ok(())
    }

    /// Whether work for this controller is still worth doing.
    pub(crate) fn check_peer(&mut self) -> Result<(), SessionError> {
        if self.transport.peer_is_gone() { Err(SessionError::Gone) } else { Ok(()) }
    }

    /// Tells the controller what is wrong with its bytes; ends the session when nothing behind them can be read.
    fn complain(&mut self, error: FrameError) -> Result<(), SessionError> {
        let told = self.send(&Reply::Failed(failed(FailureKind::Protocol, error.to_string())));
        if error.stream_is_intact() { told } else { Err(error.into()) }
    }
}
