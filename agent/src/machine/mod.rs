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
    /// What the process took before it had opened anything.
    start_rss_bytes: Option<u64>,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let root = Root::real();
        let start_rss_bytes = process::peak_rss_bytes(&root);
        Self { root, start_rss_bytes }
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
        let start = self.start_rss_bytes.map(|bytes| (properties::START_RSS.to_owned(), bytes.to_string()));
        properties::read(&self.root).into_iter().chain(start).collect()
    }
}
