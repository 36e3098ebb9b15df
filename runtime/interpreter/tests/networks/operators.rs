//! Programs with fewer operators: what is registered runs, what is not is refused by name.

use std::path::Path;

use edgebench_interpreter::{Interpreter, Model, Operators, Options};
use edgebench_schema::tflite::*;

use crate::build::Net;

#[test]
fn an_operator_that_is_not_registered_is_refused_by_name() {
    let mut net = Net::new();
    let (input, output) = (net.floats(&[4]), net.floats(&[4]));
    net.node(BuiltinOperator::TANH, &[input], &[output], BuiltinOptionsT::NONE);
    net.door(&[input], &[output]);
    let bytes = net.bytes();
    let prepared = |operators: &Operators| {
        let model = Model::load_with(&bytes, operators).expect("loads");
        Interpreter::new(&model, &Options::default()).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(prepared(&Operators::ALL), Ok(()));
    assert_eq!(prepared(&Operators::VISION), Err("node 0 (TANH): unsupported operator".to_owned()));
}

#[test]
fn the_operators_of_vision_run_the_network_of_the_digits() {
    let suites = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suites");
    let file = std::fs::read(suites.join("mobilenet/models/mobilenet_v2_0.35_96.tflite")).expect("the file");
    let output = |operators: &Operators| {
        let model = Model::load_with(&file, operators).expect("loads");
        let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
        interpreter.invoke().expect("runs");
        interpreter.output(0).expect("an output").bytes.to_vec()
    };
    assert_eq!(output(&Operators::VISION), output(&Operators::ALL));
}

#[test]
fn every_operator_is_registered_once() {
    let names = format!("{:?}", Operators::ALL);
    let mut names: Vec<&str> = names.trim_matches(['[', ']']).split(", ").collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(
        names.contains(&"\"CONV_2D\"") && names.contains(&"\"TFLite_Detection_PostProcess\""),
        "{names:?}"
    );
}
