//! Figures as a reader would check them by hand.
#![forbid(unsafe_code)]

mod synthetic;

use edgebench_reports::record::{Energy, Outcome, RunRecord};
use edgebench_reports::stats::quantile::Tail;
use edgebench_reports::summary::{CellSummary, EnergySummary, Warning, summarize};
use synthetic::{SMALL, run};

const FP32: usize = 0;
const FP16: usize = 1;
const INT8: usize = 3;

fn figures(run: &RunRecord, cell: usize) -> CellSummary {
    summarize(run).find(&run.cells[cell].cell).expect("a cell of the run").clone()
}

/// Every block of a cell with these samples.
fn set_samples(run: &mut RunRecord, cell: usize, samples: &[u64]) {
    run.cells[cell].blocks.iter_mut().for_each(|block| block.steady_nanos = samples.to_vec());
}

#[test]
fn the_reference_is_the_first_variant_that_is_not_quantized() {
    let mut run = run(SMALL);
    assert!(figures(&run, FP32).is_reference);
    assert!(figures(&run, FP32).speed.is_none());
    run.artifacts[FP32].quantize = "fp16".to_owned();
    run.artifacts[FP16].quantize = "none".to_owned();
    assert!(figures(&run, FP16).is_reference && !figures(&run, FP32).is_reference);
    assert_eq!(figures(&run, INT8).speed.expect("speed").reference, "fp16");
    run.artifacts.clear();
    let alone = figures(&run, INT8);
    assert!(alone.speed.is_none() && alone.size_ratio.is_none() && alone.file_bytes.is_none());
}

#[test]
fn sizes_and_speeds_are_ratios_to_the_reference() {
    let mut run = run(SMALL);
    set_samples(&mut run, FP32, &[3000; 10]);
    set_samples(&mut run, INT8, &[1000, 1000, 1000, 9000]);
    let int8 = figures(&run, INT8);
    assert_eq!(int8.speed.expect("speed").ratio.ratio, 3.0);
    assert_eq!(int8.size_ratio, Some(441_176.0 / 1_634_224.0));
    assert_eq!(int8.latency.expect("latency").p90, Tail::TooFew { found: 20, needed: 100 });
}

#[test]
fn cells_of_another_thread_count_are_another_group() {
    let mut run = run(SMALL);
    let mut four: Vec<_> = run.cells.clone();
    four.iter_mut().for_each(|record| record.cell.threads = 4);
    four[FP32].blocks.iter_mut().for_each(|block| block.steady_nanos = vec![500; 200]);
    run.cells.extend(four);
    let summary = summarize(&run);
    assert_eq!(
        summary.groups.iter().map(|group| (group.threads, group.cells.len())).collect::<Vec<_>>(),
        [(1, 4), (4, 4)]
    );
    let speed = |group: usize| summary.groups[group].cells[INT8].speed.as_ref().expect("speed").ratio.ratio;
    assert!(speed(0) > 2.0 && speed(1) < 0.001, "each group has its own reference");
}

#[test]
fn an_invalid_block_is_left_out_on_both_sides_of_a_ratio() {
    let mut run = run(SMALL);
    set_samples(&mut run, FP32, &[3000; 10]);
    set_samples(&mut run, INT8, &[1000; 10]);
    // Block 4 is slow on both sides, and marked on one side only.
    for cell in [FP32, INT8] {
        for number in [3, 4] {
            run.cells[cell].blocks[number].steady_nanos = vec![50_000; 10];
        }
    }
    for number in [3, 4] {
        run.cells[INT8].blocks[number].invalid = Some("throttled".to_owned());
    }
    let int8 = figures(&run, INT8);
    let speed = int8.speed.expect("speed").ratio;
    assert!(speed.paired && speed.ratio == 3.0 && speed.interval.expect("three blocks").upper == 3.0);
    assert_eq!(int8.latency.as_ref().expect("latency").invalid_blocks.len(), 2);
    assert_eq!(int8.latency.expect("latency").ascending.len(), 30);
    assert!(int8.warnings.contains(&Warning::InvalidBlocks { count: 2, first: "throttled".to_owned() }));
    run.cells[INT8].blocks.iter_mut().for_each(|block| block.invalid = Some("hot".to_owned()));
    assert!(figures(&run, INT8).latency.is_none());
}

