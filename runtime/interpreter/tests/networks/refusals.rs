//! What each operator asks of its node: one broken network for every check, with the words of its refusal.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

fn words(net: &Net) -> String {
    let bytes = net.bytes();
    match Model::load(&bytes) {
        Err(error) => error.to_string(),
        Ok(model) => match Interpreter::new(&model, &Options::default()) {
            Err(error) => error.to_string(),
            Ok(_) => "accepted".to_owned(),
        },
    }
}

/// One node from float inputs of these shapes to a float output.
fn floats(kind: BuiltinOperator, inputs: &[&[i32]], output: &[i32], options: BuiltinOptionsT) -> Net {
    let mut net = Net::new();
    let inputs: Vec<i32> = inputs.iter().map(|shape| net.floats(shape)).collect();
    let output = net.floats(output);
    net.node(kind, &inputs, &[output], options);
    net.door(&inputs, &[output]);
    net
}

fn boxed<T: Default>(wrap: fn(Box<T>) -> BuiltinOptionsT) -> BuiltinOptionsT {
    wrap(Box::default())
}

#[test]
fn arithmetic() {
    let add = |left: &[i32], right: &[i32], output: &[i32]| {
        let options = boxed(BuiltinOptionsT::AddOptions);
        words(&floats(BuiltinOperator::ADD, &[left, right], output, options))
    };
    assert_eq!(add(&[2, 3], &[3], &[2, 3]), "accepted");
    assert_eq!(
        add(&[2, 3], &[4], &[2, 3]),
        "node 0 (ADD) input 1 \"t1\": expected a shape that broadcasts with [2, 3], found shape [4]"
    );
    let mut mixed = floats(BuiltinOperator::MUL, &[&[4], &[4]], &[4], boxed(BuiltinOptionsT::MulOptions));
    mixed.tensors()[1].type_ = TensorType::INT8;
    assert_eq!(words(&mixed), "node 0 (MUL) input 1 \"t1\": expected float32, found int8");
    let mut integers = floats(BuiltinOperator::SUB, &[&[4], &[4]], &[4], boxed(BuiltinOptionsT::SubOptions));
    integers.tensors().iter_mut().for_each(|tensor| tensor.type_ = TensorType::BOOL);
    assert_eq!(words(&integers), "node 0 (SUB): unsupported type bool");
}

#[test]
fn pools() {
    let pool = |filter: i32, stride: i32, output: &[i32]| {
        let options = table!(Pool2DOptionsT {
            padding: Padding::VALID,
            filter_width: filter,
            filter_height: filter,
            stride_w: stride,
            stride_h: stride,
        });
        let options = BuiltinOptionsT::Pool2DOptions(Box::new(options));
        words(&floats(BuiltinOperator::AVERAGE_POOL_2D, &[&[1, 4, 4, 2]], output, options))
    };
    assert_eq!(pool(2, 2, &[1, 2, 2, 2]), "accepted");
    let place = "node 0 (AVERAGE_POOL_2D)";
    assert_eq!(pool(0, 1, &[1, 1, 1, 2]), format!("{place}: expected filters of at least 1, found 0"));
    assert_eq!(pool(2, 0, &[1, 1, 1, 2]), format!("{place}: expected strides of at least 1, found 0"));
    assert_eq!(
        pool(1 << 20, 1, &[1, 1, 1, 2]),
        format!("{place}: expected at most 16777216 taps, found filter 1048576 x 1048576")
    );
    assert_eq!(
        pool(5, 1, &[1, 1, 1, 2]),
        format!(
            "{place} input 0 \"t0\": expected at least 5 rows and columns under the window, found shape [1, 4, 4, 2]"
        )
    );
}

#[test]
fn rescaling_where_there_is_none() {
    let mut net = Net::new();
    let input = net.quantized(TensorType::INT8, &[1, 2, 2, 1], 0.5, 0);
    let output = net.quantized(TensorType::INT8, &[1, 2, 2, 1], 0.25, 0);
    let options = table!(Pool2DOptionsT { filter_width: 1, filter_height: 1, stride_w: 1, stride_h: 1 });
    let options = BuiltinOptionsT::Pool2DOptions(Box::new(options));
    net.node(BuiltinOperator::MAX_POOL_2D, &[input], &[output], options);
    net.door(&[input], &[output]);
    assert_eq!(
        words(&net),
        "node 0 (MAX_POOL_2D) output 0 \"t1\": expected scale 0.5 and zero point 0, found scale 0.25 and zero point 0"
    );
}

