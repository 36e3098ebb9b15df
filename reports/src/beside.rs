//! What a page may show beside the records of a run: pictures of examples, how far the outputs of devices agree, where
//! a variant loses its accuracy. The controller gathers it from files that the records only name; a page without any of
//! it is whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything that was gathered.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Beside {
    /// Pictures of examples.
    pub pictures: BTreeMap<ExampleId, Picture>,
    /// Pairs of places that ran the same file on the same examples.
    pub agreements: Vec<OutputPair>,
    /// Variants whose operators were looked at one by one.
    pub layers: Vec<LayerReport>,
}

/// An example of a tensor pack.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ExampleId {
    /// BLAKE3 of the tensor pack, in hex.
    pub pack_digest: String,
    /// Index in the data set.
    pub example: u32,
}

/// A picture of what a network saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// A PNG file.
    pub png: Vec<u8>,
}

/// How far two places agree on a variant.
#[derive(Clone, PartialEq, Debug)]
pub struct OutputPair {
    /// Name of the model.
    pub model: String,
    /// Name of the variant.
    pub variant: String,
    /// Device, with runtime and threads where they differ.
    pub one: String,
    /// The other.
    pub other: String,
    /// How far.
    pub agreement: Closeness,
    /// Whether anything but equal is a mistake: outputs of an integer network in the same runtime.
    pub must_be_equal: bool,
    /// The first operator whose results differ, where it was looked for and found.
    pub first_operator: Option<String>,
}

/// How far outputs lie apart.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Closeness {
    /// Every bit is the same.
    Equal,
    /// Some integers differ by one: a rounding that went the other way.
    OneStep {
        /// Values that differ.
        values: u64,
        /// Values there are.
        of: u64,
    },
    /// Anything else.
    Different {
        /// Values that differ.
        values: u64,
        /// Values there are.
        of: u64,
        /// Largest absolute difference: steps of an integer, or a real number.
        largest: f64,
    },
}

/// What each operator of a quantized variant does to the network by itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LayerReport {
    /// Name of the model.
    pub model: String,
    /// Name of the variant.
    pub variant: String,
    /// Examples it was looked at on.
    pub examples: u32,
    /// Every operator that was compared, in execution order.
    pub layers: Vec<Layer>,
}

/// One operator of a quantized variant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Layer {
    /// Index in the file.
    pub index: usize,
    /// Such as `CONV_2D`.
    pub operator: String,
    /// Name of the tensor that it computes.
    pub tensor: String,
    /// Root of the mean squared error that this operator makes on its own, in steps of its output: 0.29 is rounding. None
    /// where the output is no integer.
    pub rmse_steps: Option<f64>,
    /// Power of the network's output over that of the error there when this operator alone is quantized, in decibels.
    /// None where no error arrives there.
    pub alone_snr_db: Option<f64>,
}

impl LayerReport {
    /// The operator that alone does most harm to the output of the network.
    pub fn worst(&self) -> Option<&Layer> {
        self.layers.iter().min_by(|one, other| one.above_error_db().total_cmp(&other.above_error_db()))
    }
}

impl Layer {
    /// As `alone_snr_db`, for putting in order: without an error, infinitely far above it.
    pub fn above_error_db(&self) -> f64 {
        self.alone_snr_db.unwrap_or(f64::INFINITY)
    }
}
