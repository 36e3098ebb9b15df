//! Every op case of `suites/ops` with every set of kernels, against what LiteRT's reference kernels answered.
#![forbid(unsafe_code)]

mod case;
mod damage;
mod run;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use edgebench_interpreter::KernelChoice;

use crate::run::{Outcome, kernels};

/// What is wrong, and what is missing and may be: operator and type -> first message.
#[derive(Default)]
struct Findings {
    wrong: Vec<String>,
    missing: BTreeMap<String, (usize, String)>,
}

#[test]
fn every_case_answers_as_litert_does() {
    let cases = case::all();
    let required: BTreeSet<String> = table::lines("required.txt").into_iter().collect();
    let exceptions = table::exceptions();
    let mut findings = Findings::default();
    for case in cases.iter().filter(|case| !exceptions.contains_key(&case.folder)) {
        let row = format!("{} {}", case.about.op, case.about.type_name);
        for kernels in kernels() {
            let place = format!("{} ({}, {kernels} kernels)", case.folder, case.about.type_name);
            match run::run(case, kernels) {
                Outcome::Equal | Outcome::Close => {}
                Outcome::Missing(message) if required.contains(&row) => {
                    findings.wrong.push(format!("{place}: {message}"));
                }
                Outcome::Missing(message) => {
                    findings.missing.entry(row.clone()).or_insert((0, message)).0 += 1;
                }
                Outcome::Wrong(what) => findings.wrong.push(format!("{place}: {what}")),
            }
        }
    }
    for (row, (count, message)) in &findings.missing {
        println!("not there yet: {row}, {count} runs, such as: {message}");
    }
    for absent in KernelChoice::all().filter(|kernels| !kernels.is_available()) {
        println!("skipped: op cases with {absent} kernels: this CPU does not have them");
    }
    println!("{} cases with {} sets of kernels", cases.len(), kernels().len());
    let wrong = findings.wrong;
    assert!(wrong.is_empty(), "{} differ from LiteRT:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn threads_change_no_answer() {
    let exceptions = table::exceptions();
    let mut wrong = Vec::new();
    for case in case::all().iter().filter(|case| !exceptions.contains_key(&case.folder)) {
        if let Outcome::Wrong(what) = run::run_divided(case) {
            wrong.push(format!("{} ({}): {what}", case.folder, case.about.type_name));
        }
    }
    assert!(wrong.is_empty(), "{} differ from LiteRT:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn exceptions_are_of_cases_that_do_differ() {
    let cases = case::all();
    for folder in table::exceptions().keys() {
        let case = cases.iter().find(|case| case.folder == *folder);
        let case = case.unwrap_or_else(|| panic!("exceptions.txt: there is no case {folder}"));
        let fine = |kernels| matches!(run::run(case, kernels), Outcome::Equal | Outcome::Close);
        assert!(!kernels().into_iter().all(fine), "exceptions.txt: {folder} is no exception any more");
    }
}

#[test]
fn damaged_cases_never_panic() {
    let toll = damage::damage(&case::all(), 1);
    println!("{} damaged models refused, {} ran", toll.refused, toll.ran);
    assert!(toll.panics.is_empty(), "{} panics: {:#?}", toll.panics.len(), toll.panics);
    assert!(
        toll.refused > 1000 && toll.ran > 1000,
        "{} refused, {} ran: it misses its aim",
        toll.refused,
        toll.ran
    );
}

#[test]
fn required_rows_have_cases() {
    let cases = case::all();
    let row = |case: &case::Case| format!("{} {}", case.about.op, case.about.type_name);
    let rows: BTreeSet<String> = cases.iter().map(row).collect();
    for required in table::lines("required.txt") {
        assert!(rows.contains(&required), "required.txt: there is no case of {required}");
    }
}

#[test]
fn committed_table_is_up_to_date() {
    let committed = std::fs::read_to_string(table::path()).expect("the table is committed");
    let command = "cargo run -p edgebench-interpreter --example ops_table";
    assert!(committed == table::text(&case::all()), "suites/ops/TABLE.md is not what {command} writes");
}
