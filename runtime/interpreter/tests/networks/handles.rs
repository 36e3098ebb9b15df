//! Variables with names, which subgraphs share and inferences leave behind.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

fn handle(net: &mut Net, name: &str) -> i32 {
    let handle = net.tensor(TensorType::RESOURCE, &[]);
    let options = table!(VarHandleOptionsT { shared_name: Some(name.to_owned()) });
    let options = BuiltinOptionsT::VarHandleOptions(Box::new(options));
    net.node(BuiltinOperator::VAR_HANDLE, &[], &[handle], options);
    handle
}

fn assign(net: &mut Net, handle: i32, value: i32) {
    let options = BuiltinOptionsT::AssignVariableOptions(Box::default());
    net.node(BuiltinOperator::ASSIGN_VARIABLE, &[handle, value], &[], options);
}

/// Starts a total at 10, adds the input in each inference, and gives the total.
fn total(has_first_value: bool) -> Net {
    let mut first = Net::new();
    let (own, ten) = (handle(&mut first, "total"), first.float_constant(&[2], &[10.0, 10.0]));
    assign(&mut first, own, ten);
    first.door(&[], &[]);
    let mut net = Net::new();
    let (input, old, new) = (net.floats(&[2]), net.floats(&[]), net.floats(&[2]));
    let first = net.attach(first);
    if has_first_value {
        let options = table!(CallOnceOptionsT { init_subgraph_index: first });
        let options = BuiltinOptionsT::CallOnceOptions(Box::new(options));
        net.node(BuiltinOperator::CALL_ONCE, &[], &[], options);
    } else {
        net.tensors()[old as usize].shape = Some(vec![2]);
    }
    let own = handle(&mut net, "total");
    let read = BuiltinOptionsT::ReadVariableOptions(Box::default());
    net.node(BuiltinOperator::READ_VARIABLE, &[own], &[old], read);
    let add = BuiltinOptionsT::AddOptions(Box::default());
    net.node(BuiltinOperator::ADD, &[old, input], &[new], add);
    assign(&mut net, own, new);
    net.door(&[input], &[new]);
    net
}

#[test]
fn a_variable_has_its_first_value_once_and_keeps_what_is_assigned() {
    let bytes = total(true).bytes();
    let model = Model::load(&bytes).expect("loads");
    assert!(model.check(&Options::default()).is_empty());
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(0, &[1.0, 2.0]).expect("fits");
    let mut infer = |reset: bool| {
        if reset {
            interpreter.reset_variables();
        }
        interpreter.invoke().expect("runs");
        interpreter.output(0).and_then(|view| view.real_values()).expect("floats")
    };
    assert_eq!(infer(false), [11.0, 12.0]);
    assert_eq!(infer(false), [12.0, 14.0]);
    assert_eq!(infer(true), [11.0, 12.0]);
}

#[test]
fn a_variable_without_a_value_is_not_read() {
    let bytes = total(false).bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    let error = interpreter.invoke().expect_err("has no value").to_string();
    assert_eq!(error, "variable 0: expected a value, found none yet");
}

#[test]
fn handles_and_values_that_do_not_fit() {
    let words = |net: &Net| {
        let bytes = net.bytes();
        let model = Model::load(&bytes).expect("loads");
        Interpreter::new(&model, &Options::default()).expect_err("does not fit").to_string()
    };
    let mut net = total(true);
    net.tensors()[1].type_ = TensorType::INT32;
    assert_eq!(words(&net), "node 2 (READ_VARIABLE): expected float32, found int32");
    let mut net = total(true);
    net.nodes()[2].inputs = Some(vec![0]);
    assert_eq!(words(&net), "node 2 (READ_VARIABLE) input 0 \"t0\": expected resource, found float32");
}

/// A handle that comes from outside, as into a branch or a loop, names the same variable.
#[test]
fn a_handle_may_be_a_value_of_the_run() {
    let mut net = total(true);
    net.nodes().remove(1);
    net.door(&[0, 3], &[2]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(0, &[1.0, 2.0]).expect("fits");
    for expected in [[11.0, 12.0], [12.0, 14.0]] {
        interpreter.invoke().expect("runs");
        assert_eq!(interpreter.output(0).and_then(|view| view.real_values()), Some(expected.to_vec()));
    }
    interpreter.input_bytes_mut(1).expect("handle").fill(0xFF);
    let error = interpreter.invoke().expect_err("there is no such variable").to_string();
    assert_eq!(error, "variable 4294967295: expected a variable below 1, found none");
}

/// LiteRT cuts the value to the shape in the file.
#[test]
fn a_variable_may_change_its_shape() {
    let mut net = total(true);
    let longer = net.floats(&[4]);
    let options = BuiltinOptionsT::ConcatenationOptions(Box::default());
    net.nodes().truncate(3);
    net.node(BuiltinOperator::CONCATENATION, &[1, 0], &[longer], options);
    assign(&mut net, 3, longer);
    net.door(&[0], &[longer]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(0, &[1.0, 2.0]).expect("fits");
    let mut expected = vec![10.0, 10.0];
    for _ in 0..3 {
        interpreter.invoke().expect("runs");
        expected.extend([1.0, 2.0]);
        assert_eq!(interpreter.output(0).and_then(|view| view.real_values()), Some(expected.clone()));
    }
}
