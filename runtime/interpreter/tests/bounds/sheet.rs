//! The sheet of bounds beside the op cases.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use edgebench_interpreter::{KernelChoice, KernelSet};

use crate::measure::{Subject, subjects, worst};

/// What writes the sheet.
pub(crate) const COMMAND: &str = "cargo run -p edgebench-interpreter --example float_bounds";

/// Draws for the worst errors that are listed.
const DRAWS: u64 = 500;

const HEAD: &str = "\
# Float operators against float64

Written by `cargo run -p edgebench-interpreter --example float_bounds`. `cargo test -p edgebench-interpreter --test bounds`
holds every set of kernels that the CPU has to the bound, on inputs drawn anew, and the first four columns
to the test. The last columns are the largest errors of 500 draws on the machine that wrote them; `-` stands for a set
that it lacks.

*ULP*: distances of neighbouring floats at the exact result. *n u sum*: `n * 2^-24 * sum of |terms|` for a sum of n terms,
which rounding-error analysis allows any order of summation.

| op | inputs | error in | bound | reference | portable | avx2 | avx512vnni |
|---|---|---|---:|---:|---:|---:|---:|
";

/// Where the sheet is committed.
pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suites/ops/FLOAT.md")
}

/// The sets, in the order of the columns.
pub(crate) fn sets() -> [KernelChoice; 4] {
    [
        KernelChoice::Only(KernelSet::Reference),
        KernelChoice::Only(KernelSet::Portable),
        KernelChoice::Only(KernelSet::Avx2),
        KernelChoice::Only(KernelSet::Avx512Vnni),
    ]
}

/// The part of a row that does not depend on the machine.
pub(crate) fn stated(subject: &Subject) -> String {
    let Subject { operator, inputs, unit, bound, .. } = subject;
    format!("| {operator} | {inputs} | {unit} | {bound} |")
}

/// The whole text.
pub(crate) fn text() -> String {
    let mut text = HEAD.to_owned();
    for subject in subjects() {
        text.push_str(&stated(&subject));
        for kernels in sets() {
            match kernels.is_available() {
                true => {
                    let errors = (0..DRAWS).map(|seed| worst(&subject, kernels, seed));
                    let _ = write!(text, " {:.3} |", errors.fold(0.0, f64::max));
                }
                false => text.push_str(" - |"),
            }
        }
        text.push('\n');
    }
    text
}
