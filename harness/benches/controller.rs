//! What the controller itself costs, apart from what it measures: planning, writing a result down, reading a run back.
//! `cargo bench -p edgebench-harness --bench controller`

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use edgebench_harness::inventory::Inventory;
use edgebench_harness::plan::{Plan, RUNTIME_EDGEBENCH, Request};
use edgebench_harness::run::{Entry, Journal};
use edgebench_harness::suite::Suite;
use edgebench_reports::record::{BlockRecord, ConditionRecord, Energy};

/// Samples of a block: a second of half a millisecond each.
const SAMPLES: u64 = 2000;

fn plan(criterion: &mut Criterion) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = repository.join("suites/mobilenet/suite.toml");
    criterion.bench_function("read a suite", |bencher| {
        bencher.iter(|| Suite::load(black_box(&file)).expect("the shipped suite"));
    });
    let suite = Suite::load(&file).expect("the shipped suite");
    let inventory = Inventory::built_in();
    let devices = inventory.select(&["host"]).expect("the built-in device");
    let request = Request {
        suite: &suite,
        devices: &devices,
        runtimes: &[RUNTIME_EDGEBENCH.to_owned()],
        models: None,
        variants: None,
        threads: None,
        blocks: None,
        seed: 1,
        profile: false,
    };
    criterion.bench_function("plan a suite", |bencher| {
        bencher.iter(|| Plan::new(black_box(&request)).expect("a plan"));
    });
}

fn journal(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("journal");
    let mut journal = Journal::create(&path).expect("a journal");
    let entry = block();
    criterion.bench_function("write a block of 2000 samples down, with fsync", |bencher| {
        bencher.iter(|| journal.append(black_box(&entry)).expect("written"));
    });
    let twenty = folder.path().join("twenty");
    let mut journal = Journal::create(&twenty).expect("a journal");
    for _ in 0..20 {
        journal.append(&entry).expect("written");
    }
    criterion.bench_function("read a journal of 20 blocks back", |bencher| {
        bencher.iter_batched(
            || &twenty,
            |path| Journal::read::<Entry>(path).expect("readable"),
            BatchSize::SmallInput,
        );
    });
}

fn block() -> Entry {
    let steady_nanos: Vec<u64> = (0..SAMPLES).map(|index| 500_000 + index * 7919 % 10_000).collect();
    let block = BlockRecord {
        block: 0,
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        init_nanos: 3_000_000,
        warmup_nanos: steady_nanos.iter().copied().take(1000).collect(),
        steady_wall_nanos: steady_nanos.iter().sum(),
        steady_nanos,
        timer_overhead_nanos: 40,
        steady_cpu_nanos: None,
        peak_rss_bytes: None,
        energy: Energy::Unmeasured,
        before: ConditionRecord::default(),
        after: ConditionRecord::default(),
        invalid: None,
    };
    Entry::Block { cell: 0, block }
}

criterion_group!(benches, plan, journal);
criterion_main!(benches);
