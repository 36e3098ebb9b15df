//! Damage to a model file, reproducible: one place of it is not what its writer meant. Knows no format; that small
//! numbers in a model are indices, dimensions and options is why two of the kinds look for words of four bytes.

use crate::random::Random;

/// A way to damage a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// One to sixteen bytes replaced by arbitrary ones.
    RandomBytes,
    /// An aligned word replaced by an extreme of int32.
    Int32Extreme,
    /// An aligned word that holds a small number replaced by another small number: the class in which LiteRT 2.3.0
    /// crashes.
    SmallInteger,
    /// The end cut off.
    Truncation,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] =
        [Self::RandomBytes, Self::Int32Extreme, Self::SmallInteger, Self::Truncation];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RandomBytes => "random bytes",
            Self::Int32Extreme => "int32 extremes",
            Self::SmallInteger => "small integers",
            Self::Truncation => "truncation",
        }
    }
}

/// Words that break sizes, products, signs and offsets.
const EXTREMES: [i32; 10] =
    [i32::MIN, i32::MIN + 1, -1, 0, i32::MAX, i32::MAX - 1, 1 << 30, 1 << 16, u16::MAX as i32, -(1 << 16)];

/// What counts as a small number in a file.
const SMALL: core::ops::Range<i32> = -1..300;

/// A file and what can be made of it.
pub(crate) struct Mutants<'f> {
    file: &'f [u8],
    /// Offsets of the words with small numbers.
    small: Vec<usize>,
    seed: u64,
}

impl<'f> Mutants<'f> {
    pub(crate) fn of(file: &'f [u8], seed: u64) -> Self {
        let words = file.chunks_exact(4).enumerate();
        let value = |word: &[u8]| word.try_into().map_or(-2, i32::from_le_bytes);
        let small = words.filter(|(_, word)| SMALL.contains(&value(word))).map(|(at, _)| at * 4).collect();
        Self { file, small, seed }
    }

    /// The kind of the `index`-th: they take turns.
    pub(crate) fn kind(index: u64) -> Kind {
        Kind::ALL[(index % 4) as usize]
    }

    /// The `index`-th.
    pub(crate) fn make(&self, index: u64) -> Vec<u8> {
        let mut random = Random::new(self.seed.wrapping_mul(1 << 32).wrapping_add(index + 1));
        // The first numbers of close seeds are close.
        random.next();
        random.next();
        let mut file = self.file.to_vec();
        match Self::kind(index) {
            Kind::RandomBytes => {
                for _ in 0..=random.below(16) {
                    let at = random.below(file.len() as u64) as usize;
                    file[at] = random.next() as u8;
                }
            }
            Kind::Int32Extreme => {
                let at = random.below(file.len() as u64 / 4) as usize * 4;
                put(&mut file, at, EXTREMES[random.below(EXTREMES.len() as u64) as usize]);
            }
            Kind::SmallInteger => {
                let at = self.small[random.below(self.small.len() as u64) as usize];
                put(&mut file, at, random.below(44) as i32 - 3);
            }
            Kind::Truncation => file.truncate(random.below(self.file.len() as u64) as usize),
        }
        file
    }
}

fn put(file: &mut [u8], at: usize, value: i32) {
    file[at..at + 4].copy_from_slice(&value.to_le_bytes());
}
