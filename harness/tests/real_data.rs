//! Real images and models, found in the folder that `EDGEBENCH_MIRROR` names. Without it these tests say that they
//! were skipped.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use edgebench_converter::Samples;
use edgebench_harness::artifact::{Cache, Fetcher, Sha256};
use edgebench_harness::dataset::{Pack, TensorPack, prepare};
use edgebench_harness::suite::Suite;

/// A fetcher on the mirror, with a cache of its own.
fn mirror(test: &str) -> Option<(tempfile::TempDir, Fetcher)> {
    let Some(folder) = std::env::var_os("EDGEBENCH_MIRROR").filter(|value| !value.is_empty()) else {
        println!("skipped {test}: EDGEBENCH_MIRROR is not set");
        return None;
    };
    let cache = tempfile::tempdir().expect("temporary folder");
    let opened = Cache::open(cache.path()).expect("a cache");
    Some((cache, Fetcher::new(opened, vec![PathBuf::from(folder)]).offline(true)))
}

fn pack(suite: &Suite, split: &str, fetcher: &Fetcher) -> Pack {
    let made = prepare(&suite.datasets[0], split, &suite.folder, fetcher, &mut |_| ());
    made.unwrap_or_else(|error| panic!("{error}"))
}

/// 300 photographs as PNG files: the pack is, to the last bit, what Pillow's decoder and the arithmetic of
/// `suites/mobilenet/train/preprocess.py` make of them.
#[test]
fn png_photographs_are_decoded_and_preprocessed_like_the_reference() {
    let Some((_cache, fetcher)) = mirror("png_photographs") else { return };
    let text = r#"
        name = "cifar"
        [[model]]
        name = "m"
        source = { path = "m" }
        [variant.fp32]
        quantize = "none"
        [dataset.cifar]
        source = { mirror = "cifar10_1000_test_300_train.zip", sha256 = "62332ae27b2419aaf06393d414204ac1f07612877ba46e51f80abcb097f87bbb" }
        format = "images-zip"
        preprocess = { central_crop = 0.875, resize = [40, 48], scale = "1/127.5", offset = -1.0 }
    "#;
    let suite = Suite::parse(Path::new("suite.toml"), text).unwrap_or_else(|error| panic!("{error}"));
    let train = pack(&suite, "train", &fetcher);
    assert_eq!(train.index.dimensions, [40, 48, 3]);
    assert_eq!(train.index.examples.len(), 300);
    let bytes = std::fs::read(&train.object.path).expect("readable");
    // Made by numpy 2.4.6 and Pillow 13.0.0.
    let expected = "c9a6f6b43fb7d1961017c2c84a47045df002cf52724b0c526ca03a6416f8675f";
    assert_eq!(Sha256::of(&bytes).hex(), expected);
    let mut classes = [0; 10];
    for example in &pack(&suite, "test", &fetcher).index.examples {
        classes[example.label as usize] += 1;
    }
    assert_eq!(classes, [100; 10]);
}

/// 200 photographs as JPEG files, through the suite that is shipped.
#[test]
fn jpeg_photographs_of_the_imagenet_suite_become_a_pack() {
    let Some((_cache, fetcher)) = mirror("jpeg_photographs") else { return };
    let dirs = [Path::new(env!("CARGO_MANIFEST_DIR")).join("../suites")];
    let suite = Suite::find("mobilenet-imagenet", &dirs).unwrap_or_else(|error| panic!("{error}"));
    let all = pack(&suite, "all", &fetcher);
    assert!(!all.reused);
    assert_eq!(all.index.dimensions, [224, 224, 3]);
    // One image of every fifth of the thousand classes, and the network's background class in front of them.
    let labels: Vec<u32> = all.index.examples.iter().map(|example| example.label).collect();
    let expected: Vec<u32> = (0..200).map(|index| 5 * index + 1).collect();
    assert_eq!(labels, expected);
    let tensors = TensorPack::open(&all.object.path).expect("a pack");
    let (mut least, mut most) = (f32::MAX, f32::MIN);
    for index in 0..tensors.len() {
        let [values] = tensors.sample(index).expect("an example").try_into().expect("one input");
        assert_eq!(values.len(), 224 * 224 * 3);
        least = values.iter().copied().fold(least, f32::min);
        most = values.iter().copied().fold(most, f32::max);
    }
    assert_eq!((least, most), (-1.0, 1.0));
    assert!(pack(&suite, "all", &fetcher).reused);
    let model = fetcher.fetch(&suite.models[0].source, &suite.folder, &mut |_| ());
    assert_eq!(model.expect("in the mirror").bytes, 1_882_904);
}
