//! Runs every `.tflite` file of a folder, as `ci/litert/run_models.py` does in the genuine LiteRT:
//! `run_models FOLDER [KERNELS [trace]]`.
//!
//! Beside NAME.tflite lies NAME.inputs: examples back to back, each the bytes of all inputs in the model's order.
//! NAME.outputs receives all outputs of each example the same way. A model that does not load or run gets NAME.refused
//! with the reason instead. With `trace`, NAME.trace tells of the first example each tensor that an operator wrote, in the
//! order of writing: node, operator, kernel, hash of the bytes, name. The first line in which the traces of two devices
//! differ names the operator that made them differ.
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::{Path, PathBuf};

use edgebench_interpreter::{Interpreter, Model, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: run_models FOLDER [KERNELS]")?);
    let kernels = arguments.next().unwrap_or_else(|| "auto".to_owned());
    let trace = arguments.next().is_some_and(|word| word == "trace");
    let options = Options { kernels: kernels.parse()?, ..Options::default() };
    for model in models(&folder)? {
        match outputs(&model, &options, trace) {
            Ok(bytes) => std::fs::write(model.with_extension("outputs"), bytes)?,
            Err(error) => std::fs::write(model.with_extension("refused"), error.to_string())?,
        }
    }
    Ok(())
}

/// The folder's models, sorted by name.
fn models(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "tflite"));
    paths.sort();
    Ok(paths)
}

fn outputs(path: &Path, options: &Options, trace: bool) -> Result<Vec<u8>, Box<dyn Error>> {
    let file = std::fs::read(path)?;
    let model = Model::load(&file)?;
    let mut interpreter = Interpreter::new(&model, options)?;
    let inputs = std::fs::read(path.with_extension("inputs"))?;
    let example_bytes = example_bytes(&interpreter);
    if inputs.is_empty() || inputs.len() % example_bytes != 0 {
        let found = inputs.len();
        return Err(format!("expected a multiple of {example_bytes} bytes of inputs, found {found}").into());
    }
    if trace {
        set_inputs(&mut interpreter, &inputs[..example_bytes]);
        std::fs::write(path.with_extension("trace"), written(&mut interpreter)?)?;
    }
    let mut outputs = Vec::new();
    for example in inputs.chunks_exact(example_bytes) {
        set_inputs(&mut interpreter, example);
        interpreter.invoke()?;
        let views = (0..interpreter.output_count()).filter_map(|index| interpreter.output(index));
        outputs.extend(views.flat_map(|view| view.bytes.to_vec()));
    }
    Ok(outputs)
}

/// Bytes of all inputs together, 1 at least so that it can divide.
fn example_bytes(interpreter: &Interpreter<'_>) -> usize {
    let views = (0..interpreter.input_count()).filter_map(|index| interpreter.input(index));
    views.map(|view| view.bytes.len()).sum::<usize>().max(1)
}

/// Cuts one example into the inputs.
fn set_inputs(interpreter: &mut Interpreter<'_>, example: &[u8]) {
    let mut rest = example;
    for index in 0..interpreter.input_count() {
        if let Some(room) = interpreter.input_bytes_mut(index) {
            let (value, following) = rest.split_at(room.len());
            room.copy_from_slice(value);
            rest = following;
        }
    }
}

/// A line for each tensor that an operator writes.
fn written(interpreter: &mut Interpreter<'_>) -> Result<String, Box<dyn Error>> {
    let nodes = interpreter.nodes().map(|node| format!("{} {}", node.operator, node.kernel));
    let nodes: Vec<String> = nodes.collect();
    let mut lines = String::new();
    interpreter.invoke_observed(&mut |node| {
        let name = nodes.get(node.index).map_or("", String::as_str);
        for output in node.outputs() {
            lines += &format!("{} {name} {:016x} {}\n", node.index, hash(output.bytes), output.name);
        }
    })?;
    Ok(lines)
}

/// FNV-1a: enough to tell whether two runs wrote the same.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
