//! One inference on given tensors, for people who look into a model: in goes what they have, out comes every tensor
//! they ask for, as it lies in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use edgebench_interpreter::{Interpreter, KernelChoice, Model, NodeRun, Options, TensorView};
use edgebench_pool::Pool;

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
    /// Key of the signature to call; none for the main subgraph.
    pub signature: Option<String>,
}

/// What one run came to, tensor by tensor.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// The inputs as the model took them: in its order, of its types.
    pub inputs: Vec<LooseTensor>,
    /// Inputs, and every tensor that an operator wrote at the moment it was written, by index in the file.
    pub tensors: HashMap<usize, LooseTensor>,
    /// The outputs in the model's order.
    pub outputs: Vec<LooseTensor>,
}

/// Runs a `.tflite` model once. Inputs are matched by name (the signature's, where one is called), those without one
/// in order; float values for a quantized input are quantized as `QUANTIZE` does.
///
/// # Errors
/// When the model does not load or run, there is no such signature, an input is missing, unknown or of another shape or
/// type, or the kernel set is unknown here.
pub fn infer(
    model: &[u8],
    inputs: &[LooseTensor],
    how: &InferOptions,
) -> Result<Vec<LooseTensor>, ConvertError> {
    let model = Model::load(model).map_err(run_error)?;
    let mut call = Call::new(&model, how)?;
    call.feed(inputs)?;
    let mut names = Names::default();
    let mut written = Vec::new();
    let mut observe = |node: NodeRun<'_>| {
        if how.dump_all {
            written.extend(node.outputs().map(|view| names.loose(&view)));
        }
    };
    call.interpreter.invoke_observed(&mut observe).map_err(run_error)?;
    Ok(if how.dump_all { written } else { call.outputs() })
}

/// Runs a model once as [`infer`] does and returns everything that was computed.
///
/// # Errors
/// As [`infer`].
pub fn trace(model: &[u8], inputs: &[LooseTensor], how: &InferOptions) -> Result<Trace, ConvertError> {
    let model = Model::load(model).map_err(run_error)?;
    let mut call = Call::new(&model, how)?;
    call.feed(inputs)?;
    let mut tensors = HashMap::new();
    let mut note = |view: TensorView<'_>| {
        tensors.insert(view.index, loose(&view, view.name.to_owned()));
    };
    call.inputs().for_each(&mut note);
    call.interpreter.invoke_observed(&mut |node| node.outputs().for_each(&mut note)).map_err(run_error)?;
    Ok(Trace { inputs: call.bound(), tensors, outputs: call.outputs() })
}

/// The inputs of a model with their names, types and shapes, all zero.
///
/// # Errors
/// When the model does not load, or there is no such signature.
pub fn input_specs(model: &[u8], how: &InferOptions) -> Result<Vec<LooseTensor>, ConvertError> {
    let model = Model::load(model).map_err(run_error)?;
    let call = Call::new(&model, how)?;
    let named = |slot| {
        let view = call.interpreter.input(slot)?;
        Some(loose(&view, call.input_name(slot).unwrap_or_default().to_owned()))
    };
    Ok((0..call.interpreter.input_count()).filter_map(named).collect())
}

/// The inputs of a model as it takes them: matched, quantized, in its order, each with its name.
///
/// # Errors
/// As [`infer`], but nothing is run.
pub fn bind(
    model: &[u8],
    inputs: &[LooseTensor],
    how: &InferOptions,
) -> Result<Vec<LooseTensor>, ConvertError> {
    let model = Model::load(model).map_err(run_error)?;
    let mut call = Call::new(&model, how)?;
    call.feed(inputs)?;
    Ok(call.bound())
}

/// A model made ready for one call, with the names its inputs and outputs go by.
pub(crate) struct Call<'m> {
    pub(crate) interpreter: Interpreter<'m>,
    /// Names of inputs by slot; empty where the tensors' own names count.
    input_names: Vec<String>,
    output_names: Vec<String>,
}

