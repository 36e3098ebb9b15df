//! What can go wrong with the peer.

use std::path::PathBuf;

/// A failure of LiteRT or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum LiteRtError {
    /// The file cannot be opened as a shared library.
    #[error("{}: not a library that can be opened: {cause}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        cause: String,
    },
    /// A function that this crate calls is not in the library.
    #[error("{}: no function {name}; expected the C interface of LiteRT 2", .path.display())]
    Symbol {
        /// The file.
        path: PathBuf,
        /// The function.
        name: String,
    },
    /// A call did not return success.
    #[error("LiteRT: {call} returned status {status} ({})", status_name(*.status))]
    Status {
        /// The C function.
        call: &'static str,
        /// Its status, as in LiteRT's `litert_common.h`.
        status: i32,
    },
    /// A tensor has an element type or a rank that this crate does not read.
    #[error("LiteRT: tensor \"{name}\": element type {element_type} of rank {rank} is not read here")]
    Type {
        /// The tensor.
        name: String,
        /// LiteRT's number of the type.
        element_type: u32,
        /// Number of dimensions it claims.
        rank: u32,
    },
    /// An input of another size than the model's.
    #[error("LiteRT: input {index}: expected {expected} bytes, found {found}")]
    Size {
        /// Position of the input.
        index: usize,
        /// Bytes it takes.
        expected: usize,
        /// Bytes that were given.
        found: usize,
    },
}

/// The words for the statuses that users meet; numbers from LiteRT's `litert_common.h`.
fn status_name(status: i32) -> &'static str {
    match status {
        1 => "invalid argument",
        2 => "out of memory",
        3 => "runtime failure",
        5 => "unsupported",
        6 => "not found",
        500 => "file cannot be read",
        501 => "invalid flatbuffer",
        504 => "compilation failed",
        1000 => "index out of bounds",
        _ => "see litert_common.h",
    }
}
