//! `bench trend`: any series of numbers, and a history in folders and branches.

use std::process::Command;

use crate::place::Place;

/// A step of 10 % at 30 of 60, under a little noise that is the same each time.
fn numbers(place: &Place) {
    let noise = |at: usize| ((at * 7919) % 101) as f64 / 101.0 - 0.5;
    let line = |at: usize| format!("{at},{},abc\n", 100.0 + noise(at) + if at >= 30 { 10.0 } else { 0.0 });
    let text: String = (0..60).map(line).collect();
    std::fs::write(place.path().join("numbers.csv"), format!("time,value,commit\n{text}")).expect("written");
}

#[test]
fn any_series_of_numbers_can_be_asked() {
    let place = Place::new();
    numbers(&place);
    let ended = place.run(&["trend", "--csv", "numbers.csv", "--column", "value", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ended.expect_code(0).stdout).expect("json");
    let column = &json["columns"][0];
    assert_eq!((column["column"].as_str(), column["points"].as_u64()), (Some("value"), Some(60)));
    assert_eq!(column["changes"].as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(column["changes"][0]["index"], 30);
    let relative = column["changes"][0]["relative"].as_f64().expect("a share");
    assert!((relative - 0.1).abs() < 0.005, "{relative}");
    let text = place.run(&["trend", "--csv", "numbers.csv", "--column", "value"]);
    assert!(
        text.expect_code(0).stdout.starts_with("value: 60 points, 1 changes\n  at 30: "),
        "{}",
        text.stdout
    );
}

#[test]
fn what_is_wrong_with_numbers_is_told() {
    let place = Place::new();
    numbers(&place);
    place
        .run(&["trend", "--csv", "numbers.csv", "--column", "valu"])
        .expect_code(2)
        .expect_words(&["no column valu", "did you mean `value`?"]);
    place
        .run(&["trend", "--csv", "numbers.csv", "--column", "commit"])
        .expect_code(2)
        .expect_words(&["numbers.csv:2, column commit: expected a number, found \"abc\""]);
    place.run(&["trend", "--csv", "none.csv"]).expect_code(2).expect_words(&["cannot read none.csv"]);
}

#[test]
fn a_history_that_is_not_there_is_told() {
    let place = Place::new();
    let empty = place.run(&["trend"]);
    assert_eq!(empty.expect_code(0).stdout, "0 series, 0 points, 0 changes\n");
    place.run(&["trend", "--history", "none"]).expect_code(2).expect_words(&["cannot read none"]);
    place.run(&["trend", "--branch", "-x y"]).expect_code(2);
    place.run(&["trend", "--add", "latest"]).expect_code(2);
    let made = Command::new("git").args(["init", "--quiet"]).current_dir(place.path()).status();
    assert!(made.expect("git runs").success());
    place
        .run(&["trend", "--branch", "history"])
        .expect_code(2)
        .expect_words(&["no branch history", "--add latest"]);
}

#[test]
fn damaged_files_of_a_history_are_named() {
    let place = Place::new();
    let folder = place.path().join("history");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("x.parquet"), b"PAR1 but not really").expect("written");
    place
        .run(&["trend", "--history", "history"])
        .expect_code(5)
        .expect_words(&["x.parquet", "not a file of the history"]);
}

/// Two runs, kept in a folder and in a branch, shown as a site.
#[test]
fn runs_become_a_history_and_a_site() {
    let place = Place::new();
    let git = |arguments: &[&str]| {
        let done = Command::new("git").args(arguments).current_dir(place.path()).status().expect("git runs");
        assert!(done.success(), "{arguments:?}");
    };
    git(&["init", "--quiet"]);
    git(&["config", "user.name", "test"]);
    git(&["config", "user.email", "test@example.org"]);
    for _ in 0..2 {
        place.run(&["run", "--suite", "small"]).expect_code(0);
        place.run(&["trend", "--branch", "history", "--add", "latest", "--reference", "fp32"]).expect_code(0);
    }
    place.run(&["trend", "--history", "kept", "--add", "latest", "--reference", "fp32"]).expect_code(0);
    let again = place.run(&["trend", "--history", "kept", "--add", "latest", "--reference", "fp32"]);
    // int8: ratio, size, accuracy; fp32, the reference: latency, size, accuracy.
    assert_eq!(again.expect_code(0).stdout, "6 series, 6 points, 0 changes\n");
    let branch = place.run(&["trend", "--branch", "history", "--site", "site", "--runs", "../results"]);
    assert_eq!(branch.expect_code(0).stdout, "6 series, 12 points, 0 changes\n");
    let index = std::fs::read_to_string(place.path().join("site/index.html")).expect("the overview");
    assert!(index.contains("net") && index.contains("No changes"), "{index}");
    assert_eq!(std::fs::read_dir(place.path().join("site")).expect("the site").count(), 2);
}