/// Samples that jump to another level in the last quarter of a block never settled, and a reader is told in how many
/// blocks; a tail is shown from as many samples on as it takes and not before.
#[test]
fn blocks_that_never_settle_are_told_and_tails_wait_for_their_samples() {
    let mut run = run(SMALL);
    let restless: Vec<u64> = (0..800u64).map(|at| (if at < 600 { 1000 } else { 1400 }) + at % 7).collect();
    for number in [1, 3] {
        run.cells[INT8].blocks[number].steady_nanos.clone_from(&restless);
    }
    assert!(figures(&run, INT8).warnings.contains(&Warning::NeverSteady { blocks: 2 }));
    let page = edgebench_reports::render::markdown(&run);
    assert!(page.contains("never steady in 2 blocks"), "{page}");
    set_samples(&mut run, FP32, &[1000; 199]);
    assert_eq!(figures(&run, FP32).latency.expect("latency").p99, Tail::TooFew { found: 995, needed: 1000 });
    set_samples(&mut run, FP32, &[1000; 200]);
    assert_eq!(figures(&run, FP32).latency.expect("latency").p99, Tail::Known(1000.0));
}

#[test]
fn flips_compare_the_same_examples_on_the_same_bytes() {
    let mut run = run(SMALL);
    let flips = figures(&run, INT8).accuracy.expect("accuracy").flips.expect("flips");
    assert_eq!((flips.compared, flips.right_to_wrong, flips.wrong_to_right), (360, 6, 0));
    run.cells[INT8].evaluation.as_mut().expect("evaluated").predictions.reverse();
    assert_eq!(figures(&run, INT8).accuracy.expect("accuracy").flips, Some(flips), "order does not matter");
    run.cells[INT8].evaluation.as_mut().expect("evaluated").predictions.truncate(100);
    assert_eq!(figures(&run, INT8).accuracy.expect("accuracy").flips.expect("flips").compared, 100);
    run.cells[INT8].evaluation.as_mut().expect("evaluated").pack_digest = "other".to_owned();
    assert_eq!(figures(&run, INT8).accuracy.expect("accuracy").flips, None);
}

#[test]
fn top5_takes_more_than_five_classes() {
    let mut run = run(SMALL);
    let top5 = figures(&run, INT8).accuracy.expect("accuracy").top5.expect("ten classes");
    // A wrong answer of the made-up network names the class after the right one, which is then the last of ten.
    assert_eq!(top5.right, top5.total - 12);
    for prediction in &mut run.cells[INT8].evaluation.as_mut().expect("evaluated").predictions {
        prediction.label = 3;
        prediction.top = (0..5).map(|class| (class, 0.2)).collect();
    }
    assert_eq!(figures(&run, INT8).accuracy.expect("accuracy").top5, None);
}

#[test]
fn energy_is_that_of_one_inference_or_unmeasured() {
    let mut run = run(SMALL);
    assert_eq!(figures(&run, FP32).energy, EnergySummary::Unmeasured);
    for (at, block) in run.cells[FP32].blocks.iter_mut().enumerate() {
        let meter = if at < 4 { "ina219" } else { "rapl" }.to_owned();
        block.energy = Energy::Measured { meter, microjoules: 250.0 * 7.5 };
    }
    let EnergySummary::PerInference { meter, microjoules } = figures(&run, FP32).energy else {
        panic!("measured")
    };
    assert_eq!((meter.as_str(), microjoules.median, microjoules.block_medians.len()), ("ina219", 7.5, 4));
}

