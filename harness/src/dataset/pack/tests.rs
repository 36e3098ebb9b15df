use proptest::prelude::*;

use super::*;

fn pack(dimensions: &[u32], examples: &[&[f32]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_header(&mut bytes, dimensions, u32::try_from(examples.len()).expect("few")).expect("written");
    for values in examples {
        write_values(&mut bytes, values).expect("written");
    }
    bytes
}

fn open(bytes: &[u8]) -> Result<TensorPack, PackError> {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), bytes).expect("written");
    TensorPack::open(file.path())
}

/// The layout of `ci/litert/tensor_pack.py`, byte by byte.
#[test]
fn bytes_are_those_of_the_documented_layout() {
    let expected = [
        b"EBPACK01".as_slice(),
        &[0, 0, 0, 0],
        &[2, 0, 0, 0],
        &[1, 0, 0, 0],
        &[2, 0, 0, 0],
        &[1, 0, 0, 0],
        &[0, 0, 0x80, 0x3f],
        &[0, 0, 0, 0xc0],
    ];
    assert_eq!(pack(&[1, 2], &[&[1.0, -2.0]]), expected.concat());
}

#[test]
fn examples_are_read_as_they_were_written() {
    let pack = open(&pack(&[2, 1], &[&[1.0, 2.0], &[3.0, f32::MIN_POSITIVE]])).expect("a pack");
    assert_eq!((pack.dimensions(), pack.count(), pack.len()), ([2, 1].as_slice(), 2, 2));
    assert_eq!(pack.example(1).expect("there"), [3.0, f32::MIN_POSITIVE]);
    assert_eq!(pack.example(0).expect("there"), [1.0, 2.0]);
    assert_eq!(pack.sample(1), Ok(vec![vec![3.0, f32::MIN_POSITIVE]]));
    assert!(pack.sample(2).expect_err("absent").ends_with("example: expected an index below 2, found 2"));
}

#[test]
fn what_is_no_pack_is_told() {
    let whole = pack(&[1], &[&[1.0], &[2.0]]);
    for length in 0..whole.len() {
        assert!(open(&whole[..length]).is_err(), "{length} bytes");
    }
    let told = |place: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[place..place + bytes.len()].copy_from_slice(bytes);
        let error = open(&changed).expect_err("no pack").to_string();
        error.split_once(": ").map(|(_, told)| told.to_owned()).unwrap_or(error)
    };
    assert_eq!(told(7, b"2"), "magic: expected \"EBPACK01\", found \"EBPACK02\"");
    assert_eq!(told(8, &[1]), "element type: expected 0 (float32), found 1");
    assert_eq!(told(12, &[9]), "rank: expected at most 8, found 9");
    assert_eq!(told(16, &[255; 4]), "shape: expected at most 1073741824 bytes, found [4294967295]");
    assert_eq!(told(20, &[255; 4]), "length: expected 17179869204 bytes, found 32");
}

proptest! {
    #[test]
    fn any_bytes_are_a_pack_or_an_error(mut bytes: Vec<u8>, with_magic: bool) {
        if with_magic {
            bytes.splice(0..0, MAGIC.iter().copied());
        }
        if let Ok(pack) = open(&bytes) {
            let _ = pack.example(0);
        }
    }
}
