//! Which operator of a quantized network does the harm.
//!
//! Each operator is quantized by itself: it gets the inputs that it has in the float network, rounded as it takes them,
//! and its float counterpart gets the very same rounded inputs. What differs between the two is the error that this
//! operator makes: its weights, its arithmetic, the step of its output. That error alone is then added to the tensor in
//! the float network, which goes on from there; how far its output moves is what the operator costs. An operator with a
//! wrong scale shows an error of its own beyond rounding; one whose step is too coarse for what follows shows a small
//! error and a large effect. (LiteRT's quantization debugger has the first of the two figures, as the root of the mean
//! squared error by the scale.)
//!
//! Pure: bytes of two models and examples in, figures out.

mod network;
mod tensor;

use edgebench_converter::{ConvertError, InferOptions, LooseTensor, OperatorModel, infer};
use edgebench_reports::beside::Layer;

use crate::dataset::{PackError, TensorPack};
use network::{Float, Quantized};
use tensor::{Step, floats, loose};

/// The first examples of a pack as inputs of a network with one input.
///
/// # Errors
/// When the pack cannot be read.
pub fn examples_of(pack: &TensorPack, count: u32) -> Result<Vec<Vec<LooseTensor>>, PackError> {
    (0..pack.count().min(count)).map(|index| Ok(vec![example_of(pack, index)?])).collect()
}

/// One example of a pack, by its place in it, as a batch of one.
///
/// # Errors
/// When there is no such example, or it cannot be read.
pub fn example_of(pack: &TensorPack, index: u32) -> Result<LooseTensor, PackError> {
    let dimensions = pack.dimensions().iter().map(|one| usize::try_from(*one).unwrap_or(usize::MAX));
    let bytes = pack.example(index)?.iter().flat_map(|value| value.to_ne_bytes()).collect();
    let shape = std::iter::once(1).chain(dimensions).collect();
    Ok(LooseTensor { name: None, dtype: "float32".to_owned(), shape, bytes })
}

