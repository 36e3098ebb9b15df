//! Files that lie. Each breaks one thing in a network that runs, and must be refused with the place of the damage.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;
use proptest::prelude::*;

use crate::build::{Net, conv, noise};
use crate::random::Random;

/// Conv 3x3 with ReLU6, then a reshape: tensors input 0, filter 1, bias 2, conv output 3, shape 4, reshape output 5.
fn network() -> Net {
    let mut net = Net::new();
    let input = net.floats(&[1, 5, 5, 2]);
    let filter: Vec<f32> = (0..54).map(noise).collect();
    let filter = net.float_constant(&[3, 3, 3, 2], &filter);
    let bias = net.float_constant(&[3], &[0.5, -0.5, 0.0]);
    let output = net.floats(&[1, 5, 5, 3]);
    let shape = net.int32_constant(&[2], &[1, -1]);
    let flat = net.floats(&[1, 75]);
    let options = conv(Padding::SAME, 1, ActivationFunctionType::RELU6);
    net.node(BuiltinOperator::CONV_2D, &[input, filter, bias], &[output], options);
    net.node(BuiltinOperator::RESHAPE, &[output, shape], &[flat], BuiltinOptionsT::NONE);
    net.door(&[input], &[flat]);
    net
}

/// The message with which a damaged network is refused.
fn refused(change: impl FnOnce(&mut Net)) -> String {
    let mut net = network();
    change(&mut net);
    let bytes = net.bytes();
    match Model::load(&bytes) {
        Err(error) => error.to_string(),
        Ok(model) => match Interpreter::new(&model, &Options::default()) {
            Err(error) => error.to_string(),
            Ok(_) => "accepted".to_owned(),
        },
    }
}

fn conv_options(net: &mut Net) -> &mut Conv2DOptionsT {
    net.nodes()[0].builtin_options.as_conv_2_doptions_mut().expect("conv options")
}

#[test]
fn the_network_itself_runs() {
    let bytes = network().bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(0, &[1.0; 50]).expect("fits");
    interpreter.invoke().expect("runs");
    let output = interpreter.output(0).and_then(|view| view.real_values()).expect("values");
    assert!(
        output.iter().all(|value| (0.0..=6.0).contains(value)) && output.iter().any(|value| *value > 0.0)
    );
}

#[test]
fn indices_that_lead_nowhere() {
    assert_eq!(
        refused(|net| net.nodes()[0].inputs = Some(vec![0, 99, 2])),
        "node 0 (CONV_2D) input 1: expected tensor index below 6, found 99"
    );
    assert_eq!(
        refused(|net| net.nodes()[0].inputs = Some(vec![-2, 1, 2])),
        "node 0 (CONV_2D) input 0: expected tensor index below 6, found -2"
    );
    assert_eq!(
        refused(|net| net.nodes()[1].outputs = Some(vec![i32::MAX])),
        "node 1 (RESHAPE) output 0: expected tensor index below 6, found 2147483647"
    );
    assert_eq!(
        refused(|net| net.nodes()[0].opcode_index = 7),
        "node 0: expected operator code index below 2, found 7"
    );
    assert_eq!(
        refused(|net| net.tensors()[1].buffer = 40),
        "tensor 1 \"t1\": expected buffer index below 4, found 40"
    );
    assert_eq!(
        refused(|net| net.subgraph().inputs = Some(vec![-1])),
        "model inputs: expected tensor index below 6, found -1"
    );
    assert_eq!(
        refused(|net| net.subgraph().outputs = Some(vec![6])),
        "model outputs: expected tensor index below 6, found 6"
    );
}

/// The class behind LiteRT's crashes: a required input that is -1 ("absent").
#[test]
fn required_inputs_that_are_absent() {
    for (inputs, slot) in [([-1, 1, 2], 0), ([0, -1, 2], 1)] {
        assert_eq!(
            refused(|net| net.nodes()[0].inputs = Some(inputs.to_vec())),
            format!("node 0 (CONV_2D) input {slot}: missing tensor")
        );
    }
    assert_eq!(refused(|net| net.nodes()[0].inputs = Some(vec![0, 1, -1])), "accepted");
}

#[test]
fn wrong_numbers_of_inputs_and_outputs() {
    assert_eq!(
        refused(|net| net.nodes()[0].inputs = Some(vec![0])),
        "node 0 (CONV_2D): expected 2 to 3 inputs, found 1"
    );
    assert_eq!(
        refused(|net| net.nodes()[0].inputs = Some(vec![0; 2000])),
        "node 0 (CONV_2D): number of inputs 2000 is over the limit of 1024"
    );
    assert_eq!(
        refused(|net| net.nodes()[0].outputs = Some(vec![])),
        "node 0 (CONV_2D): expected number of outputs 1, found 0"
    );
}

