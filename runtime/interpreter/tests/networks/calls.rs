//! Subgraphs: branches, loops, signatures, and the files that would make them run forever.

use edgebench_interpreter::{Interpreter, Model, Options};
use edgebench_schema::tflite::*;

use crate::build::{Net, table};

fn arithmetic(kind: BuiltinOperator, shape: &[i32]) -> Net {
    let mut net = Net::new();
    let inputs = [net.floats(shape), net.floats(shape)];
    let output = net.floats(shape);
    let options = match kind {
        BuiltinOperator::ADD => BuiltinOptionsT::AddOptions(Box::default()),
        _ => BuiltinOptionsT::MulOptions(Box::default()),
    };
    net.node(kind, &inputs, &[output], options);
    net.door(&inputs, &[output]);
    net
}

/// Input 0 decides between the sum and the product of the others.
fn branch() -> Net {
    let mut net = Net::new();
    let inputs = [net.tensor(TensorType::BOOL, &[1]), net.floats(&[3]), net.floats(&[3])];
    let output = net.floats(&[3]);
    let options = table!(IfOptionsT {
        then_subgraph_index: net.attach(arithmetic(BuiltinOperator::ADD, &[3])),
        else_subgraph_index: net.attach(arithmetic(BuiltinOperator::MUL, &[3])),
    });
    net.node(BuiltinOperator::IF, &inputs, &[output], BuiltinOptionsT::IfOptions(Box::new(options)));
    net.door(&inputs, &[output]);
    net
}

/// Adds 1 to a counter until it reaches the limit, and doubles a vector each time.
fn repeat() -> Net {
    let mut condition = Net::new();
    let values = [
        condition.tensor(TensorType::FLOAT32, &[1]),
        condition.tensor(TensorType::FLOAT32, &[1]),
        condition.floats(&[4]),
    ];
    let holds = condition.tensor(TensorType::BOOL, &[1]);
    let less = BuiltinOptionsT::LessOptions(Box::default());
    condition.node(BuiltinOperator::LESS, &values[..2], &[holds], less);
    condition.door(&values, &[holds]);
    let mut body = Net::new();
    let values = [body.floats(&[1]), body.floats(&[1]), body.floats(&[4])];
    let one = body.float_constant(&[1], &[1.0]);
    let (next, doubled) = (body.floats(&[1]), body.floats(&[4]));
    let add = || BuiltinOptionsT::AddOptions(Box::default());
    body.node(BuiltinOperator::ADD, &[values[0], one], &[next], add());
    body.node(BuiltinOperator::ADD, &[values[2], values[2]], &[doubled], add());
    body.door(&values, &[next, values[1], doubled]);
    let mut net = Net::new();
    let inputs = [net.floats(&[1]), net.floats(&[1]), net.floats(&[4])];
    let outputs = [net.floats(&[1]), net.floats(&[1]), net.floats(&[4])];
    let options = table!(WhileOptionsT {
        cond_subgraph_index: net.attach(condition),
        body_subgraph_index: net.attach(body),
    });
    net.node(BuiltinOperator::WHILE, &inputs, &outputs, BuiltinOptionsT::WhileOptions(Box::new(options)));
    net.door(&inputs, &outputs);
    net
}

fn words(net: &Net) -> String {
    let bytes = net.bytes();
    match Model::load(&bytes) {
        Err(error) => error.to_string(),
        Ok(model) => match Interpreter::new(&model, &Options::default()) {
            Err(error) => error.to_string(),
            Ok(mut interpreter) => match interpreter.invoke() {
                Err(error) => error.to_string(),
                Ok(()) => "ran".to_owned(),
            },
        },
    }
}

#[test]
fn the_branch_that_is_said_is_taken() {
    let bytes = branch().bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(1, &[1.5, -2.0, 3.0]).expect("fits");
    interpreter.set_input_f32(2, &[0.5, 4.0, -1.0]).expect("fits");
    for (holds, expected) in [(1, [2.0, 2.0, 2.0]), (0, [0.75, -8.0, -3.0]), (1, [2.0, 2.0, 2.0])] {
        interpreter.input_bytes_mut(0).expect("condition")[0] = holds;
        interpreter.invoke().expect("runs");
        assert_eq!(interpreter.output(0).and_then(|view| view.real_values()), Some(expected.to_vec()));
    }
}

