//! `bench layers`: which operator of a quantized network does the harm.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use edgebench_converter::{InferOptions, LooseTensor};
use edgebench_reports::beside::{Layer, LayerReport};

use super::infer::tensors;
use super::{Terminal, print};
use crate::dataset::TensorPack;
use crate::error::{BenchError, ExitCode};
use crate::layers::{compare, examples_of};
use crate::parity::noise;
use crate::run::Display;

/// Arguments of `bench layers`.
#[derive(clap::Args, Debug)]
pub(super) struct LayersArgs {
    /// The float network: a .tflite file.
    float: PathBuf,
    /// The same network, quantized.
    quantized: PathBuf,
    /// An input, as for `bench infer`; several are the inputs of one example.
    #[arg(long = "input", value_name = "[NAME=]FILE", conflicts_with = "pack")]
    inputs: Vec<String>,
    /// Examples: a tensor pack, as runs name it in outputs/manifest.json. Without examples, noise.
    #[arg(long, value_name = "FILE")]
    pack: Option<PathBuf>,
    /// Examples of the pack to look at.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    examples: u32,
    /// Seed of the noise.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Fail (exit code 1) when an operator alone brings the output of the network below so many decibels.
    #[arg(long, value_name = "DB")]
    least_db: Option<f64>,
    /// Write everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &LayersArgs, terminal: Terminal) -> Result<ExitCode, BenchError> {
    let (float, quantized) = (read(&arguments.float)?, read(&arguments.quantized)?);
    let examples = examples(arguments, &float)?;
    let mut progress = |done: usize, count: usize| {
        if terminal.display == Display::Bars {
            eprint!("\r{done}/{count} operators");
        }
    };
    let layers = compare(&float, &quantized, &examples, &mut progress)
        .map_err(|error| BenchError::model(&arguments.quantized, &error))?;
    if terminal.display == Display::Bars {
        eprint!("\r\x1b[K");
    }
    let report = LayerReport {
        model: arguments.float.display().to_string(),
        variant: arguments.quantized.display().to_string(),
        examples: u32::try_from(examples.len()).unwrap_or(u32::MAX),
        layers,
    };
    let text = if arguments.json {
        serde_json::to_string_pretty(&report).map_err(BenchError::internal)? + "\n"
    } else {
        table(&report)
    };
    print(&text)?;
    Ok(exit_code(&report, arguments.least_db))
}

/// Nothing compared is not a pass.
fn exit_code(report: &LayerReport, least_db: Option<f64>) -> ExitCode {
    match (report.worst(), least_db) {
        (None, _) => ExitCode::Inconclusive,
        (Some(worst), Some(least)) if worst.above_error_db() < least => ExitCode::Regression,
        _ => ExitCode::Pass,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BenchError> {
    std::fs::read(path).map_err(|cause| BenchError::read(path, cause))
}

fn examples(arguments: &LayersArgs, float: &[u8]) -> Result<Vec<Vec<LooseTensor>>, BenchError> {
    if let Some(pack) = &arguments.pack {
        let examples = TensorPack::open(pack).and_then(|pack| examples_of(&pack, arguments.examples));
        return Ok(examples?);
    }
    let mut example = Vec::new();
    for given in &arguments.inputs {
        example.extend(tensors(given)?);
    }
    if example.is_empty() {
        let how = InferOptions { threads: 1, kernels: "auto".to_owned(), dump_all: false, signature: None };
        example = noise(float, &how, arguments.seed)
            .map_err(|error| BenchError::model(&arguments.float, &error))?;
    }
    Ok(vec![example])
}

fn table(report: &LayerReport) -> String {
    let mut text =
        format!("{:>5} {:<24} {:>10} {:>10}  tensor\n", "node", "operator", "own error", "alone dB");
    for layer in &report.layers {
        let _ = writeln!(
            text,
            "{:>5} {:<24} {:>10} {:>10}  {}",
            layer.index,
            layer.operator,
            layer.rmse_steps.map_or_else(|| "-".to_owned(), |steps| format!("{steps:.2}")),
            layer.alone_snr_db.map_or_else(|| "-".to_owned(), |snr| format!("{snr:.1}")),
            layer.tensor
        );
    }
    match report.worst() {
        Some(Layer { index, operator, tensor, .. }) => {
            let _ = writeln!(text, "\nmost harm by itself: {index} {operator} ({tensor})");
        }
        None => text.push_str("\nno operator has a counterpart in the float network\n"),
    }
    text.push_str(
        "own error: root of the mean square, in steps of the output (rounding alone makes 0.29)\n\
         alone: the output of the network above the error that arrives there when this operator alone is quantized\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(figures: &[(f64, f64)]) -> LayerReport {
        let layer = |(index, (steps, snr)): (usize, &(f64, f64))| Layer {
            index,
            operator: "CONV_2D".to_owned(),
            tensor: format!("t{index}"),
            rmse_steps: Some(*steps),
            alone_snr_db: Some(*snr).filter(|snr| snr.is_finite()),
        };
        LayerReport {
            model: "f".to_owned(),
            variant: "q".to_owned(),
            examples: 1,
            layers: figures.iter().enumerate().map(layer).collect(),
        }
    }

    #[test]
    fn the_worst_operator_is_named_and_decides() {
        let found = report(&[(0.3, 40.0), (60.0, -2.0), (0.29, f64::INFINITY)]);
        let text = table(&found);
        assert!(text.contains("most harm by itself: 1 CONV_2D (t1)"), "{text}");
        assert!(text.contains("    1 CONV_2D                       60.00       -2.0  t1\n    2 CONV_2D                        0.29          -  t2"), "{text}");
        assert_eq!(exit_code(&found, Some(10.0)), ExitCode::Regression);
        assert_eq!(exit_code(&found, None), ExitCode::Pass);
        assert_eq!(exit_code(&report(&[]), None), ExitCode::Inconclusive);
    }
}
