//! Any text is a suite, an inventory or errors with a place. The modules alone: the controller's crate brings a data
//! frame engine along.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the controller uses the whole modules")]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

#[path = "../../harness/src"]
mod harness {
    pub mod config;
    pub mod inventory;
    pub mod suite;
}

#[path = "../../harness/src/artifact"]
mod artifact {
    pub mod digest;
    mod source;
    pub use source::Source;
}

/// Stands for the controller's error, which every error of a part becomes.
mod error {
    pub struct BenchError;

    impl<E: std::error::Error> From<E> for BenchError {
        fn from(_: E) -> Self {
            Self
        }
    }
}

use harness::{config, inventory, suite};

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let file = Path::new("folder/file.toml");
    let error = match choice & 1 {
        0 => suite::Suite::parse(file, &text).map(drop),
        _ => inventory::Inventory::parse(file, &text).map(drop),
    };
    if let Err(error) = error {
        assert!(!error.to_string().is_empty());
        let positions = error.problems().iter().map(|problem| format!("{problem:?}").len());
        assert!(positions.sum::<usize>() > 0, "an error without a problem");
    }
});
