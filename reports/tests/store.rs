//! What is written is read back, and nothing else is: versions, columns, torn files, damaged files.
#![forbid(unsafe_code)]

mod synthetic;

use std::collections::BTreeMap;
use std::path::Path;

use edgebench_reports::frame::{COLUMNS, StoreError, frames, read_run, write_run};
use edgebench_reports::record::{
    ArtifactRecord, BlockRecord, Cell, CellRecord, ConditionRecord, DeviceRecord, Energy, EvaluationRecord,
    MemoryRecord, OpRecord, Outcome, PredictionRecord, RunInfo, RunRecord,
};
use polars::prelude::{
    Column, DataFrame, IntoColumn, NamedFrom, ParquetReader, ParquetWriter, SerReader, Series,
};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z0-9_.]{1,12}", "\\PC{0,8}", Just("a\"b,c\n\u{0}<é>'".to_owned())]
}

fn properties() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(text(), text(), 0..4)
}

prop_compose! {
    fn run_info()(
        (id, suite, suite_description, started_at) in (text(), text(), text(), text()),
        (finished_at, git_revision) in (of(text()), of(text())),
        arguments in vec(text(), 0..4),
        (tool_version, source_hash, seed, controller) in (text(), text(), any::<u64>(), properties()),
    ) -> RunInfo {
        RunInfo {
            id, suite, suite_description, started_at, finished_at, arguments, tool_version, git_revision, source_hash,
            seed, controller,
        }
    }
}

prop_compose! {
    fn device()(
        (name, transport, emulated) in (text(), text(), any::<bool>()),
        (agent_version, agent_target, agent_bytes) in (of(text()), of(text()), of(any::<u64>())),
        (properties, problem) in (properties(), of(text())),
    ) -> DeviceRecord {
        DeviceRecord { name, transport, emulated, agent_version, agent_target, agent_bytes, properties, problem }
    }
}

prop_compose! {
    fn artifact()(
        (model, variant, quantize, digest) in (text(), text(), text(), text()),
        (file_bytes, source_digest, path) in (any::<u64>(), text(), text()),
        (calibration_samples, left_alone, problem) in (of(any::<u64>()), vec(text(), 0..3), of(text())),
    ) -> ArtifactRecord {
        ArtifactRecord {
            model, variant, quantize, digest, file_bytes, source_digest, path, calibration_samples, left_alone, problem,
        }
    }
}

prop_compose! {
    fn condition()(
        load_1m in of(0f32..1e6),
        cpu_khz in of(any::<u32>()),
        temperature_millicelsius in of(any::<i32>()),
        (throttle_count, steal_ticks) in (of(any::<u64>()), of(any::<u64>())),
    ) -> ConditionRecord {
        ConditionRecord { load_1m, cpu_khz, temperature_millicelsius, throttle_count, steal_ticks }
    }
}

fn energy() -> impl Strategy<Value = Energy> {
    let measured =
        (text(), -1e12f64..1e12).prop_map(|(meter, microjoules)| Energy::Measured { meter, microjoules });
    prop_oneof![Just(Energy::Unmeasured), measured]
}

