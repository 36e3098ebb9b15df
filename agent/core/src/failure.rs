//! How a request that is not done is answered. The wording of what is wrong is made where it is found.

use alloc::string::ToString;
use core::fmt::Display;

use edgebench_wire::{Failure, FailureKind};

use crate::channel::SessionError;
use crate::device::StoreError;

/// Why a request was left.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It cannot be done; the session goes on.
    Refused(Failure),
    /// The session is over.
    Ended(SessionError),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<SessionError> for Stop {
    fn from(error: SessionError) -> Self {
        Self::Ended(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(failed(FailureKind::Store, error))
    }
}

pub(crate) fn failed(kind: FailureKind, what: impl Display) -> Failure {
    Failure { kind, message: what.to_string() }
}

/// A failure at `place`, where one thing was expected and another found.
pub(crate) fn mismatch(
    kind: FailureKind,
    place: impl Display,
    expected: impl Display,
    found: impl Display,
) -> Failure {
    Failure { kind, message: alloc::format!("{place}: expected {expected}, found {found}") }
}
