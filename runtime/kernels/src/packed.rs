//! What packing gives: weights in a kernel's own order, with everything folded that does not change from run to run.

use core::ops::Range;

/// Alignment, in bytes, that scratch memory must have.
pub const SCRATCH_ALIGN: usize = 64;

/// A kernel with its weights, ready to run any number of times.
///
/// The output is divided into rows that can be computed in any order and by different threads: for convolutions one
/// row of pixels of one image (`batch * out_height` rows of `out_width * out_channels` elements), for FULLY_CONNECTED
/// one row of the batch. Results do not depend on how the rows are divided.
pub trait Packed<In, Out>: Send + Sync {
    /// Number of output rows.
    fn rows(&self) -> usize;

    /// Elements of one output row.
    fn row_len(&self) -> usize;

    /// Bytes that the packed weights and their corrections take.
    fn packed_bytes(&self) -> usize;

    /// Bytes of scratch that one call of [`run`](Packed::run) needs, whatever its rows. May be 0.
    fn scratch_bytes(&self) -> usize;

    /// Computes output rows `rows`.
    ///
    /// * `input`: the whole input (NHWC, or `[batch, in_features]`), also when only some rows are asked for.
    /// * `scratch`: at least [`scratch_bytes`](Packed::scratch_bytes), aligned to [`SCRATCH_ALIGN`]; its content
    ///   before and after means nothing. Each thread needs its own.
    /// * `output`: exactly `rows.len() * row_len` elements: the rows asked for, not the whole output. Every element is
    ///   written; the content before means nothing.
    ///
    /// # Panics
    /// If a length or the scratch's alignment does not hold.
    fn run(&self, input: &[In], rows: Range<usize>, scratch: &mut [u8], output: &mut [Out]);
}
