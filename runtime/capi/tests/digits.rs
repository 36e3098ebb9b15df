//! A program in C, compiled against the header and linked with the library, runs the network of the digits and computes
//! what the interpreter computes.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

use edgebench_interpreter::{Interpreter, Model, Options};

/// The compiler of the system, when it has one.
fn compiler() -> Option<&'static str> {
    let runs = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    ["gcc", "cc"].into_iter().find(runs)
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the library that cargo has built for this test: the test's own, or the one above.
fn library_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let mut folders = test.ancestors().skip(1).take(2);
    let found = folders.find(|folder| folder.join("libedgebench.so").exists());
    found.expect("libedgebench.so beside the test").to_path_buf()
}

/// Reproducible pixels in [-1, 1).
fn pixels(count: usize) -> Vec<u8> {
    let pixel = |index: usize| {
        let mixed = (index as u32).wrapping_mul(2_654_435_761).wrapping_add(12_345);
        (mixed >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).flat_map(|index| pixel(index).to_le_bytes()).collect()
}

/// The bytes of the first output for an input of pixels, and those pixels.
fn interpreted(file: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let model = Model::load(file).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    let input = interpreter.input_bytes_mut(0).expect("an input");
    let pixels = pixels(input.len() / 4);
    input.copy_from_slice(&pixels);
    interpreter.invoke().expect("runs");
    (pixels, interpreter.output(0).expect("an output").bytes.to_vec())
}

#[test]
fn a_program_in_c_computes_what_the_interpreter_computes() {
    let Some(compiler) = compiler() else {
        println!("skipped: no C compiler");
        return;
    };
    let model = folder().join("../../suites/mobilenet/models/mobilenet_v2_0.35_96.tflite");
    let (input, expected) = interpreted(&std::fs::read(&model).expect("the model of the suite"));
    let scratch = tempfile::tempdir().expect("a folder");
    let path = |name: &str| scratch.path().join(name);
    std::fs::write(path("input"), input).expect("written");
    let library = library_folder();
    let compiled = Command::new(compiler)
        .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-I"])
        .arg(folder().join("include"))
        .arg(folder().join("tests/c/digits.c"))
        .arg("-L")
        .arg(&library)
        .args(["-ledgebench", "-o"])
        .arg(path("digits"))
        .output()
        .expect("the compiler runs");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let ran = Command::new(path("digits"))
        .args([&model, &path("input"), &path("output")])
        .env("LD_LIBRARY_PATH", &library)
        .output()
        .expect("the program runs");
    assert!(ran.status.success(), "{:?}: {}", ran.status, String::from_utf8_lossy(&ran.stderr));
    assert_eq!(std::fs::read(path("output")).expect("an output"), expected);
}

/// Every function of the library is in the header, and the other way round.
#[test]
fn the_header_and_the_library_name_the_same_functions() {
    let header = std::fs::read_to_string(folder().join("include/edgebench.h")).expect("the header");
    let source = std::fs::read_to_string(folder().join("src/lib.rs")).expect("the source");
    let names = |text: &str, before: &str| -> Vec<String> {
        let parts = text.split(before).skip(1).filter_map(|rest| rest.split_once('('));
        let mut names: Vec<String> = parts.map(|(name, _)| name.trim_start_matches('*').to_owned()).collect();
        names.retain(|name| name.starts_with("edgebench_") && !name.contains(char::is_whitespace));
        names.sort();
        names.dedup();
        names
    };
    let exported = names(&source, "extern \"C\" fn ");
    // Comments name functions too.
    let code: String = header.lines().filter(|line| !line.trim_start().starts_with(['*', '/'])).collect();
    let mut declared = names(&code, " ");
    declared.extend(names(&code, "*"));
    declared.sort();
    declared.dedup();
    assert_eq!(exported, declared);
    assert!(exported.len() == 12, "{exported:?}");
}
