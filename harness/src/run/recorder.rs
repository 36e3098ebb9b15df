//! The journal behind a lock, for executors that work at once.

use std::sync::{Arc, Mutex, PoisonError};

use super::entry::Entry;
use super::journal::{Journal, JournalError};

/// A shared handle to the journal of a run.
#[derive(Clone)]
pub(super) struct Recorder(Arc<Mutex<Journal>>);

impl Recorder {
    /// Takes over an open journal.
    pub(super) fn new(journal: Journal) -> Self {
        Self(Arc::new(Mutex::new(journal)))
    }

    /// Returns once the entry is on disk.
    ///
    /// # Errors
    /// When it cannot be written whole.
    pub(super) async fn write(&self, entry: Entry) -> Result<(), JournalError> {
        let journal = Arc::clone(&self.0);
        let written = tokio::task::spawn_blocking(move || {
            journal.lock().unwrap_or_else(PoisonError::into_inner).append(&entry)
        });
        // The closure cannot panic half-way through an append without the process being lost anyway.
        written.await.unwrap_or_else(|cause| std::panic::resume_unwind(cause.into_panic()))
    }
}
