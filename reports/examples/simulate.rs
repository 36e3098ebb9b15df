//! Measures the promises S1 to S5, S7 to S9, S11 and S12 and writes the table that `ci/statistics/RESULTS.md` shows.
//!
//! `cargo run --release -p edgebench-reports --example simulate -- --series 400 --repetitions 2000 --trace
//! ci/statistics/trace.csv --otava PYTHON` where PYTHON is one that has apache-otava 0.8.0 (`ci/statistics/requirements.txt`);
//! without `--otava` its column stays empty. The same arguments give the same figures on every machine, but for the times.
#![forbid(unsafe_code)]

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use edgebench_reports::simulate::machine::Trace;
use edgebench_reports::simulate::pairs::Study;
use edgebench_reports::simulate::table::{Line, Wanted, markdown};
use edgebench_reports::simulate::trend::{self, Detector};
use edgebench_reports::stats::changepoint::detect;

/// Where Otava is asked: beside the results.
const OTAVA_SCRIPT: &str = "ci/statistics/otava_changes.py";

fn main() -> ExitCode {
    match run() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("simulate: {reason}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<String, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value =
        |name: &str| arguments.iter().position(|one| one == name).and_then(|at| arguments.get(at + 1));
    let number = |name: &str, default: u64| match value(name) {
        Some(text) => text.parse().map_err(|_| format!("{name}: expected a number, found {text}")),
        None => Ok(default),
    };
    let (series, repetitions) = (number("--series", 100)?, number("--repetitions", 400)?);
    let mut lines = Vec::new();
    if let Some(path) = value("--trace") {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let trace = Trace::parse(&text).ok_or_else(|| format!("{path}: no trace"))?;
        let study = Study { repetitions, seed: number("--seed", 42)? };
        lines.extend(study.lines(&trace, value("--only").map(String::as_str)));
    }
    if value("--only").is_some() {
        return Ok(markdown(&lines));
    }
    let mut otava = value("--otava").map(|python| Otava { python: python.clone() });
    let mut ours = |values: &[f64]| indices(values);
    lines.extend(trend::lines(&mut ours, otava.as_mut().map(|otava| otava as &mut dyn Detector), series));
    lines.extend(times(&mut ours));
    Ok(markdown(&lines))
}

fn indices(values: &[f64]) -> Vec<usize> {
    detect(values).changes.iter().map(|change| change.index).collect()
}

/// S11. Otava's times stand in the study that the targets come from (23 ms and 290 ms).
fn times(ours: &mut dyn Detector) -> Vec<Line> {
    let mut line = |what: &str, target, points, rounds| {
        let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
        let ours = millis(trend::time(ours, points, rounds));
        Line { id: "S11", what: what.to_owned(), wanted: Wanted::AtMost, target, ours, otava: None }
    };
    vec![
        line("ms for 1,000 points", 2.0, 1000, 200),
        line("ms for 10,000 points", 20.0, 10_000, 30),
        line("ms for one more point after 100 (a whole search)", 0.2, 101, 1000),
    ]
}

/// Apache Otava, a process for each list of series.
struct Otava {
    python: String,
}

impl Detector for Otava {
    fn changes(&mut self, series: &[Vec<f64>]) -> Vec<Vec<usize>> {
        let line = |values: &Vec<f64>| values.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "\n";
        let text: String = series.iter().map(line).collect();
        let found = self.ask(text).unwrap_or_else(|error| {
            eprintln!("simulate: otava: {error}");
            std::process::exit(4);
        });
        assert_eq!(found.len(), series.len(), "otava answers each series");
        found
    }
}

impl Otava {
    fn ask(&self, text: String) -> std::io::Result<Vec<Vec<usize>>> {
        let mut child = Command::new(&self.python)
            .arg(OTAVA_SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().ok_or_else(|| std::io::Error::other("no standard input"))?;
        // From a thread of its own: neither side then waits for the other with a full pipe.
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output()?;
        writer.join().map_err(|_| std::io::Error::other("writer gone"))??;
        if !output.status.success() {
            return Err(std::io::Error::other(format!("{} {}", self.python, output.status)));
        }
        let numbers = |line: &str| line.split(',').filter_map(|one| one.parse().ok()).collect();
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(numbers).collect())
    }
}
