//! Any bytes are a model or an error.
#![no_main]

use edgebench_interpreter::Model;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = Model::load(bytes) {
        assert!(!error.to_string().contains('\n'), "an error is one line");
    }
});
