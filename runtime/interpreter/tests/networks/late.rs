//! Shapes that only a run knows: operands that are computed, what follows them, loops that grow what they carry, and the
//! limits that hold there too.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

fn boxed<T: Default>(options: fn(Box<T>) -> BuiltinOptionsT) -> BuiltinOptionsT {
    options(Box::default())
}

fn int32(interpreter: &mut Interpreter<'_>, slot: usize, values: &[i32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    interpreter.input_bytes_mut(slot).expect("input").copy_from_slice(&bytes);
}

fn output(interpreter: &Interpreter<'_>, slot: usize) -> (Vec<usize>, Vec<f32>) {
    let view = interpreter.output(slot).expect("output");
    (view.shape.to_vec(), view.real_values().expect("floats"))
}

/// TILE by an input, a RELU and a FULLY_CONNECTED behind it; a NEG beside them has the planned memory.
fn tiled() -> Net {
    let mut net = Net::new();
    let (input, counts) = (net.floats(&[1, 2]), net.tensor(TensorType::INT32, &[2]));
    let (tiled, relu) = (net.floats(&[1, 1]), net.floats(&[1, 1]));
    net.node(BuiltinOperator::TILE, &[input, counts], &[tiled], boxed(BuiltinOptionsT::TileOptions));
    net.node(BuiltinOperator::RELU, &[tiled], &[relu], BuiltinOptionsT::NONE);
    let weights = net.float_constant(&[1, 2], &[10.0, 1.0]);
    let (sums, negative) = (net.floats(&[1, 1]), net.floats(&[1, 2]));
    let options = boxed(BuiltinOptionsT::FullyConnectedOptions);
    net.node(BuiltinOperator::FULLY_CONNECTED, &[relu, weights, -1], &[sums], options);
    net.node(BuiltinOperator::NEG, &[input], &[negative], boxed(BuiltinOptionsT::NegOptions));
    net.door(&[input, counts], &[sums, negative]);
    net
}

#[test]
fn what_follows_a_computed_shape_has_it() {
    for keep_all in [false, true] {
        let bytes = tiled().bytes();
        let model = Model::load(&bytes).expect("loads");
        let options = Options { keep_all, ..Options::default() };
        let mut interpreter = Interpreter::new(&model, &options).expect("prepares");
        assert_eq!(output(&interpreter, 0), (vec![1, 1], vec![0.0]), "zeros of the shape in the file");
        interpreter.set_input_f32(0, &[3.0, -1.0]).expect("fits");
        for rows in [3, 1, 4, 2, 2] {
            int32(&mut interpreter, 1, &[rows, 1]);
            interpreter.invoke().expect("runs");
            let rows = rows as usize;
            assert_eq!(output(&interpreter, 0), (vec![rows, 1], vec![30.0; rows]));
            assert_eq!(output(&interpreter, 1), (vec![1, 2], vec![-3.0, 1.0]));
        }
        let kernels: Vec<&str> = interpreter.nodes().map(|node| node.kernel).collect();
        assert!(!kernels.contains(&"late"), "{kernels:?}");
        assert_eq!(interpreter.tensor(2).is_some(), keep_all, "is freed once it has been read");
        assert!(interpreter.memory().late_bytes >= 3 * 8 + 3 * 8);
    }
}

#[test]
fn a_run_that_fails_leaves_an_interpreter_that_works() {
    let bytes = tiled().bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(0, &[3.0, -1.0]).expect("fits");
    for counts in [[0, 3], [-1, 1], [i32::MAX, i32::MAX], [1 << 29, 1]] {
        int32(&mut interpreter, 1, &counts);
        let error = interpreter.invoke().expect_err("cannot be worked with").to_string();
        assert!(error.starts_with("node ") || error.starts_with("tensor "), "{error}");
        int32(&mut interpreter, 1, &[2, 1]);
        interpreter.invoke().expect("runs");
        assert_eq!(output(&interpreter, 0), (vec![2, 1], vec![30.0; 2]));
    }
}

