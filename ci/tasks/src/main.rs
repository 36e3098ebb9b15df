//! The project's chores: `cargo run -p edgebench-tasks -- <task>`.
//!
//! Tasks are what a developer and CI both do to the repository itself; nothing here is part of the product.
#![forbid(unsafe_code)]

mod schema;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "usage: edgebench-tasks <task>

tasks:
  schema generate   write runtime/schema/src/generated/tflite.rs from tflite.fbs
  schema check      fail when the committed code differs from what flatc generates

flatc 25.12.19 is taken from $FLATC, else from .venv/bin (ci/setup puts it there), else from PATH.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> Result<()> {
    match words {
        ["schema", "generate"] => schema::generate(),
        ["schema", "check"] => schema::check(),
        ["--help" | "-h" | "help"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("no such task\n\n{USAGE}"),
    }
}
