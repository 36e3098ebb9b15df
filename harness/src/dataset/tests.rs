use std::io::Write;
use std::path::PathBuf;

use super::*;
use crate::artifact::{Cache, Source};
use crate::suite::Suite;

/// A folder with a cache, for data sets that are made up.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("temporary folder") }
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::new(Cache::open(&self.folder.path().join("cache")).expect("opened"), Vec::new())
            .offline(true)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).expect("written");
    }

    /// An IDX data set of these images, 2x3 pixels each.
    fn idx(&self, images: &[[u8; 6]], labels: &[u8], splits: Option<&str>) {
        let count = u32::try_from(images.len()).expect("few").to_be_bytes();
        let header = [[0, 0, 8, 3], count, [0, 0, 0, 2], [0, 0, 0, 3]].concat();
        self.write("images.idx3-ubyte", &[header, images.concat()].concat());
        let count = u32::try_from(labels.len()).expect("few").to_be_bytes();
        self.write("labels.idx1-ubyte", &[&[0, 0, 8, 1], count.as_slice(), labels].concat());
        if let Some(splits) = splits {
            self.write("splits.csv", splits.as_bytes());
        }
    }

    fn zip(&self, entries: &[(&str, &[u8])]) {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("an entry");
            zip.write_all(bytes).expect("written");
        }
        self.write("images.zip", &zip.finish().expect("a zip").into_inner());
    }

    fn prepare(&self, format: DatasetFormat, split: &str) -> Result<Pack, DatasetError> {
        let path = match format {
            DatasetFormat::Idx { .. } => ".",
            DatasetFormat::ImagesZip => "images.zip",
        };
        let dataset = Dataset {
            name: "d".to_owned(),
            source: Source::Path { path: path.into(), sha256: None },
            format,
            label_offset: 1,
            preprocess: Preprocess { central_crop: None, resize: None, scale: 0.5, offset: 1.0 },
        };
        prepare(&dataset, split, self.folder.path(), &self.fetcher(), &mut |_| ())
    }

    fn told(&self, format: DatasetFormat, split: &str) -> String {
        let error = self.prepare(format, split).expect_err("wrong");
        let folder = self.folder.path().display().to_string();
        error.to_string().replace(&folder, "FOLDER")
    }
}

fn idx() -> DatasetFormat {
    DatasetFormat::Idx { splits: Some("splits.csv".to_owned()) }
}

fn png(height: u32, width: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb(pixel(x, y)));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG");
    bytes.into_inner()
}

