//! What a run leaves behind: plain, versioned rows, filled by the controller and kept in its journal, written to one
//! Parquet file at the end. Nothing here computes; every quantity names its unit, and what was not measured is absent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of these rows and of the Parquet columns made from them. Raised together with an entry in `CHANGELOG.md`
/// beside this file.
pub const FORMAT_VERSION: u32 = 3;

/// Property of a run: full name of the commit of the project that the suite lies in.
pub const PROJECT_REVISION: &str = "project_revision";

/// Everything about one `bench run`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// What was asked for and with what.
    pub run: RunInfo,
    /// One a device.
    pub devices: Vec<DeviceRecord>,
    /// One for each (model, variant) that was prepared, in the suite's order.
    pub artifacts: Vec<ArtifactRecord>,
    /// In the order of the plan.
    pub cells: Vec<CellRecord>,
}

impl RunRecord {
    /// Whether the device of a cell was emulated: its latencies are instructions then.
    pub fn is_emulated(&self, cell: &Cell) -> bool {
        self.devices.iter().any(|device| device.name == cell.device && device.emulated)
    }
}

/// What was asked for and with what.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunInfo {
    /// Unique, sortable by start time, such as `20261124T202630Z-mobilenet-4f2a`.
    pub id: String,
    /// Name of the suite.
    pub suite: String,
    /// The suite's own words.
    pub suite_description: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC; none while the run is not complete.
    pub finished_at: Option<String>,
    /// Command line of the controller.
    pub arguments: Vec<String>,
    /// Version of edgebench.
    pub tool_version: String,
    /// Revision of the sources, where known.
    pub git_revision: Option<String>,
    /// BLAKE3 of the sources that decide what an agent and a converted model are.
    pub source_hash: String,
    /// Seed of every random choice of the controller.
    pub seed: u64,
    /// Properties of the machine the controller ran on.
    pub controller: BTreeMap<String, String>,
}

/// A device as it was met.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// Name in `devices.toml`.
    pub name: String,
    /// How it was reached: `local`, `ssh`, `adb`, ...
    pub transport: String,
    /// Whether it was emulated. What a [`BlockRecord`] of it holds as nanoseconds of single runs and of init are then
    /// counts of instructions, its clocks are 0, and every export puts them into columns of instructions.
    pub emulated: bool,
    /// Version of its agent.
    pub agent_version: Option<String>,
    /// Target triple of its agent.
    pub agent_target: Option<String>,
    /// Length of the agent binary.
    pub agent_bytes: Option<u64>,
    /// Lasting properties: `cpu_model`, `cpu_cores`, `memory_bytes`, `os`, `kernel`, `governor`, ...
    pub properties: BTreeMap<String, String>,
    /// Why it could not be used at all.
    pub problem: Option<String>,
}

/// One variant of one model, as it was sent to the devices.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ArtifactRecord {
    /// Name of the model in the suite.
    pub model: String,
    /// Name of the variant in the suite.
    pub variant: String,
    /// How it was quantized: `none`, `fp16`, `dynamic-int8`, `full-int8`; `given` for a file that others made.
    pub quantize: String,
    /// BLAKE3 of the `.tflite` file, in hex.
    pub digest: String,
    /// Length of the file.
    pub file_bytes: u64,
    /// BLAKE3 of the source model, in hex.
    pub source_digest: String,
    /// Where the file lies on the controller.
    pub path: String,
    /// Examples that calibrated it.
    pub calibration_samples: Option<u64>,
    /// Operators and tensors that stayed as they were, with the reason.
    pub left_alone: Vec<String>,
    /// Why it could not be made.
    pub problem: Option<String>,
}

/// One (model, variant, runtime, device, threads).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CellRecord {
    /// Which cell.
    pub cell: Cell,
    /// How it ended.
    pub outcome: Outcome,
    /// From the first block that was opened.
    pub memory: Option<MemoryRecord>,
    /// In the order they ran.
    pub blocks: Vec<BlockRecord>,
    /// Accuracy, when the model has a data set.
    pub evaluation: Option<EvaluationRecord>,
    /// Where the time of one inference goes, when it was asked for: one an operator that computes something, in the
    /// order they run. An empty list is left out of every encoding, so that records from before there were any keep
    /// their digests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ops: Vec<OpRecord>,
}

/// One operator of a network in a run of its own that looked at the clock between operators. Beside no sample of a block:
/// looking at the clock takes time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpRecord {
    /// Place in execution order, from 0. Operators that compute nothing are left out.
    pub index: u32,
    /// Its name in the schema, such as `CONV_2D`.
    pub operator: String,
    /// Name of the first tensor that it computes.
    pub output: String,
    /// What ran it: the kernel set, such as `avx512vnni`.
    pub kernel: String,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Inferences that were looked at, the very first one not among them.
    pub runs: u32,
    /// In the first of them. On an emulated device this and the two below are counts of instructions.
    pub first_nanos: u64,
    /// Median over them.
    pub median_nanos: u64,
    /// Over all of them together.
    pub total_nanos: u64,
}