#[test]
fn shapes_without_a_size() {
    let shaped = |shape: &'static [i32]| refused(move |net| net.tensors()[3].shape = Some(shape.to_vec()));
    assert_eq!(shaped(&[1, -5, 5, 3]), "tensor 3 \"t3\": expected dimensions of at least 0, found -5");
    assert_eq!(
        shaped(&[i32::MAX, i32::MAX, i32::MAX, i32::MAX]),
        "tensor 3 \"t3\": size in bytes 18446744073709551615 is over the limit of 1073741824"
    );
    assert_eq!(
        shaped(&[0, 65_536, 65_536, 1]),
        "tensor 3 \"t3\": size in bytes 17179869184 is over the limit of 1073741824"
    );
    assert_eq!(shaped(&[1; 9]), "tensor 3 \"t3\": rank 9 is over the limit of 8");
}

#[test]
fn constants_that_do_not_fill_their_shape() {
    assert_eq!(
        refused(|net| net.tensors()[2].shape = Some(vec![4])),
        "tensor 2 \"t2\": expected 16 bytes of float32 data of shape [4], found 12 bytes"
    );
    assert_eq!(
        refused(|net| net.tensors()[2].type_ = TensorType::INT8),
        "tensor 2 \"t2\": expected 3 bytes of int8 data of shape [3], found 12 bytes"
    );
    assert_eq!(
        refused(|net| {
            let buffer = &mut net.model.buffers.as_mut().expect("buffers")[2];
            (buffer.data, buffer.offset, buffer.size) = (None, 1 << 40, 12);
        }),
        format!(
            "tensor 2 \"t2\": expected 12 bytes of data at offset 1099511627776, found file of {} bytes",
            // The length of the file is not the point here.
            refused_file_bytes()
        )
    );
}

fn refused_file_bytes() -> usize {
    let mut net = network();
    let buffer = &mut net.model.buffers.as_mut().expect("buffers")[2];
    (buffer.data, buffer.offset, buffer.size) = (None, 1 << 40, 12);
    net.bytes().len()
}

#[test]
fn element_types_and_layouts_that_are_not_ours() {
    assert_eq!(
        refused(|net| net.tensors()[3].type_ = TensorType::COMPLEX128),
        "tensor 3 \"t3\": unsupported element type COMPLEX128"
    );
    assert_eq!(
        refused(|net| net.tensors()[3].type_ = TensorType(99)),
        "tensor 3 \"t3\": unsupported element type UNKNOWN"
    );
    assert_eq!(
        refused(|net| net.tensors()[1].sparsity = Some(Box::default())),
        "tensor 1 \"t1\": missing sparse dimensions"
    );
    assert_eq!(
        refused(|net| net.tensors()[1].external_buffer = 1),
        "tensor 1 \"t1\": unsupported data in another file"
    );
}

/// What no node can work with does not hide what else there is.
#[test]
fn tensors_that_are_not_ours_are_listed_with_the_rest() {
    let mut net = network();
    net.tensors()[1].external_buffer = 1;
    let last = net.nodes().len() - 1;
    let output = net.nodes()[last].outputs.as_ref().expect("outputs")[0];
    net.tensors()[output as usize].type_ = TensorType::STRING;
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let lacks: Vec<String> =
        model.check(&Options::default()).iter().map(|lack| lack.fault.to_string()).collect();
    let expected = [
        "tensor 1 \"t1\": unsupported data in another file".to_owned(),
        format!("tensor {output} \"t{output}\": unsupported element type STRING"),
    ];
    assert_eq!(lacks, expected);
}

/// The network with int8 in and out and a scale for each of the three output channels.
fn int8_network() -> Net {
    let mut net = Net::new();
    let input = net.quantized(TensorType::INT8, &[1, 5, 5, 2], 0.1, -3);
    let filter = net.tensor(TensorType::INT8, &[3, 3, 3, 2]);
    net.set_scales(filter, &[0.02, 0.03, 0.04], &[0, 0, 0], 0);
    net.fill(filter, (0..54u8).map(|value| value.wrapping_mul(37)).collect());
    let bias = net.int32_constant(&[3], &[100, -100, 0]);
    let output = net.quantized(TensorType::INT8, &[1, 5, 5, 3], 0.2, 4);
    let options = conv(Padding::SAME, 1, ActivationFunctionType::NONE);
    net.node(BuiltinOperator::CONV_2D, &[input, filter, bias], &[output], options);
    net.door(&[input], &[output]);
    net
}

