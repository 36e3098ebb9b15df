//! Networks of others, which our converter has not touched.

use std::path::Path;

use edgebench_converter::{CalibrationOptions, Quantize, Samples, calibrate, convert};
use edgebench_interpreter::{Interpreter, KernelChoice, Model, Options};

use crate::compare::{Comparison, run_ours};
use crate::genuine::Python;

/// Inputs that each network runs on.
const EXAMPLES: usize = 20;

enum Expected {
    BitEqual,
    /// Largest difference of an output value, as a share of the largest value.
    Within(f64),
}

/// Files of the mirror whose operators are there, with what is expected against LiteRT's reference kernels.
const NETWORKS: [(&str, Expected); 9] = [
    ("mobilenet_v1_0.25_224_fp32.tflite", Expected::Within(1e-4)),
    ("mlperf_tiny_ic_resnet8_fp32.tflite", Expected::Within(1e-4)),
    ("mlperf_tiny_ic_resnet8_int8.tflite", Expected::BitEqual),
    // Float at the door and named so, with dynamic-range weights inside.
    ("mlperf_tiny_kws_dscnn_fp32.tflite", Expected::Within(1e-2)),
    ("mlperf_tiny_kws_dscnn_int8.tflite", Expected::BitEqual),
    ("mlperf_tiny_vww_mobilenetv1_fp32.tflite", Expected::Within(1e-4)),
    ("mlperf_tiny_vww_mobilenetv1_int8.tflite", Expected::BitEqual),
    ("mlperf_tiny_ad_autoencoder_fp32.tflite", Expected::Within(1e-4)),
    ("mlperf_tiny_ad_autoencoder_int8.tflite", Expected::BitEqual),
];

/// Reproducible values in [-1, 1).
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Values that make use of the input's range: all of an integer's, [-1, 1) of a float's.
fn examples(file: &[u8]) -> Vec<Vec<f32>> {
    let model = Model::load(file).expect("loads");
    let interpreter = Interpreter::new(&model, &Options::default()).expect("prepares");
    let input = interpreter.input(0).expect("input");
    let (middle, reach) = match input.scale_zero_point {
        None => (0.0, 1.0),
        Some((scale, zero_point)) => (-scale * zero_point as f32, 128.0 * scale),
    };
    let count = input.shape.iter().product();
    let stretched = |seed| noise(count, seed).iter().map(|value| middle + value * reach).collect();
    (1..=EXAMPLES as u64).map(stretched).collect()
}

#[test]
fn networks_of_others_agree_with_litert() {
    let Some(python) = Python::find() else { return };
    let Some(mirror) = std::env::var_os("EDGEBENCH_MIRROR") else {
        println!("skipped: EDGEBENCH_MIRROR names no folder with the mirrored models");
        return;
    };
    let mut wrong = Vec::new();
    for (name, expected) in NETWORKS {
        let file =
            std::fs::read(Path::new(&mirror).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let ours = run_ours(&file, &examples(&file), KernelChoice::Auto);
        let comparison = Comparison::of(&ours, &python.run(&file, "ref", &ours.inputs));
        println!("{name}: {comparison}");
        let fine = match expected {
            Expected::BitEqual => comparison.differing == 0,
            Expected::Within(bound) => comparison.largest <= bound,
        };
        if !fine {
            wrong.push(format!("{name}: {comparison}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Examples as representative data.
struct Examples(Vec<Vec<f32>>);

impl Samples for Examples {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn sample(&self, index: usize) -> Result<Vec<Vec<f32>>, String> {
        Ok(vec![self.0[index].clone()])
    }
}

/// Float networks of others, in every variant that our converter writes of them.
#[test]
fn variants_of_others_networks_agree_with_litert() {
    let Some(python) = Python::find() else { return };
    let Some(mirror) = std::env::var_os("EDGEBENCH_MIRROR") else {
        println!("skipped: EDGEBENCH_MIRROR names no folder with the mirrored models");
        return;
    };
    for name in [
        "mobilenet_v1_0.25_224_fp32.tflite",
        "mlperf_tiny_ic_resnet8_fp32.tflite",
        "mlperf_tiny_vww_mobilenetv1_fp32.tflite",
        "mlperf_tiny_ad_autoencoder_fp32.tflite",
    ] {
        let float =
            std::fs::read(Path::new(&mirror).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let examples = examples(&float);
        let samples = Examples(examples.clone());
        let calibration = calibrate(&float, &samples, &CalibrationOptions::default(), &mut |_, _| ());
        let calibration = calibration.expect("calibrates");
        for quantize in Quantize::ALL {
            let options = edgebench_converter::Options { quantize, ..Default::default() };
            let file = convert(&float, &options, Some(&calibration)).expect("converts").bytes;
            let ours = run_ours(&file, &examples[..EXAMPLES / 2], KernelChoice::Auto);
            let comparison = Comparison::of(&ours, &python.run(&file, "ref", &ours.inputs));
            println!("{name} {quantize}: {comparison}");
            match quantize {
                Quantize::FullInt8 => assert_eq!(comparison.differing, 0, "{name} {quantize}: {comparison}"),
                // The autoencoder's outputs reach some 40; the others' are probabilities.
                Quantize::None | Quantize::Fp16 => {
                    assert!(comparison.largest <= 1e-4, "{name} {quantize}: {comparison}");
                }
                Quantize::DynamicInt8 => {
                    assert!(comparison.largest <= 0.05, "{name} {quantize}: {comparison}");
                }
            }
        }
    }
}