#[test]
fn a_loop_goes_on_while_its_condition_holds() {
    let bytes = repeat().bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.set_input_f32(2, &[1.0, -0.5, 0.25, 3.0]).expect("fits");
    for (rounds, factor) in [(5.0, 32.0), (0.0, 1.0), (1.0, 2.0)] {
        interpreter.set_input_f32(1, &[rounds]).expect("fits");
        interpreter.invoke().expect("runs");
        let values = |slot| interpreter.output(slot).and_then(|view| view.real_values()).expect("floats");
        assert_eq!((values(0), values(1)), (vec![rounds], vec![rounds]));
        assert_eq!(values(2), [1.0, -0.5, 0.25, 3.0].map(|value| value * factor));
    }
}

#[test]
fn a_loop_without_end_is_stopped() {
    let mut net = repeat();
    let condition = &mut net.model.subgraphs.as_mut().expect("subgraphs")[1];
    condition.operators = Some(Vec::new());
    condition.tensors.as_mut().expect("tensors")[3].is_variable = true;
    // The variable is false at first; a condition that is an input holds as long as the body says so.
    assert_eq!(words(&net), "ran");
    let mut net = repeat();
    let bool = TensorType::BOOL;
    for (subgraph, tensors) in [(0, &[0, 3][..]), (1, &[0][..]), (2, &[0][..])] {
        let subgraph = &mut net.model.subgraphs.as_mut().expect("subgraphs")[subgraph];
        let list = subgraph.tensors.as_mut().expect("tensors");
        tensors.iter().for_each(|tensor| list[*tensor].type_ = bool);
    }
    let subgraphs = net.model.subgraphs.as_mut().expect("subgraphs");
    subgraphs[1].operators = Some(Vec::new());
    subgraphs[1].outputs = Some(vec![0]);
    subgraphs[2].operators.as_mut().expect("nodes").remove(0);
    subgraphs[2].outputs.as_mut().expect("outputs")[0] = 0;
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.input_bytes_mut(0).expect("condition")[0] = 1;
    assert_eq!(
        interpreter.invoke().expect_err("has no end").to_string(),
        "inference: number of calls 2097153 is over the limit of 2097152"
    );
}

#[test]
fn calls_in_a_circle_are_refused() {
    let mut net = branch();
    let options = table!(IfOptionsT { then_subgraph_index: 0, else_subgraph_index: 1 });
    net.nodes()[0].builtin_options = BuiltinOptionsT::IfOptions(Box::new(options));
    assert_eq!(words(&net), "model: expected calls of subgraphs that end after 16, found more");
    for index in [3, -1, i32::MIN, i32::MAX] {
        let options = table!(IfOptionsT { then_subgraph_index: 1, else_subgraph_index: index });
        net.nodes()[0].builtin_options = BuiltinOptionsT::IfOptions(Box::new(options));
        assert_eq!(words(&net), format!("node 0 (IF): expected subgraph index below 3, found {index}"));
    }
}

#[test]
fn values_that_do_not_fit_a_subgraph() {
    let mut net = branch();
    net.nodes()[0].inputs.as_mut().expect("inputs").pop();
    assert_eq!(words(&net), "node 0 (IF): expected 2 inputs for subgraph 1, found 1");
    let mut net = branch();
    net.tensors()[2].type_ = TensorType::INT32;
    assert_eq!(words(&net), "node 0 (IF) input 1 of subgraph 1: expected float32, found int32");
    let mut net = branch();
    net.tensors()[1].type_ = TensorType::INT8;
    net.tensors()[1].shape = Some(vec![2]);
    assert_eq!(words(&net), "node 0 (IF) input 0 of subgraph 1: expected float32, found int8");
    let mut net = branch();
    net.tensors()[1].shape = Some(vec![2]);
    assert!(words(&net).starts_with("subgraph 1 node 0 (ADD) input 1"), "{}", words(&net));
    let mut net = branch();
    net.tensors()[3].type_ = TensorType::INT32;
    assert_eq!(words(&net), "node 0 (IF) output 0 of a subgraph: expected int32, found float32");
    let mut net = repeat();
    net.model.subgraphs.as_mut().expect("subgraphs")[1].outputs = Some(vec![0]);
    assert_eq!(words(&net), "node 0 (WHILE): expected a condition with one bool as output, found another");
}

