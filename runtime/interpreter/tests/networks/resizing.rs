//! Shapes that change: by the caller, by operators that know better than the file, and by values of the run.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, conv, noise, table};

/// Conv 3x3 with stride 2, a mean over the image, and a reshape to `[-1, 3]`. Tensors input 0, conv 2, mean 4, output 6.
fn network() -> Net {
    let mut net = Net::new();
    let input = net.floats(&[1, 4, 4, 2]);
    let filter = net.float_constant(&[3, 3, 3, 2], &(0..54).map(noise).collect::<Vec<f32>>());
    let image = net.floats(&[1, 2, 2, 3]);
    let axes = net.int32_constant(&[2], &[1, 2]);
    let mean = net.floats(&[1, 3]);
    let shape = net.int32_constant(&[2], &[-1, 3]);
    let output = net.floats(&[1, 3]);
    net.node(
        BuiltinOperator::CONV_2D,
        &[input, filter, -1],
        &[image],
        conv(Padding::SAME, 2, ActivationFunctionType::NONE),
    );
    let reducer = BuiltinOptionsT::ReducerOptions(Box::default());
    net.node(BuiltinOperator::MEAN, &[image, axes], &[mean], reducer);
    net.node(BuiltinOperator::RESHAPE, &[mean, shape], &[output], BuiltinOptionsT::NONE);
    net.door(&[input], &[output]);
    net
}

fn with<T>(net: &Net, run: impl FnOnce(&mut Interpreter<'_>) -> T) -> T {
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    run(&mut Interpreter::new(&model, &Options::default()).expect("prepares"))
}

fn infer(interpreter: &mut Interpreter<'_>, values: &[f32]) -> Vec<f32> {
    interpreter.set_input_f32(0, values).expect("fits");
    interpreter.invoke().expect("runs");
    interpreter.output(0).and_then(|view| view.real_values()).expect("floats")
}

#[test]
fn a_batch_computes_as_its_images_one_by_one() {
    let values: Vec<f32> = (0..3 * 32).map(noise).collect();
    with(&network(), |interpreter| {
        let single: Vec<f32> = values.chunks(32).flat_map(|image| infer(interpreter, image)).collect();
        interpreter.resize_input(0, &[3, 4, 4, 2]).expect("can be resized");
        assert_eq!(interpreter.input(0).expect("input").shape, [3, 4, 4, 2]);
        assert_eq!(interpreter.output(0).expect("output").shape, [3, 3]);
        assert_eq!(infer(interpreter, &values), single);
        interpreter.resize_input(0, &[1, 9, 7, 2]).expect("can be resized again");
        assert_eq!(interpreter.output(0).expect("output").shape, [1, 3]);
    });
}

#[test]
fn a_shape_that_cannot_be_leaves_all_as_it_was() {
    let values: Vec<f32> = (0..32).map(noise).collect();
    with(&network(), |interpreter| {
        let before = infer(interpreter, &values);
        let mut refused = |index, shape: &[usize]| {
            interpreter.resize_input(index, shape).expect_err("cannot be").to_string()
        };
        assert_eq!(refused(1, &[1]), "model inputs: expected an input below 1, found 1");
        assert_eq!(
            refused(0, &[1, 4, 4, 3]),
            "node 0 (CONV_2D) input 1 \"t1\": expected groups of channels that divide 3 input and 3 output, found groups of 2"
        );
        assert_eq!(refused(0, &[1; 9]), "tensor 0 \"t0\": rank 9 is over the limit of 8");
        assert_eq!(
            refused(0, &[usize::MAX, 4, 4, 2]),
            "tensor 0 \"t0\": number of elements 18446744073709551615 is over the limit of 268435456"
        );
        assert_eq!(infer(interpreter, &values), before);
    });
}

#[test]
fn fixed_dimensions_of_the_file_stay() {
    let mut net = network();
    net.tensors()[0].shape_signature = Some(vec![-1, 4, 4, 2]);
    with(&net, |interpreter| {
        interpreter.resize_input(0, &[2, 4, 4, 2]).expect("the batch is open");
        assert_eq!(
            interpreter.resize_input(0, &[2, 5, 4, 2]).expect_err("the height is fixed").to_string(),
            "tensor 0 \"t0\": expected shape [-1, 4, 4, 2], found shape [2, 5, 4, 2]"
        );
    });
}

#[test]
fn inputs_that_have_to_fit_are_resized_together() {
    let mut net = Net::new();
    let inputs = [net.floats(&[1, 3]), net.floats(&[1, 3])];
    let output = net.floats(&[1, 3]);
    net.node(BuiltinOperator::ADD, &inputs, &[output], BuiltinOptionsT::AddOptions(Box::default()));
    net.door(&inputs, &[output]);
    with(&net, |interpreter| {
        assert!(interpreter.resize_input(0, &[1, 5]).is_err());
        interpreter.resize_inputs(&[(0, &[2, 5]), (1, &[2, 5])]).expect("fit each other");
        assert_eq!(interpreter.output(0).expect("output").shape, [2, 5]);
    });
}

#[test]
fn computed_shapes_win_over_those_of_the_file() {
    let mut net = network();
    net.tensors()[2].shape = Some(vec![7]);
    net.tensors()[4].shape = Some(vec![0]);
    net.tensors()[6].shape = Some(vec![1]);
    let values: Vec<f32> = (0..32).map(noise).collect();
    let expected = with(&network(), |interpreter| infer(interpreter, &values));
    with(&net, |interpreter| {
        assert_eq!(interpreter.output(0).expect("output").shape, [1, 3]);
        assert_eq!(infer(interpreter, &values), expected);
    });
}

#[test]
fn a_shape_of_the_run_is_the_shape_of_the_output() {
    let mut net = network();
    net.tensors()[5].buffer = 0;
    net.door(&[0, 5], &[6]);
    with(&net, |interpreter| {
        let mut shaped = |dims: [i32; 2]| {
            let bytes: Vec<u8> = dims.iter().flat_map(|dim| dim.to_le_bytes()).collect();
            interpreter.input_bytes_mut(1).expect("shape").copy_from_slice(&bytes);
            interpreter.invoke().map_err(|error| error.to_string())?;
            Ok::<_, String>(interpreter.output(0).expect("output").shape.to_vec())
        };
        assert_eq!(shaped([1, 3]), Ok(vec![1, 3]));
        assert_eq!(shaped([3, -1]), Ok(vec![3, 1]));
        let refused =
            "node 2 (RESHAPE) input 0 \"t4\": expected elements for shape [2, 3], found shape [1, 3]";
        assert_eq!(shaped([2, 3]), Err(refused.to_owned()));
        assert!(shaped([i32::MIN, i32::MAX]).is_err());
        assert_eq!(shaped([-1, 3]), Ok(vec![1, 3]));
    });
}

#[test]
fn options_give_the_shape_where_there_is_no_operand() {
    let mut net = network();
    let options = table!(ReshapeOptionsT { new_shape: Some(vec![3, 1, -1]) });
    net.nodes()[2].inputs = Some(vec![4]);
    net.nodes()[2].builtin_options = BuiltinOptionsT::ReshapeOptions(Box::new(options));
    with(&net, |interpreter| assert_eq!(interpreter.output(0).expect("output").shape, [3, 1, 1]));
}
