//! Predictions: the open model once on each example asked for, answered example by example. What is right or wrong is
//! the controller's business, which has the labels.

use alloc::format;
use alloc::vec::Vec;

use edgebench_interpreter::TensorView;
use edgebench_wire::{Digest, Failure, FailureKind, MAX_RAW_OUTPUT_BYTES, Prediction, Reply};

use crate::failure::{Stop, mismatch};
use crate::running::Running;
use crate::session::Session;

/// Predictions are sent when they have grown to so many bytes. All of one request are about equally large, so that a
/// piece stays below twice this, or holds a single one.
const PIECE_BYTES: usize = 64 * 1024;

/// Longest time that predictions are kept back, so that the controller sees progress.
const PIECE_NANOS: u64 = 250_000_000;

/// Bytes that one class and its score take at most.
const SCORE_BYTES: usize = 9;

/// What [`edgebench_wire::Request::Evaluate`] asks for.
pub(crate) struct Wanted {
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) top: u8,
    pub(crate) raw_outputs: bool,
}

impl Session<'_> {
    /// Answers [`edgebench_wire::Request::Evaluate`].
    pub(crate) fn evaluate(
        &mut self,
        running: &mut Running<'_>,
        pack: &Digest,
        wanted: &Wanted,
    ) -> Result<Reply, Stop> {
        running.run_on(self.store, Some(pack))?;
        let end = wanted.end(running.example_count().unwrap_or_default())?;
        wanted.check_output(&running.output()?)?;
        let mut outbox = Outbox { first: wanted.first, items: Vec::new(), bytes: 0 };
        let mut since = self.timer.now_nanos()?;
        for index in wanted.first..end {
            running.feed(index)?;
            running.invoke()?;
            outbox.push(wanted.prediction(&running.output()?));
            let now = self.timer.now_nanos()?;
            if outbox.bytes >= PIECE_BYTES || now - since >= PIECE_NANOS {
                since = now;
                self.channel.check_peer()?;
                self.channel.send(&outbox.take())?;
            }
        }
        if !outbox.items.is_empty() {
            self.channel.send(&outbox.take())?;
        }
        Ok(Reply::Evaluated { count: wanted.count })
    }
}

impl Wanted {
    /// The example behind the last one.
    fn end(&self, examples: u32) -> Result<u32, Failure> {
        let end = self.first.checked_add(self.count).filter(|end| *end <= examples);
        let found = format!("{} from {} on", self.count, self.first);
        end.ok_or_else(|| {
            mismatch(FailureKind::Data, "examples", format!("at most {examples} in all"), found)
        })
    }

    /// Whether predictions of such an output can be sent.
    fn check_output(&self, output: &TensorView<'_>) -> Result<(), Failure> {
        let limit = if self.raw_outputs { MAX_RAW_OUTPUT_BYTES } else { usize::MAX };
        let length = output.bytes.len();
        if length <= limit {
            return Ok(());
        }
        let expected = format!("at most {limit} bytes to send as they are");
        Err(mismatch(FailureKind::Data, "output 0", expected, length))
    }

    fn prediction(&self, output: &TensorView<'_>) -> Prediction {
        Prediction {
            top: output.top(usize::from(self.top)),
            raw: self.raw_outputs.then(|| little_endian(output)),
        }
    }
}

/// Predictions that wait to be sent.
struct Outbox {
    first: u32,
    items: Vec<Prediction>,
    bytes: usize,
}

impl Outbox {
    fn push(&mut self, prediction: Prediction) {
        self.bytes += size_bytes(&prediction);
        self.items.push(prediction);
    }

    fn take(&mut self) -> Reply {
        let items = core::mem::take(&mut self.items);
        let first = self.first;
        self.first += u32::try_from(items.len()).unwrap_or(u32::MAX);
        self.bytes = 0;
        Reply::Predictions { first, items }
    }
}

/// Bytes that a prediction takes in a frame at most.
fn size_bytes(prediction: &Prediction) -> usize {
    let lengths = 12;
    prediction.top.len() * SCORE_BYTES + prediction.raw.as_ref().map_or(0, Vec::len) + lengths
}

/// The elements in the byte order of the wire, whatever this machine's is.
fn little_endian(output: &TensorView<'_>) -> Vec<u8> {
    let mut bytes = output.bytes.to_vec();
    if cfg!(target_endian = "big") {
        bytes.chunks_mut(output.dtype.size_bytes().max(1)).for_each(<[u8]>::reverse);
    }
    bytes
}
