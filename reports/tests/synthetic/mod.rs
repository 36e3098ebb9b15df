//! Made-up records for tests, the example page and the benchmark. Nothing here was measured, and every name and the
//! description say so.

use std::collections::BTreeMap;

use edgebench_reports::record::{
    ArtifactRecord, BlockRecord, Cell, CellRecord, ConditionRecord, DeviceRecord, Energy, EvaluationRecord,
    MemoryRecord, OpRecord, Outcome, PredictionRecord, RunInfo, RunRecord,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What to make up.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) blocks: u32,
    pub(crate) samples_per_block: usize,
    pub(crate) examples: u32,
    pub(crate) seed: u64,
}

pub(crate) const SMALL: Plan = Plan { blocks: 5, samples_per_block: 250, examples: 360, seed: 1 };

/// How one variant of the made-up network behaves.
struct Manner {
    variant: &'static str,
    quantize: &'static str,
    file_bytes: u64,
    median_nanos: f64,
    wrong_share: f64,
}

const MANNERS: [Manner; 4] = [
    Manner {
        variant: "fp32",
        quantize: "none",
        file_bytes: 1_634_224,
        median_nanos: 4.2e6,
        wrong_share: 0.014,
    },
    Manner {
        variant: "fp16",
        quantize: "fp16",
        file_bytes: 829_512,
        median_nanos: 4.3e6,
        wrong_share: 0.014,
    },
    Manner {
        variant: "dynamic",
        quantize: "dynamic-int8",
        file_bytes: 466_904,
        median_nanos: 3.4e6,
        wrong_share: 0.02,
    },
    Manner {
        variant: "int8",
        quantize: "full-int8",
        file_bytes: 441_176,
        median_nanos: 1.9e6,
        wrong_share: 0.03,
    },
];

/// A run of four variants on one made-up device, with one thread.
pub(crate) fn run(plan: Plan) -> RunRecord {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(plan.seed);
    RunRecord {
        run: run_info(plan.seed),
        devices: vec![device("synthetic-board")],
        artifacts: MANNERS.iter().map(artifact).collect(),
        cells: MANNERS.iter().map(|manner| cell_record(plan, manner, &mut random)).collect(),
    }
}

/// As [`run`], with a failed and an unfinished cell and an invalid block.
pub(crate) fn troubled(plan: Plan) -> RunRecord {
    let mut run = run(plan);
    let reason = "the agent ended with signal 11 in block 2".to_owned();
    run.cells[3].outcome = Outcome::Failed { stage: "measure".to_owned(), reason };
    run.cells[3].blocks.truncate(2);
    run.cells[3].evaluation = None;
    run.cells[2].outcome = Outcome::Unfinished;
    run.cells[2].blocks.clear();
    run.cells[2].memory = None;
    run.cells[2].evaluation = None;
    run.cells[2].ops.clear();
    run.cells[3].ops.clear();
    run.cells[1].blocks[1].invalid = Some("throttled while it ran".to_owned());
    run.run.finished_at = None;
    run
}