#[test]
fn shapes_go_into_subgraphs_and_come_back() {
    let bytes = branch().bytes();
    let model = Model::load(&bytes).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    interpreter.resize_inputs(&[(1, &[2, 5]), (2, &[2, 5])]).expect("fit each other");
    interpreter.invoke().expect("runs");
    assert_eq!(interpreter.output(0).expect("output").shape, [2, 5]);
}

#[test]
fn signatures_are_run_by_their_key() {
    let mut net = branch();
    let entry =
        |name: &str, tensor: u32| table!(TensorMapT { name: Some(name.to_owned()), tensor_index: tensor });
    let product = table!(SignatureDefT {
        signature_key: Some("product".to_owned()),
        subgraph_index: 2,
        inputs: Some(vec![entry("right", 1), entry("left", 0)]),
        outputs: Some(vec![entry("value", 2)]),
    });
    net.model.signature_defs = Some(vec![product.clone()]);
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let signature = &model.signatures()[0];
    assert_eq!((signature.key, &signature.inputs[..]), ("product", &[("right", 1), ("left", 0)][..]));
    let mut interpreter =
        Interpreter::for_signature(&model, "product", &Options::default()).expect("prepares");
    interpreter.set_input_f32(0, &[1.0, 2.0, 3.0]).expect("fits");
    interpreter.set_input_f32(1, &[2.0, 2.0, 2.0]).expect("fits");
    interpreter.invoke().expect("runs");
    assert_eq!(interpreter.output(0).and_then(|view| view.real_values()), Some(vec![2.0, 4.0, 6.0]));
    let unknown = Interpreter::for_signature(&model, "sum", &Options::default());
    assert_eq!(
        unknown.expect_err("is not there").to_string(),
        "model: expected a signature of [\"product\"], found \"sum\""
    );
    let mut elsewhere = product;
    elsewhere.subgraph_index = 3;
    net.model.signature_defs = Some(vec![elsewhere]);
    assert_eq!(words(&net), "signature \"product\": expected subgraph index below 3, found 3");
}

#[test]
fn every_lack_is_named() {
    let mut net = branch();
    let next = net.floats(&[3]);
    net.node(BuiltinOperator::HASHTABLE_FIND, &[3], &[next], BuiltinOptionsT::NONE);
    net.node(BuiltinOperator::ADD, &[3, next], &[], BuiltinOptionsT::AddOptions(Box::default()));
    let output = net.floats(&[3]);
    net.nodes()[2].outputs = Some(vec![output]);
    net.model.operator_codes.as_mut().expect("codes")[0].version = 77;
    let bytes = net.bytes();
    let model = Model::load(&bytes).expect("loads");
    let lacks: Vec<String> =
        model.check(&Options::default()).iter().map(|lack| lack.fault.to_string()).collect();
    assert_eq!(
        lacks,
        [
            "node 1 (HASHTABLE_FIND): unsupported operator",
            "subgraph 1 node 0 (ADD): expected version 1 to 5, found 77"
        ]
    );
    assert!(Model::load(&repeat().bytes()).expect("loads").check(&Options::default()).is_empty());
}

/// Each subgraph calls the next one so often that all calls together would never end.
#[test]
fn calls_that_multiply_are_stopped() {
    let mut net = Net::new();
    let depth = 12;
    for level in 0..depth {
        let mut own = Net::new();
        let holds = own.tensor(TensorType::BOOL, &[1]);
        if level + 1 < depth {
            for _ in 0..20 {
                let next = level + 2;
                let options = table!(IfOptionsT { then_subgraph_index: next, else_subgraph_index: next });
                let output = own.tensor(TensorType::BOOL, &[1]);
                let options = BuiltinOptionsT::IfOptions(Box::new(options));
                own.node(BuiltinOperator::IF, &[holds, holds], &[output], options);
            }
        }
        own.door(&[holds], &[holds]);
        net.attach(own);
    }
    let (holds, output) = (net.tensor(TensorType::BOOL, &[1]), net.tensor(TensorType::BOOL, &[1]));
    let options = table!(IfOptionsT { then_subgraph_index: 1, else_subgraph_index: 1 });
    net.node(BuiltinOperator::IF, &[holds, holds], &[output], BuiltinOptionsT::IfOptions(Box::new(options)));
    net.door(&[holds], &[output]);
    assert_eq!(words(&net), "inference: number of calls 2097153 is over the limit of 2097152");
}
