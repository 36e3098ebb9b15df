//! A file on its way into the store: pieces in order, hashed as they come, kept only when the whole has its name.

use edgebench_wire::{Digest, Failure, FailureKind, MAX_CHUNK_BYTES, Reply};

use crate::device::Store;
use crate::failure::{Stop, mismatch};
use crate::stored::wrong_digest;

/// One piece, as [`edgebench_wire::Request::Put`] brings it.
pub(crate) struct Piece<'a> {
    pub(crate) digest: Digest,
    pub(crate) total_bytes: u64,
    pub(crate) offset: u64,
    pub(crate) chunk: &'a [u8],
}

/// The file that is being received, if any.
#[derive(Default)]
pub(crate) struct Upload {
    current: Option<Incoming>,
}

struct Incoming {
    digest: Digest,
    total_bytes: u64,
    received_bytes: u64,
    hasher: blake3::Hasher,
}

impl Upload {
    /// Takes a piece; a piece at offset 0 begins anew. After a failure the file is forgotten.
    pub(crate) fn take(&mut self, store: &mut dyn Store, piece: &Piece<'_>) -> Result<Reply, Stop> {
        let taken = self.advance(store, piece);
        let complete = matches!(taken, Ok(Reply::Stored { complete: true, .. }));
        if taken.is_err() {
            store.discard();
        }
        if taken.is_err() || complete {
            self.current = None;
        }
        taken
    }

    fn advance(&mut self, store: &mut dyn Store, piece: &Piece<'_>) -> Result<Reply, Stop> {
        if piece.offset == 0 {
            store.begin(&piece.digest, piece.total_bytes)?;
            self.current = Some(Incoming::new(piece));
        }
        let incoming = self.current.as_mut().ok_or_else(|| out_of_order(piece, "0", piece.offset))?;
        incoming.check(piece)?;
        store.append(piece.chunk)?;
        incoming.hasher.update(piece.chunk);
        incoming.received_bytes += piece.chunk.len() as u64;
        let complete = incoming.received_bytes == incoming.total_bytes;
        if complete {
            let found = Digest(*incoming.hasher.finalize().as_bytes());
            if found != incoming.digest {
                return Err(wrong_digest(&incoming.digest, &found).into());
            }
            store.keep()?;
        }
        Ok(Reply::Stored { received_bytes: incoming.received_bytes, complete })
    }
}

impl Incoming {
    fn new(piece: &Piece<'_>) -> Self {
        let hasher = blake3::Hasher::new();
        Self { digest: piece.digest, total_bytes: piece.total_bytes, received_bytes: 0, hasher }
    }

    /// Whether the piece is the next one of this file.
    fn check(&self, piece: &Piece<'_>) -> Result<(), Failure> {
        if piece.digest != self.digest || piece.total_bytes != self.total_bytes {
            return Err(mismatch(FailureKind::State, "piece", "the file that was begun", "another one"));
        }
        if piece.offset != self.received_bytes {
            return Err(out_of_order(piece, self.received_bytes, piece.offset));
        }
        let left_bytes = (self.total_bytes - self.received_bytes).min(MAX_CHUNK_BYTES as u64);
        if piece.chunk.len() as u64 > left_bytes {
            let expected = alloc::format!("at most {left_bytes} bytes");
            return Err(mismatch(FailureKind::State, "length of a piece", expected, piece.chunk.len()));
        }
        Ok(())
    }
}

fn out_of_order(
    piece: &Piece<'_>,
    expected: impl core::fmt::Display,
    found: impl core::fmt::Display,
) -> Failure {
    let place = alloc::format!("offset of a piece of {}", crate::stored::hex(&piece.digest));
    mismatch(FailureKind::State, place, expected, found)
}
