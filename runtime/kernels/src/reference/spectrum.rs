//! RFFT2D and the magnitude of complex numbers. LiteRT's transform is Ooura's in double precision; this one is the plain
//! radix-2 algorithm in double precision, so that both round to the same float32 up to its last bits.

use alloc::vec::Vec;

/// Real and imaginary part.
pub type Complex = [f32; 2];

/// The same in double precision.
pub type Wide = [f64; 2];

/// `|z|`, without overflow on the way.
pub fn magnitude([real, imaginary]: Complex) -> f32 {
    libm::hypotf(real, imaginary)
}

/// A transform of `[height, width]` matrices, cut or filled with zeros to lengths that are powers of two. The output has
/// `width / 2 + 1` columns; the others are their conjugates.
#[derive(Debug, Clone)]
pub struct Fft2d {
    input: [usize; 2],
    lengths: [usize; 2],
    /// For rows and columns: `e^(-2 pi i k / length)` for the first half of `k`.
    roots: [Vec<Wide>; 2],
}

impl Fft2d {
    /// For matrices of `input` rows and columns, with transforms of `lengths`, which are powers of two.
    pub fn new(input: [usize; 2], lengths: [usize; 2]) -> Self {
        let roots = lengths.map(|length| {
            let angle = |k: usize| -2.0 * core::f64::consts::PI * k as f64 / length as f64;
            (0..length / 2).map(|k| [libm::cos(angle(k)), libm::sin(angle(k))]).collect()
        });
        Self { input, lengths, roots }
    }

    /// Elements of scratch: a matrix of the output and the longest line.
    pub fn scratch_len(&self) -> usize {
        let [height, width] = self.lengths;
        height * (width / 2 + 1) + height.max(width)
    }

    /// Transforms every matrix of `input`.
    pub fn run(&self, input: &[f32], scratch: &mut [Wide], output: &mut [Complex]) {
        let columns = self.lengths[1] / 2 + 1;
        let matrices = input.chunks_exact((self.input[0] * self.input[1]).max(1));
        for (matrix, output) in matrices.zip(output.chunks_exact_mut(self.lengths[0] * columns)) {
            let (spectrum, line) = scratch.split_at_mut(self.lengths[0] * columns);
            self.rows(matrix, spectrum, line);
            self.columns(spectrum, line);
            for (store, value) in output.iter_mut().zip(spectrum) {
                *store = value.map(|part| part as f32);
            }
        }
    }

    fn rows(&self, matrix: &[f32], spectrum: &mut [Wide], line: &mut [Wide]) {
        let ([height, width], [_, length]) = (self.input, self.lengths);
        let line = &mut line[..length];
        for (y, output) in spectrum.chunks_exact_mut(length / 2 + 1).enumerate() {
            line.fill([0.0; 2]);
            if y < height {
                let row = &matrix[y * width..][..width.min(length)];
                line.iter_mut().zip(row).for_each(|(store, value)| *store = [f64::from(*value), 0.0]);
            }
            transform(line, &self.roots[1]);
            output.copy_from_slice(&line[..output.len()]);
        }
    }

    fn columns(&self, spectrum: &mut [Wide], line: &mut [Wide]) {
        let columns = self.lengths[1] / 2 + 1;
        let line = &mut line[..self.lengths[0]];
        for x in 0..columns {
            for (y, store) in line.iter_mut().enumerate() {
                *store = spectrum[y * columns + x];
            }
            transform(line, &self.roots[0]);
            for (y, value) in line.iter().enumerate() {
                spectrum[y * columns + x] = *value;
            }
        }
    }
}

/// The discrete Fourier transform in place: elements in the order of reversed bits, then butterflies of growing span.
fn transform(line: &mut [Wide], roots: &[Wide]) {
    let length = line.len();
    if length < 2 {
        return;
    }
    let unused = usize::BITS - length.trailing_zeros();
    for index in 0..length {
        let other = index.reverse_bits() >> unused;
        if index < other {
            line.swap(index, other);
        }
    }
    let mut half = 1;
    while half < length {
        let step = length / (2 * half);
        for block in line.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let root = roots[k * step];
                let turned = [b[0] * root[0] - b[1] * root[1], b[0] * root[1] + b[1] * root[0]];
                *b = [a[0] - turned[0], a[1] - turned[1]];
                *a = [a[0] + turned[0], a[1] + turned[1]];
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_wave_is_one_line() {
        let wave: Vec<f32> = (0..8).map(|x| libm::cosf(core::f32::consts::PI * x as f32 / 2.0)).collect();
        let fft = Fft2d::new([1, 8], [1, 8]);
        let mut output = [[0.0; 2]; 5];
        fft.run(&wave, &mut vec![[0.0; 2]; fft.scratch_len()], &mut output);
        let magnitudes = output.map(magnitude);
        assert!(
            magnitudes.iter().zip([0.0, 0.0, 4.0, 0.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-5),
            "{output:?}"
        );
    }

    #[test]
    fn a_matrix_is_the_sum_of_its_definition() {
        let matrix: Vec<f32> = (0..12).map(|i| ((i * 7) % 5) as f32 - 1.5).collect();
        let fft = Fft2d::new([3, 4], [4, 2]);
        let mut output = [[0.0; 2]; 8];
        fft.run(&matrix, &mut vec![[0.0; 2]; fft.scratch_len()], &mut output);
        for (index, found) in output.iter().enumerate() {
            let (v, u) = ((index / 2) as f64, (index % 2) as f64);
            let mut sum = [0.0f64; 2];
            for (y, x) in (0..3).flat_map(|y| (0..2).map(move |x| (y, x))) {
                let angle = -2.0 * core::f64::consts::PI * (y as f64 * v / 4.0 + x as f64 * u / 2.0);
                let value = f64::from(matrix[y * 4 + x]);
                sum = [sum[0] + value * libm::cos(angle), sum[1] + value * libm::sin(angle)];
            }
            let close = |part: usize| (f64::from(found[part]) - sum[part]).abs() < 1e-5;
            assert!(close(0) && close(1), "{index}: {found:?} for {sum:?}");
        }
    }
}
