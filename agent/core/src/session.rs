//! One conversation: requests in the order they come, one closing reply each.
//!
//! A model borrows its bytes, and an interpreter its model, so an open model is a nested conversation that ends when
//! it is closed, replaced, or the session ends.

use alloc::string::String;

use edgebench_interpreter::{Interpreter, Model};
use edgebench_wire::{Digest, Facts, FailureKind, Hello, PROTOCOL_VERSION, Reply, Request, RunOptions};

use crate::channel::{Channel, SessionError};
use crate::device::{Crew, Device, Identity, Meter, Store};
use crate::failure::{Stop, failed, mismatch};
use crate::network::{Network, Peer};
use crate::running::{Running, interpreter_options, kernel_names};
use crate::stored::load_verified;
use crate::timer::Timer;
use crate::upload::{Piece, Upload};

/// How a session ended that ended well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The controller took its leave.
    Bye,
    /// The stream ended between two requests.
    StreamEnded,
}

/// Serves one controller until it leaves.
///
/// # Errors
/// [`SessionError`] when the stream breaks; everything else is answered with [`Reply::Failed`].
pub fn serve(device: Device<'_>, identity: &Identity) -> Result<End, SessionError> {
    let mut session = Session {
        channel: Channel::new(device.transport),
        timer: Timer::new(device.clock),
        meter: device.meter,
        store: device.store,
        peer: device.peer.map(|peer| peer as &mut dyn Peer),
        crew: device.crew.map(|crew| crew as &mut dyn Crew),
        identity,
        upload: Upload::default(),
        greeted: false,
    };
    let ended = session.run();
    session.store.discard();
    ended
}

pub(crate) struct Session<'d> {
    pub(crate) channel: Channel<'d>,
    pub(crate) timer: Timer<'d>,
    pub(crate) meter: &'d mut dyn Meter,
    pub(crate) store: &'d mut dyn Store,
    peer: Option<&'d mut dyn Peer>,
    crew: Option<&'d mut dyn Crew>,
    identity: &'d Identity,
    upload: Upload,
    greeted: bool,
}

/// Why a conversation about one model, or about none, is over.
enum Turn {
    /// Another model is asked for, in the named peer or in our own runtime.
    Open { model: Digest, options: RunOptions, peer: Option<String> },
    /// No model is open any more.
    Closed,
    /// So is the session.
    Ended(End),
}

/// What a request leads to.
enum Answer {
    Nothing,
    Reply(Reply),
    Turn(Turn),
}

