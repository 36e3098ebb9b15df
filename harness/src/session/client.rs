//! The controller's side of the protocol: a method a request, each with a limit on how long the agent may be silent.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use edgebench_wire::{
    Decoder, Digest, Facts, Hello, Limits, MAX_CHUNK_BYTES, Measured, Opened, OperatorTimes,
    PROTOCOL_VERSION, Phase, Prediction, Reply, Request, RunOptions, encode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::believable::{self, Told, ToldOperators};
use super::{Link, SessionError};

/// How long an agent may be silent when nothing but a short answer is due.
const SHORT: Duration = Duration::from_secs(30);

/// How long an agent may take to leave after it was told to.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a model may take to load, or one example to run, on an agent that shows life meanwhile.
const WORK: Duration = Duration::from_secs(15 * 60);

/// How often an agent that works is told that its controller is there.
const STILL_HERE: Duration = Duration::from_secs(3);

/// Bytes asked of the stream at once.
const READ_BYTES: usize = 64 * 1024;

const GREETING: &str = "greeting";
const DEPLOYING: &str = "deploying";
const OPENING: &str = "opening the model";
const MEASURING: &str = "measuring";
const EVALUATING: &str = "evaluating";
const PROFILING: &str = "looking at operators";
const LEAVING: &str = "leaving";

/// The stage of a record for what the client was doing.
pub(super) fn stage_of(doing: &str) -> &'static str {
    match doing {
        DEPLOYING => "deploy",
        OPENING => "open",
        MEASURING | PROFILING => "measure",
        EVALUATING => "evaluate",
        _ => "connect",
    }
}

/// A conversation with one agent.
pub struct Client {
    link: Link,
    decoder: Decoder,
    read_buffer: Vec<u8>,
    write_buffer: Vec<u8>,
    silence: Duration,
    shows_life: bool,
    /// When the agent last heard of us.
    spoke: Instant,
    sent_bytes: u64,
    classes: Option<u64>,
}

/// Everything that came of one measurement.
#[derive(Clone, PartialEq, Debug)]
pub struct Measurement {
    /// Duration of each warm-up run in nanoseconds, the very first run in front.
    pub warmup_nanos: Vec<u64>,
    /// Duration of each run that counts.
    pub steady_nanos: Vec<u64>,
    /// The agent's own account.
    pub measured: Measured,
}

impl Client {
    /// Greets the agent at the other end of `link`. While it works, the agent may be silent for `silence` at a time.
    ///
    /// # Errors
    /// When the agent is not there, or speaks another version of the protocol.
    pub async fn greet(link: Link, silence: Duration) -> Result<(Self, Hello), SessionError> {
        let shows_life = link.silence.is_some();
        let silence = link.silence.map_or(silence, |own| own.min(silence));
        let mut client = Self {
            link,
            decoder: Decoder::new(),
            read_buffer: vec![0; READ_BYTES],
            write_buffer: Vec::new(),
            silence,
            shows_life,
            spoke: Instant::now(),
            sent_bytes: 0,
            classes: None,
        };
        let hello = match client.ask(GREETING, &Request::Hello { protocol: PROTOCOL_VERSION }, SHORT).await? {
            Reply::Hello(hello) => believable::hello(hello),
            other => return Err(unexpected(GREETING, &other)),
        };
        Ok((client, hello))
    }

    /// Bytes sent to the agent so far.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// What the machine is and how it is now.
    ///
    /// # Errors
    /// As for every request: the agent goes away, is silent for too long, or refuses.
    pub async fn facts(&mut self) -> Result<Facts, SessionError> {
        match self.ask(GREETING, &Request::Facts, SHORT).await? {
            Reply::Facts(facts) => believable::facts(facts).map_err(|source| doubt(GREETING, source)),
            other => Err(unexpected(GREETING, &other)),
        }
    }

    /// Makes sure that the agent has a file; sends it when it is missing. Returns the number of bytes sent.
    ///
    /// # Errors
    /// When the file cannot be read, or the agent refuses it.
    pub async fn deploy(&mut self, digest: Digest, path: &Path) -> Result<u64, SessionError> {
        if let Reply::Stat { bytes: Some(_) } = self.ask(DEPLOYING, &Request::Stat { digest }, SHORT).await? {
            return Ok(0);
        }
        let file = |source| SessionError::File { path: path.display().to_string(), source };
        let mut source = tokio::fs::File::open(path).await.map_err(file)?;
        let total_bytes = source.metadata().await.map_err(file)?.len();
        let mut offset = 0;
        loop {
            let mut chunk = Vec::with_capacity(MAX_CHUNK_BYTES);
            (&mut source).take(MAX_CHUNK_BYTES as u64).read_to_end(&mut chunk).await.map_err(file)?;
            let length = chunk.len() as u64;
            let reply =
                self.ask(DEPLOYING, &Request::Put { digest, total_bytes, offset, chunk }, SHORT).await?;
            offset += length;
            match reply {
                Reply::Stored { complete: true, .. } if offset == total_bytes => return Ok(offset),
                Reply::Stored { received_bytes, complete: false }
                    if length > 0 && received_bytes == offset => {}
                other => return Err(unexpected(DEPLOYING, &other)),
            }
        }
    }

