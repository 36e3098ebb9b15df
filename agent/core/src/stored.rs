//! Files come out of the store only after their hash has been verified, every time: a card may have rotted since.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Display;

use edgebench_wire::{Digest, Failure, FailureKind};

use crate::device::{Store, StoredFile};
use crate::failure::{Stop, mismatch};

/// Bytes hashed at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The verified content of a file, in memory.
pub(crate) enum Content {
    /// It lies there anyway.
    Mapped(Box<dyn StoredFile>),
    /// It was read.
    Read(Vec<u8>),
}

impl Content {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(file) => file.in_memory().unwrap_or_default(),
            Self::Read(bytes) => bytes,
        }
    }
}

/// Opens a file for reading piece by piece. A file that is not what its name says is taken out of the store.
pub(crate) fn open_verified(store: &mut dyn Store, digest: &Digest) -> Result<Box<dyn StoredFile>, Stop> {
    let mut file = open(store, digest)?;
    let found = hash(file.as_mut())?;
    if found == *digest {
        return Ok(file);
    }
    drop(file);
    Err(reject(store, digest, &found))
}

/// Reads a whole file. The very bytes that were hashed are returned.
pub(crate) fn load_verified(store: &mut dyn Store, digest: &Digest) -> Result<Content, Stop> {
    let mut file = open(store, digest)?;
    let content = match file.in_memory() {
        Some(_) => Content::Mapped(file),
        None => Content::Read(read_whole(file.as_mut())?),
    };
    let found = Digest(*blake3::hash(content.bytes()).as_bytes());
    if found == *digest {
        return Ok(content);
    }
    drop(content);
    Err(reject(store, digest, &found))
}

pub(crate) fn wrong_digest(expected: &Digest, found: &Digest) -> Failure {
    mismatch(FailureKind::Digest, "blake3 of a file", hex(expected), hex(found))
}

/// A file's name as people see it.
pub(crate) fn hex(digest: &Digest) -> impl Display {
    blake3::Hash::from_bytes(digest.0).to_hex()
}

fn open(store: &mut dyn Store, digest: &Digest) -> Result<Box<dyn StoredFile>, Stop> {
    let missing = || mismatch(FailureKind::Missing, hex(digest), "a file in the store", "none");
    Ok(store.open(digest)?.ok_or_else(missing)?)
}

fn reject(store: &mut dyn Store, digest: &Digest, found: &Digest) -> Stop {
    // When it cannot even be taken out, that is the smaller news.
    let _ = store.remove(digest);
    wrong_digest(digest, found).into()
}

fn read_whole(file: &mut dyn StoredFile) -> Result<Vec<u8>, Stop> {
    let length = file.len_bytes();
    let no_room = || mismatch(FailureKind::Store, "memory for a file", format!("{length} bytes"), "less");
    let wanted = usize::try_from(length).map_err(|_| no_room())?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(wanted).map_err(|_| no_room())?;
    bytes.resize(wanted, 0);
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

fn hash(file: &mut dyn StoredFile) -> Result<Digest, Stop> {
    if let Some(bytes) = file.in_memory() {
        return Ok(Digest(*blake3::hash(bytes).as_bytes()));
    }
    let length = file.len_bytes();
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    while offset < length {
        let count = usize::try_from(length - offset).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let part = &mut piece[..count];
        file.read_at(offset, part)?;
        hasher.update(part);
        offset += count as u64;
    }
    Ok(Digest(*hasher.finalize().as_bytes()))
}
