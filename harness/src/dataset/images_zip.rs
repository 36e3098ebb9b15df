//! PNG and JPEG files in a zip with a `labels.csv`. The archive is untrusted: it is never unpacked to files, and every
//! entry is read up to a limit whatever its header says.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use image::{ImageReader, Limits};
use zip::ZipArchive;
use zip::result::ZipError;

use super::preprocess::Image;
use super::rows::{MAX_TABLE_BYTES, Rows};
use super::{DatasetError, Examples, Listed};

/// What decodes the images, as it is named in records. JPEG decoders differ by a code value here and there, so a pack
/// is only comparable with packs of the same decoder. A test holds the versions to those that are built.
pub(super) const DECODER: &str = "image 0.25.10 (zune-jpeg 0.5.15, png 0.18.1)";

const LABELS: &str = "labels.csv";

/// Longest image file that is read, in bytes.
const MAX_ENTRY_BYTES: u64 = 64 << 20;

/// Longest side of an image, in pixels.
const MAX_SIDE: u32 = 16_384;

/// Most memory that decoding one image may take.
const MAX_DECODED_BYTES: u64 = 512 << 20;

/// A zip of images.
pub(super) struct ImagesZip {
    name: String,
    archive: ZipArchive<BufReader<File>>,
    list: Vec<Listed>,
    entries: Vec<String>,
}

impl ImagesZip {
    /// Opens the archive and reads its labels; `name` is what the suite calls it.
    pub(super) fn open(path: &Path, name: &str) -> Result<Self, DatasetError> {
        let file = File::open(path).map_err(|cause| DatasetError::Io { file: name.to_owned(), cause })?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| DatasetError::Format {
            file: name.to_owned(),
            expected: "a zip archive".to_owned(),
            found: error.to_string(),
        })?;
        let mut opened = Self { name: name.to_owned(), archive, list: Vec::new(), entries: Vec::new() };
        let labels = opened.read(LABELS, MAX_TABLE_BYTES)?;
        opened.take_labels(labels)?;
        Ok(opened)
    }

    fn take_labels(&mut self, bytes: Vec<u8>) -> Result<(), DatasetError> {
        let text = String::from_utf8(bytes)
            .map_err(|_| self.wrong(LABELS, "UTF-8 text", "other bytes".to_owned()))?;
        let file = format!("{}: {LABELS}", self.name);
        let rows = Rows::read(&file, &text, &["file", "class_index", "split"], 2)?;
        let mut seen = BTreeSet::new();
        for row in rows.rows() {
            let row = row?;
            let field = |place: usize| row.fields.get(place).copied().flatten();
            let entry = field(0).unwrap_or_default();
            if !stays_inside(entry) {
                return Err(DatasetError::Hostile {
                    file: file.clone(),
                    entry: format!("line {}", row.line),
                    expected: "a relative path without `..`".to_owned(),
                    found: format!("\"{}\"", entry.escape_debug()),
                });
            }
            if self.archive.index_for_name(entry).is_none() {
                return Err(rows.wrong(row.line, "a file of the archive", entry));
            }
            if !seen.insert(entry) {
                return Err(rows.wrong(row.line, "every file once", entry));
            }
            let class = field(1).unwrap_or_default();
            let label = class.parse().map_err(|_| rows.wrong(row.line, "a class index", class))?;
            self.list.push(Listed { label, split: field(2).map(str::to_owned) });
            self.entries.push(entry.to_owned());
        }
        Ok(())
    }

    /// The bytes of an entry, at most `limit_bytes`.
    fn read(&mut self, entry: &str, limit_bytes: u64) -> Result<Vec<u8>, DatasetError> {
        let file = self.name.clone();
        let wrong = |found: String| DatasetError::Entry {
            file: file.clone(),
            entry: entry.to_owned(),
            expected: "a readable entry".to_owned(),
            found,
        };
        let opened = self.archive.by_name(entry).map_err(|error| match error {
            ZipError::FileNotFound => wrong("no such entry".to_owned()),
            other => wrong(other.to_string()),
        })?;
        let mut bytes = Vec::new();
        let mut limited = opened.take(limit_bytes + 1);
        limited.read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
        if bytes.len() as u64 > limit_bytes {
            return Err(DatasetError::Hostile {
                file: file.clone(),
                entry: entry.to_owned(),
                expected: format!("at most {limit_bytes} bytes"),
                found: "more".to_owned(),
            });
        }
        Ok(bytes)
    }

    fn wrong(&self, entry: &str, expected: &str, found: String) -> DatasetError {
        let (file, entry, expected) = (self.name.clone(), entry.to_owned(), expected.to_owned());
        DatasetError::Entry { file, entry, expected, found }
    }
}

impl Examples for ImagesZip {
    fn list(&self) -> &[Listed] {
        &self.list
    }

    /// RGB, whatever the file has: grey is repeated, transparency dropped, 16 bits become 8. An orientation in EXIF
    /// data is not applied, as TensorFlow's decoder does not apply it.
    fn image(&mut self, index: usize) -> Result<Image, DatasetError> {
        let entry = self.entries.get(index).cloned().unwrap_or_default();
        let bytes = self.read(&entry, MAX_ENTRY_BYTES)?;
        let decoded = decode(bytes).map_err(|found| self.wrong(&entry, "a PNG or JPEG image", found))?;
        let (width, height) = (decoded.width(), decoded.height());
        Image::new(height, width, RGB_CHANNELS, decoded.into_raw())
            .ok_or_else(|| self.wrong(&entry, "an image with pixels", format!("{height}x{width}")))
    }

    fn decoder(&self) -> &'static str {
        DECODER
    }
}

const RGB_CHANNELS: u32 = 3;

fn decode(bytes: Vec<u8>) -> Result<image::RgbImage, String> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| error.to_string())?;
    Ok(image.into_rgb8())
}

/// Whether a path in an archive stays inside it: nothing absolute, no `..`, no drive letters or backslashes.
fn stays_inside(entry: &str) -> bool {
    let plain = !entry.is_empty() && !entry.contains(['\\', '\0', ':']);
    plain && entry.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests;
