//! What is measured where, and in which order: suite x devices x threads x runtimes to cells, and cells to steps.
//!
//! Pure: the same request gives the same plan on every machine. It opens no file and asks no device.

use std::collections::BTreeSet;

use edgebench_reports::record::Cell;
use serde::{Deserialize, Serialize};

use crate::artifact::Digest;
use crate::inventory::Device;
use crate::suite::Suite;

/// Name of our own runtime.
pub const RUNTIME_EDGEBENCH: &str = "edgebench";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request<'r> {
    /// The suite.
    pub suite: &'r Suite,
    /// The devices, each once.
    pub devices: &'r [&'r Device],
    /// The runtimes, such as [`RUNTIME_EDGEBENCH`], each once.
    pub runtimes: &'r [String],
    /// Only these models; none for all.
    pub models: Option<&'r [String]>,
    /// Only these variants; none for all.
    pub variants: Option<&'r [String]>,
    /// These numbers of threads; none for those of each device.
    pub threads: Option<&'r [u16]>,
    /// Blocks of measuring a cell, in place of the suite's.
    pub blocks: Option<u32>,
    /// Decides the order of the blocks.
    pub seed: u64,
    /// Whether each cell of ours also tells its operators apart, when everything that counts is measured.
    pub profile: bool,
}

/// What is measured, and in which order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Every cell once: by device, model, variant, runtime and threads, each in the order of the request.
    pub cells: Vec<Cell>,
    /// One a device, in the order of the request.
    pub devices: Vec<DevicePlan>,
}

/// What one device does, one step after another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DevicePlan {
    /// Name of the device.
    pub device: String,
    /// Every step once.
    pub steps: Vec<StepId>,
}

/// One step, under a name that stays the same for the same request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct StepId {
    /// Index in [`Plan::cells`].
    pub cell: u32,
    /// What is done.
    pub kind: StepKind,
}

/// What is done in a step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Every example of the model's split is predicted once.
    Evaluate,
    /// Block of this number, from 0: consecutive samples in one process.
    Block(u32),
    /// Where the time of an inference goes, operator by operator.
    Profile,
}

/// Why there is no plan.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// A filter names something that the suite does not have.
    #[error("unknown {what} `{name}` in suite {suite}")]
    UnknownName {
        /// `model` or `variant`.
        what: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
        /// Name of the suite.
        suite: String,
    },
    /// The request leaves no cell.
    #[error("no cell to measure: no {what} chosen")]
    Empty {
        /// What there is none of: `device`, `runtime`, `model`, `variant`, `number of threads`.
        what: &'static str,
    },
    /// Something is asked for twice.
    #[error("{what} `{name}` is chosen twice")]
    Twice {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// More cells than a run can hold.
    #[error("expected at most {limit} cells, found {found}")]
    TooMany {
        /// Most cells of a run.
        limit: usize,
        /// Cells asked for.
        found: usize,
    },
}

/// Cells of one run. A fleet of a hundred devices with a hundred cells each stays far below.
pub const MAX_CELLS: usize = 1_000_000;

impl Plan {
    /// Makes the plan.
    ///
    /// # Errors
    /// When a filter names something unknown, something is asked for twice, or nothing is left to measure.
    pub fn new(request: &Request<'_>) -> Result<Self, PlanError> {
        let cells = cells(request)?;
        let blocks = request.blocks.unwrap_or(request.suite.measure.blocks);
        let devices = request.devices.iter().map(|device| DevicePlan {
            device: device.name.clone(),
            steps: steps(&cells, &device.name, request, blocks),
        });
        let devices = devices.collect();
        Ok(Self { cells, devices })
    }

    /// The cell of a step; none when the step is of another plan.
    pub fn cell(&self, step: StepId) -> Option<&Cell> {
        self.cells.get(usize::try_from(step.cell).ok()?)
    }

    /// Steps of all devices together.
    pub fn step_count(&self) -> usize {
        self.devices.iter().map(|device| device.steps.len()).sum()
    }
}

