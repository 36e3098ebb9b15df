//! The other verbs, on the shipped network and data.

use std::path::PathBuf;

use edgebench_harness::dataset::TensorPack;
use edgebench_harness::npy::{Array, Values, npz};

use crate::place::{Place, repository};

fn shipped_model() -> String {
    repository().join("suites/mobilenet/models/mobilenet_v2_0.35_96.tflite").display().to_string()
}

/// The first digits of the data set as the network wants them: three examples of 96x96x1.
fn digits(place: &Place, count: usize) -> PathBuf {
    let golden =
        std::fs::read(repository().join("harness/tests/data/resize/digits.f32")).expect("golden digits");
    let floats: Vec<f32> = golden.as_chunks().0.iter().map(|raw| f32::from_le_bytes(*raw)).collect();
    let values = Values::Float32(floats[..count * 96 * 96].to_vec());
    let path = place.path().join("digits.npz");
    let array = Array { name: None, shape: vec![count, 96, 96, 1], values };
    std::fs::write(&path, npz(&[array]).expect("bytes")).expect("written");
    path
}

#[test]
fn suites_and_devices_are_listed() {
    let place = Place::new();
    let suites = place.run(&["suites"]);
    assert!(suites.expect_code(0).stdout.contains("small"), "{}", suites.stdout);
    let one = place.run(&["suites", "small"]);
    assert!(one.expect_code(0).stdout.contains("calibrated on 20 of digits"), "{}", one.stdout);
    let devices = place.run(&["devices"]);
    assert!(devices.expect_code(0).stdout.starts_with("host"), "{}", devices.stdout);
}

#[test]
fn broken_suite_is_listed_as_broken() {
    let place = Place::new();
    place.edit_suite("[measure]", "[mesure]");
    let suites = place.run(&["suites"]);
    assert!(suites.expect_code(2).stdout.contains("broken"), "{}", suites.stdout);
}

#[test]
fn device_that_answers_tells_what_it_is() {
    let place = Place::new();
    let ended = place.run(&["devices", "--check", "host"]);
    ended.expect_code(0);
    for word in ["agent", "kernels", "portable", "cpu_cores"] {
        assert!(ended.stdout.contains(word), "no {word:?} in:\n{}", ended.stdout);
    }
}

#[test]
fn doctor_finds_this_machine_able() {
    let place = Place::new();
    let ended = place.run(&["doctor"]);
    ended.expect_code(0);
    assert!(ended.stdout.lines().any(|line| line.starts_with("ok    cache")), "{}", ended.stdout);
}

#[test]
fn model_is_inspected_for_people_and_for_programs() {
    let place = Place::new();
    let text = place.run(&["inspect", &shipped_model()]);
    assert!(text.expect_code(0).stdout.contains("DEPTHWISE_CONV_2D"), "{}", text.stdout);
    let json = place.run(&["inspect", &shipped_model(), "--json"]);
    let inspection: serde_json::Value = serde_json::from_str(&json.expect_code(0).stdout).expect("JSON");
    assert_eq!(inspection["file_bytes"], 4_250_716);
    assert!(inspection["macs"].as_u64().is_some_and(|macs| macs > 10_000_000));
}

#[test]
fn variant_is_converted_reproducibly_and_runs() {
    let place = Place::new();
    let calibration = digits(&place, 3);
    let calibration = calibration.display().to_string();
    for out in ["a.tflite", "b.tflite"] {
        let arguments = ["--quantize", "full-int8", "--calibration", &calibration, "--io", "int8", "-o", out];
        let ended = place.run(&[&["convert", &shipped_model()][..], &arguments].concat());
        assert!(ended.expect_code(0).stdout.contains("calibrated with 3 examples"), "{}", ended.stdout);
    }
    let read = |name: &str| std::fs::read(place.path().join(name)).expect("a variant");
    assert!(read("a.tflite") == read("b.tflite"), "the same question gave other bytes");

    let input = digits(&place, 1).display().to_string();
    place.run(&["infer", "a.tflite", "--input", &input, "-o", "auto.npz", "--dump-all"]).expect_code(0);
    let reference = [
        "infer",
        "a.tflite",
        "--input",
        &input,
        "-o",
        "reference.npz",
        "--dump-all",
        "--kernels",
        "reference",
    ];
    place.run(&reference).expect_code(0);
    let ended = place.run(&["diff-outputs", "reference.npz", "auto.npz"]);
    assert!(ended.expect_code(0).stdout.contains("no tensor differs"), "{}", ended.stdout);
}

#[test]
fn tensors_that_differ_are_told_apart() {
    let place = Place::new();
    let input = digits(&place, 1).display().to_string();
    place.run(&["infer", &shipped_model(), "--input", &input, "-o", "a.npz"]).expect_code(0);
    let array = Array { name: None, shape: vec![1, 96, 96, 1], values: Values::Float32(vec![0.25; 96 * 96]) };
    std::fs::write(place.path().join("grey.npz"), npz(&[array]).expect("bytes")).expect("written");
    place.run(&["infer", &shipped_model(), "--input", "grey.npz", "-o", "b.npz"]).expect_code(0);
    let ended = place.run(&["diff-outputs", "a.npz", "b.npz"]);
    assert!(ended.expect_code(1).stdout.contains("first tensor that differs"), "{}", ended.stdout);
}

#[test]
fn missing_calibration_and_wrong_inputs_are_told() {
    let place = Place::new();
    let convert = ["convert", &shipped_model(), "--quantize", "full-int8", "-o", "x.tflite"];
    place.run(&convert).expect_code(2).expect_words(&["missing calibration", "--calibration"]);
    assert!(!place.path().join("x.tflite").exists());
    let input = digits(&place, 2).display().to_string();
    let infer = ["infer", &shipped_model(), "--input", &input, "-o", "x.npz"];
    place.run(&infer).expect_code(2).expect_words(&["expected float32 [1, 96, 96, 1]", "[2, 96, 96, 1]"]);
}

#[test]
fn pack_of_a_run_calibrates_too() {
    let place = Place::new();
    place.run(&["run", "--suite", "small", "--variants", "fp32", "--keep_outputs"]).expect_code(0);
    let manifest = std::fs::read_to_string(place.run_file("outputs/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let pack = manifest["cells"][0]["pack"].as_str().expect("a path").to_owned();
    assert_eq!(TensorPack::open(pack.as_ref()).expect("a pack").count(), 360);
    let arguments = ["--quantize", "full-int8", "--calibration", &pack, "--samples", "5", "-o", "x.tflite"];
    let ended = place.run(&[&["convert", &shipped_model()][..], &arguments].concat());
    assert!(ended.expect_code(0).stdout.contains("calibrated with 5 examples"), "{}", ended.stdout);
}
