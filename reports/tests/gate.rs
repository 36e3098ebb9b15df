//! The honesty of the gate (G1 to G8): what it must find, what it must never claim, and that nothing but the evidence
//! decides.

mod arms;
mod judging;

use arms::{Manner, PLAIN, arms, lose_answers, slow_down};
use edgebench_reports::gate::{Design, GateReport, Inputs, Lint, flips, judge, plan};
use edgebench_reports::policy::{Envelope, LimitKind, Metric, Policy, RuleSet, Scope, Waiver};
use edgebench_reports::record::{Outcome, RunRecord};
use edgebench_reports::render::TerminalOptions;
use edgebench_reports::render::gate::{bencher, explain, json, junit, markdown, smaller_is_better, terminal};
use edgebench_reports::verdict::Verdict;
use jiff::civil::date;
use judging::{TODAY, inputs, limit, policy};

fn check(report: &GateReport, metric: Metric) -> &edgebench_reports::gate::Check {
    report.cells[0].checks.iter().find(|check| check.limit.metric == metric).expect("a check")
}

fn with(metric: Metric, kind: LimitKind, value: f64) -> Policy {
    let rules = vec![RuleSet { scope: Scope::default(), limits: vec![limit(metric, kind, value)] }];
    Policy { rules, ..Policy::default() }
}

/// G1: the same thing as both arms, over and over, on a machine that drifts and is interrupted.
#[test]
fn clean_changes_are_hardly_ever_blamed() {
    let policy = policy();
    let (runs, mut blamed, mut wrong_cells) = (150u64, 0u32, 0u32);
    for seed in 0..runs {
        let manner =
            Manner { cells: 24, blocks: 12, samples: 3, examples: 20, block_noise: 0.03, seed, ..PLAIN };
        let (before, after) = arms(manner);
        let report = judge(&inputs(&before, &after, &policy));
        let wrong = report.cells.iter().filter(|cell| cell.verdict == Verdict::Regressed).count();
        wrong_cells += wrong as u32;
        blamed += u32::from(wrong > 0);
        assert!(report.cells.iter().all(|cell| cell.design == Some(Design::Interleaved)));
    }
    // 1 % of 150 suites are 1.5; more than five would be more than chance explains (one in two hundred).
    assert!(blamed <= 5, "{blamed} of {runs} suites, {wrong_cells} cells");
}

/// G2: a slowdown that was put in is estimated within its interval as often as the interval says, and found.
#[test]
fn injected_slowdowns_are_measured_and_found() {
    let policy = with(Metric::Latency, LimitKind::MaxIncrease, 0.02);
    for (slowdown, least_found) in [(0.01, 0), (0.03, 60), (0.05, 115), (0.10, 120)] {
        let (mut covered, mut found, runs) = (0u32, 0u32, 120u64);
        for seed in 0..runs {
            let manner =
                Manner { blocks: 20, samples: 3, examples: 5, block_noise: 0.01, seed: 1000 + seed, ..PLAIN };
            let (before, mut after) = arms(manner);
            slow_down(&mut after, 1.0 + slowdown);
            let report = judge(&inputs(&before, &after, &policy));
            let (lower, upper, confidence) =
                check(&report, Metric::Latency).change_interval().expect("pairs");
            assert!(confidence >= 0.9);
            covered += u32::from(lower <= slowdown && slowdown <= upper);
            found += u32::from(report.verdict == Verdict::Regressed);
        }
        let coverage = f64::from(covered) / runs as f64;
        assert!(coverage >= 0.84, "{slowdown}: {coverage}");
        assert!(found >= least_found, "{slowdown}: found {found} of {runs}");
    }
}

/// G3: an improvement passes.
#[test]
fn an_improvement_passes_and_says_so() {
    let (before, mut after) = arms(PLAIN);
    slow_down(&mut after, 0.95);
    let report = judge(&inputs(&before, &after, &policy()));
    assert_eq!(report.verdict, Verdict::Improved);
    assert!(report.verdict.passes());
}

