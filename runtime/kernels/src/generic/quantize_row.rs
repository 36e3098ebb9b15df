//! The input of a hybrid kernel, quantized in vectors: the same integers as
//! [`reference::hybrid::quantize_row`](crate::reference::hybrid::quantize_row).

use crate::isa::{Body, Isa};
use crate::reference::hybrid::{RowQuantization, Steps, steps};
use crate::round::truncate_clamped;
use crate::spec::InputQuantization;

/// Quantizes `values` to `output`, which has the same length, and says how.
pub(super) fn quantize_row<I: Isa>(
    isa: I,
    values: &[f32],
    how: InputQuantization,
    output: &mut [i8],
) -> RowQuantization {
    isa.vectorize(QuantizeRow { values, how, output })
}

struct QuantizeRow<'a> {
    values: &'a [f32],
    how: InputQuantization,
    output: &'a mut [i8],
}

impl Body for QuantizeRow<'_> {
    type Output = RowQuantization;

    #[inline(always)]
    fn run(self) -> RowQuantization {
        let (least, greatest) = min_max(self.values);
        let Steps { quantization, per_unit, least_q } = steps(least, greatest, self.how);
        let zero_point = quantization.zero_point;
        for (q, &value) in self.output.iter_mut().zip(self.values) {
            let scaled = value * per_unit;
            let half_added = scaled + 0.5f32.copysign(scaled);
            let rounded = truncate_clamped(half_added, least_q - zero_point, 127 - zero_point);
            *q = (rounded + zero_point) as i8;
        }
        quantization
    }
}

/// Least and greatest value, found in 32 lanes at once.
#[inline(always)]
fn min_max(values: &[f32]) -> (f32, f32) {
    let first = values.first().copied().unwrap_or(0.0);
    let (mut least, mut greatest) = ([first; 32], [first; 32]);
    let (chunks, rest) = values.as_chunks::<32>();
    for chunk in chunks {
        for lane in 0..32 {
            least[lane] = if chunk[lane] < least[lane] { chunk[lane] } else { least[lane] };
            greatest[lane] = if chunk[lane] > greatest[lane] { chunk[lane] } else { greatest[lane] };
        }
    }
    let least = least.iter().chain(rest).fold(first, |least, &value| least.min(value));
    let greatest = greatest.iter().chain(rest).fold(first, |greatest, &value| greatest.max(value));
    (least, greatest)
}
