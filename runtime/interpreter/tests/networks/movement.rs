//! The words with which operators that move elements refuse a place outside, before the run and in it.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

/// The message of the preparation, or else of the first run.
fn words(net: &Net) -> String {
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    match Interpreter::new(&model, &Options::default()) {
        Err(error) => format!("prepare: {error}"),
        Ok(mut interpreter) => match interpreter.invoke() {
            Err(error) => format!("run: {error}"),
            Ok(()) => "runs".to_owned(),
        },
    }
}

/// One node on a float input and constant int32 lists.
fn node(
    kind: BuiltinOperator,
    shape: &[i32],
    lists: &[&[i32]],
    output: &[i32],
    options: BuiltinOptionsT,
) -> Net {
    let mut net = Net::new();
    let input = net.floats(shape);
    let lists = lists.iter().map(|list| net.int32_constant(&[list.len() as i32], list));
    let inputs: Vec<i32> = [input].into_iter().chain(lists.collect::<Vec<_>>()).collect();
    let output = net.floats(output);
    net.node(kind, &inputs, &[output], options);
    net.door(&[input], &[output]);
    net
}

#[test]
fn orders_that_are_none() {
    let transpose = |order: &[i32]| {
        words(&node(BuiltinOperator::TRANSPOSE, &[2, 3], &[order], &[3, 2], BuiltinOptionsT::NONE))
    };
    assert_eq!(transpose(&[1, 0]), "runs");
    let place = "prepare: node 0 (TRANSPOSE) input 1 \"t1\"";
    assert_eq!(transpose(&[1, 1]), format!("{place}: expected every axis once, found [1, 1]"));
    assert_eq!(transpose(&[1, -3]), format!("{place}: expected axes within rank 2, found -3"));
    assert_eq!(transpose(&[0]), format!("{place}: expected shape [2], found shape [1]"));
}

#[test]
fn parts_outside() {
    let slice = |begin: &[i32], size: &[i32]| {
        words(&node(BuiltinOperator::SLICE, &[4, 5], &[begin, size], &[2, 2], BuiltinOptionsT::NONE))
    };
    assert_eq!(slice(&[2, 3], &[-1, 2]), "runs");
    let expected = "expected a part of axis 0 of shape [4, 5]";
    assert_eq!(
        slice(&[5, 0], &[0, 2]),
        format!("prepare: node 0 (SLICE) input 1 \"t1\": {expected}, found [5, 0]")
    );
    assert_eq!(
        slice(&[3, 0], &[2, 2]),
        format!("prepare: node 0 (SLICE) input 2 \"t2\": {expected}, found [2, 2]")
    );
    let options = BuiltinOptionsT::StridedSliceOptions(Box::default());
    let lists: [&[i32]; 3] = [&[0, 0], &[4, 5], &[2, 0]];
    assert_eq!(
        words(&node(BuiltinOperator::STRIDED_SLICE, &[4, 5], &lists, &[2, 5], options)),
        "prepare: node 0 (STRIDED_SLICE) input 3 \"t3\": expected strides other than 0, found 0"
    );
}

/// Indices are values like others: they are looked at in every run.
#[test]
fn indices_outside_stop_the_run() {
    let gather = |indices: &[i32]| {
        let options = BuiltinOptionsT::GatherOptions(Box::default());
        words(&node(BuiltinOperator::GATHER, &[5, 3], &[indices], &[2, 3], options))
    };
    assert_eq!(gather(&[0, 4]), "runs");
    let place = "run: node 0 (GATHER) input 1 \"t1\": expected indices below 5";
    assert_eq!(gather(&[0, 5]), format!("{place}, found 5"));
    assert_eq!(gather(&[-1, 0]), format!("{place}, found -1"));
}

#[test]
fn parts_that_do_not_make_up_the_axis() {
    let split = |lengths: &[i32]| {
        let mut net = Net::new();
        let input = net.floats(&[5]);
        let axis = net.int32_constant(&[], &[0]);
        let list = net.int32_constant(&[lengths.len() as i32], lengths);
        let outputs = [net.floats(&[2]), net.floats(&[3])];
        let options = BuiltinOptionsT::SplitVOptions(Box::new(table!(SplitVOptionsT { num_splits: 2 })));
        net.node(BuiltinOperator::SPLIT_V, &[input, list, axis], &outputs, options);
        net.door(&[input], &outputs);
        words(&net)
    };
    assert_eq!(split(&[2, -1]), "runs");
    let place = "prepare: node 0 (SPLIT_V) input 1 \"t2\": expected lengths of axis 0 of shape [5]";
    assert_eq!(split(&[2, 4]), format!("{place}, found [2, 4]"));
    assert_eq!(split(&[-1, -1]), format!("{place}, found [-1, -1]"));
    assert_eq!(split(&[-2, 7]), format!("{place}, found [-2, 7]"));
}