prop_compose! {
    fn block()(
        (block, started_at, init_nanos) in (0u32..4, text(), any::<u64>()),
        (warmup_nanos, steady_nanos) in (vec(any::<u64>(), 0..4), vec(any::<u64>(), 0..9)),
        (timer_overhead_nanos, steady_cpu_nanos, steady_wall_nanos) in (any::<u64>(), of(any::<u64>()), any::<u64>()),
        (peak_rss_bytes, energy, before, after, invalid) in
            (of(any::<u64>()), energy(), condition(), condition(), of(text())),
    ) -> BlockRecord {
        BlockRecord {
            block, started_at, init_nanos, warmup_nanos, steady_nanos, timer_overhead_nanos, steady_cpu_nanos,
            steady_wall_nanos, peak_rss_bytes, energy, before, after, invalid,
        }
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let failed = (text(), text()).prop_map(|(stage, reason)| Outcome::Failed { stage, reason });
    prop_oneof![Just(Outcome::Complete), Just(Outcome::Unfinished), failed]
}

fn evaluation() -> impl Strategy<Value = EvaluationRecord> {
    let top = vec((any::<u32>(), any::<f32>().prop_filter("equality", |score| !score.is_nan())), 0..6);
    let prediction = (any::<u32>(), any::<u32>(), top).prop_map(|(example, label, top)| PredictionRecord {
        example,
        label,
        top,
    });
    (text(), text(), text(), vec(prediction, 0..6)).prop_map(|(dataset, split, pack_digest, predictions)| {
        EvaluationRecord { dataset, split, pack_digest, predictions }
    })
}

prop_compose! {
    fn op()(
        (index, operator, output, kernel) in (any::<u32>(), text(), text(), text()),
        (macs, runs) in (any::<u64>(), any::<u32>()),
        (first_nanos, median_nanos, total_nanos) in (any::<u64>(), any::<u64>(), any::<u64>()),
    ) -> OpRecord {
        OpRecord { index, operator, output, kernel, macs, runs, first_nanos, median_nanos, total_nanos }
    }
}

fn cell() -> impl Strategy<Value = CellRecord> {
    let names = (text(), text(), text(), text(), any::<u16>()).prop_map(
        |(device, model, variant, runtime, threads)| Cell { device, model, variant, runtime, threads },
    );
    let memory = (any::<u64>(), any::<u64>(), vec((text(), any::<u32>()), 0..3))
        .prop_map(|(arena_bytes, packed_bytes, kernels)| MemoryRecord { arena_bytes, packed_bytes, kernels });
    (names, outcome(), of(memory), vec(block(), 0..4), of(evaluation()), vec(op(), 0..4)).prop_map(
        |(cell, outcome, memory, blocks, evaluation, ops)| CellRecord {
            cell,
            outcome,
            memory,
            blocks,
            evaluation,
            ops,
        },
    )
}

fn run() -> impl Strategy<Value = RunRecord> {
    (run_info(), vec(device(), 0..3), vec(artifact(), 0..3), vec(cell(), 0..4))
        .prop_map(|(run, devices, artifacts, cells)| RunRecord { run, devices, artifacts, cells })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_written_is_read_back(run in run()) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("run.parquet");
        write_run(&path, &run).expect("written");
        prop_assert_eq!(read_run(&path).expect("read"), run);
    }
}

#[test]
fn scores_that_are_not_numbers_come_back_as_such() {
    let mut run = synthetic::run(synthetic::SMALL);
    let evaluation = run.cells[0].evaluation.as_mut().expect("evaluated");
    evaluation.predictions[0].top = vec![(1, f32::NAN), (2, f32::INFINITY), (3, -0.0)];
    let (_folder, path) = written(&run);
    let read = read_run(&path).expect("read");
    let top = &read.cells[0].evaluation.as_ref().expect("evaluated").predictions[0].top;
    assert!(top[0].1.is_nan() && top[1].1 == f32::INFINITY && top[2].1.is_sign_negative());
}

#[test]
fn a_whole_run_leaves_no_part_file_and_replaces_what_was_there() {
    let (folder, path) = written(&synthetic::troubled(synthetic::SMALL));
    write_run(&path, &synthetic::run(synthetic::SMALL)).expect("written again");
    assert_eq!(read_run(&path).expect("read"), synthetic::run(synthetic::SMALL));
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("folder")
        .map(|one| one.expect("entry").file_name())
        .collect();
    assert_eq!(names, ["run.parquet"]);
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let run = synthetic::run(synthetic::SMALL);
    let nowhere = folder.path().join("missing/run.parquet");
    assert!(matches!(write_run(&nowhere, &run), Err(StoreError::Io { action: "create", .. })));
    let taken = folder.path().join("taken");
    std::fs::create_dir_all(taken.join("something")).expect("folder");
    assert!(matches!(write_run(&taken, &run), Err(StoreError::Io { action: "rename", .. })));
    assert!(!folder.path().join("taken.part").exists());
    assert!(matches!(read_run(&folder.path().join("none")), Err(StoreError::Io { action: "read", .. })));
}