/// G4: ten steps of 0.8 % under a limit of 2 %: against a pinned baseline the sum is found as soon as it passes the
/// limit by a point, though no single step would be.
#[test]
fn a_frog_that_is_boiled_slowly_is_seen_against_a_pinned_baseline() {
    let policy = with(Metric::Latency, LimitKind::MaxIncrease, 0.02);
    let mut first_alarm = None;
    for step in 1..=10i32 {
        let manner = Manner { blocks: 20, block_noise: 0.003, seed: 50 + step as u64, ..PLAIN };
        let (before, mut after) = arms(manner);
        slow_down(&mut after, 1.008f64.powi(step));
        if judge(&inputs(&before, &after, &policy)).verdict == Verdict::Regressed {
            first_alarm = first_alarm.or(Some(step));
        }
        let (before, mut after) = arms(Manner { seed: 80 + step as u64, ..manner });
        slow_down(&mut after, 1.008);
        assert_eq!(
            judge(&inputs(&before, &after, &policy)).verdict,
            Verdict::Pass,
            "one step is within the limit"
        );
    }
    // 1.008^4 is +3.2 %: limit and a point.
    assert!(first_alarm.is_some_and(|step| step <= 4), "{first_alarm:?}");
}

/// G5: nothing pays for anything else.
#[test]
fn speed_does_not_pay_for_accuracy() {
    let (before, mut after) = arms(Manner { examples: 20_000, ..PLAIN });
    slow_down(&mut after, 0.8);
    lose_answers(&mut after, 100, None);
    let mut policy = policy();
    policy.rules[0].limits.push(limit(Metric::Accuracy, LimitKind::MaxDropVsBaseline, 0.001));
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!(check(&report, Metric::Latency).verdict, Verdict::Improved);
    assert_eq!(check(&report, Metric::Accuracy).verdict, Verdict::Regressed);
    assert_eq!(report.verdict, Verdict::Regressed);
}

/// G6: samples on two levels, of which only the slowest 1.5 % became slower by half.
#[test]
fn a_tail_that_grew_is_found_while_the_median_passes() {
    let bimodal = |run: &mut RunRecord, tail: f64| {
        for block in run.cells.iter_mut().flat_map(|cell| &mut cell.blocks) {
            let level = block.steady_nanos[0] as f64;
            let value = |at: usize| match at {
                at if at % 200 < 3 => level * 2.0 * tail,
                at if at % 3 == 0 => level * 1.4,
                _ => level,
            };
            block.steady_nanos = (0..1200).map(|at| value(at) as u64).collect();
        }
    };
    let (mut before, mut after) = arms(PLAIN);
    bimodal(&mut before, 1.0);
    bimodal(&mut after, 1.5);
    let mut policy = policy();
    policy.rules[0].limits.push(limit(Metric::Tail, LimitKind::MaxIncrease, 0.1));
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!(check(&report, Metric::Latency).verdict, Verdict::Pass);
    assert_eq!(check(&report, Metric::Tail).verdict, Verdict::Regressed);
    let text = terminal(&report, TerminalOptions::default());
    assert!(text.contains("latency.max_increase") && text.contains("tail.max_increase"), "{text}");
}

/// G7: nothing, next to nothing, and always the same.
#[test]
fn too_little_or_always_the_same_is_no_number_and_no_panic() {
    let mut told = Vec::new();
    let mut ask = |name: &str, change: &dyn Fn(&mut RunRecord)| {
        let (mut before, mut after) = arms(PLAIN);
        change(&mut before);
        change(&mut after);
        let report = judge(&inputs(&before, &after, &policy()));
        let json = json(&report);
        assert!(!json.contains("NaN") && !json.contains("inf\""), "{json}");
        assert!(!terminal(&report, TerminalOptions::default()).contains("NaN"));
        told.push(format!("{name}: {} {}", report.verdict.word(), check(&report, Metric::Latency).basis));
        report.verdict
    };
    let blocks = |count: usize| move |run: &mut RunRecord| run.cells[0].blocks.truncate(count);
    let samples = |nanos: u64| {
        move |run: &mut RunRecord| {
            run.cells[0].blocks.iter_mut().for_each(|block| block.steady_nanos = vec![nanos; 9]);
        }
    };
    assert_eq!(ask("no block", &blocks(0)), Verdict::Missing);
    assert_eq!(ask("one pair", &blocks(1)), Verdict::Inconclusive);
    assert_eq!(ask("three pairs", &blocks(3)), Verdict::Inconclusive);
    assert_eq!(ask("all ties", &samples(2_000_000)), Verdict::Pass);
    assert_eq!(ask("a clock of 1 ms", &samples(1_000_000)), Verdict::Pass);
    assert_eq!(ask("zero", &samples(0)), Verdict::Inconclusive);
    let no_samples =
        |run: &mut RunRecord| run.cells[0].blocks.iter_mut().for_each(|block| block.steady_nanos.clear());
    assert_eq!(ask("no samples", &no_samples), Verdict::Invalid);
    insta::assert_snapshot!(told.join("\n"));
}

