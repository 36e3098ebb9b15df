//! What is known before the first run: it is computed once, and a small file cannot make it grow without limit.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

/// The kernels of all nodes, and the values of output 0 of type int32 or float32 after a run.
fn kernels_and_output(net: &Net) -> (Vec<&'static str>, Vec<u8>) {
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    let kernels = interpreter.nodes().map(|node| node.kernel).collect();
    interpreter.invoke().expect("runs");
    (kernels, interpreter.output(0).expect("output").bytes.to_vec())
}

/// A FILL of `count` floats.
fn filled(count: i32) -> Net {
    let mut net = Net::new();
    let dims = net.int32_constant(&[1], &[count]);
    let value = net.float_constant(&[], &[2.5]);
    let output = net.floats(&[count]);
    net.node(BuiltinOperator::FILL, &[dims, value], &[output], BuiltinOptionsT::NONE);
    net.door(&[], &[output]);
    net
}

/// Exporters take the batch size from the shape of the input, and put it into the shape of a flattening.
#[test]
fn shape_arithmetic_is_gone_from_the_run() {
    let mut net = Net::new();
    let input = net.floats(&[2, 3, 2]);
    let shape = net.tensor(TensorType::INT32, &[3]);
    let (batch, first) = (net.tensor(TensorType::INT32, &[]), net.int32_constant(&[], &[0]));
    let (dims, rest) = (net.tensor(TensorType::INT32, &[2]), net.int32_constant(&[], &[6]));
    let flat = net.floats(&[2, 6]);
    let options = table!(ShapeOptionsT { out_type: TensorType::INT32.0 });
    net.node(BuiltinOperator::SHAPE, &[input], &[shape], BuiltinOptionsT::ShapeOptions(Box::new(options)));
    let options = BuiltinOptionsT::GatherOptions(Box::default());
    net.node(BuiltinOperator::GATHER, &[shape, first], &[batch], options);
    let options = table!(PackOptionsT { values_count: 2 });
    net.node(BuiltinOperator::PACK, &[batch, rest], &[dims], BuiltinOptionsT::PackOptions(Box::new(options)));
    net.node(BuiltinOperator::RESHAPE, &[input, dims], &[flat], BuiltinOptionsT::NONE);
    net.door(&[input], &[dims, flat]);
    let (kernels, dims) = kernels_and_output(&net);
    assert_eq!(kernels, ["folded", "folded", "folded", "view"]);
    assert_eq!(dims, [2, 6].map(i32::to_le_bytes).concat());
}

#[test]
fn computed_shapes_win_over_those_of_the_file() {
    let mut net = filled(4);
    net.tensors()[2].shape = Some(vec![5]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    assert_eq!(interpreter.output(0).expect("output").shape, [4]);
}

#[test]
fn what_is_much_larger_than_the_file_is_computed_in_each_run() {
    assert_eq!(kernels_and_output(&filled(1 << 10)).0, ["folded"]);
    let (kernels, output) = kernels_and_output(&filled(1 << 19));
    assert_eq!(kernels, ["reference"]);
    assert_eq!(output.len(), 4 << 19);
    assert_eq!(output[..4], 2.5f32.to_le_bytes());
}
