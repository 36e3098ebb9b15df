use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::inventory::Inventory;

fn suite(models: usize, variants: usize) -> Suite {
    let mut text = "name = \"s\"\n[dataset.d]\nsource = { path = \"d\" }\n".to_owned();
    for model in 0..models {
        // The first model alone has no data set.
        let dataset = if model == 0 { "" } else { "dataset = \"d\"\n" };
        text += &format!("[[model]]\nname = \"m{model}\"\nsource = {{ path = \"m\" }}\n{dataset}");
    }
    for variant in 0..variants {
        text += &format!("[variant.v{variant}]\nquantize = \"none\"\n");
    }
    Suite::parse(Path::new("suite.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

fn fleet(devices: usize) -> Inventory {
    let table = |index: usize| format!("[d{index}]\ntransport = \"local\"\nthreads = [1, {}]\n", index + 2);
    let text: String = (0..devices).map(table).collect();
    Inventory::parse(Path::new("devices.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

fn request<'r>(suite: &'r Suite, devices: &'r [&'r Device], runtimes: &'r [String]) -> Request<'r> {
    Request {
        suite,
        devices,
        runtimes,
        models: None,
        variants: None,
        threads: None,
        blocks: Some(3),
        seed: 1,
        profile: false,
    }
}

fn own() -> Vec<String> {
    vec![RUNTIME_EDGEBENCH.to_owned()]
}

#[test]
fn cells_stand_in_the_order_of_the_request() {
    let (suite, fleet, runtimes) = (suite(2, 2), fleet(2), own());
    let devices: Vec<&Device> = fleet.devices().iter().rev().collect();
    let plan = Plan::new(&request(&suite, &devices, &runtimes)).expect("a plan");
    let told: Vec<String> = plan
        .cells
        .iter()
        .map(|cell| format!("{} {} {} {}", cell.device, cell.model, cell.variant, cell.threads))
        .collect();
    assert_eq!(told.len(), 16);
    assert_eq!(told[..5], ["d1 m0 v0 1", "d1 m0 v0 3", "d1 m0 v1 1", "d1 m0 v1 3", "d1 m1 v0 1"]);
    assert_eq!(told[8], "d0 m0 v0 1");
}

#[test]
fn filters_choose_and_order() {
    let (suite, fleet, runtimes) = (suite(3, 3), fleet(1), own());
    let devices: Vec<&Device> = fleet.devices().iter().collect();
    let (models, variants) = (["m1".to_owned()], ["v2".to_owned(), "v0".to_owned()]);
    let chosen = Request {
        models: Some(&models),
        variants: Some(&variants),
        threads: Some(&[4]),
        ..request(&suite, &devices, &runtimes)
    };
    let plan = Plan::new(&chosen).expect("a plan");
    let told: Vec<(&str, u16)> =
        plan.cells.iter().map(|cell| (cell.variant.as_str(), cell.threads)).collect();
    assert_eq!(told, [("v2", 4), ("v0", 4)]);
    assert_eq!(plan.step_count(), 2 + 2 * 3);
}

#[test]
fn what_cannot_be_planned_is_told() {
    let (suite, fleet, runtimes) = (suite(1, 1), fleet(1), own());
    let devices: Vec<&Device> = fleet.devices().iter().collect();
    let valid = request(&suite, &devices, &runtimes);
    let told = |request: Request<'_>| Plan::new(&request).expect_err("no plan").to_string();
    let (unknown, twice) = (["int9".to_owned()], ["v0".to_owned(), "v0".to_owned()]);
    assert_eq!(
        told(Request { variants: Some(&unknown), ..valid.clone() }),
        "unknown variant `int9` in suite s"
    );
    assert_eq!(told(Request { models: Some(&unknown), ..valid.clone() }), "unknown model `int9` in suite s");
    assert_eq!(told(Request { variants: Some(&twice), ..valid.clone() }), "variant `v0` is chosen twice");
    assert_eq!(told(Request { devices: &[], ..valid.clone() }), "no cell to measure: no device chosen");
    let both = [devices[0], devices[0]];
    assert_eq!(told(Request { devices: &both, ..valid.clone() }), "device `d0` is chosen twice");
    assert_eq!(told(Request { threads: Some(&[2, 2]), ..valid }), "number of threads `2` is chosen twice");
}

#[test]
fn a_step_has_a_stable_name_for_the_journal() {
    let step = StepId { cell: 3, kind: StepKind::Block(2) };
    assert_eq!(serde_json::to_string(&step).expect("JSON"), r#"{"cell":3,"kind":{"block":2}}"#);
    let step = StepId { cell: 0, kind: StepKind::Evaluate };
    assert_eq!(serde_json::to_string(&step).expect("JSON"), r#"{"cell":0,"kind":"evaluate"}"#);
    let back: StepId = serde_json::from_str(r#"{"cell":0,"kind":"evaluate"}"#).expect("a step");
    assert_eq!(back, step);
}

/// A run that is resumed with a newer version must find its steps in the same order, so the order itself is held.
#[test]
fn the_order_of_a_seed_never_changes() {
    let (suite, fleet, runtimes) = (suite(1, 3), fleet(1), own());
    let devices: Vec<&Device> = fleet.devices().iter().collect();
    let plan = Plan::new(&request(&suite, &devices, &runtimes)).expect("a plan");
    let order: Vec<u32> = plan.devices[0].steps.iter().map(|step| step.cell).collect();
    insta::assert_snapshot!(format!("{order:?}"));
}

#[test]
fn every_place_of_a_round_is_as_likely_for_every_cell() {
    let (suite, fleet, runtimes) = (suite(1, 4), fleet(1), own());
    let devices: Vec<&Device> = fleet.devices().iter().collect();
    let rounds = 4000;
    let request =
        Request { blocks: Some(rounds), threads: Some(&[1]), ..request(&suite, &devices, &runtimes) };
    let plan = Plan::new(&request).expect("a plan");
    let mut counts = [[0u32; 4]; 4];
    for round in plan.devices[0].steps.chunks(4) {
        for (place, step) in round.iter().enumerate() {
            counts[step.cell as usize][place] += 1;
        }
    }
    // Binomial with p = 1/4: a standard deviation of 27; five of them.
    assert!(counts.iter().flatten().all(|count| count.abs_diff(rounds / 4) < 137), "{counts:?}");
}

proptest! {
    #[test]
    fn every_step_exactly_once_and_in_rounds(
        models in 1usize..4, variants in 1usize..4, devices in 1usize..4, blocks in 1u32..5, seed: u64,
    ) {
        let (suite, fleet, runtimes) = (suite(models, variants), fleet(devices), own());
        let devices: Vec<&Device> = fleet.devices().iter().collect();
        let request = Request { blocks: Some(blocks), seed, ..request(&suite, &devices, &runtimes) };
        let plan = Plan::new(&request).expect("a plan");
        let mut expected = BTreeSet::new();
        for (index, cell) in (0..).zip(&plan.cells) {
            if cell.model != "m0" {
                expected.insert((cell.device.clone(), StepId { cell: index, kind: StepKind::Evaluate }));
            }
            expected.extend((0..blocks).map(|block| {
                (cell.device.clone(), StepId { cell: index, kind: StepKind::Block(block) })
            }));
        }
        let steps = |plan: &Plan| -> Vec<(String, StepId)> {
            let of = |device: &DevicePlan| {
                device.steps.iter().map(|step| (device.device.clone(), *step)).collect::<Vec<_>>()
            };
            plan.devices.iter().flat_map(of).collect()
        };
        let found = steps(&plan);
        prop_assert_eq!(found.len(), expected.len());
        prop_assert_eq!(plan.step_count(), expected.len());
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        for device in &plan.devices {
            let rounds: Vec<Option<u32>> = device.steps.iter().map(|step| match step.kind {
                StepKind::Evaluate => None,
                StepKind::Block(block) => Some(block),
                StepKind::Profile => None,
            }).collect();
            prop_assert!(rounds.is_sorted(), "{:?}", rounds);
        }
        prop_assert_eq!(&Plan::new(&request).expect("a plan"), &plan);
    }

    #[test]
    fn another_device_does_not_change_the_order_of_the_first(seed: u64) {
        let (suite, fleet, runtimes) = (suite(2, 3), fleet(3), own());
        let all: Vec<&Device> = fleet.devices().iter().collect();
        let alone = Request { seed, ..request(&suite, &all[..1], &runtimes) };
        let together = Request { seed, ..request(&suite, &all, &runtimes) };
        let [alone, together] = [alone, together].map(|request| Plan::new(&request).expect("a plan"));
        prop_assert_eq!(&alone.devices[0], &together.devices[0]);
    }
}

#[test]
fn seeds_differ() {
    let (suite, fleet, runtimes) = (suite(2, 4), fleet(1), own());
    let devices: Vec<&Device> = fleet.devices().iter().collect();
    let of = |seed| Plan::new(&Request { seed, ..request(&suite, &devices, &runtimes) }).expect("a plan");
    assert_ne!(of(1), of(2));
    assert_eq!(of(1).cells, of(2).cells);
}
