//! Damages model files and counts what becomes of them: `mutants [--mutants N] [--seed S] [--from I] FILE...`
//!
//! Each mutant is loaded, prepared and run once in a child process that has 10 s of the processor for it and may use
//! 256 MiB beside the file. A child works through many and says after each how it went, so that one that dies or hangs
//! is known by the last line. The outcome is a table, and a line for every mutant that broke something.
#![forbid(unsafe_code)]

mod child;
mod count;
#[path = "../../tests/networks/mutate.rs"]
mod mutate;
mod parent;
#[path = "../../tests/networks/random.rs"]
#[expect(dead_code, reason = "the tests that share it use more of it")]
mod random;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::count::Table;

/// What is asked for.
struct Arguments {
    mutants: u64,
    seed: u64,
    from: u64,
    /// Whether this process is the one that runs them.
    child: bool,
    files: Vec<PathBuf>,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self { mutants: 1000, seed: 1, from: 0, child: false, files: Vec::new() };
        while let Some(word) = words.next() {
            let mut number = || {
                let value = words.next().and_then(|value| value.parse().ok());
                value.ok_or_else(|| format!("{word}: expected a number"))
            };
            match word.as_str() {
                "--mutants" => read.mutants = number()?,
                "--seed" => read.seed = number()?,
                "--from" => read.from = number()?,
                "--child" => read.child = true,
                file => read.files.push(file.into()),
            }
        }
        Ok(read)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Whether nothing broke.
fn run() -> Result<bool, String> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let mut table = Table::default();
    for path in &arguments.files {
        let file = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if arguments.child {
            child::work(&file, arguments.seed, arguments.from..arguments.mutants);
        } else {
            parent::work(path, file.len(), &arguments, &mut table)?;
        }
    }
    if !arguments.child {
        print!("{table}");
    }
    Ok(!table.is_broken())
}
