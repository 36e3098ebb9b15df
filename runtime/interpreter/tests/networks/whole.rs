//! Whole trained networks: the suite's own, and those of the mirror folder where there is one.

use std::path::{Path, PathBuf};

use edgebench_interpreter::{Interpreter, KernelChoice, KernelSet, Model, Options};

use crate::build::noise;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a model once over reproducible values and gives the bytes of all outputs.
fn outputs(file: &[u8], options: &Options) -> Vec<Vec<u8>> {
    let model = Model::load(file).expect("loads");
    let mut interpreter = Interpreter::new(&model, options).expect("prepares");
    for index in 0..interpreter.input_count() {
        let length = interpreter.input(index).expect("input").shape.iter().product();
        let values: Vec<f32> = (0..length).map(noise).collect();
        interpreter.set_input_f32(index, &values).expect("fits");
    }
    interpreter.invoke().expect("runs");
    let once = collect(&interpreter);
    interpreter.invoke().expect("runs again");
    assert_eq!(once, collect(&interpreter), "a second run of the same input gives the same output");
    once
}

fn collect(interpreter: &Interpreter<'_>) -> Vec<Vec<u8>> {
    (0..interpreter.output_count())
        .map(|index| interpreter.output(index).expect("output").bytes.to_vec())
        .collect()
}

fn kernels(kernels: KernelChoice) -> Options {
    Options { kernels, ..Options::default() }
}

/// Results do not depend on how memory is planned, and integers not on the kernels.
fn check(name: &str, file: &[u8]) {
    let planned = outputs(file, &kernels(KernelChoice::Only(KernelSet::Reference)));
    let kept =
        outputs(file, &Options { keep_all: true, ..kernels(KernelChoice::Only(KernelSet::Reference)) });
    assert_eq!(planned, kept, "{name}: memory reuse changes the result");
    let float = |outputs: &[Vec<u8>]| -> Vec<f32> { bytemuck::pod_collect_to_vec(&outputs.concat()) };
    for choice in KernelChoice::all().filter(|choice| choice.is_available()) {
        let other = outputs(file, &kernels(choice));
        if name.contains("int8") {
            assert_eq!(planned, other, "{name}: {choice} kernels differ from the reference");
            continue;
        }
        let pairs = float(&planned).into_iter().zip(float(&other));
        let difference = pairs.map(|(a, b)| (a - b).abs() / a.abs().max(1.0)).fold(0.0, f32::max);
        println!("{name}: {choice} kernels differ from the reference by at most {difference:e}");
        assert!(difference < 1e-4, "{name}: {choice} kernels are {difference} from the reference");
    }
    memory(name, file);
}

fn memory(name: &str, file: &[u8]) {
    let model = Model::load(file).expect("loads");
    let interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    let memory = interpreter.memory();
    let macs: u64 = interpreter.nodes().map(|node| node.macs).sum();
    println!("{name}: {macs} macs, {memory:?}");
    assert!(memory.arena_bytes < memory.without_reuse_bytes, "{name}: nothing is shared");
}

#[test]
fn digits_are_read_with_every_set_of_kernels() {
    let file = std::fs::read(repository().join("suites/mobilenet/models/mobilenet_v2_0.35_96.tflite"));
    let file = file.expect("the suite's model");
    let pixels = std::fs::read(repository().join("harness/tests/data/resize/digits.f32")).expect("digits");
    let pixels: Vec<f32> = bytemuck::pod_collect_to_vec(&pixels);
    let model = Model::load(&file).expect("loads");
    for choice in KernelChoice::all().filter(|choice| choice.is_available()) {
        let mut interpreter = Interpreter::new(&model, &kernels(choice)).expect("prepares");
        // The first three images of the data set show 0, 1 and 2.
        for (digit, image) in pixels.chunks_exact(96 * 96).enumerate() {
            interpreter.set_input_f32(0, image).expect("fits");
            interpreter.invoke().expect("runs");
            let output = interpreter.output(0).expect("output");
            let sum: f32 = output.real_values().expect("floats").iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "probabilities sum to {sum}");
            let top = output.top(2);
            assert_eq!((top[0].0 as usize, top[0].1 > 2.0 * top[1].1), (digit, true), "{choice}");
        }
    }
    check("mobilenet_v2_0.35_96", &file);
}

/// Networks of the mirror whose operators are there.
const MIRRORED: [&str; 9] = [
    "mobilenet_v1_0.25_224_fp32.tflite",
    "mlperf_tiny_ic_resnet8_fp32.tflite",
    "mlperf_tiny_ic_resnet8_int8.tflite",
    "mlperf_tiny_kws_dscnn_fp32.tflite",
    "mlperf_tiny_kws_dscnn_int8.tflite",
    "mlperf_tiny_vww_mobilenetv1_fp32.tflite",
    "mlperf_tiny_vww_mobilenetv1_int8.tflite",
    "mlperf_tiny_ad_autoencoder_fp32.tflite",
    "mlperf_tiny_ad_autoencoder_int8.tflite",
];

#[test]
fn mirrored_networks_do_not_depend_on_memory_or_kernels() {
    let Some(mirror) = std::env::var_os("EDGEBENCH_MIRROR") else {
        println!("skipped: EDGEBENCH_MIRROR names no folder with the mirrored models");
        return;
    };
    for name in MIRRORED {
        let file =
            std::fs::read(Path::new(&mirror).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        check(name, &file);
    }
}
