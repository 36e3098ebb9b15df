//! One inference on given tensors, for people who look into a model: in goes what they have, out comes every tensor
//! they ask for, as it lies in memory.

use std::collections::BTreeSet;

use edgebench_interpreter::{Interpreter, KernelChoice, Model, Options, TensorView};

use crate::error::ConvertError;

/// A tensor outside the interpreter.
#[derive(Clone, PartialEq, Debug)]
pub struct LooseTensor {
    /// Its name; none for one that is known by its position.
    pub name: Option<String>,
    /// Element type, such as `float32`.
    pub dtype: String,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Row-major, in this machine's byte order.
    pub bytes: Vec<u8>,
}

/// How to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InferOptions {
    /// Worker threads.
    pub threads: usize,
    /// Kernel set: `auto`, `reference`, `portable`, or an instruction set.
    pub kernels: String,
    /// Return every tensor that an operator writes, in the order of writing; else the outputs only.
    pub dump_all: bool,
}

/// Runs a `.tflite` model once. Inputs are matched by name, those without one in order; float values for a quantized
/// input are quantized as `QUANTIZE` does.
///
/// # Errors
/// When the model does not load or run, an input is missing, unknown or of another shape or type, or the kernel set is
/// unknown here.
pub fn infer(
    model: &[u8],
    inputs: &[LooseTensor],
    how: &InferOptions,
) -> Result<Vec<LooseTensor>, ConvertError> {
    let kernels: KernelChoice = how.kernels.parse().map_err(run_error)?;
    let model = Model::load(model).map_err(run_error)?;
    let options = Options { kernels, threads: how.threads, ..Options::default() };
    let mut interpreter = Interpreter::new(&model, &options).map_err(run_error)?;
    feed(&mut interpreter, inputs)?;
    let mut names = Names::default();
    let mut written = Vec::new();
    interpreter
        .invoke_observed(&mut |node| {
            if how.dump_all {
                written.extend(node.outputs().map(|view| names.loose(&view)));
            }
        })
        .map_err(run_error)?;
    if !how.dump_all {
        let outputs = (0..interpreter.output_count()).filter_map(|index| interpreter.output(index));
        written = outputs.map(|view| names.loose(&view)).collect();
    }
    Ok(written)
}

fn run_error(error: impl std::error::Error) -> ConvertError {
    ConvertError::Infer { cause: error.to_string() }
}

fn feed(interpreter: &mut Interpreter<'_>, inputs: &[LooseTensor]) -> Result<(), ConvertError> {
    let mut fed = BTreeSet::new();
    for (position, tensor) in inputs.iter().enumerate() {
        let slot = slot(interpreter, tensor, position)?;
        fill(interpreter, slot, tensor)?;
        if !fed.insert(slot) {
            return Err(ConvertError::Infer { cause: format!("input {slot} is given twice") });
        }
    }
    match (0..interpreter.input_count()).find(|slot| !fed.contains(slot)) {
        None => Ok(()),
        Some(slot) => {
            let view = interpreter.input(slot);
            let described = view.map(|view| format!("\"{}\" {} {:?}", view.name, view.dtype, view.shape));
            Err(ConvertError::Infer {
                cause: format!("missing input {slot} {}", described.unwrap_or_default()),
            })
        }
    }
}

/// Which input a tensor is for.
fn slot(interpreter: &Interpreter<'_>, tensor: &LooseTensor, position: usize) -> Result<usize, ConvertError> {
    let count = interpreter.input_count();
    let found = match &tensor.name {
        Some(name) => (0..count).find(|slot| interpreter.input(*slot).is_some_and(|view| view.name == *name)),
        None => Some(position).filter(|slot| *slot < count),
    };
    found.ok_or_else(|| {
        let known: Vec<&str> =
            (0..count).filter_map(|slot| interpreter.input(slot)).map(|view| view.name).collect();
        let given = tensor.name.clone().unwrap_or_else(|| position.to_string());
        ConvertError::Infer { cause: format!("no input \"{given}\", expected one of: {}", known.join(", ")) }
    })
}

fn fill(interpreter: &mut Interpreter<'_>, slot: usize, tensor: &LooseTensor) -> Result<(), ConvertError> {
    let Some(view) = interpreter.input(slot) else { return Ok(()) };
    let (dtype, shape) = (view.dtype.name().to_ascii_lowercase(), view.shape.to_vec());
    let float = tensor.dtype == "float32";
    if shape != tensor.shape || (dtype != tensor.dtype && !float) {
        let expected = format!("{dtype} {shape:?}");
        let cause = format!(
            "input \"{}\": expected {expected}, found {} {:?}",
            view.name, tensor.dtype, tensor.shape
        );
        return Err(ConvertError::Infer { cause });
    }
    if dtype == tensor.dtype {
        let room = interpreter.input_bytes_mut(slot).filter(|room| room.len() == tensor.bytes.len());
        let wrong = || ConvertError::Infer {
            cause: format!("input {slot}: {} bytes do not fill it", tensor.bytes.len()),
        };
        room.ok_or_else(wrong)?.copy_from_slice(&tensor.bytes);
        return Ok(());
    }
    let values: Vec<f32> =
        tensor.bytes.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect();
    interpreter.set_input_f32(slot, &values).map_err(run_error)
}

/// Gives every tensor a name of its own: files may repeat names, or have none.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn loose(&mut self, view: &TensorView<'_>) -> LooseTensor {
        let plain =
            if view.name.is_empty() { format!("tensor_{}", view.index) } else { view.name.to_owned() };
        let name = if self.0.contains(&plain) { format!("{plain}#{}", view.index) } else { plain };
        self.0.insert(name.clone());
        LooseTensor {
            name: Some(name),
            dtype: view.dtype.name().to_ascii_lowercase(),
            shape: view.shape.to_vec(),
            bytes: view.bytes.to_vec(),
        }
    }
}
