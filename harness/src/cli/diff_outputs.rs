//! `bench diff-outputs`: how far two sets of tensors lie apart, and where they first differ.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Terminal, print};
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

/// How far one tensor lies from its reference.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
struct Distance {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    /// Elements that differ at all.
    differing: usize,
    elements: usize,
    /// Largest absolute difference: steps for integers. Infinite where only one side is not a number.
    max_difference: f64,
    /// Root of the mean squared difference.
    rmse: f64,
    /// Cosine of the angle between the two; none when either is all zero.
    cosine: Option<f64>,
    /// Power of the reference over that of the difference, in decibels; none when they are equal.
    snr_db: Option<f64>,
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

fn distance(name: &str, reference: &Array, other: &Array) -> Distance {
    let (a, b) = (reference.values.to_f64(), other.values.to_f64());
    let mut sums = Sums::default();
    for (x, y) in a.iter().zip(&b) {
        sums.add(*x, *y);
    }
    Distance {
        name: name.to_owned(),
        dtype: reference.values.dtype().to_owned(),
        shape: reference.shape.clone(),
        differing: sums.differing,
        elements: a.len(),
        max_difference: sums.max,
        rmse: (sums.squared_difference / a.len().max(1) as f64).sqrt(),
        cosine: sums.cosine(),
        snr_db: sums.snr_db(),
    }
}

/// Running sums over pairs of elements.
#[derive(Default)]
struct Sums {
    differing: usize,
    max: f64,
    squared_difference: f64,
    squared_reference: f64,
    squared_other: f64,
    product: f64,
}

impl Sums {
    fn add(&mut self, x: f64, y: f64) {
        let same = x == y || (x.is_nan() && y.is_nan());
        let difference = if same { 0.0 } else { (x - y).abs() };
        // A NaN on one side only, or infinities of different sign, is as far apart as can be.
        let difference = if difference.is_nan() { f64::INFINITY } else { difference };
        self.differing += usize::from(!same);
        self.max = self.max.max(difference);
        self.squared_difference += difference * difference;
        if x.is_finite() && y.is_finite() {
            self.squared_reference += x * x;
            self.squared_other += y * y;
            self.product += x * y;
        }
    }

    fn cosine(&self) -> Option<f64> {
        let norms = (self.squared_reference * self.squared_other).sqrt();
        (norms > 0.0).then(|| self.product / norms)
    }

    fn snr_db(&self) -> Option<f64> {
        let ratio = self.squared_reference / self.squared_difference;
        (self.squared_difference > 0.0).then(|| 10.0 * ratio.log10())
    }
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
    fn equal_tensors_are_at_no_distance() {
        let a = floats(&[1.0, f32::NAN, f32::INFINITY]);
        let distance = distance("x", &a, &a);
        assert_eq!((distance.differing, distance.max_difference, distance.snr_db), (0, 0.0, None));
    }

    #[test]
    fn known_distance() {
        let distance = distance("x", &floats(&[3.0, 4.0]), &floats(&[3.0, 3.0]));
        assert_eq!((distance.differing, distance.max_difference), (1, 1.0));
        assert!((distance.rmse - 0.5f64.sqrt()).abs() < 1e-12);
        assert!((distance.snr_db.expect("they differ") - 10.0 * 25f64.log10()).abs() < 1e-9);
        assert!((distance.cosine.expect("neither is zero") - 21.0 / (5.0 * 18f64.sqrt())).abs() < 1e-12);
    }

    #[test]
    fn not_a_number_on_one_side_is_infinitely_far() {
        assert_eq!(distance("x", &floats(&[1.0]), &floats(&[f32::NAN])).max_difference, f64::INFINITY);
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