#[test]
fn means() {
    let mean = |axes: &[i32], output: &[i32]| {
        let mut net = Net::new();
        let input = net.floats(&[2, 3, 4]);
        let list = net.int32_constant(&[axes.len() as i32], axes);
        let output = net.floats(output);
        let options = boxed(BuiltinOptionsT::ReducerOptions);
        net.node(BuiltinOperator::MEAN, &[input, list], &[output], options);
        net.door(&[input], &[output]);
        words(&net)
    };
    assert_eq!(mean(&[1, -1], &[2]), "accepted");
    for axis in [3, -4, i32::MIN, i32::MAX] {
        assert_eq!(
            mean(&[axis], &[2]),
            format!("node 0 (MEAN) input 1 \"t1\": expected axes within rank 3, found {axis}")
        );
    }
}

#[test]
fn paddings() {
    let pad = |paddings: &[i32], output: &[i32]| {
        let mut net = Net::new();
        let input = net.floats(&[2, 3]);
        let list = net.int32_constant(&[paddings.len() as i32 / 2, 2], paddings);
        let output = net.floats(output);
        net.node(BuiltinOperator::PAD, &[input, list], &[output], boxed(BuiltinOptionsT::PadOptions));
        net.door(&[input], &[output]);
        words(&net)
    };
    assert_eq!(pad(&[1, 0, 0, 2], &[3, 5]), "accepted");
    assert_eq!(
        pad(&[-1, 0, 0, 0], &[1, 3]),
        "node 0 (PAD) input 1 \"t1\": expected paddings of at least 0, found -1"
    );
    assert_eq!(
        pad(&[1, 0], &[3, 3]),
        "node 0 (PAD) input 1 \"t1\": expected shape [2, 2], found shape [1, 2]"
    );
    assert_eq!(
        pad(&[i32::MAX, i32::MAX, 0, 0], &[2, 3]),
        "tensor 2 \"t2\": number of elements 12884901888 is over the limit of 268435456"
    );
}

#[test]
fn concatenations() {
    let concatenation = |axis: i32, right: &[i32], output: &[i32]| {
        let options = table!(ConcatenationOptionsT { axis: axis });
        let options = BuiltinOptionsT::ConcatenationOptions(Box::new(options));
        words(&floats(BuiltinOperator::CONCATENATION, &[&[2, 3], right], output, options))
    };
    assert_eq!(concatenation(-1, &[2, 4], &[2, 7]), "accepted");
    assert_eq!(
        concatenation(2, &[2, 4], &[2, 7]),
        "node 0 (CONCATENATION): expected an axis within rank 2, found 2"
    );
    assert_eq!(
        concatenation(1, &[3, 4], &[2, 7]),
        "node 0 (CONCATENATION) input 1 \"t1\": expected shape [2, 4], found shape [3, 4]"
    );
    assert_eq!(
        concatenation(1, &[4], &[2, 7]),
        "node 0 (CONCATENATION) input 1 \"t1\": expected shape [2, 0], found shape [4]"
    );
    let options = boxed(BuiltinOptionsT::ConcatenationOptions);
    let none = floats(BuiltinOperator::CONCATENATION, &[], &[1], options);
    assert_eq!(words(&none), "node 0 (CONCATENATION): expected 1 or more inputs, found 0");
}

#[test]
fn fully_connected() {
    let connected = |filter: &[i32], output: &[i32], options: FullyConnectedOptionsT| {
        let mut net = Net::new();
        let input = net.floats(&[2, 6]);
        let count = filter.iter().product::<i32>() as usize;
        let filter = net.float_constant(filter, &vec![0.5; count]);
        let output = net.floats(output);
        let options = BuiltinOptionsT::FullyConnectedOptions(Box::new(options));
        net.node(BuiltinOperator::FULLY_CONNECTED, &[input, filter, -1], &[output], options);
        net.door(&[input], &[output]);
        words(&net)
    };
    let plain = FullyConnectedOptionsT::default;
    assert_eq!(connected(&[3, 6], &[2, 3], plain()), "accepted");
    assert_eq!(
        connected(&[3, 5], &[2, 3], plain()),
        "node 0 (FULLY_CONNECTED) input 0 \"t0\": expected a multiple of 5 elements, found shape [2, 6]"
    );
    assert_eq!(
        connected(&[3, 4], &[3, 3], table!(FullyConnectedOptionsT { keep_num_dims: true })),
        "node 0 (FULLY_CONNECTED) input 0 \"t0\": expected last dimension 4, found shape [2, 6]"
    );
    let shuffled = FullyConnectedOptionsWeightsFormat::SHUFFLED4x16INT8;
    assert_eq!(
        connected(&[3, 6], &[2, 3], table!(FullyConnectedOptionsT { weights_format: shuffled })),
        "node 0 (FULLY_CONNECTED): unsupported shuffled weights"
    );
}

