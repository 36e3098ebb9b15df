//! The process that watches: starts children with limits, and goes on behind a mutant that broke one.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Arguments;
use crate::count::{Line, Outcome, Table};

/// How long one mutant may take (issue 3): of the processor's time, so that other work on the machine is not held against
/// it.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How long one mutant may take that does not use the processor's time either.
const PATIENCE: Duration = Duration::from_secs(600);

/// Memory that a child may have beside the file (issue 3). The address space is limited, so that memory which is taken
/// and never touched counts too.
const MEMORY_LIMIT_BYTES: u64 = 256 << 20;

/// How a child writes that memory was not there.
const ALLOCATION_FAILED: &str = "memory allocation of";

/// Runs all mutants of one file.
pub(crate) fn work(
    path: &Path,
    file_bytes: usize,
    arguments: &Arguments,
    table: &mut Table,
) -> Result<(), String> {
    let mut next = arguments.from;
    while next < arguments.mutants {
        let mut child = start(path, file_bytes, arguments, next).map_err(|error| error.to_string())?;
        let words = words(&mut child);
        let broken = follow(&mut child, &mut next, table);
        let _ = child.kill(); // It may have ended by itself.
        let status = child.wait().map_err(|error| error.to_string())?;
        let words = words.join().unwrap_or_default();
        if !words.is_empty() {
            println!("{}: {}", path.display(), words.trim_end());
        }
        let Some(mut outcome) = broken else { continue };
        if outcome == Outcome::Crashed && words.contains(ALLOCATION_FAILED) {
            outcome = Outcome::OutOfMemory;
        }
        println!("{}: mutant {next}: {}, {status}", path.display(), outcome.name());
        table.add(&Line { index: next, outcome, micros: 0, peak_kib: 0 });
        next += 1;
    }
    Ok(())
}

fn start(path: &Path, file_bytes: usize, arguments: &Arguments, from: u64) -> std::io::Result<Child> {
    let limit_kib = (MEMORY_LIMIT_BYTES + file_bytes as u64) / 1024;
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v \"$0\" && exec \"$@\""]).arg(limit_kib.to_string());
    command.arg(std::env::current_exe()?).arg("--child");
    for (flag, value) in [("--seed", arguments.seed), ("--from", from), ("--mutants", arguments.mutants)] {
        command.args([flag, &value.to_string()]);
    }
    command.arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Counts what the child reports; how it broke when it did so before its last mutant. `next` is the one it is at.
fn follow(child: &mut Child, next: &mut u64, table: &mut Table) -> Option<Outcome> {
    let lines = lines(child);
    let (mut used_before, mut since) = (Duration::ZERO, Instant::now());
    loop {
        match lines.recv_timeout(TIME_LIMIT) {
            Ok(line) => {
                *next = line.index + 1;
                (used_before, since) = (used(child).unwrap_or_default(), Instant::now());
                if line.outcome.is_broken() {
                    println!("mutant {}: {}", line.index, line.outcome.name());
                }
                table.add(&line);
            }
            Err(RecvTimeoutError::Timeout) => {
                let is_over = |used: Duration| used.saturating_sub(used_before) >= TIME_LIMIT;
                if used(child).is_none_or(is_over) || since.elapsed() >= PATIENCE {
                    return Some(Outcome::Hung);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                let fine = child.wait().is_ok_and(|status| status.success());
                return (!fine).then_some(Outcome::Crashed);
            }
        }
    }
}

/// The processor's time that a child has used (proc(5), fields 14 and 15 of `stat`); none where the system does not tell.
fn used(child: &Child) -> Option<Duration> {
    /// Of a second; the same on all of Linux's architectures (`USER_HZ`).
    const TICKS: u64 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // The second field is a name in brackets, which may hold spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().ok());
    let ticks = ticks.sum::<Option<u64>>()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

fn lines(child: &mut Child) -> Receiver<Line> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Some(line) = Line::read(&line) else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

/// Everything that the child writes of what breaks it, once it is over.
fn words(child: &mut Child) -> JoinHandle<String> {
    let stderr = child.stderr.take();
    thread::spawn(move || {
        let mut words = Vec::new();
        if let Some(mut stderr) = stderr {
            // Whatever could be read of it is told.
            let _ = stderr.read_to_end(&mut words);
        }
        String::from_utf8_lossy(&words).into_owned()
    })
}
