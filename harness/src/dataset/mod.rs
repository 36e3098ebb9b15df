//! Labelled examples to tensor packs: decoded and preprocessed once, on the controller, so that every device gets the
//! same bytes and no device's decoder plays a part in accuracy.
//!
//! Files of examples are untrusted: every length, name and label is checked, and errors name the file and the entry.
//! Knows formats, pixels and splits; it must not know models or devices.

mod error;
mod idx;
mod images_zip;
mod pack;
pub mod preprocess;
mod rows;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::artifact::{ArtifactError, Fetcher, Key, Made, Object, ObjectWriter, Progress};
use crate::suite::{Dataset, DatasetFormat, Preprocess, SPLIT_ALL};

pub use error::DatasetError;
pub use pack::{MAX_RANK, PackError, TensorPack, write_header};

use preprocess::Image;

/// A split of a data set, ready to be sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Pack {
    /// The tensor pack, a file of the format of [`TensorPack`].
    pub object: Object,
    /// What is in it.
    pub index: PackIndex,
    /// Whether it had been made before.
    pub reused: bool,
}

/// What is in a tensor pack, in its order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PackIndex {
    /// Shape of one example: height, width, channels.
    pub dimensions: Vec<u32>,
    /// The examples.
    pub examples: Vec<Example>,
    /// What decoded them, with its version; `none` where nothing had to be decoded.
    pub decoder: String,
}

/// One example.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Example {
    /// Position in the data set, not in the split.
    pub index: u32,
    /// The right class as the network counts: the label of the data set and the suite's `label_offset`.
    pub label: u32,
}

/// How far [`prepare`] has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<'s> {
    /// A file is on its way into the cache.
    Fetch(Progress<'s>),
    /// Examples are being decoded and preprocessed.
    Examples {
        /// Examples so far.
        done: usize,
        /// All of them.
        total: usize,
    },
}

/// The pack of this split, from the cache or made now. Relative paths start at `suite_folder`.
///
/// # Errors
/// When a file is missing or damaged, the split is unknown or empty, or the cache cannot be written.
pub fn prepare(
    dataset: &Dataset,
    split: &str,
    suite_folder: &Path,
    fetcher: &Fetcher,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Pack, DatasetError> {
    let mut opened = open(dataset, suite_folder, fetcher, &mut |fetch| progress(Step::Fetch(fetch)))?;
    let chosen = choose(dataset, split, opened.examples.as_ref())?;
    let settings = serde_json::to_vec(&dataset.preprocess).unwrap_or_default();
    let decoder = opened.examples.decoder();
    let key = opened.key.part(split).part(settings).part(dataset.label_offset.to_le_bytes()).part(decoder);
    let examples = opened.examples.as_mut();
    let Made { object, note, reused } = fetcher.cache().make(&key, |writer| {
        fill(writer, &chosen, examples, &dataset.preprocess, progress).map(|dimensions| PackIndex {
            dimensions,
            examples: chosen.clone(),
            decoder: decoder.to_owned(),
        })
    })?;
    Ok(Pack { object, index: note, reused })
}

/// Examples of a data set on this machine.
trait Examples {
    /// Label and split of every example, in the order of the data set.
    fn list(&self) -> &[Listed];

    /// The picture of one.
    fn image(&mut self, index: usize) -> Result<Image, DatasetError>;

    /// What decodes the pictures, with its version.
    fn decoder(&self) -> &'static str;
}

/// What is known of an example without looking at its picture.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Listed {
    /// As the data set counts classes.
    label: u32,
    /// None when the data set has no splits.
    split: Option<String>,
}

/// A data set with the part of the key that its files make.
struct Opened {
    examples: Box<dyn Examples>,
    key: Key,
}

/// Raised whenever the same files and settings would give other bytes.
const KEY: &str = "tensor-pack/1";

