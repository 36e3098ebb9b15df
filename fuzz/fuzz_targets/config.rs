//! Any text is a suite, an inventory or errors with a place.
#![no_main]

use std::path::Path;

use edgebench_harness::{inventory, suite};
use libfuzzer_sys::fuzz_target;

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
