//! Tensor packs: preprocessed examples, the same bytes for every device. Read one example at a time, so that the pack
//! does not count in the agent's memory. Knows nothing of models but the shape of an input.
//!
//! Layout, little-endian: `EBPACK01`, u32 element type (0 is float32, the only one), u32 rank, u32 dimensions of one
//! example without the batch, u32 count, then the examples back to back.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_wire::{Failure, FailureKind};

use crate::device::StoredFile;
use crate::failure::{Stop, mismatch};

const MAGIC: &[u8; 8] = b"EBPACK01";
const FLOAT32: u32 = 0;
const FLOAT32_BYTES: u64 = 4;
/// Dimensions that one example may have at most.
const MAX_RANK: u32 = 8;
/// Magic, element type and rank.
const FIXED_BYTES: u64 = 16;

/// A pack whose header agrees with its length and with the input it is for.
pub(crate) struct Pack {
    file: Box<dyn StoredFile>,
    count: u32,
    body_offset: u64,
    bytes: Vec<u8>,
    values: Vec<f32>,
}

impl Pack {
    /// Reads the header of a pack of examples for an input of `shape`, batch of 1 in front.
    pub(crate) fn open(mut file: Box<dyn StoredFile>, shape: &[usize]) -> Result<Self, Stop> {
        let (dimensions, count) = read_header(file.as_mut())?;
        let body_offset = FIXED_BYTES + 4 * (dimensions.len() as u64 + 1);
        check_length(&dimensions, count, body_offset, file.len_bytes())?;
        check_shape(&dimensions, shape)?;
        if count == 0 {
            return Err(data("pack", "at least one example", 0));
        }
        let length = shape.iter().product();
        let (bytes, values) = (vec![0; length * FLOAT32_BYTES as usize], vec![0.0; length]);
        Ok(Self { file, count, body_offset, bytes, values })
    }

    /// How many examples there are; at least one.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The values of one example, row-major.
    pub(crate) fn example(&mut self, index: u32) -> Result<&[f32], Stop> {
        if index >= self.count {
            return Err(data("index of an example", format!("less than {}", self.count), index));
        }
        let offset = self.body_offset + u64::from(index) * self.bytes.len() as u64;
        self.file.read_at(offset, &mut self.bytes)?;
        for (value, bytes) in self.values.iter_mut().zip(self.bytes.as_chunks().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            Some(place) => {
                let found = self.values.get(place).copied().unwrap_or_default();
                Err(data(format!("example {index} value {place}"), "a finite number", found))
            }
            None => Ok(&self.values),
        }
    }
}

/// The dimensions of one example and the number of examples.
fn read_header(file: &mut dyn StoredFile) -> Result<(Vec<u32>, u32), Stop> {
    let magic = read::<8>(file, 0)?;
    if magic != *MAGIC {
        return Err(data("pack magic", MAGIC.escape_ascii(), magic.escape_ascii()));
    }
    let mut word = |index: u32| read::<4>(file, 8 + 4 * u64::from(index)).map(u32::from_le_bytes);
    let (kind, rank) = (word(0)?, word(1)?);
    if kind != FLOAT32 {
        return Err(data("pack element type", "0 (float32)", kind));
    }
    if rank > MAX_RANK {
        return Err(data("pack rank", format!("at most {MAX_RANK}"), rank));
    }
    let dimensions = (2..rank + 2).map(&mut word).collect::<Result<_, _>>()?;
    Ok((dimensions, word(rank + 2)?))
}

fn read<const BYTES: usize>(file: &mut dyn StoredFile, offset: u64) -> Result<[u8; BYTES], Stop> {
    let end = offset + BYTES as u64;
    if file.len_bytes() < end {
        return Err(data("pack header", format!("at least {end} bytes"), file.len_bytes()));
    }
    let mut bytes = [0; BYTES];
    file.read_at(offset, &mut bytes)?;
    Ok(bytes)
}

fn check_length(dimensions: &[u32], count: u32, body_offset: u64, file_bytes: u64) -> Result<(), Failure> {
    let sizes = dimensions.iter().chain([&count]).map(|size| u64::from(*size));
    let body_bytes = sizes.clone().try_fold(FLOAT32_BYTES, u64::checked_mul);
    let expected = body_bytes.and_then(|bytes| bytes.checked_add(body_offset));
    if expected == Some(file_bytes) {
        return Ok(());
    }
    let wanted =
        expected.map_or_else(|| "more bytes than can be counted".into(), |bytes| format!("{bytes} bytes"));
    let place = format!("pack of {count} examples of {dimensions:?}");
    Err(mismatch(FailureKind::Data, place, wanted, file_bytes))
}

fn check_shape(dimensions: &[u32], shape: &[usize]) -> Result<(), Failure> {
    let same = |size: &u32, wanted: &usize| usize::try_from(*size) == Ok(*wanted);
    let fits = shape.split_first().is_some_and(|(batch, rest)| {
        *batch == 1
            && rest.len() == dimensions.len()
            && dimensions.iter().zip(rest).all(|(size, wanted)| same(size, wanted))
    });
    if fits {
        return Ok(());
    }
    let expected = format!("{shape:?} with a batch of 1");
    Err(mismatch(FailureKind::Data, "pack for input 0", expected, format!("examples of {dimensions:?}")))
}

fn data(
    place: impl core::fmt::Display,
    expected: impl core::fmt::Display,
    found: impl core::fmt::Display,
) -> Stop {
    mismatch(FailureKind::Data, place, expected, found).into()
}
