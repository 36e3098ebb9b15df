//! What a conversion did, for people and for records.

use serde::Serialize;

use crate::graph::{Graph, Operator, Tensor};
use crate::options::Options;

/// What [`crate::convert`] did.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ConvertReport {
    /// What was asked for.
    pub options: Options,
    /// Bytes of the file read.
    pub input_bytes: u64,
    /// Bytes of the file written.
    pub output_bytes: u64,
    /// Calibration samples behind the activation ranges; 0 where none are needed.
    pub calibration_samples: usize,
    /// Tensors that changed their type.
    pub tensors: Vec<TensorReport>,
    /// Operators that the variant would change and that were left as they were.
    pub skipped: Vec<Skipped>,
    /// Constant bytes of the written model by element type, largest first.
    pub constant_bytes: Vec<TypeBytes>,
    /// Metadata entries of the input that the output does not carry.
    pub dropped_metadata: Vec<String>,
}

/// One tensor that changed its type.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TensorReport {
    /// Its name.
    pub name: String,
    /// Its new element type, such as `int8`.
    pub dtype: String,
    /// Whether it is a constant.
    pub constant: bool,
    /// One scale, or one a channel; none for float types.
    pub scales: Vec<f32>,
    /// Zero point, the same for all channels.
    pub zero_point: i64,
    /// The range that was observed (activations) or is present (constants).
    pub range: Option<(f32, f32)>,
    /// Values of a constant that the new type cannot hold and that were moved to its nearest end, or lost all their
    /// digits.
    pub unrepresentable: u64,
    /// Channels whose scale was raised so that the bias fits in 32 bits.
    pub bias_guarded_channels: usize,
    /// Share of the calibration values on an end of the range.
    pub saturation: Option<f64>,
}

/// One operator that was left as it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Skipped {
    /// Index in the input model's order.
    pub operator: Option<usize>,
    /// Its name, such as `CONV_2D`.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// How much of a model is of one type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TypeBytes {
    /// Element type, such as `int8`.
    pub dtype: String,
    /// Bytes of constants.
    pub bytes: u64,
}

impl ConvertReport {
    pub(crate) fn new(options: Options, graph: &Graph, input_bytes: usize) -> Self {
        Self {
            options,
            input_bytes: input_bytes as u64,
            output_bytes: 0,
            calibration_samples: 0,
            tensors: Vec::new(),
            skipped: Vec::new(),
            constant_bytes: Vec::new(),
            dropped_metadata: graph.dropped_metadata.clone(),
        }
    }

    pub(crate) fn skip(&mut self, operator: &Operator, reason: impl Into<String>) {
        let name = operator.name().to_owned();
        self.skipped.push(Skipped { operator: operator.origin, name, reason: reason.into() });
    }

    /// Adds what is known once the file is written.
    pub(crate) fn complete(&mut self, graph: &Graph, output_bytes: usize) {
        self.output_bytes = output_bytes as u64;
        self.constant_bytes = constant_bytes(graph);
    }
}

impl TensorReport {
    /// A report of `tensor` as it is now; the caller adds what only it knows.
    pub(crate) fn of(tensor: &Tensor) -> Self {
        let quantization = tensor.quantization.as_ref();
        Self {
            name: tensor.name.clone(),
            dtype: tensor.dtype_name(),
            constant: tensor.data.is_some(),
            scales: quantization.map(|q| q.scales.clone()).unwrap_or_default(),
            zero_point: quantization.and_then(|q| q.zero_points.first().copied()).unwrap_or(0),
            range: None,
            unrepresentable: 0,
            bias_guarded_channels: 0,
            saturation: None,
        }
    }
}

/// Constant bytes by type, largest first, of tensors that operators read.
fn constant_bytes(graph: &Graph) -> Vec<TypeBytes> {
    let mut totals: Vec<TypeBytes> = Vec::new();
    let mut seen = vec![false; graph.tensors.len()];
    for tensor in graph.operators.iter().flat_map(|operator| operator.inputs.iter().flatten()) {
        if std::mem::replace(&mut seen[*tensor], true) {
            continue;
        }
        let tensor = &graph.tensors[*tensor];
        let bytes = tensor.data.as_ref().map_or(0, Vec::len) as u64;
        let dtype = tensor.dtype_name();
        match totals.iter_mut().find(|total| total.dtype == dtype) {
            Some(total) => total.bytes += bytes,
            None if bytes > 0 => totals.push(TypeBytes { dtype, bytes }),
            None => {}
        }
    }
    totals.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.dtype.cmp(&b.dtype)));
    totals
}