fn refused_int8(change: impl FnOnce(&mut Net)) -> String {
    refused(|net| {
        *net = int8_network();
        change(net);
    })
}

#[test]
fn quantization_that_does_not_hold() {
    assert_eq!(refused_int8(|_| ()), "accepted");
    let scales = |scales: &'static [f32], zero_points: &'static [i64], axis| {
        refused_int8(move |net| net.set_scales(1, scales, zero_points, axis))
    };
    assert_eq!(
        scales(&[0.1, f32::NAN, 0.1], &[0; 3], 0),
        "tensor 1 \"t1\": expected finite positive scales, found NaN"
    );
    assert_eq!(
        scales(&[0.1, 0.0, 0.1], &[0; 3], 0),
        "tensor 1 \"t1\": expected finite positive scales, found 0.0"
    );
    assert_eq!(scales(&[0.1; 3], &[0; 2], 0), "tensor 1 \"t1\": expected 3 zero points, found 2");
    assert_eq!(
        scales(&[0.1; 3], &[0, 0, 200], 0),
        "tensor 1 \"t1\": expected zero points in -128..=127, found 200"
    );
    assert_eq!(scales(&[0.1; 2], &[0; 2], 0), "tensor 1 \"t1\": expected 3 scales along axis 0, found 2");
    assert_eq!(
        scales(&[0.1; 3], &[0; 3], 4),
        "tensor 1 \"t1\": expected quantized dimension below 4, found 4"
    );
    assert_eq!(
        scales(&[0.1; 3], &[0; 3], -1),
        "tensor 1 \"t1\": expected quantized dimension below 4, found -1"
    );
    assert_eq!(
        scales(&[0.1; 3], &[0; 3], 1),
        "node 0 (CONV_2D) input 1 \"t1\": expected scales along axis 0, found axis 1"
    );
    assert_eq!(
        scales(&[0.1; 3], &[0, 1, 0], 0),
        "node 0 (CONV_2D) input 1 \"t1\": expected zero points of 0, found 1"
    );
    assert_eq!(
        refused_int8(|net| net.tensors()[0].quantization = None),
        "node 0 (CONV_2D) input 0 \"t0\": expected a scale and a zero point, found none"
    );
    assert_eq!(
        refused_int8(|net| net.set_scales(3, &[0.1; 3], &[0; 3], 3)),
        "node 0 (CONV_2D) output 0 \"t3\": expected one scale for the tensor, found 3"
    );
}

/// TFLM's person_detect has biases of rank 1 with quantized dimension 3, which LiteRT 2.3.0 refuses.
#[test]
fn bias_with_the_axis_of_its_weights_is_read() {
    assert_eq!(refused_int8(|net| net.set_scales(2, &[0.002, 0.003, 0.004], &[0; 3], 3)), "accepted");
}

#[test]
fn values_with_no_source_or_two() {
    assert_eq!(
        refused(|net| net.subgraph().inputs = Some(vec![])),
        "node 0 (CONV_2D) input 0 \"t0\": expected a tensor with a value, found one that nothing has written yet"
    );
    assert_eq!(
        refused(|net| net.nodes().swap(0, 1)),
        "node 0 (RESHAPE) input 0 \"t3\": expected a tensor with a value, found one that nothing has written yet"
    );
    assert_eq!(
        refused(|net| net.nodes()[1].outputs = Some(vec![3])),
        "node 1 (RESHAPE) output 0 \"t3\": expected a tensor with no other source, found one that has a value"
    );
    assert_eq!(
        refused(|net| net.nodes()[0].outputs = Some(vec![0])),
        "node 0 (CONV_2D) output 0 \"t0\": expected a tensor with no other source, found one that has a value"
    );
    assert_eq!(
        refused(|net| net.nodes()[0].outputs = Some(vec![1])),
        "node 0 (CONV_2D) output 0 \"t1\": expected a tensor with no other source, found one that has a value"
    );
    assert_eq!(
        refused(|net| net.subgraph().inputs = Some(vec![0, 0])),
        "tensor 0 \"t0\": expected one source, found a model input that has another"
    );
    assert_eq!(
        refused(|net| net.nodes().truncate(1)),
        "tensor 5 \"t5\": expected a value for this model output, found none"
    );
}

