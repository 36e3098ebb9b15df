//! NON_MAX_SUPPRESSION_V4 and V5: which boxes are kept. How many there are is an output; the lists are as long as they may be.

use alloc::format;

use edgebench_kernels::Set;
use edgebench_kernels::reference::suppression::Suppression;

use super::moves::Integers;
use super::{Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::{Frame, Inputs};
use crate::tensor::DType;

/// Each box may meet each other one; detectors have some ten thousand.
const MAX_BOXES: usize = 1 << 15;

struct Keep {
    limit: usize,
    /// Whether scores fall with the overlap, and are an output.
    is_soft: bool,
}

/// Prepares V4: boxes `[n, 4]`, scores `[n]`, most boxes, overlap and score where they are left out. Outputs are indices and
/// how many they are.
pub(crate) fn non_max_suppression_v4(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    prepare(site, false)
}

/// Prepares V5: V4 with the sigma by which scores fall, and the scores as output 1.
pub(crate) fn non_max_suppression_v5(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    prepare(site, true)
}

fn prepare(site: &Site<'_, '_>, is_soft: bool) -> Result<Prepared, Fault> {
    let (boxes, scores, most) = (site.input(0)?, site.input(1)?, site.input(2)?);
    boxes.expect_dtype(DType::Float32)?;
    scores.expect_dtype(DType::Float32)?;
    boxes.expect_shape(&[scores.elements(), 4])?;
    scores.expect_shape(&[scores.elements()])?;
    if scores.elements() > MAX_BOXES {
        return Err(boxes.fault(format!("at most {MAX_BOXES} boxes"), format!("{}", scores.elements())));
    }
    for slot in 3..site.node().inputs.len() {
        let number = site.input(slot)?;
        number.expect_dtype(DType::Float32)?;
        number.expect_elements(1)?;
    }
    most.expect_elements(1)?;
    let list = Integers::new(&most, 2, &[DType::Int32])?.list(most.expect_constant()?.bytes);
    let limit = list.first().and_then(|most| usize::try_from(*most).ok());
    let limit = limit.ok_or_else(|| most.fault("a number of at least 0", "a negative one"))?;
    let (indices, count) = (site.output(0)?, site.output(if is_soft { 2 } else { 1 })?);
    indices.expect_dtype(DType::Int32)?;
    count.expect_dtype(DType::Int32)?;
    indices.expect_shape(&[limit])?;
    count.expect_shape(&[])?;
    if is_soft {
        site.output(1)?.expect_dtype(DType::Float32)?;
        site.output(1)?.expect_shape(&[limit])?;
    }
    Ok(Prepared::run(Set::Reference.name(), Keep { limit, is_soft }))
}

impl Step for Keep {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let taken = self.suppression(&frame.inputs);
        let taken = taken.take(frame.inputs.of::<f32>(0).as_chunks().0, frame.inputs.of(1));
        let mut outputs = frame.outputs.all();
        if let Some(indices) = outputs.next() {
            fill(indices, taken.iter().map(|(index, _)| (*index as i32).to_ne_bytes()));
        }
        if self.is_soft
            && let Some(scores) = outputs.next()
        {
            fill(scores, taken.iter().map(|(_, score)| score.to_ne_bytes()));
        }
        if let Some(count) = outputs.next() {
            count.copy_from_slice(&(taken.len() as i32).to_ne_bytes());
        }
        Ok(())
    }
}

impl Keep {
    fn suppression(&self, inputs: &Inputs<'_>) -> Suppression {
        let number = |slot: usize| inputs.of::<f32>(slot).first().copied().unwrap_or(0.0);
        let sigma = if self.is_soft { number(5) } else { 0.0 };
        Suppression { limit: self.limit, overlap: number(3), score: number(4), sigma }
    }
}

/// The values, and zeros behind them.
fn fill(output: &mut [u8], values: impl Iterator<Item = [u8; 4]>) {
    let mut values = values.fuse();
    let stores = output.as_chunks_mut::<4>().0;
    stores.iter_mut().for_each(|store| *store = values.next().unwrap_or_default());
}
