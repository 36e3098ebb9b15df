//! Faults that are planted into models: each has to be caught, and the operator that has it has to be named. The same by
//! hand is in `ci/gate/PLANTED.md`.

use std::path::PathBuf;

use edgebench_reports::frame::read_run;
use serde_json::Value;

use crate::flat::{Conv, Flat};
use crate::place::Place;

const GATE: &str = "\n[gate]\naccuracy = { max_drop_vs_fp32 = \"1%\", max_drop_vs_baseline = \"1%\" }\n";

/// Where a run of the place keeps a variant, and the pack of its examples.
fn files(place: &Place, variant: &str) -> (PathBuf, PathBuf) {
    let manifest = std::fs::read_to_string(place.run_file("outputs/manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    let cell = manifest["cells"].as_array().expect("cells").iter().find(|cell| cell["variant"] == variant);
    let path = |name: &str| PathBuf::from(cell.expect("the variant")[name].as_str().expect("a path"));
    (path("model_file"), path("pack"))
}

/// The operator that `bench layers` finds to do most harm: index in the file and error of its own in steps.
fn most_harmful(place: &Place, float: &str, quantized: &str, pack: &str) -> (u64, f64) {
    let ended = place.run(&["layers", float, quantized, "--pack", pack, "--examples", "1", "--json"]);
    let report: Value = serde_json::from_str(&ended.expect_code(0).stdout).expect("JSON");
    let layers = report["layers"].as_array().expect("layers").iter();
    let above = |layer: &&Value| layer["alone_snr_db"].as_f64().unwrap_or(f64::INFINITY);
    let worst = layers.min_by(|one, other| above(one).total_cmp(&above(other))).expect("layers");
    (worst["index"].as_u64().expect("an index"), worst["rmse_steps"].as_f64().expect("steps"))
}

fn accuracy(place: &Place, run: &str, variant: &str) -> usize {
    let record = read_run(&place.results().join(run).join("run.parquet")).expect("a dataframe");
    let cell = record.cells.iter().find(|one| one.cell.variant == variant).expect("the variant");
    let predictions = &cell.evaluation.as_ref().expect("accuracy").predictions;
    predictions.iter().filter(|one| one.is_right()).count()
}

#[test]
fn a_wrong_requantization_shift_is_blocked_and_its_operator_named() {
    let place = Place::new();
    place.run(&["run", "--suite", "small", "--blocks", "1", "--keep_outputs"]).expect_code(0);
    let (float, pack) = files(&place, "fp32");
    let (good, _) = files(&place, "int8");
    let (model, broken) = wrongly_shifted(&good, 4);

    // The quantized file as it is, first the good one, then the broken one.
    let other = Place::new();
    let variants = "[variant.fp32]\nquantize = \"none\"\n\n[variant.int8]\nquantize = \"full-int8\"\n";
    other.edit_suite(variants, "[variant.int8]\nquantize = \"none\"\n");
    other.edit_suite("calibration = { dataset = \"digits\", split = \"calibration\", samples = 20, method = \"min-max\", seed = 1 }\n", "");
    other.edit_suite("[measure]", &format!("{}\n[measure]", GATE.replace("max_drop_vs_fp32 = \"1%\", ", "")));
    let net = other.suite().join("net.tflite");
    std::fs::copy(&good, &net).expect("copied");
    other.run(&["run", "--suite", "small", "--blocks", "1"]).expect_code(0);
    std::fs::write(&net, &model.bytes).expect("written");
    // Runs are named by their second: the newer one must be of a later one.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    other.run(&["run", "--suite", "small", "--blocks", "1"]).expect_code(0);
    let runs = other.runs();
    let (before, after) = (accuracy(&other, &runs[0], "int8"), accuracy(&other, &runs[1], "int8"));
    assert!(before > 340 && after < before - 20, "{before} right, then {after}");

    let gate = other.run(&["gate", "--suite", "small", "--baseline", "latest"]);
    let text = &gate.expect_code(1).stdout;
    assert!(text.contains("REGRESSED") && text.contains("accuracy"), "{text}");

    let paths = [&float, &net, &pack].map(|path| path.display().to_string());
    let (index, steps) = most_harmful(&place, &paths[0], &paths[1], &paths[2]);
    assert_eq!(index, broken.index as u64, "{}", model.name(broken.output));
    assert!(steps > 2.0, "an error of {steps} steps");
}

/// The model with one convolution in its middle whose results are shifted left by so many bits.
fn wrongly_shifted(good: &std::path::Path, shift: u32) -> (Flat, Conv) {
    let mut model = Flat::read(good);
    let convolutions = model.convolutions();
    let broken = convolutions[convolutions.len() / 2];
    // The multiplier is input times weights by output: twice the step of the weights is one shift too many.
    let factor = (1u32 << shift) as f32;
    model.scale_steps(broken.weights, factor);
    model.scale_steps(broken.bias, factor);
    (model, broken)
}

/// A convolution without clamping whose output one other convolution reads: between the two a channel can be scaled up
/// and down again without any change to what the float network computes.
fn linear_pair(model: &Flat) -> (Conv, Conv) {
    let convolutions = model.convolutions();
    let next = |one: &Conv| convolutions.iter().find(|other| other.input == one.output).copied();
    let pairs = convolutions.iter().filter(|one| one.linear && model.readers(one.output) == 1);
    pairs.filter_map(|one| Some((*one, next(one)?))).next().expect("such a pair")
}

#[test]
fn a_fragile_layer_is_caught_and_named_on_the_page() {
    let place = Place::new();
    place.edit_suite("[measure]", &format!("{GATE}\n[measure]"));
    let net = place.suite().join("net.tflite");
    let mut model = Flat::read(&net);
    let (fragile, next) = linear_pair(&model);
    let (channel, factor) = (3, 1000.0);
    let inputs: usize = model.shape(fragile.weights)[1..].iter().product();
    model.scale_values(fragile.weights, factor, |at| at / inputs == channel);
    model.scale_values(fragile.bias, factor, |at| at == channel);
    let channels = *model.shape(next.weights).last().expect("channels");
    model.scale_values(next.weights, 1.0 / factor, |at| at % channels == channel);
    std::fs::write(&net, &model.bytes).expect("written");

    place.run(&["run", "--suite", "small", "--blocks", "1", "--keep_outputs"]).expect_code(0);
    let run = &place.runs()[0];
    let (float, quantized) = (accuracy(&place, run, "fp32"), accuracy(&place, run, "int8"));
    assert!(float > 340 && quantized < float - 20, "{float} right in fp32, {quantized} in int8");
    place.run(&["gate", "--suite", "small", "--first-run"]).expect_code(1);

    let (float, pack) = files(&place, "fp32");
    let (int8, _) = files(&place, "int8");
    let paths = [&float, &int8, &pack].map(|path| path.display().to_string());
    let (index, steps) = most_harmful(&place, &paths[0], &paths[1], &paths[2]);
    let named = Flat::read(&int8).convolutions().into_iter().find(|one| one.index as u64 == index);
    let name = |model: &Flat, one: &Conv| model.name(one.output).split(';').next().map(str::to_owned);
    let int8 = Flat::read(&int8);
    assert_eq!(named.and_then(|one| name(&int8, &one)), name(&model, &fragile), "operator {index}");
    assert!(steps < 1.0, "its own results are rounded as they should be: {steps} steps");

    let page = std::fs::read_to_string(place.run_file("report.html")).expect("a page").replace("&#x2f;", "/");
    let finding = format!("Most harm by itself does operator {index} CONV_2D");
    assert!(page.contains(&finding), "the page does not say: {finding}");
    assert!(
        page.contains("<img src=\"data:image/png;base64,"),
        "the page shows no picture of a changed answer"
    );
    assert!(page.contains("Ship fp") && !page.contains("Ship int8"), "the page ships it");
}
