//! The `.tflite` flatbuffer: generated accessors and a safe way in.
//!
//! [`tflite`] is produced by flatc from `tflite.fbs` and is never edited by hand; [`verified_root`] is the only door
//! through which bytes of a file become a [`tflite::Model`]. This crate knows the layout of the format and nothing of
//! what the numbers mean: indices, shapes and sizes inside a verified file are still untrusted.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;

mod names;
mod root;

/// A list where the file has it.
pub use flatbuffers::Vector;
pub use names::{builtin_from_name, builtin_name, operator_code, tensor_type_name};
pub use root::{MODEL_IDENTIFIER, SchemaError, verified_root};

#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::undocumented_unsafe_blocks,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unreachable_pub,
    reason = "written by flatc"
)]
#[rustfmt::skip]
mod generated {
    pub mod tflite;
}

pub use generated::tflite::tflite;
