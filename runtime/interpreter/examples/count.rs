//! Makes a network ready, runs it once and then so many times more, on zeros, and looks at no clock: something to count
//! instructions of. `count MODEL KERNELS RUNS`; `ci/speed/count.py` runs it under valgrind.
#![forbid(unsafe_code)]

use std::error::Error;

use edgebench_interpreter::{Interpreter, Model, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let [_, path, kernels, runs] = &std::env::args().collect::<Vec<String>>()[..] else {
        return Err("usage: count MODEL KERNELS RUNS".into());
    };
    let runs: u32 = runs.parse()?;
    let options = Options { kernels: kernels.parse()?, ..Options::default() };
    let file = std::fs::read(path)?;
    let model = Model::load(&file)?;
    let mut interpreter = Interpreter::new(&model, &options)?;
    for _ in 0..=runs {
        interpreter.invoke()?;
    }
    Ok(())
}
