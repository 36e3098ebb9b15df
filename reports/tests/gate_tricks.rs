//! Ways to get past a gate without being faster or more accurate. None of them may end in a pass.

mod arms;
mod judging;

use arms::{Manner, PLAIN, arms, lose_answers, slow_down};
use edgebench_reports::gate::{Inputs, judge};
use edgebench_reports::policy::{LimitKind, Metric, Policy, Required};
use edgebench_reports::record::{Outcome, RunRecord};
use edgebench_reports::verdict::Verdict;
use judging::{inputs, limit, policy};

/// What becomes of a candidate that regressed and then tried something.
fn after(trick: impl Fn(&mut RunRecord, &mut RunRecord)) -> Verdict {
    let (mut before, mut after) = arms(Manner { cells: 3, ..PLAIN });
    slow_down(&mut after, 1.10);
    lose_answers(&mut after, 100, None);
    trick(&mut before, &mut after);
    judge(&inputs(&before, &after, &policy())).verdict
}

#[test]
fn the_regression_itself_is_found() {
    assert_eq!(after(|_, _| {}), Verdict::Regressed);
}

#[test]
fn every_trick_is_blocked() {
    type Trick = fn(&mut RunRecord, &mut RunRecord);
    let tricks: [(&str, Trick); 16] = [
        ("the cells are left out", |_, after| after.cells.clear()),
        ("the variants are renamed", |_, after| {
            after.cells.iter_mut().for_each(|one| one.cell.variant.push_str("_ignore"));
        }),
        ("the device is renamed", |_, after| {
            after.cells.iter_mut().for_each(|one| one.cell.device = "new".to_owned());
        }),
        ("other threads", |_, after| after.cells.iter_mut().for_each(|one| one.cell.threads = 8)),
        ("another runtime", |_, after| {
            after.cells.iter_mut().for_each(|one| one.cell.runtime = "litert".to_owned());
        }),
        ("every block is called invalid", |_, after| {
            after
                .cells
                .iter_mut()
                .flat_map(|one| &mut one.blocks)
                .for_each(|block| block.invalid = Some("noisy".to_owned()));
        }),
        ("the slow blocks are left out", |_, after| {
            after.cells.iter_mut().for_each(|one| one.blocks.truncate(2));
        }),
        ("no samples are kept", |_, after| {
            after
                .cells
                .iter_mut()
                .flat_map(|one| &mut one.blocks)
                .for_each(|block| block.steady_nanos.clear());
        }),
        ("the run is stopped", |_, after| {
            after.cells.iter_mut().for_each(|one| one.outcome = Outcome::Unfinished);
        }),
        ("fewer examples", |_, after| {
            after
                .cells
                .iter_mut()
                .filter_map(|one| one.evaluation.as_mut())
                .for_each(|one| one.predictions.truncate(10));
        }),
        ("other data", |_, after| {
            after
                .cells
                .iter_mut()
                .filter_map(|one| one.evaluation.as_mut())
                .for_each(|one| one.pack_digest = "00".to_owned());
        }),
        ("labels that fit the answers", |_, after| {
            let predictions = after
                .cells
                .iter_mut()
                .filter_map(|one| one.evaluation.as_mut())
                .flat_map(|one| &mut one.predictions);
            predictions.for_each(|one| one.label = one.top[0].0);
        }),
        ("easy examples twice", |_, after| {
            after.cells.iter_mut().filter_map(|one| one.evaluation.as_mut()).for_each(|one| {
                let easy = one.predictions[500].clone();
                one.predictions.iter_mut().for_each(|prediction| *prediction = easy.clone());
            });
        }),
        ("accuracy is not measured", |_, after| after.cells.iter_mut().for_each(|one| one.evaluation = None)),
        ("a faster machine under the same name", |_, after| {
            after.devices[0].properties.insert("cpu_model".to_owned(), "Faster CPU".to_owned());
        }),
        ("a second, better record of each cell", |before, after| {
            let better = before.cells.clone();
            after.cells.extend(better);
        }),
    ];
    for (name, trick) in tricks {
        let verdict = after(trick);
        assert!(!verdict.passes(), "{name}: {}", verdict.word());
    }
}

#[test]
fn counts_of_an_emulator_do_not_stand_in_for_times() {
    let verdict = after(|_, after| after.devices[0].emulated = true);
    assert!(!verdict.passes(), "{verdict:?}");
}

#[test]
fn a_baseline_that_lost_its_cells_makes_nothing_new() {
    // What the baseline measured and failed at is not "new".
    let verdict = after(|before, _| {
        before.cells.iter_mut().for_each(|one| {
            one.outcome = Outcome::Failed { stage: "open".to_owned(), reason: "x".to_owned() }
        });
    });
    assert!(!verdict.passes(), "{verdict:?}");
}

#[test]
fn a_suite_that_lost_a_model_or_a_device_still_owes_it() {
    let (before, after) = arms(PLAIN);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let required =
        Required { devices: names(&["board", "pi4"]), models: names(&["net"]), variants: names(&["v00"]) };
    let policy = Policy { required, ..policy() };
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!(report.verdict, Verdict::Missing);
    assert_eq!(report.cells.iter().filter(|cell| cell.verdict == Verdict::Missing).count(), 1);
    let policy = Policy {
        required: Required { models: names(&["net", "gone"]), ..policy.required.clone() },
        ..policy
    };
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!(report.cells.iter().filter(|cell| cell.verdict == Verdict::Missing).count(), 3);
}

#[test]
fn a_run_without_cells_is_no_pass() {
    let (mut before, mut after) = arms(PLAIN);
    before.cells.clear();
    after.cells.clear();
    let report = judge(&inputs(&before, &after, &policy()));
    assert_eq!(report.verdict, Verdict::Missing);
}

#[test]
fn an_absolute_bound_holds_without_any_baseline() {
    let (_, after) = arms(PLAIN);
    let mut policy = Policy::default();
    policy.rules.push(edgebench_reports::policy::RuleSet {
        limits: vec![
            limit(Metric::Latency, LimitKind::Max, 1e6),
            limit(Metric::Size, LimitKind::Max, 1e5),
            limit(Metric::Accuracy, LimitKind::Min, 0.99),
        ],
        ..Default::default()
    });
    let report = judge(&Inputs { baseline: None, ..inputs(&after, &after, &policy) });
    let verdicts: Vec<Verdict> = report.cells[0].checks.iter().map(|check| check.verdict).collect();
    assert_eq!(verdicts, [Verdict::Regressed; 3], "{report:?}");
}
