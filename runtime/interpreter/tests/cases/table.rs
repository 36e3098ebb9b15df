//! The table of what is equal to LiteRT: operator x type x set of kernels.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use edgebench_interpreter::{KernelChoice, KernelSet};

use crate::case::{Case, Expected, suite};
use crate::run::{Outcome, run};

/// The table has the sets that are the same on every CPU; the others are held to them by the tests.
const COLUMNS: [KernelChoice; 2] =
    [KernelChoice::Only(KernelSet::Reference), KernelChoice::Only(KernelSet::Portable)];

const HEAD: &str = "\
# Operators against LiteRT

Written by `cargo run -p edgebench-interpreter --example ops_table`; a test keeps it up to date. Each case is a model of
one operator with the answer of LiteRT's reference kernels (`ci/ops/make_cases.py` makes them). *bit-equal* counts cases
in which every output bit is LiteRT's, or both refuse the model. *close*: floats within the tolerance of the case.
*missing*: this interpreter refuses what LiteRT runs; *refused*: neither takes any of the row. Hybrid operators have float activations and integer weights.

| op | type | cases | reference | portable |
|---|---|---:|---|---|
";

/// Where the table is committed.
pub(crate) fn path() -> PathBuf {
    suite().join("TABLE.md")
}

/// Known differences, as `suites/ops/exceptions.txt` lists them: folder of the case -> reason.
pub(crate) fn exceptions() -> BTreeMap<String, String> {
    let line = |line: &str| {
        let (folder, reason) = line.split_once(": ").unwrap_or_else(|| panic!("no reason in \"{line}\""));
        (folder.to_owned(), reason.to_owned())
    };
    lines("exceptions.txt").iter().map(|text| line(text)).collect()
}

/// Lines of a list beside the cases, without comments.
pub(crate) fn lines(name: &str) -> Vec<String> {
    let path = suite().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let kept = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    kept.map(str::to_owned).collect()
}

/// The whole text.
pub(crate) fn text(cases: &[Case]) -> String {
    let mut rows: BTreeMap<(&str, &str), Vec<&Case>> = BTreeMap::new();
    for case in cases {
        rows.entry((&case.about.op, &case.about.type_name)).or_default().push(case);
    }
    let mut text = HEAD.to_owned();
    for ((op, type_name), cases) in rows {
        let cells = COLUMNS.map(|kernels| cell(&cases, kernels));
        let refused = cases.iter().filter(|case| case.about.expected == Expected::Refused).count();
        let count = match refused {
            0 => cases.len().to_string(),
            _ => format!("{} ({refused} refused)", cases.len()),
        };
        writeln!(text, "| {op} | {type_name} | {count} | {} |", cells.join(" | ")).expect("text grows");
    }
    for (title, (folder, reason)) in exceptions().iter().enumerate() {
        let title = if title == 0 { "\n## Exceptions\n\n" } else { "" };
        writeln!(text, "{title}- `{folder}`: {reason}").expect("text grows");
    }
    text
}

fn cell(cases: &[&Case], kernels: KernelChoice) -> String {
    let outcomes: Vec<Outcome> = cases.iter().map(|case| run(case, kernels)).collect();
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| wanted(outcome)).count();
    let parts = [
        (count(|outcome| *outcome == Outcome::Equal), "bit-equal"),
        (count(|outcome| *outcome == Outcome::Close), "close"),
        (count(|outcome| matches!(outcome, Outcome::Missing(_))), "missing"),
        (count(|outcome| matches!(outcome, Outcome::Wrong(_))), "**different**"),
    ];
    if parts[0].0 == cases.len() && cases.iter().all(|case| case.about.expected == Expected::Refused) {
        return "refused".to_owned();
    }
    let there: Vec<_> = parts.into_iter().filter(|(count, _)| *count > 0).collect();
    match there.as_slice() {
        [(_, what)] => (*what).to_owned(),
        several => {
            several.iter().map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
        }
    }
}
