//! Everything a user can get wrong or lose, and the message and exit code for it.

use std::process::Command;

use crate::place::{Ended, Place, STEPS};

const RUN: [&str; 3] = ["run", "--suite", "small"];

#[test]
fn unknown_key_is_named_with_its_line() {
    let place = Place::new();
    place.edit_suite("quantize = \"full-int8\"", "quantise = \"full-int8\"");
    place.run(&RUN).expect_code(2).expect_words(&["suite.toml:15:1", "quantise", "did you mean `quantize`?"]);
}

#[test]
fn wrong_type_is_named_with_what_was_expected() {
    let place = Place::new();
    place.edit_suite("blocks = 2", "blocks = \"two\"");
    place.run(&RUN).expect_code(2).expect_words(&["suite.toml:28:10", "blocks", "integer", "string"]);
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let place = Place::new();
    place.edit_suite("blocks = 2", "blocks = \"two\"");
    place.edit_suite("task = \"classification\"", "task = \"clasification\"");
    place.run(&RUN).expect_code(2).expect_words(&["blocks", "clasification"]);
}

#[test]
fn missing_model_is_named() {
    let place = Place::new();
    std::fs::remove_file(place.suite().join("net.tflite")).expect("the model");
    place.run(&RUN).expect_code(2).expect_words(&["no file at", "net.tflite"]);
}

#[test]
fn truncated_model_fails_its_cells_and_says_why() {
    let place = Place::new();
    let model = place.suite().join("net.tflite");
    let bytes = std::fs::read(&model).expect("the model");
    std::fs::write(&model, &bytes[..bytes.len() / 2]).expect("the model");
    place.run(&RUN).expect_code(4).expect_words(&["cannot prepare net", "damaged flatbuffer"]);
}

#[test]
fn wrong_hash_is_refused() {
    let place = Place::new();
    let zeros = "0".repeat(64);
    place.edit_suite("path = \"net.tflite\"", &format!("path = \"net.tflite\", sha256 = \"{zeros}\""));
    place.run(&RUN).expect_code(6).expect_words(&["wrong SHA-256", &zeros]);
}

#[test]
fn unknown_suite_and_device_are_told_with_the_known_ones() {
    let place = Place::new();
    place
        .run(&["run", "--suite", "smal"])
        .expect_code(2)
        .expect_words(&["unknown suite `smal`", "did you mean `small`?"]);
    place
        .run(&["run", "--suite", "small", "--devices", "hots"])
        .expect_code(2)
        .expect_words(&["unknown device `hots`", "did you mean `host`?"]);
}

#[test]
fn device_of_another_transport_fails_and_the_others_go_on() {
    let place = Place::new();
    let inventory =
        "[host]\ntransport = \"local\"\n[board]\ntransport = \"qemu\"\nmachine = \"mps2-an386\"\n";
    std::fs::write(place.path().join("devices.toml"), inventory).expect("inventory");
    let ended = place.run(&["run", "--suite", "small", "--devices", "board,host", "--variants", "fp32"]);
    ended.expect_code(4).expect_words(&["transport qemu is not part of this build yet"]);
    assert_eq!(place.steps_done(), STEPS / 2, "the other device was measured");
}

#[test]
fn results_folder_that_cannot_be_used_is_named() {
    let place = Place::new();
    std::fs::write(place.results(), "a file in the way").expect("a file");
    place
        .run(&RUN)
        .expect_code(2)
        .expect_words(&["cannot create results", "choose another folder with --results"]);
}

#[test]
fn unknown_kernel_set_fails_the_cells_with_the_known_ones() {
    let place = Place::new();
    let ended = place.run(&["run", "--suite", "small", "--variants", "fp32", "--kernels", "quantum"]);
    ended.expect_code(4).expect_words(&["quantum"]);
}

/// A tmpfs of a few pages: the journal fits at first and then does not.
#[test]
fn full_disk_keeps_what_was_measured() {
    let place = Place::new();
    std::fs::create_dir(place.results()).expect("results");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=48k", "tmpfs"])
        .arg(place.results())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        println!("skipped: full_disk_keeps_what_was_measured: mounting a tmpfs needs root");
        return;
    }
    let ended = place.run(&RUN);
    let journal = place.journal().unwrap_or_default();
    let unmounted = Command::new("umount").arg(place.results()).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    check_full_disk(&ended, &journal);
}

#[track_caller]
fn check_full_disk(ended: &Ended, journal: &str) {
    ended.expect_code(5).expect_words(&["cannot append to", "No space left on device", "free some space"]);
    assert!(journal.ends_with('\n'), "no torn line stays behind: {:?}", journal.lines().next_back());
}
