//! Our files in the genuine LiteRT, and our interpreter beside it.
//!
//! Needs the environment variable `EDGEBENCH_PYTHON`, a Python that has the packages of `ci/litert/requirements.txt`;
//! without it every test here says that it was skipped. `EDGEBENCH_MIRROR`, a folder with the mirrored models, adds those.
#![forbid(unsafe_code)]

mod compare;
mod digits;
mod genuine;
mod mirrored;

use edgebench_converter::{
    Calibration, CalibrationOptions, Io, Options, Quantize, Samples, calibrate, convert,
};
use edgebench_interpreter::KernelChoice;

use compare::{Comparison, run_ours};
use digits::Digits;
use genuine::Python;

/// Images of the shorter comparisons.
const A_FEW: usize = 60;

/// The calibration split, in its order.
struct CalibrationSplit(Vec<Vec<f32>>);

impl Samples for CalibrationSplit {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn sample(&self, index: usize) -> Result<Vec<Vec<f32>>, String> {
        Ok(vec![self.0[index].clone()])
    }
}

/// A calibration as the suite asks for it.
fn suite_calibration(digits: &Digits) -> Calibration {
    let samples = CalibrationSplit(digits.images("calibration"));
    let how = CalibrationOptions { samples: 300, ..CalibrationOptions::default() };
    let mut steps = Vec::new();
    let calibration = calibrate(&digits.model(), &samples, &how, &mut |done, all| steps.push((done, all)));
    assert_eq!((steps.len(), steps.first(), steps.last()), (301, Some(&(0, 300)), Some(&(300, 300))));
    calibration.expect("calibrates")
}

fn variant(digits: &Digits, quantize: Quantize, io: Io, calibration: Option<&Calibration>) -> Vec<u8> {
    let options = Options { quantize, io, ..Options::default() };
    let file = convert(&digits.model(), &options, calibration).expect("converts").bytes;
    let again = convert(&digits.model(), &options, calibration).expect("converts again").bytes;
    assert!(file == again, "{quantize} {io}: the same input gave other bytes");
    file
}

/// The same seed gives the same calibration, and so the same file; the ranges are those of a classifier.
#[test]
fn calibration_is_reproducible() {
    let digits = Digits::read();
    let samples = CalibrationSplit(digits.images("calibration"));
    let of = |seed| {
        let how = CalibrationOptions { samples: 5, seed, ..CalibrationOptions::default() };
        calibrate(&digits.model(), &samples, &how, &mut |_, _| ()).expect("calibrates")
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    let calibration = of(1);
    let (input, output) = (&calibration.tensors[0], calibration.tensors.last().expect("ranges"));
    assert!((-1.0..=1.0).contains(&input.min) && (-1.0..=1.0).contains(&input.max), "{input:?}");
    assert_eq!((input.values, input.nan, input.infinite), (5 * 96 * 96, 0, 0));
    assert!(output.min >= 0.0 && output.max <= 1.0, "{output:?}");
}

#[test]
fn sizes_are_small() {
    let digits = Digits::read();
    let calibration = suite_calibration(&digits);
    let float = digits.model().len();
    for (quantize, io, most) in [
        (Quantize::None, Io::Float, 1.0),
        (Quantize::Fp16, Io::Float, 0.51),
        (Quantize::DynamicInt8, Io::Float, 0.28),
        (Quantize::FullInt8, Io::Float, 0.28),
        (Quantize::FullInt8, Io::Int8, 0.28),
        (Quantize::FullInt8, Io::Uint8, 0.28),
    ] {
        let bytes = variant(&digits, quantize, io, Some(&calibration)).len();
        let share = bytes as f64 / float as f64;
        println!("{quantize} {io}: {bytes} bytes, {share:.4} of the float file's {float}");
        assert!(share <= most, "{quantize} {io} is {share:.4} of the float file, expected at most {most}");
    }
}

/// Every variant of the suite's network, on every image of its test split.
#[test]
fn digits_network_agrees_with_litert() {
    let Some(python) = Python::find() else { return };
    let digits = Digits::read();
    let calibration = suite_calibration(&digits);
    let images = digits.images("test");
    let labels = digits.labels("test");
    for (quantize, kernels) in [
        (Quantize::None, "ref"),
        (Quantize::None, "default"),
        (Quantize::Fp16, "ref"),
        (Quantize::Fp16, "default"),
        (Quantize::DynamicInt8, "ref"),
        (Quantize::FullInt8, "ref"),
    ] {
        let file = variant(&digits, quantize, Io::Float, Some(&calibration));
        let ours = run_ours(&file, &images, KernelChoice::Auto);
        let theirs = python.run(&file, kernels, &ours.inputs);
        let comparison = Comparison::of(&ours, &theirs);
        println!(
            "{quantize}: top-1 {} of {}; against {kernels}: {comparison}",
            ours.right(&labels),
            labels.len()
        );
        match quantize {
            Quantize::FullInt8 => assert_eq!(comparison.differing, 0, "int8 must be bit-equal"),
            // Measured: see `hybrid_bound`.
            Quantize::DynamicInt8 => assert!(comparison.largest <= hybrid_bound(), "{comparison}"),
            Quantize::None | Quantize::Fp16 => {
                assert_eq!(comparison.flips, 0, "{quantize} against {kernels}");
                assert!(comparison.largest <= FLOAT_BOUND, "{quantize} against {kernels}: {comparison}");
            }
        }
    }
}

/// Largest difference of a float probability. Sums are ordered differently in each kernel set; measured 7e-6.
const FLOAT_BOUND: f64 = 1e-4;

/// Largest difference of a probability of the dynamic-range network.
fn hybrid_bound() -> f64 {
    1e-2
}

/// The three types at the door, bit for bit.
#[test]
fn every_door_of_the_int8_network_agrees_with_litert() {
    let Some(python) = Python::find() else { return };
    let digits = Digits::read();
    let calibration = suite_calibration(&digits);
    let images = &digits.images("test")[..A_FEW];
    for io in [Io::Float, Io::Int8, Io::Uint8] {
        let file = variant(&digits, Quantize::FullInt8, io, Some(&calibration));
        for choice in [KernelChoice::Reference, KernelChoice::Portable, KernelChoice::Auto] {
            let ours = run_ours(&file, images, choice);
            let theirs = python.run(&file, "ref", &ours.inputs);
            let comparison = Comparison::of(&ours, &theirs);
            println!("full-int8 {io}, our {choice} kernels against ref: {comparison}");
            assert_eq!(comparison.differing, 0, "{io}, {choice}");
        }
    }
}
