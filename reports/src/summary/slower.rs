//! Where the time of a variant goes that its reference does not take: operators matched by the tensor that they compute,
//! whose name a quantizer keeps.

use super::reference_of;
use crate::record::{CellRecord, OpRecord, RunRecord};

/// An operator that takes longer than in the reference.
#[derive(Clone, PartialEq, Debug)]
pub struct Culprit {
    /// Such as `CONV_2D`.
    pub operator: String,
    /// Name of the tensor that it computes.
    pub output: String,
    /// Kernel set that ran it.
    pub kernel: String,
    /// Its median.
    pub nanos: u64,
    /// The median of its counterpart in the reference; none where there is none, as for a `QUANTIZE`.
    pub before_nanos: Option<u64>,
}

impl Culprit {
    /// Time that it takes more.
    pub fn extra_nanos(&self) -> u64 {
        self.nanos.saturating_sub(self.before_nanos.unwrap_or(0))
    }
}

/// The operators of a cell that take longer than in its reference, those first that add most. Empty where one of both
/// has no times of operators.
pub fn culprits(run: &RunRecord, record: &CellRecord) -> Vec<Culprit> {
    let Some(reference) = reference_of(run, &record.cell).filter(|one| !one.ops.is_empty()) else {
        return Vec::new();
    };
    let counterpart = |op: &OpRecord| reference.ops.iter().find(|other| other.output == op.output);
    let culprit = |op: &OpRecord| Culprit {
        operator: op.operator.clone(),
        output: op.output.clone(),
        kernel: op.kernel.clone(),
        nanos: op.median_nanos,
        before_nanos: counterpart(op).map(|other| other.median_nanos),
    };
    let mut found: Vec<Culprit> = record.ops.iter().map(culprit).collect();
    found.retain(|one| one.extra_nanos() > 0);
    found.sort_by_key(|one| std::cmp::Reverse(one.extra_nanos()));
    found
}
