//! `bench benchmark-model`: lines that scripts made for LiteRT's tool read.

use crate::place::Place;

/// Numbers and what follows from their length, masked.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        let in_number = letter.is_ascii_digit() || letter == '.' && out.ends_with('#');
        match (in_number, out.ends_with('#')) {
            (true, true) => {}
            (true, false) => out.push('#'),
            (false, _) => out.push(letter),
        }
    }
    out
}

fn benchmark(place: &Place, flags: &[&str]) -> String {
    let least = ["benchmark-model", "--graph=suites/small/net.tflite"];
    let short = ["--warmup_min_secs=0", "--min_secs=0", "--num_runs=20", "--isa=portable"];
    let ended = place.run(&[&least[..], &short, flags].concat());
    ended.expect_code(0).stdout.clone()
}

#[test]
fn lines_are_those_of_benchmark_model() {
    let place = Place::new();
    let told =
        benchmark(&place, &["--num_threads=1", "--use_xnnpack=true", "--report_peak_memory_footprint=true"]);
    let lines: Vec<String> = told.lines().map(masked).collect();
    let expected = include_str!("../data/benchmark_model.txt");
    assert_eq!(lines.join("\n") + "\n", expected);
}

#[test]
fn operators_are_written_in_the_tables_and_files_that_were_asked_for() {
    let place = Place::new();
    let told = benchmark(&place, &["--enable_op_profiling=true"]);
    let sections: Vec<&str> =
        told.split("Operator-wise Profiling Info for Regular Benchmark Runs:").collect();
    assert_eq!(sections.len(), 2, "{told}");
    for section in sections {
        for title in ["Run Order", "Top by Computation Time", "Summary by node type"] {
            assert_eq!(section.matches(&format!("= {title} =")).count(), 1, "{title} in:\n{section}");
        }
    }
    let csv = "--op_profiling_output_file=ops.csv";
    let told = benchmark(&place, &["--enable_op_profiling=1", "--op_profiling_output_mode=csv", csv]);
    assert!(!told.contains("Run Order"), "{told}");
    let csv = std::fs::read_to_string(place.path().join("ops.csv")).expect("a file");
    let head = "node type, first, avg_ms, %, cdf%, mem KB, times called, name";
    assert_eq!(csv.lines().filter(|line| *line == head).count(), 4);
    let row = csv.lines().find(|line| line.starts_with("CONV_2D, ")).expect("a convolution");
    assert_eq!(row.split(", ").count(), 8, "{row}");
}

#[test]
fn outputs_and_results_are_left_in_files() {
    let place = Place::new();
    benchmark(&place, &["--output_filepath=out.bin", "--result_file_path=result.pb"]);
    assert_eq!(std::fs::read(place.path().join("out.bin")).expect("outputs").len(), 10 * 4);
    let result = std::fs::read(place.path().join("result.pb")).expect("results");
    assert_eq!(result[..2], [0x12, 50], "latency_metrics of ten floats first");
}

#[test]
fn a_dry_run_makes_ready_and_runs_nothing() {
    let told = benchmark(&Place::new(), &["--dry_run=true"]);
    assert_eq!(told.matches("count=0 p5=0 median=0 p95=0").count(), 2, "{told}");
}

#[test]
fn what_cannot_be_is_told_with_what_is_expected() {
    let place = Place::new();
    let refused = |flags: &[&str], words: &[&str]| {
        place.run(&[&["benchmark-model"][..], flags].concat()).expect_code(2).expect_words(words);
    };
    refused(&["--graph=nowhere.tflite"], &["cannot read nowhere.tflite"]);
    refused(&["--graph=suites/small/net.tflite", "--num_thread=4"], &["--num_thread", "--num_threads"]);
    let net = "--graph=suites/small/net.tflite";
    refused(
        &[net, "--signature_to_run_for=none"],
        &["serving_default", "\"none\"", "--signature_to_run_for=KEY"],
    );
    refused(
        &[net, "--input_layer=x", "--input_layer_shape=1,96,96,1"],
        &["--input_layer: expected", "found x"],
    );
}
