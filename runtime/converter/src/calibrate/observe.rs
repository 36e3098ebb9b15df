//! The calibration run.

use std::collections::BTreeMap;

use edgebench_interpreter::{DType, Interpreter, KernelChoice, KernelSet, Model, Options, TensorView};

use super::{Calibration, CalibrationOptions, Observer, Samples, TensorRange};
use crate::error::ConvertError;

/// Runs a float model over samples and records what flows: the inputs and every float activation. `progress` is called
/// with the number of samples done and the number of all, first with none done.
///
/// # Errors
/// When the model does not load or run, there are no samples, or a sample cannot be read or does not fit.
pub fn calibrate(
    model: &[u8],
    samples: &dyn Samples,
    how: &CalibrationOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Calibration, ConvertError> {
    let picked = super::pick::pick(samples.len(), how.samples, how.seed);
    if picked.is_empty() {
        return Err(ConvertError::NoSamples);
    }
    let model = Model::load(model).map_err(run_error)?;
    // Every CPU computes the same with these kernels, so that a calibration does not depend on where it was made.
    let options = Options { kernels: KernelChoice::Only(KernelSet::Portable), ..Options::default() };
    let mut interpreter = Interpreter::new(&model, &options).map_err(run_error)?;
    let mut observed = Observed::default();
    progress(0, picked.len());
    for (done, index) in picked.iter().enumerate() {
        let cause = |cause| ConvertError::Sample { index: *index, cause };
        let sample = samples.sample(*index).map_err(cause)?;
        feed(&mut interpreter, &sample, *index)?;
        observed.run(&mut interpreter)?;
        progress(done + 1, picked.len());
    }
    Ok(Calibration {
        samples: picked.len(),
        seed: how.seed,
        method: how.method,
        tensors: observed.ranges(&model),
    })
}

fn run_error(error: impl std::error::Error) -> ConvertError {
    ConvertError::Run { cause: error.to_string() }
}

/// Fills the inputs with one sample.
fn feed(interpreter: &mut Interpreter<'_>, sample: &[Vec<f32>], index: usize) -> Result<(), ConvertError> {
    let inputs = interpreter.input_count();
    if sample.len() != inputs {
        let (expected, found) = (format!("{inputs} inputs"), sample.len().to_string());
        return Err(ConvertError::SampleShape { index, expected, found });
    }
    for (input, values) in sample.iter().enumerate() {
        let shape = interpreter.input(input).map(|view| view.shape.to_vec()).unwrap_or_default();
        if values.len() != shape.iter().product::<usize>() {
            let expected = format!("values of shape {shape:?} for input {input}");
            let found = format!("{} values", values.len());
            return Err(ConvertError::SampleShape { index, expected, found });
        }
        interpreter.set_input_f32(input, values).map_err(run_error)?;
    }
    Ok(())
}

/// What was seen of each float activation, by tensor.
#[derive(Default)]
struct Observed(BTreeMap<usize, Observer>);

impl Observed {
    /// Runs the network on the inputs that are set.
    fn run(&mut self, interpreter: &mut Interpreter<'_>) -> Result<(), ConvertError> {
        let inputs = 0..interpreter.input_count();
        inputs.filter_map(|index| interpreter.input(index)).for_each(|view| self.see(&view));
        interpreter
            .invoke_observed(&mut |node| node.outputs().for_each(|view| self.see(&view)))
            .map_err(run_error)
    }

    fn see(&mut self, view: &TensorView<'_>) {
        if view.dtype == DType::Float32 {
            let values = view.bytes.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes));
            self.0.entry(view.index).or_default().observe(values);
        }
    }

    fn ranges(&self, model: &Model<'_>) -> Vec<TensorRange> {
        let named = |tensor: usize| model.tensors().get(tensor).map_or("", |info| info.name).to_owned();
        let ranges = self.0.iter().map(|(tensor, observer)| {
            let (min, max) = observer.range().unwrap_or((0.0, 0.0));
            TensorRange {
                tensor: *tensor,
                name: named(*tensor),
                min,
                max,
                values: observer.values(),
                nan: observer.nan(),
                infinite: observer.infinite(),
                saturation: observer.saturation(),
            }
        });
        ranges.collect()
    }
}
