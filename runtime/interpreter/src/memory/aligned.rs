//! Bytes that start at a multiple of 64, so that any element type and any vector register can read them.

use alloc::vec::Vec;
use core::ops::Range;

/// Alignment of the arena, of every tensor in it and of owned constants: a cache line, and the widest vector of today
/// (AVX-512). LiteRT's arena has the same.
pub(crate) const ALIGNMENT_BYTES: usize = 64;

/// `bytes` rounded up to a multiple of [`ALIGNMENT_BYTES`]; the largest number when it overflows, which no limit lets
/// through.
pub(crate) fn align_up(bytes: usize) -> usize {
    bytes.checked_next_multiple_of(ALIGNMENT_BYTES).unwrap_or(usize::MAX)
}

/// A fixed number of aligned bytes, zero at first.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    storage: Vec<u64>,
    /// The aligned part, in bytes. The vector never grows, so it never moves.
    part: Range<usize>,
}

impl Aligned {
    /// Aligned zeros; none when there is not that much memory.
    pub(crate) fn zeroed(bytes: usize) -> Option<Self> {
        const WORD: usize = size_of::<u64>();
        let words = bytes.checked_add(ALIGNMENT_BYTES)?.div_ceil(WORD);
        let mut storage = Vec::new();
        storage.try_reserve_exact(words).ok()?;
        storage.resize(words, 0u64);
        let skip = storage.as_ptr().addr().wrapping_neg() % ALIGNMENT_BYTES;
        Some(Self { storage, part: skip..skip + bytes })
    }

    /// An aligned copy; none when there is not that much memory.
    pub(crate) fn copy_of(bytes: &[u8]) -> Option<Self> {
        let mut copy = Self::zeroed(bytes.len())?;
        copy.bytes_mut().copy_from_slice(bytes);
        Some(copy)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.storage)[self.part.clone()]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.storage)[self.part.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_aligned_and_as_long_as_asked() {
        for bytes in [0, 1, 63, 64, 65, 1000] {
            let storage = Aligned::zeroed(bytes).expect("small");
            assert_eq!(storage.bytes().as_ptr().addr() % ALIGNMENT_BYTES, 0);
            assert_eq!(storage.bytes().len(), bytes);
        }
    }

    #[test]
    fn more_than_there_is_is_none() {
        assert!(Aligned::zeroed(usize::MAX - 100).is_none());
        assert!(Aligned::zeroed(usize::MAX).is_none());
    }

    #[test]
    fn rounding_up_saturates() {
        assert_eq!([0, 1, 64, 65].map(align_up), [0, 64, 64, 128]);
        assert_eq!(align_up(usize::MAX - 3), usize::MAX);
    }
}