impl Session<'_> {
    fn run(&mut self) -> Result<End, SessionError> {
        let mut turn = Turn::Closed;
        loop {
            turn = match turn {
                Turn::Closed => self.converse(None)?,
                Turn::Open { model, options, peer } => self.open(&model, &options, peer.as_deref())?,
                Turn::Ended(end) => return Ok(end),
            };
        }
    }

    fn open(
        &mut self,
        model: &Digest,
        options: &RunOptions,
        peer: Option<&str>,
    ) -> Result<Turn, SessionError> {
        let turn = match peer {
            None => self.converse_with(model, options),
            Some(peer) => self.converse_with_peer(model, options, peer),
        };
        match turn {
            Ok(turn) => Ok(turn),
            Err(Stop::Ended(error)) => Err(error),
            Err(Stop::Refused(failure)) => {
                self.channel.send(&Reply::Failed(failure))?;
                Ok(Turn::Closed)
            }
        }
    }

    /// Loads a model, says so, and goes on with it.
    fn converse_with(&mut self, model: &Digest, options: &RunOptions) -> Result<Turn, Stop> {
        let most_threads = self.crew.as_ref().map_or(1, |crew| crew.most());
        let options = interpreter_options(options, most_threads)?;
        let content = load_verified(self.store, model)?;
        let begun = self.timer.begin()?;
        let model = Model::load(content.bytes()).map_err(|error| failed(FailureKind::Model, error))?;
        let mut interpreter =
            Interpreter::new(&model, &options).map_err(|error| failed(FailureKind::Model, error))?;
        self.hire(options.threads, &mut interpreter)?;
        let init_nanos = self.timer.end(begun)?.amount;
        self.go_on_with(&mut interpreter, init_nanos, content.bytes().len())
    }

    /// Gives a network the threads that it was prepared for.
    fn hire(&mut self, threads: usize, interpreter: &mut Interpreter<'_>) -> Result<(), Stop> {
        let threads = u16::try_from(threads).unwrap_or(u16::MAX);
        if let Some(crew) = self.crew.as_deref_mut().filter(|_| threads > 1) {
            let workers = crew.hire(threads).map_err(|error| failed(FailureKind::Model, error))?;
            interpreter.set_workers(workers);
        }
        Ok(())
    }

    /// The same in a runtime that is not ours.
    fn converse_with_peer(&mut self, model: &Digest, options: &RunOptions, name: &str) -> Result<Turn, Stop> {
        let content = load_verified(self.store, model)?;
        let begun = self.timer.begin()?;
        let peer = self.peer.as_deref_mut().filter(|peer| peer.name() == name);
        let peer = peer.ok_or_else(|| mismatch(FailureKind::Model, "runtime", "edgebench", name))?;
        let opened = peer.open(content.bytes(), options);
        let mut network = opened.map_err(|error| failed(FailureKind::Model, error))?;
        let init_nanos = self.timer.end(begun)?.amount;
        self.go_on_with(network.as_mut(), init_nanos, content.bytes().len())
    }

    fn go_on_with(
        &mut self,
        network: &mut dyn Network,
        init_nanos: u64,
        model_bytes: usize,
    ) -> Result<Turn, Stop> {
        let mut running = Running::new(network);
        self.channel.send(&Reply::Opened(running.describe(init_nanos, model_bytes)))?;
        Ok(self.converse(Some(&mut running))?)
    }

    fn converse(&mut self, mut running: Option<&mut Running<'_>>) -> Result<Turn, SessionError> {
        while let Some(request) = self.channel.receive()? {
            let reply = match self.answer(request, running.as_deref_mut()) {
                Ok(Answer::Nothing) => continue,
                Ok(Answer::Reply(reply)) => reply,
                Ok(Answer::Turn(turn)) => return Ok(turn),
                Err(Stop::Refused(failure)) => Reply::Failed(failure),
                Err(Stop::Ended(error)) => return Err(error),
            };
            self.channel.send(&reply)?;
        }
        Ok(Turn::Ended(End::StreamEnded))
    }

    fn answer(&mut self, request: Request, running: Option<&mut Running<'_>>) -> Result<Answer, Stop> {
        if !self.greeted && !matches!(request, Request::Hello { .. } | Request::Bye | Request::StillHere) {
            return Err(mismatch(FailureKind::State, "first request", "hello", "another").into());
        }
        let not_open = || mismatch(FailureKind::State, "request", "an open model", "none");
        Ok(Answer::Reply(match request {
            Request::Hello { protocol } => self.greet(protocol)?,
            Request::Stat { digest } => {
                Reply::Stat { bytes: self.store.open(&digest)?.map(|file| file.len_bytes()) }
            }
            Request::Put { digest, total_bytes, offset, chunk } => {
                self.upload.take(self.store, &Piece { digest, total_bytes, offset, chunk: &chunk })?
            }
            Request::Open { model, options } => {
                return Ok(Answer::Turn(Turn::Open { model, options, peer: None }));
            }
            Request::OpenPeer { runtime, model, options } => {
                return Ok(Answer::Turn(Turn::Open { model, options, peer: Some(runtime) }));
            }
            Request::Measure { pack, warmup, steady } => {
                self.measure(running.ok_or_else(not_open)?, pack.as_ref(), &warmup, &steady)?
            }
            Request::Evaluate { pack, first, count, top, raw_outputs } => {
                let wanted = crate::evaluate::Wanted { first, count, top, raw_outputs };
                self.evaluate(running.ok_or_else(not_open)?, &pack, &wanted)?
            }
            Request::Profile { pack, limits } => {
                self.profile(running.ok_or_else(not_open)?, pack.as_ref(), &limits)?
            }
            Request::Facts => {
                Reply::Facts(Facts { properties: self.meter.properties(), condition: self.meter.condition() })
            }
            Request::Close => return self.leave(Turn::Closed),
            Request::Bye => return self.leave(Turn::Ended(End::Bye)),
            Request::StillHere => return Ok(Answer::Nothing),
        }))
    }

    fn greet(&mut self, protocol: u16) -> Result<Reply, Stop> {
        self.greeted = protocol == PROTOCOL_VERSION;
        if !self.greeted {
            let place = "protocol version";
            return Err(mismatch(FailureKind::Protocol, place, PROTOCOL_VERSION, protocol).into());
        }
        Ok(Reply::Hello(Hello {
            protocol: PROTOCOL_VERSION,
            agent_version: self.identity.agent_version.clone(),
            target: self.identity.target.clone(),
            kernels: kernel_names(),
        }))
    }

    fn leave(&mut self, turn: Turn) -> Result<Answer, Stop> {
        self.channel.send(&Reply::Closed)?;
        Ok(Answer::Turn(turn))
    }
}
