//! REDUCE_WINDOW (`reduce_window.cc`): the elements under a window of any rank, joined with a first value.

use alloc::vec::Vec;

/// One axis of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowAxis {
    /// Length of the input.
    pub input: usize,
    /// Number of places of the window.
    pub output: usize,
    /// Taps.
    pub taps: usize,
    /// Step from place to place.
    pub stride: usize,
    /// Step from tap to tap.
    pub dilation: usize,
}

/// Joins all elements under the window at each place, in order, beginning with `start`.
pub fn reduce_window<T: Copy>(
    axes: &[WindowAxis],
    start: T,
    join: fn(T, T) -> T,
    input: &[T],
    output: &mut [T],
) {
    let taps: usize = axes.iter().map(|axis| axis.taps).product();
    let offsets: Vec<usize> =
        (0..taps).map(|tap| offset(axes, tap, |axis| (axis.taps, axis.dilation))).collect();
    for (at, store) in output.iter_mut().enumerate() {
        let first = offset(axes, at, |axis| (axis.output, axis.stride));
        *store = offsets.iter().fold(start, |joined, offset| join(joined, input[first + offset]));
    }
}

/// The offset in the input of the position number `at` of a grid that has for each axis so many points and such a step.
fn offset(axes: &[WindowAxis], mut at: usize, grid: impl Fn(&WindowAxis) -> (usize, usize)) -> usize {
    let (mut offset, mut step) = (0, 1);
    for axis in axes.iter().rev() {
        let (points, stride) = grid(axis);
        offset += at % points.max(1) * stride * step;
        at /= points.max(1);
        step *= axis.input;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_and_places_have_their_steps() {
        let axes = [
            WindowAxis { input: 2, output: 1, taps: 2, stride: 1, dilation: 1 },
            WindowAxis { input: 5, output: 2, taps: 2, stride: 2, dilation: 2 },
        ];
        let input: [i32; 10] = core::array::from_fn(|at| at as i32);
        let mut output = [0; 2];
        reduce_window(&axes, 100, |a, b| a + b, &input, &mut output);
        assert_eq!(output, [100 + 2 + 5 + 7, 100 + 2 + 4 + 7 + 9]);
    }
}
