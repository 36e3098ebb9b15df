//! The genuine library, where it is installed: a model of the project runs in it, and what is wrong is said.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use edgebench_litert::{Kernels, Library, LiteRtError, Network, Options, VARIABLE, in_python_environments};

const ONE_THREAD: Options = Options { threads: 1, kernels: Kernels::Default };

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// LiteRT beside the Python that the tests use.
fn library() -> Option<Arc<Library>> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let python = std::env::var_os("EDGEBENCH_PYTHON").map(PathBuf::from);
    let roots: Vec<PathBuf> =
        python.iter().filter_map(|file| Some(file.parent()?.parent()?.to_owned())).collect();
    let Some(path) = named.or_else(|| in_python_environments(&roots)) else {
        println!("skipped: no LiteRT library; set EDGEBENCH_PYTHON to a Python with ai-edge-litert");
        return None;
    };
    Some(Library::open(&path).expect("LiteRT opens"))
}

fn digits() -> Vec<u8> {
    let file = repository().join("suites/mobilenet/models/mobilenet_v2_0.35_96.tflite");
    std::fs::read(file).expect("the suite's model")
}

#[test]
fn a_model_runs_with_each_kind_of_kernels_and_they_agree() {
    let Some(library) = library() else { return };
    let mut results = Vec::new();
    for kernels in [Kernels::Default, Kernels::Builtin, Kernels::Reference] {
        let mut network =
            Network::load(&library, digits(), Options { kernels, ..ONE_THREAD }).expect("it loads");
        let input = network.inputs().next().expect("an input").clone();
        assert_eq!((input.dtype, input.shape.as_slice()), ("float32", &[1, 96, 96, 1][..]));
        let values: Vec<u8> =
            (0..input.bytes / 4).flat_map(|index| ((index % 17) as f32 / 8.0 - 1.0).to_ne_bytes()).collect();
        network.set_input(0, &values).expect("it takes the input");
        network.invoke().expect("it runs");
        let bytes = network.output(0).expect("it answers");
        let scores: Vec<f32> = bytes.as_chunks().0.iter().map(|value| f32::from_ne_bytes(*value)).collect();
        assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-4, "a softmax sums to one: {scores:?}");
        results.push(scores);
    }
    for other in &results[1..] {
        let apart = results[0].iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-3, "{apart}");
    }
}

#[test]
fn what_is_no_model_is_refused_with_the_status() {
    let Some(library) = library() else { return };
    let refused = Network::load(&library, vec![0; 64], ONE_THREAD).err().expect("refused");
    assert!(matches!(refused, LiteRtError::Status { call: "LiteRtCreateModelFromBuffer", .. }), "{refused}");
}

#[test]
fn an_input_of_another_size_is_refused() {
    let Some(library) = library() else { return };
    let mut network = Network::load(&library, digits(), ONE_THREAD).expect("it loads");
    let refused = network.set_input(0, &[0; 7]).expect_err("refused");
    assert_eq!(refused.to_string(), "LiteRT: input 0: expected 36864 bytes, found 7");
}

#[test]
fn a_file_that_is_no_library_is_named() {
    let file = repository().join("README.md");
    let refused = Library::open(&file).err().expect("refused");
    assert!(refused.to_string().contains("README.md: not a library that can be opened"), "{refused}");
}
