//! RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR (`reference/resize_bilinear.h`, `reference/resize_nearest_neighbor.h`).

/// NHWC images and how the positions of their pixels belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resize {
    /// Images.
    pub batch: usize,
    /// Rows and columns of the input.
    pub from: [usize; 2],
    /// Rows and columns of the output.
    pub to: [usize; 2],
    /// Channels.
    pub channels: usize,
    /// Whether the centers of the corner pixels lie on each other.
    pub align_corners: bool,
    /// Whether a pixel's value belongs to its center.
    pub half_pixel_centers: bool,
}

/// Two neighbouring input pixels along an axis and the output pixel's distance from the first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between<T> {
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    pub(crate) part: T,
}

/// Bits behind the point of positions and weights on integers.
pub(crate) const FRACTION_BITS: u32 = 10;
pub(crate) const ONE: i32 = 1 << FRACTION_BITS;

impl Resize {
    pub(crate) fn output_len(&self) -> usize {
        self.batch * self.to[0] * self.to[1] * self.channels
    }

    /// Calls `visit(first element of the output pixel, batch, row, column)`.
    fn for_each_pixel(&self, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let mut first = 0;
        for batch in 0..self.batch {
            for y in 0..self.to[0] {
                for x in 0..self.to[1] {
                    visit(first, batch, y, x);
                    first += self.channels;
                }
            }
        }
    }

    fn pixel(&self, batch: usize, y: usize, x: usize) -> usize {
        ((batch * self.from[0] + y) * self.from[1] + x) * self.channels
    }

    fn is_aligned(&self, axis: usize) -> bool {
        self.align_corners && self.to[axis] > 1
    }

    fn scale_f32(&self, axis: usize) -> f32 {
        let (from, to) = (self.from[axis], self.to[axis]);
        if self.is_aligned(axis) { (from - 1) as f32 / (to - 1) as f32 } else { from as f32 / to as f32 }
    }

    pub(crate) fn between_f32(&self, axis: usize, index: usize) -> Between<f32> {
        let scale = self.scale_f32(axis);
        let position =
            if self.half_pixel_centers { (index as f32 + 0.5) * scale - 0.5 } else { index as f32 * scale };
        let lower = (libm::floorf(position) as i32).max(0) as usize;
        let upper = (libm::ceilf(position) as i32).min(self.from[axis] as i32 - 1).max(0) as usize;
        Between { lower, upper, part: position - lower as f32 }
    }

    /// `from / to` with [`FRACTION_BITS`], rounded.
    fn scale_fixed(&self, axis: usize) -> i32 {
        let (from, to) = (self.from[axis] as i32, self.to[axis] as i32);
        let (from, to) = if self.is_aligned(axis) { (from - 1, to - 1) } else { (from, to) };
        (ONE * from + to / 2) / to
    }

    pub(crate) fn between_fixed(&self, axis: usize, index: usize) -> Between<i32> {
        let scale = self.scale_fixed(axis);
        let half = if self.half_pixel_centers { scale / 2 - ONE / 2 } else { 0 };
        let position = index as i32 * scale + half;
        let lower = (position / ONE).max(0).min(self.from[axis] as i32 - 1);
        let upper = ((position + ONE - 1) / ONE).min(self.from[axis] as i32 - 1).max(0);
        Between { lower: lower as usize, upper: upper as usize, part: position - ONE * lower }
    }

    fn nearest(&self, axis: usize, index: usize) -> usize {
        let scale = self.scale_f32(axis);
        let offset = if self.half_pixel_centers { 0.5 } else { 0.0 };
        let position = (index as f32 + offset) * scale;
        let position = if self.align_corners { libm::roundf(position) } else { libm::floorf(position) };
        (position as usize).min(self.from[axis] - 1)
    }

    /// The four elements around an output pixel, in the order upper left, lower left, upper right, lower right.
    pub(crate) fn corners<T>(&self, batch: usize, rows: &Between<T>, columns: &Between<T>) -> [usize; 4] {
        [
            self.pixel(batch, rows.lower, columns.lower),
            self.pixel(batch, rows.upper, columns.lower),
            self.pixel(batch, rows.lower, columns.upper),
            self.pixel(batch, rows.upper, columns.upper),
        ]
    }
}

