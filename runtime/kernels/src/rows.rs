//! Where the outputs of a tile go. Knows nothing of what they are.

/// The place of some neighbouring channels of some neighbouring pixels in an output.
#[derive(Debug)]
pub struct Rows<'a, T> {
    /// From the first channel of the first pixel on.
    pub output: &'a mut [T],
    /// Elements from one pixel to the next.
    pub row_len: usize,
    /// Pixels that there are: those of a tile past them are dropped.
    pub count: usize,
    /// Channels that there are: lanes of a tile past them are dropped.
    pub lanes: usize,
}

impl<T: Copy> Rows<'_, T> {
    /// The lanes from `lane` on.
    ///
    /// # Panics
    /// If there are not as many.
    #[inline(always)]
    pub fn from_lane(&mut self, lane: usize) -> Rows<'_, T> {
        let Self { ref mut output, row_len, count, lanes } = *self;
        Rows { output: &mut output[lane..], row_len, count, lanes: lanes - lane }
    }

    /// Writes the outputs of pixel `row`.
    ///
    /// # Panics
    /// If the output ends before it.
    #[inline(always)]
    pub fn put<const L: usize>(&mut self, row: usize, outputs: &[T; L]) {
        if row >= self.count {
            return;
        }
        let place = &mut self.output[row * self.row_len..];
        if self.lanes >= L {
            place[..L].copy_from_slice(outputs);
        } else {
            place[..self.lanes].copy_from_slice(&outputs[..self.lanes]);
        }
    }
}
