//! The public face: what goes in, what comes out, what is said when it does not fit, and what a network takes.

use edgebench_interpreter::{DType, Interpreter, KernelChoice, KernelSet, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, conv, noise};

/// Two pointwise convolutions of 4 channels with a reshape between them and a constant of the graph as second output.
fn chain(half: bool) -> Net {
    let mut net = Net::new();
    let input = net.floats(&[1, 8, 8, 4]);
    let first = weights(&mut net, half);
    let middle = net.floats(&[1, 8, 8, 4]);
    let flat = net.floats(&[1, 16, 4, 4]);
    let second = weights(&mut net, half);
    let output = net.floats(&[1, 16, 4, 4]);
    let options = || conv(Padding::SAME, 1, ActivationFunctionType::NONE);
    net.node(BuiltinOperator::CONV_2D, &[input, first], &[middle], options());
    net.node(BuiltinOperator::RESHAPE, &[middle], &[flat], BuiltinOptionsT::NONE);
    net.node(BuiltinOperator::CONV_2D, &[flat, second], &[output], options());
    net.door(&[input], &[output, first]);
    net
}

/// Float weights that binary16 holds exactly, stored as one or the other.
fn weights(net: &mut Net, half: bool) -> i32 {
    let values: Vec<f32> = (0..16).map(|index| (noise(index) * 16.0).round() / 16.0).collect();
    if !half {
        return net.float_constant(&[4, 1, 1, 4], &values);
    }
    let stored = net.tensor(TensorType::FLOAT16, &[4, 1, 1, 4]);
    net.fill(stored, values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect());
    let wide = net.floats(&[4, 1, 1, 4]);
    net.node(BuiltinOperator::DEQUANTIZE, &[stored], &[wide], BuiltinOptionsT::NONE);
    wide
}

fn with<T>(net: &Net, options: &Options, run: impl FnOnce(&mut Interpreter<'_>) -> T) -> T {
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    run(&mut Interpreter::new(&model, options).expect("prepares"))
}

#[test]
fn half_weights_compute_as_their_floats_and_are_kept_once() {
    let run = |half| {
        with(&chain(half), &Options::default(), |interpreter| {
            interpreter.set_input_f32(0, &(0..256).map(noise).collect::<Vec<f32>>()).expect("fits");
            interpreter.invoke().expect("runs");
            let output = interpreter.output(0).expect("output").bytes.to_vec();
            let constant = interpreter.output(1).expect("constant").bytes.to_vec();
            (output, constant, interpreter.memory().packed_bytes)
        })
    };
    let (float, half) = (run(false), run(true));
    assert_eq!((&float.0, &float.1), (&half.0, &half.1));
    // The first weights are a model output too and are widened for it; the second exist only as packed.
    assert_eq!(half.2 - float.2, 16 * size_of::<f32>());
}

#[test]
fn views_and_folded_nodes_take_no_kernel() {
    with(&chain(true), &Options::default(), |interpreter| {
        let kernels: Vec<&str> = interpreter.nodes().map(|node| node.kernel).collect();
        assert_eq!((kernels[0], kernels[1], kernels[3]), ("folded", "folded", "view"));
        let nodes: Vec<(usize, &str, i32, u64)> = interpreter
            .nodes()
            .map(|node| (node.index, node.operator, node.version, node.macs))
            .filter(|node| node.3 > 0)
            .collect();
        assert_eq!(nodes, [(2, "CONV_2D", 1, 8 * 8 * 4 * 4), (4, "CONV_2D", 1, 8 * 8 * 4 * 4)]);
    });
}

#[test]
fn observer_sees_what_each_node_left() {
    let kept = Options { keep_all: true, ..Options::default() };
    let bytes = chain(false).bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &kept).expect("prepares");
    interpreter.set_input_f32(0, &[0.5; 256]).expect("fits");
    let mut seen = Vec::new();
    let mut observe = |run: edgebench_interpreter::NodeRun<'_>| {
        seen.extend(run.outputs().map(|view| (run.index, view.index, view.bytes.to_vec())));
    };
    interpreter.invoke_observed(&mut observe).expect("runs");
    let tensors: Vec<(usize, usize)> = seen.iter().map(|(node, tensor, _)| (*node, *tensor)).collect();
    assert_eq!(tensors, [(0, 2), (1, 3), (2, 5)]);
    // With everything kept, tensors still have afterwards what the observer saw; a view has its input's bytes.
    for (_, tensor, bytes) in &seen {
        assert_eq!(interpreter.tensor(*tensor).expect("kept").bytes, bytes.as_slice());
    }
    assert_eq!(seen[0].2, seen[1].2);
}

#[test]
fn tensors_are_told_with_name_type_and_shape() {
    with(&chain(false), &Options::default(), |interpreter| {
        let input = interpreter.input(0).expect("input");
        assert_eq!((input.index, input.name, input.dtype), (0, "t0", DType::Float32));
        assert_eq!((input.shape, input.scale_zero_point), (&[1, 8, 8, 4][..], None));
        assert_eq!((interpreter.input_count(), interpreter.output_count()), (1, 2));
        assert!(interpreter.input(1).is_none() && interpreter.output(2).is_none());
        assert!(interpreter.input_bytes_mut(1).is_none() && interpreter.tensor(99).is_none());
    });
}

