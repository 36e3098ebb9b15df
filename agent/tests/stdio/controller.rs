//! The controller's half, as small as it can be: every wait has a deadline, so that a hanging agent fails a test.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use edgebench_wire::{
    Decoder, Digest, Limits, MAX_CHUNK_BYTES, PROTOCOL_VERSION, Reply, Request, RunOptions, encode,
};

/// Longer than anything asked for takes, also on a busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    decoder: Decoder,
}

/// How an agent ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    /// Time from asking for its end.
    pub(crate) after: Duration,
}

impl Agent {
    /// Starts an agent and says nothing yet.
    pub(crate) fn start(store: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_edgebench-agent"))
            .arg("--store")
            .arg(store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the agent starts");
        let mut stdout = child.stdout.take().expect("piped");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { input: child.stdin.take(), child, output, decoder: Decoder::new() }
    }

    /// Starts an agent and greets it.
    pub(crate) fn greeted(store: &Path) -> Self {
        let mut agent = Self::start(store);
        let reply = agent.ask(&Request::Hello { protocol: PROTOCOL_VERSION });
        assert!(matches!(reply, Reply::Hello(_)), "{reply:?}");
        agent
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&mut self, request: &Request) {
        let mut bytes = Vec::new();
        encode(request, &mut bytes).expect("small enough");
        self.send_bytes(&bytes);
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("still open");
        input.write_all(bytes).and_then(|()| input.flush()).expect("the agent reads");
    }

    /// The next reply; none when the agent has closed its output.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(reply) = self.decoder.next().expect("standard output holds frames only") {
                return Some(reply);
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.decoder.push(&bytes),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("the agent is silent"),
            }
        }
    }

    /// All replies to a request, the closing one last.
    pub(crate) fn ask_all(&mut self, request: &Request) -> Vec<Reply> {
        self.send(request);
        let mut replies = Vec::new();
        loop {
            replies.push(self.reply().expect("the agent answers"));
            if !matches!(replies.last(), Some(Reply::Samples { .. } | Reply::Predictions { .. })) {
                return replies;
            }
        }
    }

    /// The closing reply to a request.
    pub(crate) fn ask(&mut self, request: &Request) -> Reply {
        self.ask_all(request).pop().expect("at least one")
    }

    /// Sends a file in pieces.
    pub(crate) fn put(&mut self, content: &[u8]) -> Reply {
        let (digest, total_bytes) = (digest(content), content.len() as u64);
        let mut last = None;
        for (index, chunk) in content.chunks(MAX_CHUNK_BYTES).enumerate() {
            let offset = (index * MAX_CHUNK_BYTES) as u64;
            last = Some(self.ask(&Request::Put { digest, total_bytes, offset, chunk: chunk.to_vec() }));
        }
        last.expect("a file with content")
    }

    /// Begins a file and leaves it unfinished.
    pub(crate) fn put_half(&mut self, content: &[u8]) -> Reply {
        let chunk = content[..content.len() / 2].to_vec();
        self.ask(&Request::Put {
            digest: digest(content),
            total_bytes: content.len() as u64,
            offset: 0,
            chunk,
        })
    }

    /// Sends the first `pieces` of a file, without listening to what is answered. Returns the bytes sent.
    pub(crate) fn put_unheard(&mut self, content: &[u8], pieces: u32) -> usize {
        let (digest, total_bytes) = (digest(content), content.len() as u64);
        let mut sent = 0;
        for chunk in content.chunks(MAX_CHUNK_BYTES).take(pieces as usize) {
            self.send(&Request::Put { digest, total_bytes, offset: sent as u64, chunk: chunk.to_vec() });
            sent += chunk.len();
        }
        sent
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the agent runs");
    }

    /// Waits for the end of the process. What it still says is read.
    pub(crate) fn ended(mut self) -> Ended {
        let start = Instant::now();
        while self.reply().is_some() {}
        assert_eq!(self.decoder.pending_bytes(), 0, "whole frames only");
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the agent is ours") {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "the agent does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut stderr = String::new();
        let pipe = self.child.stderr.as_mut().expect("piped");
        pipe.read_to_string(&mut stderr).expect("text");
        Ended { status, stderr, after: start.elapsed() }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn digest(content: &[u8]) -> Digest {
    Digest(*blake3::hash(content).as_bytes())
}

pub(crate) fn open(model: &[u8], kernels: &str) -> Request {
    Request::Open { model: digest(model), options: RunOptions { threads: 1, kernels: kernels.into() } }
}

/// A measurement that takes longer than any test waits.
pub(crate) fn endless() -> Request {
    let limits = |min_runs| Limits { min_runs, min_micros: 0, max_micros: 3_600_000_000 };
    Request::Measure { pack: None, warmup: limits(1), steady: limits(u32::MAX) }
}