#[test]
fn a_split_becomes_a_pack_and_is_made_once() {
    let place = Place::new();
    let images = [[0, 2, 4, 6, 8, 10], [1; 6], [20, 22, 24, 26, 28, 30]];
    place.idx(&images, &[5, 6, 7], Some("index,split\n0,test\n1,train\n2,test\n"));
    let pack = place.prepare(idx(), "test").expect("a pack");
    assert!(!pack.reused);
    let examples = vec![Example { index: 0, label: 6 }, Example { index: 2, label: 8 }];
    let index = PackIndex { dimensions: vec![2, 3, 1], examples, decoder: "none".to_owned() };
    assert_eq!(pack.index, index);
    let tensors = TensorPack::open(&pack.object.path).expect("a pack");
    assert_eq!((tensors.dimensions(), tensors.count()), ([2, 3, 1].as_slice(), 2));
    assert_eq!(tensors.example(0).expect("there"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(tensors.example(1).expect("there"), [11.0, 12.0, 13.0, 14.0, 15.0, 16.0]);
    let again = place.prepare(idx(), "test").expect("a pack");
    assert_eq!((again.reused, &again.object), (true, &pack.object));
    assert!(!place.prepare(idx(), "train").expect("a pack").reused);
    assert_eq!(place.prepare(idx(), "all").expect("a pack").index.examples.len(), 3);
    std::fs::write(&pack.object.path, b"damaged").expect("damaged");
    let again = place.prepare(idx(), "test").expect("a pack");
    assert_eq!((again.reused, &again.object), (false, &pack.object));
    place.idx(&images, &[5, 6, 4], Some("index,split\n0,test\n1,train\n2,test\n"));
    let changed = place.prepare(idx(), "test").expect("a pack");
    assert_eq!((changed.reused, changed.index.examples[1].label), (false, 5));
}

#[test]
fn without_splits_there_is_only_all() {
    let place = Place::new();
    place.idx(&[[0; 6]], &[1], None);
    let format = DatasetFormat::Idx { splits: None };
    assert_eq!(place.prepare(format.clone(), "all").expect("a pack").index.examples.len(), 1);
    let error = place.prepare(format, "test").expect_err("no split");
    assert!(matches!(error, DatasetError::UnknownSplit { known, .. } if known == ["all"]));
}

#[test]
fn progress_comes_to_its_end() {
    let place = Place::new();
    place.zip(&[("labels.csv", b"file,class_index\na.png,3\n"), ("a.png", &png(1, 1, |_, _| [1, 2, 3]))]);
    let mut last = None;
    let dataset = Dataset {
        name: "d".to_owned(),
        source: Source::Path { path: "images.zip".into(), sha256: None },
        format: DatasetFormat::ImagesZip,
        label_offset: 0,
        preprocess: Preprocess { central_crop: None, resize: Some([2, 2]), scale: 1.0, offset: 0.0 },
    };
    let mut fetched = 0;
    let mut progress = |step: Step<'_>| match step {
        Step::Fetch(progress) => fetched = progress.done_bytes,
        Step::Examples { done, total } => last = Some((done, total)),
    };
    prepare(&dataset, "all", place.folder.path(), &place.fetcher(), &mut progress).expect("a pack");
    assert_eq!(last, Some((1, 1)));
    assert!(fetched > 0);
}

#[test]
fn images_of_a_zip_keep_their_rows_and_colours() {
    let place = Place::new();
    let (first, second) = (png(2, 3, |x, y| [x as u8, y as u8, 9]), png(2, 3, |_, _| [7; 3]));
    let labels = b"file,class_index,split\ntrain/b.png,4,train\na.png,0,test\n";
    place.zip(&[("a.png", &first), ("train/b.png", &second), ("labels.csv", labels)]);
    let pack = place.prepare(DatasetFormat::ImagesZip, "test").expect("a pack");
    assert_eq!(pack.index.examples, [Example { index: 1, label: 1 }]);
    assert_eq!(pack.index.dimensions, [2, 3, 3]);
    assert!(pack.index.decoder.starts_with("image "), "{}", pack.index.decoder);
    let tensors = TensorPack::open(&pack.object.path).expect("a pack");
    let halves = |values: &[u8]| values.iter().map(|value| f32::from(*value) * 0.5 + 1.0).collect::<Vec<_>>();
    let expected = halves(&[0, 0, 9, 1, 0, 9, 2, 0, 9, 0, 1, 9, 1, 1, 9, 2, 1, 9]);
    assert_eq!(tensors.example(0).expect("there"), expected);
}

#[test]
fn images_of_two_sizes_need_a_resize() {
    let place = Place::new();
    let (first, second) = (png(2, 3, |_, _| [0; 3]), png(3, 2, |_, _| [0; 3]));
    place.zip(&[("a", &first), ("b", &second), ("labels.csv", b"file,class_index\na,0\nb,1\n")]);
    let told = place.told(DatasetFormat::ImagesZip, "all");
    assert_eq!(told, "example 1: expected shape [2, 3, 3] like the first one, found [3, 2, 3]");
}

#[test]
fn what_is_wrong_with_an_idx_file_is_told() {
    let place = Place::new();
    let told = |images: &[u8], labels: &[u8], splits: &str| {
        place.idx(&[[0; 6]; 2], &[1, 2], Some(splits));
        if !images.is_empty() {
            place.write("images.idx3-ubyte", images);
        }
        if !labels.is_empty() {
            place.write("labels.idx1-ubyte", labels);
        }
        place.told(idx(), "all")
    };
    let splits = "index,split\n0,a\n1,a\n";
    let header = |magic: u8, sides: [u8; 3]| {
        let [count, height, width] = sides.map(|side| [0, 0, 0, side]);
        [[0, 0, 8, magic], count, height, width].concat()
    };
    let all = [
        told(b"short", b"", splits),
        told(&header(1, [2, 2, 3]), b"", splits),
        told(&header(3, [2, 2, 3]), b"", splits),
        told(&header(3, [2, 0, 3]), b"", splits),
        told(&[[0, 0, 8, 3], [255; 4], [255; 4], [255; 4]].concat(), b"", splits),
        told(&[[0, 0, 8, 3], [1, 0, 0, 0], [255; 4], [255; 4]].concat(), b"", splits),
        told(b"", &[0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3], splits),
        told(b"", &[0, 0, 8, 1, 0, 0, 0, 2, 1], splits),
        told(b"", b"", "number,split\n0,a\n"),
        told(b"", b"", "index,split\n0,a\n"),
        told(b"", b"", "index,split\n0,a\n2,a\n"),
        told(b"", b"", "index,split\n0,a\n-1,a\n"),
        told(b"", b"", "index,split\n0,a\n0,a\n"),
        told(b"", b"", "index,split\n0,a\n1\n"),
        told(b"", b"", "index,split\n0,\"a\"\n"),
        told(b"", b"", "index,split\n0,\n"),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_missing_file_of_a_data_set_is_told() {
    let place = Place::new();
    assert_eq!(place.told(idx(), "all"), "no file at FOLDER/./images.idx3-ubyte");
    assert_eq!(place.told(DatasetFormat::ImagesZip, "all"), "no file at FOLDER/images.zip");
}

#[test]
fn what_is_wrong_with_a_zip_is_told() {
    let place = Place::new();
    let image = png(1, 1, |_, _| [0; 3]);
    let told = |entries: &[(&str, &[u8])]| {
        place.zip(entries);
        place.told(DatasetFormat::ImagesZip, "all")
    };
    let labels = |lines: &str| format!("file,class_index\n{lines}").into_bytes();
    let all = [
        told(&[("a", &image)]),
        told(&[("labels.csv", b"name,class\na,0\n"), ("a", &image)]),
        told(&[("labels.csv", &labels("b,0\n")), ("a", &image)]),
        told(&[("labels.csv", &labels("a,0\na,1\n")), ("a", &image)]),
        told(&[("labels.csv", &labels("a,-1\n")), ("a", &image)]),
        told(&[("labels.csv", &labels("a,4294967295\n")), ("a", &image)]),
        told(&[("labels.csv", &labels("../a,0\n")), ("../a", &image)]),
        told(&[("labels.csv", &labels("/a,0\n")), ("/a", &image)]),
        told(&[("labels.csv", &labels("a,0\n")), ("a", b"no image")]),
        told(&[("labels.csv", &labels("a,0\n")), ("a", &image[..image.len() / 2])]),
        told(&[("labels.csv", b"\xff\xfe"), ("a", &image)]),
        told(&[("labels.csv", &labels("")), ("a", &image)]),
    ];
    insta::assert_snapshot!(all.join("\n"));
    place.write("images.zip", b"not a zip at all");
    let told = place.told(DatasetFormat::ImagesZip, "all");
    assert!(told.starts_with("images.zip: expected a zip archive, found "), "{told}");
}

#[test]
fn a_zip_bomb_is_refused() {
    let place = Place::new();
    let zeros = vec![0; (64 << 20) + 1];
    place.zip(&[("labels.csv", b"file,class_index\na,0\n"), ("a", &zeros)]);
    let length = std::fs::metadata(place.folder.path().join("images.zip")).expect("there").len();
    assert!(length < 1 << 20, "{length} bytes");
    let error = place.prepare(DatasetFormat::ImagesZip, "all").expect_err("refused");
    assert_eq!(error.to_string(), "images.zip: a: expected at most 67108864 bytes, found more");
    let exit = crate::error::BenchError::from(error).exit_code();
    assert_eq!(exit, crate::error::ExitCode::Refused);
}

/// A PNG of 60,000 x 60,000 pixels in a few bytes: its header is enough to refuse it.
#[test]
fn an_image_bomb_is_refused() {
    let place = Place::new();
    let mut image = png(1, 1, |_, _| [0; 3]);
    let side = 60_000u32.to_be_bytes();
    image[16..20].copy_from_slice(&side);
    image[20..24].copy_from_slice(&side);
    let sum = crc32(&image[12..29]).to_be_bytes();
    image[29..33].copy_from_slice(&sum);
    place.zip(&[("labels.csv", b"file,class_index\na,0\n"), ("a", &image)]);
    let told = place.told(DatasetFormat::ImagesZip, "all");
    assert!(told.starts_with("images.zip: a: expected a PNG or JPEG image, found "), "{told}");
    assert!(told.contains("limit") || told.contains("exceed") || told.contains("large"), "{told}");
}

/// The CRC of PNG chunks (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// A flipped bit in a stored image is found by the archive's own sum or by the decoder, or does not matter.
#[test]
fn a_damaged_archive_is_an_error_and_never_a_panic() {
    let place = Place::new();
    let labels = b"file,class_index\na,0\n".as_slice();
    place.zip(&[("labels.csv", labels), ("a", &png(4, 4, |x, y| [x as u8, y as u8, 3]))]);
    let path = place.folder.path().join("images.zip");
    let whole = std::fs::read(&path).expect("readable");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("written");
        images_zip::ImagesZip::open(&path, "images.zip").and_then(|mut zip| zip.image(0))
    };
    let intact = read(&whole).expect("an image");
    for position in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x11;
        if let Ok(image) = read(&damaged) {
            assert_eq!(image, intact, "byte {position}");
        }
        assert!(read(&whole[..position]).is_err(), "cut at {position}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Headers and tables of anything: an error or a pack, never a panic or a long wait.
    #[test]
    fn any_idx_files_are_a_pack_or_an_error(
        images: Vec<u8>, count in 0u8..3, labels: Vec<u8>, splits in "(index|split|,|\n|0|1|a|\"){0,20}",
        right in proptest::bool::ANY,
    ) {
        let place = Place::new();
        place.idx(&vec![[0; 6]; usize::from(count)], &labels, Some(&format!("index,split\n{splits}")));
        if !right {
            place.write("images.idx3-ubyte", &[&[0, 0, 8, 3, 0, 0, 0, count], images.as_slice()].concat());
        }
        let _ = place.prepare(idx(), "all");
    }

    #[test]
    fn any_labels_of_a_zip_are_a_pack_or_an_error(labels in "(file|class_index|split|,|\n|0|a|\"|\\PC){0,30}") {
        let place = Place::new();
        place.zip(&[("labels.csv", format!("file,class_index\n{labels}").as_bytes()), ("a", &png(1, 1, |_, _| [0; 3]))]);
        let _ = place.prepare(DatasetFormat::ImagesZip, "all");
    }
}

fn suites() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../suites")
}

/// The pack as `suites/mobilenet/train/preprocess.py` makes it of the same split: SHA-256 over the file.
#[test]
fn the_digits_pack_is_that_of_the_training_script() {
    let place = Place::new();
    let suite = Suite::find("mobilenet", &[suites()]).unwrap_or_else(|error| panic!("{error}"));
    let split = suite.models[0].evaluation.as_ref().expect("a split");
    let dataset = suite.dataset(&split.dataset).expect("a data set");
    let pack = prepare(dataset, &split.split, &suite.folder, &place.fetcher(), &mut |_| ()).expect("a pack");
    assert_eq!(pack.index.dimensions, [96, 96, 1]);
    assert_eq!(pack.index.examples.len(), 360);
    let bytes = std::fs::read(&pack.object.path).expect("readable");
    assert_eq!(crate::artifact::Sha256::of(&bytes).hex(), DIGITS_TEST_PACK);
}

/// Made by numpy 2.4.6 from `preprocess.py` and `tensor_pack.py`.
const DIGITS_TEST_PACK: &str = "a02999901333871b8e4153ef902a5bba55c4ba4b37caa173a29aa6af2def8364";
