//! What can be wrong with a data set: the file, the entry in it, expected and found.

use super::pack::PackError;
use crate::artifact::ArtifactError;

/// Why a data set did not become a tensor pack.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file is missing, is another one, or the cache failed.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The data set has no such split.
    #[error("unknown or empty split `{split}` of data set {dataset}")]
    UnknownSplit {
        /// Name of the data set.
        dataset: String,
        /// The name.
        split: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Io {
        /// The file as the suite names it.
        file: String,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The file as a whole is not what it should be.
    #[error("{file}: expected {expected}, found {found}")]
    Format {
        /// The file as the suite names it.
        file: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A part of the file is not what it should be.
    #[error("{file}: {entry}: expected {expected}, found {found}")]
    Entry {
        /// The file as the suite names it.
        file: String,
        /// The entry of an archive, the line of a table, the example.
        entry: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Something that looks like an attack on whoever reads it: a path that leads out, more bytes than stated.
    #[error("{file}: {entry}: expected {expected}, found {found}")]
    Hostile {
        /// The file as the suite names it.
        file: String,
        /// The entry.
        entry: String,
        /// What is accepted.
        expected: String,
        /// What there is.
        found: String,
    },
    /// Examples of different shapes, which one pack cannot hold.
    #[error("example {example}: expected shape {expected:?} like the first one, found {found:?}")]
    UnequalShapes {
        /// Position in the data set.
        example: u32,
        /// Height, width, channels of the first example.
        expected: [u32; 3],
        /// Height, width, channels of this one.
        found: [u32; 3],
    },
    /// The pack would be too long.
    #[error("tensor pack of {count} examples: more than {limit_bytes} bytes")]
    TooLarge {
        /// Most that is made.
        limit_bytes: u64,
        /// How many examples.
        count: usize,
    },
    /// A tensor pack that was made before is not one.
    #[error(transparent)]
    Pack(#[from] PackError),
}
