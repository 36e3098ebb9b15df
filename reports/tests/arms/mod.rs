//! Made-up pairs of runs: the same network before and after a change, measured block by block in turns on a machine
//! whose noise is far larger than any change that is looked for.

use std::collections::BTreeMap;

use edgebench_reports::record::{
    ArtifactRecord, BlockRecord, Cell, CellRecord, ConditionRecord, DeviceRecord, Energy, EvaluationRecord,
    MemoryRecord, Outcome, PredictionRecord, RunInfo, RunRecord,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// How large a made-up comparison is, and how the machine behaves.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) cells: u16,
    pub(crate) blocks: u32,
    pub(crate) samples: usize,
    pub(crate) examples: u32,
    /// Noise of a block, as a fraction.
    pub(crate) block_noise: f64,
    /// Noise that both blocks of a pair share, as a fraction.
    pub(crate) drift: f64,
    pub(crate) seed: u64,
}

pub(crate) const PLAIN: Manner =
    Manner { cells: 1, blocks: 12, samples: 9, examples: 1000, block_noise: 0.005, drift: 0.3, seed: 1 };

/// Baseline and candidate of a change that changed nothing.
pub(crate) fn arms(manner: Manner) -> (RunRecord, RunRecord) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(manner.seed);
    let (mut before, mut after) =
        (empty("20260101T000000Z-made-up-base"), empty("20260102T000000Z-made-up-head"));
    for number in 0..manner.cells {
        let (one, other) = cells(manner, number, &mut random);
        before.cells.push(one);
        after.cells.push(other);
    }
    for run in [&mut before, &mut after] {
        let variants: Vec<String> = run.cells.iter().map(|cell| cell.cell.variant.clone()).collect();
        run.artifacts = variants.iter().map(|variant| artifact(variant)).collect();
    }
    (before, after)
}

fn empty(id: &str) -> RunRecord {
    let property = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    RunRecord {
        run: RunInfo {
            id: id.to_owned(),
            suite: "made-up".to_owned(),
            suite_description: "Made up by a program, measured nowhere.".to_owned(),
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            finished_at: Some("2026-01-01T01:00:00Z".to_owned()),
            arguments: vec!["bench".to_owned()],
            tool_version: "0.1.0".to_owned(),
            git_revision: None,
            source_hash: "00".repeat(32),
            seed: 1,
            controller: BTreeMap::new(),
        },
        devices: vec![DeviceRecord {
            name: "board".to_owned(),
            transport: "local".to_owned(),
            emulated: false,
            agent_version: None,
            agent_target: None,
            agent_bytes: None,
            properties: [("cpu_model", "Made-up CPU"), ("cpu_cores", "4")].map(property).into(),
            problem: None,
        }],
        artifacts: Vec::new(),
        cells: Vec::new(),
    }
}

fn artifact(variant: &str) -> ArtifactRecord {
    ArtifactRecord {
        model: "net".to_owned(),
        variant: variant.to_owned(),
        quantize: if variant == "v00" { "none" } else { "full-int8" }.to_owned(),
        digest: "1f".repeat(32),
        file_bytes: 441_176,
        source_digest: "2e".repeat(32),
        path: "net.tflite".to_owned(),
        calibration_samples: None,
        left_alone: Vec::new(),
        problem: None,
    }
}

fn cells(manner: Manner, number: u16, random: &mut Xoshiro256PlusPlus) -> (CellRecord, CellRecord) {
    let cell = Cell {
        device: "board".to_owned(),
        model: "net".to_owned(),
        variant: format!("v{number:02}"),
        runtime: "edgebench".to_owned(),
        threads: 1,
    };
    let memory = MemoryRecord { arena_bytes: 331_776, packed_bytes: 0, kernels: Vec::new() };
    let record = |blocks| CellRecord {
        cell: cell.clone(),
        outcome: Outcome::Complete,
        memory: Some(memory.clone()),
        blocks,
        evaluation: Some(evaluation(manner.examples)),
        ops: Vec::new(),
    };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let mut mood = 0.0;
    for block in 0..manner.blocks {
        // A walk, an interruption now and then: both arms of a pair meet nearly the same machine.
        mood = 0.8 * mood + manner.drift * (random.random::<f64>() - 0.5);
        let interruption = if random.random::<f64>() < 0.05 { 0.2 } else { 0.0 };
        let level = 2e6 * (1.0 + interruption) * f64::exp(mood);
        let head_first = random.random::<bool>();
        let (early, late) = (u32::from(head_first), u32::from(!head_first));
        one.push(measured(manner, block, early, level, random));
        other.push(measured(manner, block, late, level, random));
    }
    (record(one), record(other))
}

fn measured(
    manner: Manner,
    block: u32,
    turn: u32,
    level: f64,
    random: &mut Xoshiro256PlusPlus,
) -> BlockRecord {
    // Sum of four uniform numbers: near a bell, and from the seed alone.
    let mut bell = || (0..4).map(|_| random.random::<f64>() - 0.5).sum::<f64>() * 3f64.sqrt();
    let level = level * (manner.block_noise * bell()).exp();
    let samples: Vec<u64> = (0..manner.samples).map(|_| (level * (0.001 * bell()).exp()) as u64).collect();
    let seconds = block * 60 + turn * 20;
    let condition =
        ConditionRecord { throttle_count: Some(0), load_1m: Some(0.4), ..ConditionRecord::default() };
    BlockRecord {
        block,
        started_at: format!("2026-01-01T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60),
        init_nanos: level as u64,
        warmup_nanos: vec![level as u64],
        steady_wall_nanos: samples.iter().sum(),
        steady_nanos: samples,
        timer_overhead_nanos: 40,
        steady_cpu_nanos: None,
        peak_rss_bytes: Some(6_000_000),
        energy: Energy::Unmeasured,
        before: condition.clone(),
        after: condition,
        invalid: None,
    }
}

/// Ten classes; one answer of fifty is wrong.
fn evaluation(examples: u32) -> EvaluationRecord {
    let prediction = |example: u32| {
        let label = example % 10;
        let answer = if example % 50 == 49 { (label + 1) % 10 } else { label };
        let top = (0..5u32).map(|rank| ((answer + rank) % 10, 0.9 / (rank + 1) as f32)).collect();
        PredictionRecord { example, label, top }
    };
    EvaluationRecord {
        dataset: "made-up".to_owned(),
        split: "test".to_owned(),
        pack_digest: "3d".repeat(32),
        predictions: (0..examples).map(prediction).collect(),
    }
}

/// Every sample of every cell takes so many times as long.
pub(crate) fn slow_down(run: &mut RunRecord, factor: f64) {
    for block in run.cells.iter_mut().flat_map(|cell| &mut cell.blocks) {
        for nanos in block.steady_nanos.iter_mut().chain(&mut block.warmup_nanos) {
            *nanos = (*nanos as f64 * factor).round() as u64;
        }
    }
}

/// The first `count` right answers of a class (or of any) become wrong.
pub(crate) fn lose_answers(run: &mut RunRecord, count: usize, class: Option<u32>) {
    for cell in &mut run.cells {
        let predictions = cell.evaluation.iter_mut().flat_map(|evaluation| &mut evaluation.predictions);
        let right = predictions.filter(|one| one.is_right() && class.is_none_or(|class| one.label == class));
        for one in right.take(count) {
            one.top[0].0 = (one.label + 3) % 10;
        }
    }
}
