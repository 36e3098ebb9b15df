//! `bench convert`: a quantized variant of a float model.

use std::path::{Path, PathBuf};

use edgebench_converter::{
    Calibration, CalibrationOptions, ConvertReport, Io, Method, Options, Quantize, Samples, calibrate,
    convert,
};

use super::{Terminal, print};
use crate::dataset::TensorPack;
use crate::error::{BenchError, ExitCode};
use crate::npy::{self, Array};
use crate::run::write_whole;

/// Arguments of `bench convert`.
#[derive(clap::Args, Debug)]
pub(super) struct ConvertArgs {
    /// A float .tflite file.
    model: PathBuf,
    /// The variant: none, fp16, dynamic-int8 or full-int8.
    #[arg(long, value_name = "VARIANT")]
    quantize: Quantize,
    /// Representative inputs for full-int8: a .npy or .npz file whose first axis counts examples (one array a network
    /// input), or a tensor pack.
    #[arg(long, value_name = "PATH")]
    calibration: Option<PathBuf>,
    /// How many of the examples to calibrate with; all when there are fewer.
    #[arg(long, value_name = "N", default_value_t = CalibrationOptions::default().samples, requires = "calibration")]
    samples: usize,
    /// Seed that picks the examples.
    #[arg(long, value_name = "S", default_value_t = CalibrationOptions::default().seed)]
    seed: u64,
    /// Type of the network's own inputs and outputs: float, int8 or uint8.
    #[arg(long, value_name = "TYPE", default_value_t = Io::Float)]
    io: Io,
    /// Where to write the variant.
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,
    /// Also write what was done, tensor by tensor, as JSON.
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,
}

pub(super) fn run(arguments: &ConvertArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let model = std::fs::read(&arguments.model).map_err(|cause| BenchError::read(&arguments.model, cause))?;
    let of_model = |error| BenchError::model(&arguments.model, &error);
    let calibration = match (&arguments.calibration, arguments.quantize.needs_calibration()) {
        (Some(path), true) => {
            Some(observe(&model, path, arguments).map_err(|error| error.into_bench(&arguments.model))?)
        }
        _ => None,
    };
    let options = Options { quantize: arguments.quantize, io: arguments.io, seed: arguments.seed };
    let converted = convert(&model, &options, calibration.as_ref()).map_err(of_model)?;
    write_whole(&arguments.output, &converted.bytes)
        .map_err(|cause| BenchError::write(&arguments.output, cause))?;
    if let Some(path) = &arguments.report {
        let json =
            serde_json::to_vec_pretty(&converted.report).map_err(|cause| BenchError::internal(&cause))?;
        write_whole(path, &json).map_err(|cause| BenchError::write(path, cause))?;
    }
    print(&summary(arguments, &converted.report, calibration.as_ref()))?;
    Ok(ExitCode::Pass)
}

/// Either the samples cannot be read, or the model cannot be calibrated with them.
enum ObserveError {
    Data(BenchError),
    Model(edgebench_converter::ConvertError),
}

impl ObserveError {
    fn into_bench(self, model: &Path) -> BenchError {
        match self {
            Self::Data(error) => error,
            Self::Model(error) => BenchError::model(model, &error),
        }
    }
}

fn observe(model: &[u8], path: &Path, arguments: &ConvertArgs) -> Result<Calibration, ObserveError> {
    let samples = open_samples(path).map_err(ObserveError::Data)?;
    let options =
        CalibrationOptions { samples: arguments.samples, seed: arguments.seed, method: Method::MinMax };
    calibrate(model, samples.as_ref(), &options, &mut |_, _| ()).map_err(ObserveError::Model)
}

fn open_samples(path: &Path) -> Result<Box<dyn Samples>, BenchError> {
    let numpy = path.extension().is_some_and(|extension| extension == "npy" || extension == "npz");
    if numpy {
        Ok(Box::new(ArraySamples::new(npy::read(path)?)))
    } else {
        Ok(Box::new(TensorPack::open(path)?))
    }
}

/// NumPy arrays as samples: the first axis counts them, and each array is one network input.
struct ArraySamples {
    arrays: Vec<(Vec<usize>, Vec<f32>)>,
}

impl ArraySamples {
    fn new(arrays: Vec<Array>) -> Self {
        Self { arrays: arrays.into_iter().map(|array| (array.shape, array.values.to_f32())).collect() }
    }
}

impl Samples for ArraySamples {
    fn len(&self) -> usize {
        self.arrays.iter().map(|(shape, _)| shape.first().copied().unwrap_or(0)).min().unwrap_or(0)
    }

    fn sample(&self, index: usize) -> Result<Vec<Vec<f32>>, String> {
        let one = |(shape, values): &(Vec<usize>, Vec<f32>)| {
            let length: usize = shape.iter().skip(1).product();
            let values = values.get(index * length..(index + 1) * length);
            values
                .map(<[f32]>::to_vec)
                .ok_or_else(|| format!("array of shape {shape:?} has no example {index}"))
        };
        self.arrays.iter().map(one).collect()
    }
}

fn summary(arguments: &ConvertArgs, report: &ConvertReport, calibration: Option<&Calibration>) -> String {
    let mut text = format!(
        "{}: {} bytes, {:.3} of {}'s {} bytes\n",
        arguments.output.display(),
        report.output_bytes,
        report.output_bytes as f64 / report.input_bytes.max(1) as f64,
        arguments.model.display(),
        report.input_bytes,
    );
    if let Some(calibration) = calibration {
        text += &format!("calibrated with {} examples, seed {}\n", calibration.samples, calibration.seed);
    }
    for skipped in &report.skipped {
        text += &format!("left as it was: {}: {}\n", skipped.name, skipped.reason);
    }
    text
}