#[test]
fn parameters_that_would_divide_by_zero() {
    for (value, found) in [(0, "0"), (-1, "-1"), (i32::MIN, "-2147483648")] {
        assert_eq!(
            refused(|net| conv_options(net).stride_w = value),
            format!("node 0 (CONV_2D): expected strides of at least 1, found {found}")
        );
        assert_eq!(
            refused(|net| conv_options(net).dilation_h_factor = value),
            format!("node 0 (CONV_2D): expected dilations of at least 1, found {found}")
        );
    }
    assert_eq!(
        refused(|net| conv_options(net).dilation_h_factor = 1 << 30),
        "node 0 (CONV_2D): expected a window from 1 to 1073741824 long, found filter 3 with dilation 1073741824"
    );
    assert_eq!(
        refused(|net| net.tensors()[1].shape = Some(vec![3, 3, 3, 0])),
        "tensor 1 \"t1\": expected 0 bytes of float32 data of shape [3, 3, 3, 0], found 216 bytes"
    );
}

#[test]
fn operands_that_do_not_fit_each_other() {
    assert_eq!(
        refused(|net| net.tensors()[1].shape = Some(vec![2, 3, 3, 3])),
        "node 0 (CONV_2D) input 1 \"t1\": expected groups of channels that divide 2 input and 2 output, found groups of 3"
    );
    assert_eq!(
        refused(|net| net.tensors()[0].shape = Some(vec![5, 5, 2])),
        "node 0 (CONV_2D) input 0 \"t0\": expected rank 4 and dimensions of at least 1, found shape [5, 5, 2]"
    );
    assert_eq!(
        refused(|net| {
            net.tensors()[0].shape = Some(vec![1, 2, 2, 2]);
            conv_options(net).padding = Padding::VALID;
        }),
        "node 0 (CONV_2D) input 0 \"t0\": expected at least 3 rows and columns under the window, found shape [1, 2, 2, 2]"
    );
    assert_eq!(
        refused(|net| {
            let shape = net.int32_constant(&[2], &[2, -1]);
            net.nodes()[1].inputs = Some(vec![3, shape]);
        }),
        "node 1 (RESHAPE) input 0 \"t3\": expected elements for shape [2, -1], found shape [1, 5, 5, 3]"
    );
}

#[test]
fn operators_versions_and_options_that_are_not_ours() {
    let code = |net: &mut Net, kind: BuiltinOperator, version| {
        let code = &mut net.model.operator_codes.as_mut().expect("codes")[0];
        (code.builtin_code, code.deprecated_builtin_code, code.version) = (kind, 0, version);
    };
    assert_eq!(
        refused(|net| code(net, BuiltinOperator::HASHTABLE_FIND, 1)),
        "node 0 (HASHTABLE_FIND): unsupported operator"
    );
    assert_eq!(refused(|net| code(net, BuiltinOperator(9999), 1)), "node 0 (UNKNOWN): unsupported operator");
    assert_eq!(
        refused(|net| code(net, BuiltinOperator::CONV_2D, 99)),
        "node 0 (CONV_2D): expected version 1 to 8, found 99"
    );
    assert_eq!(
        refused(|net| net.nodes()[0].builtin_options = BuiltinOptionsT::NONE),
        "node 0 (CONV_2D): missing options"
    );
    assert_eq!(
        refused(|net| conv_options(net).fused_activation_function = ActivationFunctionType::TANH),
        "node 0 (CONV_2D): unsupported fused activation TANH"
    );
    assert_eq!(
        refused(|net| conv_options(net).padding = Padding(5)),
        "node 0 (CONV_2D): unsupported padding 5"
    );
    assert_eq!(
        refused(|net| net.tensors()[2].buffer = 0),
        "node 0 (CONV_2D) input 2 \"t2\": expected a tensor with a value, found one that nothing has written yet"
    );
}

#[test]
fn memory_beyond_the_limit_is_refused_before_it_is_taken() {
    let mut net = Net::new();
    let input = net.floats(&[1, 8192, 8192, 3]);
    let filter = net.float_constant(&[3, 1, 1, 3], &[0.5; 9]);
    let output = net.floats(&[1, 8192, 8192, 3]);
    let options = conv(Padding::SAME, 1, ActivationFunctionType::NONE);
    net.node(BuiltinOperator::CONV_2D, &[input, filter], &[output], options);
    net.door(&[input], &[output]);
    let message = refused(|damaged| *damaged = net);
    // The packed weights are counted before the arena, and depend on the kernel.
    let known = (
        "arena, whose largest part is tensor 2 \"t2\": memory in bytes 16106",
        " is over the limit of 1073741824",
    );
    assert!(message.starts_with(known.0) && message.ends_with(known.1), "{message}");
}

