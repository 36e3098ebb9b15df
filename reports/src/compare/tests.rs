use super::*;
use crate::simulate::machine::{Machine, PairNoise};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

fn cell(number: u16) -> Cell {
    let text = |text: &str| text.to_owned();
    Cell {
        device: text("pi"),
        model: text("m"),
        variant: text("int8"),
        runtime: text("edgebench"),
        threads: number,
    }
}

/// Measures as `bench compare` does, on a simulated machine.
fn measured(plan: &Plan, slowdowns: &[f64], seed: u64) -> Vec<CellPairs> {
    let count = slowdowns.len();
    let one = |(number, slowdown): (usize, &f64)| {
        let random = Xoshiro256PlusPlus::seed_from_u64(seed * 1000 + number as u64);
        let mut machine = Machine::new(PairNoise::Phone, random);
        let mut pair = || {
            let pair = machine.pair(*slowdown);
            Pair { base_nanos: 1e6, head_nanos: 1e6 * pair.log_ratio.exp(), spread: pair.spread }
        };
        let screen = (0..plan.screen_pairs).map(|_| pair()).collect();
        let mut cell =
            CellPairs { cell: cell(number as u16), screen, confirm: Vec::new(), left_out: 0, problem: None };
        while plan.is_suspect(&cell) && !plan.is_confirmed(&cell, count) {
            let fresh = pair();
            cell.confirm.push(fresh);
        }
        cell
    };
    slowdowns.iter().enumerate().map(one).collect()
}

#[test]
fn clean_matrices_are_hardly_ever_blocked() {
    let plan = Plan::default();
    let blocked = (0..30).filter(|seed| {
        let cells = measured(&plan, &[0.0; 24], *seed);
        plan.judge(&cells).iter().any(|judged| judged.verdict == Verdict::Regressed)
    });
    // Expected 0.4 of 30; more than 3 happens once in 1,500.
    let blocked = blocked.count();
    assert!(blocked <= 3, "{blocked} of 30");
}

#[test]
fn a_slow_cell_is_found_and_only_that_one() {
    let plan = Plan::default();
    let mut slowdowns = [0.0; 24];
    slowdowns[7] = 0.08;
    let mut found = 0;
    for seed in 0..10 {
        let cells = measured(&plan, &slowdowns, 500 + seed);
        let judged = plan.judge(&cells);
        found += usize::from(judged[7].verdict == Verdict::Regressed);
        assert!(cells[7].confirm.len() <= 20);
        let others =
            judged.iter().enumerate().filter(|(at, one)| *at != 7 && one.verdict == Verdict::Regressed);
        assert_eq!(others.count(), 0, "seed {seed}");
    }
    assert!(found >= 7, "{found} of 10");
}

#[test]
fn the_screen_does_not_count_for_a_suspect() {
    let plan = Plan::default();
    let pair = |ratio: f64| Pair { base_nanos: 1.0, head_nanos: ratio, spread: 0.01 };
    let screen = (0..10).map(|at| pair(1.2 + f64::from(at) * 1e-3)).collect();
    let confirm = (0..20).map(|at| pair(1.0 + f64::from(at % 5 - 2) * 1e-3)).collect();
    let cells = [CellPairs { cell: cell(1), screen, confirm, left_out: 0, problem: None }];
    let judged = plan.judge(&cells).remove(0);
    assert!(plan.is_suspect(&cells[0]));
    assert_eq!(judged.verdict, Verdict::Pass);
    assert!(judged.slowdown.expect("measured").abs() < 0.002, "{judged:?}");
}

#[test]
fn what_was_not_measured_or_was_throttled_is_never_a_pass() {
    let plan = Plan::default();
    let pairs: Vec<Pair> = (0..10)
        .map(|at| Pair { base_nanos: 1.0, head_nanos: 1.0 + f64::from(at % 3 - 1) * 1e-4, spread: 0.0 })
        .collect();
    let with = |screen: &[Pair], left_out, problem: Option<&str>| CellPairs {
        cell: cell(1),
        screen: screen.to_vec(),
        confirm: Vec::new(),
        left_out,
        problem: problem.map(str::to_owned),
    };
    let cells = [
        with(&pairs, 0, None),
        with(&[], 0, None),
        with(&pairs, 0, Some("agent went away")),
        with(&pairs, 3, None),
    ];
    let words: Vec<&str> = plan.judge(&cells).iter().map(|one| one.verdict.word()).collect();
    assert_eq!(words, ["PASS", "MISSING", "MISSING", "INVALID"]);
    let judged = plan.judge(&cells);
    let table = terminal("v1", "v2", &plan, &cells, &judged);
    assert!(table.find("MISSING") < table.find("PASS") && table.contains("agent went away"), "{table}");
    let text = json("v1", "v2", &plan, &cells, &judged).expect("figures");
    assert!(text.contains("\"verdict\": \"MISSING\"") && text.contains("\"head_nanos\""), "{text}");
}
