//! Our files in the genuine LiteRT, and our interpreter beside it.
//!
//! Needs the environment variable `EDGEBENCH_PYTHON`, a Python that has the packages of `ci/litert/requirements.txt`;
//! without it every test here says that it was skipped. `EDGEBENCH_MIRROR`, a folder with the mirrored models, adds those.
#![forbid(unsafe_code)]

mod compare;
mod digits;
mod genuine;
mod mirrored;

use std::sync::OnceLock;

use edgebench_converter::{
    Calibration, CalibrationOptions, Io, Options, Quantize, Samples, calibrate, convert,
};
use edgebench_interpreter::{KernelChoice, KernelSet};

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

/// A calibration as the suite asks for it: the whole split.
fn suite_calibration(digits: &Digits) -> &'static Calibration {
    static CALIBRATION: OnceLock<Calibration> = OnceLock::new();
    CALIBRATION.get_or_init(|| {
        let samples = CalibrationSplit(digits.images("calibration"));
        let how = CalibrationOptions { samples: 300, ..CalibrationOptions::default() };
        let mut steps = Vec::new();
        let calibration =
            calibrate(&digits.model(), &samples, &how, &mut |done, all| steps.push((done, all)));
        assert_eq!((steps.len(), steps[0], steps[300]), (301, (0, 300), (300, 300)));
        calibration.expect("calibrates")
    })
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
        let bytes = variant(&digits, quantize, io, Some(calibration)).len();
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
    for quantize in Quantize::ALL {
        let file = variant(&digits, quantize, Io::Float, Some(calibration));
        let ours = [KernelChoice::Only(KernelSet::Portable), KernelChoice::Auto]
            .map(|choice| (choice, run_ours(&file, &images, choice)));
        for kernels in ["ref", "default"] {
            let theirs = python.run(&file, kernels, &ours[0].1.inputs);
            for (choice, ours) in &ours {
                let comparison = Comparison::of(ours, &theirs);
                let right = ours.right(&labels);
                println!(
                    "{quantize}: {choice} kernels, top-1 {right} of 360, against {kernels}: {comparison}"
                );
                check(quantize, *choice, kernels, &comparison);
            }
        }
    }
}

/// Float and half networks differ from every kernel set of LiteRT by the order of their sums. Integers and hybrids are
/// LiteRT's reference kernels, from which its own default kernels (XNNPACK) differ.
fn check(quantize: Quantize, choice: KernelChoice, kernels: &str, comparison: &Comparison) {
    let place = format!("{quantize} with {choice} against {kernels}: {comparison}");
    match (quantize, kernels) {
        (Quantize::FullInt8, "ref") => assert_eq!(comparison.differing, 0, "{place}"),
        (Quantize::DynamicInt8, "ref") => {
            let bound = if choice == KernelChoice::Only(KernelSet::Portable) {
                SAME_ORDER_BOUND
            } else {
                HYBRID_BOUND
            };
            assert!(comparison.flips == 0 && comparison.largest <= bound, "{place}");
        }
        (Quantize::None | Quantize::Fp16, _) => {
            assert!(comparison.flips == 0 && comparison.largest <= FLOAT_BOUND, "{place}");
        }
        _ => assert!(comparison.flips <= XNNPACK_FLIPS, "{place}"),
    }
}

/// Largest difference of a probability of a float network; measured 2.4e-6 (against XNNPACK).
const FLOAT_BOUND: f64 = 1e-5;

/// The same where sums have the reference's order; measured 3.8e-9 (the exponentials of the softmax).
const SAME_ORDER_BOUND: f64 = 1e-7;

/// The same for hybrids with sums in another order, which can bring an activation to the next of its 255 steps.
const HYBRID_BOUND: f64 = 0.05;

/// Predictions out of 360 that LiteRT's default kernels may make otherwise than its reference kernels; measured 0.
const XNNPACK_FLIPS: usize = 3;

/// The three types at the door, bit for bit.
#[test]
fn every_door_of_the_int8_network_agrees_with_litert() {
    let Some(python) = Python::find() else { return };
    let digits = Digits::read();
    let calibration = suite_calibration(&digits);
    let images = &digits.images("test")[..A_FEW];
    for io in [Io::Float, Io::Int8, Io::Uint8] {
        let file = variant(&digits, Quantize::FullInt8, io, Some(calibration));
        let runs: Vec<_> = KernelChoice::all()
            .filter(|choice| choice.is_available())
            .map(|choice| (choice, run_ours(&file, images, choice)))
            .collect();
        let theirs = python.run(&file, "ref", &runs[0].1.inputs);
        for (choice, ours) in runs {
            let comparison = Comparison::of(&ours, &theirs);
            println!("full-int8 {io}, our {choice} kernels against ref: {comparison}");
            assert_eq!(comparison.differing, 0, "{io}, {choice}");
        }
    }
}
