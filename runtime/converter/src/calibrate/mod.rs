//! Which values flow through a network: our interpreter runs it over representative samples, and the range of every
//! activation is recorded. It must not know what the ranges will be used for.

mod observe;
mod pick;
mod range;

use serde::{Deserialize, Serialize};

use crate::error::ConvertError;
use crate::graph::Graph;

pub use observe::calibrate;
pub use range::Observer;

/// Representative inputs.
pub trait Samples {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One sample: for each network input, in order, its values row-major in the input's shape.
    ///
    /// # Errors
    /// When the sample cannot be read; the text says why.
    fn sample(&self, index: usize) -> Result<Vec<Vec<f32>>, String>;
}

/// How a range is made from observations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The smallest and the largest value over all samples.
    #[default]
    MinMax,
}

/// How to calibrate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct CalibrationOptions {
    /// How many samples to use; all when there are fewer.
    pub samples: usize,
    /// Which ones: the same seed picks the same samples.
    pub seed: u64,
    /// How a range is made.
    pub method: Method,
}

impl Default for CalibrationOptions {
    /// 200 samples, inside the 100 to 500 that the quantization guides advise.
    fn default() -> Self {
        Self { samples: 200, seed: 1, method: Method::MinMax }
    }
}

/// What was observed, one entry for each float activation, ordered by tensor.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Calibration {
    /// How many samples ran.
    pub samples: usize,
    /// The seed that picked them.
    pub seed: u64,
    /// How ranges were made.
    pub method: Method,
    /// The ranges.
    pub tensors: Vec<TensorRange>,
}

/// The values of one activation over all samples.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TensorRange {
    /// Index in the model file.
    pub tensor: usize,
    /// Name in the model file.
    pub name: String,
    /// Smallest finite value; 0 when there was none.
    pub min: f32,
    /// Largest finite value; 0 when there was none.
    pub max: f32,
    /// Finite values seen.
    pub values: u64,
    /// Values that were no number, left out of the range.
    pub nan: u64,
    /// Infinite values, left out of the range.
    pub infinite: u64,
    /// Share of the finite values that lie exactly on `min` or `max`: a fused ReLU6 shows as a large share, a range
    /// that a single outlier stretches as a tiny one.
    pub saturation: f64,
}

impl Calibration {
    /// Whether the calibration was taken from this network: tensor by tensor it must name the same.
    pub(crate) fn check_origin(&self, graph: &Graph) -> Result<(), ConvertError> {
        for range in &self.tensors {
            let expected =
                graph.tensors.get(range.tensor).map(|tensor| tensor.name.as_str()).unwrap_or_default();
            if expected != range.name {
                let (expected, found) = (expected.to_owned(), range.name.clone());
                return Err(ConvertError::ForeignCalibration { tensor: range.tensor, expected, found });
            }
        }
        Ok(())
    }

    /// The range of this tensor.
    pub fn range(&self, tensor: usize) -> Option<&TensorRange> {
        let found = self.tensors.binary_search_by_key(&tensor, |range| range.tensor).ok()?;
        self.tensors.get(found)
    }
}
