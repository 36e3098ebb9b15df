//! `bench`: parse, run, exit.
#![forbid(unsafe_code)]

use clap::Parser;
use edgebench_harness::cli::Cli;

fn main() -> std::process::ExitCode {
    Cli::parse().execute()
}
