//! Variables: what a recurrent operator remembers, and which tensors may be its memory.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

/// SVDF of one filter that remembers two inputs: `output = 10 * last + now`. Tensors: input 0, weights 1 and 2, state 3,
/// output 4.
fn network() -> Net {
    let mut net = Net::new();
    let input = net.floats(&[1, 1]);
    let features = net.float_constant(&[1, 1], &[1.0]);
    let time = net.float_constant(&[1, 2], &[10.0, 1.0]);
    let state = net.floats(&[1, 2]);
    net.tensors()[state as usize].is_variable = true;
    let output = net.floats(&[1, 1]);
    let options = BuiltinOptionsT::SVDFOptions(Box::new(table!(SVDFOptionsT { rank: 1 })));
    net.node(BuiltinOperator::SVDF, &[input, features, time, -1, state], &[output], options);
    net.door(&[input], &[output]);
    net
}

fn refusal(change: impl FnOnce(&mut Net)) -> String {
    let mut net = network();
    change(&mut net);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    Interpreter::new(&model, &Options::default()).expect_err("refused").to_string()
}

#[test]
fn a_variable_lives_from_run_to_run_until_it_is_reset() {
    let bytes = network().bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    let run = |interpreter: &mut Interpreter<'_>, value: f32| {
        interpreter.set_input_f32(0, &[value]).expect("fits");
        interpreter.invoke().expect("runs");
        interpreter.output(0).and_then(|view| view.real_values()).expect("values")[0]
    };
    assert_eq!(run(&mut interpreter, 3.0), 3.0);
    assert_eq!(run(&mut interpreter, 4.0), 34.0);
    interpreter.reset_variables();
    assert_eq!(run(&mut interpreter, 5.0), 5.0);
}

#[test]
fn a_constant_input_does_not_make_the_node_a_constant() {
    let mut net = network();
    let input = net.fill(0, 2.0f32.to_le_bytes().to_vec());
    assert_eq!(input, 0);
    net.door(&[], &[4]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    for expected in [2.0, 22.0, 22.0] {
        interpreter.invoke().expect("runs");
        assert_eq!(interpreter.output(0).and_then(|view| view.real_values()), Some(vec![expected]));
    }
}

#[test]
fn memory_that_is_no_variable_is_refused() {
    assert_eq!(
        refusal(|net| {
            net.tensors()[3].is_variable = false;
            net.door(&[0, 3], &[4]);
        }),
        "node 0 (SVDF) input 4 \"t3\": expected a variable, found a tensor that is none"
    );
    assert_eq!(
        refusal(|net| {
            net.fill(3, vec![0; 8]);
        }),
        "node 0 (SVDF) input 4 \"t3\": expected a variable, found a tensor that is none"
    );
}

#[test]
fn memory_that_the_node_also_reads_is_refused() {
    // One filter over two features, with the state as input too.
    let message = refusal(|net| {
        net.tensors()[1].shape = Some(vec![1, 2]);
        net.fill(1, vec![0; 8]);
        net.nodes()[0].inputs = Some(vec![3, 1, 2, -1, 3]);
        net.door(&[0], &[4]);
    });
    assert_eq!(
        message,
        "node 0 (SVDF) input 4: expected a variable of its own, found one that another input is"
    );
    // The same through a tensor that is the state under another shape.
    let message = refusal(|net| {
        net.tensors()[1].shape = Some(vec![1, 2]);
        net.fill(1, vec![0; 8]);
        let other = net.floats(&[1, 2]);
        net.node(BuiltinOperator::RESHAPE, &[3], &[other], BuiltinOptionsT::NONE);
        net.nodes().swap(0, 1);
        net.nodes()[1].inputs = Some(vec![other, 1, 2, -1, 3]);
        net.door(&[0], &[4]);
    });
    assert_eq!(
        message,
        "node 1 (SVDF) input 4: expected a variable of its own, found one that another input is"
    );
}