#[test]
fn values_of_computed_shapes_have_a_limit_together() {
    let mut net = Net::new();
    let (dims, value) = (net.tensor(TensorType::INT32, &[1]), net.float_constant(&[], &[1.0]));
    let outputs: Vec<i32> = (0..5).map(|_| net.floats(&[1])).collect();
    for output in &outputs {
        net.node(BuiltinOperator::FILL, &[dims, value], &[*output], boxed(BuiltinOptionsT::FillOptions));
    }
    net.door(&[dims], &outputs);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    int32(&mut interpreter, 0, &[1 << 27]);
    let error = interpreter.invoke().expect_err("is over the limit").to_string();
    let known = ("values of computed shapes: memory in bytes ", " is over the limit of 1073741824");
    assert!(error.starts_with(known.0) && error.ends_with(known.1), "{error}");
    int32(&mut interpreter, 0, &[2]);
    interpreter.invoke().expect("runs");
    assert_eq!(output(&interpreter, 4), (vec![2], vec![1.0; 2]));
}

/// A loop that puts the vector before itself as long as it is shorter than `limit`.
fn doubling(limit: i32) -> Net {
    let mut condition = Net::new();
    let value = condition.floats(&[1]);
    let (dims, limit) = (condition.tensor(TensorType::INT32, &[1]), condition.int32_constant(&[1], &[limit]));
    let holds = condition.tensor(TensorType::BOOL, &[1]);
    let options = table!(ShapeOptionsT { out_type: TensorType::INT32.0 });
    condition.node(
        BuiltinOperator::SHAPE,
        &[value],
        &[dims],
        BuiltinOptionsT::ShapeOptions(Box::new(options)),
    );
    condition.node(BuiltinOperator::LESS, &[dims, limit], &[holds], boxed(BuiltinOptionsT::LessOptions));
    condition.door(&[value], &[holds]);
    let mut body = Net::new();
    let (value, twice) = (body.floats(&[1]), body.floats(&[2]));
    let options = boxed(BuiltinOptionsT::ConcatenationOptions);
    body.node(BuiltinOperator::CONCATENATION, &[value, value], &[twice], options);
    body.door(&[value], &[twice]);
    let mut net = Net::new();
    let (input, grown, negative) = (net.floats(&[3]), net.floats(&[1]), net.floats(&[1]));
    let options = table!(WhileOptionsT {
        cond_subgraph_index: net.attach(condition),
        body_subgraph_index: net.attach(body),
    });
    net.node(BuiltinOperator::WHILE, &[input], &[grown], BuiltinOptionsT::WhileOptions(Box::new(options)));
    net.node(BuiltinOperator::NEG, &[grown], &[negative], boxed(BuiltinOptionsT::NegOptions));
    net.door(&[input], &[negative]);
    net
}

#[test]
fn a_loop_may_change_the_shape_of_what_it_carries() {
    let bytes = doubling(20).bytes();
    let model = Model::load(&bytes).expect("loads");
    assert!(model.check(&Options::default()).is_empty());
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    for (length, grown) in [(3, 24), (20, 20), (5, 20), (3, 24)] {
        interpreter.resize_input(0, &[length]).expect("may have any length");
        for _ in 0..2 {
            interpreter.set_input_f32(0, &vec![1.0; length]).expect("fits");
            interpreter.invoke().expect("runs");
            assert_eq!(output(&interpreter, 0), (vec![grown], vec![-1.0; grown]));
        }
    }
}

#[test]
fn a_loop_that_grows_without_end_is_stopped() {
    let bytes = doubling(i32::MAX).bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    let error = interpreter.invoke().expect_err("is over the limit").to_string();
    assert!(error.contains("is over the limit of"), "{error}");
}

