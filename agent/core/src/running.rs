//! A network that is ready, and the examples that it runs on. Knows no clock and no controller.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use edgebench_interpreter::{KernelChoice, KernelSet, Operator, Options, TensorView};
use edgebench_wire::{Digest, Failure, FailureKind, Opened, RunOptions, TensorInfo};

use crate::device::Store;
use crate::failure::{Stop, failed, mismatch};
use crate::network::Network;
use crate::pack::Pack;
use crate::stored::open_verified;

/// The kernel sets that this agent can be asked for on this CPU, best first.
pub(crate) fn kernel_names() -> Vec<alloc::string::String> {
    let sets = KernelSet::ALL.iter().rev().filter(|set| set.is_available());
    sets.map(|set| set.name().to_string()).collect()
}

/// What the interpreter makes of the controller's options. There can be `most_threads`: a figure that is filed under four
/// must not come from two.
pub(crate) fn interpreter_options(options: &RunOptions, most_threads: u16) -> Result<Options, Failure> {
    if !(1..=most_threads).contains(&options.threads) {
        let expected = match most_threads {
            0 | 1 => "1".to_string(),
            most => format!("1 to {most}, the processors there are"),
        };
        return Err(mismatch(FailureKind::Model, "threads", expected, options.threads));
    }
    let kernels =
        options.kernels.parse::<KernelChoice>().map_err(|error| failed(FailureKind::Model, error))?;
    Ok(Options { kernels, threads: usize::from(options.threads), ..Options::default() })
}

pub(crate) struct Running<'m> {
    network: &'m mut dyn Network,
    /// The last pack that was used: a controller asks for one pack several times, and verifying it takes a while.
    pack: Option<(Digest, Pack)>,
    on_pack: bool,
}

impl<'m> Running<'m> {
    pub(crate) fn new(network: &'m mut dyn Network) -> Self {
        Self { network, pack: None, on_pack: false }
    }

    /// What [`edgebench_wire::Request::Open`] is answered with.
    pub(crate) fn describe(&mut self, init_nanos: u64, model_bytes: usize) -> Opened {
        let (arena_bytes, packed_bytes) = self.network.memory();
        let mut outputs = Vec::new();
        for index in 0..self.network.output_count() {
            outputs.extend(self.network.output(index).map(|view| tensor_info(&view)));
        }
        let inputs = (0..self.network.input_count()).filter_map(|index| self.network.input(index));
        Opened {
            init_nanos,
            model_bytes: model_bytes as u64,
            arena_bytes: arena_bytes.unwrap_or_default(),
            packed_bytes: packed_bytes.unwrap_or_default(),
            inputs: inputs.map(|view| tensor_info(&view)).collect(),
            outputs,
            kernels: self.network.kernels(),
        }
    }

    /// Chooses what the next runs are on: the examples of a pack in turn, or zeros.
    pub(crate) fn run_on(&mut self, store: &mut dyn Store, pack: Option<&Digest>) -> Result<(), Stop> {
        self.zero_inputs();
        self.on_pack = pack.is_some();
        let Some(digest) = pack else { return Ok(()) };
        if self.pack.as_ref().is_none_or(|(open, _)| open != digest) {
            self.pack = None;
            self.pack = Some((*digest, self.open_pack(store, digest)?));
        }
        Ok(())
    }

    /// How many examples there are to run on; none on zeros.
    pub(crate) fn example_count(&self) -> Option<u32> {
        self.pack.as_ref().filter(|_| self.on_pack).map(|(_, pack)| pack.count())
    }

    /// Puts an example into the input; after the last one comes the first again. On zeros there is nothing to do.
    pub(crate) fn feed(&mut self, index: u32) -> Result<(), Stop> {
        let Some((_, pack)) = self.pack.as_mut().filter(|_| self.on_pack) else { return Ok(()) };
        let index = index % pack.count().max(1);
        let values = pack.example(index)?;
        self.network.set_input(0, values).map_err(|error| failed(FailureKind::Data, error))?;
        Ok(())
    }

    /// One inference.
    pub(crate) fn invoke(&mut self) -> Result<(), Failure> {
        self.network.invoke().map_err(|error| failed(FailureKind::Model, error))
    }

    /// Every operator in execution order, where the runtime tells.
    pub(crate) fn operators(&self) -> Vec<Operator> {
        self.network.operators()
    }

    /// One inference with a look at the clock between operators.
    pub(crate) fn invoke_profiled(
        &mut self,
        clock: &mut dyn FnMut() -> u64,
        record: &mut dyn FnMut(usize, u64),
    ) -> Result<(), Failure> {
        self.network.invoke_profiled(clock, record).map_err(|error| failed(FailureKind::Model, error))
    }

    /// Output 0, which predictions are read from.
    pub(crate) fn output(&mut self) -> Result<TensorView<'_>, Failure> {
        let missing = || mismatch(FailureKind::Data, "model", "at least 1 output", 0);
        self.network.output(0).ok_or_else(missing)
    }

    fn open_pack(&self, store: &mut dyn Store, digest: &Digest) -> Result<Pack, Stop> {
        let count = self.network.input_count();
        let only = self.network.input(0).filter(|_| count == 1);
        let input = only.ok_or_else(|| mismatch(FailureKind::Data, "model for a pack", "1 input", count))?;
        Pack::open(open_verified(store, digest)?, input.shape)
    }

    /// An input that cannot be zero stays as it is.
    fn zero_inputs(&mut self) {
        for index in 0..self.network.input_count() {
            let _ = self.network.zero_input(index);
        }
    }
}

fn tensor_info(view: &TensorView<'_>) -> TensorInfo {
    TensorInfo {
        name: view.name.to_string(),
        dtype: view.dtype.name().to_ascii_uppercase(),
        shape: view.shape.iter().map(|size| u32::try_from(*size).unwrap_or(u32::MAX)).collect(),
        scale_zero_point: view.scale_zero_point,
    }
}