/// Looks at every operator of `quantized` that has a counterpart in `float`, on examples that are inputs of both.
/// `progress` hears how many operators are done, of how many. In execution order; what has no counterpart, or several
/// outputs, is left out.
///
/// # Errors
/// When a model does not run on the examples, or is not one graph that can be taken apart.
pub fn compare(
    float: &[u8],
    quantized: &[u8],
    examples: &[Vec<LooseTensor>],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Layer>, ConvertError> {
    let Some(first) = examples.first() else { return Ok(Vec::new()) };
    let floats = examples.iter().map(|example| Float::run(float, example)).collect::<Result<Vec<_>, _>>()?;
    let Some(network) = floats.first() else { return Ok(Vec::new()) };
    let quantized = Quantized::run(quantized, first, network)?;
    let matched: Vec<Matched> = quantized
        .operators
        .iter()
        .filter_map(|operator| Matched::of(operator, &quantized, network))
        .collect();
    let mut layers = Vec::new();
    for (done, one) in matched.iter().enumerate() {
        progress(done, matched.len());
        let mut sums = Sums::default();
        let measured = floats.iter().try_for_each(|run| one.measure(run, &mut sums));
        // What cannot be cut out and run by itself has no figures; the others have.
        if measured.is_ok() {
            layers.push(one.layer(&sums));
        }
    }
    Ok(layers)
}

/// An operator with its counterpart in the float network and everything behind that.
struct Matched {
    own: OperatorModel,
    counterpart: OperatorModel,
    behind: Option<OperatorModel>,
    /// The tensor that the counterpart computes, by index in the float network.
    output: usize,
    name: String,
    /// Step of the quantized output; none for a float one.
    step: Option<Step>,
    /// Inputs: index in the quantized network, index in the float network, step.
    inputs: Vec<(usize, usize, Option<Step>)>,
}

impl Matched {
    fn of(own: &OperatorModel, quantized: &Quantized, float: &Float) -> Option<Self> {
        let [own_output] = own.outputs[..] else { return None };
        let output = quantized.counterpart(own_output)?;
        let counterpart = float.operators.iter().find(|one| one.outputs == [output])?.clone();
        // A QUANTIZE or DEQUANTIZE at the door bears the name of what it passes on.
        if counterpart.name != own.name {
            return None;
        }
        let inputs = own.inputs.iter();
        let inputs = inputs
            .map(|input| Some((*input, quantized.counterpart(*input)?, quantized.step(*input))))
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            behind: float.parts.behind(counterpart.index),
            own: own.clone(),
            counterpart,
            output,
            name: float.name(output),
            step: quantized.step(own_output),
            inputs,
        })
    }

    /// Adds one example.
    fn measure(&self, run: &Float, sums: &mut Sums) -> Result<(), ConvertError> {
        let rounded = self.rounded_inputs(run)?;
        let named =
            |(tensor, name): (&LooseTensor, usize)| LooseTensor { name: Some(place(name)), ..tensor.clone() };
        let own: Vec<LooseTensor> =
            rounded.iter().zip(&self.inputs).map(|(tensor, (own, ..))| named((tensor, *own))).collect();
        let theirs: Vec<LooseTensor> = rounded
            .iter()
            .zip(&self.inputs)
            .map(|(tensor, (_, float, step))| match step {
                Some(_) => named((&loose(&tensor.shape, &floats(tensor, *step)), *float)),
                None => named((tensor, *float)),
            })
            .collect();
        let got = values(&self.own.model, &own, self.step)?;
        let right = values(&self.counterpart.model, &theirs, None)?;
        let error: Vec<f64> = got.iter().zip(&right).map(|(got, right)| got - right).collect();
        sums.add_error(&error);
        self.effect(run, &error, sums)
    }

    /// The inputs of the float network as the quantized operator takes them.
    fn rounded_inputs(&self, run: &Float) -> Result<Vec<LooseTensor>, ConvertError> {
        let given = self.inputs.iter().map(|(_, float, step)| {
            let tensor = run.tensor(*float)?;
            Ok(match step {
                Some(step) => step.rounded(tensor),
                None => tensor.clone(),
            })
        });
        given.collect()
    }

    /// What the error does to the output of the float network.
    fn effect(&self, run: &Float, error: &[f64], sums: &mut Sums) -> Result<(), ConvertError> {
        let tensor = run.tensor(self.output)?;
        if run.outputs.contains(&self.output) {
            sums.add_effect(&floats(tensor, None), error);
        }
        let Some(behind) = &self.behind else { return Ok(()) };
        let spoilt: Vec<f64> =
            floats(tensor, None).iter().zip(error).map(|(value, error)| value + error).collect();
        let input = |index: &usize| {
            let tensor = run.tensor(*index)?;
            let given = if *index == self.output { loose(&tensor.shape, &spoilt) } else { tensor.clone() };
            Ok(LooseTensor { name: Some(place(*index)), ..given })
        };
        let inputs = behind.inputs.iter().map(input).collect::<Result<Vec<_>, ConvertError>>()?;
        let outputs = infer(&behind.model, &inputs, &plain())?;
        for (output, index) in outputs.iter().zip(&behind.outputs) {
            let right = floats(run.tensor(*index)?, None);
            let moved: Vec<f64> =
                floats(output, None).iter().zip(&right).map(|(got, right)| got - right).collect();
            sums.add_effect(&right, &moved);
        }
        Ok(())
    }

    fn layer(&self, sums: &Sums) -> Layer {
        Layer {
            index: self.own.index,
            operator: self.own.name.clone(),
            tensor: self.name.clone(),
            rmse_steps: self.step.map(|step| sums.rmse() / f64::from(step.scale)),
            alone_snr_db: sums.snr_db(),
        }
    }
}

/// Nothing of the output is left.
const DROWNED_DB: f64 = -200.0;

/// Names of inputs and outputs of parts of a network.
fn place(index: usize) -> String {
    format!("tensor_{index}")
}

fn values(model: &[u8], inputs: &[LooseTensor], step: Option<Step>) -> Result<Vec<f64>, ConvertError> {
    let outputs = infer(model, inputs, &plain())?;
    Ok(outputs.first().map(|output| floats(output, step)).unwrap_or_default())
}

fn plain() -> InferOptions {
    InferOptions { threads: 1, kernels: "auto".to_owned(), dump_all: false, signature: None }
}

/// Squares, over all examples.
#[derive(Default)]
struct Sums {
    error: f64,
    elements: usize,
    output: f64,
    moved: f64,
}

impl Sums {
    fn add_error(&mut self, error: &[f64]) {
        self.error += squares(error);
        self.elements += error.len();
    }

    fn add_effect(&mut self, right: &[f64], moved: &[f64]) {
        self.output += squares(right);
        self.moved += squares(moved);
    }

    fn rmse(&self) -> f64 {
        (self.error / self.elements.max(1) as f64).sqrt()
    }

    /// None without an error. An output that is no number any more has drowned.
    fn snr_db(&self) -> Option<f64> {
        let ratio = if self.moved.is_finite() { self.output / self.moved } else { 0.0 };
        (self.moved != 0.0).then(|| (10.0 * ratio.log10()).max(DROWNED_DB))
    }
}

fn squares(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}
