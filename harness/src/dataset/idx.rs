//! IDX, the format of MNIST: a big-endian header, then bytes (<http://yann.lecun.com/exdb/mnist/>). A data set is a
//! folder with `images.idx3-ubyte`, `labels.idx1-ubyte` and, perhaps, a CSV table of splits.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::preprocess::Image;
use super::rows::{MAX_TABLE_BYTES, Rows};
use super::{DatasetError, Examples, Listed};
use crate::artifact::{Fetcher, Object, Progress, Source};

const IMAGES: &str = "images.idx3-ubyte";
const LABELS: &str = "labels.idx1-ubyte";

/// Magic numbers: two zero bytes, 8 for unsigned bytes, the rank.
const IMAGES_MAGIC: u32 = 0x0803;
const LABELS_MAGIC: u32 = 0x0801;

/// Most examples.
const MAX_COUNT: u32 = 100_000_000;

/// Most bytes of one image.
const MAX_IMAGE_BYTES: u64 = 256 << 20;

/// A file in the cache with the name that people know it by.
struct Named {
    name: String,
    object: Object,
}

/// The files of a data set, in the cache.
pub(super) struct Files {
    images: Named,
    labels: Named,
    splits: Option<Named>,
}

impl Files {
    pub(super) fn fetch(
        source: &Source,
        splits: Option<&str>,
        base: &Path,
        fetcher: &Fetcher,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, DatasetError> {
        let Source::Path { path, .. } = source else {
            let (file, found) = (source.name(), "a file known by its sum".to_owned());
            return Err(DatasetError::Format { file, expected: "the path of a folder".to_owned(), found });
        };
        let mut one = |name: &str| {
            let path = path.join(name);
            let object = fetcher.fetch(&Source::Path { path: path.clone(), sha256: None }, base, progress)?;
            Ok::<Named, DatasetError>(Named { name: path.display().to_string(), object })
        };
        Ok(Self { images: one(IMAGES)?, labels: one(LABELS)?, splits: splits.map(one).transpose()? })
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &Object> {
        [&self.images, &self.labels].into_iter().chain(&self.splits).map(|named| &named.object)
    }

    pub(super) fn open(self) -> Result<Idx, DatasetError> {
        let images = Images::open(self.images)?;
        let labels = labels(&self.labels, images.count)?;
        let mut list: Vec<Listed> =
            labels.into_iter().map(|label| Listed { label: u32::from(label), split: None }).collect();
        if let Some(splits) = &self.splits {
            assign_splits(splits, &mut list)?;
        }
        Ok(Idx { images, list })
    }
}

/// An IDX data set.
pub(super) struct Idx {
    images: Images,
    list: Vec<Listed>,
}

impl Examples for Idx {
    fn list(&self) -> &[Listed] {
        &self.list
    }

    fn image(&mut self, index: usize) -> Result<Image, DatasetError> {
        self.images.image(index)
    }

    fn decoder(&self) -> &'static str {
        "none"
    }
}

struct Images {
    name: String,
    reader: BufReader<File>,
    count: u32,
    height: u32,
    width: u32,
}

impl Images {
    fn open(named: Named) -> Result<Self, DatasetError> {
        let (mut reader, [count, height, width]) = open(&named, IMAGES_MAGIC)?;
        let image_bytes = u64::from(height) * u64::from(width);
        if image_bytes == 0 || image_bytes > MAX_IMAGE_BYTES {
            let expected = format!("images of 1 to {MAX_IMAGE_BYTES} bytes");
            return Err(wrong(&named, expected, format!("{height}x{width}")));
        }
        check_length(&named, IMAGES_HEADER_BYTES, u64::from(count).saturating_mul(image_bytes))?;
        rewind(&mut reader, &named.name, IMAGES_HEADER_BYTES)?;
        Ok(Self { name: named.name, reader, count, height, width })
    }

