//! How far our results are from LiteRT's, operator by operator.
//!
//! The network runs once here, and every tensor is kept. Then each operator is cut out as a model of its own and LiteRT
//! runs it on the inputs it had here, so that a difference belongs to that operator alone and none is inherited. The
//! whole network in LiteRT shows what the differences come to at the end. What LiteRT is and how it is called comes in
//! as a function; this module must not know.

mod noise;

use edgebench_converter::{ConvertError, InferOptions, LooseTensor, operator_models, trace};

use crate::distance::{Distance, distance};
use crate::npy::{Array, Values};

pub use noise::noise;

/// Float results nearer than this, relative to the largest value, come from the order of additions in single precision:
/// a few thousand roundings of 2^-24.
pub const FLOAT_ROUNDING: f64 = 1e-5;

/// Runs a model on inputs in its order and returns its outputs; or says why not.
pub type Runner<'a> = &'a mut dyn FnMut(&[u8], &[LooseTensor]) -> Result<Vec<LooseTensor>, String>;

/// What a distance means.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Closeness {
    /// Every bit is the same.
    Equal,
    /// One step of an integer, or no more than [`FLOAT_ROUNDING`] of a float: the other runtime rounds elsewhere.
    Rounding,
    /// More than rounding explains.
    Apart,
}

/// One operator, or the whole network, beside LiteRT.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Comparison {
    /// The operator's index in the file; none for the whole network.
    pub index: Option<usize>,
    /// Name of the operator, such as `CONV_2D`.
    pub operator: String,
    /// Its outputs in order; empty when it was not compared.
    pub outputs: Vec<Distance>,
    /// The worst of its outputs; none when it was not compared.
    pub closeness: Option<Closeness>,
    /// Why it was not compared.
    pub reason: Option<String>,
}

/// A network beside LiteRT.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Parity {
    /// The network as a whole.
    pub network: Comparison,
    /// Each operator by itself, in execution order.
    pub operators: Vec<Comparison>,
}

/// Compares a model with another runtime on these inputs (matched as `bench infer` does). `progress` hears of each
/// operator before it runs there: how many are done, of how many.
///
/// # Errors
/// When the model does not run here, or is not one graph that can be cut.
pub fn compare(
    model: &[u8],
    inputs: &[LooseTensor],
    how: &InferOptions,
    runner: Runner<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Parity, ConvertError> {
    let traced = trace(model, inputs, how)?;
    let whole = runner(model, &traced.inputs);
    let network = comparison(None, "whole network", &traced.outputs, whole);
    let cuts = operator_models(model, &traced)?;
    let mut operators = Vec::new();
    for (done, cut) in cuts.iter().enumerate() {
        progress(done, cuts.len());
        let found = |tensors: &[usize]| -> Option<Vec<LooseTensor>> {
            tensors.iter().map(|index| traced.tensors.get(index).cloned()).collect()
        };
        let (Some(fed), Some(ours)) = (found(&cut.inputs), found(&cut.outputs)) else {
            let folded = Err("computed before the first inference here".to_owned());
            operators.push(comparison(Some(cut.index), &cut.name, &[], folded));
            continue;
        };
        let named = fed.into_iter().zip(&cut.inputs);
        let fed: Vec<LooseTensor> = named
            .map(|(tensor, index)| LooseTensor { name: Some(format!("tensor_{index}")), ..tensor })
            .collect();
        let theirs = runner(&cut.model, &fed);
        operators.push(comparison(Some(cut.index), &cut.name, &ours, theirs));
    }
    Ok(Parity { network, operators })
}

fn comparison(
    index: Option<usize>,
    operator: &str,
    ours: &[LooseTensor],
    theirs: Result<Vec<LooseTensor>, String>,
) -> Comparison {
    let outputs = theirs.and_then(|theirs| distances(ours, &theirs));
    let closeness = outputs.as_ref().ok().and_then(|list| list.iter().map(closeness).max());
    let (outputs, reason) = match outputs {
        Ok(outputs) => (outputs, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    Comparison { index, operator: operator.to_owned(), outputs, closeness, reason }
}

/// Ours beside theirs, in order.
fn distances(ours: &[LooseTensor], theirs: &[LooseTensor]) -> Result<Vec<Distance>, String> {
    if ours.len() != theirs.len() {
        return Err(format!("{} outputs here, {} there", ours.len(), theirs.len()));
    }
    let pairs = ours.iter().zip(theirs);
    pairs
        .map(|(ours, theirs)| {
            let described = |tensor: &LooseTensor| format!("{} {:?}", tensor.dtype, tensor.shape);
            let (here, there) = (described(ours), described(theirs));
            if here != there {
                return Err(format!("{here} here, {there} there"));
            }
            let array = |tensor: &LooseTensor| -> Option<Array> {
                let values = Values::from_bytes(&tensor.dtype, &tensor.bytes)?;
                Some(Array { name: None, shape: tensor.shape.clone(), values })
            };
            let (Some(a), Some(b)) = (array(theirs), array(ours)) else {
                return Err(format!("{here} is not compared"));
            };
            Ok(distance(ours.name.as_deref().unwrap_or_default(), &a, &b))
        })
        .collect()
}

fn closeness(distance: &Distance) -> Closeness {
    let rounding =
        if distance.dtype.starts_with("float") { FLOAT_ROUNDING * distance.magnitude } else { 1.0 };
    match distance.max_difference {
        _ if distance.differing == 0 => Closeness::Equal,
        difference if difference <= rounding => Closeness::Rounding,
        _ => Closeness::Apart,
    }
}

#[cfg(test)]
mod tests;
