//! LiteRT, opened at run time: the peer whose speed and results edgebench is compared with.
//!
//! The library is the `libLiteRt.so` of the Python package `ai-edge-litert`; nothing of it is linked or shipped. A
//! [`Library`] is the opened file, a [`Network`] one `.tflite` model made ready in it. The C functions are called in
//! `door` alone, which is the only place with `unsafe`. This crate must not know suites, devices or our own runtime.
//!
//! LiteRT trusts the models it is given: some broken files end the process. Callers that must survive run it in a
//! process of its own.
#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "the one door to a C library; every block states why it holds")]
mod door;
mod error;
mod locate;
mod network;

pub use door::Library;
pub use error::LiteRtError;
pub use locate::{FILE_NAME, VARIABLE, in_python_environments};
pub use network::{Kernels, Network, Options, TensorInfo};