#[test]
fn a_torn_or_damaged_file_is_an_error_and_never_a_panic() {
    let run = synthetic::run(synthetic::Plan { blocks: 2, samples_per_block: 5, examples: 4, seed: 3 });
    let (_folder, path) = written(&run);
    let whole = std::fs::read(&path).expect("bytes");
    for length in (0..whole.len()).step_by(whole.len() / 60) {
        std::fs::write(&path, &whole[..length]).expect("written");
        assert!(read_run(&path).is_err(), "{length} of {} bytes were read as a run", whole.len());
    }
    for at in (0..whole.len()).step_by(whole.len() / 250) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5a;
        std::fs::write(&path, &damaged).expect("written");
        // Derived figures and the padding of pages do not matter; everything else must be noticed.
        if let Ok(read) = read_run(&path) {
            assert_eq!(read, run, "byte {at} of {}", whole.len());
        }
    }
    std::fs::write(&path, b"PAR1 but nothing more PAR1").expect("written");
    assert!(matches!(read_run(&path), Err(StoreError::Parquet { .. })));
}

#[test]
fn another_version_is_refused_by_its_number() {
    let (_folder, path) = written(&synthetic::run(synthetic::SMALL));
    change(&path, |table| {
        let version = Series::new("format_version".into(), vec![4u32; table.height()]);
        table.with_column(version.into_column()).expect("column");
    });
    let message = message(&path);
    assert!(message.ends_with("column format_version: expected 3, found 4"), "{message}");
}

#[test]
fn files_of_older_versions_are_still_read() {
    let of_ops =
        |name: &str| ["operator", "output", "kernel", "macs"].contains(&name) || name.starts_with("op_");
    let of_counts = |name: &str| name.ends_with("instructions") && !of_ops(name);
    let mut run = synthetic::run(synthetic::SMALL);
    run.cells.iter_mut().for_each(|cell| cell.ops.clear());
    for (version, later_columns) in [(2u32, 12), (1, 20)] {
        let (_folder, path) = written(&run);
        change(&path, |table| {
            let names = table.get_column_names().into_iter().map(|name| name.to_string());
            let later: Vec<String> =
                names.filter(|name| of_ops(name) || version == 1 && of_counts(name)).collect();
            assert_eq!(later.len(), later_columns);
            for name in later {
                *table = table.drop(&name).expect("dropped");
            }
            add(table, Series::new("format_version".into(), vec![version; table.height()]));
        });
        assert_eq!(read_run(&path).expect("readable"), run, "version {version}");
    }
}

/// A record without operators has the digest that it had before there were any: the digest of this one is that of the
/// format's version 2.
#[test]
fn records_from_before_operators_keep_their_digests() {
    let mut run = synthetic::run(synthetic::Plan { blocks: 1, samples_per_block: 2, examples: 3, seed: 1 });
    run.cells.iter_mut().for_each(|cell| cell.ops.clear());
    let digests = frames(&run).expect("frames").run;
    let digest = digests.column("record_digest").expect("column").str().expect("text").get(0);
    assert_eq!(digest, Some("3eacb42a40a60c879e7e79075cd6b4da7bcdc091980654719a67abb2e8913ba0"));
}