/// G8: the order of cells, devices and artifacts in the records decides nothing.
#[test]
fn order_decides_nothing() {
    let manner = Manner { cells: 6, ..PLAIN };
    let (before, after) = arms(manner);
    let (mut turned_before, mut turned_after) = (before.clone(), after.clone());
    for run in [&mut turned_before, &mut turned_after] {
        run.cells.reverse();
        run.artifacts.reverse();
        run.cells.iter_mut().for_each(|cell| cell.blocks.reverse());
        run.cells
            .iter_mut()
            .filter_map(|cell| cell.evaluation.as_mut())
            .for_each(|one| one.predictions.reverse());
    }
    let policy = policy();
    let one = judge(&inputs(&before, &after, &policy));
    let other = judge(&inputs(&turned_before, &turned_after, &policy));
    assert_eq!(json(&one), json(&other));
    assert_eq!(terminal(&one, TerminalOptions::default()), terminal(&other, TerminalOptions::default()));
}

#[test]
fn an_order_that_was_not_drawn_is_not_believed() {
    let (mut before, mut after) = arms(Manner { blocks: 16, ..PLAIN });
    for (turn, run) in [(0, &mut before), (1, &mut after)] {
        for block in &mut run.cells[0].blocks {
            block.started_at = format!("2026-01-01T00:{:02}:{:02}Z", block.block, 20 * turn);
        }
    }
    let policy = with(Metric::Latency, LimitKind::MaxIncrease, 0.03);
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!((report.verdict, report.cells[0].design), (Verdict::Inconclusive, Some(Design::FixedOrder)));
    assert_eq!(report.cells[0].notes, ["the same arm ran first in every pair: the order was not drawn"]);
}

#[test]
fn counts_of_an_emulator_are_exact_and_no_times() {
    let (mut before, mut after) = arms(Manner { blocks: 1, ..PLAIN });
    for run in [&mut before, &mut after] {
        run.devices[0].emulated = true;
        run.cells[0].blocks[0].steady_nanos = vec![1_000_000; 3];
    }
    let policy = with(Metric::Latency, LimitKind::MaxIncrease, 0.03);
    assert_eq!(judge(&inputs(&before, &after, &policy)).verdict, Verdict::Pass);
    slow_down(&mut after, 1.031);
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!((report.verdict, report.cells[0].design), (Verdict::Regressed, Some(Design::Counted)));
    let text = terminal(&report, TerminalOptions::default());
    assert!(
        text.contains("1,000,000 instructions → 1,031,000 instructions") && !text.contains(" ms"),
        "{text}"
    );
}

#[test]
fn sessions_apart_are_judged_by_the_noise_between_runs_or_not_at_all() {
    let (mut before, mut after) = arms(Manner { drift: 0.0, ..PLAIN });
    for (hour, run) in [(1, &mut before), (5, &mut after)] {
        for block in &mut run.cells[0].blocks {
            block.started_at = format!("2026-01-0{hour}T00:{:02}:00Z", block.block);
        }
    }
    let mut policy = with(Metric::Latency, LimitKind::MaxIncrease, 0.03);
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!((report.verdict, report.cells[0].design), (Verdict::Inconclusive, Some(Design::Sequential)));

    // Six repetitions that lie 0.2 % apart: enough to know the noise.
    let history: Vec<RunRecord> = (0..6)
        .map(|at| {
            let mut run = before.clone();
            run.run.id = format!("repetition {at}");
            slow_down(&mut run, 1.0 + 0.002 * f64::from(at % 3));
            run
        })
        .collect();
    let ask = |after: &RunRecord, policy: &Policy| {
        judge(&Inputs { history: &history, ..inputs(&before, after, policy) }).verdict
    };
    assert_eq!(ask(&after, &policy), Verdict::Pass);
    slow_down(&mut after, 1.06);
    assert_eq!(ask(&after, &policy), Verdict::Regressed);
    // The policy may state a noise, which is then taken at its word.
    policy.run_noise = Some(0.2);
    assert_eq!(ask(&after, &policy), Verdict::Inconclusive);
}

