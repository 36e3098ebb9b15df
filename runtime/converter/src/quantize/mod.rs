//! The variants. Each is one pass over the graph and a set of rules; none knows how a file is read or written.

mod activation;
mod dynamic;
mod fp16;
mod full_int8;
mod report;
pub(crate) mod rules;
mod weights;

pub use report::{ConvertReport, Skipped, TensorReport, TypeBytes};

pub(crate) use dynamic::dynamic_int8;
pub(crate) use fp16::fp16;
pub(crate) use full_int8::full_int8;
