//! `bench inspect`: what is in a model file.

use std::fmt::Write as _;
use std::path::PathBuf;

use edgebench_converter::{Inspection, OperatorLine, TensorLine, check, inspect};

use super::{Terminal, print};
use crate::error::{BenchError, ExitCode};

/// Arguments of `bench inspect`.
#[derive(clap::Args, Debug)]
pub(super) struct InspectArgs {
    /// A .tflite file.
    model: PathBuf,
    /// Write everything as JSON.
    #[arg(long)]
    json: bool,
    /// List every tensor with its quantization.
    #[arg(long, conflicts_with = "json")]
    tensors: bool,
    /// Only say which nodes the runtime cannot run and why; exit with 2 when there are any.
    #[arg(long, conflicts_with_all = ["json", "tensors"])]
    check: bool,
}

pub(super) fn run(arguments: &InspectArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let bytes = std::fs::read(&arguments.model).map_err(|cause| BenchError::read(&arguments.model, cause))?;
    if arguments.check {
        return lacks(&check(&bytes));
    }
    let inspection = inspect(&bytes).map_err(|error| BenchError::model(&arguments.model, &error))?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&inspection).map_err(|cause| BenchError::internal(&cause))? + "\n"
    } else {
        text(&inspection, arguments.tensors)
    };
    print(&text)?;
    Ok(ExitCode::Pass)
}

fn lacks(lines: &[String]) -> Result<ExitCode, BenchError> {
    if lines.is_empty() {
        print("every operator is there\n")?;
        return Ok(ExitCode::Pass);
    }
    print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(ExitCode::Usage)
}

fn text(inspection: &Inspection, with_tensors: bool) -> String {
    let mut out = String::new();
    head(&mut out, inspection);
    operators(&mut out, &inspection.operators);
    totals(&mut out, inspection);
    if with_tensors {
        tensors(&mut out, &inspection.tensors);
    }
    out
}

fn head(out: &mut String, inspection: &Inspection) {
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:<14} {value}");
    };
    line("file", format!("{} bytes", grouped(inspection.file_bytes)));
    if let Some(description) = &inspection.description {
        line("description", description.clone());
    }
    let door = |indices: &[usize]| {
        let tensors = indices.iter().filter_map(|index| inspection.tensors.get(*index));
        tensors
            .map(|tensor| format!("{} {} {}", tensor.name, tensor.dtype, shape(&tensor.shape)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    line("inputs", door(&inspection.inputs));
    line("outputs", door(&inspection.outputs));
    line("parameters", grouped(inspection.parameters));
    line("constants", format!("{} bytes", grouped(inspection.constant_bytes)));
    line("MACs", inspection.macs.map_or_else(|| "unknown".to_owned(), grouped));
    match (inspection.arena, &inspection.not_runnable) {
        (Some(arena), _) => {
            let (shared, apart) = (grouped(arena.arena_bytes), grouped(arena.without_reuse_bytes));
            line("arena", format!("{shared} bytes ({apart} without reuse)"));
            line("packed weights", format!("{} bytes", grouped(arena.packed_bytes)));
        }
        (None, Some(reason)) => line("not runnable", reason.clone()),
        (None, None) => {}
    }
}

fn operators(out: &mut String, lines: &[OperatorLine]) {
    let _ = writeln!(
        out,
        "\n{:>4}  {:<28} {:>3} {:<20} {:<20} {:>14} {:>12}",
        "#", "operator", "ver", "input", "output", "MACs", "constants"
    );
    for line in lines {
        let macs = line.macs.map_or_else(|| "-".to_owned(), grouped);
        let _ = writeln!(
            out,
            "{:>4}  {:<28} {:>3} {:<20} {:<20} {:>14} {:>12}",
            line.index,
            line.name,
            line.version,
            shape(&line.input_shape),
            shape(&line.output_shape),
            macs,
            grouped(line.constant_bytes)
        );
    }
}

fn totals(out: &mut String, inspection: &Inspection) {
    let _ = writeln!(out, "\n{:<28} {:>6} {:>16} {:>14}", "by operator", "count", "MACs", "constants");
    for total in &inspection.by_operator {
        let (macs, bytes) = (grouped(total.macs), grouped(total.constant_bytes));
        let _ = writeln!(out, "{:<28} {:>6} {:>16} {:>14}", total.name, total.count, macs, bytes);
    }
    let _ = writeln!(out, "\n{:<28} {:>6} {:>16}", "constants by type", "count", "bytes");
    for total in &inspection.by_type {
        let _ = writeln!(out, "{:<28} {:>6} {:>16}", total.dtype, total.tensors, grouped(total.bytes));
    }
}

fn tensors(out: &mut String, lines: &[TensorLine]) {
    let _ = writeln!(
        out,
        "\n{:>4}  {:<8} {:<20} {:>12}  {:<28} name",
        "#", "type", "shape", "bytes", "quantization"
    );
    for line in lines {
        let bytes = if line.constant { grouped(line.bytes) } else { "-".to_owned() };
        let _ = writeln!(
            out,
            "{:>4}  {:<8} {:<20} {:>12}  {:<28} {}",
            line.index,
            line.dtype,
            shape(&line.shape),
            bytes,
            quantization(line),
            line.name
        );
    }
}

fn quantization(line: &TensorLine) -> String {
    match &line.quantization {
        None => "-".to_owned(),
        Some(quantization) => match (quantization.scales.as_slice(), quantization.zero_points.as_slice()) {
            ([scale], [zero_point]) => format!("{scale} zero point {zero_point}"),
            (scales, _) => format!("{} scales on axis {}", scales.len(), quantization.axis),
        },
    }
}

fn shape(dimensions: &[i32]) -> String {
    let words: Vec<String> = dimensions.iter().map(i32::to_string).collect();
    format!("[{}]", words.join(","))
}

/// Digits in groups of three, as people read them.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        let texts = [0, 12, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
