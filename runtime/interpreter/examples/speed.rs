//! Times one model by the CPU time of this process, which holds up on a machine that others use too, or with several
//! threads by the wall clock: `speed MODEL [KERNELS [THREADS]]`.
//!
//! Prints `start LOAD_NS INIT_NS FIRST_NS PEAK_KB` once: reading and checking the file, preparing, the first inference, and
//! by how much the peak of resident memory rose over the process's start. Then answers each line of standard input: a
//! number N with the nanoseconds of N inferences in one line, `profile N` with one line a node (median nanoseconds of N
//! inferences, kernel, operator, multiply-accumulates, output shape). `ci/litert/speed.py` talks to it, and to LiteRT in
//! turns.
//!
//! Where `EDGEBENCH_COUNTS` names the file that the plugin of QEMU writes (`agent/counter`), all figures but the peak are
//! instructions of this thread, and the same in each run.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use edgebench_interpreter::{DType, Interpreter, Model, Options, marker};
use edgebench_pool::Pool;
use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: speed MODEL [KERNELS [THREADS]]")?;
    let kernels = arguments.next().unwrap_or_else(|| "auto".to_owned());
    let threads = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let options = Options { kernels: kernels.parse()?, threads, ..Options::default() };
    let now = match counts() {
        Some(_) => instructions,
        None if threads > 1 => wall_ns,
        None => cpu_ns,
    };
    let peak_before_kb = peak_kb()?;
    let begin = now();
    let file = std::fs::read(&path)?;
    let model = Model::load(&file)?;
    let loaded = now();
    let mut interpreter = Interpreter::new(&model, &options)?;
    if threads > 1 {
        interpreter.set_workers(Arc::new(Pool::new(threads)?));
    }
    let ready = now();
    fill_inputs(&mut interpreter);
    let filled = now();
    interpreter.invoke()?;
    let (load_ns, init_ns, first_ns) = (loaded - begin, ready - loaded, now() - filled);
    println!("start {load_ns} {init_ns} {first_ns} {}", peak_kb()? - peak_before_kb);
    for line in std::io::stdin().lines() {
        let line = line?;
        match line.strip_prefix("profile ") {
            Some(count) => profile(&mut interpreter, count.parse()?, now)?,
            None => run(&mut interpreter, line.parse()?, now)?,
        }
    }
    Ok(())
}

fn run(interpreter: &mut Interpreter<'_>, count: usize, now: fn() -> u64) -> Result<(), Box<dyn Error>> {
    let mut line = String::new();
    for _ in 0..count {
        let begin = now();
        interpreter.invoke()?;
        line += &format!("{} ", now() - begin);
    }
    println!("{}", line.trim_end());
    Ok(std::io::stdout().flush()?)
}

fn profile(
    interpreter: &mut Interpreter<'_>,
    count: usize,
    mut now: fn() -> u64,
) -> Result<(), Box<dyn Error>> {
    let mut times: Vec<Vec<u64>> = vec![Vec::new(); interpreter.nodes().count()];
    for _ in 0..count {
        interpreter.invoke_profiled(&mut now, &mut |index, ns| times[index].push(ns))?;
    }
    for (node, times) in interpreter.nodes().zip(&mut times).filter(|(_, times)| !times.is_empty()) {
        times.sort_unstable();
        let shape = interpreter.tensor(node.outputs[0]).map(|view| view.shape.to_vec());
        println!("{} {} {} {} {shape:?}", times[times.len() / 2], node.kernel, node.operator, node.macs);
    }
    Ok(())
}

/// Floats in -1..1, any integers: enough for a time that does not depend on values.
fn fill_inputs(interpreter: &mut Interpreter<'_>) {
    let mut seed = 1u32;
    let mut next = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    for index in 0..interpreter.input_count() {
        let is_float = interpreter.input(index).is_some_and(|view| view.dtype == DType::Float32);
        let Some(bytes) = interpreter.input_bytes_mut(index) else { continue };
        if is_float {
            for element in bytes.chunks_exact_mut(4) {
                let value = next() as f32 / (1 << 23) as f32 - 1.0;
                element.copy_from_slice(&value.to_ne_bytes());
            }
        } else {
            bytes.fill_with(|| next() as u8);
        }
    }
}

/// The plugin's file, if this process is counted.
fn counts() -> Option<&'static File> {
    static COUNTS: OnceLock<Option<File>> = OnceLock::new();
    let open = || std::env::var_os("EDGEBENCH_COUNTS").and_then(|path| File::open(path).ok());
    COUNTS.get_or_init(open).as_ref()
}

/// Instructions since the first call, those of this function left out.
fn instructions() -> u64 {
    static TOTAL: AtomicU64 = AtomicU64::new(0);
    marker::stop();
    let mut line = [0; 16];
    // A file without a count yet adds nothing.
    let count = match counts().map(|file| file.read_exact_at(&mut line, 0)) {
        Some(Ok(())) => line.iter().skip(8).rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)),
        _ => 0,
    };
    let total = TOTAL.fetch_add(count, Ordering::Relaxed) + count;
    marker::start();
    total
}

fn cpu_ns() -> u64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

fn wall_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Peak of resident memory so far.
fn peak_kb() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
