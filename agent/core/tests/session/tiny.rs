//! A network small enough to be worked out by hand, and packs for it.

use edgebench_schema::MODEL_IDENTIFIER;
use edgebench_schema::tflite::*;
use edgebench_wire::{Digest, Limits, Request, RunOptions};

use crate::fake::digest;

/// Rows of the only layer: the scores of `[a, b, c, d]` are `a`, `b + c` and `-d`.
const WEIGHTS: [[f32; 4]; 3] = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, -1.0]];

macro_rules! table {
    ($kind:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        // The tables may grow fields, so that they cannot be written as one expression.
        let mut table = $kind::default();
        $(table.$field = $value;)*
        table
    }};
}

/// `.tflite` with one float FULLY_CONNECTED from [1, 4] to [1, 3].
pub(crate) fn model() -> Vec<u8> {
    layer(&WEIGHTS)
}

/// The same with so many scores, each of which is the example's first value.
pub(crate) fn wide_model(scores: usize) -> Vec<u8> {
    layer(&vec![[1.0, 0.0, 0.0, 0.0]; scores])
}

fn layer(weights: &[[f32; 4]]) -> Vec<u8> {
    let scores = weights.len() as i32;
    let tensor = |name: &str, shape: &[i32], buffer: u32| {
        table!(TensorT { name: Some(name.into()), shape: Some(shape.to_vec()), buffer: buffer })
    };
    let weights = weights.iter().flatten().flat_map(|weight| weight.to_le_bytes()).collect();
    let kind = BuiltinOperator::FULLY_CONNECTED;
    let operator = table!(OperatorT {
        inputs: Some(vec![0, 1, -1]),
        outputs: Some(vec![2]),
        builtin_options: BuiltinOptionsT::FullyConnectedOptions(Default::default()),
    });
    let subgraph = table!(SubGraphT {
        tensors: Some(vec![
            tensor("x", &[1, 4], 0),
            tensor("w", &[scores, 4], 1),
            tensor("y", &[1, scores], 0)
        ]),
        inputs: Some(vec![0]),
        outputs: Some(vec![2]),
        operators: Some(vec![operator]),
    });
    let model = table!(ModelT {
        version: 3,
        operator_codes: Some(vec![table!(OperatorCodeT {
            builtin_code: kind,
            deprecated_builtin_code: kind.0 as i8
        })]),
        subgraphs: Some(vec![subgraph]),
        buffers: Some(vec![BufferT::default(), table!(BufferT { data: Some(weights) })]),
    });
    let mut builder = Default::default();
    let root = model.pack(&mut builder);
    builder.finish(root, Some(MODEL_IDENTIFIER));
    builder.finished_data().to_vec()
}

/// A pack with this header and body.
pub(crate) fn raw_pack(kind: u32, dimensions: &[u32], count: u32, body: &[f32]) -> Vec<u8> {
    let mut bytes = b"EBPACK01".to_vec();
    let rank = dimensions.len() as u32;
    for word in [kind, rank].iter().chain(dimensions).chain([&count]) {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend(body.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// A pack of examples for [`model`].
pub(crate) fn pack(examples: &[[f32; 4]]) -> Vec<u8> {
    raw_pack(0, &[4], examples.len() as u32, examples.as_flattened())
}

pub(crate) fn open(model: &[u8]) -> Request {
    open_digest(digest(model))
}

pub(crate) fn open_digest(model: Digest) -> Request {
    Request::Open { model, options: RunOptions { threads: 1, kernels: "auto".into() } }
}

/// At least so many runs, and no longer than that takes.
pub(crate) fn runs(min_runs: u32) -> Limits {
    Limits { min_runs, min_micros: 0, max_micros: u64::MAX }
}
