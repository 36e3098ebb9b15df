//! `bench parity`: a model beside LiteRT, operator by operator.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edgebench_converter::{InferOptions, LooseTensor};

use super::infer::{array, tensors};
use super::{Terminal, print};
use crate::error::{BenchError, ExitCode};
use crate::npy;
use crate::parity::{Closeness, Comparison, FLOAT_ROUNDING, Parity, compare, noise};
use crate::peer;
use crate::run::{Display, write_whole};

/// Arguments of `bench parity`.
#[derive(clap::Args, Debug)]
pub(super) struct ParityArgs {
    /// A .tflite file.
    model: PathBuf,
    /// An input, as for `bench infer`; without any, noise.
    #[arg(long = "input", value_name = "[NAME=]FILE")]
    inputs: Vec<String>,
    /// Seed of the noise.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// LiteRT's library, libLiteRt.so; else EDGEBENCH_LITERT, else that of the Python package ai-edge-litert.
    #[arg(long, value_name = "FILE")]
    litert: Option<PathBuf>,
    /// LiteRT's kernels: default (XNNPACK), builtin or reference.
    #[arg(long, value_name = "KERNELS", default_value = "default")]
    litert_kernels: edgebench_litert::Kernels,
    /// Our kernel set: auto, reference, portable, or an instruction set.
    #[arg(long, value_name = "SET", default_value = "auto")]
    kernels: String,
    /// Show every operator, not only those that differ.
    #[arg(long)]
    all: bool,
    /// Write everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ParityArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    let model = std::fs::read(&arguments.model).map_err(|cause| BenchError::read(&arguments.model, cause))?;
    let of_model = |error| BenchError::model(&arguments.model, &error);
    let how =
        InferOptions { threads: 1, kernels: arguments.kernels.clone(), dump_all: false, signature: None };
    let mut inputs = Vec::new();
    for given in &arguments.inputs {
        inputs.extend(tensors(given)?);
    }
    if arguments.inputs.is_empty() {
        inputs = noise(&model, &how, arguments.seed).map_err(of_model)?;
    }
    let library = peer::locate(arguments.litert.as_deref())?;
    let folder = tempfile::tempdir().map_err(BenchError::internal)?;
    let child = Child { library: &library, folder: folder.path(), kernels: arguments.litert_kernels };
    let mut progress = |done: usize, count: usize| {
        if terminal.display == Display::Bars {
            eprint!("\r{done}/{count} operators");
        }
    };
    let parity = compare(&model, &inputs, &how, &mut |model, inputs| child.run(model, inputs), &mut progress)
        .map_err(of_model)?;
    if terminal.display == Display::Bars {
        eprint!("\r\x1b[K");
    }
    let text = if arguments.json {
        serde_json::to_string_pretty(&parity).map_err(BenchError::internal)? + "\n"
    } else {
        table(&parity, arguments.all)
    };
    print(&text)?;
    Ok(exit_code(&parity))
}

/// Nothing compared is not a pass.
fn exit_code(parity: &Parity) -> ExitCode {
    let compared = parity.operators.iter().filter_map(|operator| operator.closeness);
    match compared.max() {
        None => ExitCode::Inconclusive,
        Some(Closeness::Apart) => ExitCode::Regression,
        Some(Closeness::Equal | Closeness::Rounding) => ExitCode::Pass,
    }
}

/// LiteRT in a process of its own: what it does to broken or unusual models must not end this one.
struct Child<'a> {
    library: &'a Path,
    folder: &'a Path,
    kernels: edgebench_litert::Kernels,
}

