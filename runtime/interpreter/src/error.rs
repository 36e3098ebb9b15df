//! What can be wrong with a model, its data or a run. Kind, place, expected, found; advice is the caller's.

use alloc::string::String;

use edgebench_schema::SchemaError;

/// One thing that does not hold, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Fault {
    /// Where, such as `node 3 (CONV_2D) input 1 "conv/weights"`.
    pub place: String,
    /// What.
    pub problem: Problem,
}

/// A kind of fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// Two things that must fit do not.
    #[error("expected {expected}, found {found}")]
    Mismatch {
        /// What the place asks for.
        expected: String,
        /// What the file or the caller has.
        found: String,
    },
    /// The format has it, this interpreter does not.
    #[error("unsupported {what}")]
    Unsupported {
        /// What.
        what: String,
    },
    /// A required part is absent.
    #[error("missing {what}")]
    Missing {
        /// What.
        what: &'static str,
    },
    /// More than an interpreter takes on.
    #[error("{what} {found} is over the limit of {limit}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
}

/// Why bytes did not become a [`crate::Model`].
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ModelError {
    /// The bytes are not a model file.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The file is whole, but what it says does not hold together.
    #[error(transparent)]
    Graph(#[from] Fault),
}

/// Why a model did not become an [`crate::Interpreter`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(transparent)]
pub struct PrepareError(#[from] pub Fault);

/// Why values do not fit an input.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(transparent)]
pub struct DataError(#[from] pub Fault);

/// Why a run stopped. Only values that were computed during the run can lead here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(transparent)]
pub struct InvokeError(#[from] pub Fault);

impl Fault {
    /// The same in another subgraph than the first.
    pub(crate) fn within_subgraph(self, index: usize) -> Self {
        match index {
            0 => self,
            _ => Self { place: alloc::format!("subgraph {index} {}", self.place), ..self },
        }
    }

    pub(crate) fn mismatch(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            problem: Problem::Mismatch { expected: expected.into(), found: found.into() },
        }
    }

    pub(crate) fn unsupported(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), problem: Problem::Unsupported { what: what.into() } }
    }

    pub(crate) fn missing(place: impl Into<String>, what: &'static str) -> Self {
        Self { place: place.into(), problem: Problem::Missing { what } }
    }

    pub(crate) fn limit(place: impl Into<String>, what: &'static str, found: u64, limit: u64) -> Self {
        Self { place: place.into(), problem: Problem::Limit { what, found, limit } }
    }
}
