//! Tensor packs: preprocessed examples back to back in one file.
//!
//! All little-endian: `EBPACK01`, u32 element type (0 is float32, the only one so far), u32 rank, u32 dimension\[rank\]
//! of one example without the batch, u32 count, then the examples, row-major. `ci/litert/tensor_pack.py` reads the
//! same. A changed layout gets another last digit.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use edgebench_converter::Samples;

const MAGIC: &[u8; 8] = b"EBPACK01";

/// Element type float32.
const FLOAT32: u32 = 0;

/// Most dimensions of an example.
pub const MAX_RANK: u32 = 8;

/// Longest example that is read into memory, in bytes.
const MAX_EXAMPLE_BYTES: u64 = 1 << 30;

/// Why a file was not read as a tensor pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The operating system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The bytes are no tensor pack.
    #[error("{}: {place}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        place: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
}

/// A tensor pack that is being read, one example at a time.
#[derive(Debug)]
pub struct TensorPack {
    path: PathBuf,
    file: Mutex<BufReader<File>>,
    dimensions: Vec<u32>,
    count: u32,
    body_offset: u64,
    example_bytes: u64,
}

impl TensorPack {
    /// Opens a pack and checks its header against its length.
    ///
    /// # Errors
    /// When it cannot be read or is no tensor pack.
    pub fn open(path: &Path) -> Result<Self, PackError> {
        let io = |cause| PackError::Io { path: path.to_owned(), cause };
        let file = File::open(path).map_err(io)?;
        let found_bytes = file.metadata().map_err(io)?.len();
        let mut reader = BufReader::new(file);
        let header = Header::read(&mut reader, path)?;
        let wrong = |place, expected: String, found: String| PackError::Format {
            path: path.to_owned(),
            place,
            expected,
            found,
        };
        let example_bytes = body_bytes(&header.dimensions, 1).filter(|bytes| *bytes <= MAX_EXAMPLE_BYTES);
        let example_bytes = example_bytes.ok_or_else(|| {
            wrong("shape", format!("at most {MAX_EXAMPLE_BYTES} bytes"), format!("{:?}", header.dimensions))
        })?;
        let body_offset = header_bytes(header.dimensions.len());
        let expected_bytes =
            example_bytes.saturating_mul(u64::from(header.count)).saturating_add(body_offset);
        if found_bytes != expected_bytes {
            return Err(wrong("length", format!("{expected_bytes} bytes"), format!("{found_bytes}")));
        }
        let Header { dimensions, count } = header;
        let (path, file) = (path.to_owned(), Mutex::new(reader));
        Ok(Self { path, file, dimensions, count, body_offset, example_bytes })
    }

    /// Shape of one example.
    pub fn dimensions(&self) -> &[u32] {
        &self.dimensions
    }

    /// How many examples there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The values of one example, row-major.
    ///
    /// # Errors
    /// When there is no such example or it cannot be read.
    pub fn example(&self, index: u32) -> Result<Vec<f32>, PackError> {
        if index >= self.count {
            let (expected, found) = (format!("an index below {}", self.count), index.to_string());
            return Err(PackError::Format { path: self.path.clone(), place: "example", expected, found });
        }
        let mut bytes = vec![0; usize::try_from(self.example_bytes).unwrap_or(usize::MAX)];
        let offset = self.body_offset + self.example_bytes * u64::from(index);
        // A reader that panicked left at most a position behind, and every reader sets its own.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|cause| PackError::Io { path: self.path.clone(), cause })?;
        Ok(bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect())
    }
}

/// Representative samples for calibration: networks with one input, whose shape is that of an example.
impl Samples for TensorPack {
    fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    fn sample(&self, index: usize) -> Result<Vec<Vec<f32>>, String> {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.example(index).map(|values| vec![values]).map_err(|error| match &error {
            PackError::Io { cause, .. } => format!("{error}: {cause}"),
            PackError::Format { .. } => error.to_string(),
        })
    }
}

/// Writes the header of a pack of `count` examples of this shape.
///
/// # Errors
/// Those of the writer.
pub fn write_header(writer: &mut impl Write, dimensions: &[u32], count: u32) -> io::Result<()> {
    let rank = u32::try_from(dimensions.len()).unwrap_or(u32::MAX);
    writer.write_all(MAGIC)?;
    for number in [FLOAT32, rank].iter().chain(dimensions).chain([&count]) {
        writer.write_all(&number.to_le_bytes())?;
    }
    Ok(())
}

/// Writes the values of one example behind the header or the example before it.
pub(super) fn write_values(writer: &mut impl Write, values: &[f32]) -> io::Result<()> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    writer.write_all(&bytes)
}

/// Bytes of `count` examples of this shape; none when that does not fit a u64.
pub(super) fn body_bytes(dimensions: &[u32], count: usize) -> Option<u64> {
    let one = dimensions.iter().try_fold(4u64, |bytes, side| bytes.checked_mul(u64::from(*side)))?;
    one.checked_mul(u64::try_from(count).ok()?)
}

fn header_bytes(rank: usize) -> u64 {
    MAGIC.len() as u64 + 4 * (rank as u64 + 3)
}

struct Header {
    dimensions: Vec<u32>,
    count: u32,
}

impl Header {
    fn read(reader: &mut impl Read, path: &Path) -> Result<Self, PackError> {
        let wrong = |place, expected: String, found: String| PackError::Format {
            path: path.to_owned(),
            place,
            expected,
            found,
        };
        let mut magic = [0; 8];
        fill(reader, &mut magic, path)?;
        if magic != *MAGIC {
            let found = format!("\"{}\"", magic.escape_ascii());
            return Err(wrong("magic", format!("\"{}\"", MAGIC.escape_ascii()), found));
        }
        let element = number(reader, path)?;
        if element != FLOAT32 {
            return Err(wrong("element type", format!("{FLOAT32} (float32)"), element.to_string()));
        }
        let rank = number(reader, path)?;
        if rank > MAX_RANK {
            return Err(wrong("rank", format!("at most {MAX_RANK}"), rank.to_string()));
        }
        let dimensions = (0..rank).map(|_| number(reader, path)).collect::<Result<_, _>>()?;
        Ok(Self { dimensions, count: number(reader, path)? })
    }
}

fn number(reader: &mut impl Read, path: &Path) -> Result<u32, PackError> {
    let mut bytes = [0; 4];
    fill(reader, &mut bytes, path)?;
    Ok(u32::from_le_bytes(bytes))
}

fn fill(reader: &mut impl Read, bytes: &mut [u8], path: &Path) -> Result<(), PackError> {
    reader.read_exact(bytes).map_err(|cause| PackError::Io { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests;
