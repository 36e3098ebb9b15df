//! NumPy's files, `.npy` and `.npz`: how tensors come to a command and leave it.

mod read;
mod write;

use std::path::PathBuf;

pub use read::{parse, read};
pub use write::npz;

/// One array, row-major.
#[derive(Clone, PartialEq, Debug)]
pub struct Array {
    /// Name in an `.npz`, without `.npy`.
    pub name: Option<String>,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// The elements, the last dimension fastest.
    pub values: Values,
}

/// Elements of one type.
#[derive(Clone, PartialEq, Debug)]
pub enum Values {
    /// float32.
    Float32(Vec<f32>),
    /// float64.
    Float64(Vec<f64>),
    /// bool.
    Bool(Vec<bool>),
    /// uint8.
    Uint8(Vec<u8>),
    /// int8.
    Int8(Vec<i8>),
    /// int16.
    Int16(Vec<i16>),
    /// int32.
    Int32(Vec<i32>),
    /// int64.
    Int64(Vec<i64>),
}

/// The same expression for the elements of every type.
macro_rules! each_type {
    ($values:expr, $list:ident => $what:expr) => {
        match $values {
            Values::Float32($list) => $what,
            Values::Float64($list) => $what,
            Values::Bool($list) => $what,
            Values::Uint8($list) => $what,
            Values::Int8($list) => $what,
            Values::Int16($list) => $what,
            Values::Int32($list) => $what,
            Values::Int64($list) => $what,
        }
    };
}
use each_type;

impl Values {
    /// Number of elements.
    pub fn len(&self) -> usize {
        each_type!(self, list => list.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// NumPy's name of the type, such as `float32`.
    pub fn dtype(&self) -> &'static str {
        match self {
            Self::Float32(_) => "float32",
            Self::Float64(_) => "float64",
            Self::Bool(_) => "bool",
            Self::Uint8(_) => "uint8",
            Self::Int8(_) => "int8",
            Self::Int16(_) => "int16",
            Self::Int32(_) => "int32",
            Self::Int64(_) => "int64",
        }
    }

    /// The elements as they lie in memory, in this machine's byte order.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Float32(list) => list.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Self::Float64(list) => list.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Self::Bool(list) => list.iter().map(|value| u8::from(*value)).collect(),
            Self::Uint8(list) => list.clone(),
            Self::Int8(list) => list.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Self::Int16(list) => list.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Self::Int32(list) => list.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Self::Int64(list) => list.iter().flat_map(|value| value.to_ne_bytes()).collect(),
        }
    }

    /// Elements of the type of this name; none for a name that NumPy does not have.
    pub fn from_bytes(dtype: &str, bytes: &[u8]) -> Option<Self> {
        Some(match dtype {
            "float32" => {
                Self::Float32(bytes.as_chunks().0.iter().map(|raw| f32::from_ne_bytes(*raw)).collect())
            }
            "float64" => {
                Self::Float64(bytes.as_chunks().0.iter().map(|raw| f64::from_ne_bytes(*raw)).collect())
            }
            "bool" => Self::Bool(bytes.iter().map(|byte| *byte != 0).collect()),
            "uint8" => Self::Uint8(bytes.to_vec()),
            "int8" => Self::Int8(bytes.as_chunks().0.iter().map(|raw| i8::from_ne_bytes(*raw)).collect()),
            "int16" => Self::Int16(bytes.as_chunks().0.iter().map(|raw| i16::from_ne_bytes(*raw)).collect()),
            "int32" => Self::Int32(bytes.as_chunks().0.iter().map(|raw| i32::from_ne_bytes(*raw)).collect()),
            "int64" => Self::Int64(bytes.as_chunks().0.iter().map(|raw| i64::from_ne_bytes(*raw)).collect()),
            _ => return None,
        })
    }

    /// Every element as a double; int64 beyond 2^53 loses its last digits.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::Float32(list) => list.iter().map(|value| f64::from(*value)).collect(),
            Self::Float64(list) => list.clone(),
            Self::Bool(list) => list.iter().map(|value| f64::from(u8::from(*value))).collect(),
            Self::Uint8(list) => list.iter().map(|value| f64::from(*value)).collect(),
            Self::Int8(list) => list.iter().map(|value| f64::from(*value)).collect(),
            Self::Int16(list) => list.iter().map(|value| f64::from(*value)).collect(),
            Self::Int32(list) => list.iter().map(|value| f64::from(*value)).collect(),
            Self::Int64(list) => list.iter().map(|value| *value as f64).collect(),
        }
    }

    /// Every element as a float.
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::Float32(list) => list.clone(),
            other => other.to_f64().into_iter().map(|value| value as f32).collect(),
        }
    }
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// The operating system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The content is not what its name says.
    #[error("{place}: expected {expected}, found {found}")]
    Content {
        /// File and array.
        place: String,
        /// What was expected.
        expected: String,
        /// What is there.
        found: String,
    },
}