    /// Loads a model that is in the agent's store.
    ///
    /// # Errors
    /// When the agent cannot load or prepare it.
    pub async fn open(&mut self, model: Digest, options: &RunOptions) -> Result<Opened, SessionError> {
        let request = Request::Open { model, options: options.clone() };
        match self.ask(OPENING, &request, WORK).await? {
            Reply::Opened(opened) => {
                self.classes = believable::classes(&opened);
                Ok(believable::opened(opened))
            }
            other => Err(unexpected(OPENING, &other)),
        }
    }

    /// Loads a model that is in the agent's store, in a runtime beside ours.
    ///
    /// # Errors
    /// When the agent has no such runtime, or it cannot load or prepare the model.
    pub async fn open_peer(
        &mut self,
        runtime: &str,
        model: Digest,
        options: &RunOptions,
    ) -> Result<Opened, SessionError> {
        let request = Request::OpenPeer { runtime: runtime.to_owned(), model, options: options.clone() };
        match self.ask(OPENING, &request, self.silence).await? {
            Reply::Opened(opened) => Ok(opened),
            other => Err(unexpected(OPENING, &other)),
        }
    }

    /// Times runs of the open model; `progress` hears the number of samples so far.
    ///
    /// # Errors
    /// When a run fails, or the agent is silent for longer than the limits allow.
    pub async fn measure(
        &mut self,
        pack: Option<Digest>,
        warmup: Limits,
        steady: Limits,
        mut progress: impl FnMut(usize),
    ) -> Result<Measurement, SessionError> {
        self.send(MEASURING, &Request::Measure { pack, warmup, steady }).await?;
        let patience = WORK + micros(warmup.max_micros) + micros(steady.max_micros);
        let mut told = Told::new(warmup, steady, self.link.counts);
        loop {
            match self.reply(MEASURING, patience).await? {
                Reply::Samples { phase, nanos } => {
                    told.add(phase, &nanos).map_err(|source| doubt(MEASURING, source))?;
                    if phase == Phase::Steady {
                        progress(told.steady_nanos.len());
                    }
                }
                Reply::Measured(measured) => {
                    told.check(&measured).map_err(|source| doubt(MEASURING, source))?;
                    let Told { warmup_nanos, steady_nanos, .. } = told;
                    return Ok(Measurement { warmup_nanos, steady_nanos, measured });
                }
                other => return Err(unexpected(MEASURING, &other)),
            }
        }
    }

