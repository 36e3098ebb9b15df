//! Any model is prepared and run in the memory that a hostile file may have (issue 3), or is an error.
#![no_main]

use edgebench_interpreter::{Interpreter, KernelChoice, Model, Options};
use libfuzzer_sys::fuzz_target;

const OPTIONS: Options = Options {
    kernels: KernelChoice::Auto,
    threads: 1,
    least_macs_of_share: u64::MAX,
    keep_all: false,
    memory_limit_bytes: 256 << 20,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::load(bytes) else { return };
    let Ok(mut interpreter) = Interpreter::new(&model, &OPTIONS) else { return };
    if interpreter.invoke().is_ok() {
        for index in 0..interpreter.output_count() {
            let _ = std::hint::black_box(interpreter.output(index).map(|view| view.bytes.len()));
        }
    }
});