/// Weighs the four neighbours of each output pixel in floats and stores what `store` makes of the sum.
fn bilinear<T: Copy>(
    shape: &Resize,
    input: &[T],
    output: &mut [T],
    value: impl Fn(T) -> f32,
    store: impl Fn(f32) -> T,
) {
    assert_eq!(output.len(), shape.output_len());
    shape.for_each_pixel(|first, batch, y, x| {
        let (rows, columns) = (shape.between_f32(0, y), shape.between_f32(1, x));
        let [a, b, c, d] =
            shape.corners(batch, &rows, &columns).map(|corner| &input[corner..][..shape.channels]);
        let output = &mut output[first..][..shape.channels];
        for ((((store_at, a), b), c), d) in output.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let sum = value(*a) * (1.0 - rows.part) * (1.0 - columns.part)
                + value(*b) * rows.part * (1.0 - columns.part)
                + value(*c) * (1.0 - rows.part) * columns.part
                + value(*d) * rows.part * columns.part;
            *store_at = store(sum);
        }
    });
}

/// RESIZE_BILINEAR on floats.
pub fn bilinear_f32(shape: &Resize, input: &[f32], output: &mut [f32]) {
    bilinear(shape, input, output, |value| value, |sum| sum);
}

/// RESIZE_BILINEAR on uint8: in floats, halves up.
pub fn bilinear_u8(shape: &Resize, input: &[u8], output: &mut [u8]) {
    bilinear(shape, input, output, f32::from, |sum| (sum + 0.5) as u8);
}

/// RESIZE_BILINEAR on int8 and int16: with ten bits of fraction along each axis, halves away from zero.
pub fn bilinear_integer<T: Copy + Into<i64> + TryFrom<i64> + Default>(
    shape: &Resize,
    input: &[T],
    output: &mut [T],
) {
    assert_eq!(output.len(), shape.output_len());
    shape.for_each_pixel(|first, batch, y, x| {
        let (rows, columns) = (shape.between_fixed(0, y), shape.between_fixed(1, x));
        let [a, b, c, d] =
            shape.corners(batch, &rows, &columns).map(|corner| &input[corner..][..shape.channels]);
        let (down, right) = (i64::from(rows.part), i64::from(columns.part));
        let (up, left) = (i64::from(ONE) - down, i64::from(ONE) - right);
        let output = &mut output[first..][..shape.channels];
        for ((((store, a), b), c), d) in output.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let [a, b, c, d] = [a, b, c, d].map(|value| -> i64 { (*value).into() });
            let sum = a * up * left + b * down * left + c * up * right + d * down * right;
            let half = if sum > 0 { 1 << (2 * FRACTION_BITS - 1) } else { -(1 << (2 * FRACTION_BITS - 1)) };
            // Weights are in 0..=1 and sum up to 1, so the result is in range.
            *store = T::try_from((sum + half) / (1 << (2 * FRACTION_BITS))).unwrap_or_default();
        }
    });
}

/// RESIZE_NEAREST_NEIGHBOR on elements of `element_bytes`.
pub fn nearest_neighbor(shape: &Resize, element_bytes: usize, input: &[u8], output: &mut [u8]) {
    let run = shape.channels * element_bytes;
    shape.for_each_pixel(|first, batch, y, x| {
        let from = shape.pixel(batch, shape.nearest(0, y), shape.nearest(1, x)) * element_bytes;
        output[first * element_bytes..][..run].copy_from_slice(&input[from..from + run]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubled(align_corners: bool, half_pixel_centers: bool) -> Resize {
        Resize { batch: 1, from: [1, 2], to: [1, 4], channels: 1, align_corners, half_pixel_centers }
    }

    #[test]
    fn positions_follow_the_options() {
        let input = [0.0, 30.0];
        let run = |align, half| {
            let mut output = [0.0; 4];
            bilinear_f32(&doubled(align, half), &input, &mut output);
            output
        };
        assert_eq!(run(false, false), [0.0, 15.0, 30.0, 30.0]);
        assert_eq!(run(true, false), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(run(false, true), [0.0, 7.5, 22.5, 30.0]);
    }

    #[test]
    fn integers_round_halves_away_from_zero() {
        let mut output = [0i8; 4];
        bilinear_integer(&doubled(false, false), &[-1, -4], &mut output);
        assert_eq!(output, [-1, -3, -4, -4]);
        let mut output = [0u8; 4];
        bilinear_u8(&doubled(false, false), &[1, 4], &mut output);
        assert_eq!(output, [1, 3, 4, 4]);
    }

    #[test]
    fn the_nearest_pixel_is_taken_whole() {
        let shape = Resize { from: [1, 3], to: [1, 2], channels: 2, ..doubled(false, false) };
        let mut output = [0; 4];
        nearest_neighbor(&shape, 1, &[1, 2, 3, 4, 5, 6], &mut output);
        assert_eq!(output, [1, 2, 3, 4]);
        nearest_neighbor(&Resize { align_corners: true, ..shape }, 1, &[1, 2, 3, 4, 5, 6], &mut output);
        assert_eq!(output, [1, 2, 5, 6]);
    }
}
