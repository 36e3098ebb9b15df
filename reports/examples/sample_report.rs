//! Writes a page from made-up records, to look at while the page is changed, and their Parquet file if asked for:
//! `sample_report OUT.html [--troubled] [--parquet OUT.parquet]`.

#[path = "../tests/synthetic/beside.rs"]
mod beside;
#[path = "../tests/synthetic/picture.rs"]
mod picture;
#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

use std::path::Path;
use std::process::ExitCode;

use edgebench_reports::beside::Beside;
use edgebench_reports::frame::write_run;
use edgebench_reports::render;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: sample_report OUT.html [--troubled] [--parquet OUT.parquet]");
        return ExitCode::from(2);
    };
    let rest: Vec<String> = arguments.collect();
    let troubled = rest.iter().any(|argument| argument == "--troubled");
    let parquet = rest.iter().skip_while(|argument| *argument != "--parquet").nth(1);
    let run = if troubled { synthetic::troubled(synthetic::SMALL) } else { synthetic::run(synthetic::SMALL) };
    let beside = if troubled { Beside::default() } else { beside::beside(&run) };
    for width in [80, 120, 200] {
        print!("{}", render::terminal(&run, render::TerminalOptions { width, color: false }));
    }
    print!("{}", render::markdown(&run));
    if let Some(parquet) = parquet
        && let Err(error) = write_run(Path::new(parquet), &run)
    {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        eprintln!("{error}{}", cause.unwrap_or_default());
        return ExitCode::FAILURE;
    }
    match render::html(&run, &beside).map_err(|error| error.to_string()).and_then(|page| write(&path, &page))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(path: &str, page: &str) -> Result<(), String> {
    std::fs::write(path, page).map_err(|error| error.to_string())
}
