//! Options of custom operators: a FlexBuffer map with numbers as values, the part of the format that such options use
//! (<https://flatbuffers.dev/flexbuffers>). The bytes are untrusted: whatever does not hold reads as "not there".

use alloc::string::String;

use crate::error::Fault;

/// A map from names to numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'b> {
    bytes: &'b [u8],
    /// Where the values begin.
    values: usize,
    /// Bytes of each value.
    width: usize,
    count: usize,
    /// Where the offsets of the keys begin.
    keys: usize,
    key_width: usize,
}

/// A number as it is stored.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Number {
    Int(i64),
    Float(f64),
}

const TYPE_INT: u8 = 1;
const TYPE_UINT: u8 = 2;
const TYPE_FLOAT: u8 = 3;
const TYPE_INDIRECT_INT: u8 = 6;
const TYPE_INDIRECT_UINT: u8 = 7;
const TYPE_INDIRECT_FLOAT: u8 = 8;
const TYPE_MAP: u8 = 9;
const TYPE_BOOL: u8 = 26;

impl<'b> Options<'b> {
    /// The map that the bytes are; none when they are something else.
    pub(crate) fn read(bytes: &'b [u8]) -> Option<Self> {
        // At the end: the root, its type, its width.
        let [head @ .., kind, width] = bytes else { return None };
        let width = usize::from(*width);
        let root = head.len().checked_sub(width)?;
        if kind >> 2 != TYPE_MAP {
            return None;
        }
        let values = back(bytes, root, width)?;
        let width = 1usize << (kind & 3);
        let key_width = usize::try_from(unsigned(bytes, values.checked_sub(2 * width)?, width)?).ok()?;
        let keys = back(bytes, values.checked_sub(3 * width)?, width)?;
        let count = usize::try_from(unsigned(bytes, values.checked_sub(width)?, width)?).ok()?;
        // The values and a byte of type for each must be there; so the count is no larger than the file.
        let end = values.checked_add(count.checked_mul(width)?)?.checked_add(count)?;
        (end <= bytes.len()).then_some(Self { bytes, values, width, count, keys, key_width })
    }

    /// The number of this name, as LiteRT's `AsInt32` gives it.
    pub(crate) fn int(&self, name: &str) -> Option<i32> {
        match self.number(name)? {
            Number::Int(value) => i32::try_from(value).ok(),
            Number::Float(value) => Some(value as i32),
        }
    }

    /// The number of this name.
    pub(crate) fn float(&self, name: &str) -> Option<f32> {
        match self.number(name)? {
            Number::Int(value) => Some(value as f32),
            Number::Float(value) => Some(value as f32),
        }
    }

    /// Whether the number of this name is not zero.
    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        self.number(name).map(|number| number != Number::Int(0) && number != Number::Float(0.0))
    }

    fn number(&self, name: &str) -> Option<Number> {
        let index = (0..self.count).find(|index| self.key(*index) == Some(name.as_bytes()))?;
        let kind = *self.bytes.get(self.values + self.count * self.width + index)?;
        let (at, own_width) = (self.values + index * self.width, 1usize << (kind & 3));
        let place = |indirect: bool| {
            if indirect {
                Some((back(self.bytes, at, self.width)?, own_width))
            } else {
                Some((at, self.width))
            }
        };
        let kind = kind >> 2;
        match kind {
            TYPE_INT | TYPE_INDIRECT_INT => {
                let (at, width) = place(kind == TYPE_INDIRECT_INT)?;
                signed(self.bytes, at, width).map(Number::Int)
            }
            TYPE_UINT | TYPE_BOOL | TYPE_INDIRECT_UINT => {
                let (at, width) = place(kind == TYPE_INDIRECT_UINT)?;
                i64::try_from(unsigned(self.bytes, at, width)?).ok().map(Number::Int)
            }
            TYPE_FLOAT | TYPE_INDIRECT_FLOAT => {
                let (at, width) = place(kind == TYPE_INDIRECT_FLOAT)?;
                float(self.bytes, at, width).map(Number::Float)
            }
            _ => None,
        }
    }

    /// The text of a key, without its final zero.
    fn key(&self, index: usize) -> Option<&'b [u8]> {
        let at = self.keys.checked_add(index.checked_mul(self.key_width)?)?;
        let text = self.bytes.get(back(self.bytes, at, self.key_width)?..)?;
        text.split(|byte| *byte == 0).next()
    }
}

/// What a reader says when an option is not there.
pub(crate) fn required<T>(
    value: Option<T>,
    place: impl Into<String>,
    name: &'static str,
) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::missing(place, name))
}

/// Where an offset leads: offsets count backwards from where they stand.
fn back(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    at.checked_sub(usize::try_from(unsigned(bytes, at, width)?).ok()?)
}

fn unsigned(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    if !matches!(width, 1 | 2 | 4 | 8) {
        return None;
    }
    let mut wide = [0; 8];
    wide[..width].copy_from_slice(bytes.get(at..at.checked_add(width)?)?);
    Some(u64::from_le_bytes(wide))
}

fn signed(bytes: &[u8], at: usize, width: usize) -> Option<i64> {
    let unused = 64 - 8 * u32::try_from(width).ok()?.min(8);
    unsigned(bytes, at, width).map(|value| (value << unused) as i64 >> unused)
}

fn float(bytes: &[u8], at: usize, width: usize) -> Option<f64> {
    let bits = unsigned(bytes, at, width)?;
    match width {
        2 => Some(half::f16::from_bits(bits as u16).to_f64()),
        4 => Some(f64::from(f32::from_bits(bits as u32))),
        8 => Some(f64::from_bits(bits)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `{"a": 3, "b": 0.5, "c": true, "d": -2}` as the FlexBuffer library of Python writes it, by hand: keys, their offsets
    /// (with the width 1), the map's head, four values of four bytes, their types, the root.
    fn sample() -> alloc::vec::Vec<u8> {
        let mut bytes = b"a\0b\0c\0d\0".to_vec();
        bytes.extend([4, 9, 8, 7, 6]);
        let keys = 9u32;
        bytes.extend([0; 3]);
        let head = bytes.len() as u32;
        bytes.extend((head - keys).to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(4u32.to_le_bytes());
        bytes.extend(3i32.to_le_bytes());
        bytes.extend(0.5f32.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend((-2i32).to_le_bytes());
        bytes.extend([TYPE_INT << 2, TYPE_FLOAT << 2, TYPE_BOOL << 2, TYPE_INT << 2]);
        bytes.extend([20, TYPE_MAP << 2 | 2, 1]);
        bytes
    }

    #[test]
    fn numbers_are_found_by_name() {
        let bytes = sample();
        let options = Options::read(&bytes).expect("a map");
        assert_eq!((options.int("a"), options.int("d")), (Some(3), Some(-2)));
        assert_eq!((options.float("b"), options.float("a")), (Some(0.5), Some(3.0)));
        assert_eq!((options.bool("c"), options.bool("none")), (Some(true), None));
    }

    proptest! {
        #[test]
        fn damaged_maps_never_panic(at in 0usize..60, with: u8, cut in 0usize..60) {
            let mut bytes = sample();
            let at = at % bytes.len();
            bytes[at] = with;
            bytes.truncate(bytes.len() - cut.min(bytes.len()));
            if let Some(options) = Options::read(&bytes) {
                let _ = (options.int("a"), options.float("b"), options.bool("c"), options.int("d"));
            }
        }
    }
}
