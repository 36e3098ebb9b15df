//! Pairs of kept outputs: who ran the same file on the same examples, and how far they lie apart.

use std::path::Path;

use edgebench_converter::inspect;
use edgebench_reports::beside::{Closeness, OutputPair};
use serde::{Deserialize, Serialize};

use crate::agreement::{Agreement, Difference, Element, compare};
use crate::error::BenchError;
use crate::run::{KeptOutputs, RunFolder};

/// What is kept of looking for the first operator that differs, in a run's folder.
const LOCATED: &str = "outputs/located.json";

/// Two places that ran the same file on the same examples.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Pair<'k> {
    /// Name of the model.
    pub model: &'k str,
    /// Name of the variant.
    pub variant: &'k str,
    /// Element type of the output.
    pub dtype: String,
    /// Device, with runtime, threads and run where they matter.
    pub one: String,
    /// The other.
    pub other: String,
    /// How far they lie apart.
    pub agreement: Agreement,
    /// Whether both ran in the same runtime.
    pub same_runtime: bool,
    /// Where the outputs are.
    #[serde(skip)]
    pub sides: (&'k KeptOutputs, &'k KeptOutputs),
}

/// The first operator of a pair that differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Located {
    /// Name of the model.
    pub model: String,
    /// Name of the variant.
    pub variant: String,
    /// One place, as in [`Pair`].
    pub one: String,
    /// The other.
    pub other: String,
    /// Index, name and tensor of the operator.
    pub operator: String,
}

impl Pair<'_> {
    /// Integer outputs are the same on every device; so are those of a network that is all integers within. Other floats
    /// may be rounded differently, and so may another runtime.
    pub fn must_be_equal(&self) -> bool {
        let integer = Element::named(&self.dtype).is_some_and(Element::is_integer);
        self.same_runtime && (integer || self.variant.contains("int8"))
    }

    /// As a page shows it.
    pub(super) fn told(&self, located: &[Located]) -> OutputPair {
        let is_it = |one: &&Located| {
            (one.model.as_str(), one.variant.as_str()) == (self.model, self.variant)
                && one.one == self.one
                && one.other == self.other
        };
        let counts = |difference: &Difference| (difference.values, difference.of);
        let agreement = match &self.agreement {
            Agreement::Equal => Closeness::Equal,
            Agreement::OneStep(difference) => {
                let (values, of) = counts(difference);
                Closeness::OneStep { values, of }
            }
            Agreement::Different(difference) => {
                let (values, of) = counts(difference);
                Closeness::Different { values, of, largest: difference.largest }
            }
        };
        OutputPair {
            model: self.model.to_owned(),
            variant: self.variant.to_owned(),
            one: self.one.clone(),
            other: self.other.clone(),
            agreement,
            must_be_equal: self.must_be_equal(),
            first_operator: located.iter().find(is_it).map(|one| one.operator.clone()),
        }
    }
}

/// Every place with every later one that has outputs of the same file and examples.
///
/// # Errors
/// When kept outputs cannot be read, or are not as long as they must be.
pub fn pairs(kept: &[KeptOutputs]) -> Result<Vec<Pair<'_>>, BenchError> {
    let mut pairs = Vec::new();
    for (at, one) in kept.iter().enumerate() {
        for other in kept.iter().skip(at + 1).filter(|other| is_comparable(one, other)) {
            pairs.push(pair(one, other, kept)?);
        }
    }
    pairs.sort_by(|a, b| (a.model, a.variant).cmp(&(b.model, b.variant)));
    Ok(pairs)
}

/// What was found of the pairs of a run.
pub(super) fn located(folder: &RunFolder) -> Vec<Located> {
    let text = std::fs::read(folder.file(LOCATED)).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Keeps what was found, for the pages of the run.
///
/// # Errors
/// When it cannot be written.
pub fn keep_located(folder: &RunFolder, found: &[Located]) -> Result<(), BenchError> {
    let text = serde_json::to_vec_pretty(found).map_err(BenchError::internal)?;
    folder.write(LOCATED, &text)?;
    Ok(())
}

/// Files of the cache are named by their content: the same path is the same file.
fn is_comparable(one: &KeptOutputs, other: &KeptOutputs) -> bool {
    let place =
        |kept: &KeptOutputs| (kept.run.clone(), kept.device.clone(), kept.runtime.clone(), kept.threads);
    one.model_file == other.model_file && one.pack == other.pack && place(one) != place(other)
}

fn pair<'k>(
    one: &'k KeptOutputs,
    other: &'k KeptOutputs,
    kept: &[KeptOutputs],
) -> Result<Pair<'k>, BenchError> {
    let (dtype, element) = element(&one.model_file)?;
    let (a, b) = (read(&one.outputs)?, read(&other.outputs)?);
    let agreement = compare(&a, &b, element, one.labels.len() as u64)
        .map_err(|error| BenchError::outputs(&other.outputs, &error))?;
    Ok(Pair {
        model: &one.model,
        variant: &one.variant,
        dtype,
        one: name(one, kept),
        other: name(other, kept),
        agreement,
        same_runtime: one.runtime == other.runtime,
        sides: (one, other),
    })
}

/// The device, with what else differs among all that were kept.
fn name(one: &KeptOutputs, kept: &[KeptOutputs]) -> String {
    let mut name = one.device.clone();
    if kept.iter().any(|other| other.runtime != one.runtime) {
        name.push_str(&format!(" {}", one.runtime));
    }
    if one.threads > 1 {
        name.push_str(&format!(" x{}", one.threads));
    }
    if kept.iter().any(|other| other.run != one.run) {
        name.push_str(&format!(" in {}", one.run));
    }
    name
}

fn read(path: &Path) -> Result<Vec<u8>, BenchError> {
    std::fs::read(path).map_err(|cause| BenchError::read(path, cause))
}

/// Element type of a model's first output; bytes where it is none that is compared by value.
fn element(model: &Path) -> Result<(String, Element), BenchError> {
    let inspection = inspect(&read(model)?).map_err(|error| BenchError::model(model, &error))?;
    let tensor = inspection.outputs.first().and_then(|index| inspection.tensors.get(*index));
    let dtype = tensor.map_or_else(|| "none".to_owned(), |tensor| tensor.dtype.to_ascii_lowercase());
    let element = Element::named(&dtype).unwrap_or(Element::Unsigned(1));
    Ok((dtype, element))
}
