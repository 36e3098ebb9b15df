use std::io;

use proptest::prelude::*;

use super::*;
use crate::artifact::{ArtifactError, Sha256};
use crate::config::{ConfigError, Percent};
use crate::dataset::DatasetError;
use crate::inventory::Inventory;
use crate::plan::PlanError;
use crate::suite::{Suite, SuiteError};

fn suite(text: &str) -> BenchError {
    let file = Path::new("suites/mobilenet/suite.toml");
    Suite::parse(file, text).expect_err("the text is wrong").into()
}

#[test]
fn a_misspelt_key_is_shown_with_its_line_and_the_right_one() {
    let error = suite(
        "name = \"s\"\n\n[[model]]\nname = \"m\"\nsource = { path = \"m.tflite\" }\n\n\
         [variant.int8]\nquantise = \"full-int8\"\n",
    );
    assert_eq!(error.exit_code(), ExitCode::Usage);
    insta::assert_snapshot!(error.render(false));
}

#[test]
fn several_mistakes_are_shown_one_after_another() {
    let error = suite(
        "nme = \"s\"\n[[model]]\nname = 5\nsource = { path = \"m\" }\ndataset = \"digit\"\n[dataset.digits]\n",
    );
    insta::assert_snapshot!(error.render(false));
}

#[test]
fn missing_keys_are_shown_where_they_are_missing() {
    let error = suite(
        "name = \"s\"\n[[model]]\nname = \"m\"\n[[model]]\nsource = { path = \"m\" }\n[variant.v]\n\
         [gate]\n[dataset.d]\nsource = { sha256 = \"x\" }\n",
    );
    insta::assert_snapshot!(error.render(false));
}

#[test]
fn syntax_errors_are_shown_with_their_lines() {
    let error = suite("name = \"s\n[[model]\nname = \n");
    insta::assert_snapshot!(error.render(false));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let error = suite("nme = \"s\"\n");
    let coloured = error.render(true);
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    let mut plain = String::new();
    for part in anstream::adapter::strip_str(&coloured) {
        plain.push_str(part);
    }
    assert_eq!(plain, error.render(false));
}

#[test]
fn what_a_file_says_cannot_act_on_a_terminal() {
    let error = suite("name = \"s\"\n\"\\u001b[2J\\u202e\" = 1\t\n");
    let shown = error.render(false);
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    assert!(shown.contains("\\u{1b}[2J"), "{shown}");
}

#[test]
fn a_long_line_is_cut_around_the_mistake() {
    let line = format!("name = \"s\"\nsource = {{ a = \"{}\", b = 1 }}\n", "x".repeat(5000));
    let error = suite(&line);
    assert!(error.render(false).lines().all(|line| line.chars().count() < 300), "{}", error.render(false));
}

#[test]
fn unknown_names_are_shown_with_those_there_are() {
    let fleet = "[host]\ntransport = \"local\"\n[pi4]\ntransport = \"ssh\"\nhost = \"pi4\"\n";
    let fleet = Inventory::parse(Path::new("devices.toml"), fleet).expect("right");
    let device = BenchError::from(fleet.device("pi").expect_err("unknown"));
    let suite = BenchError::from(SuiteError::Unknown {
        name: "mobilnet".to_owned(),
        known: vec!["mobilenet".to_owned(), "resnet".to_owned()],
        searched: vec![PathBuf::from("suites")],
    });
    let variant = BenchError::from(PlanError::UnknownName {
        what: "variant",
        name: "int4".to_owned(),
        known: vec!["fp32".to_owned(), "int8".to_owned()],
        suite: "mobilenet".to_owned(),
    });
    let built_in = BenchError::from(Inventory::built_in().device("pi4").expect_err("unknown"));
    let all = device.and(suite).and(variant).and(built_in);
    assert_eq!(all.exit_code(), ExitCode::Usage);
    insta::assert_snapshot!(all.render(false));
}

