//! Any model is prepared and run, or is an error.
#![no_main]

use edgebench_interpreter::{Interpreter, Model, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::load(bytes) else { return };
    let Ok(mut interpreter) = Interpreter::new(&model, &Options::default()) else { return };
    if interpreter.invoke().is_ok() {
        for index in 0..interpreter.output_count() {
            let _ = std::hint::black_box(interpreter.output(index).map(|view| view.bytes.len()));
        }
    }
});