/// A chain of `nodes` RELUs, each with a tensor of its own.
fn long_chain(nodes: i32) -> Net {
    let mut net = Net::new();
    let first = net.floats(&[4]);
    let second = net.floats(&[4]);
    net.node(BuiltinOperator::RELU, &[first], &[second], BuiltinOptionsT::NONE);
    let (tensor, node) = (net.tensors()[1].clone(), net.nodes()[0].clone());
    for at in 1..nodes {
        net.tensors().push(tensor.clone());
        let mut node = node.clone();
        (node.inputs, node.outputs) = (Some(vec![at]), Some(vec![at + 1]));
        net.nodes().push(node);
    }
    net.door(&[0], &[nodes]);
    net
}

#[test]
fn numbers_of_tensors_and_nodes_are_limited() {
    assert_eq!(refused(|net| *net = long_chain(1 << 14)), "accepted");
    assert_eq!(
        refused(|net| *net = long_chain((1 << 14) + 1)),
        "model: number of nodes 16385 is over the limit of 16384"
    );
    assert_eq!(
        refused(|net| {
            let tensor = net.tensors()[0].clone();
            net.tensors().resize((1 << 16) + 1, tensor);
        }),
        "model: number of tensors 65537 is over the limit of 65536"
    );
}

#[test]
fn files_without_a_graph() {
    assert_eq!(refused(|net| net.model.subgraphs = None), "model: missing subgraph");
    assert_eq!(refused(|net| net.model.subgraphs = Some(vec![])), "model: missing subgraph");
    assert_eq!(refused(|net| net.model.operator_codes = None), "model: missing operator codes");
    assert_eq!(refused(|net| net.model.buffers = None), "model: missing buffers");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever a file says, it is an error or a network that runs; never a panic.
    #[test]
    fn damaged_files_never_panic(
        int8 in any::<bool>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = if int8 { int8_network() } else { network() }.bytes();
        for (place, value) in places {
            let place = place.index(file.len());
            file[place] = value;
        }
        run_if_it_loads(&file);
    }

    /// The class in which LiteRT 2.3.0 crashes: a small number replaced by another.
    #[test]
    fn small_numbers_replaced_never_panic(
        int8 in any::<bool>(),
        place in any::<prop::sample::Index>(),
        value in prop_oneof![-3i32..40, Just(i32::MIN), Just(i32::MAX), Just(1 << 30)],
    ) {
        let mut file = if int8 { int8_network() } else { network() }.bytes();
        let place = place.index(file.len() / 4) * 4;
        if let Some(word) = file.get_mut(place..place + 4) {
            word.copy_from_slice(&value.to_le_bytes());
        }
        run_if_it_loads(&file);
    }
}

/// Small numbers replaced in a network of every operator, type and option.
#[test]
fn no_operator_panics_on_small_numbers_replaced() {
    let mut random = Random::new(7);
    let (mut refused, mut ran) = (0, 0);
    for case in crate::cases::all(1) {
        let file = case.net.bytes();
        let word = |word: usize| file[word * 4..word * 4 + 4].try_into().map_or(0, i32::from_le_bytes);
        let small: Vec<usize> = (0..file.len() / 4).filter(|at| (-1..300).contains(&word(*at))).collect();
        for _ in 0..200 {
            let mut file = file.clone();
            let at = small[random.below(small.len() as u64) as usize] * 4;
            let value = match random.below(4) {
                0 => [i32::MIN, i32::MAX, 1 << 30, 1 << 16][random.below(4) as usize],
                _ => random.below(44) as i32 - 3,
            };
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let outcome = std::panic::catch_unwind(|| run_if_it_loads(&file));
            let runs = outcome.unwrap_or_else(|_| panic!("{}: {value} at {at} panics", case.name));
            *if runs { &mut ran } else { &mut refused } += 1;
        }
    }
    println!("{refused} files refused, {ran} ran");
    assert!(refused > 1000 && ran > 1000, "{refused} refused, {ran} ran: the damage misses its aim");
}

/// Whether the file is a network that could be run.
fn run_if_it_loads(file: &[u8]) -> bool {
    let Ok(model) = Model::load(file) else { return false };
    let Ok(mut interpreter) = Interpreter::new(&model, &Options::default()) else { return false };
    // A node with weights that became a computed tensor is only prepared, and refused, in the run.
    interpreter.invoke().is_ok()
}