#[test]
fn an_emulated_run_keeps_counts_and_times_apart() {
    let mut run = synthetic::run(synthetic::SMALL);
    run.devices[0].emulated = true;
    for block in run.cells.iter_mut().flat_map(|cell| &mut cell.blocks) {
        (block.timer_overhead_nanos, block.steady_wall_nanos, block.steady_cpu_nanos) = (0, 0, None);
    }
    let (_folder, path) = written(&run);
    change(&path, |table| {
        for name in COLUMNS.iter().map(|spec| spec.name).filter(|name| name.contains("nanos")) {
            assert_eq!(table.column(name).expect("column").null_count(), table.height(), "{name}");
        }
        let counts = table.column("instructions").expect("column");
        assert_eq!(counts.len() - counts.null_count(), 4 * 5 * 253);
    });
    assert_eq!(read_run(&path).expect("readable"), run);
}

#[test]
fn other_columns_are_refused_by_name() {
    let run = synthetic::run(synthetic::SMALL);
    type Change = fn(&mut DataFrame);
    let changes: [(Change, &str); 4] = [
        (
            |table| *table = table.drop("nanos").expect("dropped"),
            "column nanos: expected u64, found no such column",
        ),
        (
            |table| *table = table.drop("format_version").expect("dropped"),
            "column format_version: expected 3, found no such column",
        ),
        (
            |table| add(table, Series::new("seed".into(), vec![1.5f32; table.height()])),
            "column seed: expected u64, found f32",
        ),
        (
            |table| add(table, Series::new("mood".into(), vec![1u32; table.height()])),
            "column mood: expected no such column, found one",
        ),
    ];
    for (how, expected) in changes {
        let (_folder, path) = written(&run);
        change(&path, how);
        let message = message(&path);
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn rows_that_do_not_belong_together_are_refused_by_place() {
    let run = synthetic::run(synthetic::SMALL);
    let texts = |name: &str, from: &str, to: &str, table: &mut DataFrame| {
        let old = table.column(name).expect("column").str().expect("text").clone();
        let new: Vec<Option<String>> = old
            .iter()
            .map(|value| value.map(|value| if value == from { to.to_owned() } else { value.to_owned() }))
            .collect();
        add(table, Series::new(name.into(), new));
    };
    let changes: [(&str, &str, &str, &str); 4] = [
        (
            "phase",
            "init",
            "steady",
            "sample row 0, column block: expected the number of the block that init opened, found 0",
        ),
        (
            "phase",
            "warmup",
            "nap",
            "sample row 2, column phase: expected init, first, warmup, steady, found nap",
        ),
        (
            "outcome",
            "complete",
            "failed",
            "cell row 0, column outcome: expected complete, unfinished, or failed with stage and reason, found failed",
        ),
        ("kind", "device", "run", "run row 1, column suite: expected a value, found null"),
    ];
    for (column, from, to, expected) in changes {
        let (_folder, path) = written(&run);
        change(&path, |table| texts(column, from, to, table));
        let message = message(&path);
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn cell_rows_carry_the_figures() {
    let cells = frames(&synthetic::run(synthetic::SMALL)).expect("frames").cells;
    let ratio = cells.column("size_ratio").expect("column").f64().expect("numbers").get(3).expect("int8");
    assert!((ratio - 441_176.0 / 1_634_224.0).abs() < 1e-12);
    let speeds = cells.column("speed").expect("column").f64().expect("numbers");
    assert!(speeds.get(0).is_none() && speeds.get(3).expect("int8") > 2.0);
}

fn written(run: &RunRecord) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("run.parquet");
    write_run(&path, run).expect("written");
    (folder, path)
}

fn change(path: &Path, how: impl FnOnce(&mut DataFrame)) {
    let mut table = ParquetReader::new(std::fs::File::open(path).expect("file")).finish().expect("parquet");
    how(&mut table);
    ParquetWriter::new(std::fs::File::create(path).expect("file")).finish(&mut table).expect("written");
}

fn add(table: &mut DataFrame, series: Series) {
    let column: Column = series.into_column();
    table.with_column(column).expect("same height");
}

fn message(path: &Path) -> String {
    read_run(path).expect_err("refused").to_string()
}