#[test]
fn values_that_do_not_fit_an_input() {
    with(&chain(false), &Options::default(), |interpreter| {
        let error = |interpreter: &mut Interpreter<'_>, index, count| {
            interpreter.set_input_f32(index, &vec![0.0; count]).unwrap_err().to_string()
        };
        assert_eq!(
            error(interpreter, 0, 3),
            "model input 0 (tensor 0 \"t0\"): expected 256 values of shape [1, 8, 8, 4], found 3"
        );
        assert_eq!(error(interpreter, 1, 256), "model inputs: expected an input below 1, found 1");
    });
}

/// A network that only converts: its input type, and float out.
fn dequantizer(dtype: TensorType, scale: f32, zero_point: i64) -> Net {
    let mut net = Net::new();
    let input = net.quantized(dtype, &[5], scale, zero_point);
    let output = net.floats(&[5]);
    net.node(BuiltinOperator::DEQUANTIZE, &[input], &[output], BuiltinOptionsT::NONE);
    net.door(&[input], &[output]);
    net
}

#[test]
fn real_values_become_integers_as_quantize_has_it() {
    for (dtype, zero_point, stored) in
        [(TensorType::INT8, 3, [3u8, 5, 2, 127, 0x80]), (TensorType::UINT8, 131, [131, 133, 130, 255, 0])]
    {
        with(&dequantizer(dtype, 0.5, zero_point), &Options::default(), |interpreter| {
            // 0.75 is one step and a half, and goes away from zero.
            interpreter.set_input_f32(0, &[0.0, 0.75, -0.6, 1e9, f32::NEG_INFINITY]).expect("fits");
            assert_eq!(interpreter.input(0).expect("input").bytes, stored);
            interpreter.invoke().expect("runs");
            let real = interpreter.output(0).and_then(|view| view.real_values()).expect("floats");
            assert_eq!(real[..3], [0.0, 1.0, -0.5]);
            assert_eq!(interpreter.input(0).and_then(|view| view.real_values()), Some(real));
        });
    }
}

#[test]
fn integers_without_scale_have_no_real_values() {
    let mut net = dequantizer(TensorType::INT8, 0.5, 0);
    let unscaled = net.tensor(TensorType::INT32, &[5]);
    net.door(&[0, unscaled], &[1]);
    with(&net, &Options::default(), |interpreter| {
        assert_eq!(
            interpreter.set_input_f32(1, &[0.0; 5]).unwrap_err().to_string(),
            "model input 1 (tensor 2 \"t2\"): expected an input of real values, found int32 without a scale"
        );
    });
}

/// A residual block: the first activation lives until the addition, so it must not lose its memory to the second.
#[test]
fn memory_is_shared_only_after_the_last_reader() {
    let mut net = Net::new();
    let input = net.floats(&[1, 4, 4, 4]);
    let weights = net.float_constant(&[4, 1, 1, 4], &(0..16).map(noise).collect::<Vec<f32>>());
    let outputs: Vec<i32> = (0..5).map(|_| net.floats(&[1, 4, 4, 4])).collect();
    let options = || conv(Padding::SAME, 1, ActivationFunctionType::NONE);
    net.node(BuiltinOperator::CONV_2D, &[input, weights], &[outputs[0]], options());
    for step in 1..4 {
        net.node(BuiltinOperator::CONV_2D, &[outputs[step - 1], weights], &[outputs[step]], options());
    }
    let add = BuiltinOptionsT::AddOptions(Default::default());
    net.node(BuiltinOperator::ADD, &[outputs[0], outputs[3]], &[outputs[4]], add);
    net.door(&[input], &[outputs[4]]);
    let run = |keep_all| {
        let options =
            Options { keep_all, kernels: KernelChoice::Only(KernelSet::Reference), ..Options::default() };
        with(&net, &options, |interpreter| {
            interpreter.set_input_f32(0, &(0..64).map(noise).collect::<Vec<f32>>()).expect("fits");
            interpreter.invoke().expect("runs");
            (interpreter.output(0).expect("output").bytes.to_vec(), interpreter.memory())
        })
    };
    let (planned, kept) = (run(false), run(true));
    assert_eq!(planned.0, kept.0);
    // Input, first activation and two at a time of the rest; 256 bytes each.
    assert_eq!((planned.1.arena_bytes, planned.1.without_reuse_bytes), (4 * 256, 6 * 256));
    assert_eq!(kept.1.arena_bytes, kept.1.without_reuse_bytes);
}

#[test]
fn kernels_that_this_cpu_does_not_have_are_refused() {
    let bytes = chain(false).bytes();
    let model = Model::load(&bytes).expect("loads");
    for kernels in KernelChoice::all() {
        let prepared = Interpreter::new(&model, &Options { kernels, ..Options::default() });
        let words = prepared.as_ref().err().map(|error| error.to_string());
        let expected = (!kernels.is_available()).then(|| format!("this CPU: unsupported kernels {kernels}"));
        assert_eq!(words, expected);
    }
}

/// A measuring thread may own it.
#[test]
fn interpreter_can_be_sent_to_a_thread() {
    let bytes = chain(false).bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    std::thread::scope(|scope| {
        let run = scope.spawn(move || interpreter.invoke());
        assert_eq!(run.join().expect("no panic"), Ok(()));
    });
}
