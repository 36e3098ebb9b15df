//! A network that is ready to run, whatever runtime made it ready: ours, or a peer that the device brings.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use edgebench_interpreter::{Interpreter, Operator, TensorView};
use edgebench_wire::RunOptions;

/// A runtime beside ours, such as LiteRT.
pub trait Peer {
    /// Its name, as [`edgebench_wire::Request::OpenPeer`] asks for it.
    fn name(&self) -> &'static str;

    /// Makes a model ready in it.
    ///
    /// # Errors
    /// When it refuses the model or the options.
    fn open(&mut self, model: &[u8], options: &RunOptions) -> Result<Box<dyn Network>, NetworkError>;
}

/// Why a network cannot be made ready or run: place, expected and found in one line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NetworkError(pub String);

/// A network that is ready to run.
pub trait Network {
    /// Number of inputs.
    fn input_count(&self) -> usize;

    /// Number of outputs.
    fn output_count(&self) -> usize;

    /// An input; none when there is no such one. Its bytes may be empty: only the rest is promised.
    fn input(&self, index: usize) -> Option<TensorView<'_>>;

    /// An output with its values of the last run; none when there is no such one.
    fn output(&mut self, index: usize) -> Option<TensorView<'_>>;

    /// Puts real values into an input, quantized where it is quantized.
    ///
    /// # Errors
    /// When there is no such input, or they do not fit it.
    fn set_input(&mut self, index: usize, values: &[f32]) -> Result<(), NetworkError>;

    /// Makes an input a real zero, or zero bytes where its type has no real values.
    ///
    /// # Errors
    /// When there is no such input.
    fn zero_input(&mut self, index: usize) -> Result<(), NetworkError>;

    /// One inference.
    ///
    /// # Errors
    /// When the runtime says that it failed.
    fn invoke(&mut self) -> Result<(), NetworkError>;

    /// Bytes of the activation arena and of rearranged weights; none where the runtime does not tell.
    fn memory(&self) -> (Option<u64>, Option<u64>);

    /// `OPERATOR kernel` with how many operators run so; empty where the runtime does not tell.
    fn kernels(&self) -> Vec<(String, u32)>;

    /// Every operator in execution order; empty where the runtime does not tell.
    fn operators(&self) -> Vec<Operator> {
        Vec::new()
    }

    /// One inference; `clock` is read between operators, and `record` gets the place of each that computed something with
    /// what the clock moved on by.
    ///
    /// # Errors
    /// When the runtime says that it failed, or does not tell its operators apart.
    fn invoke_profiled(
        &mut self,
        _clock: &mut dyn FnMut() -> u64,
        _record: &mut dyn FnMut(usize, u64),
    ) -> Result<(), NetworkError> {
        Err(error("runtime: expected one that tells its operators apart, found one that does not"))
    }
}

fn error(cause: impl core::fmt::Display) -> NetworkError {
    NetworkError(cause.to_string())
}

impl Network for Interpreter<'_> {
    fn input_count(&self) -> usize {
        Interpreter::input_count(self)
    }

    fn output_count(&self) -> usize {
        Interpreter::output_count(self)
    }

    fn input(&self, index: usize) -> Option<TensorView<'_>> {
        Interpreter::input(self, index)
    }

    fn output(&mut self, index: usize) -> Option<TensorView<'_>> {
        Interpreter::output(self, index)
    }

    fn set_input(&mut self, index: usize, values: &[f32]) -> Result<(), NetworkError> {
        self.set_input_f32(index, values).map_err(error)
    }

    fn zero_input(&mut self, index: usize) -> Result<(), NetworkError> {
        let Some(view) = Interpreter::input(self, index) else {
            return Err(NetworkError(format!("model: no input {index}")));
        };
        let zeros = vec![0.0; view.bytes.len() / view.dtype.size_bytes().max(1)];
        let quantized = self.set_input_f32(index, &zeros);
        if let (Err(_), Some(bytes)) = (quantized, self.input_bytes_mut(index)) {
            bytes.fill(0);
        }
        Ok(())
    }

    fn invoke(&mut self) -> Result<(), NetworkError> {
        Interpreter::invoke(self).map_err(error)
    }

    fn memory(&self) -> (Option<u64>, Option<u64>) {
        let memory = Interpreter::memory(self);
        (Some(memory.arena_bytes as u64), Some(memory.packed_bytes as u64))
    }

    /// In the order of their first use.
    fn kernels(&self) -> Vec<(String, u32)> {
        let mut counts: Vec<(String, u32)> = Vec::new();
        for node in self.nodes() {
            let name = format!("{} {}", node.operator, node.kernel);
            match counts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => counts.push((name, 1)),
            }
        }
        counts
    }

    fn operators(&self) -> Vec<Operator> {
        Interpreter::operators(self)
    }

    fn invoke_profiled(
        &mut self,
        clock: &mut dyn FnMut() -> u64,
        record: &mut dyn FnMut(usize, u64),
    ) -> Result<(), NetworkError> {
        Interpreter::invoke_profiled(self, clock, record).map_err(error)
    }
}
