//! Reading. The bytes are untrusted: sizes are checked before memory is taken, and Python objects are refused.

use std::io::{Cursor, Read};
use std::path::Path;

use npyz::{DType, NpyFile, Order, TypeChar};

use super::{Array, NpyError, Values};

/// Most bytes of one array after decompression.
const MAX_ARRAY_BYTES: u64 = 8 << 30;

/// Most arrays in one `.npz`.
const MAX_ARRAYS: usize = 1024;

/// Longest header of an array, in bytes: what NumPy reads without being asked to (`max_header_size`).
const MAX_HEADER_BYTES: usize = 10_000;

/// Most brackets that open in a header. An array of numbers has two, and the reader's time doubles with each that opens
/// inside another.
const MAX_BRACKETS: usize = 8;

/// The arrays of a `.npz`, in its order, or the one of a `.npy`.
///
/// # Errors
/// When the file cannot be read, is damaged, or holds something other than numbers.
pub fn read(path: &Path) -> Result<Vec<Array>, NpyError> {
    let bytes = std::fs::read(path).map_err(|source| NpyError::Io { path: path.to_owned(), source })?;
    parse(&bytes, &path.display().to_string())
}

/// The arrays of the content of such a file; `place` names it in errors.
///
/// # Errors
/// When it is damaged, or holds something other than numbers.
pub fn parse(bytes: &[u8], place: &str) -> Result<Vec<Array>, NpyError> {
    if bytes.starts_with(b"PK") { archive(bytes, place) } else { Ok(vec![array(bytes, place, None)?]) }
}

fn archive(bytes: &[u8], place: &str) -> Result<Vec<Array>, NpyError> {
    let damaged = |cause: zip::result::ZipError| content(place, "a zip archive", cause.to_string());
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if zip.len() > MAX_ARRAYS {
        return Err(content(place, format!("at most {MAX_ARRAYS} arrays"), zip.len().to_string()));
    }
    let mut arrays = Vec::new();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(damaged)?;
        let file_name = entry.name().map_err(damaged)?.into_owned();
        let name = file_name.strip_suffix(".npy").unwrap_or(&file_name).to_owned();
        let place = format!("{place} array \"{name}\"");
        let mut content_bytes = Vec::new();
        let read = entry.take(MAX_ARRAY_BYTES + 1).read_to_end(&mut content_bytes);
        read.map_err(|cause| content(&place, "readable data", cause.to_string()))?;
        arrays.push(array(&content_bytes, &place, Some(name))?);
    }
    Ok(arrays)
}

fn array(bytes: &[u8], place: &str, name: Option<String>) -> Result<Array, NpyError> {
    check_header(bytes, place)?;
    let damaged = |cause: std::io::Error| content(place, "a NumPy array", cause.to_string());
    let file = NpyFile::new(bytes).map_err(damaged)?;
    let shape = checked_shape(file.shape(), bytes.len(), place)?;
    if file.order() == Order::Fortran && shape.len() > 1 {
        return Err(content(place, "C order", "Fortran order"));
    }
    let values = typed(file, place)?;
    Ok(Array { name, shape, values })
}

/// The reader takes memory for as long a header as the file claims to have, and time for how its lists are nested.
fn check_header(bytes: &[u8], place: &str) -> Result<(), NpyError> {
    let (start, claimed) = match bytes.get(6) {
        Some(1) => (10, bytes.get(8..10).map(|raw| u32::from(u16::from_le_bytes([raw[0], raw[1]])))),
        Some(2 | 3) => (12, bytes.get(8..12).map(|raw| u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]))),
        _ => (0, None),
    };
    let length = claimed.ok_or_else(|| content(place, "a NumPy array", "something else"))? as usize;
    if length >= bytes.len() {
        let expected = format!("a header inside {} bytes", bytes.len());
        return Err(content(place, expected, format!("{length} bytes")));
    }
    if length > MAX_HEADER_BYTES {
        let expected = format!("a header of at most {MAX_HEADER_BYTES} bytes");
        return Err(content(place, expected, format!("{length} bytes")));
    }
    let header = bytes[start..].iter().take(length);
    let brackets = header.filter(|byte| b"{[(".contains(byte)).count();
    if brackets > MAX_BRACKETS {
        return Err(content(place, "a header of one type and one shape", format!("{brackets} lists")));
    }
    Ok(())
}

