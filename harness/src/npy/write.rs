//! Arrays to an `.npz`. The same arrays give the same bytes: no time of day goes in.

use std::io::{Cursor, Write};

use npyz::WriterBuilder;
use zip::write::SimpleFileOptions;

use super::{Array, Values, each_type};

/// The bytes of an `.npz` with these arrays; one without a name is called by its position, as NumPy does (`arr_0`).
///
/// # Errors
/// When there are more bytes than the format takes.
pub fn npz(arrays: &[Array]) -> std::io::Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .large_file(true);
    for (position, array) in arrays.iter().enumerate() {
        let name = array.name.clone().unwrap_or_else(|| format!("arr_{position}"));
        archive.start_file(format!("{name}.npy"), options)?;
        archive.write_all(&npy(array)?)?;
    }
    Ok(archive.finish()?.into_inner())
}

fn npy(array: &Array) -> std::io::Result<Vec<u8>> {
    let shape: Vec<u64> = array.shape.iter().map(|size| *size as u64).collect();
    each_type!(&array.values, list => typed(&shape, list))
}

fn typed<T: npyz::AutoSerialize + Copy>(shape: &[u64], values: &[T]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_every_type_read_back() {
        let arrays: Vec<Array> = [
            Values::Float32(vec![1.5, -0.0]),
            Values::Float64(vec![0.1, f64::MAX]),
            Values::Bool(vec![true, false]),
            Values::Uint8(vec![0, 255]),
            Values::Int8(vec![-128, 127]),
            Values::Int16(vec![-32768, 1]),
            Values::Int32(vec![i32::MIN, 1]),
            Values::Int64(vec![i64::MIN, 1]),
        ]
        .into_iter()
        .map(|values| Array { name: Some(format!("a/{}", values.dtype())), shape: vec![1, 2], values })
        .collect();
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.npz");
        std::fs::write(&path, npz(&arrays).expect("bytes")).expect("written");
        assert_eq!(super::super::read(&path).expect("readable"), arrays);
    }

    #[test]
    fn same_arrays_give_the_same_bytes() {
        let array = || Array { name: None, shape: vec![2], values: Values::Int8(vec![1, 2]) };
        assert_eq!(npz(&[array()]).expect("bytes"), npz(&[array()]).expect("bytes"));
    }
}
