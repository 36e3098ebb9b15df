//! The agent for Linux and Android: one session with a controller over standard input and output.
//!
//! What a session does is `agent/core`'s business; here are the streams, the clock, the machine's figures and the
//! folder of files. Standard output carries frames and nothing else; whatever there is to say goes to standard error.
#![forbid(unsafe_code)]

mod arguments;
mod clock;
mod emulated;
mod machine;
mod stdio;
mod store;

use std::path::Path;
use std::process::ExitCode;

use edgebench_agent_core::{Clock, Device, Identity, Meter, serve};

use crate::arguments::Command;

/// The controller broke off, or its stream is damaged.
const EXIT_BROKEN: u8 = 1;
/// The arguments or the store folder cannot be used.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve { store, counter: None }) => {
            session(&store, &mut clock::Monotonic::start(), &mut machine::Machine::here())
        }
        Ok(Command::Serve { store, counter: Some(file) }) => counting(&store, &file),
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
fn counting(folder: &Path, counter: &Path) -> ExitCode {
    match emulated::Counting::start(counter) {
        Ok(mut clock) => session(folder, &mut clock, &mut emulated::Nothing),
        Err(error) => fail(EXIT_USAGE, &error),
    }
}

fn session(folder: &Path, clock: &mut dyn Clock, meter: &mut dyn Meter) -> ExitCode {
    let mut store = match store::FolderStore::open(folder) {
        Ok(store) => store,
        Err(error) => return fail(EXIT_USAGE, &error),
    };
    let mut transport = match stdio::Stdio::take_over() {
        Ok(transport) => transport,
        Err(error) => return fail(EXIT_BROKEN, &error),
    };
    let device = Device { transport: &mut transport, clock, meter, store: &mut store };
    let identity = Identity {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        target: env!("EDGEBENCH_TARGET").to_owned(),
    };
    match serve(device, &identity) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => fail(EXIT_BROKEN, &error),
    }
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("edgebench-agent: {error}");
    ExitCode::from(code)
}
