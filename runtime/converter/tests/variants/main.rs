//! What every written variant must be, whatever the network: the file rules of the format, the 8-bit specification,
//! and the same bytes for the same question.

mod run;
mod tiny;

use edgebench_converter::{
    Calibration, ConvertError, Io, Method, Options, Quantize, TensorRange, convert, import, write,
};
use edgebench_schema::tflite::*;
use edgebench_schema::{builtin_name, operator_code, verified_root};
use proptest::prelude::*;

const VARIANTS: [(Quantize, Io); 6] = [
    (Quantize::None, Io::Float),
    (Quantize::Fp16, Io::Float),
    (Quantize::DynamicInt8, Io::Float),
    (Quantize::FullInt8, Io::Float),
    (Quantize::FullInt8, Io::Int8),
    (Quantize::FullInt8, Io::Uint8),
];

/// A damage to a network.
type Change = fn(&mut ModelT);

/// Ranges that no run has seen: the passes do not care where a calibration comes from.
fn calibration(model: &[u8]) -> Calibration {
    let root = verified_root(model).expect("a test model");
    let subgraph = root.subgraphs().expect("subgraphs").get(0);
    let tensors = subgraph.tensors().expect("tensors").iter().enumerate();
    let ranges = tensors.filter(|(_, tensor)| tensor.buffer() == 0).map(|(index, tensor)| TensorRange {
        tensor: index,
        name: tensor.name().unwrap_or_default().to_owned(),
        min: if index == 3 { 0.0 } else { -1.5 - index as f32 * 0.25 },
        max: 2.0 + index as f32 * 0.5,
        values: 100,
        nan: 0,
        infinite: 0,
        saturation: 0.0,
    });
    Calibration { samples: 1, seed: 0, method: Method::MinMax, tensors: ranges.collect() }
}

fn options(quantize: Quantize, io: Io) -> Options {
    Options { quantize, io, seed: 0 }
}

fn converted(model: &[u8], quantize: Quantize, io: Io) -> ModelT {
    let converted = convert(model, &options(quantize, io), Some(&calibration(model))).expect("converts");
    verified_root(&converted.bytes).expect("verifies").unpack()
}

fn names(model: &ModelT) -> Vec<(&'static str, i32)> {
    let codes = model.operator_codes.as_ref().expect("codes");
    let operators = model.subgraphs.as_ref().expect("subgraphs")[0].operators.as_ref().expect("operators");
    let code = |operator: &OperatorT| &codes[operator.opcode_index as usize];
    operators
        .iter()
        .map(|operator| (builtin_name(code(operator).builtin_code), code(operator).version))
        .collect()
}

fn tensors(model: &ModelT) -> &[TensorT] {
    model.subgraphs.as_ref().expect("subgraphs")[0].tensors.as_ref().expect("tensors")
}

fn operators(model: &ModelT) -> &[OperatorT] {
    model.subgraphs.as_ref().expect("subgraphs")[0].operators.as_ref().expect("operators")
}

/// The tensor that an operator of this name reads at `slot`, or writes.
fn operand<'a>(model: &'a ModelT, name: &str, slot: Option<usize>) -> &'a TensorT {
    let position = names(model).iter().position(|(found, _)| *found == name).expect("such an operator");
    let operator = &operators(model)[position];
    let index = match slot {
        Some(slot) => operator.inputs.as_ref().expect("inputs")[slot],
        None => operator.outputs.as_ref().expect("outputs")[0],
    };
    &tensors(model)[index as usize]
}

fn quantization(tensor: &TensorT) -> (&[f32], &[i64], i32) {
    let quantization = tensor.quantization.as_ref().expect("quantized");
    let scale = quantization.scale.as_deref().expect("scales");
    (scale, quantization.zero_point.as_deref().expect("zero points"), quantization.quantized_dimension)
}

#[test]
fn same_question_same_bytes() {
    let model = tiny::bytes(&tiny::model());
    let calibration = calibration(&model);
    for (quantize, io) in VARIANTS {
        let first = convert(&model, &options(quantize, io), Some(&calibration)).expect("converts");
        let second = convert(&model, &options(quantize, io), Some(&calibration)).expect("converts");
        assert_eq!(first.bytes, second.bytes, "{quantize} {io}");
        assert_eq!(first.report, second.report, "{quantize} {io}");
    }
}

#[test]
fn unquantized_copy_is_the_same_network() {
    let model = tiny::bytes(&tiny::model());
    let copy = convert(&model, &options(Quantize::None, Io::Float), None).expect("converts");
    assert_eq!(import::tflite(&copy.bytes), import::tflite(&model));
    let again = write::tflite(&import::tflite(&copy.bytes).expect("imports"));
    assert_eq!(again, copy.bytes);
}

