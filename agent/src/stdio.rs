//! The stream to the controller: this process's standard input and output, taken away from everyone else.
//!
//! A thread reads what comes, so that it is known when the controller was last heard while a model runs. With a limit of
//! patience another thread shows the controller that this process lives, and ends it when nothing is heard any more:
//! a link may break without either side being told, and a single run of a large model may take minutes.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use edgebench_agent_core::{Transport, TransportError};
use edgebench_wire::{Reply, encode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Bytes asked of standard input at once.
const READ_BYTES: usize = 64 * 1024;

/// Pieces that were read and wait: so much of an upload is taken in advance.
const WAITING_PIECES: usize = 16;

/// How often the watching thread looks. Rarely: it may share a processor with what is measured.
const LOOK: Duration = Duration::from_secs(1);

/// The lease is renewed at every so many looks: seldom enough for a memory card.
const RENEW_LOOKS: u32 = 5;

/// Life is shown when nothing was sent for so long. Measuring sends its samples more often than that.
const SHOW_LIFE: Duration = Duration::from_secs(2);

/// How long the session has to end by itself when its input has ended.
const LEAVING: Duration = Duration::from_secs(2);

/// Whole frames in, whole frames out.
pub(crate) struct Stdio {
    pieces: Receiver<Result<Vec<u8>, TransportError>>,
    piece: Vec<u8>,
    taken: usize,
    shared: Arc<Shared>,
}

/// What the threads know of each other.
struct Shared {
    output: Mutex<File>,
    start: Instant,
    /// Milliseconds since `start` of the last word from the controller, and of the last one to it.
    heard: AtomicU64,
    sent: AtomicU64,
    /// Pieces that were read and not yet received.
    waiting: AtomicU64,
    ended: AtomicBool,
}

impl Shared {
    fn now_millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn since(&self, moment: &AtomicU64) -> Duration {
        Duration::from_millis(self.now_millis().saturating_sub(moment.load(Ordering::Relaxed)))
    }
}

impl Stdio {
    /// Keeps both streams for frames, and turns whatever is printed to standard output from now on to standard error:
    /// a stray print must not damage the protocol. With `patience` the process ends when the controller is not heard
    /// for so long; `renew` is called now and then as long as it goes on.
    pub(crate) fn take_over(
        patience: Option<Duration>,
        renew: impl FnMut() + Send + 'static,
    ) -> Result<Self, TransportError> {
        let input = std::io::stdin().as_fd().try_clone_to_owned().map_err(|error| broken("stdin", &error))?;
        let output =
            std::io::stdout().as_fd().try_clone_to_owned().map_err(|error| broken("stdout", &error))?;
        rustix::stdio::dup2_stdout(std::io::stderr()).map_err(|error| broken("stdout", &error.into()))?;
        let shared = Arc::new(Shared {
            output: Mutex::new(output.into()),
            start: Instant::now(),
            heard: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let (sender, pieces) = sync_channel(WAITING_PIECES);
        let theirs = Arc::clone(&shared);
        thread("reader", move || read(input.into(), &sender, &theirs))?;
        if let Some(patience) = patience {
            let theirs = Arc::clone(&shared);
            thread("watch", move || watch(&theirs, patience, renew))?;
        }
        Ok(Self { pieces, piece: Vec::new(), taken: 0, shared })
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), TransportError> {
    let started = std::thread::Builder::new().name(name.to_owned()).stack_size(128 * 1024).spawn(work);
    started.map(drop).map_err(|error| broken(name, &error))
}

/// Hands on what comes on standard input until it ends.
fn read(mut input: File, pieces: &SyncSender<Result<Vec<u8>, TransportError>>, shared: &Shared) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let piece = match input.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(count) => Ok(buffer.get(..count).unwrap_or_default().to_vec()),
            Err(error) => Err(broken("stdin", &error)),
        };
        let over = !piece.as_ref().is_ok_and(|bytes| !bytes.is_empty());
        shared.heard.store(shared.now_millis(), Ordering::Relaxed);
        shared.waiting.fetch_add(1, Ordering::Relaxed);
        shared.ended.store(over, Ordering::Relaxed);
        if pieces.send(piece).is_err() || over {
            return;
        }
    }
}

/// Shows life, renews the lease, and ends the process when there is nobody to work for.
fn watch(shared: &Shared, patience: Duration, mut renew: impl FnMut()) {
    let mut alive = Vec::new();
    // A message without content always fits.
    let _ = encode(&Reply::Alive, &mut alive);
    for look in 1u32.. {
        std::thread::sleep(LOOK);
        let limit = if shared.ended.load(Ordering::Relaxed) { LEAVING } else { patience };
        if shared.since(&shared.heard) > limit {
            eprintln!(
                "edgebench-agent: stdin: expected word of the controller within {} s, found none",
                limit.as_secs()
            );
            std::process::exit(i32::from(crate::EXIT_BROKEN));
        }
        if look.is_multiple_of(RENEW_LOOKS) {
            renew();
        }
        if shared.since(&shared.sent) >= SHOW_LIFE {
            show_life(shared, &alive);
        }
    }
}

/// Whoever is writing shows life enough; and a pipe that is full has nobody who would see it.
fn show_life(shared: &Shared, alive: &[u8]) {
    let mut output = match shared.output.try_lock() {
        Ok(output) => output,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    let mut stream = [PollFd::new(&*output, PollFlags::OUT)];
    let ready = poll(&mut stream, Some(&Timespec::default()));
    let has_room = ready.is_ok() && stream.iter().all(|stream| stream.revents().contains(PollFlags::OUT));
    if has_room && output.write_all(alive).is_ok() {
        shared.sent.store(shared.now_millis(), Ordering::Relaxed);
    }
}

impl Transport for Stdio {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        if self.taken == self.piece.len() {
            // Without a sender the input has ended and its end was received before.
            self.piece = self.pieces.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
            self.taken = 0;
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        let rest = self.piece.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        let mut output = self.shared.output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        output.write_all(bytes).map_err(|error| broken("stdout", &error))?;
        self.shared.sent.store(self.shared.now_millis(), Ordering::Relaxed);
        Ok(())
    }

    /// The controller holds the other ends of two pipes. When it is killed, the kernel closes them: input ends with
    /// nothing left to read, output has no reader.
    fn peer_is_gone(&mut self) -> bool {
        // The end itself is the last piece that waits.
        let unread = self.taken < self.piece.len() || self.shared.waiting.load(Ordering::Relaxed) > 1;
        if self.shared.ended.load(Ordering::Relaxed) && !unread {
            return true;
        }
        let output = self.shared.output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut stream = [PollFd::new(&*output, PollFlags::empty())];
        poll(&mut stream, Some(&Timespec::default())).is_ok()
            && stream.iter().any(|stream| stream.revents().intersects(PollFlags::HUP | PollFlags::ERR))
    }
}

fn broken(stream: &str, error: &std::io::Error) -> TransportError {
    TransportError(format!("{stream}: {error}"))
}
