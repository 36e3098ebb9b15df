//! Our runs, and how far LiteRT's are from them.

use std::fmt;

use edgebench_interpreter::{DType, Interpreter, KernelChoice, Model, Options, TensorView};

/// What our interpreter was given and gave, example by example.
pub(crate) struct Ours {
    /// Bytes of input 0.
    pub(crate) inputs: Vec<Vec<u8>>,
    /// Bytes of output 0.
    outputs: Vec<Vec<u8>>,
    dtype: DType,
}

/// Runs a model on real values for its input 0.
pub(crate) fn run_ours(file: &[u8], examples: &[Vec<f32>], kernels: KernelChoice) -> Ours {
    let model = Model::load(file).expect("loads");
    let options = Options { kernels, ..Options::default() };
    let mut interpreter = Interpreter::new(&model, &options).expect("prepares");
    let dtype = interpreter.output(0).expect("output").dtype;
    let mut ours = Ours { inputs: Vec::new(), outputs: Vec::new(), dtype };
    for example in examples {
        interpreter.set_input_f32(0, example).expect("fits");
        ours.inputs.push(interpreter.input(0).expect("input").bytes.to_vec());
        interpreter.invoke().expect("runs");
        ours.outputs.push(interpreter.output(0).expect("output").bytes.to_vec());
    }
    ours
}

impl Ours {
    /// How many predictions are right.
    pub(crate) fn right(&self, labels: &[usize]) -> usize {
        let predicted = self.outputs.iter().map(|bytes| best(bytes, self.dtype));
        predicted.zip(labels).filter(|(predicted, label)| predicted == *label).count()
    }
}

/// Stored values as they are, without scale: floats, or steps.
fn values(bytes: &[u8], dtype: DType) -> Vec<f32> {
    view(bytes, dtype).real_values().expect("numbers")
}

fn best(bytes: &[u8], dtype: DType) -> usize {
    view(bytes, dtype).top(1)[0].0 as usize
}

fn view(bytes: &[u8], dtype: DType) -> TensorView<'_> {
    TensorView { index: 0, name: "", dtype, shape: &[], scale_zero_point: Some((1.0, 0)), bytes }
}

/// How two sets of outputs differ.
pub(crate) struct Comparison {
    /// Predictions that differ.
    pub(crate) flips: usize,
    /// Values that differ.
    pub(crate) differing: usize,
    /// All values.
    all: usize,
    /// Largest difference: of a float, or in steps.
    pub(crate) largest: f64,
}

impl Comparison {
    /// LiteRT's outputs come back to back.
    pub(crate) fn of(ours: &Ours, theirs: &[u8]) -> Self {
        let size = ours.outputs.first().map_or(0, Vec::len);
        assert_eq!(theirs.len(), size * ours.outputs.len(), "LiteRT gave another number of bytes");
        let mut comparison = Self { flips: 0, differing: 0, all: 0, largest: 0.0 };
        for (ours_bytes, theirs_bytes) in ours.outputs.iter().zip(theirs.chunks_exact(size)) {
            let flipped = best(ours_bytes, ours.dtype) != best(theirs_bytes, ours.dtype);
            comparison.flips += usize::from(flipped);
            for (a, b) in values(ours_bytes, ours.dtype).iter().zip(values(theirs_bytes, ours.dtype)) {
                comparison.all += 1;
                comparison.differing += usize::from(*a != b);
                comparison.largest = comparison.largest.max((f64::from(*a) - f64::from(b)).abs());
            }
        }
        comparison
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flips, differing, all, largest } = self;
        write!(f, "{flips} flips, {differing} of {all} values differ, at most by {largest:.3e}")
    }
}