fn open(
    dataset: &Dataset,
    suite_folder: &Path,
    fetcher: &Fetcher,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Opened, DatasetError> {
    let key = Key::new(KEY).part(dataset.format.name());
    match &dataset.format {
        DatasetFormat::ImagesZip => {
            let object = fetcher.fetch(&dataset.source, suite_folder, progress)?;
            let examples = images_zip::ImagesZip::open(&object.path, &dataset.source.name())?;
            Ok(Opened { examples: Box::new(examples), key: key.part(object.digest.bytes()) })
        }
        DatasetFormat::Idx { splits } => {
            let files =
                idx::Files::fetch(&dataset.source, splits.as_deref(), suite_folder, fetcher, progress)?;
            let key = files.objects().fold(key, |key, object| key.part(object.digest.bytes()));
            Ok(Opened { examples: Box::new(files.open()?), key })
        }
    }
}

/// The examples of the split, in the order of the data set.
fn choose(dataset: &Dataset, split: &str, examples: &dyn Examples) -> Result<Vec<Example>, DatasetError> {
    let listed = examples.list();
    let mut chosen = Vec::new();
    for (index, one) in (0..).zip(listed) {
        if split != SPLIT_ALL && one.split.as_deref() != Some(split) {
            continue;
        }
        let label = one.label.checked_add(dataset.label_offset);
        let label = label.ok_or_else(|| DatasetError::Entry {
            file: dataset.source.name(),
            entry: format!("example {index}"),
            expected: format!("a label below {}", u32::MAX - dataset.label_offset),
            found: one.label.to_string(),
        })?;
        chosen.push(Example { index, label });
    }
    if chosen.is_empty() {
        let mut known: Vec<String> = listed.iter().filter_map(|one| one.split.clone()).collect();
        known.push(SPLIT_ALL.to_owned());
        known.sort();
        known.dedup();
        let (dataset, split) = (dataset.name.clone(), split.to_owned());
        return Err(DatasetError::UnknownSplit { dataset, split, known });
    }
    Ok(chosen)
}

/// Writes the pack, one example in memory at a time; gives the shape that all of them have.
fn fill(
    writer: &mut ObjectWriter,
    chosen: &[Example],
    examples: &mut dyn Examples,
    settings: &Preprocess,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Vec<u32>, DatasetError> {
    let mut dimensions: Option<[u32; 3]> = None;
    for (done, example) in chosen.iter().enumerate() {
        let index = usize::try_from(example.index).unwrap_or(usize::MAX);
        let image = examples.image(index)?;
        let tensor = preprocess::preprocess(&image, settings);
        let shape = match dimensions {
            Some(shape) => shape,
            None => {
                let fits = pack::body_bytes(&tensor.shape, chosen.len())
                    .is_some_and(|bytes| bytes <= MAX_PACK_BYTES);
                if !fits {
                    return Err(DatasetError::TooLarge { limit_bytes: MAX_PACK_BYTES, count: chosen.len() });
                }
                let count = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
                write(writer, |writer| write_header(writer, &tensor.shape, count))?;
                *dimensions.insert(tensor.shape)
            }
        };
        if tensor.shape != shape {
            return Err(DatasetError::UnequalShapes {
                example: example.index,
                expected: shape,
                found: tensor.shape,
            });
        }
        write(writer, |writer| pack::write_values(writer, &tensor.values))?;
        progress(Step::Examples { done: done + 1, total: chosen.len() });
    }
    Ok(dimensions.map(|shape| shape.to_vec()).unwrap_or_default())
}

/// A pack is read whole by no one, but it is copied to every device.
const MAX_PACK_BYTES: u64 = 16 << 30;

fn write(
    writer: &mut ObjectWriter,
    action: impl FnOnce(&mut ObjectWriter) -> std::io::Result<()>,
) -> Result<(), DatasetError> {
    let path = writer.path().to_owned();
    action(writer).map_err(ArtifactError::io("write", &path)).map_err(DatasetError::from)
}

#[cfg(test)]
mod tests;
