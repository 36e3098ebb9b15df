//! Inputs for a model when nobody has real ones: the same noise for the same seed.

use edgebench_converter::ConvertError;
use edgebench_converter::{InferOptions, LooseTensor, input_specs};

/// Uniform noise for every input: floats in [-1, 1), all values of an integer of up to 16 bits, small indices below 16
/// for the wider ones, which are counts or places.
///
/// # Errors
/// When the model does not load here.
pub fn noise(model: &[u8], how: &InferOptions, seed: u64) -> Result<Vec<LooseTensor>, ConvertError> {
    let mut state = Sequence(seed);
    let specs = input_specs(model, how)?;
    let fill = |mut tensor: LooseTensor| {
        let elements: usize = tensor.shape.iter().product();
        tensor.bytes = (0..elements).flat_map(|_| element(&tensor.dtype, state.next())).collect();
        tensor
    };
    Ok(specs.into_iter().map(fill).collect())
}

/// One element from 64 random bits.
fn element(dtype: &str, bits: u64) -> Vec<u8> {
    // The upper 24 bits make every float of [0, 1) that single precision spaces evenly.
    let unit = (bits >> 40) as f32 / (1u32 << 24) as f32;
    match dtype {
        "float32" => (unit * 2.0 - 1.0).to_ne_bytes().to_vec(),
        "float64" => f64::from(unit * 2.0 - 1.0).to_ne_bytes().to_vec(),
        "bool" => vec![u8::from(bits >> 63 == 1)],
        "int8" | "uint8" => vec![bits.to_be_bytes()[0]],
        "int16" | "uint16" => bits.to_be_bytes()[..2].to_vec(),
        "int64" | "uint64" => (bits >> 60).to_ne_bytes().to_vec(),
        "int32" | "uint32" => ((bits >> 60) as u32).to_ne_bytes().to_vec(),
        _ => Vec::new(),
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014): enough for noise, and the same everywhere.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
