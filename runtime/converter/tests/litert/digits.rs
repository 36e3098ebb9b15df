//! The suite's data set, read and preprocessed as `suites/mobilenet/train/preprocess.py` has it.

use std::path::{Path, PathBuf};

/// Height and width of the images, and of what the network takes.
const SMALL: usize = 8;
const LARGE: usize = 96;

pub(crate) struct Digits {
    images: Vec<u8>,
    labels: Vec<u8>,
    /// Name of the split of each image.
    splits: Vec<String>,
}

impl Digits {
    pub(crate) fn read() -> Self {
        let folder = repository().join("suites/mobilenet/data/digits");
        let read =
            |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let splits = String::from_utf8(read("splits.csv")).expect("text");
        let splits = splits.lines().skip(1).filter_map(|line| line.split_once(','));
        Self {
            // IDX: a magic number, then the dimensions, each four bytes.
            images: read("images.idx3-ubyte")[16..].to_vec(),
            labels: read("labels.idx1-ubyte")[8..].to_vec(),
            splits: splits.map(|(_, split)| split.to_owned()).collect(),
        }
    }

    /// The suite's trained network.
    pub(crate) fn model(&self) -> Vec<u8> {
        let path = repository().join("suites/mobilenet/models/mobilenet_v2_0.35_96.tflite");
        std::fs::read(path).expect("the suite's model")
    }

    fn indices(&self, split: &str) -> impl Iterator<Item = usize> {
        self.splits.iter().enumerate().filter(move |(_, own)| *own == split).map(|(index, _)| index)
    }

    pub(crate) fn labels(&self, split: &str) -> Vec<usize> {
        self.indices(split).map(|index| usize::from(self.labels[index])).collect()
    }

    /// The images of a split as the network takes them, `[96, 96, 1]` each.
    pub(crate) fn images(&self, split: &str) -> Vec<Vec<f32>> {
        self.indices(split).map(|index| preprocess(self.images.as_chunks().0[index])).collect()
    }
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Bilinear, half-pixel centres, no antialiasing; then `value * (1/127.5) - 1`.
fn preprocess(image: [u8; SMALL * SMALL]) -> Vec<f32> {
    let pixel = |y: usize, x: usize| f32::from(image[y * SMALL + x]);
    let lerp = |a: f32, b: f32, weight: f32| a + (b - a) * weight;
    let mut values = Vec::with_capacity(LARGE * LARGE);
    for y in 0..LARGE {
        let (top, bottom, down) = neighbours(y);
        for x in 0..LARGE {
            let (left, right, along) = neighbours(x);
            let row = |y| lerp(pixel(y, left), pixel(y, right), along);
            values.push(lerp(row(top), row(bottom), down) * (1.0 / 127.5) - 1.0);
        }
    }
    values
}

/// The two input positions round an output position, and the weight of the second.
fn neighbours(output: usize) -> (usize, usize, f32) {
    let source = (output as f32 + 0.5) * (SMALL as f32 / LARGE as f32) - 0.5;
    let below = source.floor();
    let within = |position: f32| (position.max(0.0) as usize).min(SMALL - 1);
    (within(below), within(below + 1.0), source - below)
}

/// The controller's golden file holds the first three images; both must be what the network was trained on.
#[test]
fn preprocessing_is_the_suites() {
    let digits = Digits::read();
    let golden =
        std::fs::read(repository().join("harness/tests/data/resize/digits.f32")).expect("golden file");
    let golden: Vec<f32> = golden.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    for (index, expected) in golden.chunks_exact(LARGE * LARGE).enumerate() {
        assert!(preprocess(digits.images.as_chunks().0[index]) == expected, "image {index}");
    }
}