#[test]
fn branches_may_differ_in_shape() {
    let branch = |rows: i32| {
        let mut net = Net::new();
        let (value, output) = (net.floats(&[2]), net.floats(&[1]));
        let counts = net.int32_constant(&[1], &[rows]);
        net.node(BuiltinOperator::TILE, &[value, counts], &[output], boxed(BuiltinOptionsT::TileOptions));
        net.door(&[value], &[output]);
        net
    };
    let mut net = Net::new();
    let (holds, value) = (net.tensor(TensorType::BOOL, &[1]), net.floats(&[2]));
    let (taken, output_tensor) = (net.floats(&[1]), net.floats(&[1]));
    let options = table!(IfOptionsT {
        then_subgraph_index: net.attach(branch(1)),
        else_subgraph_index: net.attach(branch(3)),
    });
    net.node(BuiltinOperator::IF, &[holds, value], &[taken], BuiltinOptionsT::IfOptions(Box::new(options)));
    net.node(BuiltinOperator::NEG, &[taken], &[output_tensor], boxed(BuiltinOptionsT::NegOptions));
    net.door(&[holds, value], &[output_tensor]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(1, &[1.0, 2.0]).expect("fits");
    for (holds, times) in [(1, 1), (0, 3), (1, 1)] {
        interpreter.input_bytes_mut(0).expect("condition")[0] = holds;
        interpreter.invoke().expect("runs");
        assert_eq!(output(&interpreter, 0), (vec![2 * times], [-1.0, -2.0].repeat(times)));
    }
}

/// The same subgraph for vectors of two lengths.
#[test]
fn callers_of_a_subgraph_may_differ_in_shape() {
    let mut double = Net::new();
    let (value, sum) = (double.floats(&[1]), double.floats(&[1]));
    double.node(BuiltinOperator::ADD, &[value, value], &[sum], boxed(BuiltinOptionsT::AddOptions));
    double.door(&[value], &[sum]);
    let mut net = Net::new();
    let body = net.attach(double);
    let (short, long) = (net.floats(&[2]), net.floats(&[3]));
    let outputs = [net.floats(&[1]), net.floats(&[1])];
    for (input, output) in [(short, outputs[0]), (long, outputs[1])] {
        let options = BuiltinOptionsT::CallOptions(Box::new(table!(CallOptionsT { subgraph: body as u32 })));
        net.node(BuiltinOperator::CALL, &[input], &[output], options);
    }
    net.door(&[short, long], &outputs);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(0, &[1.0, 2.0]).expect("fits");
    interpreter.set_input_f32(1, &[1.0, 2.0, 3.0]).expect("fits");
    for _ in 0..2 {
        interpreter.invoke().expect("runs");
        assert_eq!(output(&interpreter, 0), (vec![2], vec![2.0, 4.0]));
        assert_eq!(output(&interpreter, 1), (vec![3], vec![2.0, 4.0, 6.0]));
    }
}

#[test]
fn weights_may_be_computed() {
    let mut net = Net::new();
    let (input, weights) = (net.floats(&[1, 2]), net.floats(&[3, 2]));
    let (negative, sums) = (net.floats(&[3, 2]), net.floats(&[1, 3]));
    net.node(BuiltinOperator::NEG, &[weights], &[negative], boxed(BuiltinOptionsT::NegOptions));
    let options = boxed(BuiltinOptionsT::FullyConnectedOptions);
    net.node(BuiltinOperator::FULLY_CONNECTED, &[input, negative, -1], &[sums], options);
    net.door(&[input, weights], &[sums]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(0, &[1.0, 10.0]).expect("fits");
    for first in [1.0, 7.0] {
        interpreter.set_input_f32(1, &[first, 2.0, 3.0, 4.0, 5.0, 6.0]).expect("fits");
        interpreter.invoke().expect("runs");
        assert_eq!(output(&interpreter, 0), (vec![1, 3], vec![-first - 20.0, -43.0, -65.0]));
    }
}
