//! Devices that an emulator stands in for: the counts of their inferences repeat exactly, and their integers are those of every other
//! device.

use std::collections::BTreeSet;

use edgebench_harness::build::{ARM64_TARGET, repository as sources, ways};
use edgebench_reports::frame::read_run;
use edgebench_reports::record::{BlockRecord, RunRecord};

use crate::place::{Place, has};

const FLEET: &str = r#"
[host]
transport = "local"
emulate = { cpu = "max" }

[pi4]
transport = "ssh"
host = "pi4.invalid"
threads = [1, 4]
emulate = { cpu = "cortex-a72" }

[pixel]
transport = "adb"
emulate = { cpu = "max" }

[bare]
transport = "local"
"#;

fn place() -> Place {
    let place = Place::new();
    std::fs::write(place.path().join("devices.toml"), FLEET).expect("inventory");
    place
}

/// Whether an agent for Raspberry Pis and phones can be built here; says so when it cannot.
pub(crate) fn can_cross_build() -> bool {
    let found = ways(ARM64_TARGET, sources()).iter().any(|way| way.found.is_ok());
    if !found {
        println!("skipped: no toolchain for {ARM64_TARGET}");
    }
    found
}

/// The record of a run, by the line that tells where its data are.
fn record(stderr: &str, place: &Place) -> RunRecord {
    let line = stderr.lines().find_map(|line| line.strip_prefix("data:")).expect("a line about data");
    read_run(&place.path().join(line.trim())).expect("readable")
}

/// What must repeat to the last instruction: every inference. Preparation takes memory from an allocator whose work
/// depends on where the system put the program.
fn counts(block: &BlockRecord) -> (&[u64], &[u64]) {
    (&block.warmup_nanos, &block.steady_nanos)
}

#[test]
fn counts_repeat_exactly_and_no_time_is_told() {
    if !has("qemu-x86_64") {
        return;
    }
    let place = place();
    let words = ["run", "--suite", "small", "--variants", "int8", "--devices", "host", "--emulate"];
    let (first, second) = (place.run(&words), place.run(&words));
    first.expect_code(0);
    second.expect_code(0);
    assert!(first.stdout.contains("emulated: instructions, not times"), "{}", first.stdout);
    assert!(!first.stdout.contains(" ms") && !first.stdout.contains("energy"), "{}", first.stdout);
    let (first, second) = (record(&first.stderr, &place), record(&second.stderr, &place));
    assert!(first.devices[0].emulated);
    assert_eq!(first.devices[0].properties["latency_unit"], "instructions");
    let blocks = &first.cells[0].blocks;
    assert_eq!(blocks.len(), 2);
    let init = blocks[0].init_nanos;
    let (warmup, steady) = counts(&blocks[0]);
    assert!(init > 100_000 && steady.iter().all(|count| *count > 1_000_000), "{init} {steady:?}");
    assert_eq!((warmup.len(), steady.len()), (1, 3));
    for block in blocks.iter().chain(&second.cells[0].blocks) {
        assert_eq!(counts(block), (warmup, steady));
        assert!(block.init_nanos.abs_diff(init) < init / 1000, "{init} {}", block.init_nanos);
        assert_eq!((block.peak_rss_bytes, block.steady_wall_nanos, block.before.load_1m), (None, 0, None));
    }
}

#[test]
fn emulated_boards_give_the_integers_of_this_machine() {
    if !has("qemu-aarch64") || !can_cross_build() {
        return;
    }
    let place = place();
    let variants = ["--variants", "fp32,int8", "--blocks", "1", "--keep_outputs"];
    let run = |words: &[&str]| place.run(&[&["run", "--suite", "small"][..], words, &variants[..]].concat());
    let board = run(&["--devices", "pi4,pixel", "--emulate"]);
    board.expect_code(0);
    let record = record(&board.stderr, &place);
    // In the order in which they answered.
    let models: BTreeSet<&str> =
        record.devices.iter().map(|device| device.properties["cpu_model"].as_str()).collect();
    assert_eq!(models, BTreeSet::from(["cortex-a72", "max"]));
    assert!(record.cells.iter().all(|cell| cell.cell.threads == 1), "counts are of one thread");
    run(&["--devices", "host"]).expect_code(0);
    let runs: Vec<String> = place.runs();
    let words: Vec<&str> = std::iter::once("agree").chain(runs.iter().map(String::as_str)).collect();
    let agreed = place.run(&words);
    let int8: Vec<&str> =
        agreed.expect_code(0).stdout.lines().filter(|line| line.contains(" int8 ")).collect();
    assert_eq!(int8.len(), 3, "{}", agreed.stdout);
    assert!(int8.iter().all(|line| line.ends_with("equal")), "{}", agreed.stdout);
}

#[test]
fn what_stands_in_for_a_device_can_be_checked() {
    if !has("qemu-x86_64") {
        return;
    }
    let place = place();
    let checked = place.run(&["devices", "--check", "--emulate", "host,bare"]);
    let stdout = &checked.expect_code(2).stdout;
    for word in ["emulated", "qemu-x86_64 version", "instructions", "device `bare` has no `emulate`"] {
        assert!(stdout.contains(word), "no {word:?} in:\n{stdout}");
    }
}

#[test]
fn what_cannot_be_emulated_is_told_before_anything_runs() {
    let place = place();
    let run = |words: &[&str]| place.run(&[&["run", "--suite", "small", "--emulate"][..], words].concat());
    run(&["--devices", "bare"])
        .expect_code(2)
        .expect_words(&["device `bare` has no `emulate`", "cortex-a72"]);
    run(&["--devices", "pi4", "--num_threads", "4"])
        .expect_code(2)
        .expect_words(&["4 threads", "expected 1"]);
    assert!(!place.results().exists());
}

#[test]
fn outputs_that_were_not_kept_cannot_be_compared() {
    let place = place();
    place.run(&["run", "--suite", "small", "--variants", "fp32", "--blocks", "1"]).expect_code(0);
    place.run(&["agree"]).expect_code(2).expect_words(&["kept no outputs", "--keep_outputs"]);
}
