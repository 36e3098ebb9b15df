//! Counts the instructions of LiteRT's inferences inside QEMU: `litert_instructions LIBRARY MODEL COUNTS [KERNELS]`.
//!
//! `COUNTS` is the file that the plugin of QEMU writes (`agent/counter`). Prints the instructions of making the model ready
//! and of four inferences on one thread in one line. The counterpart for our runtime is the example `speed` of the
//! interpreter. Not static: LiteRT's library is opened at run time.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use edgebench_interpreter::marker;
use edgebench_litert::{Kernels, Library, Network, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, model, counts, kernels @ ..] = &arguments[..] else {
        return Err("usage: litert_instructions LIBRARY MODEL COUNTS [KERNELS]".into());
    };
    let kernels = match kernels.first() {
        Some(name) => name.parse::<Kernels>()?,
        None => Kernels::default(),
    };
    let counts = File::open(counts)?;
    let library = Library::open(Path::new(library))?;
    let model = std::fs::read(model)?;
    marker::start();
    let mut network = Network::load(&library, model, Options { threads: 1, kernels })?;
    marker::stop();
    let mut line = count(&counts)?.to_string();
    fill_inputs(&mut network)?;
    for _ in 0..4 {
        marker::start();
        network.invoke()?;
        marker::stop();
        line += &format!(" {}", count(&counts)?);
    }
    println!("{line}");
    Ok(())
}

/// Floats in -1..1, any integers: enough for a count that does not depend on values.
fn fill_inputs(network: &mut Network) -> Result<(), Box<dyn Error>> {
    let mut seed = 1u32;
    let mut next = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    let inputs: Vec<(bool, usize)> =
        network.inputs().map(|info| (info.dtype == "float32", info.bytes)).collect();
    for (index, (is_float, len)) in inputs.into_iter().enumerate() {
        let values: Vec<u8> = match is_float {
            true => {
                (0..len / 4).flat_map(|_| (next() as f32 / (1 << 23) as f32 - 1.0).to_ne_bytes()).collect()
            }
            false => (0..len).map(|_| next() as u8).collect(),
        };
        network.set_input(index, &values)?;
    }
    Ok(())
}

/// The count at the last stop marker.
fn count(counts: &File) -> Result<u64, Box<dyn Error>> {
    let mut line = [0; 16];
    counts.read_exact_at(&mut line, 0)?;
    Ok(line.iter().skip(8).rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}
