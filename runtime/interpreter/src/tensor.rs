//! Element types, quantization parameters, and views of tensors that callers read.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use edgebench_schema::tflite::TensorType;

/// Element types that tensors of this interpreter have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DType {
    /// IEEE binary32.
    Float32,
    /// IEEE binary16; constants only.
    Float16,
    /// Signed quarter bytes, four to a byte, the lowest first; constants only.
    Int2,
    /// Signed half bytes, two to a byte, the low half first; constants only.
    Int4,
    /// Signed bytes.
    Int8,
    /// Unsigned bytes.
    UInt8,
    /// Signed 16-bit integers.
    Int16,
    /// Signed 32-bit integers.
    Int32,
    /// Signed 64-bit integers.
    Int64,
    /// One byte, 0 or 1.
    Bool,
    /// The number of a variable.
    Resource,
    /// Two IEEE binary32: real and imaginary part.
    Complex64,
    /// A type of the format that no operator here takes; its elements have no memory.
    Other,
}

impl DType {
    /// The type that the format calls so; none for a type that this interpreter does not have.
    pub(crate) fn of(kind: TensorType) -> Option<Self> {
        match kind {
            TensorType::FLOAT32 => Some(Self::Float32),
            TensorType::FLOAT16 => Some(Self::Float16),
            TensorType::INT2 => Some(Self::Int2),
            TensorType::INT4 => Some(Self::Int4),
            TensorType::INT8 => Some(Self::Int8),
            TensorType::UINT8 => Some(Self::UInt8),
            TensorType::INT16 => Some(Self::Int16),
            TensorType::INT32 => Some(Self::Int32),
            TensorType::INT64 => Some(Self::Int64),
            TensorType::COMPLEX64 => Some(Self::Complex64),
            TensorType::BOOL => Some(Self::Bool),
            TensorType::RESOURCE => Some(Self::Resource),
            _ => None,
        }
    }

    /// Bytes of one element; of two for int4, of four for int2; 1 for types that are not worked with.
    pub fn size_bytes(self) -> usize {
        match self {
            Self::Int2 | Self::Int4 | Self::Other | Self::Int8 | Self::UInt8 | Self::Bool => 1,
            Self::Float16 | Self::Int16 => 2,
            Self::Float32 | Self::Int32 | Self::Resource => 4,
            Self::Int64 | Self::Complex64 => 8,
        }
    }

    /// Bytes of so many elements.
    pub fn bytes_of(self, elements: usize) -> usize {
        match self {
            Self::Int2 => elements.div_ceil(4),
            Self::Int4 => elements.div_ceil(2),
            Self::Other => 0,
            _ => elements * self.size_bytes(),
        }
    }

    /// Name, such as `float32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
            Self::Int2 => "int2",
            Self::Int4 => "int4",
            Self::Int8 => "int8",
            Self::UInt8 => "uint8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Bool => "bool",
            Self::Resource => "resource",
            Self::Complex64 => "complex64",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// real = scale * (stored - zero point), for the whole tensor or for each slice along `axis`.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantization {
    /// One, or as many as slices; finite and positive.
    pub scales: Vec<f32>,
    /// As many as scales, each within the element type.
    pub zero_points: Vec<i32>,
    /// The dimension that several scales belong to; 0 with one scale.
    pub axis: usize,
}

impl Quantization {
    /// The scale and zero point of the whole tensor, when there is only one.
    pub fn per_tensor(&self) -> Option<(f32, i32)> {
        match (self.scales.as_slice(), self.zero_points.as_slice()) {
            ([scale], [zero_point]) => Some((*scale, *zero_point)),
            _ => None,
        }
    }
}

/// A tensor as it is in memory now.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
    /// Index in the file.
    pub index: usize,
    /// Name in the file.
    pub name: &'a str,
    /// Element type.
    pub dtype: DType,
    /// Dimensions; NHWC for images.
    pub shape: &'a [usize],
    /// Scale and zero point, where the tensor has exactly one of each.
    pub scale_zero_point: Option<(f32, i32)>,
    /// Elements row-major in the byte order of this machine.
    pub bytes: &'a [u8],
}

