//! Any bytes are arrays or an error. The module alone: the controller's crate brings a data frame engine along.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the controller uses all of the module")]

#[path = "../../harness/src/npy/mod.rs"]
mod npy;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(arrays) = npy::parse(bytes, "x.npy") else { return };
    for array in arrays {
        assert_eq!(array.shape.iter().product::<usize>(), array.values.len(), "{:?}", array.shape);
    }
});