#[test]
fn fixed_outputs_of_functions() {
    let softmax = |beta: f32, scale: f32, output: (f32, i64)| {
        let mut net = Net::new();
        let input = net.quantized(TensorType::INT8, &[1, 10], scale, 0);
        let output = net.quantized(TensorType::INT8, &[1, 10], output.0, output.1);
        let options = BuiltinOptionsT::SoftmaxOptions(Box::new(table!(SoftmaxOptionsT { beta: beta })));
        net.node(BuiltinOperator::SOFTMAX, &[input], &[output], options);
        net.door(&[input], &[output]);
        words(&net)
    };
    assert_eq!(softmax(1.0, 0.1, (1.0 / 256.0, -128)), "accepted");
    assert_eq!(
        softmax(1.0, 0.1, (1.0 / 128.0, -128)),
        "node 0 (SOFTMAX) output 0 \"t1\": expected scale 1/256 and zero point -128, \
         found scale 0.0078125 and zero point -128"
    );
    for beta in [0.0, -1.0, 1e-9] {
        assert_eq!(
            softmax(beta, 0.1, (1.0 / 256.0, -128)),
            format!("node 0 (SOFTMAX): unsupported beta {beta:?} at this input scale")
        );
    }
    assert_eq!(softmax(f32::INFINITY, 0.1, (1.0 / 256.0, -128)), "accepted");
    let swish = |input: f32, output: f32| {
        let mut net = Net::new();
        let input = net.quantized(TensorType::INT8, &[4], input, 0);
        let output = net.quantized(TensorType::INT8, &[4], output, 0);
        net.node(BuiltinOperator::HARD_SWISH, &[input], &[output], BuiltinOptionsT::NONE);
        net.door(&[input], &[output]);
        words(&net)
    };
    assert_eq!(swish(0.1, 0.05), "accepted");
    assert_eq!(swish(128.0, 0.25), "node 0 (HARD_SWISH): unsupported input scale 128.0 at output scale 0.25");
}

#[test]
fn conversions() {
    let conversion = |kind, from, to| {
        let mut net = Net::new();
        let input = net.quantized(from, &[4], 0.5, 0);
        let output = net.quantized(to, &[4], 0.5, 0);
        net.node(kind, &[input], &[output], BuiltinOptionsT::NONE);
        net.door(&[input], &[output]);
        words(&net)
    };
    assert_eq!(conversion(BuiltinOperator::QUANTIZE, TensorType::UINT8, TensorType::INT8), "accepted");
    assert_eq!(
        conversion(BuiltinOperator::QUANTIZE, TensorType::BOOL, TensorType::INT8),
        "node 0 (QUANTIZE): unsupported types bool to int8"
    );
    assert_eq!(conversion(BuiltinOperator::DEQUANTIZE, TensorType::FLOAT16, TensorType::FLOAT32), "accepted");
    assert_eq!(
        conversion(BuiltinOperator::DEQUANTIZE, TensorType::INT32, TensorType::FLOAT32),
        "node 0 (DEQUANTIZE): unsupported types int32 to float32"
    );
    assert_eq!(
        conversion(BuiltinOperator::DEQUANTIZE, TensorType::INT8, TensorType::INT8),
        "node 0 (DEQUANTIZE) output 0 \"t1\": expected float32, found int8"
    );
}

#[test]
fn tensors_without_elements_run() {
    let add = boxed(BuiltinOptionsT::AddOptions);
    let net = floats(BuiltinOperator::ADD, &[&[2, 0], &[1]], &[2, 0], add);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.invoke().expect("runs");
    assert_eq!(interpreter.output(0).expect("output").bytes, []);
    let softmax = boxed(BuiltinOptionsT::SoftmaxOptions);
    assert_eq!(words(&floats(BuiltinOperator::SOFTMAX, &[&[2, 0]], &[2, 0], softmax)), "accepted");
    let mut means = Net::new();
    let input = means.floats(&[2, 0]);
    let axes = means.int32_constant(&[1], &[1]);
    let output = means.floats(&[2]);
    let reducer = boxed(BuiltinOptionsT::ReducerOptions);
    means.node(BuiltinOperator::MEAN, &[input, axes], &[output], reducer);
    means.door(&[input], &[output]);
    let bytes = means.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.invoke().expect("runs");
    let reals = interpreter.output(0).expect("output").real_values().expect("floats");
    assert!(reals.iter().all(|mean| mean.is_nan()), "the mean of nothing is no number: {reals:?}");
}

#[test]
fn axes_that_squeeze_cannot_take() {
    let squeeze = |axes: &[i32]| {
        let options = table!(SqueezeOptionsT { squeeze_dims: Some(axes.to_vec()) });
        let options = BuiltinOptionsT::SqueezeOptions(Box::new(options));
        words(&floats(BuiltinOperator::SQUEEZE, &[&[1, 2, 1, 3]], &[2, 3], options))
    };
    assert_eq!(squeeze(&[]), "accepted");
    assert_eq!(squeeze(&[-2]), "accepted");
    for axis in [1, 4, -5, i32::MIN] {
        let expected = format!(
            "node 0 (SQUEEZE) input 0 \"t0\": expected 1 along axis {axis}, found shape [1, 2, 1, 3]"
        );
        assert_eq!(squeeze(&[axis]), expected);
    }
}
