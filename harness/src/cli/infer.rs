//! `bench infer`: one inference on given tensors.

use std::path::{Path, PathBuf};

use edgebench_converter::{InferOptions, LooseTensor, bind, infer};

use super::{Terminal, print};
use crate::error::{BenchError, ExitCode};
use crate::npy::{self, Array, Values};
use crate::peer;
use crate::plan::RUNTIME_EDGEBENCH;
use crate::run::write_whole;

/// Arguments of `bench infer`.
#[derive(clap::Args, Debug)]
pub(super) struct InferArgs {
    /// A .tflite file.
    model: PathBuf,
    /// An input: a .npy file, or a .npz whose arrays are named like inputs. Several are taken in order, or by name as
    /// NAME=FILE.
    #[arg(long = "input", value_name = "[NAME=]FILE", required = true)]
    inputs: Vec<String>,
    /// Where to write the outputs: a .npz file.
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,
    /// Which signature to call, by its key; inputs and outputs then go by its names.
    #[arg(long, value_name = "KEY")]
    signature: Option<String>,
    /// What runs the model.
    #[arg(long, value_enum, default_value_t = Runtime::Edgebench, value_name = "RUNTIME")]
    runtime: Runtime,
    /// LiteRT's library, libLiteRt.so, for --runtime litert; else EDGEBENCH_LITERT, else that of the Python package
    /// ai-edge-litert.
    #[arg(long, value_name = "FILE")]
    litert: Option<PathBuf>,
    /// Worker threads.
    #[arg(long = "num_threads", aliases = ["num-threads", "threads"], value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Kernel set: auto, reference, portable, or an instruction set; of LiteRT: auto (XNNPACK), builtin or reference.
    #[arg(long = "isa", visible_alias = "kernels", value_name = "SET", default_value = "auto")]
    kernels: String,
    /// Write every tensor that an operator computes, in the order they are computed.
    #[arg(long)]
    dump_all: bool,
}

/// What can run a model.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum, Debug)]
pub(super) enum Runtime {
    Edgebench,
    Litert,
}

impl Runtime {
    /// Its name in plans and records.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Edgebench => RUNTIME_EDGEBENCH,
            Self::Litert => "litert",
        }
    }
}

pub(super) fn run(arguments: &InferArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let model = std::fs::read(&arguments.model).map_err(|cause| BenchError::read(&arguments.model, cause))?;
    let mut inputs = Vec::new();
    for given in &arguments.inputs {
        inputs.extend(tensors(given)?);
    }
    let how = InferOptions {
        threads: arguments.threads.into(),
        kernels: arguments.kernels.clone(),
        dump_all: arguments.dump_all,
        signature: arguments.signature.clone(),
    };
    let outputs = match arguments.runtime {
        Runtime::Edgebench => {
            infer(&model, &inputs, &how).map_err(|error| BenchError::model(&arguments.model, &error))?
        }
        Runtime::Litert => in_litert(arguments, model, &inputs)?,
    };
    let arrays: Vec<Array> = outputs.into_iter().filter_map(array).collect();
    let bytes = npy::npz(&arrays).map_err(|cause| BenchError::write(&arguments.output, cause))?;
    write_whole(&arguments.output, &bytes).map_err(|cause| BenchError::write(&arguments.output, cause))?;
    let lines = arrays.iter().map(|array| {
        format!(
            "{:<8} {:<20} {}\n",
            array.values.dtype(),
            format!("{:?}", array.shape),
            array.name.as_deref().unwrap_or("")
        )
    });
    print(&lines.collect::<String>())?;
    Ok(ExitCode::Pass)
}

/// Outputs of the model in LiteRT, which takes the inputs as this runtime would.
fn in_litert(
    arguments: &InferArgs,
    model: Vec<u8>,
    inputs: &[LooseTensor],
) -> Result<Vec<LooseTensor>, BenchError> {
    if arguments.dump_all || arguments.signature.is_some() {
        return Err(BenchError::option("--dump-all and --signature are not for --runtime litert"));
    }
    let options = edgebench_litert::Options {
        threads: arguments.threads.into(),
        kernels: arguments.kernels.parse().map_err(BenchError::option)?,
    };
    let plain = InferOptions { threads: 1, kernels: "auto".to_owned(), dump_all: false, signature: None };
    let bound = bind(&model, inputs, &plain).map_err(|error| BenchError::model(&arguments.model, &error))?;
    let library = peer::locate(arguments.litert.as_deref())?;
    Ok(peer::infer(&library, model, &bound, options)?)
}

/// The tensors of one `--input`. A name given with the file wins over those in it.
pub(super) fn tensors(given: &str) -> Result<Vec<LooseTensor>, BenchError> {
    let (name, file) = match given.split_once('=') {
        Some((name, file)) if !Path::new(given).exists() => (Some(name.to_owned()), file),
        _ => (None, given),
    };
    let arrays = npy::read(Path::new(file))?;
    let loose = |array: Array| LooseTensor {
        name: name.clone().or(array.name.filter(|name| !is_positional(name))),
        dtype: array.values.dtype().to_owned(),
        shape: array.shape,
        bytes: array.values.to_bytes(),
    };
    Ok(arrays.into_iter().map(loose).collect())
}

/// NumPy names arrays that were saved without a name `arr_0`, `arr_1`, ...
fn is_positional(name: &str) -> bool {
    name.strip_prefix("arr_")
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// None for element types that NumPy does not have.
pub(super) fn array(tensor: LooseTensor) -> Option<Array> {
    let values = Values::from_bytes(&tensor.dtype, &tensor.bytes)?;
    Some(Array { name: tensor.name, shape: tensor.shape, values })
}
