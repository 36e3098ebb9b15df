//! Carries bytes between an agent on a device and the protocol's client: an ssh channel on one side, a local socket on
//! the other, one thread for both, so that libssh2's session is never touched by two. Knows nothing of frames.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Channel};

use super::connection::{Connection, KEEP_ALIVE};
use crate::session::remote::{PROCESS_MARK, is_told};

/// Bytes that wait in each direction at most.
const BUFFER_BYTES: usize = 256 * 1024;

/// Longest sleep: how soon a wish to end is noticed.
const NAP: Duration = Duration::from_millis(250);

/// How long an agent whose input has ended may take to leave, before it is killed.
const LEAVING: Duration = Duration::from_secs(2);

/// How much of what the agent wrote to standard error is kept.
const LAST_WORDS_BYTES: usize = 2048;

/// What is known of an agent on a device, for whoever holds its link.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    words: Vec<u8>,
    ended: Option<String>,
    shall_end: bool,
}

impl Notes {
    /// How the agent ended, once it has.
    pub(super) fn ending(&self) -> Option<String> {
        self.with(|known| known.ended.clone())
    }

    /// Asks the pump to end the agent.
    pub(super) fn ask_to_end(&self) {
        self.with(|known| known.shall_end = true);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn hear(&self, bytes: &[u8]) {
        self.with(|known| {
            known.words.extend_from_slice(bytes);
            let surplus = known.words.len().saturating_sub(LAST_WORDS_BYTES);
            known.words.drain(..surplus);
        });
    }

    fn end(&self, how: &str) {
        self.with(|known| {
            let words = String::from_utf8_lossy(&known.words);
            let last = words.lines().rev().map(str::trim).find(|line| is_told(line));
            let how = last.map_or_else(|| how.to_owned(), |line| format!("{how}: {line}"));
            known.ended.get_or_insert(how);
        });
    }

    fn process(&self) -> Option<u32> {
        self.with(|known| {
            let words = String::from_utf8_lossy(&known.words);
            words.lines().find_map(|line| line.strip_prefix(PROCESS_MARK)?.trim().parse().ok())
        })
    }
}

/// Which of the two ends is over.
enum Over {
    /// The agent closed its output.
    Agent,
    /// The client let its link go, or wants the agent to end.
    Client,
}

/// Carries bytes until one side is over. The connection can be used again when this succeeds.
///
/// # Errors
/// When the connection broke; the notes say so too.
pub(super) fn pump(
    connection: &Connection,
    mut channel: Channel,
    local: &UnixStream,
    notes: &Notes,
) -> io::Result<()> {
    let session = &connection.session;
    session.set_blocking(false);
    let carried = Pump { connection, channel: &mut channel, local, notes }.run();
    let done = carried.and_then(|over| {
        session.set_blocking(true);
        close(connection, &mut channel, notes, &over)
    });
    if let Err(error) = &done {
        notes.end(&format!("connection lost: {error}"));
        // What libssh2 may still want to send when channel and session are dropped must not wait for anybody.
        let _ = connection.socket.shutdown(Shutdown::Both);
    }
    let _ = local.shutdown(Shutdown::Both);
    done
}

/// Ends the channel in order and notes how the agent ended; kills an agent that does not end by itself.
fn close(connection: &Connection, channel: &mut Channel, notes: &Notes, over: &Over) -> io::Result<()> {
    if matches!(over, Over::Client) {
        channel.send_eof()?;
        if !ended_in(connection, channel, LEAVING)? {
            if let Some(process) = notes.process() {
                kill(connection, process)?;
            }
            ended_in(connection, channel, LEAVING)?;
        }
    }
    channel.close()?;
    channel.wait_close()?;
    let signal = channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
    let code = channel.exit_status().unwrap_or_default();
    notes.end(
        &signal.map_or_else(
            || format!("exited with code {code}"),
            |signal| format!("killed by signal {signal}"),
        ),
    );
    Ok(())
}

/// Whether the agent closes its output in time. What it still says is read and forgotten.
fn ended_in(connection: &Connection, channel: &mut Channel, patience: Duration) -> io::Result<bool> {
    let until = Instant::now() + patience;
    connection.session.set_blocking(false);
    let mut buffer = [0; 4096];
    let ended = loop {
        match channel.read(&mut buffer) {
            Ok(0) if channel.eof() => break true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
        if Instant::now() >= until {
            break false;
        }
    };
    connection.session.set_blocking(true);
    Ok(ended)
}

fn kill(connection: &Connection, process: u32) -> io::Result<()> {
    let mut channel = connection.session.channel_session()?;
    channel.exec(&format!("kill -KILL {process}"))?;
    channel.wait_eof()?;
    channel.close()?;
    Ok(channel.wait_close()?)
}

struct Pump<'p> {
    connection: &'p Connection,
    channel: &'p mut Channel,
    local: &'p UnixStream,
    notes: &'p Notes,
}

impl Pump<'_> {
    fn run(mut self) -> io::Result<Over> {
        self.local.set_nonblocking(true)?;
        let (mut to_client, mut to_agent) = (Vec::new(), Vec::new());
        let mut kept_alive = Instant::now();
        loop {
            self.hear_complaints()?;
            let agent_is_over = take(&mut self.channel, &mut to_client)? && self.channel.eof();
            let client_is_over = take(&mut self.local, &mut to_agent).unwrap_or(true);
            // A client that is gone is noticed by its own end of the stream.
            if give(&mut self.local, &mut to_client).is_err() {
                to_client.clear();
            }
            give(&mut self.channel, &mut to_agent)?;
            if agent_is_over && to_client.is_empty() {
                self.hear_complaints()?;
                return Ok(Over::Agent);
            }
            if client_is_over || self.notes.with(|known| known.shall_end) {
                return Ok(Over::Client);
            }
            if kept_alive.elapsed() >= KEEP_ALIVE {
                would_block_is_fine(self.connection.session.keepalive_send().map(drop).map_err(Into::into))?;
                kept_alive = Instant::now();
            }
            self.wait(&to_client, &to_agent)?;
        }
    }

