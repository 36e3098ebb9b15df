//! The repository's digits: the trained network, some images of the test split, and what they show.

use std::path::PathBuf;

const IMAGE_SIDE: usize = 8;
const INPUT_SIDE: usize = 96;
const IDX_IMAGES_HEADER: usize = 16;
const IDX_LABELS_HEADER: usize = 8;

fn suite(path: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "suites", "mobilenet", path].iter().collect()
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(suite(path)).unwrap_or_else(|error| panic!("{}: {error}", suite(path).display()))
}

/// The float network.
pub(crate) fn model() -> Vec<u8> {
    read("models/mobilenet_v2_0.35_96.tflite")
}

/// A tensor pack of the first `count` images of the test split, and the digit that each shows.
pub(crate) fn test_images(count: usize) -> (Vec<u8>, Vec<u32>) {
    let (images, labels) = (read("data/digits/images.idx3-ubyte"), read("data/digits/labels.idx1-ubyte"));
    let splits = String::from_utf8(read("data/digits/splits.csv")).expect("text");
    let indices = splits.lines().filter_map(|line| line.strip_suffix(",test")?.parse::<usize>().ok());
    let indices: Vec<usize> = indices.take(count).collect();
    assert_eq!(indices.len(), count, "the test split has so many");

    let mut pack = b"EBPACK01".to_vec();
    let side = INPUT_SIDE as u32;
    for word in [0, 3, side, side, 1, count as u32] {
        pack.extend_from_slice(&word.to_le_bytes());
    }
    for index in &indices {
        let start = IDX_IMAGES_HEADER + index * IMAGE_SIDE * IMAGE_SIDE;
        let image = &images[start..start + IMAGE_SIDE * IMAGE_SIDE];
        pack.extend(resized(image).flat_map(|value| value.to_le_bytes()));
    }
    let shown = indices.iter().map(|index| u32::from(labels[IDX_LABELS_HEADER + index])).collect();
    (pack, shown)
}

/// Bilinear with half-pixel centres, scaled to -1..1. Near enough to the suite's own preprocessing to be recognised;
/// that the two agree to the last bit is the controller's business.
fn resized(image: &[u8]) -> impl Iterator<Item = f32> {
    let places: Vec<(usize, usize, f32)> = (0..INPUT_SIDE).map(neighbours).collect();
    let pixel = move |y: usize, x: usize| f32::from(image[y * IMAGE_SIDE + x]);
    let lerp = |a: f32, b: f32, weight: f32| a + (b - a) * weight;
    (0..INPUT_SIDE * INPUT_SIDE).map(move |index| {
        let (y0, y1, wy) = places[index / INPUT_SIDE];
        let (x0, x1, wx) = places[index % INPUT_SIDE];
        let top = lerp(pixel(y0, x0), pixel(y0, x1), wx);
        let bottom = lerp(pixel(y1, x0), pixel(y1, x1), wx);
        lerp(top, bottom, wy) / 127.5 - 1.0
    })
}

/// The pixels before and after an output pixel's centre, and the weight of the one after.
fn neighbours(position: usize) -> (usize, usize, f32) {
    let centre = (position as f32 + 0.5) * IMAGE_SIDE as f32 / INPUT_SIDE as f32 - 0.5;
    let clamp = |value: f32| value.clamp(0.0, IMAGE_SIDE as f32 - 1.0) as usize;
    (clamp(centre.floor()), clamp(centre.floor() + 1.0), centre - centre.floor())
}
