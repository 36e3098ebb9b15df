//! A network that is run again and again on the same inputs, for whoever times it. Knows no clock: the caller brings one.

use edgebench_interpreter::{Model, Operator};

use crate::error::ConvertError;
use crate::infer::{Call, InferOptions, LooseTensor, loose, run_error};

/// How to make a network ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepeatOptions {
    /// Threads, kernel set and signature; what is returned does not matter.
    pub how: InferOptions,
    /// Shapes of inputs, by position; the file's own where there are none.
    pub shapes: Vec<Vec<usize>>,
}

/// A network that is ready.
pub struct Ready<'m> {
    call: Call<'m>,
}

/// Makes a network ready and gives it to `work`: what the caller's clock says between the two is the time of
/// initialization.
///
/// # Errors
/// When the model does not load, there is no such signature or kernel set, or an input cannot have its shape.
pub fn repeat<T>(
    model: &[u8],
    options: &RepeatOptions,
    work: impl FnOnce(&mut Ready<'_>) -> T,
) -> Result<T, ConvertError> {
    let model = Model::load(model).map_err(run_error)?;
    let mut call = Call::new(&model, &options.how)?;
    let shapes: Vec<(usize, &[usize])> = options.shapes.iter().map(Vec::as_slice).enumerate().collect();
    if !shapes.is_empty() {
        call.interpreter.resize_inputs(&shapes).map_err(run_error)?;
        call.hire(options.how.threads)?;
    }
    Ok(work(&mut Ready { call }))
}

/// Keys of a model's signatures, in the order of the file.
///
/// # Errors
/// When the model does not load.
pub fn signature_keys(model: &[u8]) -> Result<Vec<String>, ConvertError> {
    let model = Model::load(model).map_err(run_error)?;
    Ok(model.signatures().iter().map(|signature| signature.key.to_owned()).collect())
}

impl Ready<'_> {
    /// The inputs with the tensors' own names, types and shapes, and the values they have now.
    pub fn inputs(&self) -> Vec<LooseTensor> {
        self.call.bound()
    }

    /// The outputs with their values of the last run.
    pub fn outputs(&self) -> Vec<LooseTensor> {
        let outputs =
            (0..self.call.interpreter.output_count()).filter_map(|slot| self.call.interpreter.output(slot));
        outputs.map(|view| loose(&view, view.name.to_owned())).collect()
    }

    /// Puts bytes into an input, as they lie in memory. They stay there over runs.
    ///
    /// # Errors
    /// When there is no such input, or they do not fill it.
    pub fn set_input(&mut self, slot: usize, bytes: &[u8]) -> Result<(), ConvertError> {
        let room = self.call.interpreter.input_bytes_mut(slot).unwrap_or_default();
        if room.len() != bytes.len() {
            let cause = format!("input {slot}: expected {} bytes, found {}", room.len(), bytes.len());
            return Err(ConvertError::Infer { cause });
        }
        room.copy_from_slice(bytes);
        Ok(())
    }

    /// One inference.
    ///
    /// # Errors
    /// When the model does not run.
    pub fn invoke(&mut self) -> Result<(), ConvertError> {
        self.call.interpreter.invoke().map_err(run_error)
    }

    /// One inference; `clock` is read between operators, and `record` gets the place of each that computed something with
    /// what the clock moved on by.
    ///
    /// # Errors
    /// When the model does not run.
    pub fn invoke_profiled(
        &mut self,
        clock: &mut dyn FnMut() -> u64,
        record: &mut dyn FnMut(usize, u64),
    ) -> Result<(), ConvertError> {
        self.call.interpreter.invoke_profiled(clock, record).map_err(run_error)
    }

    /// Every operator in execution order.
    pub fn operators(&self) -> Vec<Operator> {
        self.call.interpreter.operators()
    }
}
