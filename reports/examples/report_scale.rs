//! How long a report takes once a run of a million rows is in memory: `cargo run --release -p edgebench-reports
//! --example report_scale -- [SAMPLES]` prints the 95th percentile over 20 rounds of every form, and the memory.
#![forbid(unsafe_code)]

#[path = "../tests/synthetic/mod.rs"]
#[expect(dead_code, reason = "a run without troubles is what takes longest")]
mod synthetic;

use std::time::{Duration, Instant};

use edgebench_reports::beside::Beside;
use edgebench_reports::frame::{read_run, write_run};
use edgebench_reports::record::RunRecord;
use edgebench_reports::render;

/// Devices of the run; each has four variants with five blocks.
const DEVICES: usize = 10;
const VARIANTS: usize = 4;
const BLOCKS: u32 = 5;

/// Rounds that are timed.
const ROUNDS: usize = 20;

fn main() {
    let wanted = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000usize);
    let run = run_of(wanted);
    let samples: usize =
        run.cells.iter().flat_map(|cell| &cell.blocks).map(|one| one.steady_nanos.len()).sum();
    println!("{samples} samples, {} cells; memory {}", run.cells.len(), memory("VmRSS"));
    report("table for the terminal", || {
        render::terminal(&run, render::TerminalOptions { width: 120, color: false }).len()
    });
    report("Markdown", || render::markdown(&run).len());
    report("page", || render::html(&run, &Beside::default()).map_or(0, |page| page.len()));
    loading(&run);
    println!("peak memory {}", memory("VmHWM"));
}

/// The made-up network on many devices.
fn run_of(samples: usize) -> RunRecord {
    let samples_per_block = samples / (DEVICES * VARIANTS * BLOCKS as usize);
    let of =
        |seed| synthetic::run(synthetic::Plan { blocks: BLOCKS, samples_per_block, examples: 360, seed });
    let mut whole = of(0);
    for number in 1..DEVICES as u64 {
        let RunRecord { mut devices, mut cells, .. } = of(number);
        for device in &mut devices {
            device.name = format!("{}-{number}", device.name);
        }
        for cell in &mut cells {
            cell.cell.device = format!("{}-{number}", cell.cell.device);
        }
        whole.devices.extend(devices);
        whole.cells.extend(cells);
    }
    whole
}

/// What comes before: not part of the promise, and worth knowing.
fn loading(run: &RunRecord) {
    let path = std::env::temp_dir().join(format!("report_scale-{}.parquet", std::process::id()));
    let started = Instant::now();
    let written = write_run(&path, run);
    println!("writing the Parquet file: {:.0?}", started.elapsed());
    let started = Instant::now();
    let read = written.and_then(|()| read_run(&path));
    println!("loading it: {:.0?}, {}", started.elapsed(), if read.is_ok() { "whole" } else { "failed" });
    let _ = std::fs::remove_file(&path);
}

fn report(what: &str, mut work: impl FnMut() -> usize) {
    let one = |_| {
        let started = Instant::now();
        std::hint::black_box(work());
        started.elapsed()
    };
    let mut times: Vec<Duration> = (0..ROUNDS).map(one).collect();
    times.sort_unstable();
    println!(
        "{what}: median {:.0?}, 95th percentile {:.0?}",
        times[ROUNDS / 2],
        times[ROUNDS * 95 / 100 - 1]
    );
}

fn memory(field: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.map_or("unknown".to_owned(), |value| value.trim().to_owned())
}
