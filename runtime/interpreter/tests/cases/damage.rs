//! Damages the models of all cases: small numbers (shapes, axes, options, indices of constants) replaced by others. A damaged
//! model may be refused, may fail when it runs, and may answer anything, but it must not panic.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use edgebench_interpreter::{Interpreter, Model, Options};

use crate::case::Case;

/// Damaged models a case.
const MUTANTS: usize = 24;

/// What became of all mutants.
#[derive(Default)]
pub(crate) struct Toll {
    pub(crate) refused: usize,
    pub(crate) ran: usize,
    /// Cases with a mutant that panicked, and its damage.
    pub(crate) panics: BTreeSet<String>,
}

/// Damages each case `MUTANTS` times and runs what loads. The seed makes other damage.
pub(crate) fn damage(cases: &[Case], seed: u64) -> Toll {
    let mut toll = Toll::default();
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: usize| {
        // Marsaglia's xorshift64 ("Xorshift RNGs", 2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 33) as usize % limit
    };
    for case in cases {
        let small = small_numbers(&case.model);
        for _ in 0..MUTANTS {
            let mut model = case.model.clone();
            let at = small[below(small.len())];
            let value = match below(5) {
                0 => [i32::MIN, i32::MAX, 1 << 30, 1 << 16][below(4)],
                _ => below(44) as i32 - 3,
            };
            model[at..at + 4].copy_from_slice(&value.to_le_bytes());
            match catch_unwind(AssertUnwindSafe(|| runs(&model))) {
                Ok(true) => toll.ran += 1,
                Ok(false) => toll.refused += 1,
                Err(_) => {
                    toll.panics.insert(format!("{}: {value} at byte {at}", case.folder));
                }
            }
        }
    }
    toll
}

/// Offsets of aligned words that look like a dimension, an index or an option.
fn small_numbers(file: &[u8]) -> Vec<usize> {
    let words = file.as_chunks::<4>().0.iter().enumerate();
    words
        .filter(|(_, word)| (-1..300).contains(&i32::from_le_bytes(**word)))
        .map(|(index, _)| index * 4)
        .collect()
}

/// Whether a model could be prepared; it is run once if so.
fn runs(file: &[u8]) -> bool {
    let Ok(model) = Model::load(file) else { return false };
    let Ok(mut interpreter) = Interpreter::new(&model, &Options::default()) else { return false };
    interpreter.invoke().is_ok()
}
