//! Where the time of a run goes: the model as it is timed otherwise, with a look at the clock between its operators. Such
//! runs are none of those that count: looking takes time. Every sample is handed on; nothing is averaged.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use edgebench_interpreter::Operator;
use edgebench_wire::{Digest, Limits, MAX_PROFILED_RUNS, OperatorTimes, Reply};

use crate::channel::{Channel, SessionError};
use crate::failure::Stop;
use crate::measure::wants_another;
use crate::running::Running;
use crate::session::Session;

/// Operators are sent when they have grown to so many bytes. One alone stays below it: its samples take at most ten bytes
/// each, its names are cut.
const PIECE_BYTES: usize = 64 * 1024;

/// Letters of a name that are told.
const MAX_LETTERS: usize = 512;

/// Bytes that a sample, a letter and everything else of an operator take in a frame at most.
const SAMPLE_BYTES: usize = 10;
const LETTER_BYTES: usize = 4;
const NUMBERS_BYTES: usize = 40;

impl Session<'_> {
    /// Answers [`edgebench_wire::Request::Profile`].
    pub(crate) fn profile(
        &mut self,
        running: &mut Running<'_>,
        pack: Option<&Digest>,
        limits: &Limits,
    ) -> Result<Reply, Stop> {
        running.run_on(self.store, pack)?;
        let operators = running.operators();
        let mut times: Vec<Vec<u64>> = vec![Vec::new(); operators.len()];
        running.feed(0)?;
        running.invoke()?;
        let start = self.timer.now_nanos()?;
        let (mut now, mut runs) = (start, 0);
        while runs < MAX_PROFILED_RUNS && wants_another(limits, runs, now - start) {
            running.feed(runs)?;
            self.profile_run(running, &mut times)?;
            now = self.timer.now_nanos()?;
            runs += 1;
            self.channel.check_peer()?;
        }
        let looked_at = operators.into_iter().zip(times).filter(|(_, times)| times.len() == runs as usize);
        send(&mut self.channel, looked_at.map(|(operator, nanos)| told(operator, nanos)))?;
        Ok(Reply::Profiled { runs })
    }

    /// One run; what each operator took goes to the end of its times.
    fn profile_run(&mut self, running: &mut Running<'_>, times: &mut [Vec<u64>]) -> Result<(), Stop> {
        let mut trouble = None;
        let timer = &mut self.timer;
        let mut clock = || {
            timer.lap().unwrap_or_else(|failure| {
                trouble.get_or_insert(failure);
                0
            })
        };
        running.invoke_profiled(&mut clock, &mut |index, taken| {
            if let Some(times) = times.get_mut(index) {
                times.push(taken);
            }
        })?;
        self.timer.end_laps()?;
        trouble.map_or(Ok(()), |failure| Err(failure.into()))
    }
}

fn told(operator: Operator, nanos: Vec<u64>) -> OperatorTimes {
    let cut = |name: String| name.chars().take(MAX_LETTERS).collect();
    OperatorTimes {
        index: u32::try_from(operator.index).unwrap_or(u32::MAX),
        operator: cut(operator.name),
        output: cut(operator.output),
        kernel: operator.kernel.to_string(),
        macs: operator.macs,
        nanos,
    }
}

/// In pieces that fit into frames.
fn send(
    channel: &mut Channel<'_>,
    operators: impl Iterator<Item = OperatorTimes>,
) -> Result<(), SessionError> {
    let (mut first, mut bytes) = (0, 0);
    let mut items = Vec::new();
    for operator in operators {
        bytes += size_bytes(&operator);
        items.push(operator);
        if bytes >= PIECE_BYTES {
            let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
            channel.send(&Reply::Operators { first, items: core::mem::take(&mut items) })?;
            (first, bytes) = (first.saturating_add(count), 0);
        }
    }
    if items.is_empty() { Ok(()) } else { channel.send(&Reply::Operators { first, items }) }
}

/// Bytes that an operator takes in a frame at most.
fn size_bytes(operator: &OperatorTimes) -> usize {
    let letters = operator.operator.len() + operator.output.len() + operator.kernel.len();
    operator.nanos.len() * SAMPLE_BYTES + letters + NUMBERS_BYTES
}

// A piece that was below its size and got one more operator still fits into a frame.
const _: () = assert!(
    PIECE_BYTES + MAX_PROFILED_RUNS as usize * SAMPLE_BYTES + 3 * MAX_LETTERS * LETTER_BYTES + NUMBERS_BYTES
        < edgebench_wire::MAX_CHUNK_BYTES
);
