//! Writes the page of a gate over made-up runs, to look at while the page is changed: `sample_gate OUT.html`.

#[path = "../tests/arms/mod.rs"]
mod arms;
#[path = "../tests/judging/mod.rs"]
mod judging;
#[path = "../tests/synthetic/picture.rs"]
mod picture;

use std::process::ExitCode;

use arms::{Manner, PLAIN, arms, lose_answers, slow_down};
use edgebench_reports::beside::Beside;
use edgebench_reports::gate::{flips, judge};
use edgebench_reports::policy::{LimitKind, Metric, Scope, Waiver};
use edgebench_reports::record::Outcome;
use edgebench_reports::render::gate::page;
use judging::{TODAY, inputs, limit, policy};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: sample_gate OUT.html");
        return ExitCode::from(2);
    };
    let (mut before, mut after) = arms(Manner { cells: 4, ..PLAIN });
    slow_down(&mut after, 1.08);
    lose_answers(&mut after, 3, None);
    after.cells[2].outcome = Outcome::Failed { stage: "measure".to_owned(), reason: "signal 11".to_owned() };
    before.cells.remove(3);
    let mut policy = policy();
    policy.rules[0].limits.push(limit(Metric::Init, LimitKind::MaxIncrease, 9.0));
    policy.waivers.push(Waiver {
        scope: Scope { variant: Some("v01".to_owned()), ..Scope::default() },
        metric: Metric::Latency,
        owner: "ann@example.org".to_owned(),
        reason: "the new layer has no kernel yet".to_owned(),
        expires: TODAY,
        accept: 0.1,
        accept_text: "10%".to_owned(),
    });
    let inputs = inputs(&before, &after, &policy);
    let flips = flips(&inputs);
    let pictures = flips.iter().map(|flip| (flip.id.clone(), picture::picture())).collect();
    let beside = Beside { pictures, ..Beside::default() };
    let written = page(&judge(&inputs), &flips, &beside).map_err(|error| error.to_string());
    match written.and_then(|page| std::fs::write(&path, page).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}
