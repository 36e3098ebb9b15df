//! What a caller chooses: the variant, the type at the network's door, the seed. Knows nothing of models.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The quantized variant to write.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantize {
    /// The same network in our layout: outputs stay equal bit for bit.
    #[default]
    None,
    /// Float constants stored as IEEE binary16, each in front of a `DEQUANTIZE`.
    Fp16,
    /// Weights as int8, activations quantized at run time ("dynamic range").
    DynamicInt8,
    /// Weights and activations as int8, ranges from calibration.
    FullInt8,
}

impl Quantize {
    /// Every variant, in the order a user meets them.
    pub const ALL: [Self; 4] = [Self::None, Self::Fp16, Self::DynamicInt8, Self::FullInt8];

    /// The name in command lines and suites, such as `full-int8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fp16 => "fp16",
            Self::DynamicInt8 => "dynamic-int8",
            Self::FullInt8 => "full-int8",
        }
    }

    /// Whether [`crate::convert`] needs a [`crate::Calibration`] for it.
    pub fn needs_calibration(self) -> bool {
        self == Self::FullInt8
    }
}

impl fmt::Display for Quantize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Quantize {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "none" => Ok(Self::None),
            "fp16" | "float16" => Ok(Self::Fp16),
            "dynamic-int8" | "dynamic" => Ok(Self::DynamicInt8),
            "full-int8" | "int8" => Ok(Self::FullInt8),
            _ => {
                Err(UnknownName { found: text.to_owned(), expected: "none, fp16, dynamic-int8 or full-int8" })
            }
        }
    }
}

/// The type of a full-int8 network's own inputs and outputs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Io {
    /// float32, with `QUANTIZE` and `DEQUANTIZE` inside the network.
    #[default]
    Float,
    /// The int8 tensors themselves.
    Int8,
    /// uint8, turned into int8 and back by `QUANTIZE`.
    Uint8,
}

impl Io {
    /// The name in command lines and suites: `float`, `int8` or `uint8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
        }
    }
}

impl fmt::Display for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Io {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "float" | "float32" => Ok(Self::Float),
            "int8" => Ok(Self::Int8),
            "uint8" => Ok(Self::Uint8),
            _ => Err(UnknownName { found: text.to_owned(), expected: "float, int8 or uint8" }),
        }
    }
}

/// A name that stands for no choice.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown name \"{found}\", expected {expected}")]
pub struct UnknownName {
    /// What was given.
    pub found: String,
    /// What would have been understood.
    pub expected: &'static str,
}

/// How [`crate::convert`] shall write a model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Options {
    /// The variant.
    pub quantize: Quantize,
    /// The type at the door; only [`Quantize::FullInt8`] has a choice.
    pub io: Io,
    /// Seed of every random choice. The variants of today make none while converting; calibration picks its samples
    /// with its own seed. It is part of what identifies an output.
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back() {
        for variant in Quantize::ALL {
            assert_eq!(variant.to_string().parse(), Ok(variant));
        }
        for io in [Io::Float, Io::Int8, Io::Uint8] {
            assert_eq!(io.to_string().parse(), Ok(io));
        }
    }

    #[test]
    fn short_names_of_the_contract_are_understood() {
        assert_eq!("float16".parse(), Ok(Quantize::Fp16));
        assert_eq!("dynamic".parse(), Ok(Quantize::DynamicInt8));
        assert_eq!("int8".parse(), Ok(Quantize::FullInt8));
    }

    #[test]
    fn unknown_name_says_what_is_known() {
        let error = "int4".parse::<Quantize>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown name \"int4\", expected none, fp16, dynamic-int8 or full-int8"
        );
    }
}
