//! Threads for networks: as many as there are processors that this process may run on.

use std::sync::Arc;
use std::thread::available_parallelism;

use edgebench_agent_core::{Crew, CrewError};
use edgebench_interpreter::Workers;
use edgebench_pool::Pool;

use crate::machine;

/// The processors of this process.
pub(crate) struct Processors {
    /// Those that were named, in their order.
    named: Option<Vec<usize>>,
}

impl Processors {
    pub(crate) fn new(named: Option<Vec<usize>>) -> Self {
        Self { named }
    }
}

impl Crew for Processors {
    fn most(&self) -> u16 {
        available_parallelism().map_or(1, |processors| u16::try_from(processors.get()).unwrap_or(u16::MAX))
    }

    /// Where the processors were named, each thread gets one for itself, in their order.
    fn hire(&mut self, threads: u16) -> Result<Arc<dyn Workers>, CrewError> {
        let threads = usize::from(threads);
        let own = self.named.clone().filter(|named| named.len() >= threads).unwrap_or_default();
        let bind = move |number: usize| {
            let Some(cpu) = own.get(number) else { return };
            if let Err(error) = machine::run_on(&[*cpu]) {
                eprintln!("edgebench-agent: thread {number} on processor {cpu}: {error}");
            }
        };
        let fault = |error| CrewError(format!("{threads} threads: {error}"));
        let pool = Pool::with_start(threads, bind.clone()).map_err(fault)?;
        bind(0);
        Ok(Arc::new(pool))
    }
}