#[test]
fn files_that_are_not_there_or_are_not_the_right_ones() {
    let [expected, found] = [b"right", b"wrong"].map(|bytes| Sha256::of(bytes));
    let changed = BenchError::from(ArtifactError::Mismatch { place: "m.tflite".to_owned(), expected, found });
    assert_eq!(changed.exit_code(), ExitCode::Refused);
    let missing = BenchError::from(ArtifactError::NoFile { path: PathBuf::from("suites/s/m.tflite") });
    assert_eq!(missing.exit_code(), ExitCode::Usage);
    let nowhere = BenchError::from(ArtifactError::NotFound {
        name: "m.tflite".to_owned(),
        looked: vec!["not in the cache".to_owned(), "no mirror folder is given".to_owned()],
        url: Some("https://example.org/m.tflite".to_owned()),
    });
    let full = BenchError::from(ArtifactError::Io {
        action: "write",
        path: PathBuf::from("cache/parts/1"),
        source: io::Error::from(io::ErrorKind::StorageFull),
    });
    assert_eq!(full.exit_code(), ExitCode::Internal);
    let all = missing.and(nowhere).and(full).and(changed);
    assert_eq!(all.exit_code(), ExitCode::Refused);
    insta::assert_snapshot!(all.render(false));
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let cause = io::Error::from(io::ErrorKind::NotFound);
    let error = BenchError::from(ConfigError::Unreadable { file: PathBuf::from("devices.toml"), cause });
    assert_eq!(error.exit_code(), ExitCode::Usage);
    insta::assert_snapshot!(error.render(false));
}

#[test]
fn data_sets_that_cannot_be_used() {
    let entry = |hostile: bool| {
        let (file, entry) = ("images.zip".to_owned(), "a/../b.png".to_owned());
        let (expected, found) = ("an image".to_owned(), "something else".to_owned());
        match hostile {
            true => DatasetError::Hostile { file, entry, expected, found },
            false => DatasetError::Entry { file, entry, expected, found },
        }
    };
    assert_eq!(BenchError::from(entry(true)).exit_code(), ExitCode::Refused);
    assert_eq!(BenchError::from(entry(false)).exit_code(), ExitCode::Usage);
    let split = BenchError::from(DatasetError::UnknownSplit {
        dataset: "digits".to_owned(),
        split: "tset".to_owned(),
        known: vec!["all".to_owned(), "test".to_owned()],
    });
    let shapes = DatasetError::UnequalShapes { example: 7, expected: [8, 8, 3], found: [8, 9, 3] };
    let all = BenchError::from(entry(false)).and(split).and(shapes.into());
    insta::assert_snapshot!(all.render(false));
}

#[test]
fn the_gravest_code_wins() {
    let error = |exit| BenchError::from(Report::new(exit, "x"));
    let both = error(ExitCode::Device).and(error(ExitCode::Refused)).and(error(ExitCode::Usage));
    assert_eq!(both.exit_code(), ExitCode::Refused);
    assert_eq!(ExitCode::Inconclusive.graver(ExitCode::Regression), ExitCode::Regression);
    assert_eq!(BenchError::new(Vec::new()).exit_code(), ExitCode::Internal);
    let codes: Vec<u8> = ExitCode::TABLE.iter().map(|(code, _)| code.code()).collect();
    assert_eq!(codes[..7], [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_summary_is_one_line() {
    let error = BenchError::from(Report::new(ExitCode::Device, "a").because("b").help("c"));
    assert_eq!(error.and(BenchError::internal("d")).to_string(), "a: b; d");
}

#[test]
fn limits_read_back_as_written() {
    let limit: Percent = "0.5%".parse().expect("a percentage");
    assert_eq!(limit.to_string(), "0.5%");
}

proptest! {
    #[test]
    fn any_place_of_any_text_can_be_shown(text: String, start in 0usize..200, length in 0usize..200) {
        let report = Report::new(ExitCode::Usage, "x").at_text(Path::new("f"), &text, start..start + length);
        let shown = BenchError::from(report).render(false);
        prop_assert!(shown.ends_with('\n'));
        prop_assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{:?}", shown);
    }
}
