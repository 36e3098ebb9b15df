//! From a float model to its quantized variants: import, calibrate, quantize, write, inspect.
//!
//! Everything goes through one editable [`Graph`]: importers make it, passes change it, [`mod@write`] turns it into a
//! `.tflite` file that LiteRT runs as its own. This crate runs on the host only and knows no devices, suites or data
//! formats; representative data comes in through [`Samples`].
#![forbid(unsafe_code)]

mod calibrate;
mod convert;
mod cut;
mod error;
mod graph;
pub mod import;
mod infer;
mod inspect;
mod optimize;
mod options;
mod quantize;
mod repeat;
pub mod write;

pub use calibrate::{Calibration, CalibrationOptions, Method, Observer, Samples, TensorRange, calibrate};
pub use convert::{Converted, convert};
pub use edgebench_interpreter::Operator;

pub use cut::{OperatorModel, Parts, operator_models};
pub use error::{ConvertError, ImportError};
pub use graph::Graph;
pub use infer::{InferOptions, LooseTensor, Trace, bind, infer, input_specs, trace};
pub use inspect::{
    Arena, Inspection, OperatorLine, OperatorTotal, QuantizationLine, TensorLine, TypeTotal, check, inspect,
};
pub use options::{Io, Options, Quantize, UnknownName};
pub use quantize::{ConvertReport, Skipped, TensorReport, TypeBytes};
pub use repeat::{Ready, RepeatOptions, repeat, signature_keys};
