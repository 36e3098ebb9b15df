//! From a decoded image to a network's input: central crop, bilinear resize, scale, offset.
//!
//! The arithmetic is a contract (`suites/mobilenet/train/preprocess.py` spells it out, golden files hold it, and
//! TensorFlow's `tf.image` computes the same bits): every operation is one IEEE 754 single-precision operation, in
//! this order, nothing contracted into a fused multiply-add and nothing widened.

use crate::suite::Preprocess;

/// Bytes of a picture, HWC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    height: u32,
    width: u32,
    channels: u32,
    pixels: Vec<u8>,
}

/// Values of a network's input, HWC.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor {
    /// Height, width, channels.
    pub shape: [u32; 3],
    /// `height * width * channels` values.
    pub values: Vec<f32>,
}

impl Image {
    /// A picture of `height * width * channels` bytes; none when the number is another one or a side is 0.
    pub fn new(height: u32, width: u32, channels: u32, pixels: Vec<u8>) -> Option<Self> {
        let sides = [height, width, channels];
        let bytes = sides.iter().try_fold(1u64, |bytes, side| bytes.checked_mul(u64::from(*side)))?;
        let fits = bytes > 0 && bytes == pixels.len() as u64;
        fits.then_some(Self { height, width, channels, pixels })
    }

    fn row(&self, row: usize) -> &[u8] {
        let length = size(self.width) * size(self.channels);
        &self.pixels[row * length..(row + 1) * length]
    }
}

/// The network's input for this picture.
pub fn preprocess(image: &Image, settings: &Preprocess) -> Tensor {
    let window = Window::central(image, settings.central_crop.unwrap_or(1.0));
    let [height, width] = settings.resize.unwrap_or([window.height, window.width]);
    let mut values = resize(image, &window, height, width);
    for value in &mut values {
        *value = *value * settings.scale + settings.offset;
    }
    Tensor { shape: [height, width, image.channels], values }
}

/// A part of an image, at least one pixel.
struct Window {
    top: u32,
    left: u32,
    height: u32,
    width: u32,
}

impl Window {
    /// What a central crop leaves, as `tf.image.central_crop` counts.
    fn central(image: &Image, fraction: f64) -> Self {
        let (top, left) = (margin(image.height, fraction), margin(image.width, fraction));
        Self { top, left, height: image.height - 2 * top, width: image.width - 2 * left }
    }
}

/// Pixels that go at each end: `int((size - size * fraction) / 2)` in double precision, and never the last pixel.
fn margin(side: u32, fraction: f64) -> u32 {
    let whole = f64::from(side);
    let margin = ((whole - whole * fraction) / 2.0).max(0.0) as u32;
    margin.min((side - 1) / 2)
}

/// An output position on one axis: the two input positions around it, and how far it is from the first to the second.
#[derive(Clone, Copy)]
struct Between {
    low: usize,
    high: usize,
    weight: f32,
}

/// Half-pixel centres: `src = (dst + 0.5) * ratio - 0.5` with `ratio = in / out`. Beyond the outermost centres both
/// neighbours are the border pixel.
fn axis(from: u32, to: u32) -> Vec<Between> {
    let ratio = from as f32 / to as f32;
    let last = (from - 1) as f32;
    let between = |dst: u32| {
        let src = (dst as f32 + 0.5) * ratio - 0.5;
        let floor = src.floor();
        let (low, high) = (floor.clamp(0.0, last), (floor + 1.0).clamp(0.0, last));
        Between { low: low as usize, high: high as usize, weight: src - floor }
    };
    (0..to).map(between).collect()
}

/// Bilinear, without antialiasing; columns first, then rows.
fn resize(image: &Image, window: &Window, height: u32, width: u32) -> Vec<f32> {
    let (rows, columns) = (axis(window.height, height), axis(window.width, width));
    let channels = size(image.channels);
    let left = size(window.left) * channels;
    let right = left + size(window.width) * channels;
    let input = |row: usize| &image.row(size(window.top) + row)[left..right];
    let mut values = Vec::with_capacity(rows.len() * columns.len() * channels);
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for row in &rows {
        stretch(input(row.low), &columns, channels, &mut above);
        stretch(input(row.high), &columns, channels, &mut below);
        values.extend(above.iter().zip(&below).map(|(above, below)| lerp(*above, *below, row.weight)));
    }
    values
}

/// One row of the input at the columns of the output.
fn stretch(input: &[u8], columns: &[Between], channels: usize, output: &mut Vec<f32>) {
    output.clear();
    for column in columns {
        let low = &input[column.low * channels..(column.low + 1) * channels];
        let high = &input[column.high * channels..(column.high + 1) * channels];
        let pixel =
            low.iter().zip(high).map(|(low, high)| lerp(f32::from(*low), f32::from(*high), column.weight));
        output.extend(pixel);
    }
}

/// Three float32 operations, in this order.
fn lerp(from: f32, to: f32, weight: f32) -> f32 {
    from + (to - from) * weight
}

/// Sides of an image that is in memory fit.
fn size(side: u32) -> usize {
    side as usize
}

#[cfg(test)]
mod tests;
