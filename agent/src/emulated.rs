//! Measuring inside QEMU: what a run takes is the number of its instructions, which QEMU's plugin counts between two
//! marker instructions and writes into a file (`agent/counter`). Time, load and memory are those of the machine that
//! emulates, so nothing is said about them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use edgebench_agent_core::{Clock, Counter, CounterError, Meter};
use edgebench_interpreter::marker;
use edgebench_wire::Condition;

use crate::clock::Monotonic;

/// A clock that bounds runs, and a counter that measures them.
pub(crate) struct Counting {
    clock: Monotonic,
    counter: PluginFile,
}

impl Counting {
    /// Opens the plugin's file and counts once, so that a plugin that is not there is noticed at once.
    pub(crate) fn start(path: &Path) -> Result<Self, CounterError> {
        let file = File::open(path).map_err(|error| CounterError(format!("{}: {error}", path.display())))?;
        let mut counter = PluginFile { path: path.to_owned(), file, last_number: 0 };
        counter.last_number = counter.read().map_or(0, |(number, _)| number);
        counter.start();
        counter.stop()?;
        Ok(Self { clock: Monotonic::start(), counter })
    }
}

impl Clock for Counting {
    fn now_nanos(&mut self) -> u64 {
        self.clock.now_nanos()
    }

    fn counter(&mut self) -> Option<&mut dyn Counter> {
        Some(&mut self.counter)
    }
}

/// The file of 16 bytes that the plugin writes at every stop marker: how many there were, and the last count.
struct PluginFile {
    path: PathBuf,
    file: File,
    last_number: u64,
}

impl PluginFile {
    fn read(&self) -> Option<(u64, u64)> {
        let mut line = [0; 16];
        self.file.read_exact_at(&mut line, 0).ok()?;
        let [number, count] = [0, 8].map(|at| {
            line.iter().skip(at).take(8).rev().fold(0, |value, byte| (value << 8) | u64::from(*byte))
        });
        Some((number, count))
    }
}

impl Counter for PluginFile {
    fn start(&mut self) {
        marker::start();
    }

    fn stop(&mut self) -> Result<u64, CounterError> {
        marker::stop();
        match self.read() {
            Some((number, count)) if number > self.last_number => {
                self.last_number = number;
                Ok(count)
            }
            _ => Err(CounterError(format!(
                "counter {}: expected a count of the emulator's plugin behind the marker, found none",
                self.path.display()
            ))),
        }
    }
}

/// The machine that emulates is not the device: there is nothing to tell.
pub(crate) struct Nothing;

impl Meter for Nothing {
    fn cpu_nanos(&mut self) -> Option<u64> {
        None
    }

    fn peak_rss_bytes(&mut self) -> Option<u64> {
        None
    }

    fn condition(&mut self) -> Condition {
        Condition::default()
    }

    fn properties(&mut self) -> Vec<(String, String)> {
        Vec::new()
    }
}
