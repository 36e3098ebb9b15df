//! The process that may die: makes mutants, runs each and writes a line of what became of it.

use std::io::Write;
use std::ops::Range;
use std::panic::catch_unwind;
use std::time::Instant;

use edgebench_interpreter::{Interpreter, Model, Options, Problem};

use crate::count::{Line, Outcome};
use crate::mutate::Mutants;

/// What the interpreter may take beside the file: the limit of the process, less what the process itself needs.
const INTERPRETER_LIMIT_BYTES: usize = 224 << 20;

/// Runs the mutants of `indices`.
pub(crate) fn work(file: &[u8], seed: u64, indices: Range<u64>) {
    let mutants = Mutants::of(file, seed);
    let mut stdout = std::io::stdout().lock();
    for index in indices {
        let bytes = mutants.make(index);
        forget_peak();
        let start = Instant::now();
        let outcome = catch_unwind(|| run_once(&bytes)).unwrap_or(Outcome::Crashed);
        let micros = start.elapsed().as_micros() as u64;
        let line = Line { index, outcome, micros, peak_kib: peak_kib() };
        let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        if written.is_err() {
            return;
        }
    }
}

fn run_once(bytes: &[u8]) -> Outcome {
    let Ok(model) = Model::load(bytes) else { return Outcome::Refused };
    let options = Options { memory_limit_bytes: INTERPRETER_LIMIT_BYTES, ..Options::default() };
    match Interpreter::new(&model, &options) {
        Err(error) => match error.0.problem {
            Problem::Limit { what: "memory in bytes", .. } => Outcome::NoMemory,
            _ if error.to_string().contains("of memory") => Outcome::NoMemory,
            _ => Outcome::Refused,
        },
        Ok(mut interpreter) => match interpreter.invoke() {
            Ok(()) => Outcome::Ran,
            Err(_) => Outcome::Stopped,
        },
    }
}

/// Lets the kernel count the peak of resident memory anew (proc(5), `clear_refs` 5).
fn forget_peak() {
    // Without it the peak of all mutants so far is reported for each: still an upper bound.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Peak of resident memory; 0 where the system does not tell.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
