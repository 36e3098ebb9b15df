//! `bench agree`: whether devices gave the same outputs, bit by bit.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::locations::{CacheFolder, ResultsFolder};
use super::{Terminal, print};
use crate::agreement::{Agreement, Difference};
use crate::beside::{Located, Pair, keep_located, pairs};
use crate::error::{BenchError, ExitCode};
use crate::run::{KeptOutputs, Looking, RunFolder, first_difference, kept_outputs};

/// Arguments of `bench agree`.
#[derive(clap::Args, Debug)]
pub(super) struct AgreeArgs {
    /// Runs that were made with --keep_outputs: their identities, or `latest`. Devices of all of them are compared.
    #[arg(default_value = "latest", value_name = "RUN")]
    runs: Vec<String>,
    /// Write the comparison as JSON.
    #[arg(long, conflicts_with = "locate")]
    json: bool,
    /// Name the first operator that differs: run the network on both devices again, cut behind each operator in turn, on
    /// the first example that differs. Reports of the run name it from then on.
    #[arg(long)]
    locate: bool,
    /// With --locate, use this agent instead of building one.
    #[arg(long, env = "EDGEBENCH_AGENT", value_name = "PATH")]
    agent: Option<PathBuf>,
    #[command(flatten)]
    storage: CacheFolder,
    #[command(flatten)]
    results: ResultsFolder,
}

pub(super) fn run(arguments: &AgreeArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let results = arguments.results.open();
    let folders: Vec<RunFolder> =
        arguments.runs.iter().map(|run| results.find(run)).collect::<Result<_, _>>()?;
    let kept: Vec<KeptOutputs> =
        folders.iter().map(kept_outputs).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let pairs = pairs(&kept)?;
    if pairs.is_empty() {
        return Err(BenchError::nothing_to_compare(&arguments.runs));
    }
    if arguments.locate {
        return locate(&pairs, &folders, arguments);
    }
    let text = if arguments.json {
        serde_json::to_string_pretty(&pairs).map_err(BenchError::internal)? + "\n"
    } else {
        table(&pairs)
    };
    print(&text)?;
    Ok(exit_code(&pairs))
}

/// Names the operator of every pair of one run that is not equal, and keeps it for the reports.
fn locate(pairs: &[Pair<'_>], folders: &[RunFolder], arguments: &AgreeArgs) -> Result<ExitCode, BenchError> {
    let looking = Looking { cache: arguments.storage.cache()?, agent: arguments.agent.clone() };
    let mut text = table(pairs);
    for folder in folders {
        let mut found = Vec::new();
        for pair in pairs.iter().filter(|pair| pair.sides.0.run == folder.id && pair.sides.1.run == folder.id)
        {
            let (Agreement::OneStep(difference) | Agreement::Different(difference)) = &pair.agreement else {
                continue;
            };
            let example = u32::try_from(difference.first_example).unwrap_or(u32::MAX);
            let operator = first_difference(folder, pair.sides.0, pair.sides.1, example, &looking)?;
            let Pair { model, variant, one, other, .. } = pair;
            let told = operator.as_deref().unwrap_or("none: no operator differs by more than rounding");
            let _ = writeln!(text, "{model} {variant}, {one} and {other}: first {told}");
            let [model, variant] = [model, variant].map(|name| (*name).to_owned());
            let (one, other) = (one.clone(), other.clone());
            found.extend(operator.map(|operator| Located { model, variant, one, other, operator }));
        }
        keep_located(folder, &found)?;
    }
    print(&text)?;
    Ok(exit_code(pairs))
}

fn exit_code(pairs: &[Pair<'_>]) -> ExitCode {
    let broken = pairs.iter().any(|pair| pair.must_be_equal() && !pair.agreement.is_equal());
    if broken { ExitCode::Regression } else { ExitCode::Pass }
}

fn table(pairs: &[Pair<'_>]) -> String {
    let longest = |length: fn(&Pair<'_>) -> usize| pairs.iter().map(length).max().unwrap_or(0);
    let (models, variants) = (longest(|pair| pair.model.len()), longest(|pair| pair.variant.len()));
    let (ones, others) = (longest(|pair| pair.one.len()), longest(|pair| pair.other.len()));
    let mut text = String::new();
    for pair in pairs {
        let Pair { model, variant, dtype, one, other, agreement, .. } = pair;
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
    use crate::run::KeptOutputs;

    fn kept() -> KeptOutputs {
        KeptOutputs {
            run: "r".to_owned(),
            device: "host".to_owned(),
            model: "net".to_owned(),
            variant: "int8".to_owned(),
            runtime: "edgebench".to_owned(),
            threads: 1,
            model_file: "m".into(),
            pack: "p".into(),
            labels: Vec::new(),
            outputs: "o".into(),
        }
    }

    fn pair<'k>(kept: &'k KeptOutputs, other: &str, agreement: Agreement) -> Pair<'k> {
        Pair {
            model: &kept.model,
            variant: &kept.variant,
            dtype: "int8".to_owned(),
            one: "host".to_owned(),
            other: other.to_owned(),
            agreement,
            same_runtime: true,
            sides: (kept, kept),
        }
    }

    #[test]
    fn the_table_tells_each_pair_and_the_sum() {
        let kept = kept();
        let difference = Difference { values: 2, of: 40, largest: 1.0, first_example: 3, first_value: 7 };
        let text = table(&[
            pair(&kept, "pi4", Agreement::Equal),
            pair(&kept, "pixel", Agreement::OneStep(difference)),
        ]);
        let expected = "net  int8  int8     host  pi4    equal\n\
            net  int8  int8     host  pixel  one rounding step: 2 of 40 values, first in example 3 at value 7\n\
            2 pairs: 1 equal, 1 one rounding step apart, 0 different\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn floats_of_float_networks_and_other_runtimes_may_differ() {
        let (quantized, half) = (kept(), KeptOutputs { variant: "fp16".to_owned(), ..kept() });
        let integers = pair(&half, "x", Agreement::Equal);
        assert!(integers.must_be_equal());
        let floats = |kept| Pair { dtype: "float32".to_owned(), ..pair(kept, "x", Agreement::Equal) };
        assert!(floats(&quantized).must_be_equal() && !floats(&half).must_be_equal());
        assert!(!Pair { same_runtime: false, ..pair(&quantized, "x", Agreement::Equal) }.must_be_equal());
    }
}
