//! What a report costs at the end of a run: figures and page of 4 cells, 5 blocks each, 2,000 samples a block, 1,000
//! predictions a cell.
#![forbid(unsafe_code)]

#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

use criterion::{Criterion, criterion_group, criterion_main};
use edgebench_reports::beside::Beside;
use edgebench_reports::{frame, render, summary};

fn report(criterion: &mut Criterion) {
    let run = synthetic::run(synthetic::Plan { samples_per_block: 2000, examples: 1000, ..synthetic::SMALL });
    let troubled = synthetic::troubled(synthetic::SMALL);
    criterion.bench_function("summary", |bencher| bencher.iter(|| summary::summarize(&run)));
    criterion.bench_function("html", |bencher| bencher.iter(|| render::html(&run, &Beside::default())));
    let options = render::TerminalOptions::default();
    criterion.bench_function("terminal", |bencher| bencher.iter(|| render::terminal(&troubled, options)));
    criterion.bench_function("frames", |bencher| bencher.iter(|| frame::frames(&run)));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.parquet");
    criterion.bench_function("write", |bencher| bencher.iter(|| frame::write_run(&path, &run)));
    criterion.bench_function("read", |bencher| bencher.iter(|| frame::read_run(&path)));
}

criterion_group!(benches, report);
criterion_main!(benches);