    /// Runs the open model with a look at the clock between its operators; `progress` hears how many were told.
    ///
    /// # Errors
    /// As for [`measure`](Self::measure), and when the open model's runtime does not tell its operators apart.
    pub async fn profile(
        &mut self,
        pack: Option<Digest>,
        limits: Limits,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<OperatorTimes>, SessionError> {
        self.send(PROFILING, &Request::Profile { pack, limits }).await?;
        let patience = WORK + micros(limits.max_micros);
        let mut told = ToldOperators::new(limits, self.link.counts);
        loop {
            match self.reply(PROFILING, patience).await? {
                Reply::Operators { first, items } => {
                    told.add(first, items).map_err(|source| doubt(PROFILING, source))?;
                    progress(told.operators.len());
                }
                Reply::Profiled { runs } => {
                    told.check(runs).map_err(|source| doubt(PROFILING, source))?;
                    return Ok(told.operators);
                }
                other => return Err(unexpected(PROFILING, &other)),
            }
        }
    }

    /// Runs the open model once on each of these examples of a pack; `progress` hears how many are done.
    ///
    /// # Errors
    /// When the pack does not fit the model, a run fails, or predictions come out of order.
    pub async fn evaluate(
        &mut self,
        pack: Digest,
        examples: Range<u32>,
        top: u8,
        raw_outputs: bool,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Prediction>, SessionError> {
        let (start, count) = (examples.start as usize, examples.end.saturating_sub(examples.start));
        let request = Request::Evaluate { pack, first: examples.start, count, top, raw_outputs };
        self.send(EVALUATING, &request).await?;
        let mut predictions = Vec::new();
        loop {
            match self.reply(EVALUATING, WORK).await? {
                Reply::Predictions { first, items } if first as usize == start + predictions.len() => {
                    let room = count as usize - predictions.len().min(count as usize);
                    believable::predictions(&items, room, top, raw_outputs, self.classes)
                        .map_err(|source| doubt(EVALUATING, source))?;
                    predictions.extend(items);
                    progress(predictions.len());
                }
                Reply::Evaluated { count: done } if done == count && predictions.len() == count as usize => {
                    return Ok(predictions);
                }
                other => return Err(unexpected(EVALUATING, &other)),
            }
        }
    }

    /// Ends the conversation in order.
    pub async fn leave(mut self) {
        // The work is done and recorded: whatever goes wrong from here on, the guard ends the agent.
        let _ = self.ask(LEAVING, &Request::Bye, FAREWELL).await;
        self.link.guard.end(FAREWELL).await;
    }

    async fn ask(
        &mut self,
        doing: &'static str,
        request: &Request,
        patience: Duration,
    ) -> Result<Reply, SessionError> {
        self.send(doing, request).await?;
        self.reply(doing, patience).await
    }

    async fn send(&mut self, doing: &'static str, request: &Request) -> Result<(), SessionError> {
        self.write_buffer.clear();
        encode(request, &mut self.write_buffer).map_err(|source| SessionError::Frame { doing, source })?;
        let writing = async {
            self.link.writer.write_all(&self.write_buffer).await?;
            self.link.writer.flush().await
        };
        self.sent_bytes += self.write_buffer.len() as u64;
        self.spoke = Instant::now();
        match timeout(SHORT, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.gone(doing).await),
            Err(_) => Err(SessionError::Silent { doing, waited: SHORT }),
        }
    }

    /// The next message, which must come within `patience`; an agent that shows life meanwhile has so long, but may not
    /// be silent for longer than it should be. A failure that the agent reports is an error here.
    async fn reply(&mut self, doing: &'static str, patience: Duration) -> Result<Reply, SessionError> {
        let patience = if self.shows_life { patience } else { patience.min(self.silence.max(SHORT)) };
        let until = Instant::now() + patience;
        let mut heard = Instant::now();
        loop {
            let decoded = self.decoder.next::<Reply>();
            match decoded.map_err(|source| SessionError::Frame { doing, source })? {
                Some(Reply::Failed(failure)) => {
                    return Err(SessionError::Failed { doing, failure: believable::failure(failure) });
                }
                Some(Reply::Alive) => {}
                Some(reply) => return Ok(reply),
                None => {
                    let silent_at = (heard + self.silence).min(until);
                    self.hear(doing, silent_at, heard).await?;
                    heard = Instant::now();
                }
            }
            if Instant::now() >= until {
                return Err(SessionError::Silent { doing, waited: patience });
            }
        }
    }

    /// Waits for bytes, telling an agent that knows it that somebody waits.
    async fn hear(
        &mut self,
        doing: &'static str,
        until: Instant,
        since: Instant,
    ) -> Result<(), SessionError> {
        loop {
            let now = Instant::now();
            if now >= until {
                return Err(SessionError::Silent { doing, waited: now - since });
            }
            // An agent that sends all the time must hear of us all the same.
            let due = self.spoke + STILL_HERE;
            if self.shows_life && now >= due {
                self.send(doing, &Request::StillHere).await?;
                continue;
            }
            let wait = if self.shows_life { (due - now).min(until - now) } else { until - now };
            match timeout(wait, self.link.reader.read(&mut self.read_buffer)).await {
                Ok(Ok(0) | Err(_)) => return Err(self.gone(doing).await),
                Ok(Ok(count)) => {
                    self.decoder.push(&self.read_buffer[..count]);
                    return Ok(());
                }
                Err(_) => {}
            }
        }
    }

    async fn gone(&mut self, doing: &'static str) -> SessionError {
        SessionError::Gone { doing, obituary: self.link.guard.obituary().await }
    }
}

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

fn doubt(doing: &'static str, source: believable::Unbelievable) -> SessionError {
    SessionError::Unbelievable { doing, source }
}

/// A message by its name only: its content may be large.
fn unexpected(doing: &'static str, found: &Reply) -> SessionError {
    let text = format!("{found:?}");
    let name = text.split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
    SessionError::Unexpected { doing, found: name }
}