    fn hear_complaints(&mut self) -> io::Result<()> {
        let mut buffer = [0; 1024];
        loop {
            match self.channel.stderr().read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.notes.hear(buffer.get(..count).unwrap_or_default()),
                Err(error) => return would_block_is_fine(Err(error)),
            }
        }
    }

    /// Sleeps until one side has something, or something that waits can be sent.
    fn wait(&self, to_client: &[u8], to_agent: &[u8]) -> io::Result<()> {
        let outbound = matches!(
            self.connection.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        );
        let flags = |read: bool, write: bool| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, read);
            flags.set(PollFlags::OUT, write);
            flags
        };
        let remote = flags(to_client.len() < BUFFER_BYTES, outbound);
        let local = flags(to_agent.len() < BUFFER_BYTES, !to_client.is_empty());
        let mut both = [
            PollFd::from_borrowed_fd(self.connection.socket.as_fd(), remote),
            PollFd::from_borrowed_fd(self.local.as_fd(), local),
        ];
        let nap = Timespec::try_from(NAP).unwrap_or_default();
        match poll(&mut both, Some(&nap)) {
            Err(error) if error != rustix::io::Errno::INTR => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Reads what is there, up to the buffer's limit. Whether the stream has ended.
fn take(from: &mut impl Read, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 32 * 1024];
    while into.len() < BUFFER_BYTES {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(count) => into.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) => return would_block_is_fine(Err(error)).map(|()| false),
        }
    }
    Ok(false)
}

/// Writes what can be written now.
fn give(to: &mut impl Write, from: &mut Vec<u8>) -> io::Result<()> {
    while !from.is_empty() {
        match to.write(from) {
            Ok(0) => return Ok(()),
            Ok(count) => drop(from.drain(..count)),
            Err(error) => return would_block_is_fine(Err(error)),
        }
    }
    Ok(())
}

fn would_block_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
        other => other,
    }
}
