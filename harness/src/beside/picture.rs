//! A picture of what a network saw: the values of a preprocessed example as a PNG file. Preprocessing is not undone; the
//! range of the values says how they become brightness.

use edgebench_reports::beside::Picture;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

/// Pixels across and down at most: beyond it every second, third, ... is taken.
const MAX_PIXELS: usize = 128;

/// Of values of the shape height, width, channels (1 or 3). None for anything else.
pub(super) fn of(values: &[f32], dimensions: &[u32]) -> Option<Picture> {
    let &[height, width, channels] = dimensions else { return None };
    let [height, width, channels] =
        [height, width, channels].map(|one| usize::try_from(one).unwrap_or(usize::MAX));
    let color = match channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => return None,
    };
    let step = height.max(width).div_ceil(MAX_PIXELS).max(1);
    let (low, high) = range(values)?;
    let bright = |value: f32| (255.0 * ((value - low) / (high - low)).clamp(0.0, 1.0)).round() as u8;
    let mut pixels = Vec::new();
    for row in values.chunks_exact(width.checked_mul(channels).filter(|length| *length > 0)?).step_by(step) {
        let picked = row.chunks_exact(channels).step_by(step);
        picked.for_each(|pixel| pixels.extend(pixel.iter().copied().map(bright)));
    }
    let (width, height) = (width.div_ceil(step), height.div_ceil(step));
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(&pixels, width, height, color).ok()?;
    Some(Picture { width, height, png })
}

/// What is black and what is white: one of the ranges that preprocessing leaves, or else the values' own.
fn range(values: &[f32]) -> Option<(f32, f32)> {
    const USUAL: [(f32, f32); 3] = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)];
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().reduce(f32::min)?, finite().reduce(f32::max)?);
    // Rounding may leave a value a little outside.
    let holds = |(from, to): &&(f32, f32)| low >= from - 0.01 && high <= to + 0.01;
    let usual = USUAL.iter().find(holds).copied();
    usual.or_else(|| (high > low).then_some((low, high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_and_color_become_png_and_nothing_else_does() {
        let gray = of(&[0.0, 1.0, 0.5, 0.0], &[2, 2, 1]).expect("a picture");
        let read = image::load_from_memory(&gray.png).expect("a PNG").to_luma8();
        assert_eq!(read.into_raw(), [0, 255, 128, 0]);
        let color = of(&[-1.0, 0.0, 1.0], &[1, 1, 3]).expect("a picture");
        let read = image::load_from_memory(&color.png).expect("a PNG").to_rgb8();
        assert_eq!(read.into_raw(), [0, 128, 255]);
        assert_eq!(of(&[0.0; 10], &[10]), None);
        assert_eq!(of(&[0.0; 8], &[2, 2, 2]), None);
        assert_eq!(of(&[7.0; 4], &[2, 0, 3]), None);
    }

    #[test]
    fn large_pictures_are_thinned_and_odd_ranges_stretched() {
        let values: Vec<f32> = (0..300 * 200).map(|at| at as f32).collect();
        let picture = of(&values, &[300, 200, 1]).expect("a picture");
        assert_eq!((picture.width, picture.height), (67, 100));
        let read = image::load_from_memory(&picture.png).expect("a PNG").to_luma8();
        assert_eq!(read.get_pixel(0, 0).0, [0]);
        assert!(read.get_pixel(66, 99).0[0] > 250);
        assert_eq!(of(&[f32::NAN; 4], &[2, 2, 1]), None);
    }
}