#[test]
fn each_warning_has_its_cause() {
    let quiet = run(SMALL);
    assert_eq!(figures(&quiet, FP32).warnings, []);
    let after = |change: &dyn Fn(&mut RunRecord)| {
        let mut run = quiet.clone();
        change(&mut run);
        figures(&run, FP32).warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let block = |change: fn(&mut edgebench_reports::record::BlockRecord)| {
        after(&|run: &mut RunRecord| change(&mut run.cells[FP32].blocks[2]))
    };
    assert_eq!(block(|one| one.before.load_1m = Some(4.5)), ["load 4.5 on 4 cores before a block"]);
    assert_eq!(block(|one| one.before.load_1m = Some(4.0)), [""; 0]);
    assert_eq!(block(|one| one.after.throttle_count = Some(3)), ["throttled in 1 block"]);
    assert_eq!(
        block(|one| one.after.cpu_khz = Some(600_000)),
        ["the CPU's clock moved by 60 % within a block"]
    );
    assert_eq!(
        block(|one| one.after.steal_ticks = Some(50))[0],
        "a hypervisor took 47.3 % of the time of a block"
    );
    assert_eq!(block(|one| one.timer_overhead_nanos = 84_000)[0], "reading the clock is 2.0 % of a sample");
    let noisy = block(|one| one.steady_nanos.iter_mut().for_each(|nanos| *nanos *= 2));
    assert!(noisy[0].starts_with("noisy: a block's median lies 99 % from"), "{noisy:?}");
    let few = after(&|run: &mut RunRecord| run.cells[FP32].blocks.truncate(3));
    assert_eq!(few, ["only 3 blocks for the interval: 5 would make it one of 93.8 %"]);
    let short = after(&|run: &mut RunRecord| set_samples(run, FP32, &[4_200_000; 10]));
    assert_eq!(short, ["50 samples: p90 takes 100"]);
}

#[test]
fn a_constant_answer_and_scores_that_are_no_numbers_are_seen() {
    let mut run = run(SMALL);
    for prediction in &mut run.cells[INT8].evaluation.as_mut().expect("evaluated").predictions {
        prediction.top = vec![(7, f32::NAN)];
    }
    let warnings = figures(&run, INT8).warnings;
    assert!(warnings.contains(&Warning::OneAnswer { class: 7 }), "{warnings:?}");
    assert!(warnings.contains(&Warning::NotANumber { examples: 360 }), "{warnings:?}");
    assert!(warnings.iter().any(|one| matches!(one, Warning::LessAccurate { .. })), "{warnings:?}");
}

#[test]
fn a_slower_variant_is_called_slower_only_with_its_whole_interval() {
    let mut run = run(SMALL);
    let slower =
        |run: &RunRecord| figures(run, FP16).warnings.iter().any(|one| matches!(one, Warning::Slower { .. }));
    set_samples(&mut run, FP32, &[1000; 100]);
    for (block, level) in run.cells[FP16].blocks.iter_mut().zip([900, 1100, 1100, 1100, 1100]) {
        block.steady_nanos = vec![level; 100];
    }
    assert!(!slower(&run), "one block of five is faster");
    set_samples(&mut run, FP16, &[1100; 100]);
    assert!(slower(&run));
}

#[test]
fn what_happened_to_cells_is_counted() {
    let summary = summarize(&synthetic::troubled(SMALL));
    assert_eq!((summary.complete, summary.failed, summary.unfinished), (2, 1, 1));
    let failed = summary.cells().find(|cell| matches!(cell.outcome, Outcome::Failed { .. })).expect("failed");
    assert!(failed.latency.is_some() && failed.accuracy.is_none(), "what was measured before stays");
}

#[test]
fn an_interval_does_not_depend_on_other_cells() {
    let mut run = run(SMALL);
    let before = figures(&run, INT8).speed;
    run.cells.remove(FP16);
    let position = run.cells.iter().position(|record| record.cell.variant == "int8").expect("int8");
    assert_eq!(figures(&run, position).speed, before);
}