    fn image(&mut self, index: usize) -> Result<Image, DatasetError> {
        let image_bytes = u64::from(self.height) * u64::from(self.width);
        let offset = IMAGES_HEADER_BYTES + image_bytes.saturating_mul(index as u64);
        rewind(&mut self.reader, &self.name, offset)?;
        let mut pixels = vec![0; usize::try_from(image_bytes).unwrap_or(usize::MAX)];
        let read = self.reader.read_exact(&mut pixels);
        read.map_err(|cause| DatasetError::Io { file: self.name.clone(), cause })?;
        let image = Image::new(self.height, self.width, 1, pixels);
        image.ok_or_else(|| DatasetError::Entry {
            file: self.name.clone(),
            entry: format!("example {index}"),
            expected: "an image".to_owned(),
            found: format!("{}x{}", self.height, self.width),
        })
    }
}

const IMAGES_HEADER_BYTES: u64 = 16;
const LABELS_HEADER_BYTES: u64 = 8;

fn labels(named: &Named, images: u32) -> Result<Vec<u8>, DatasetError> {
    let (mut reader, [count]) = open(named, LABELS_MAGIC)?;
    if count != images {
        return Err(wrong(named, format!("{images} labels, as many as images"), count.to_string()));
    }
    check_length(named, LABELS_HEADER_BYTES, u64::from(count))?;
    let mut labels = Vec::new();
    let read = reader.read_to_end(&mut labels);
    read.map_err(|cause| DatasetError::Io { file: named.name.clone(), cause })?;
    Ok(labels)
}

/// Opens the file and reads its header: magic number and dimensions.
fn open<const RANK: usize>(
    named: &Named,
    magic: u32,
) -> Result<(BufReader<File>, [u32; RANK]), DatasetError> {
    let io = |cause| DatasetError::Io { file: named.name.clone(), cause };
    let mut reader = BufReader::new(File::open(&named.object.path).map_err(io)?);
    let mut number = || {
        let mut bytes = [0; 4];
        match reader.read_exact(&mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                let expected = format!("a header of {} bytes", 4 * (RANK + 1));
                Err(wrong(named, expected, format!("{} bytes", named.object.bytes)))
            }
            other => other.map(|()| u32::from_be_bytes(bytes)).map_err(io),
        }
    };
    let found = number()?;
    if found != magic {
        return Err(wrong(named, format!("magic number {magic:#010x}"), format!("{found:#010x}")));
    }
    let mut dimensions = [0; RANK];
    for dimension in &mut dimensions {
        *dimension = number()?;
    }
    if let Some(count) = dimensions.first().filter(|count| **count > MAX_COUNT) {
        return Err(wrong(named, format!("at most {MAX_COUNT} examples"), count.to_string()));
    }
    Ok((reader, dimensions))
}

fn check_length(named: &Named, header_bytes: u64, body_bytes: u64) -> Result<(), DatasetError> {
    let expected = header_bytes.saturating_add(body_bytes);
    if named.object.bytes == expected {
        return Ok(());
    }
    Err(wrong(named, format!("{expected} bytes as its header says"), named.object.bytes.to_string()))
}

fn rewind(reader: &mut BufReader<File>, name: &str, offset: u64) -> Result<(), DatasetError> {
    let sought = reader.seek(SeekFrom::Start(offset));
    sought.map(drop).map_err(|cause| DatasetError::Io { file: name.to_owned(), cause })
}

/// Reads `index,split`; every example must be in exactly one split.
fn assign_splits(named: &Named, list: &mut [Listed]) -> Result<(), DatasetError> {
    if named.object.bytes > MAX_TABLE_BYTES {
        let expected = format!("at most {MAX_TABLE_BYTES} bytes");
        return Err(wrong(named, expected, named.object.bytes.to_string()));
    }
    let io = |cause| DatasetError::Io { file: named.name.clone(), cause };
    let text = std::fs::read_to_string(&named.object.path).map_err(io)?;
    let rows = Rows::read(&named.name, &text, &["index", "split"], 2)?;
    for row in rows.rows() {
        let row = row?;
        let [index, split] = [0, 1].map(|place| row.fields.get(place).copied().flatten().unwrap_or_default());
        let place = index.parse::<usize>().ok();
        let count = list.len();
        let listed = place.and_then(|place| list.get_mut(place));
        let listed = listed.ok_or_else(|| rows.wrong(row.line, &format!("an index below {count}"), index))?;
        if split.is_empty() || listed.split.is_some() {
            let expected = if split.is_empty() { "the name of a split" } else { "every index once" };
            return Err(rows.wrong(row.line, expected, index));
        }
        listed.split = Some(split.to_owned());
    }
    match list.iter().position(|listed| listed.split.is_none()) {
        Some(index) => Err(wrong(named, "every index once".to_owned(), format!("no line for {index}"))),
        None => Ok(()),
    }
}

fn wrong(named: &Named, expected: String, found: String) -> DatasetError {
    DatasetError::Format { file: named.name.clone(), expected, found }
}
