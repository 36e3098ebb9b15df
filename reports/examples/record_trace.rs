//! Records how this machine's noise is: many fresh processes that each time the same integer work a few times, without
//! any change. `ci/statistics/trace.csv` was made with it on a machine with other load; `simulate` replays it.
//!
//! `cargo run --release -p edgebench-reports --example record_trace -- PROCESSES > trace.csv`
//! writes a line a process: 12 wall times, then 12 processor times, in microseconds.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// Timed iterations of a process.
const ITERATIONS: usize = 12;

/// Rows, columns and depth of the product: about 3 ms of work.
const SIZE: usize = 256;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("--child") => {
            println!("{}", child());
            ExitCode::SUCCESS
        }
        Some(count) => record(count.parse().unwrap_or(0)),
        None => {
            eprintln!("usage: record_trace PROCESSES");
            ExitCode::from(2)
        }
    }
}

fn record(processes: usize) -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    for _ in 0..processes {
        match Command::new(&program).arg("--child").output() {
            Ok(output) if output.status.success() => print!("{}", String::from_utf8_lossy(&output.stdout)),
            other => {
                eprintln!("a child failed: {other:?}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn child() -> String {
    let left: Vec<i8> = (0..SIZE * SIZE).map(|at| (at * 31 % 251) as u8 as i8).collect();
    let right: Vec<i8> = (0..SIZE * SIZE).map(|at| (at * 17 % 253) as u8 as i8).collect();
    black_box(product(&left, &right));
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..ITERATIONS {
        let (started, cpu_before) = (Instant::now(), cpu_nanos());
        black_box(product(black_box(&left), black_box(&right)));
        wall.push((started.elapsed().as_nanos() / 1000).to_string());
        cpu.push((cpu_nanos().saturating_sub(cpu_before) / 1000).to_string());
    }
    wall.extend(cpu);
    wall.join(",")
}

/// An int8 matrix product with 32-bit sums.
fn product(left: &[i8], right: &[i8]) -> i64 {
    let mut sum = 0i64;
    for row in left.chunks_exact(SIZE) {
        for column in right.chunks_exact(SIZE) {
            let dot: i32 = row.iter().zip(column).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            sum += i64::from(dot);
        }
    }
    sum
}

/// Time on the processor so far.
fn cpu_nanos() -> u64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(spent.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(spent.tv_nsec).unwrap_or(0)
}
