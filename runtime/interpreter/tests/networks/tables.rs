//! Two nodes that become one table: the same answers, and one node less to run.

use edgebench_interpreter::{Interpreter, KernelChoice, KernelSet, Model, Options};
use edgebench_schema::tflite::{BuiltinOperator, BuiltinOptionsT, TensorType};

use crate::build::Net;

/// `x * logistic(x)`, or `logistic(x) * x`, of every int8.
fn swish(logistic_first: bool, shows_logistic: bool) -> Net {
    let mut net = Net::new();
    let shape = [1, 16, 16];
    let input = net.quantized(TensorType::INT8, &shape, 0.043, -31);
    let logistic = net.quantized(TensorType::INT8, &shape, 1.0 / 256.0, -128);
    let output = net.quantized(TensorType::INT8, &shape, 0.021, -117);
    net.node(BuiltinOperator::LOGISTIC, &[input], &[logistic], BuiltinOptionsT::NONE);
    let operands = if logistic_first { [logistic, input] } else { [input, logistic] };
    let options = BuiltinOptionsT::MulOptions(Default::default());
    net.node(BuiltinOperator::MUL, &operands, &[output], options);
    let outputs = if shows_logistic { vec![output, logistic] } else { vec![output] };
    net.door(&[input], &outputs);
    net
}

/// The outputs for every int8, and how many nodes ran.
fn run(net: &Net, options: &Options) -> (Vec<Vec<u8>>, usize) {
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("a network of ours");
    let mut interpreter = Interpreter::new(&model, options).expect("known operators");
    let input = interpreter.input_bytes_mut(0).expect("an input");
    input.iter_mut().zip((0..=255).cycle()).for_each(|(byte, value)| *byte = value);
    let (mut time, mut count) = (0, 0);
    let mut clock = || {
        time += 1;
        time
    };
    interpreter.invoke_profiled(&mut clock, &mut |_, _| count += 1).expect("a run");
    let outputs = (0..interpreter.output_count()).filter_map(|slot| interpreter.output(slot));
    (outputs.map(|view| view.bytes.to_vec()).collect(), count)
}

#[test]
fn a_product_with_its_own_logistic_is_one_table() {
    for logistic_first in [false, true] {
        for kernels in KernelChoice::all().filter(|kernels| kernels.is_available()) {
            let plain = Options { kernels: KernelChoice::Only(KernelSet::Reference), ..Options::default() };
            let options = Options { kernels, ..Options::default() };
            let net = swish(logistic_first, false);
            let (expected, plain_count) = run(&net, &plain);
            let (found, count) = run(&net, &options);
            assert_eq!(found, expected, "{kernels}");
            assert_eq!(plain_count, 2);
            assert_eq!(
                count,
                if kernels == KernelChoice::Only(KernelSet::Reference) { 2 } else { 1 },
                "{kernels}"
            );
        }
    }
}

#[test]
fn what_somebody_else_reads_is_still_computed() {
    let net = swish(false, true);
    let plain = Options { kernels: KernelChoice::Only(KernelSet::Reference), ..Options::default() };
    let (expected, _) = run(&net, &plain);
    assert_eq!(run(&net, &Options::default()), (expected.clone(), 2));
    let all = Options { keep_all: true, ..Options::default() };
    assert_eq!(run(&swish(false, false), &all), (expected[..1].to_vec(), 2));
}