#[test]
fn every_variant_keeps_the_file_rules() {
    let model = tiny::bytes(&tiny::model());
    for (quantize, io) in VARIANTS {
        let file =
            convert(&model, &options(quantize, io), Some(&calibration(&model))).expect("converts").bytes;
        assert_file_rules(&file, &format!("{quantize} {io}"));
    }
}

fn assert_file_rules(file: &[u8], what: &str) {
    assert_eq!(&file[4..8], b"TFL3", "{what}");
    let root = verified_root(file).expect("verifies");
    assert_eq!(root.version(), 3, "{what}");
    let buffers = root.buffers().expect("buffers");
    assert!(buffers.get(0).data().is_none_or(|data| data.is_empty()), "{what}: buffer 0");
    for data in buffers.iter().filter_map(|buffer| buffer.data()) {
        let offset = data.bytes().as_ptr() as usize - file.as_ptr() as usize;
        assert_eq!(offset % 16, 0, "{what}: data at {offset}");
    }
    for code in root.operator_codes().expect("codes").iter() {
        assert_eq!(i32::from(code.deprecated_builtin_code()), code.builtin_code().0.min(127), "{what}");
        assert_eq!(operator_code(&code), code.builtin_code(), "{what}");
    }
    for tensor in root.subgraphs().expect("subgraphs").get(0).tensors().expect("tensors").iter() {
        let Some(quantization) = tensor.quantization() else { continue };
        let scales = quantization.scale().expect("scales").len();
        assert_eq!(scales, quantization.zero_point().expect("zero points").len(), "{what}");
        let rank = tensor.shape().map_or(0, |shape| shape.len());
        assert!((0..rank as i32).contains(&quantization.quantized_dimension()), "{what}");
        if scales > 1 {
            assert!(quantization.zero_point().into_iter().flatten().all(|zero| zero == 0), "{what}");
        }
    }
}

#[test]
fn binary16_constants_stand_behind_one_dequantize_each() {
    let model = converted(&tiny::bytes(&tiny::model()), Quantize::Fp16, Io::Float);
    let dequantize = names(&model).iter().filter(|name| **name == ("DEQUANTIZE", 3)).count();
    assert_eq!(dequantize, 5);
    assert_eq!(names(&model).len(), tiny::OPERATORS + dequantize);
    assert_eq!(operand(&model, "DEQUANTIZE", Some(0)).type_, TensorType::FLOAT16);
    assert_eq!(operand(&model, "CONV_2D", Some(1)).type_, TensorType::FLOAT32);
}

#[test]
fn dynamic_range_takes_large_weights_only() {
    let model = converted(&tiny::bytes(&tiny::model()), Quantize::DynamicInt8, Io::Float);
    let weights = operand(&model, "FULLY_CONNECTED", Some(1));
    assert_eq!(weights.type_, TensorType::INT8);
    assert_eq!((quantization(weights).0.len(), quantization(weights).2), (4, 0));
    assert_eq!(operand(&model, "CONV_2D", Some(1)).type_, TensorType::FLOAT32);
    assert!(names(&model).contains(&("FULLY_CONNECTED", 12)) && names(&model).contains(&("CONV_2D", 1)));
    let asks = operators(&model).iter().any(|operator| {
        matches!(&operator.builtin_options, BuiltinOptionsT::FullyConnectedOptions(o) if o.asymmetric_quantize_inputs)
    });
    assert!(asks, "the hybrid operator must ask for asymmetric inputs");
}

#[test]
fn full_int8_follows_the_specification() {
    let model = converted(&tiny::bytes(&tiny::model()), Quantize::FullInt8, Io::Float);
    let expected = [
        ("QUANTIZE", 1),
        ("CONV_2D", 3),
        ("DEPTHWISE_CONV_2D", 3),
        ("ADD", 2),
        ("AVERAGE_POOL_2D", 2),
        ("RESHAPE", 1),
        ("FULLY_CONNECTED", 4),
        ("SOFTMAX", 2),
        ("DEQUANTIZE", 2),
    ];
    assert_eq!(names(&model), expected);
    for (name, axis, channels) in [("CONV_2D", 0, 8), ("DEPTHWISE_CONV_2D", 3, 8), ("FULLY_CONNECTED", 0, 4)]
    {
        let (scales, _, found) = quantization(operand(&model, name, Some(1)));
        assert_eq!((scales.len(), found), (channels, axis), "{name}");
    }
    let (input, _, _) = quantization(operand(&model, "CONV_2D", Some(0)));
    let (weights, _, _) = quantization(operand(&model, "CONV_2D", Some(1)));
    let (bias, _, _) = quantization(operand(&model, "CONV_2D", Some(2)));
    let products: Vec<f32> = weights.iter().map(|scale| scale * input[0]).collect();
    assert_eq!(bias, products);
    assert_eq!(operand(&model, "CONV_2D", Some(2)).type_, TensorType::INT32);
    let softmax = quantization(operand(&model, "SOFTMAX", None));
    assert_eq!((softmax.0, softmax.1), (&[1.0 / 256.0][..], &[-128][..]));
    for name in ["AVERAGE_POOL_2D", "RESHAPE"] {
        assert_eq!(
            quantization(operand(&model, name, None)),
            quantization(operand(&model, name, Some(0))),
            "{name}"
        );
    }
}

