//! From bytes to a verified root table.

use core::fmt;

use crate::tflite;

/// The four bytes at offset 4 of every model file.
pub const MODEL_IDENTIFIER: &str = "TFL3";

/// Smallest file that can hold a root offset and an identifier.
const SMALLEST_FILE_BYTES: usize = 8;

/// No genuine model nests tables deeper than this: model, subgraph, operator, options, vector.
const MAX_DEPTH: usize = 16;

/// Tables may be shared, so the bytes that a walk visits can exceed the file. A shared-everything file built to make
/// the walk slow is stopped at this multiple of its size.
const MAX_APPARENT_FACTOR: usize = 16;

/// Why bytes are not a model file.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaError {
    /// Fewer bytes than the smallest flatbuffer with an identifier.
    TooShort {
        /// Length of the file.
        bytes: usize,
    },
    /// The identifier at offset 4 is not [`MODEL_IDENTIFIER`].
    WrongIdentifier {
        /// What stood there.
        found: [u8; 4],
    },
    /// An offset, a length or a string in the file does not hold.
    Damaged(flatbuffers::InvalidFlatbuffer),
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { bytes } => {
                write!(
                    f,
                    "file of {bytes} bytes is too short for a model, expected at least {SMALLEST_FILE_BYTES}"
                )
            }
            Self::WrongIdentifier { found } => {
                write!(f, "file identifier is \"{}\", expected \"{MODEL_IDENTIFIER}\"", found.escape_ascii())
            }
            Self::Damaged(cause) => write!(f, "damaged flatbuffer: {}", FirstLine(cause)),
        }
    }
}

impl core::error::Error for SchemaError {}

/// The verifier appends a trace of tables over several lines; an error message is one line.
struct FirstLine<'a>(&'a flatbuffers::InvalidFlatbuffer);

impl fmt::Display for FirstLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = alloc::format!("{}", self.0);
        f.write_str(text.lines().next().unwrap_or("unknown damage").trim_end_matches('.'))
    }
}

/// The model table of a file, with every offset, vector length, union tag and string verified.
///
/// Bytes after the flatbuffer (weights of very large models) are allowed.
///
/// # Errors
/// When the file is too short, carries another identifier, or does not verify. The walk is bounded: at most one table
/// for every four bytes of the file, nesting of 16, and 16 times the file's size visited.
pub fn verified_root(bytes: &[u8]) -> Result<tflite::Model<'_>, SchemaError> {
    if bytes.len() < SMALLEST_FILE_BYTES {
        return Err(SchemaError::TooShort { bytes: bytes.len() });
    }
    if !tflite::model_buffer_has_identifier(bytes) {
        return Err(SchemaError::WrongIdentifier { found: [bytes[4], bytes[5], bytes[6], bytes[7]] });
    }
    let limits = flatbuffers::VerifierOptions {
        max_depth: MAX_DEPTH,
        max_tables: bytes.len() / 4,
        max_apparent_size: bytes.len().saturating_mul(MAX_APPARENT_FACTOR),
        ignore_missing_null_terminator: true,
    };
    tflite::root_as_model_with_opts(&limits, bytes).map_err(SchemaError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec, vec::Vec};

    fn smallest_model() -> Vec<u8> {
        let mut builder = flatbuffers::FlatBufferBuilder::new();
        let model = tflite::ModelT { version: 3, ..Default::default() };
        let root = model.pack(&mut builder);
        builder.finish(root, Some(MODEL_IDENTIFIER));
        builder.finished_data().to_vec()
    }

    #[test]
    fn written_model_reads_back() {
        let bytes = smallest_model();
        assert_eq!(verified_root(&bytes).map(|model| model.version()), Ok(3));
    }

    #[test]
    fn short_file_is_named_as_such() {
        assert_eq!(verified_root(b"TFL3").unwrap_err(), SchemaError::TooShort { bytes: 4 });
    }

    #[test]
    fn foreign_identifier_is_shown() {
        let error = verified_root(b"\x08\0\0\0ONNX\0\0\0\0").unwrap_err();
        assert_eq!(error.to_string(), "file identifier is \"ONNX\", expected \"TFL3\"");
    }

    #[test]
    fn every_truncation_of_a_model_is_an_error_or_a_model() {
        let bytes = smallest_model();
        for length in 0..bytes.len() {
            // A flatbuffer grows from the end: a cut always removes something the root needs.
            assert!(verified_root(&bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn wild_root_offset_is_damage() {
        let mut bytes = vec![0xff; 64];
        bytes[4..8].copy_from_slice(b"TFL3");
        assert!(matches!(verified_root(&bytes), Err(SchemaError::Damaged(_))));
    }
}
