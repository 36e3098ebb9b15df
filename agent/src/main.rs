//! The agent for Linux and Android: one session with a controller over standard input and output.
//!
//! What a session does is `agent/core`'s business; here are the streams, the clock, the machine's figures and the
//! folder of files. Standard output carries frames and nothing else; whatever there is to say goes to standard error.
#![forbid(unsafe_code)]

mod arguments;
mod clock;
mod crew;
mod emulated;
mod lease;
mod machine;
#[cfg(feature = "litert")]
mod peer;
mod stdio;
mod store;

use std::path::Path;
use std::process::ExitCode;

use edgebench_agent_core::{Clock, Crew, Device, Identity, Meter, Peer, serve};

use crate::arguments::{Command, Serve};
use crate::lease::{Lease, LeaseError};

/// The controller broke off, or its stream is damaged.
const EXIT_BROKEN: u8 = 1;
/// The arguments or the store folder cannot be used.
const EXIT_USAGE: u8 = 2;
/// The device is used by somebody else.
const EXIT_BUSY: u8 = 3;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(serve)) => match &serve.counter {
            None => session(&serve, &mut clock::Monotonic::start(), &mut machine::Machine::here()),
            Some(file) => counting(&serve, file),
        },
        Ok(Command::Version) => {
            println!("edgebench-agent {} {}", env!("CARGO_PKG_VERSION"), env!("EDGEBENCH_TARGET"));
            ExitCode::SUCCESS
        }
        Ok(Command::Help) => {
            print!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Err(error) => fail(EXIT_USAGE, &error),
    }
}

/// A session in an emulator that counts instructions for us.
fn counting(asked: &Serve, counter: &Path) -> ExitCode {
    match emulated::Counting::start(counter) {
        Ok(mut clock) => session(asked, &mut clock, &mut emulated::Nothing),
        Err(error) => fail(EXIT_USAGE, &error),
    }
}

fn session(asked: &Serve, clock: &mut dyn Clock, meter: &mut dyn Meter) -> ExitCode {
    let mut store = match store::FolderStore::open(&asked.store) {
        Ok(store) => store,
        Err(error) => return fail(EXIT_USAGE, &error),
    };
    let lease = match asked.lease.as_deref().map(|token| Lease::take(&asked.store, token, &asked.owner)) {
        Some(Err(error @ LeaseError::Held { .. })) => return fail(EXIT_BUSY, &error),
        Some(Err(error)) => return fail(EXIT_USAGE, &error),
        taken => taken.and_then(Result::ok),
    };
    if let Err(error) = asked.cpus.as_deref().map_or(Ok(()), machine::run_on) {
        return fail(EXIT_USAGE, &format_args!("--cpus: {error}"));
    }
    let root = machine::Root::real();
    let _frequency = match machine::hold(&root, &asked.store, &asked.frequency) {
        Ok(held) => held,
        Err(error) => return fail(EXIT_USAGE, &error),
    };
    if asked.patience.is_some() {
        eprintln!("edgebench-agent: process {}", std::process::id());
    }
    let mut transport = match stdio::Stdio::take_over(asked.patience, move || renew(lease.as_ref())) {
        Ok(transport) => transport,
        Err(error) => return fail(EXIT_BROKEN, &error),
    };
    let mut peer = match peer(asked) {
        Ok(peer) => peer,
        Err(error) => return fail(EXIT_USAGE, &error),
    };
    let peer = peer.as_mut().map(|peer| peer.as_mut() as &mut dyn Peer);
    // Instructions are counted on one thread only.
    let mut processors = crew::Processors::new(asked.cpus.clone());
    let crew = asked.counter.is_none().then_some(&mut processors as &mut dyn Crew);
    let device = Device { transport: &mut transport, clock, meter, store: &mut store, peer, crew };
    let identity = Identity {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        target: env!("EDGEBENCH_TARGET").to_owned(),
    };
    match serve(device, &identity) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => fail(EXIT_BROKEN, &error),
    }
}

/// The runtime beside ours that was asked for.
#[cfg(feature = "litert")]
fn peer(asked: &Serve) -> Result<Option<Box<dyn Peer>>, &'static str> {
    Ok(asked.litert.as_deref().map(|path| Box::new(peer::LiteRt::at(path)) as Box<dyn Peer>))
}

/// Static programs cannot open libraries.
#[cfg(not(feature = "litert"))]
fn peer(asked: &Serve) -> Result<Option<Box<dyn Peer>>, &'static str> {
    if asked.litert.is_some() { Err("--litert: this agent was built without LiteRT") } else { Ok(None) }
}

/// Keeps the lease; ends this process when it went to somebody else.
fn renew(lease: Option<&Lease>) {
    if let Some(Err(error @ LeaseError::Held { .. })) = lease.map(Lease::renew) {
        eprintln!("edgebench-agent: {error}");
        std::process::exit(i32::from(EXIT_BUSY));
    }
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("edgebench-agent: {error}");
    ExitCode::from(code)
}