#[test]
fn door_has_the_type_asked_for_and_the_name_users_know() {
    let file = tiny::bytes(&tiny::model());
    for (io, dtype, added) in [
        (Io::Float, TensorType::FLOAT32, 2),
        (Io::Int8, TensorType::INT8, 0),
        (Io::Uint8, TensorType::UINT8, 2),
    ] {
        let model = converted(&file, Quantize::FullInt8, io);
        let subgraph = &model.subgraphs.as_ref().expect("subgraphs")[0];
        let input = subgraph.inputs.as_ref().expect("inputs")[0] as usize;
        let output = subgraph.outputs.as_ref().expect("outputs")[0] as usize;
        assert_eq!((tensors(&model)[input].type_, tensors(&model)[output].type_), (dtype, dtype), "{io}");
        assert_eq!(tensors(&model)[input].name.as_deref(), Some("serving_default_x:0"), "{io}");
        assert_eq!(tensors(&model)[output].name.as_deref(), Some("StatefulPartitionedCall:0"), "{io}");
        assert_eq!(names(&model).len(), tiny::OPERATORS + added, "{io}");
        let signature = &model.signature_defs.as_ref().expect("signatures")[0];
        assert_eq!(signature.inputs.as_ref().expect("inputs")[0].tensor_index as usize, input, "{io}");
        assert_eq!(signature.outputs.as_ref().expect("outputs")[0].tensor_index as usize, output, "{io}");
    }
}

#[test]
fn uint8_door_is_the_int8_tensor_moved_by_128() {
    let model = converted(&tiny::bytes(&tiny::model()), Quantize::FullInt8, Io::Uint8);
    let outer = quantization(operand(&model, "QUANTIZE", Some(0)));
    let inner = quantization(operand(&model, "QUANTIZE", None));
    assert_eq!((outer.0, outer.1[0]), (inner.0, inner.1[0] + 128));
}

/// The tiny network with an operator in its middle that has no int8 form.
fn with_float_operator() -> Vec<u8> {
    let mut model = tiny::model();
    let code = &mut model.operator_codes.as_mut().expect("codes")[3];
    (code.builtin_code, code.deprecated_builtin_code) = (BuiltinOperator::ELU, BuiltinOperator::ELU.0 as i8);
    tiny::subgraph(&mut model).operators.as_mut().expect("operators")[3].builtin_options =
        BuiltinOptionsT::NONE;
    tiny::bytes(&model)
}

#[test]
fn operator_without_int8_form_stays_float_between_conversions() {
    let file = with_float_operator();
    let report =
        convert(&file, &options(Quantize::FullInt8, Io::Int8), Some(&calibration(&file))).expect("converts");
    let skipped: Vec<_> =
        report.report.skipped.iter().map(|skip| (skip.operator, skip.name.as_str())).collect();
    // The reshape behind it only moves values, so it stays with it.
    assert_eq!(skipped, [(Some(3), "ELU"), (Some(4), "RESHAPE")]);
    let model = converted(&file, Quantize::FullInt8, Io::Int8);
    let found: Vec<&str> = names(&model).iter().map(|(name, _)| *name).collect();
    let expected = [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "ADD",
        "DEQUANTIZE",
        "ELU",
        "RESHAPE",
        "QUANTIZE",
        "FULLY_CONNECTED",
        "SOFTMAX",
    ];
    assert_eq!(found, expected);
    assert_eq!(operand(&model, "ELU", Some(0)).type_, TensorType::FLOAT32);
}

#[test]
fn constant_of_two_readers_serves_both() {
    let mut model = tiny::model();
    // Both convolutions of the tiny network read the same bias, but with different input scales.
    let operators = tiny::subgraph(&mut model).operators.as_mut().expect("operators");
    operators[1].inputs = Some(vec![3, 4, 2]);
    let model = converted(&tiny::bytes(&model), Quantize::FullInt8, Io::Int8);
    for name in ["CONV_2D", "DEPTHWISE_CONV_2D"] {
        let (input, _, _) = quantization(operand(&model, name, Some(0)));
        let (weights, _, _) = quantization(operand(&model, name, Some(1)));
        let (bias, _, _) = quantization(operand(&model, name, Some(2)));
        assert_eq!(bias[0], input[0] * weights[0], "{name}");
    }
}

