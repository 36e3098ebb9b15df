//! What can go wrong between a model file and its variant. Kind, place, expected, found; advice is the caller's.

use edgebench_schema::SchemaError;

use crate::options::{Io, Quantize};

/// Why a file did not become a [`crate::Graph`].
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ImportError {
    /// The bytes are not a model file.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The file holds something that a single editable graph cannot express.
    #[error("{place}: unsupported {what}")]
    Unsupported {
        /// Where.
        place: String,
        /// What was found.
        what: String,
    },
    /// A required part is absent.
    #[error("{place}: missing {what}")]
    Missing {
        /// Where.
        place: String,
        /// What should be there.
        what: &'static str,
    },
    /// An index leads outside its table.
    #[error("{place}: {what} index {found} is out of range, expected less than {limit}")]
    Index {
        /// Where.
        place: String,
        /// What is indexed.
        what: &'static str,
        /// The index.
        found: i64,
        /// Length of the table.
        limit: usize,
    },
    /// A constant whose data does not fill its shape, or quantization that does not fit it.
    #[error("{place}: expected {expected}, found {found}")]
    Mismatch {
        /// Where.
        place: String,
        /// What the shape asks for.
        expected: String,
        /// What the file has.
        found: String,
    },
}

/// Why a model was not calibrated, converted or inspected.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ConvertError {
    /// The model could not be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The interpreter could not load, prepare or run the model, which calibration needs.
    #[error("calibration run: {cause}")]
    Run {
        /// The interpreter's own words.
        cause: String,
    },
    /// The model could not be run on the given tensors.
    #[error("inference: {cause}")]
    Infer {
        /// The interpreter's own words, or which tensor does not fit.
        cause: String,
    },
    /// The options contradict each other.
    #[error("quantize {quantize} has float inputs and outputs, found io {io}")]
    IoChoice {
        /// The variant asked for.
        quantize: Quantize,
        /// The type asked for.
        io: Io,
    },
    /// A variant that needs ranges was asked for without them.
    #[error("quantize {quantize}: missing calibration")]
    MissingCalibration {
        /// The variant asked for.
        quantize: Quantize,
    },
    /// The calibration belongs to another model.
    #[error("calibration of tensor {tensor}: expected \"{expected}\", found \"{found}\"")]
    ForeignCalibration {
        /// Index of the tensor.
        tensor: usize,
        /// Its name in the model.
        expected: String,
        /// Its name in the calibration.
        found: String,
    },
    /// There is no sample to calibrate with.
    #[error("calibration: no samples")]
    NoSamples,
    /// A sample could not be read.
    #[error("calibration sample {index}: {cause}")]
    Sample {
        /// Which.
        index: usize,
        /// The reader's own words.
        cause: String,
    },
    /// A sample does not fit the model's inputs.
    #[error("calibration sample {index}: expected {expected}, found {found}")]
    SampleShape {
        /// Which.
        index: usize,
        /// What the model takes.
        expected: String,
        /// What the sample has.
        found: String,
    },
    /// The network has nothing that the variant changes.
    #[error("quantize {quantize}: no operator of this model can be quantized: {reason}")]
    NothingToQuantize {
        /// The variant asked for.
        quantize: Quantize,
        /// Why the first one could not.
        reason: String,
    },
}
