//! Any bytes are arrays or an error.
#![no_main]

use edgebench_harness::npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(arrays) = npy::parse(bytes, "x.npy") else { return };
    for array in arrays {
        assert_eq!(array.shape.iter().product::<usize>(), array.values.len(), "{:?}", array.shape);
    }
});