impl<'m> Call<'m> {
    pub(crate) fn new(model: &'m Model<'_>, how: &InferOptions) -> Result<Self, ConvertError> {
        let kernels: KernelChoice = how.kernels.parse().map_err(run_error)?;
        let options = Options { kernels, threads: how.threads, ..Options::default() };
        let Some(key) = &how.signature else {
            let interpreter = Interpreter::new(model, &options).map_err(run_error)?;
            let mut call = Self { interpreter, input_names: Vec::new(), output_names: Vec::new() };
            call.hire(how.threads)?;
            return Ok(call);
        };
        let interpreter = Interpreter::for_signature(model, key, &options).map_err(run_error)?;
        let signature = model.signatures().iter().find(|signature| signature.key == key.as_str());
        let (inputs, outputs) = signature.map(|it| (&it.inputs[..], &it.outputs[..])).unwrap_or_default();
        let input_names = by_slot(inputs, interpreter.input_count());
        let output_names = by_slot(outputs, interpreter.output_count());
        let mut call = Self { interpreter, input_names, output_names };
        call.hire(how.threads)?;
        Ok(call)
    }

    /// Brings the threads that the interpreter was prepared for.
    pub(crate) fn hire(&mut self, threads: usize) -> Result<(), ConvertError> {
        if threads > 1 {
            let pool = Pool::new(threads)
                .map_err(|cause| ConvertError::Infer { cause: format!("{threads} threads: {cause}") })?;
            self.interpreter.set_workers(Arc::new(pool));
        }
        Ok(())
    }

    fn input_name(&self, slot: usize) -> Option<&str> {
        let own = self.interpreter.input(slot).map(|view| view.name);
        self.input_names.get(slot).map(String::as_str).filter(|name| !name.is_empty()).or(own)
    }

    fn inputs(&self) -> impl Iterator<Item = TensorView<'_>> {
        (0..self.interpreter.input_count()).filter_map(|slot| self.interpreter.input(slot))
    }

    /// The inputs as the model took them.
    pub(crate) fn bound(&self) -> Vec<LooseTensor> {
        self.inputs().map(|view| loose(&view, view.name.to_owned())).collect()
    }

    fn outputs(&self) -> Vec<LooseTensor> {
        let mut names = Names::default();
        let named = |slot| {
            let view = self.interpreter.output(slot)?;
            let name = self.output_names.get(slot).filter(|name| !name.is_empty());
            Some(name.map_or_else(|| names.loose(&view), |name| loose(&view, name.clone())))
        };
        (0..self.interpreter.output_count()).filter_map(named).collect()
    }

    fn feed(&mut self, inputs: &[LooseTensor]) -> Result<(), ConvertError> {
        let mut fed = BTreeSet::new();
        for (position, tensor) in inputs.iter().enumerate() {
            let slot = self.slot(tensor, position)?;
            fill(&mut self.interpreter, slot, tensor)?;
            if !fed.insert(slot) {
                return Err(ConvertError::Infer { cause: format!("input {slot} is given twice") });
            }
        }
        match (0..self.interpreter.input_count()).find(|slot| !fed.contains(slot)) {
            None => Ok(()),
            Some(slot) => {
                let name = self.input_name(slot).unwrap_or_default();
                let view = self.interpreter.input(slot);
                let described = view.map(|view| format!("\"{name}\" {} {:?}", view.dtype, view.shape));
                Err(ConvertError::Infer {
                    cause: format!("missing input {slot} {}", described.unwrap_or_default()),
                })
            }
        }
    }

    /// Which input a tensor is for.
    fn slot(&self, tensor: &LooseTensor, position: usize) -> Result<usize, ConvertError> {
        let count = self.interpreter.input_count();
        let found = match &tensor.name {
            Some(name) => (0..count).find(|slot| self.input_name(*slot) == Some(name)),
            None => Some(position).filter(|slot| *slot < count),
        };
        found.ok_or_else(|| {
            let known: Vec<&str> = (0..count).filter_map(|slot| self.input_name(slot)).collect();
            let given = tensor.name.clone().unwrap_or_else(|| position.to_string());
            ConvertError::Infer {
                cause: format!("no input \"{given}\", expected one of: {}", known.join(", ")),
            }
        })
    }
}

/// Names by slot, from a signature's pairs of name and slot.
fn by_slot(pairs: &[(&str, usize)], count: usize) -> Vec<String> {
    let mut names = vec![String::new(); count];
    for (name, slot) in pairs {
        if let Some(place) = names.get_mut(*slot) {
            (*name).clone_into(place);
        }
    }
    names
}

pub(crate) fn run_error(error: impl std::error::Error) -> ConvertError {
    ConvertError::Infer { cause: error.to_string() }
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
        loose(view, name)
    }
}

pub(crate) fn loose(view: &TensorView<'_>, name: String) -> LooseTensor {
    LooseTensor {
        name: Some(name),
        dtype: view.dtype.name().to_ascii_lowercase(),
        shape: view.shape.to_vec(),
        bytes: view.bytes.to_vec(),
    }
}
