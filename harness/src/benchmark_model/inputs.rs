//! What a network is timed on: random values in the ranges that LiteRT's `benchmark_model` draws from
//! (`tools/utils.cc`), from a fixed seed, or values out of a file.

use edgebench_converter::LooseTensor;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A range of integers for an input, both ends in it.
pub type Range = (i64, i64);

/// Random numbers that every machine draws alike: values do not decide how long a run takes.
pub(super) struct Draws(Xoshiro256PlusPlus);

impl Draws {
    pub(super) fn new() -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(1))
    }

    fn integer(&mut self, (low, high): Range) -> i64 {
        self.0.random_range(low.min(high)..=high)
    }

    fn float(&mut self, range: Option<Range>) -> f64 {
        let (low, high) = range.map_or((-0.5, 0.5), |(low, high)| (low as f64, high as f64));
        low + self.0.random::<f64>() * (high - low)
    }
}

/// Random bytes for an input, in this machine's byte order.
pub(super) fn random(input: &LooseTensor, range: Option<Range>, draws: &mut Draws) -> Vec<u8> {
    let elements: usize = input.shape.iter().product();
    let mut bytes = Vec::with_capacity(input.bytes.len());
    for _ in 0..elements {
        match input.dtype.as_str() {
            "float32" => bytes.extend((draws.float(range) as f32).to_ne_bytes()),
            "float64" => bytes.extend(draws.float(range).to_ne_bytes()),
            "int8" => bytes.extend((draws.integer(range.unwrap_or((-127, 127))) as i8).to_ne_bytes()),
            "uint8" => bytes.extend((draws.integer(range.unwrap_or((0, 254))) as u8).to_ne_bytes()),
            "int16" => bytes.extend((draws.integer(range.unwrap_or((-32_767, 32_767))) as i16).to_ne_bytes()),
            "uint16" => bytes.extend((draws.integer(range.unwrap_or((0, 65_534))) as u16).to_ne_bytes()),
            "int32" => bytes.extend((draws.integer(range.unwrap_or((0, 99))) as i32).to_ne_bytes()),
            "uint32" => bytes.extend((draws.integer(range.unwrap_or((0, 99))) as u32).to_ne_bytes()),
            "int64" => bytes.extend(draws.integer(range.unwrap_or((0, 99))).to_ne_bytes()),
            "uint64" => bytes.extend((draws.integer(range.unwrap_or((0, 99))) as u64).to_ne_bytes()),
            "bool" => bytes.push(draws.integer((0, 1)) as u8),
            _ => {}
        }
    }
    // A type that no values are drawn for stays as it is: zeros.
    if bytes.len() == input.bytes.len() { bytes } else { input.bytes.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(dtype: &str, bytes: usize) -> LooseTensor {
        LooseTensor { name: None, dtype: dtype.to_owned(), shape: vec![5, 200], bytes: vec![0; bytes] }
    }

    #[test]
    fn integers_fill_their_range_and_stay_in_it() {
        let drawn = random(&input("uint8", 1000), Some((3, 5)), &mut Draws::new());
        for value in 3..=5 {
            assert!(drawn.contains(&value), "no {value}");
        }
        assert!(drawn.iter().all(|value| (3..=5).contains(value)));
        assert_eq!(
            random(&input("uint8", 1000), Some((3, 5)), &mut Draws::new()),
            drawn,
            "the same each time"
        );
    }

    #[test]
    fn floats_lie_around_zero() {
        let drawn = random(&input("float32", 4000), None, &mut Draws::new());
        let values: Vec<f32> = drawn.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect();
        assert!(values.iter().all(|value| (-0.5..0.5).contains(value)));
        assert!(values.iter().sum::<f32>().abs() < 50.0);
    }

    #[test]
    fn what_has_no_values_stays_as_it_is() {
        assert_eq!(random(&input("string", 12), None, &mut Draws::new()), vec![0; 12]);
    }
}