impl TensorView<'_> {
    /// The real values: floats as they are, integers by their scale and zero point. None for integers without them and
    /// for types that are not numbers.
    pub fn real_values(&self) -> Option<Vec<f32>> {
        match self.dtype {
            DType::Float32 => Some(elements(self.bytes, f32::from_ne_bytes).collect()),
            DType::Float16 => {
                Some(elements(self.bytes, |bytes| half::f16::from_ne_bytes(bytes).to_f32()).collect())
            }
            DType::Int2 => {
                let elements = unpack_int2(self.bytes, self.shape.iter().product());
                self.dequantized(elements.map(i32::from))
            }
            DType::Int4 => {
                let elements = unpack_int4(self.bytes, self.shape.iter().product());
                self.dequantized(elements.map(i32::from))
            }
            DType::Int8 => self.dequantized(elements(self.bytes, |[byte]: [u8; 1]| i32::from(byte as i8))),
            DType::UInt8 => self.dequantized(self.bytes.iter().map(|byte| i32::from(*byte))),
            DType::Int16 => {
                self.dequantized(elements(self.bytes, |bytes| i32::from(i16::from_ne_bytes(bytes))))
            }
            DType::Int32 => self.dequantized(elements(self.bytes, i32::from_ne_bytes)),
            DType::Int64 | DType::Bool | DType::Complex64 | DType::Resource | DType::Other => None,
        }
    }

    fn dequantized(&self, stored: impl Iterator<Item = i32>) -> Option<Vec<f32>> {
        let (scale, zero_point) = self.scale_zero_point?;
        // The arithmetic of DEQUANTIZE: an exact difference, one rounding.
        Some(stored.map(|value| (i64::from(value) - i64::from(zero_point)) as f32 * scale).collect())
    }

    /// The `k` largest elements with their positions, best first; equal ones in the order of their positions, as
    /// `numpy.argmax` has it. NaN counts as the smallest. Integers without a scale are compared as they are.
    pub fn top(&self, k: usize) -> Vec<(u32, f32)> {
        let plain = TensorView { scale_zero_point: self.scale_zero_point.or(Some((1.0, 0))), ..*self };
        let values = plain.real_values().unwrap_or_default();
        let mut ranked: Vec<(u32, f32)> =
            values.iter().enumerate().map(|(place, value)| (place as u32, *value)).collect();
        let better = |a: &(u32, f32), b: &(u32, f32)| descending(a.1, b.1).then(a.0.cmp(&b.0));
        if k < ranked.len() && k > 0 {
            ranked.select_nth_unstable_by(k - 1, better);
        }
        ranked.truncate(k);
        ranked.sort_unstable_by(better);
        ranked
    }
}

/// Orders larger values first and NaN last.
fn descending(a: f32, b: f32) -> Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The numbers of packed int4 data.
pub(crate) fn unpack_int4(bytes: &[u8], elements: usize) -> impl Iterator<Item = i8> {
    // A shift to the left and back carries the half's sign.
    bytes.iter().flat_map(|byte| [(byte << 4) as i8 >> 4, *byte as i8 >> 4]).take(elements)
}

/// The numbers of packed int2 data.
pub(crate) fn unpack_int2(bytes: &[u8], elements: usize) -> impl Iterator<Item = i8> {
    let quarter = |byte: u8, shift: u32| (byte << shift) as i8 >> 6;
    bytes.iter().flat_map(move |byte| [6, 4, 2, 0].map(|shift| quarter(*byte, shift))).take(elements)
}

fn elements<'a, const SIZE: usize, T: 'a>(
    bytes: &'a [u8],
    read: impl Fn([u8; SIZE]) -> T + 'a,
) -> impl Iterator<Item = T> + 'a {
    bytes.as_chunks::<SIZE>().0.iter().map(move |chunk| read(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn view(dtype: DType, bytes: &[u8], scale_zero_point: Option<(f32, i32)>) -> TensorView<'_> {
        TensorView { index: 0, name: "t", dtype, shape: &[], scale_zero_point, bytes }
    }

    #[test]
    fn integers_become_real_by_scale_and_zero_point() {
        let bytes = [0x80, 0, 127];
        assert_eq!(view(DType::Int8, &bytes, Some((0.5, -128))).real_values(), Some(vec![0.0, 64.0, 127.5]));
        assert_eq!(view(DType::UInt8, &bytes, Some((0.5, 128))).real_values(), Some(vec![0.0, -64.0, -0.5]));
        assert_eq!(view(DType::Int8, &bytes, None).real_values(), None);
    }

    #[test]
    fn small_integers_come_out_of_their_bytes_lowest_first() {
        assert_eq!(unpack_int2(&[0b11_10_01_00, 0b10], 5).collect::<Vec<_>>(), [0, 1, -2, -1, -2]);
        assert_eq!(unpack_int4(&[0x8F, 0x07], 3).collect::<Vec<_>>(), [-1, -8, 7]);
    }

    #[test]
    fn ties_are_in_the_order_of_positions() {
        let bytes = [3, 7, 7, 0xff, 7];
        assert_eq!(view(DType::Int8, &bytes, None).top(2), [(1, 7.0), (2, 7.0)]);
    }

    #[test]
    fn nan_is_never_best() {
        let bytes: Vec<u8> = [f32::NAN, -1.0, f32::INFINITY].iter().flat_map(|v| v.to_ne_bytes()).collect();
        let top = view(DType::Float32, &bytes, None).top(3);
        assert_eq!(top.iter().map(|entry| entry.0).collect::<Vec<_>>(), [2, 1, 0]);
    }

    proptest! {
        #[test]
        fn top_is_a_stable_sort(values in prop::collection::vec(-4i8..4, 0..40), k in 0usize..50) {
            let bytes: Vec<u8> = values.iter().map(|value| *value as u8).collect();
            let mut sorted: Vec<(u32, f32)> =
                values.iter().enumerate().map(|(place, value)| (place as u32, f32::from(*value))).collect();
            sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
            sorted.truncate(k);
            prop_assert_eq!(view(DType::Int8, &bytes, None).top(k), sorted);
        }
    }
}
