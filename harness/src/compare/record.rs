//! What a comparison leaves for a gate: a record of each arm whose blocks are the turns of the pairs.
//!
//! Of a cell that was suspect only the fresh pairs of the confirmation are in the record. What picked a cell out would
//! make it look slower than it is, and a gate that counted it would find what is not there.

use std::collections::BTreeMap;

use edgebench_reports::gate::ACCURACY_STOPPED;
use edgebench_reports::record::{
    BlockRecord, Cell, CellRecord, DeviceRecord, EvaluationRecord, MemoryRecord, Outcome, RunInfo, RunRecord,
};
use edgebench_wire::{Facts, Hello};
use jiff::Timestamp;

use super::Side;
use super::pair::Turns;
use crate::run::{AGENT_DIGEST, Context, block_record, memory_record, run_info};

/// File of the base's record in the folder of a comparison.
pub const BASE_RECORD: &str = "base.parquet";

/// File of the head's record.
pub const HEAD_RECORD: &str = "head.parquet";

/// What is known of a cell of one arm.
#[derive(Default)]
pub(super) struct ArmCell {
    blocks: Vec<BlockRecord>,
    memory: Option<MemoryRecord>,
    evaluation: Option<EvaluationRecord>,
}

impl ArmCell {
    /// The confirmation begins: what was measured before does not count.
    pub(super) fn begin_again(&mut self) {
        self.blocks.clear();
    }

    /// The turns of one pair; `invalid` says why they do not count, if so.
    pub(super) fn add(&mut self, round: u32, turns: Turns, invalid: Option<&str>) {
        let Turns { opened, started_at, measurement, .. } = turns;
        if let Some(measurement) = measurement {
            let mut block = block_record(round, started_at, &opened, measurement);
            block.invalid = block.invalid.or(invalid.map(str::to_owned));
            self.blocks.push(block);
        }
        self.memory.get_or_insert_with(|| memory_record(opened));
    }

    fn record(self, cell: Cell, problem: Option<&String>) -> CellRecord {
        let Self { blocks, memory, evaluation } = self;
        let outcome = match problem {
            Some(reason) => Outcome::Failed { stage: "measure".to_owned(), reason: reason.clone() },
            None if blocks.is_empty() => Outcome::Unfinished,
            None => Outcome::Complete,
        };
        CellRecord { cell, outcome, memory, blocks, evaluation, ops: Vec::new() }
    }
}

/// An arm of a comparison while it is measured.
pub(super) struct ArmRecord {
    run: RunInfo,
    agent: (String, u64),
    met: BTreeMap<String, (Hello, Facts)>,
    /// In the order of the plan.
    pub(super) cells: Vec<ArmCell>,
}

impl ArmRecord {
    /// `name` tells the arm from the other one of the comparison.
    pub(super) fn new(side: &Side, comparison: &str, name: &str, context: &Context) -> Self {
        let mut run = run_info(&side.loaded, context);
        run.id = format!("{comparison}-{name}");
        run.git_revision = side.arm.commit.clone();
        // That of the tool says nothing of an arm that was built from another revision.
        run.source_hash = String::new();
        let agent = (side.arm.agent.digest.clone(), side.arm.agent.bytes);
        let cells = side.loaded.plan.cells.iter().map(|_| ArmCell::default()).collect();
        Self { run, agent, met: BTreeMap::new(), cells }
    }

    /// A device as the arm's agent met it.
    pub(super) fn meet(&mut self, device: &str, met: &(Hello, Facts)) {
        if !self.met.contains_key(device) {
            self.met.insert(device.to_owned(), met.clone());
        }
    }

    /// What the arm said of a cell's examples, and whether it was not asked about all of them.
    pub(super) fn answered(&mut self, at: usize, cell: &Cell, evaluation: EvaluationRecord, stopped: bool) {
        self.cells[at].evaluation = Some(evaluation);
        if stopped {
            let names = self.run.controller.entry(ACCURACY_STOPPED.to_owned()).or_default();
            let between = if names.is_empty() { "" } else { " " };
            names.push_str(between);
            names.push_str(&cell.path());
        }
    }

    /// The whole record. `problems` has one a cell, in the order of the plan.
    pub(super) fn finish(self, side: &Side, problems: &[Option<String>]) -> RunRecord {
        let Self { mut run, agent, met, cells } = self;
        run.finished_at = Some(Timestamp::now().to_string());
        let devices = side.loaded.devices.iter().map(|device| {
            let word = device.transport.name().to_owned();
            device_record(&device.name, word, met.get(&device.name), &agent)
        });
        let cells = side.loaded.plan.cells.iter().zip(cells).zip(problems);
        RunRecord {
            run,
            devices: devices.collect(),
            artifacts: side.prepared.artifacts.clone(),
            cells: cells.map(|((cell, arm), problem)| arm.record(cell.clone(), problem.as_ref())).collect(),
        }
    }
}

fn device_record(
    name: &str,
    transport: String,
    met: Option<&(Hello, Facts)>,
    (digest, bytes): &(String, u64),
) -> DeviceRecord {
    let mut properties: BTreeMap<String, String> =
        met.iter().flat_map(|(_, facts)| facts.properties.iter().cloned()).collect();
    properties.insert(AGENT_DIGEST.to_owned(), digest.clone());
    DeviceRecord {
        name: name.to_owned(),
        transport,
        emulated: false,
        agent_version: met.map(|(hello, _)| hello.agent_version.clone()),
        agent_target: met.map(|(hello, _)| hello.target.clone()),
        agent_bytes: Some(*bytes),
        properties,
        problem: met.is_none().then(|| "it was not measured".to_owned()),
    }
}
