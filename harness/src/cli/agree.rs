//! `bench agree`: whether devices gave the same outputs, bit by bit.

use std::fmt::Write as _;
use std::path::Path;

use edgebench_converter::inspect;
use serde::Serialize;

use super::locations::ResultsFolder;
use super::{Terminal, print};
use crate::agreement::{Agreement, Difference, Element, compare};
use crate::error::{BenchError, ExitCode};
use crate::run::{KeptOutputs, kept_outputs};

/// Arguments of `bench agree`.
#[derive(clap::Args, Debug)]
pub(super) struct AgreeArgs {
    /// Runs that were made with --keep_outputs: their identities, or `latest`. Devices of all of them are compared.
    #[arg(default_value = "latest", value_name = "RUN")]
    runs: Vec<String>,
    /// Write the comparison as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    results: ResultsFolder,
}

/// Two devices that ran the same file on the same examples.
#[derive(Serialize)]
struct Pair<'k> {
    model: &'k str,
    variant: &'k str,
    /// Element type of the output.
    dtype: String,
    one: String,
    other: String,
    agreement: Agreement,
}

pub(super) fn run(arguments: &AgreeArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let results = arguments.results.open();
    let mut kept = Vec::new();
    for run in &arguments.runs {
        kept.extend(kept_outputs(&results.find(run)?)?);
    }
    let pairs = pairs(&kept)?;
    if pairs.is_empty() {
        return Err(BenchError::nothing_to_compare(&arguments.runs));
    }
    let text = if arguments.json {
        serde_json::to_string_pretty(&pairs).map_err(BenchError::internal)? + "\n"
    } else {
        table(&pairs)
    };
    print(&text)?;
    let broken =
        pairs.iter().any(|pair| must_be_equal(&pair.dtype, pair.variant) && !pair.agreement.is_equal());
    Ok(if broken { ExitCode::Regression } else { ExitCode::Pass })
}

/// Integer outputs are the same on every device; so are those of a network that is all integers within. Other floats may
/// be rounded differently.
fn must_be_equal(dtype: &str, variant: &str) -> bool {
    Element::named(dtype).is_some_and(Element::is_integer) || variant.contains("int8")
}

/// Every device with every later one that has outputs of the same file and examples.
fn pairs(kept: &[KeptOutputs]) -> Result<Vec<Pair<'_>>, BenchError> {
    let mut pairs = Vec::new();
    for (at, one) in kept.iter().enumerate() {
        for other in kept.iter().skip(at + 1).filter(|other| is_comparable(one, other)) {
            pairs.push(pair(one, other)?);
        }
    }
    pairs.sort_by(|a, b| (a.model, a.variant).cmp(&(b.model, b.variant)));
    Ok(pairs)
}

/// Files of the cache are named by their content: the same path is the same file.
fn is_comparable(one: &KeptOutputs, other: &KeptOutputs) -> bool {
    let place = |kept: &KeptOutputs| (kept.run.clone(), kept.device.clone(), kept.threads);
    one.model_file == other.model_file && one.pack == other.pack && place(one) != place(other)
}

fn pair<'k>(one: &'k KeptOutputs, other: &'k KeptOutputs) -> Result<Pair<'k>, BenchError> {
    let (dtype, element) = element(&one.model_file)?;
    let (a, b) = (read(&one.outputs)?, read(&other.outputs)?);
    let agreement = compare(&a, &b, element, one.labels.len() as u64)
        .map_err(|error| BenchError::outputs(&other.outputs, &error))?;
    let name = |kept: &KeptOutputs| match (one.run == other.run, kept.threads) {
        (true, 1) => kept.device.clone(),
        (true, threads) => format!("{} x{threads}", kept.device),
        (false, threads) => format!("{} x{threads} in {}", kept.device, kept.run),
    };
    Ok(Pair {
        model: &one.model,
        variant: &one.variant,
        dtype,
        one: name(one),
        other: name(other),
        agreement,
    })
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

fn table(pairs: &[Pair<'_>]) -> String {
    let longest = |length: fn(&Pair<'_>) -> usize| pairs.iter().map(length).max().unwrap_or(0);
    let (models, variants) = (longest(|pair| pair.model.len()), longest(|pair| pair.variant.len()));
    let (ones, others) = (longest(|pair| pair.one.len()), longest(|pair| pair.other.len()));
    let mut text = String::new();
    for pair in pairs {
        let Pair { model, variant, dtype, one, other, agreement } = pair;
        let _ = writeln!(
            text,
            "{model:<models$}  {variant:<variants$}  {dtype:<7}  {one:<ones$}  {other:<others$}  {}",
            words(agreement)
        );
    }
    let count = |class: fn(&Agreement) -> bool| pairs.iter().filter(|pair| class(&pair.agreement)).count();
    let _ = writeln!(
        text,
        "{} pairs: {} equal, {} one rounding step apart, {} different",
        pairs.len(),
        count(Agreement::is_equal),
        count(|agreement| matches!(agreement, Agreement::OneStep(_))),
        count(|agreement| matches!(agreement, Agreement::Different(_)))
    );
    text
}

fn words(agreement: &Agreement) -> String {
    match agreement {
        Agreement::Equal => "equal".to_owned(),
        Agreement::OneStep(difference) => format!("one rounding step: {}", where_and_how_many(difference)),
        Agreement::Different(difference) => {
            format!("different by up to {:.3e}: {}", difference.largest, where_and_how_many(difference))
        }
    }
}

fn where_and_how_many(difference: &Difference) -> String {
    let Difference { values, of, first_example, first_value, .. } = difference;
    format!("{values} of {of} values, first in example {first_example} at value {first_value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_each_pair_and_the_sum() {
        let pair = |other: &str, agreement| Pair {
            model: "net",
            variant: "int8",
            dtype: "int8".to_owned(),
            one: "host".to_owned(),
            other: other.to_owned(),
            agreement,
        };
        let difference = Difference { values: 2, of: 40, largest: 1.0, first_example: 3, first_value: 7 };
        let text = table(&[pair("pi4", Agreement::Equal), pair("pixel", Agreement::OneStep(difference))]);
        let expected = "net  int8  int8     host  pi4    equal\n\
            net  int8  int8     host  pixel  one rounding step: 2 of 40 values, first in example 3 at value 7\n\
            2 pairs: 1 equal, 1 one rounding step apart, 0 different\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn floats_of_float_networks_may_differ() {
        assert!(must_be_equal("int8", "anything") && must_be_equal("float32", "int8"));
        assert!(!must_be_equal("float32", "fp16"));
    }
}