fn checked_shape(shape: &[u64], file_bytes: usize, place: &str) -> Result<Vec<usize>, NpyError> {
    let product = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
    match product {
        Some(elements) if elements <= file_bytes as u64 => {
            Ok(shape.iter().map(|size| *size as usize).collect())
        }
        _ => Err(content(place, format!("at most {file_bytes} elements"), format!("shape {shape:?}"))),
    }
}

fn typed(file: NpyFile<&[u8]>, place: &str) -> Result<Values, NpyError> {
    let kind = match file.dtype() {
        DType::Plain(kind) => (kind.type_char(), kind.size_field()),
        _ => return Err(content(place, "numbers", "records")),
    };
    let values = match kind {
        (TypeChar::Float, 4) => file.into_vec().map(Values::Float32),
        (TypeChar::Float, 8) => file.into_vec().map(Values::Float64),
        (TypeChar::Bool, 1) => file.into_vec().map(Values::Bool),
        (TypeChar::Uint, 1) => file.into_vec().map(Values::Uint8),
        (TypeChar::Int, 1) => file.into_vec().map(Values::Int8),
        (TypeChar::Int, 2) => file.into_vec().map(Values::Int16),
        (TypeChar::Int, 4) => file.into_vec().map(Values::Int32),
        (TypeChar::Int, 8) => file.into_vec().map(Values::Int64),
        (kind, size) => {
            return Err(content(place, "float, integer or bool values", format!("type {kind:?}{size}")));
        }
    };
    values.map_err(|cause| content(place, "as many values as the shape has", cause.to_string()))
}

fn content(place: &str, expected: impl Into<String>, found: impl Into<String>) -> NpyError {
    let first_line = found.into().lines().next().unwrap_or_default().to_owned();
    NpyError::Content { place: place.to_owned(), expected: expected.into(), found: first_line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::WriterBuilder;
    use proptest::prelude::*;

    fn npy(shape: &[u64], values: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes);
        let mut writer = options.begin_nd().expect("header");
        writer.extend(values.iter().copied()).expect("values");
        writer.finish().expect("finished");
        bytes
    }

    #[test]
    fn array_reads_back() {
        let bytes = npy(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.5]);
        let read = array(&bytes, "x.npy", None).expect("an array");
        assert_eq!(
            (read.shape, read.values),
            (vec![2, 3], Values::Float32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.5]))
        );
    }

    #[test]
    fn header_that_claims_more_than_the_file_is_refused_before_memory_is_taken() {
        let mut bytes = b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec();
        bytes.extend([b' '; 20]);
        let error = array(&bytes, "x.npy", None).expect_err("no header");
        assert_eq!(error.to_string(), "x.npy: expected a header inside 32 bytes, found 4294967295 bytes");
    }

    #[test]
    fn nested_header_is_refused_before_time_is_spent() {
        let header = format!("{{'descr': {}", "[".repeat(60));
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.push(b'\n');
        let error = array(&bytes, "x.npy", None).expect_err("no header");
        assert_eq!(error.to_string(), "x.npy: expected a header of one type and one shape, found 61 lists");
    }

    #[test]
    fn missing_values_are_told() {
        let bytes = npy(&[4], &[1.0, 2.0, 3.0, 4.0]);
        let error = array(&bytes[..bytes.len() - 3], "x.npy", None).expect_err("too short");
        assert!(error.to_string().starts_with("x.npy: expected as many values as the shape has"), "{error}");
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(position in 0usize..200, value: u8, cut in 0usize..200) {
            let mut bytes = npy(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
            let length = bytes.len();
            bytes[position % length] = value;
            let _ = array(&bytes, "x.npy", None);
            let _ = array(&bytes[..cut % length], "x.npy", None);
            let _ = archive(&bytes, "x.npz");
        }
    }
}