#[test]
fn blocks_outside_the_envelope_leave_with_their_partner_and_are_counted() {
    let (mut before, mut after) = arms(PLAIN);
    for block in 0..2 {
        after.cells[0].blocks[block].after.throttle_count = Some(3);
    }
    before.cells[0].blocks[1].before.load_1m = Some(9.0);
    let policy = Policy { envelope: Envelope { max_load: Some(4.0), ..Envelope::default() }, ..policy() };
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!(report.verdict, Verdict::Pass);
    assert!(check(&report, Metric::Latency).basis.starts_with("10 interleaved pairs of 12"));
    assert_eq!(report.cells[0].notes, ["2 of 12 blocks do not count: the processor was throttled"]);
    for block in 2..5 {
        after.cells[0].blocks[block].after.throttle_count = Some(3);
    }
    assert_eq!(judge(&inputs(&before, &after, &policy)).verdict, Verdict::Inconclusive);
    for block in &mut after.cells[0].blocks {
        block.invalid = Some("the board was too hot".to_owned());
    }
    assert_eq!(judge(&inputs(&before, &after, &policy)).verdict, Verdict::Invalid);
}

#[test]
fn waivers_hold_until_their_day_and_up_to_their_level() {
    let (before, mut after) = arms(PLAIN);
    slow_down(&mut after, 1.08);
    let ask = |expires, accept, scope: Scope| {
        let waiver = Waiver {
            scope,
            metric: Metric::Latency,
            owner: "ann@example.org".to_owned(),
            reason: "new layer until the kernel is back".to_owned(),
            expires,
            accept,
            accept_text: "10%".to_owned(),
        };
        let policy = Policy { waivers: vec![waiver], ..policy() };
        judge(&inputs(&before, &after, &policy))
    };
    let anywhere = Scope::default;
    assert_eq!(ask(TODAY, 0.10, anywhere()).verdict, Verdict::Waived);
    assert_eq!(ask(date(2026, 6, 14), 0.10, anywhere()).verdict, Verdict::Regressed);
    assert_eq!(ask(TODAY, 0.05, anywhere()).verdict, Verdict::Regressed);
    assert_eq!(ask(date(2028, 1, 1), 0.10, anywhere()).verdict, Verdict::Regressed, "for ever is no waiver");
    let elsewhere = Scope { variant: Some("other".to_owned()), ..Scope::default() };
    assert_eq!(ask(TODAY, 0.10, elsewhere).verdict, Verdict::Regressed);
    let expired = ask(date(2026, 6, 14), 0.10, anywhere());
    assert!(
        expired.lints.iter().any(|lint| matches!(lint, Lint::WaiverExpired { .. })),
        "{:?}",
        expired.lints
    );
}

#[test]
fn one_class_that_fell_fails_though_the_mean_is_flat() {
    let (before, mut after) = arms(Manner { examples: 2000, ..PLAIN });
    lose_answers(&mut after, 60, Some(4));
    // As many are won elsewhere as were wrong: the mean moves by two points at most.
    for one in after.cells[0].evaluation.iter_mut().flat_map(|one| &mut one.predictions) {
        if one.label != 4 {
            one.top[0].0 = one.label;
        }
    }
    let mut policy = with(Metric::Accuracy, LimitKind::MaxDropVsBaseline, 0.03);
    assert_eq!(judge(&inputs(&before, &after, &policy)).verdict, Verdict::Pass);
    policy.rules[0].limits.push(limit(Metric::WorstClass, LimitKind::MaxDropVsBaseline, 0.10));
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!(check(&report, Metric::WorstClass).verdict, Verdict::Regressed);
    assert!(check(&report, Metric::WorstClass).basis.starts_with("class 4 of 10: 60 lost, 0 won of 200"));
}

#[test]
fn a_small_set_says_what_it_cannot_show() {
    let (before, mut after) = arms(Manner { examples: 360, ..PLAIN });
    let policy = with(Metric::Accuracy, LimitKind::MaxDropVsBaseline, 0.005);
    // Every answer and score the same: nothing to wonder about.
    assert_eq!(judge(&inputs(&before, &after, &policy)).verdict, Verdict::Pass);
    lose_answers(&mut after, 1, None);
    let report = judge(&inputs(&before, &after, &policy));
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(
        matches!(&report.lints[0], Lint::Unresolvable { least, .. } if *least > 0.005),
        "{:?}",
        report.lints
    );
    let on_set = Policy { accuracy_on_set: true, ..policy };
    assert_eq!(judge(&inputs(&before, &after, &on_set)).verdict, Verdict::Pass);
}

#[test]
fn limits_that_guard_nothing_are_told() {
    let (before, after) = arms(PLAIN);
    let mut policy = with(Metric::Latency, LimitKind::MaxIncrease, 5.0);
    let scope = Scope { device: Some("nowhere".to_owned()), ..Scope::default() };
    policy.rules.push(RuleSet { scope, limits: vec![limit(Metric::Size, LimitKind::MaxIncrease, 0.1)] });
    let lints: Vec<String> =
        judge(&inputs(&before, &after, &policy)).lints.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lints.join("\n"));
}

