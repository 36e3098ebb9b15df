//! The limit on what an interpreter takes beside the file: small files that ask for much, in each way there is.

use edgebench_interpreter::{Interpreter, Memory, Model, Options, Problem};
use edgebench_schema::tflite::*;

use crate::build::{Net, conv, noise, table};

const MIB: usize = 1 << 20;

/// What a network takes under a limit, or the message with which it is refused.
fn taken(net: &Net, memory_limit_bytes: usize) -> Result<Memory, String> {
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let options = Options { memory_limit_bytes, ..Options::default() };
    let interpreter = Interpreter::new(&model, &options).map_err(|error| {
        assert!(matches!(error.0.problem, Problem::Limit { what: "memory in bytes", .. }), "{error}");
        error.to_string()
    })?;
    Ok(interpreter.memory())
}

fn total_bytes(memory: Memory) -> usize {
    memory.arena_bytes + memory.packed_bytes
}

/// One RELU over `shape`.
fn wide(shape: &[i32]) -> Net {
    let mut net = Net::new();
    let (input, output) = (net.floats(shape), net.floats(shape));
    net.node(BuiltinOperator::RELU, &[input], &[output], BuiltinOptionsT::NONE);
    net.door(&[input], &[output]);
    net
}

#[test]
fn a_large_arena_is_named_by_its_largest_tensor() {
    let net = wide(&[1, 4096, 4096]);
    assert!(net.bytes().len() < 1024, "the point is a small file");
    assert_eq!(
        taken(&net, 127 * MIB),
        Err("arena, whose largest part is tensor 1 \"t1\": memory in bytes 134217728 is over the limit of \
             133169152"
            .to_owned())
    );
    assert_eq!(taken(&net, 128 * MIB).map(total_bytes), Ok(128 * MIB));
}

#[test]
fn the_default_limit_holds_for_everything_together() {
    let message = taken(&wide(&[1, 8192, 16384, 1]), Options::default().memory_limit_bytes);
    assert!(message.expect("two tensors of half the limit fit").arena_bytes == 1 << 30);
    let message = taken(&wide(&[1, 8192, 16385, 1]), Options::default().memory_limit_bytes);
    assert!(message.is_err_and(|message| message.ends_with("over the limit of 1073741824")));
}

#[test]
fn large_scratch_is_named_by_its_node() {
    let mut net = Net::new();
    let input = net.tensor(TensorType::FLOAT32, &[1, 1 << 20]);
    let axis = net.int32_constant(&[1], &[1]);
    let (values, indices) = (net.floats(&[1, 1]), net.tensor(TensorType::INT32, &[1, 1]));
    net.node(BuiltinOperator::TOPK_V2, &[input, axis], &[values, indices], BuiltinOptionsT::NONE);
    net.door(&[input], &[values, indices]);
    let message = taken(&net, 5 * MIB).expect_err("4 MiB of input and 4 MiB of scratch");
    assert!(message.starts_with("arena, whose largest part is "), "{message}");
    assert!(message.contains("the scratch of node 0 (TOPK_V2): memory in bytes 8388"), "{message}");
}

/// Many convolutions by the same filter, each of which packs it.
#[test]
fn weights_that_nodes_share_count_for_each() {
    let mut net = Net::new();
    let mut last = net.floats(&[1, 1, 1, 64]);
    let input = last;
    let filter = net.float_constant(&[64, 1, 1, 64], &(0..64 * 64).map(noise).collect::<Vec<_>>());
    for _ in 0..1000 {
        let output = net.floats(&[1, 1, 1, 64]);
        let options = conv(Padding::SAME, 1, ActivationFunctionType::NONE);
        net.node(BuiltinOperator::CONV_2D, &[last, filter], &[output], options);
        last = output;
    }
    net.door(&[input], &[last]);
    let message = taken(&net, MIB).expect_err("16 MB of packed weights");
    assert!(message.starts_with("node 6") && message.contains("(CONV_2D): memory in bytes 10"), "{message}");
}

/// Many tensors on one buffer, each of which has to be widened.
#[test]
fn constants_that_are_converted_count_for_each() {
    let mut net = Net::new();
    let input = net.floats(&[1000]);
    let small = net.tensor(TensorType::FLOAT16, &[1000]);
    net.fill(small, vec![0; 2000]);
    let mut last = input;
    for _ in 0..300 {
        let (wide, sum) = (net.floats(&[1000]), net.floats(&[1000]));
        net.node(BuiltinOperator::DEQUANTIZE, &[small], &[wide], BuiltinOptionsT::NONE);
        let add = BuiltinOptionsT::AddOptions(Box::default());
        net.node(BuiltinOperator::ADD, &[last, wide], &[sum], add);
        last = sum;
    }
    net.door(&[input], &[last]);
    let needed = taken(&net, 8 * MIB).map(total_bytes).expect("1.2 MB of constants");
    assert!(needed > 1_200_000, "{needed}");
    let message = taken(&net, MIB).expect_err("1.2 MB of constants");
    assert!(message.starts_with("tensor ") && message.contains("memory in bytes 10"), "{message}");
}