impl OpRecord {
    /// Its part of an inference, from 0 to 1, by medians; none when nothing took any time.
    pub fn share_of(&self, cell: &CellRecord) -> Option<f64> {
        let all: f64 = cell.ops.iter().map(|op| op.median_nanos as f64).sum();
        (all > 0.0).then(|| self.median_nanos as f64 / all)
    }
}

/// The names that make a cell.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// Name of the device.
    pub device: String,
    /// Name of the model.
    pub model: String,
    /// Name of the variant.
    pub variant: String,
    /// What executes it: `edgebench`, or a peer.
    pub runtime: String,
    /// Worker threads.
    pub threads: u16,
}

impl Cell {
    /// All names in one word: `device/model/variant/runtime/threads`.
    pub fn path(&self) -> String {
        let Self { device, model, variant, runtime, threads } = self;
        format!("{device}/{model}/{variant}/{runtime}/{threads}")
    }
}

/// How a cell ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// Everything that was planned was measured.
    Complete,
    /// A step failed; what was measured before it is kept.
    Failed {
        /// What was being done: `prepare`, `connect`, `deploy`, `open`, `measure`, `evaluate`.
        stage: String,
        /// Why, in one line.
        reason: String,
    },
    /// The run was stopped before this cell was complete.
    Unfinished,
}

/// Bytes that running the model takes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MemoryRecord {
    /// High-water mark of the activation arena.
    pub arena_bytes: u64,
    /// Weights rearranged for the kernels.
    pub packed_bytes: u64,
    /// Kernel of each operator, with how many operators it serves.
    pub kernels: Vec<(String, u32)>,
}

/// Consecutive samples in one process.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BlockRecord {
    /// Number of the block, from 0.
    pub block: u32,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// From the bytes in memory to ready for the first run.
    pub init_nanos: u64,
    /// Every warm-up run, the very first one in front.
    pub warmup_nanos: Vec<u64>,
    /// Every run that counts, in order.
    pub steady_nanos: Vec<u64>,
    /// Median cost of reading the clock, inside every sample.
    pub timer_overhead_nanos: u64,
    /// CPU time of the process over the steady runs.
    pub steady_cpu_nanos: Option<u64>,
    /// Wall time of the steady runs.
    pub steady_wall_nanos: u64,
    /// Largest resident set of the process.
    pub peak_rss_bytes: Option<u64>,
    /// Energy over the steady runs, with its meter.
    pub energy: Energy,
    /// The machine before the steady runs.
    pub before: ConditionRecord,
    /// The machine after them.
    pub after: ConditionRecord,
    /// Why the block does not count, if so.
    pub invalid: Option<String>,
}

/// Energy is measured by a meter or it is not there.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Energy {
    /// No meter.
    #[default]
    Unmeasured,
    /// By this meter.
    Measured {
        /// Such as `rapl`, `ina219`.
        meter: String,
        /// Over all steady runs of the block.
        microjoules: f64,
    },
}

/// How a machine was at one moment; what could not be read is absent.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ConditionRecord {
    /// Load average over one minute.
    pub load_1m: Option<f32>,
    /// Clock of the CPU in kHz.
    pub cpu_khz: Option<u32>,
    /// Hottest thermal zone, thousandths of a degree Celsius.
    pub temperature_millicelsius: Option<i32>,
    /// Times the CPU was throttled since boot.
    pub throttle_count: Option<u64>,
    /// Processor time taken away by a hypervisor since boot, in ticks.
    pub steal_ticks: Option<u64>,
}

/// Accuracy of one cell.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// Name of the data set.
    pub dataset: String,
    /// Name of the split.
    pub split: String,
    /// BLAKE3 of the tensor pack, in hex.
    pub pack_digest: String,
    /// One an example, in the pack's order.
    pub predictions: Vec<PredictionRecord>,
}

/// What the network said of one example.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PredictionRecord {
    /// Index in the data set (not in the split).
    pub example: u32,
    /// The right class, as the network counts classes.
    pub label: u32,
    /// Best classes with their scores, best first.
    pub top: Vec<(u32, f32)>,
}

impl PredictionRecord {
    /// The class with the highest score.
    pub fn predicted(&self) -> Option<u32> {
        self.top.first().map(|(class, _)| *class)
    }

    /// Whether the right class is the first.
    pub fn is_right(&self) -> bool {
        self.predicted() == Some(self.label)
    }
}
