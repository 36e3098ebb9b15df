//! Where a file that a suite names is to be found, and how it is known to be the right one.

use std::path::PathBuf;

use super::digest::Sha256;

/// Where a file (or, for a data set, a folder) is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// On this machine.
    Path {
        /// Relative to the suite's folder, or absolute.
        path: PathBuf,
        /// What it must be; folders have none.
        sha256: Option<Sha256>,
    },
    /// Anywhere, known by its sum.
    Pinned {
        /// `https://` or `http://` address; the sum makes the latter safe.
        url: Option<String>,
        /// File name in a mirror folder.
        mirror: Option<String>,
        /// What it must be.
        sha256: Sha256,
    },
}

impl Source {
    /// What the suite calls it, for messages: the path, the mirror name or the address.
    pub fn name(&self) -> String {
        match self {
            Self::Path { path, .. } => path.display().to_string(),
            Self::Pinned { mirror: Some(name), .. } => name.clone(),
            Self::Pinned { url: Some(url), .. } => url.clone(),
            Self::Pinned { sha256, .. } => sha256.hex(),
        }
    }

    /// The sum it must have, where one is named.
    pub fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Path { sha256, .. } => *sha256,
            Self::Pinned { sha256, .. } => Some(*sha256),
        }
    }
}
