//! `bench compare` and `bench self-check`: the same agent on both sides, and what cannot be compared.

use std::process::Command;

use edgebench_reports::frame::{read_run, write_run};

use crate::place::Place;

const QUICK: [&str; 8] = ["--suite", "small", "--variants", "int8", "--pair_secs", "0.01", "--turns", "2"];

#[test]
fn the_same_sources_are_not_slower_than_themselves() {
    let place = Place::new();
    let mut arguments = vec!["compare", "--base", ".", "--margin", "400", "--json", "out.json"];
    arguments.extend(QUICK);
    let ended = place.run(&arguments);
    ended.expect_code(0);
    assert!(ended.stdout.contains("against base the working tree"), "{}", ended.stdout);
    assert!(ended.stdout.contains("PASS") && ended.stdout.contains("host net int8 x1"), "{}", ended.stdout);
    let json = std::fs::read_to_string(place.path().join("out.json")).expect("the file that was asked for");
    let json: serde_json::Value = serde_json::from_str(&json).expect("json");
    assert_eq!(json["verdict"], "PASS");
    let pairs = json["cells"][0]["screen"].as_array().expect("pairs").len();
    assert_eq!(pairs, 10);
    let folder =
        std::fs::read_dir(place.results()).expect("results").flatten().next().expect("one comparison");
    let kept = std::fs::read_to_string(folder.path().join("pairs.jsonl")).expect("every pair");
    assert!(kept.lines().count() >= 10, "{kept}");
    // A comparison is no run: other verbs do not trip over its folder.
    place.run(&["report"]).expect_code(2);
}

/// What `bench compare` leaves is what `bench gate` judges: the same agents pass, and a head whose turns took longer is
/// a regression of pairs that took turns.
#[test]
fn a_gate_judges_a_comparison() {
    let place = Place::new();
    let limits = "[gate]\ncpu_time = { max_increase = \"400%\" }\nsize = { max_increase = \"1%\" }\n\
        accuracy = { max_drop_vs_baseline = \"1%\" }\n\n[measure]";
    place.edit_suite("[measure]", limits);
    let mut arguments = vec!["compare", "--base", ".", "--metric", "cpu-time", "--accuracy"];
    arguments.extend(QUICK);
    // Whether 10 ms a pair show it to be within 1 % depends on the machine; that both are there does not.
    assert!([Some(0), Some(3)].contains(&place.run(&arguments).code), "no regression");
    let gate = |compare: &str| place.run(&["gate", "--suite", "small", "--compare", compare]);
    let passed = gate("latest");
    passed.expect_code(0);
    assert!(
        passed.stdout.contains("in turns with its head") && passed.stdout.contains("PASS"),
        "{}",
        passed.stdout
    );
    let folder =
        std::fs::read_dir(place.results()).expect("results").flatten().next().expect("one comparison").path();
    let head = folder.join("head.parquet");
    let mut record = read_run(&head).expect("the head's record");
    for block in record.cells.iter_mut().flat_map(|cell| &mut cell.blocks) {
        block.steady_cpu_nanos = block.steady_cpu_nanos.map(|nanos| nanos * 20);
    }
    write_run(&head, &record).expect("written");
    let regressed = gate(folder.file_name().and_then(|name| name.to_str()).expect("a name"));
    assert!(regressed.expect_code(1).stdout.contains("REGRESSED"), "{}", regressed.stdout);
    let told = place.run(&["gate", "--suite", "small", "--compare", "latest", "--explain", "int8"]);
    assert!(told.stdout.contains("interleaved pairs of"), "{}", told.stdout);
    gate("compare-nothing").expect_code(2).expect_words(&["no comparison `compare-nothing`", "latest"]);
}

#[test]
fn a_device_is_told_how_far_it_can_be_trusted() {
    let place = Place::new();
    let mut arguments = vec!["self-check", "--pairs", "6"];
    arguments.extend(QUICK);
    let ended = place.run(&arguments);
    for word in ["6 pairs", "false alarms", "resolution", "of 1 cells differ"] {
        assert!(ended.expect_code(0).stdout.contains(word), "no {word:?} in:\n{}", ended.stdout);
    }
}

#[test]
fn what_cannot_be_compared_is_told() {
    let place = Place::new();
    let compare = |base: &str| {
        let mut arguments = vec!["compare", "--base", base];
        arguments.extend(QUICK);
        place.run(&arguments)
    };
    compare("v1").expect_code(2).expect_words(&["is in no git repository", "--base-agent"]);
    let made = Command::new("git").args(["init", "--quiet"]).current_dir(place.path()).status();
    assert!(made.expect("git runs").success());
    compare("v1").expect_code(2).expect_words(&["unknown revision or run `v1`"]);
    compare("--upload-pack=x").expect_code(2);
    let mut arguments = vec!["compare", "--base-agent", "/nowhere/agent"];
    arguments.extend(QUICK);
    place.run(&arguments).expect_code(4).expect_words(&["cannot read /nowhere/agent"]);
    place.run(&["compare", "--suite", "small"]).expect_code(2).expect_words(&["--base"]);
}