impl Child<'_> {
    fn run(&self, model: &[u8], inputs: &[LooseTensor]) -> Result<Vec<LooseTensor>, String> {
        let failed = |cause: std::io::Error| cause.to_string();
        let place = |name: &str| self.folder.join(name);
        write_whole(&place("model.tflite"), model).map_err(failed)?;
        let arrays: Option<Vec<npy::Array>> = inputs.iter().cloned().map(array).collect();
        let arrays = arrays.ok_or("an input's type has no NumPy file")?;
        write_whole(&place("inputs.npz"), &npy::npz(&arrays).map_err(failed)?).map_err(failed)?;
        let output = Command::new(std::env::current_exe().map_err(failed)?)
            .args(["--color", "never", "infer", "--runtime", "litert", "--kernels", self.kernels.name()])
            .arg("--litert")
            .arg(self.library)
            .arg("--input")
            .arg(place("inputs.npz"))
            .arg("--output")
            .arg(place("outputs.npz"))
            .arg("--")
            .arg(place("model.tflite"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()
            .map_err(failed)?;
        if !output.status.success() {
            return Err(last_words(&output));
        }
        let arrays = npy::read(&place("outputs.npz")).map_err(|error| error.to_string())?;
        Ok(arrays.into_iter().map(loose).collect())
    }
}

/// The line in which a failed `bench infer` says what went wrong; else how it ended.
fn last_words(output: &std::process::Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let said = text.lines().find_map(|line| line.strip_prefix("error: "));
    // The file is one that nobody will find again.
    let said = said.map(|line| line.split_once("model.tflite: ").map_or(line, |(_, what)| what));
    said.map_or_else(|| format!("LiteRT ended with {}", output.status), str::to_owned)
}

fn loose(array: npy::Array) -> LooseTensor {
    LooseTensor {
        name: array.name,
        dtype: array.values.dtype().to_owned(),
        shape: array.shape,
        bytes: array.values.to_bytes(),
    }
}

fn table(parity: &Parity, all: bool) -> String {
    let mut text = format!(
        "{:>5} {:<28} {:<8} {:>18} {:>12}  distance\n",
        "node", "operator", "type", "differing", "largest"
    );
    let shown = |operator: &&Comparison| all || operator.closeness != Some(Closeness::Equal);
    for operator in parity.operators.iter().filter(shown).chain([&parity.network]) {
        rows(&mut text, operator);
    }
    summary(&mut text, parity);
    text
}

fn rows(text: &mut String, operator: &Comparison) {
    let index = operator.index.map_or_else(String::new, |index| index.to_string());
    let mut label = (index.as_str(), operator.operator.as_str());
    for output in &operator.outputs {
        let differing = format!("{}/{}", output.differing, output.elements);
        let largest = if output.dtype.starts_with("float") {
            format!("{:.1e}", output.max_difference)
        } else {
            format!("{} steps", output.max_difference)
        };
        let word = operator.closeness.map_or("", word);
        let _ = writeln!(
            text,
            "{:>5} {:<28} {:<8} {differing:>18} {largest:>12}  {word}",
            label.0, label.1, output.dtype
        );
        label = ("", "");
    }
    if let Some(reason) = &operator.reason {
        let _ = writeln!(text, "{:>5} {:<28} not compared: {reason}", label.0, label.1);
    }
}

fn word(closeness: Closeness) -> &'static str {
    match closeness {
        Closeness::Equal => "equal",
        Closeness::Rounding => "rounding",
        Closeness::Apart => "apart",
    }
}

/// How many operators of each kind are how near, then what the words mean.
fn summary(text: &mut String, parity: &Parity) {
    let mut kinds: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for operator in &parity.operators {
        let place = match operator.closeness {
            Some(Closeness::Equal) => 0,
            Some(Closeness::Rounding) => 1,
            Some(Closeness::Apart) => 2,
            None => 3,
        };
        kinds.entry(&operator.operator).or_default()[place] += 1;
    }
    let heads = ["operators", "equal", "rounding", "apart", "not compared"];
    let _ =
        writeln!(text, "\n{:<28} {:>8} {:>8} {:>8} {:>12}", heads[0], heads[1], heads[2], heads[3], heads[4]);
    for (kind, [equal, rounding, apart, missing]) in kinds {
        let _ = writeln!(text, "{kind:<28} {equal:>8} {rounding:>8} {apart:>8} {missing:>12}");
    }
    let _ = writeln!(
        text,
        "\nEach operator ran in LiteRT on the inputs it had here. rounding: at most one step, or {FLOAT_ROUNDING:.0e} \
         of the largest value."
    );
}
