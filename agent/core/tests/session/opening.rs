//! Models from the store to ready.

use std::rc::Rc;

use edgebench_wire::{Digest, FailureKind, Reply, Request, RunOptions, TensorInfo};

use crate::fake::{Bench, digest};
use crate::tiny::{self, runs};

fn measure() -> Request {
    Request::Measure { pack: None, warmup: runs(0), steady: runs(1) }
}

#[test]
fn an_open_model_is_described() {
    let model = tiny::model();
    let mut bench = Bench::new(&[tiny::open(&model)]).with_files(&[&model]);
    let answers = bench.answers();
    let [Reply::Opened(opened)] = answers.as_slice() else { panic!("{answers:?}") };
    let tensor = |name: &str, size: u32| TensorInfo {
        name: name.into(),
        dtype: "FLOAT32".into(),
        shape: vec![1, size],
        scale_zero_point: None,
    };
    assert_eq!(opened.inputs, [tensor("x", 4)]);
    assert_eq!(opened.outputs, [tensor("y", 3)]);
    assert_eq!(opened.model_bytes, model.len() as u64);
    assert!(opened.arena_bytes >= 28, "room for 7 floats, found {}", opened.arena_bytes);
    assert_eq!(opened.init_nanos, 100, "one step of the clock");
    let [(kernel, 1)] = opened.kernels.as_slice() else { panic!("{:?}", opened.kernels) };
    assert!(kernel.starts_with("FULLY_CONNECTED "), "{kernel}");
}

#[test]
fn a_model_in_flash_is_not_copied() {
    let model = tiny::model();
    let mut bench = Bench::new(&[tiny::open(&model), measure()]).with_files(&[&model]);
    bench.store.in_memory = true;
    assert!(matches!(bench.answers().last(), Some(Reply::Measured(_))));
}

#[test]
fn a_model_that_is_not_there_is_missing() {
    let (kind, message) = Bench::new(&[tiny::open_digest(Digest([0xab; 32]))]).failure();
    assert_eq!(kind, FailureKind::Missing);
    assert_eq!(message, format!("{}: expected a file in the store, found none", "ab".repeat(32)));
}

#[test]
fn a_file_that_has_rotted_is_taken_out_so_that_it_can_be_sent_again() {
    let model = tiny::model();
    let name = digest(&model);
    for in_memory in [false, true] {
        let mut rotten = model.clone();
        rotten[40] ^= 1;
        let mut bench = Bench::new(&[tiny::open(&model), Request::Stat { digest: name }]);
        bench.store.in_memory = in_memory;
        bench.store.files.insert(name, Rc::new(rotten));
        let answers = bench.answers();
        let [Reply::Failed(failure), Reply::Stat { bytes: None }] = answers.as_slice() else {
            panic!("{answers:?}")
        };
        assert_eq!(failure.kind, FailureKind::Digest);
    }
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    for bytes in [&b""[..], b"not a model at all", &tiny::model()[..200]] {
        let (kind, message) = Bench::new(&[tiny::open(bytes)]).with_files(&[bytes]).failure();
        assert_eq!(kind, FailureKind::Model, "{message}");
    }
}

#[test]
fn options_that_do_not_exist_are_refused() {
    let model = tiny::model();
    for (threads, kernels, expected) in [
        (0, "auto", "threads: expected 1, found 0"),
        (4, "auto", "threads: expected 1, found 4"),
        (1, "avx9", "unknown kernels \"avx9\", expected "),
    ] {
        let options = RunOptions { threads, kernels: kernels.into() };
        let open = Request::Open { model: digest(&model), options };
        let (kind, message) = Bench::new(&[open]).with_files(&[&model]).failure();
        assert_eq!(kind, FailureKind::Model);
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn every_kernel_set_that_hello_names_can_be_asked_for() {
    let model = tiny::model();
    let mut bench = Bench::new(&[]);
    bench.serve().expect("sound");
    let replies = bench.replies();
    let [Reply::Hello(hello)] = replies.as_slice() else { panic!("{replies:?}") };
    assert!(!hello.kernels.is_empty());
    for kernels in &hello.kernels {
        let options = RunOptions { threads: 1, kernels: kernels.clone() };
        let open = Request::Open { model: digest(&model), options };
        let answers = Bench::new(&[open, measure()]).with_files(&[&model]).answers();
        assert!(matches!(answers.last(), Some(Reply::Measured(_))), "{kernels}: {answers:?}");
    }
}

#[test]
fn without_an_open_model_there_is_nothing_to_run() {
    let evaluate =
        Request::Evaluate { pack: Digest([0; 32]), first: 0, count: 1, top: 1, raw_outputs: false };
    for request in [measure(), evaluate] {
        let (kind, message) = Bench::new(&[request]).failure();
        assert_eq!(
            (kind, message.as_str()),
            (FailureKind::State, "request: expected an open model, found none")
        );
    }
}

#[test]
fn closing_forgets_the_model_and_may_be_done_twice() {
    let model = tiny::model();
    let requests =
        [tiny::open(&model), Request::Close, measure(), Request::Close, tiny::open(&model), measure()];
    let answers = Bench::new(&requests).with_files(&[&model]).answers();
    let [Reply::Opened(_), Reply::Closed, Reply::Failed(_), Reply::Closed, Reply::Opened(_), ..] =
        answers.as_slice()
    else {
        panic!("{answers:?}")
    };
    assert!(matches!(answers.last(), Some(Reply::Measured(_))));
}

#[test]
fn another_open_replaces_the_model_even_when_it_fails() {
    let model = tiny::model();
    let requests = [tiny::open(&model), tiny::open(&model), tiny::open_digest(Digest([9; 32])), measure()];
    let answers = Bench::new(&requests).with_files(&[&model]).answers();
    let [Reply::Opened(_), Reply::Opened(_), Reply::Failed(missing), Reply::Failed(state)] =
        answers.as_slice()
    else {
        panic!("{answers:?}")
    };
    assert_eq!((missing.kind, state.kind), (FailureKind::Missing, FailureKind::State));
}

#[test]
fn a_clock_that_goes_back_while_opening_is_told() {
    let model = tiny::model();
    let mut bench = Bench::new(&[tiny::open(&model)]).with_files(&[&model]);
    bench.clock.jump = Some((3, -500));
    let (kind, message) = bench.failure();
    assert_eq!(kind, FailureKind::Clock);
    assert_eq!(message, "clock: expected at least 1000200 ns, found 999800 ns");
}
