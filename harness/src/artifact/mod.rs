//! Files known by their content: a cache on this machine, and how files come into it.
//!
//! Everything that is made or fetched is stored once under its BLAKE3 and verified before it is used. Knows bytes,
//! sums and addresses; it must not know what a model or a data set is, and it prints nothing.

mod cache;
mod digest;
mod fetch;
mod source;

use std::path::{Path, PathBuf};

pub use cache::{Cache, Key, Made, Object, ObjectWriter};
pub use digest::{Digest, NotHex, Sha256};
pub use fetch::{Fetcher, Progress, mirror_folders};
pub use source::Source;

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The operating system refused something with the cache.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "read", "write", ...
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file that the suite or a mirror names is there and cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Neither an option nor the environment says where the cache is.
    #[error("no folder for the cache: none of EDGEBENCH_CACHE, XDG_CACHE_HOME and HOME is set")]
    NoCacheFolder,
    /// There is no file at the path that the suite names.
    #[error("no file at {}", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// A file known by its sum is nowhere.
    #[error("cannot find {name}")]
    NotFound {
        /// What the suite calls it.
        name: String,
        /// Where was looked and what was there, one line each.
        looked: Vec<String>,
        /// Where it could be downloaded from.
        url: Option<String>,
    },
    /// The bytes are not those that the suite names.
    #[error("wrong SHA-256 of {place}")]
    Mismatch {
        /// Path or address of the bytes.
        place: String,
        /// What the suite names.
        expected: Sha256,
        /// What the bytes have.
        found: Sha256,
    },
    /// There are more bytes than are accepted.
    #[error("{place}: more than {limit_bytes} bytes")]
    TooLong {
        /// Path or address of the bytes.
        place: String,
        /// Most that is accepted.
        limit_bytes: u64,
    },
    /// A folder or a special file where a file should be.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
}

impl ArtifactError {
    /// For `map_err`: what was tried with which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// For `map_err`: a file of the user that cannot be read.
    pub(crate) fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Unreadable { path: path.to_owned(), source }
    }
}
