//! Beside the genuine LiteRT, where it is installed; and what is said where it is not.

use edgebench_harness::npy::{Array, Values, npz};
use serde_json::Value;

use crate::place::{Place, repository};

/// Whether there is a LiteRT to compare with.
fn no_litert() -> bool {
    let named = ["EDGEBENCH_LITERT", "EDGEBENCH_PYTHON"].iter().any(|name| std::env::var_os(name).is_some());
    if !named {
        println!("skipped: EDGEBENCH_PYTHON does not name a Python with ai-edge-litert");
    }
    !named
}

fn case(name: &str) -> String {
    repository().join("suites/ops").join(name).join("model.tflite").display().to_string()
}

fn parity(place: &Place, arguments: &[&str]) -> Value {
    let ended = place.run(&[&["parity", "--json"], arguments].concat());
    let text = &ended.expect_code(0).stdout;
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn integers_are_equal_to_the_reference_kernels_and_a_step_from_the_default_ones() {
    if no_litert() {
        return;
    }
    let place = Place::new();
    let model = case("conv_2d/int8_wide_3x3");
    let reference = parity(&place, &["--litert-kernels", "reference", &model]);
    assert_eq!(reference["operators"][0]["operator"], "CONV_2D");
    assert_eq!(reference["operators"][0]["closeness"], "equal", "{reference}");
    assert_eq!(reference["network"]["closeness"], "equal", "{reference}");
    let default = parity(&place, &[&model]);
    let closeness = &default["operators"][0]["closeness"];
    assert!(closeness == "equal" || closeness == "rounding", "{default}");
}

#[test]
fn every_operator_of_the_shipped_network_is_within_rounding_of_litert() {
    if no_litert() {
        return;
    }
    let place = Place::new();
    let ended = place.run(&["parity", "--all", "suites/small/net.tflite"]);
    let text = &ended.expect_code(0).stdout;
    assert!(
        text.lines().any(|line| line.contains("DEPTHWISE_CONV_2D") && line.ends_with("rounding")),
        "{text}"
    );
    let whole = text.lines().find(|line| line.contains("whole network")).expect("the network as a whole");
    assert!(whole.ends_with("rounding") || whole.ends_with("equal"), "{text}");
}

/// An input for the case `conv_2d/int8_wide_3x3`, as in.npz.
fn write_input(place: &Place) {
    let text = std::fs::read_to_string(repository().join("suites/ops/conv_2d/int8_wide_3x3/case.json"));
    let case: Value = serde_json::from_str(&text.expect("the case")).expect("JSON");
    let shape: Vec<usize> = serde_json::from_value(case["inputs"][0]["shape"].clone()).expect("a shape");
    let count: usize = shape.iter().product();
    let values = Values::Int8((0..count).map(|index| (index * 37 % 251) as u8 as i8).collect());
    let bytes = npz(&[Array { name: None, shape, values }]).expect("bytes");
    std::fs::write(place.path().join("in.npz"), bytes).expect("written");
}

#[test]
fn one_inference_in_litert_answers_like_ours() {
    if no_litert() {
        return;
    }
    let place = Place::new();
    let model = case("conv_2d/int8_wide_3x3");
    write_input(&place);
    place.run(&["infer", &model, "--input", "in.npz", "-o", "ours.npz"]).expect_code(0);
    let litert = ["--runtime", "litert", "--kernels", "reference"];
    place
        .run(&[&["infer", &model, "--input", "in.npz", "-o", "theirs.npz"], &litert[..]].concat())
        .expect_code(0);
    // The outputs are named by the file in both.
    place.run(&["diff-outputs", "theirs.npz", "ours.npz"]).expect_code(0);
}

#[test]
fn a_library_that_is_not_litert_is_named() {
    let place = Place::new();
    let ended = place.run(&["parity", "--litert", "suites/small/suite.toml", "suites/small/net.tflite"]);
    // Nothing could be compared, and that is no pass.
    let text = &ended.expect_code(3).stdout;
    assert!(
        text.contains("not compared: suites/small/suite.toml: not a library that can be opened"),
        "{text}"
    );
}

#[test]
fn an_unknown_signature_is_told_with_those_that_there_are() {
    let place = Place::new();
    write_input(&place);
    let model = case("conv_2d/int8_wide_3x3");
    let ended = place.run(&["infer", &model, "--signature", "nope", "--input", "in.npz", "-o", "out.npz"]);
    let text = &ended.expect_code(2).stderr;
    assert!(text.contains("model: expected a signature of []") && text.contains("\"nope\""), "{text}");
}

#[test]
fn both_runtimes_are_measured_in_turns_and_compared() {
    if no_litert() {
        return;
    }
    let place = Place::new();
    let ended = place.run(&["run", "--suite", "small", "--runtime", "edgebench,litert", "--models", "net"]);
    ended.expect_code(0);
    let text = place.run(&["report", "--format", "csv"]).expect_code(0).stdout.clone();
    let of = |runtime: &str| text.lines().filter(|line| line.contains(runtime)).count();
    assert_eq!((of("edgebench"), of("litert")), (2, 2), "{text}");
    // Both saw the same examples through the same protocol, and agree on almost all.
    assert!(ended.stdout.contains("vs peer"), "{}", ended.stdout);
}

#[test]
fn a_peer_on_a_device_elsewhere_is_refused_before_anything_is_built() {
    let place = Place::new();
    std::fs::write(place.path().join("devices.toml"), "[pi]\ntransport = \"ssh\"\nhost = \"pi.local\"\n")
        .expect("written");
    let library = ["--litert", "suites/small/suite.toml", "--inventory", "devices.toml"];
    let run = ["run", "--suite", "small", "--devices", "pi", "--runtime", "litert"];
    let ended = place.run(&[&run[..], &library[..]].concat());
    let text = &ended.expect_code(2).stderr;
    assert!(text.contains("device pi: runtime litert cannot run there"), "{text}");
}
