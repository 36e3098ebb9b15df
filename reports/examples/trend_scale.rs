//! How long `bench trend` takes once a history of a million rows is in memory: `cargo run --release -p
//! edgebench-reports --example trend_scale -- [ROWS]` prints the 95th percentile over 20 rounds and the memory.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use edgebench_reports::record::Cell;
use edgebench_reports::simulate::series::{LEVEL, SeriesNoise, labelled};
use edgebench_reports::trend::{Row, detected, series, site};

/// Runs of each cell.
const RUNS: usize = 1000;

/// Rounds that are timed.
const ROUNDS: usize = 20;

fn main() {
    let wanted = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000usize);
    let rows: Vec<Row> = (0..wanted / RUNS).flat_map(cell_rows).collect();
    println!("{} rows, {} cells; memory {}", rows.len(), rows.len() / RUNS, memory("VmRSS"));
    report("series and changes", || detected(series(&rows)).len());
    let found = detected(series(&rows));
    report("site", || site(&found, None).map_or(0, |pages| pages.len()));
    println!("peak memory {}", memory("VmHWM"));
}

fn cell_rows(cell: usize) -> Vec<Row> {
    let values = labelled(SeriesNoise::White, RUNS, 2, 4.0, cell as u64).values;
    let text = |text: String| text;
    let cell = Cell {
        device: text(format!("device-{}", cell % 20)),
        model: text(format!("model-{}", cell / 20 % 10)),
        variant: text(format!("variant-{}", cell / 200)),
        runtime: "edgebench".to_owned(),
        threads: 1,
    };
    let row = |(run, value): (usize, &f64)| Row {
        run: format!("run-{run:06}"),
        started_at: format!("2026-{:02}-{:02}T{:02}:00:00Z", run / 700 + 1, run / 24 % 28 + 1, run % 24),
        revision: Some(format!("{run:040x}")),
        suite: "scale".to_owned(),
        cell: cell.clone(),
        fingerprint: "0123456789ab".to_owned(),
        reference: Some("litert int8".to_owned()),
        median_nanos: None,
        ratio: Some(value / LEVEL),
        file_bytes: None,
        top1: None,
    };
    values.iter().enumerate().map(row).collect()
}

fn report(what: &str, mut work: impl FnMut() -> usize) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(work());
            started.elapsed()
        })
        .collect();
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
