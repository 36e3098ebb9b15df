//! How far one operator is from the exact result on one draw of inputs.

use std::fmt;

use edgebench_interpreter::{Interpreter, KernelChoice, Model, Options};

use crate::random::Random;
use crate::{layers, pointwise};

/// An operator, what is drawn for it, and how far it may be off.
pub(crate) struct Subject {
    pub(crate) operator: &'static str,
    /// What is drawn, in words.
    pub(crate) inputs: &'static str,
    pub(crate) unit: Unit,
    /// In units.
    pub(crate) bound: f64,
    pub(crate) draw: fn(&mut Random) -> Draw,
}

/// What an error is counted in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The distance of neighbouring floats at the exact result.
    Ulp,
    /// `n * 2^-24 * sum of |terms|` for a sum of n terms: what rounding-error analysis allows any order of summation (Higham,
    /// "Accuracy and Stability of Numerical Algorithms", section 3.1).
    Terms,
}

/// A network of one operator, values for its inputs, and the exact output.
pub(crate) struct Draw {
    pub(crate) file: Vec<u8>,
    pub(crate) inputs: Vec<Vec<f32>>,
    pub(crate) expected: Vec<Exact>,
}

/// An exact result.
#[derive(Clone, Copy)]
pub(crate) struct Exact {
    pub(crate) value: f64,
    /// One unit.
    pub(crate) room: f64,
}

/// Half the relative distance of neighbouring floats.
const UNIT_ROUNDOFF: f64 = 1.0 / (1u64 << 24) as f64;

impl Exact {
    pub(crate) fn ulp(value: f64) -> Self {
        let exponent = value.abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor();
        Self { value, room: (exponent - 23.0).exp2() }
    }

    /// The sum of these terms.
    pub(crate) fn sum(terms: impl Iterator<Item = f64>) -> Self {
        let (value, size, count) = terms.fold((0.0, 0.0, 0.0), |(value, size, count), term| {
            (value + term, size + term.abs(), count + 1.0)
        });
        Self { value, room: count * UNIT_ROUNDOFF * size }
    }

    /// Both divided.
    pub(crate) fn over(self, divisor: f64) -> Self {
        Self { value: self.value / divisor, room: self.room / divisor }
    }

    pub(crate) fn error(&self, found: f32) -> f64 {
        let distance = (f64::from(found) - self.value).abs();
        match distance {
            0.0 => 0.0,
            _ if distance.is_nan() || self.room == 0.0 => f64::INFINITY,
            _ => distance / self.room,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ulp => "ULP",
            Self::Terms => "n u sum",
        })
    }
}

/// Every operator that is measured.
pub(crate) fn subjects() -> Vec<Subject> {
    pointwise::subjects().into_iter().chain(layers::subjects()).collect()
}

/// The largest error of one draw, in units.
pub(crate) fn worst(subject: &Subject, kernels: KernelChoice, seed: u64) -> f64 {
    let Draw { file, inputs, expected } = (subject.draw)(&mut Random::new(seed));
    let model = Model::load(&file).expect("loads");
    let options = Options { kernels, ..Options::default() };
    let mut interpreter = Interpreter::new(&model, &options).expect("prepares");
    for (slot, values) in inputs.iter().enumerate() {
        interpreter.set_input_f32(slot, values).expect("fits");
    }
    interpreter.invoke().expect("runs");
    let found = interpreter.output(0).and_then(|view| view.real_values()).expect("floats");
    assert_eq!(found.len(), expected.len(), "{}", subject.operator);
    found.iter().zip(expected).map(|(found, exact)| exact.error(*found)).fold(0.0, f64::max)
}