#[test]
fn pairs_too_few_to_prove_anything_are_told() {
    let (before, mut after) = arms(Manner { blocks: 5, ..PLAIN });
    slow_down(&mut after, 2.0);
    let report = judge(&inputs(&before, &after, &policy()));
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(
        report.lints.contains(&Lint::TooFewPairs { pairs: 5, needed: 7, cells: 1 }),
        "{:?}",
        report.lints
    );
}

#[test]
fn retries_spend_the_level() {
    let (before, after) = arms(PLAIN);
    let policy = policy();
    let report = judge(&Inputs { attempt: 4, ..inputs(&before, &after, &policy) });
    assert_eq!(report.alpha, 0.0125);
    assert!(report.lints.contains(&Lint::Retried { attempt: 4 }));
}

#[test]
fn every_format_tells_the_same_story() {
    let (before, mut after) = arms(Manner { cells: 4, ..PLAIN });
    let slow = &mut after.cells[1];
    slow.blocks
        .iter_mut()
        .flat_map(|block| &mut block.steady_nanos)
        .for_each(|nanos| *nanos = *nanos * 108 / 100);
    after.cells[2].outcome =
        Outcome::Failed { stage: "measure".to_owned(), reason: "<signal> 11 & \"more\"".to_owned() };
    after.cells.remove(3);
    let policy = policy();
    let report = judge(&inputs(&before, &after, &policy));
    insta::assert_snapshot!("terminal", terminal(&report, TerminalOptions::default()));
    insta::assert_snapshot!("markdown", markdown(&report, 65_000));
    insta::assert_snapshot!("junit", junit(&report));
    insta::assert_snapshot!("annotations", edgebench_reports::render::gate::annotations(&report));
    insta::assert_snapshot!("explain", explain(&report, &policy, "board/v01").expect("a cell"));
    assert_eq!(explain(&report, &policy, "nothing"), None);
}

#[test]
fn flips_are_all_listed_and_none_beside_them() {
    let (before, mut after) = arms(Manner { cells: 2, examples: 100, ..PLAIN });
    let planted = [3usize, 41, 49];
    for example in planted {
        let one = &mut after.cells[1].evaluation.as_mut().expect("evaluated").predictions[example];
        one.top[0].0 = (one.top[0].0 + 5) % 10;
    }
    let policy = policy();
    let found = flips(&inputs(&before, &after, &policy));
    let of = |against: &str| -> Vec<usize> {
        found.iter().filter(|one| one.against == against).map(|one| one.id.example as usize).collect()
    };
    assert_eq!((of("baseline"), of("v00")), (planted.to_vec(), planted.to_vec()));
    insta::assert_snapshot!("flips", edgebench_reports::render::gate::flips(&found).replace('\r', ""));
}

#[test]
fn comments_stay_within_what_the_place_takes() {
    let (before, mut after) = arms(Manner { cells: 600, blocks: 6, samples: 1, examples: 3, ..PLAIN });
    slow_down(&mut after, 1.5);
    let report = judge(&inputs(&before, &after, &policy()));
    let text = markdown(&report, 65_000);
    assert!(text.len() <= 65_000 && text.len() > 60_000, "{}", text.len());
    assert!(text.starts_with("<!-- edgebench-gate:madeup -->"));
    assert!(text.contains("more do not fit here"));
}

#[test]
fn other_trackers_get_their_formats() {
    let (_, after) = arms(Manner { cells: 1, blocks: 5, samples: 3, examples: 50, ..PLAIN });
    insta::assert_snapshot!("bencher", bencher(&after));
    insta::assert_snapshot!("smaller_is_better", smaller_is_better(&after));
}

#[test]
fn a_plan_tells_pairs_and_minutes() {
    let (before, _) = arms(Manner { blocks: 40, drift: 0.02, block_noise: 0.01, ..PLAIN });
    let ask = |resolution| plan(std::slice::from_ref(&before), resolution, 0.8, 0.05).remove(0);
    let (coarse, fine) = (ask(0.004), ask(0.002));
    let ratio = f64::from(fine.pairs) / f64::from(coarse.pairs);
    assert!((3.8..4.2).contains(&ratio) && fine.minutes() > coarse.minutes(), "{coarse:?} {fine:?}");
    assert_eq!(ask(0.5).pairs, 5, "fewer can prove nothing");
    assert!((0.008..0.03).contains(&fine.pair_deviation), "{fine:?}");
    assert_eq!(plan(&[], 0.01, 0.8, 0.05), []);
}
