//! What the journal of a run holds: enough to make the whole record again, and to go on after any interruption.

use std::path::PathBuf;

use edgebench_reports::record::{
    ArtifactRecord, BlockRecord, Cell, DeviceRecord, EvaluationRecord, MemoryRecord, OpRecord, RunInfo,
};
use serde::{Deserialize, Serialize};

use crate::plan::{RUNTIME_EDGEBENCH, StepId};

/// One line of the journal. New kinds are added at the end; old journals stay readable.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "entry")]
pub enum Entry {
    /// The first line.
    Started(Box<Started>),
    /// A variant was made, or could not be.
    Artifact(ArtifactRecord),
    /// A device was met, or could not be.
    Device(DeviceRecord),
    /// A model was opened on a device for the first time.
    Memory {
        /// Index of the cell in the plan.
        cell: u32,
        /// What it takes.
        memory: MemoryRecord,
    },
    /// A block was measured.
    Block {
        /// Index of the cell in the plan.
        cell: u32,
        /// Its samples.
        block: BlockRecord,
    },
    /// A cell was evaluated.
    Evaluation {
        /// Index of the cell in the plan.
        cell: u32,
        /// Its predictions.
        evaluation: EvaluationRecord,
    },
    /// A step of a cell failed.
    Failed {
        /// Index of the cell in the plan.
        cell: u32,
        /// Which step; none when the cell could not begin.
        step: Option<StepId>,
        /// What was being done.
        stage: String,
        /// Why, in one line.
        reason: String,
    },
    /// The run was taken up again.
    Resumed {
        /// RFC 3339, UTC.
        at: String,
    },
    /// Every step was done or has failed.
    Finished {
        /// RFC 3339, UTC.
        at: String,
    },
    /// The way to a device failed before a measurement, and was tried again.
    Again {
        /// Name of the device.
        device: String,
        /// Which try failed, from 1.
        attempt: u32,
        /// Why.
        reason: String,
    },
    /// The operators of a cell were looked at one by one.
    Profile {
        /// Index of the cell in the plan.
        cell: u32,
        /// Each with its time.
        ops: Vec<OpRecord>,
    },
}

/// What a run is, before anything is measured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Started {
    /// What was asked for.
    pub run: RunInfo,
    /// How to plan the same run again.
    pub request: RunRequest,
    /// The cells, in order.
    pub cells: Vec<Cell>,
    /// The steps of all devices.
    pub steps: Vec<StepId>,
    /// BLAKE3 over what decides the measurements: suite, variants, data, agents, options.
    pub fingerprint: String,
}

/// The choices behind a run, as `bench run` takes them: with these the same run is planned again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunRequest {
    /// The suite's file.
    pub suite: PathBuf,
    /// The inventory's file; none for the built-in one.
    pub inventory: Option<PathBuf>,
    /// Names of the devices.
    pub devices: Vec<String>,
    /// Whether emulators stand in for them.
    #[serde(default)]
    pub emulate: bool,
    /// Only these models; all when empty.
    pub models: Vec<String>,
    /// Only these variants; all when empty.
    pub variants: Vec<String>,
    /// Thread counts instead of the devices' own.
    pub threads: Vec<u16>,
    /// What executes the networks: our runtime, and peers beside it.
    #[serde(default = "only_ours")]
    pub runtimes: Vec<String>,
    /// LiteRT's library, when it is one of them.
    #[serde(default)]
    pub litert: Option<PathBuf>,
    /// Kernel set: `auto`, `reference`, `portable`, or an instruction set.
    pub kernels: String,
    /// Seed of the order of blocks.
    pub seed: u64,
    /// Limits instead of the suite's own.
    pub measure: MeasureOverrides,
    /// Whether the operators of each cell are looked at.
    #[serde(default)]
    pub profile: bool,
}

/// Runs from before there were others.
fn only_ours() -> Vec<String> {
    vec![RUNTIME_EDGEBENCH.to_owned()]
}

/// `benchmark_model`'s limits, where the command line gives them.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct MeasureOverrides {
    /// Least number of warm-up runs.
    pub warmup_runs: Option<u32>,
    /// Least duration of the warm-up, in seconds.
    pub warmup_min_secs: Option<f64>,
    /// Least number of runs that count.
    pub num_runs: Option<u32>,
    /// Least duration of the runs that count, in seconds.
    pub min_secs: Option<f64>,
    /// No new run after so many seconds.
    pub max_secs: Option<f64>,
    /// Blocks a cell.
    pub blocks: Option<u32>,
}
