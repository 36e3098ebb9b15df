//! What Linux tells about the machine and this process, read from `/proc` and `/sys` at the moment it is asked for.
//! What is not there or not readable is absent; nothing is guessed and nothing is an error.

mod condition;
mod files;
mod frequency;
mod process;
mod properties;

use edgebench_agent_core::Meter;
use edgebench_wire::Condition;

pub(crate) use self::files::Root;
pub(crate) use self::frequency::{Frequency, hold};
pub(crate) use self::process::run_on;

/// The machine this process runs on.
pub(crate) struct Machine {
    root: Root,
}

impl Machine {
    pub(crate) fn here() -> Self {
        Self { root: Root::real() }
    }
}

impl Meter for Machine {
    fn cpu_nanos(&mut self) -> Option<u64> {
        process::cpu_nanos()
    }

    fn peak_rss_bytes(&mut self) -> Option<u64> {
        process::peak_rss_bytes(&self.root)
    }

    fn condition(&mut self) -> Condition {
        condition::read(&self.root)
    }

    fn properties(&mut self) -> Vec<(String, String)> {
        properties::read(&self.root)
    }
}