fn run_info(seed: u64) -> RunInfo {
    RunInfo {
        id: "20260101T000000Z-synthetic-0001".to_owned(),
        suite: "synthetic".to_owned(),
        suite_description: "Synthetic records: made up by a program, measured nowhere.".to_owned(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        finished_at: Some("2026-01-01T00:01:12Z".to_owned()),
        arguments: ["bench", "run", "--suite", "synthetic"].map(str::to_owned).to_vec(),
        tool_version: "0.1.0".to_owned(),
        git_revision: Some("0000000".to_owned()),
        source_hash: "00".repeat(32),
        seed,
        controller: BTreeMap::from([("os".to_owned(), "synthetic".to_owned())]),
    }
}

fn device(name: &str) -> DeviceRecord {
    let properties = [("cpu_model", "Synthetic CPU"), ("cpu_cores", "4"), ("memory_bytes", "4294967296")];
    DeviceRecord {
        name: name.to_owned(),
        transport: "local".to_owned(),
        emulated: false,
        agent_version: Some("0.1.0".to_owned()),
        agent_target: Some("aarch64-unknown-linux-musl".to_owned()),
        agent_bytes: Some(1_048_576),
        properties: properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        problem: None,
    }
}

fn artifact(manner: &Manner) -> ArtifactRecord {
    ArtifactRecord {
        model: "synthetic-net".to_owned(),
        variant: manner.variant.to_owned(),
        quantize: manner.quantize.to_owned(),
        digest: "1f".repeat(32),
        file_bytes: manner.file_bytes,
        source_digest: "2e".repeat(32),
        path: format!("artifacts/synthetic-{}.tflite", manner.variant),
        calibration_samples: (manner.quantize == "full-int8").then_some(200),
        left_alone: Vec::new(),
        problem: None,
    }
}

fn cell_record(plan: Plan, manner: &Manner, random: &mut Xoshiro256PlusPlus) -> CellRecord {
    CellRecord {
        cell: Cell {
            device: "synthetic-board".to_owned(),
            model: "synthetic-net".to_owned(),
            variant: manner.variant.to_owned(),
            runtime: "edgebench".to_owned(),
            threads: 1,
        },
        outcome: Outcome::Complete,
        memory: Some(MemoryRecord {
            arena_bytes: 331_776,
            packed_bytes: manner.file_bytes / 2,
            kernels: vec![("conv_2d/blocked".to_owned(), 34), ("depthwise_conv_2d/generic".to_owned(), 17)],
        }),
        blocks: (0..plan.blocks).map(|block| block_record(plan, manner, block, random)).collect(),
        evaluation: Some(EvaluationRecord {
            dataset: "synthetic-digits".to_owned(),
            split: "test".to_owned(),
            pack_digest: "3d".repeat(32),
            predictions: (0..plan.examples).map(|example| prediction(manner, example)).collect(),
        }),
        ops: ops(manner),
    }
}

/// Six operators, whose medians together make the variant's.
fn ops(manner: &Manner) -> Vec<OpRecord> {
    let made = [
        (0, "CONV_2D", "stem", 0.22, 1_204_224),
        (1, "DEPTHWISE_CONV_2D", "block/depthwise", 0.12, 338_688),
        (2, "CONV_2D", "block/project", 0.38, 3_612_672),
        (3, "ADD", "block/add", 0.03, 0),
        (5, "FULLY_CONNECTED", "logits", 0.2, 12_800),
        (6, "SOFTMAX", "scores", 0.05, 0),
    ];
    let op = |(index, operator, output, share, macs): (u32, &str, &str, f64, u64)| {
        let median_nanos = (manner.median_nanos * share) as u64;
        OpRecord {
            index,
            operator: operator.to_owned(),
            output: output.to_owned(),
            kernel: if macs > 0 { "portable" } else { "reference" }.to_owned(),
            macs,
            runs: 50,
            first_nanos: median_nanos * 2,
            median_nanos,
            total_nanos: median_nanos * 51,
        }
    };
    made.map(op).to_vec()
}

fn block_record(plan: Plan, manner: &Manner, block: u32, random: &mut Xoshiro256PlusPlus) -> BlockRecord {
    let level = manner.median_nanos * (1.0 + 0.02 * (random.random::<f64>() - 0.5));
    let steady: Vec<u64> = (0..plan.samples_per_block).map(|_| sample(level, random)).collect();
    let wall = steady.iter().sum();
    let condition = ConditionRecord {
        load_1m: Some(0.5),
        cpu_khz: Some(1_500_000),
        temperature_millicelsius: Some(51_200),
        throttle_count: Some(0),
        steal_ticks: Some(0),
    };
    BlockRecord {
        block,
        started_at: format!("2026-01-01T00:00:{:02}Z", block.min(59)),
        init_nanos: (manner.median_nanos * 0.4) as u64,
        warmup_nanos: vec![(level * 1.8) as u64, (level * 1.1) as u64],
        steady_nanos: steady,
        timer_overhead_nanos: 40,
        steady_cpu_nanos: Some(wall),
        steady_wall_nanos: wall,
        peak_rss_bytes: Some(6_000_000 + manner.file_bytes * 2),
        energy: Energy::Unmeasured,
        before: condition.clone(),
        after: condition,
        invalid: None,
    }
}

/// A sharp lower edge, a tail of exponential excess and now and then an interruption, as real latencies have.
fn sample(level: f64, random: &mut Xoshiro256PlusPlus) -> u64 {
    let excess = -0.02 * (1.0 - random.random::<f64>()).ln();
    let interruption = if random.random::<f64>() < 0.004 { 0.5 * random.random::<f64>() } else { 0.0 };
    (level * (0.986 + excess + interruption)) as u64
}

/// Each variant errs on the examples that the better ones err on, and on some more.
fn prediction(manner: &Manner, example: u32) -> PredictionRecord {
    let label = example % 10;
    let hardness = f64::from(example.wrapping_mul(2_654_435_761) >> 8) / f64::from(1u32 << 24);
    let answer = if hardness < manner.wrong_share { (label + 1) % 10 } else { label };
    let top = (0..5u32).map(|rank| ((answer + rank) % 10, 0.9 / (rank + 1) as f32)).collect();
    PredictionRecord { example, label, top }
}