#[test]
fn variables_count_before_there_are_any() {
    let mut net = Net::new();
    let input = net.floats(&[1 << 18]);
    for number in 0..20 {
        let handle = net.tensor(TensorType::RESOURCE, &[]);
        let options = table!(VarHandleOptionsT { shared_name: Some(format!("v{number}")) });
        let options = BuiltinOptionsT::VarHandleOptions(Box::new(options));
        net.node(BuiltinOperator::VAR_HANDLE, &[], &[handle], options);
        let assign = BuiltinOptionsT::AssignVariableOptions(Box::default());
        net.node(BuiltinOperator::ASSIGN_VARIABLE, &[handle, input], &[], assign);
    }
    net.door(&[input], &[input]);
    let message =
        taken(&net, 10 * MIB).expect_err("1 MiB of input, 20 folded handles and 20 MiB of variables");
    assert_eq!(message, "variable 8: memory in bytes 10487040 is over the limit of 10485760");
    let memory = taken(&net, 21 * MIB + 20 * 64).expect("room for all of them");
    assert_eq!(memory.arena_bytes, 21 * MIB);
}

/// What is computed from constants counts too; under a limit that has no room for it, it is computed in each run.
#[test]
fn folded_constants_stay_within_the_limit() {
    let mut net = Net::new();
    let (dims, value) = (net.int32_constant(&[1], &[1 << 16]), net.float_constant(&[], &[0.5]));
    let (filled, input, sum) = (net.floats(&[1 << 16]), net.floats(&[1 << 16]), net.floats(&[1 << 16]));
    net.node(BuiltinOperator::FILL, &[dims, value], &[filled], BuiltinOptionsT::NONE);
    let add = BuiltinOptionsT::AddOptions(Box::default());
    net.node(BuiltinOperator::ADD, &[filled, input], &[sum], add);
    net.door(&[input], &[sum]);
    let roomy = taken(&net, 2 * MIB).expect("fits");
    assert_eq!((roomy.arena_bytes, roomy.packed_bytes), (2 << 18, 1 << 18));
    let message = taken(&net, MIB / 2).expect_err("three quarters of a MiB");
    assert!(message.ends_with("is over the limit of 524288"), "{message}");
}

/// A network is prepared within its limit or not at all, and runs the same in any that it is prepared in.
#[test]
fn no_network_takes_more_than_its_limit() {
    let (mut within, mut refused) = (0, 0);
    for case in crate::cases::all(5) {
        let needed = total_bytes(taken(&case.net, 64 * MIB).expect("a small network"));
        for limit in [needed / 4, needed.saturating_sub(1), needed, needed * 2] {
            match taken(&case.net, limit) {
                Ok(memory) => {
                    assert!(total_bytes(memory) <= limit, "{}: {memory:?} under {limit}", case.name);
                    within += 1;
                }
                Err(message) => {
                    assert!(limit < needed * 2, "{}: {message}", case.name);
                    refused += 1;
                }
            }
        }
    }
    assert!(within > 100 && refused > 100, "{within} within, {refused} refused: the limits miss their aim");
}

#[test]
fn resizing_beyond_the_limit_leaves_the_interpreter_as_it_was() {
    let bytes = wide(&[1, 16]).bytes();
    let model = Model::load(&bytes).expect("loads");
    let options = Options { memory_limit_bytes: MIB, ..Options::default() };
    let mut interpreter = Interpreter::new(&model, &options).expect("small");
    let error = interpreter.resize_input(0, &[1024, 1024]).expect_err("8 MiB");
    assert_eq!(
        error.to_string(),
        "arena, whose largest part is tensor 1 \"t1\": memory in bytes 8388608 is over the limit of 1048576"
    );
    interpreter.set_input_f32(0, &[1.0; 16]).expect("the old shape");
    interpreter.invoke().expect("runs");
}

/// Weights that are a variable are packed in the run: a file of a few hundred bytes says how many they are. Found by
/// fuzzing: they took 0.9 GiB under a limit of 256 MiB.
#[test]
fn computed_weights_are_refused_before_they_are_packed() {
    let mut net = Net::new();
    let (input, output) = (net.floats(&[1, 5, 7, 3]), net.floats(&[1, 5, 7, 1]));
    let filter = net.floats(&[1, 1, 1 << 18, 3]);
    net.tensors()[filter as usize].is_variable = true;
    let options = conv(Padding::SAME, 1, ActivationFunctionType::NONE);
    net.node(BuiltinOperator::CONV_2D, &[input, filter], &[output], options);
    net.door(&[input], &[output]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let run = |memory_limit_bytes| {
        let options = Options { memory_limit_bytes, ..Options::default() };
        let mut interpreter = Interpreter::new(&model, &options).expect("3 MiB of variable");
        interpreter.invoke().map_err(|error| error.to_string())
    };
    let message = run(16 * MIB).expect_err("48 MiB of weights in vectors of sixteen");
    let known = "node 0 (CONV_2D) with a computed tensor 2: memory in bytes 5";
    assert!(message.starts_with(known), "{message}");
    assert_eq!(run(128 * MIB), Ok(()));
}

/// Found by fuzzing: a step walked over 100 million rows without elements.
#[test]
fn steps_without_anything_to_compute_do_not_run() {
    let mut net = Net::new();
    let input = net.tensor(TensorType::BOOL, &[1, 3, 33_554_436, 0]);
    let paddings = net.int32_constant(&[4, 2], &[0, 0, 1, 1, 0, 0, 0, 0]);
    let output = net.tensor(TensorType::BOOL, &[1, 5, 33_554_436, 0]);
    let options = BuiltinOptionsT::PadOptions(Box::default());
    net.node(BuiltinOperator::PAD, &[input, paddings], &[output], options);
    net.door(&[input], &[output]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    assert_eq!(interpreter.nodes().map(|node| node.kernel).collect::<Vec<_>>(), ["folded"]);
    interpreter.invoke().expect("runs");
    assert_eq!(interpreter.output(0).expect("an output").shape, [1, 5, 33_554_436, 0]);
}