#[test]
fn half_precision_model_can_become_int8() {
    let file = tiny::bytes(&tiny::model());
    let half = convert(&file, &options(Quantize::Fp16, Io::Float), None).expect("converts").bytes;
    let mut calibration = calibration(&half);
    calibration.tensors.retain(|range| !range.name.starts_with('f') || range.name == "flat");
    let int8 =
        convert(&half, &options(Quantize::FullInt8, Io::Int8), Some(&calibration)).expect("converts").bytes;
    let model = verified_root(&int8).expect("verifies").unpack();
    assert_eq!(names(&model).len(), tiny::OPERATORS);
}

#[test]
fn variant_that_would_change_nothing_is_an_error() {
    let file = tiny::bytes(&tiny::model());
    let int8 =
        convert(&file, &options(Quantize::FullInt8, Io::Int8), Some(&calibration(&file))).expect("converts");
    let error = |quantize| convert(&int8.bytes, &options(quantize, Io::Float), None).unwrap_err().to_string();
    assert_eq!(
        error(Quantize::Fp16),
        "quantize fp16: no operator of this model can be quantized: it has no float32 constants"
    );
    assert_eq!(
        error(Quantize::DynamicInt8),
        "quantize dynamic-int8: no operator of this model can be quantized: CONV_2D: activations are not float32"
    );
}

#[test]
fn variants_of_contradiction_are_errors() {
    let file = tiny::bytes(&tiny::model());
    let error = |quantize, io, calibration| convert(&file, &options(quantize, io), calibration).unwrap_err();
    assert_eq!(
        error(Quantize::FullInt8, Io::Float, None),
        ConvertError::MissingCalibration { quantize: Quantize::FullInt8 }
    );
    assert_eq!(
        error(Quantize::Fp16, Io::Int8, None).to_string(),
        "quantize fp16 has float inputs and outputs, found io int8"
    );
    let mut foreign = calibration(&file);
    foreign.tensors[1].name = "another".into();
    assert_eq!(
        error(Quantize::FullInt8, Io::Float, Some(&foreign)).to_string(),
        "calibration of tensor 3: expected \"conv/Relu6;conv/bn;conv/add\", found \"another\""
    );
    let empty = Calibration::default();
    assert_eq!(
        error(Quantize::FullInt8, Io::Float, Some(&empty)).to_string(),
        "quantize full-int8: no operator of this model can be quantized: CONV_2D: tensor 0 has no observed range"
    );
}

#[test]
fn damage_is_told_apart() {
    let message = |change: Change| {
        let mut model = tiny::model();
        change(&mut model);
        import::tflite(&tiny::bytes(&model)).unwrap_err().to_string()
    };
    let cases: [(Change, &str); 5] = [
        (
            |m| tiny::subgraph(m).inputs = Some(vec![99]),
            "graph inputs: tensor index 99 is out of range, expected less than 13",
        ),
        (
            |m| tiny::subgraph(m).tensors.as_mut().expect("tensors")[2].shape = Some(vec![9]),
            "tensor 2 (conv/b): expected FLOAT32 data of shape [9], found 32 bytes",
        ),
        (
            |m| tiny::subgraph(m).operators.as_mut().expect("operators").swap(0, 1),
            "operator 0 (DEPTHWISE_CONV_2D): unsupported read of tensor 3 before it is written",
        ),
        (
            |m| tiny::subgraph(m).operators.as_mut().expect("operators")[2].outputs = Some(vec![6]),
            "operator 2 (ADD): unsupported second write of tensor 6",
        ),
        (
            |m| {
                let second = tiny::subgraph(m).clone();
                m.subgraphs.as_mut().expect("subgraphs").push(second);
            },
            "model: unsupported number of subgraphs 2",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(message(change), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a file says, it is an error or a model, never a panic.
    #[test]
    fn damaged_files_never_panic(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut file = tiny::bytes(&tiny::model());
        let calibration = calibration(&file);
        for (place, value) in places {
            let place = place.index(file.len());
            file[place] = value;
        }
        if cut {
            file.truncate(length.index(file.len()));
        }
        for (quantize, io) in VARIANTS {
            if let Ok(converted) = convert(&file, &options(quantize, io), Some(&calibration)) {
                prop_assert!(verified_root(&converted.bytes).is_ok());
            }
        }
    }
}