fn cells(request: &Request<'_>) -> Result<Vec<Cell>, PlanError> {
    let suite = request.suite;
    let models = chosen("model", suite.models.iter().map(|model| &model.name), request.models, &suite.name)?;
    let variants =
        chosen("variant", suite.variants.iter().map(|variant| &variant.name), request.variants, &suite.name)?;
    distinct("device", request.devices.iter().map(|device| device.name.clone()))?;
    distinct("runtime", request.runtimes.iter().cloned())?;
    if let Some(threads) = request.threads {
        distinct("number of threads", threads.iter().map(u16::to_string))?;
    }
    let a_thread = models.len() * variants.len() * request.runtimes.len();
    let threads: usize = request.devices.iter().map(|device| threads_of(device, request).len()).sum();
    let found = a_thread.saturating_mul(threads);
    if found > MAX_CELLS {
        return Err(PlanError::TooMany { limit: MAX_CELLS, found });
    }
    let mut cells = Vec::with_capacity(found);
    for device in request.devices {
        for model in &models {
            for variant in &variants {
                for runtime in request.runtimes {
                    cells.extend(threads_of(device, request).iter().map(|threads| Cell {
                        device: device.name.clone(),
                        model: model.clone(),
                        variant: variant.clone(),
                        runtime: runtime.clone(),
                        threads: *threads,
                    }));
                }
            }
        }
    }
    Ok(cells)
}

fn threads_of<'r>(device: &'r Device, request: &Request<'r>) -> &'r [u16] {
    request.threads.unwrap_or(&device.threads)
}

/// The names there are, or those of the filter in the filter's order.
fn chosen<'s>(
    what: &'static str,
    names: impl Iterator<Item = &'s String>,
    filter: Option<&[String]>,
    suite: &str,
) -> Result<Vec<String>, PlanError> {
    let known: Vec<String> = names.cloned().collect();
    let Some(filter) = filter else { return Ok(known) };
    if let Some(name) = filter.iter().find(|name| !known.contains(name)) {
        return Err(PlanError::UnknownName { what, name: name.clone(), known, suite: suite.to_owned() });
    }
    distinct(what, filter.iter().cloned())?;
    Ok(filter.to_vec())
}

/// At least one, and none twice.
fn distinct(what: &'static str, names: impl Iterator<Item = String>) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.clone()) {
            return Err(PlanError::Twice { what, name });
        }
    }
    if seen.is_empty() { Err(PlanError::Empty { what }) } else { Ok(()) }
}

/// First one evaluation a cell, in the order of the cells; then, round by round, one block of every cell in an order
/// drawn anew for each round. A drift of the device (heat, clock, other load) then meets all cells alike, and no cell
/// is always measured behind the same other one. Looking at operators comes last, where it disturbs nothing.
fn steps(cells: &[Cell], device: &str, request: &Request<'_>, blocks: u32) -> Vec<StepId> {
    let own: Vec<(u32, &Cell)> = (0..).zip(cells).filter(|(_, cell)| cell.device == device).collect();
    let evaluated =
        |cell: &Cell| request.suite.model(&cell.model).is_some_and(|model| model.evaluation.is_some());
    let mut steps: Vec<StepId> = own
        .iter()
        .filter(|(_, cell)| evaluated(cell))
        .map(|(index, _)| StepId { cell: *index, kind: StepKind::Evaluate })
        .collect();
    for block in 0..blocks {
        let mut round: Vec<(Digest, u32)> =
            own.iter().map(|(index, cell)| (lot(request.seed, block, cell), *index)).collect();
        round.sort_unstable();
        steps.extend(round.into_iter().map(|(_, cell)| StepId { cell, kind: StepKind::Block(block) }));
    }
    if request.profile {
        let ours = own.iter().filter(|(_, cell)| cell.runtime == RUNTIME_EDGEBENCH);
        steps.extend(ours.map(|(cell, _)| StepId { cell: *cell, kind: StepKind::Profile }));
    }
    steps
}

/// The lot a cell draws for a round: cells ordered by their lots are in random order. It depends on nothing but the
/// seed, the round and the cell's own name, so other devices and a library's next version do not change it.
fn lot(seed: u64, block: u32, cell: &Cell) -> Digest {
    let mut text = Vec::new();
    text.extend(seed.to_le_bytes());
    text.extend(block.to_le_bytes());
    text.extend(cell.threads.to_le_bytes());
    for name in [&cell.device, &cell.model, &cell.variant, &cell.runtime] {
        text.extend((name.len() as u64).to_le_bytes());
        text.extend(name.as_bytes());
    }
    Digest::of(&text)
}

#[cfg(test)]
mod tests;
