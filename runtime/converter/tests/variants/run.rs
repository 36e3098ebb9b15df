//! What needs our interpreter: calibration, and the half of an inspection that only a run knows.

use edgebench_converter::{
    CalibrationOptions, ConvertError, Io, Options, Quantize, Samples, calibrate, convert, inspect,
};
use edgebench_interpreter::{Interpreter, Model};
use edgebench_schema::tflite::*;

use crate::tiny;

/// Elements of the tiny network's input.
const ELEMENTS: usize = 6 * 6 * 3;

/// Noise; one sample may be unreadable, and any may have a wrong shape.
struct Noise {
    count: usize,
    unreadable: Option<usize>,
    inputs: usize,
    elements: usize,
}

impl Noise {
    fn fitting(count: usize) -> Self {
        Self { count, unreadable: None, inputs: 1, elements: ELEMENTS }
    }
}

impl Samples for Noise {
    fn len(&self) -> usize {
        self.count
    }

    fn sample(&self, index: usize) -> Result<Vec<Vec<f32>>, String> {
        if self.unreadable == Some(index) {
            return Err("no such file".into());
        }
        let values = (0..self.elements).map(|element| tiny::noise(index * ELEMENTS + element)).collect();
        Ok(vec![values; self.inputs])
    }
}

fn words(samples: &Noise) -> String {
    let file = tiny::bytes(&tiny::model());
    calibrate(&file, samples, &CalibrationOptions::default(), &mut |_, _| ()).unwrap_err().to_string()
}

#[test]
fn calibration_names_every_float_activation() {
    let file = tiny::bytes(&tiny::model());
    let mut steps = Vec::new();
    let how = CalibrationOptions { samples: 4, ..CalibrationOptions::default() };
    let mut progress = |done, all| steps.push((done, all));
    let calibration = calibrate(&file, &Noise::fitting(9), &how, &mut progress).expect("calibrates");
    assert_eq!(steps, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]);
    let tensors: Vec<usize> = calibration.tensors.iter().map(|range| range.tensor).collect();
    assert_eq!(tensors, [0, 3, 6, 7, 8, 9, 11, 12]);
    let of = |tensor| calibration.range(tensor).expect("a range");
    assert_eq!((of(0).name.as_str(), of(0).values), ("serving_default_x:0", 4 * ELEMENTS as u64));
    // ReLU6 and softmax cannot give anything else.
    assert!(of(3).min == 0.0 && of(3).max <= 6.0 && of(3).saturation > 0.1, "{:?}", of(3));
    assert!(of(12).min >= 0.0 && of(12).max <= 1.0, "{:?}", of(12));
    // A reshape moves values and changes none.
    assert_eq!((of(8).min, of(8).max, of(8).saturation), (of(9).min, of(9).max, of(9).saturation));
}

#[test]
fn values_that_are_no_numbers_are_counted() {
    struct Broken;
    impl Samples for Broken {
        fn len(&self) -> usize {
            1
        }

        fn sample(&self, _: usize) -> Result<Vec<Vec<f32>>, String> {
            let mut values = vec![0.25; ELEMENTS];
            (values[0], values[1]) = (f32::NAN, f32::INFINITY);
            Ok(vec![values])
        }
    }
    let file = tiny::bytes(&tiny::model());
    let calibration =
        calibrate(&file, &Broken, &CalibrationOptions::default(), &mut |_, _| ()).expect("calibrates");
    let input = calibration.range(0).expect("a range");
    assert_eq!((input.nan, input.infinite, input.min, input.max), (1, 1, 0.25, 0.25));
}

#[test]
fn samples_that_cannot_be_used() {
    assert_eq!(words(&Noise::fitting(0)), "calibration: no samples");
    assert_eq!(
        words(&Noise { unreadable: Some(1), ..Noise::fitting(3) }),
        "calibration sample 1: no such file"
    );
    assert_eq!(
        words(&Noise { inputs: 2, ..Noise::fitting(3) }),
        "calibration sample 0: expected 1 inputs, found 2"
    );
    assert_eq!(
        words(&Noise { elements: 5, ..Noise::fitting(3) }),
        "calibration sample 0: expected values of shape [1, 6, 6, 3] for input 0, found 5 values"
    );
}

/// The tiny network with an operator that our interpreter does not have.
fn with_unknown_operator() -> Vec<u8> {
    let mut model = tiny::model();
    let code = &mut model.operator_codes.as_mut().expect("codes")[3];
    (code.builtin_code, code.deprecated_builtin_code) = (BuiltinOperator::HASHTABLE, 127);
    tiny::bytes(&model)
}

#[test]
fn network_that_cannot_run_is_not_calibrated_but_inspected() {
    let file = with_unknown_operator();
    let error = calibrate(&file, &Noise::fitting(1), &CalibrationOptions::default(), &mut |_, _| ());
    let cause = "node 3 (HASHTABLE): unsupported operator";
    assert_eq!(error.unwrap_err(), ConvertError::Run { cause: cause.into() });
    let inspection = inspect(&file).expect("inspects");
    assert_eq!(inspection.not_runnable.as_deref(), Some(cause));
    assert_eq!((inspection.macs, inspection.arena), (None, None));
    assert!(inspection.operators.iter().all(|operator| operator.macs.is_none()));
}

#[test]
fn inspection_knows_macs_and_memory() {
    let inspection = inspect(&tiny::bytes(&tiny::model())).expect("inspects");
    let macs: Vec<u64> = inspection.operators.iter().map(|operator| operator.macs.unwrap_or(99)).collect();
    assert_eq!(macs, [6 * 6 * 8 * 27, 6 * 6 * 8 * 9, 0, 0, 0, 4 * 288, 0]);
    assert_eq!(inspection.macs, Some(macs.iter().sum()));
    let arena = inspection.arena.expect("it runs");
    // The input, and the convolution's and the depthwise convolution's results, which the addition reads together.
    assert!(arena.arena_bytes >= (ELEMENTS + 2 * 288) as u64 * 4, "{arena:?}");
    assert!(arena.arena_bytes < arena.without_reuse_bytes && arena.packed_bytes > 0, "{arena:?}");
    assert_eq!(inspection.by_operator[0].name, "CONV_2D");
}

/// Full int8 of a calibration that was really taken stays near the float network.
#[test]
fn calibrated_variant_computes_what_the_float_network_does() {
    let file = tiny::bytes(&tiny::model());
    let samples = Noise::fitting(20);
    let calibration =
        calibrate(&file, &samples, &CalibrationOptions::default(), &mut |_, _| ()).expect("calibrates");
    let options = Options { quantize: Quantize::FullInt8, io: Io::Float, ..Options::default() };
    let int8 = convert(&file, &options, Some(&calibration)).expect("converts").bytes;
    for index in 0..samples.len() {
        let sample = &samples.sample(index).expect("a sample")[0];
        let (float, int8) = (probabilities(&file, sample), probabilities(&int8, sample));
        let difference = float.iter().zip(&int8).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < 0.05, "{float:?} became {int8:?}");
    }
}

fn probabilities(file: &[u8], sample: &[f32]) -> Vec<f32> {
    let model = Model::load(file).expect("loads");
    let mut interpreter = Interpreter::new(&model, &Default::default()).expect("prepares");
    interpreter.set_input_f32(0, sample).expect("fits");
    interpreter.invoke().expect("runs");
    interpreter.output(0).and_then(|view| view.real_values()).expect("floats")
}
