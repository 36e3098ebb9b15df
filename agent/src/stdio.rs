//! The stream to the controller: this process's standard input and output, taken away from everyone else.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;

use edgebench_agent_core::{Transport, TransportError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Unbuffered: frames are written whole, and reads are large.
pub(crate) struct Stdio {
    input: File,
    output: File,
}

impl Stdio {
    /// Keeps both streams for frames, and turns whatever is printed to standard output from now on to standard error:
    /// a stray print must not damage the protocol.
    pub(crate) fn take_over() -> Result<Self, TransportError> {
        let input = std::io::stdin().as_fd().try_clone_to_owned().map_err(|error| broken("stdin", &error))?;
        let output =
            std::io::stdout().as_fd().try_clone_to_owned().map_err(|error| broken("stdout", &error))?;
        rustix::stdio::dup2_stdout(std::io::stderr()).map_err(|error| broken("stdout", &error.into()))?;
        Ok(Self { input: input.into(), output: output.into() })
    }
}

impl Transport for Stdio {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        loop {
            match self.input.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result.map_err(|error| broken("stdin", &error)),
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.output.write_all(bytes).map_err(|error| broken("stdout", &error))
    }

    /// The controller holds the other ends of two pipes. When it is killed, the kernel closes them: input hangs up with
    /// nothing left to read, output has no reader.
    fn peer_is_gone(&mut self) -> bool {
        let mut streams =
            [PollFd::new(&self.input, PollFlags::IN), PollFd::new(&self.output, PollFlags::empty())];
        if poll(&mut streams, Some(&Timespec::default())).is_err() {
            return false;
        }
        let [input, output] = streams.map(|stream| stream.revents());
        let unread = input.contains(PollFlags::IN);
        (input.intersects(PollFlags::HUP | PollFlags::ERR) && !unread)
            || output.intersects(PollFlags::HUP | PollFlags::ERR)
    }
}

fn broken(stream: &str, error: &std::io::Error) -> TransportError {
    TransportError(format!("{stream}: {error}"))
}
