//! `bench diff-outputs`: how far two sets of tensors lie apart, and where they first differ.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Terminal, print};
use crate::distance::{Distance, distance};
use crate::error::{BenchError, ExitCode};
use crate::npy::{self, Array};

/// Arguments of `bench diff-outputs`.
#[derive(clap::Args, Debug)]
pub(super) struct DiffArgs {
    /// The tensors to compare with: a .npz or .npy file.
    reference: PathBuf,
    /// The tensors to compare.
    other: PathBuf,
    /// Largest difference that is no difference: in steps for integers, absolute for floats.
    #[arg(long, value_name = "D", default_value_t = 0.0)]
    tolerance: f64,
    /// Write the comparison as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &DiffArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let (reference, other) = (npy::read(&arguments.reference)?, npy::read(&arguments.other)?);
    let pairs = pair(&reference, &other, &arguments.other)?;
    let distances: Vec<Distance> = pairs.iter().map(|(name, a, b)| distance(name, a, b)).collect();
    let first = distances.iter().find(|distance| distance.max_difference > arguments.tolerance);
    let text = if arguments.json {
        serde_json::to_string_pretty(&distances).map_err(BenchError::internal)? + "\n"
    } else {
        table(&distances, first.map(|distance| distance.name.as_str()))
    };
    print(&text)?;
    Ok(if first.is_some() { ExitCode::Regression } else { ExitCode::Pass })
}

/// Tensors of one name, in the order of the reference; every tensor of the reference must be there.
fn pair<'a>(
    reference: &'a [Array],
    other: &'a [Array],
    other_path: &Path,
) -> Result<Vec<(String, &'a Array, &'a Array)>, BenchError> {
    let mut pairs = Vec::new();
    for (position, a) in reference.iter().enumerate() {
        let name = a.name.clone().unwrap_or_else(|| format!("arr_{position}"));
        let same_name = |candidate: &&Array| candidate.name == a.name;
        let b = other.iter().find(same_name).or(if reference.len() == 1 { other.first() } else { None });
        let b = b.ok_or_else(|| BenchError::tensor(other_path, &name, "a tensor of this name", "none"))?;
        let described = |array: &Array| format!("{} {:?}", array.values.dtype(), array.shape);
        if described(a) != described(b) {
            return Err(BenchError::tensor(other_path, &name, &described(a), &described(b)));
        }
        pairs.push((name, a, b));
    }
    Ok(pairs)
}

fn table(distances: &[Distance], first: Option<&str>) -> String {
    let mut text = format!(
        "{:<8} {:>16} {:>12} {:>12} {:>10} {:>9}  tensor\n",
        "type", "differing", "largest", "rmse", "cosine", "snr dB"
    );
    let or_dash = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    for distance in distances {
        let _ = writeln!(
            text,
            "{:<8} {:>16} {:>12.6} {:>12.6} {:>10} {:>9}  {}",
            distance.dtype,
            format!("{}/{}", distance.differing, distance.elements),
            distance.max_difference,
            distance.rmse,
            or_dash(distance.cosine, 6),
            or_dash(distance.snr_db, 1),
            distance.name
        );
    }
    let _ = match first {
        Some(name) => writeln!(text, "first tensor that differs: {name}"),
        None => writeln!(text, "no tensor differs"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::Values;

    fn floats(values: &[f32]) -> Array {
        Array { name: Some("x".into()), shape: vec![values.len()], values: Values::Float32(values.to_vec()) }
    }

    #[test]
    fn missing_and_foreign_tensors_are_named() {
        let other = Array { name: Some("y".into()), ..floats(&[1.0]) };
        let two = [floats(&[1.0]), other.clone()];
        let error = pair(&two, &[other], Path::new("b.npz")).expect_err("x is missing");
        assert!(error.to_string().contains("tensor x"), "{error}");
        let shape =
            pair(&[floats(&[1.0])], &[floats(&[1.0, 2.0])], Path::new("b.npz")).expect_err("shapes differ");
        assert!(shape.to_string().contains("float32 [1]"), "{shape}");
    }
}
