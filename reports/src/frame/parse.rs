//! From the long table back to the record. The columns have been checked; values and the way rows belong together
//! are checked here.

use std::path::Path;

use polars::prelude::{BooleanChunked, DataFrame, NewChunkedArray, Series};

use serde::de::DeserializeOwned;

use super::rows::{PHASES, digest};
use super::{Kind, StoreError};
use crate::record::{
    ArtifactRecord, BlockRecord, Cell, CellRecord, ConditionRecord, DeviceRecord, Energy, EvaluationRecord,
    MemoryRecord, OpRecord, Outcome, PredictionRecord, RunInfo, RunRecord,
};

type Result<T> = std::result::Result<T, StoreError>;

/// The record that the table was made from.
pub(super) fn record(path: &Path, table: &DataFrame) -> Result<RunRecord> {
    let rows = |kind| Rows::new(path, table, kind);
    check_kinds(path, table)?;
    let mut cells = cells(&rows(Kind::Cell)?)?;
    blocks(&rows(Kind::Block)?, &mut cells)?;
    samples(&rows(Kind::Sample)?, &mut cells)?;
    predictions(&rows(Kind::Prediction)?, &mut cells)?;
    ops(&rows(Kind::Op)?, &mut cells)?;
    let run_rows = rows(Kind::Run)?;
    let record = RunRecord {
        run: run_info(&run_rows)?,
        devices: devices(&rows(Kind::Device)?)?,
        artifacts: artifacts(&rows(Kind::Artifact)?)?,
        cells,
    };
    let (expected, found) = (run_rows.texts("record_digest")?.concat(), digest(&record));
    if expected != found {
        return Err(run_rows.wrong(0, "record_digest", expected, found));
    }
    Ok(record)
}

fn check_kinds(path: &Path, table: &DataFrame) -> Result<()> {
    let column = table.column("kind").and_then(|column| column.str());
    let column = column.map_err(|error| damaged(path, &error))?;
    let known = |kind: Option<&str>| Kind::ALL.iter().any(|one| Some(one.name()) == kind);
    match column.iter().position(|kind| !known(kind)) {
        Some(at) => {
            let found = column.get(at).unwrap_or("null");
            Err(StoreError::Column {
                path: path.to_owned(),
                column: format!("kind, row {at}"),
                expected: Kind::ALL.map(Kind::name).join(", "),
                found: found.to_owned(),
            })
        }
        None => Ok(()),
    }
}

fn damaged(path: &Path, error: &polars::prelude::PolarsError) -> StoreError {
    StoreError::Parquet { path: path.to_owned(), reason: error.to_string() }
}

/// The rows of one kind.
struct Rows<'a> {
    path: &'a Path,
    kind: Kind,
    table: DataFrame,
}

impl<'a> Rows<'a> {
    fn new(path: &'a Path, table: &DataFrame, kind: Kind) -> Result<Self> {
        let rows = || {
            let kinds = table.column("kind")?.str()?;
            let mask = BooleanChunked::from_iter_values(
                "kind".into(),
                kinds.iter().map(|one| one == Some(kind.name())),
            );
            table.filter(&mask)
        };
        Ok(Self { path, kind, table: rows().map_err(|error| damaged(path, &error))? })
    }

    fn count(&self) -> usize {
        self.table.height()
    }

    fn series(&self, column: &'static str) -> Result<&Series> {
        let column = self.table.column(column).map_err(|error| damaged(self.path, &error))?;
        Ok(column.as_materialized_series())
    }

    fn wrong(
        &self,
        row: usize,
        column: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> StoreError {
        StoreError::row(self.path, (self.kind, row, column), expected, found)
    }

    /// Every value, all of them there.
    fn all<T>(&self, column: &'static str, values: Vec<Option<T>>) -> Result<Vec<T>> {
        let there = |(row, value): (usize, Option<T>)| {
            value.ok_or_else(|| self.wrong(row, column, "a value", "null"))
        };
        values.into_iter().enumerate().map(there).collect()
    }

    /// One thing a row. The columns of a kind are equally long, so that `make` finds a value in each.
    fn build<T>(&self, mut make: impl FnMut() -> Option<T>) -> Result<Vec<T>> {
        let made = |row| make().ok_or_else(|| self.wrong(row, "kind", "a value in every column", "fewer"));
        (0..self.count()).map(made).collect()
    }

    fn texts_or_null(&self, column: &'static str) -> Result<Vec<Option<String>>> {
        let values = self.series(column)?.str().map_err(|error| damaged(self.path, &error))?;
        Ok(values.iter().map(|value| value.map(str::to_owned)).collect())
    }

    fn texts(&self, column: &'static str) -> Result<Vec<String>> {
        self.all(column, self.texts_or_null(column)?)
    }

    fn flags(&self, column: &'static str) -> Result<Vec<bool>> {
        let values = self.series(column)?.bool().map_err(|error| damaged(self.path, &error))?;
        self.all(column, values.iter().collect())
    }

    fn lists(&self, column: &'static str) -> Result<Vec<Option<Series>>> {
        let values = self.series(column)?.list().map_err(|error| damaged(self.path, &error))?;
        Ok((0..self.count()).map(|row| values.get_as_series(row)).collect())
    }

    /// Values that were written as JSON; `expected` says of what.
    fn json_or_null<T: DeserializeOwned>(
        &self,
        column: &'static str,
        expected: &str,
    ) -> Result<Vec<Option<T>>> {
        let parse = |(row, text): (usize, Option<String>)| {
            let parsed = text.map(|text| serde_json::from_str(&text)).transpose();
            parsed.map_err(|error| self.wrong(row, column, expected, error))
        };
        self.texts_or_null(column)?.into_iter().enumerate().map(parse).collect()
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str, expected: &str) -> Result<Vec<T>> {
        self.all(column, self.json_or_null(column, expected)?)
    }
}

/// Readers of one number type: single values and lists.
macro_rules! number_columns {
    ($($type:ty, $or_null:ident, $all:ident, $chunked:ident;)*) => {
        impl Rows<'_> {$(
            fn $or_null(&self, column: &'static str) -> Result<Vec<Option<$type>>> {
                let values = self.series(column)?.$chunked().map_err(|error| damaged(self.path, &error))?;
                Ok(values.iter().collect())
            }

            #[allow(dead_code, reason = "not every type of number has a column that is always filled")]
            fn $all(&self, column: &'static str) -> Result<Vec<$type>> {
                self.all(column, self.$or_null(column)?)
            }
        )*}
    };
}

number_columns! {
    u32, u32s_or_null, u32s, u32;
    u64, u64s_or_null, u64s, u64;
    i32, i32s_or_null, i32s, i32;
    f32, f32s_or_null, f32s, f32;
    f64, f64s_or_null, f64s, f64;
}

/// Readers of lists of one number type.
macro_rules! list_columns {
    ($($type:ty, $or_null:ident, $chunked:ident;)*) => {
        impl Rows<'_> {$(
            fn $or_null(&self, column: &'static str) -> Result<Vec<Option<Vec<$type>>>> {
                let numbers = |(row, list): (usize, Option<Series>)| {
                    let Some(list) = list else { return Ok(None) };
                    let values = list.$chunked().map_err(|error| damaged(self.path, &error))?;
                    let all: Option<Vec<$type>> = values.iter().collect();
                    all.map(Some).ok_or_else(|| self.wrong(row, column, "numbers", "null in the list"))
                };
                self.lists(column)?.into_iter().enumerate().map(numbers).collect()
            }
        )*}
    };
}

list_columns! {
    u32, u32_lists_or_null, u32;
    f32, f32_lists_or_null, f32;
}

fn run_info(rows: &Rows<'_>) -> Result<RunInfo> {
    let mut ids = rows.texts("run_id")?.into_iter();
    let mut suites = rows.texts("suite")?.into_iter();
    let mut descriptions = rows.texts("suite_description")?.into_iter();
    let mut started = rows.texts("started_at")?.into_iter();
    let mut finished = rows.texts_or_null("finished_at")?.into_iter();
    let mut arguments = rows.json("arguments", TEXTS)?.into_iter();
    let mut versions = rows.texts("tool_version")?.into_iter();
    let mut revisions = rows.texts_or_null("git_revision")?.into_iter();
    let mut hashes = rows.texts("source_hash")?.into_iter();
    let mut seeds = rows.u64s("seed")?.into_iter();
    let mut controllers = rows.json("properties", PROPERTIES)?.into_iter();
    let mut runs = rows.build(|| {
        Some(RunInfo {
            id: ids.next()?,
            suite: suites.next()?,
            suite_description: descriptions.next()?,
            started_at: started.next()?,
            finished_at: finished.next()?,
            arguments: arguments.next()?,
            tool_version: versions.next()?,
            git_revision: revisions.next()?,
            source_hash: hashes.next()?,
            seed: seeds.next()?,
            controller: controllers.next()?,
        })
    })?;
    match (runs.pop(), runs.len()) {
        (Some(run), 0) => Ok(run),
        (None, _) => Err(rows.wrong(0, "kind", "one row", "none")),
        (_, more) => Err(rows.wrong(0, "kind", "one row", more + 1)),
    }
}

/// What JSON columns hold.
const TEXTS: &str = "a json array of texts";
const PROPERTIES: &str = "a json object of texts";
const KERNELS: &str = "a json array of pairs of kernel and operators";

fn devices(rows: &Rows<'_>) -> Result<Vec<DeviceRecord>> {
    let mut names = rows.texts("device")?.into_iter();
    let mut transports = rows.texts("transport")?.into_iter();
    let mut emulated = rows.flags("emulated")?.into_iter();
    let mut versions = rows.texts_or_null("agent_version")?.into_iter();
    let mut targets = rows.texts_or_null("agent_target")?.into_iter();
    let mut bytes = rows.u64s_or_null("agent_bytes")?.into_iter();
    let mut properties = rows.json("properties", PROPERTIES)?.into_iter();
    let mut problems = rows.texts_or_null("problem")?.into_iter();
    rows.build(|| {
        Some(DeviceRecord {
            name: names.next()?,
            transport: transports.next()?,
            emulated: emulated.next()?,
            agent_version: versions.next()?,
            agent_target: targets.next()?,
            agent_bytes: bytes.next()?,
            properties: properties.next()?,
            problem: problems.next()?,
        })
    })
}

fn artifacts(rows: &Rows<'_>) -> Result<Vec<ArtifactRecord>> {
    let mut models = rows.texts("model")?.into_iter();
    let mut variants = rows.texts("variant")?.into_iter();
    let mut quantize = rows.texts("quantize")?.into_iter();
    let mut digests = rows.texts("digest")?.into_iter();
    let mut bytes = rows.u64s("file_bytes")?.into_iter();
    let mut sources = rows.texts("source_digest")?.into_iter();
    let mut paths = rows.texts("path")?.into_iter();
    let mut calibration = rows.u64s_or_null("calibration_samples")?.into_iter();
    let mut left_alone = rows.json("left_alone", TEXTS)?.into_iter();
    let mut problems = rows.texts_or_null("problem")?.into_iter();
    rows.build(|| {
        Some(ArtifactRecord {
            model: models.next()?,
            variant: variants.next()?,
            quantize: quantize.next()?,
            digest: digests.next()?,
            file_bytes: bytes.next()?,
            source_digest: sources.next()?,
            path: paths.next()?,
            calibration_samples: calibration.next()?,
            left_alone: left_alone.next()?,
            problem: problems.next()?,
        })
    })
}

fn cells(rows: &Rows<'_>) -> Result<Vec<CellRecord>> {
    for (row, position) in rows.u32s("cell")?.into_iter().enumerate() {
        if position as usize != row {
            return Err(rows.wrong(row, "cell", row, position));
        }
    }
    let mut names = cell_names(rows)?.into_iter();
    let mut outcomes = outcomes(rows)?.into_iter();
    let mut memory = memory(rows)?.into_iter();
    let mut evaluations = evaluations(rows)?.into_iter();
    rows.build(|| {
        Some(CellRecord {
            cell: names.next()?,
            outcome: outcomes.next()?,
            memory: memory.next()?,
            blocks: Vec::new(),
            evaluation: evaluations.next()?,
            ops: Vec::new(),
        })
    })
}

fn cell_names(rows: &Rows<'_>) -> Result<Vec<Cell>> {
    let threads = |(row, threads): (usize, u32)| {
        u16::try_from(threads).map_err(|_| rows.wrong(row, "threads", "at most 65535", threads))
    };
    let threads: Vec<u16> =
        rows.u32s("threads")?.into_iter().enumerate().map(threads).collect::<Result<_>>()?;
    let mut threads = threads.into_iter();
    let mut devices = rows.texts("device")?.into_iter();
    let mut models = rows.texts("model")?.into_iter();
    let mut variants = rows.texts("variant")?.into_iter();
    let mut runtimes = rows.texts("runtime")?.into_iter();
    rows.build(|| {
        Some(Cell {
            device: devices.next()?,
            model: models.next()?,
            variant: variants.next()?,
            runtime: runtimes.next()?,
            threads: threads.next()?,
        })
    })
}

fn outcomes(rows: &Rows<'_>) -> Result<Vec<Outcome>> {
    let mut names = rows.texts("outcome")?.into_iter();
    let mut stages = rows.texts_or_null("stage")?.into_iter();
    let mut reasons = rows.texts_or_null("reason")?.into_iter();
    let triples = rows.build(|| Some((names.next()?, stages.next()?, reasons.next()?)))?;
    let outcome = |(row, (name, stage, reason)): (usize, (String, _, _))| match (name.as_str(), stage, reason)
    {
        ("complete", None, None) => Ok(Outcome::Complete),
        ("unfinished", None, None) => Ok(Outcome::Unfinished),
        ("failed", Some(stage), Some(reason)) => Ok(Outcome::Failed { stage, reason }),
        _ => Err(rows.wrong(row, "outcome", "complete, unfinished, or failed with stage and reason", name)),
    };
    triples.into_iter().enumerate().map(outcome).collect()
}

fn memory(rows: &Rows<'_>) -> Result<Vec<Option<MemoryRecord>>> {
    let mut arenas = rows.u64s_or_null("arena_bytes")?.into_iter();
    let mut packed = rows.u64s_or_null("packed_bytes")?.into_iter();
    let mut kernels = rows.json_or_null("kernels", KERNELS)?.into_iter();
    let triples = rows.build(|| Some((arenas.next()?, packed.next()?, kernels.next()?)))?;
    let memory = |(row, triple)| match triple {
        (Some(arena_bytes), Some(packed_bytes), Some(kernels)) => {
            Ok(Some(MemoryRecord { arena_bytes, packed_bytes, kernels }))
        }
        (None, None, None) => Ok(None),
        _ => Err(rows.wrong(
            row,
            "arena_bytes",
            "arena_bytes, packed_bytes and kernels or none of them",
            "some of them",
        )),
    };
    triples.into_iter().enumerate().map(memory).collect()
}

/// Without their predictions, which stand in rows of their own.
fn evaluations(rows: &Rows<'_>) -> Result<Vec<Option<EvaluationRecord>>> {
    let mut datasets = rows.texts_or_null("dataset")?.into_iter();
    let mut splits = rows.texts_or_null("split")?.into_iter();
    let mut packs = rows.texts_or_null("pack_digest")?.into_iter();
    let triples = rows.build(|| Some((datasets.next()?, splits.next()?, packs.next()?)))?;
    let evaluation = |(row, triple)| match triple {
        (Some(dataset), Some(split), Some(pack_digest)) => {
            Ok(Some(EvaluationRecord { dataset, split, pack_digest, predictions: Vec::new() }))
        }
        (None, None, None) => Ok(None),
        _ => {
            Err(rows.wrong(row, "dataset", "dataset, split and pack_digest or none of them", "some of them"))
        }
    };
    triples.into_iter().enumerate().map(evaluation).collect()
}

/// The cell that each row belongs to; whether there is such a cell is the caller's to check.
fn owners(rows: &Rows<'_>) -> Result<Vec<usize>> {
    Ok(rows.u32s("cell")?.into_iter().map(|position| position as usize).collect())
}

fn blocks(rows: &Rows<'_>, cells: &mut [CellRecord]) -> Result<()> {
    let owners = owners(rows)?;
    for (row, (owner, block)) in owners.into_iter().zip(block_records(rows)?).enumerate() {
        let cell = cells.get_mut(owner).ok_or_else(|| rows.wrong(row, "cell", "a cell's number", owner))?;
        cell.blocks.push(block);
    }
    Ok(())
}

/// Without their samples, which stand in rows of their own.
fn block_records(rows: &Rows<'_>) -> Result<Vec<BlockRecord>> {
    let mut numbers = rows.u32s("block")?.into_iter();
    let mut started = rows.texts("started_at")?.into_iter();
    // Absent on emulated devices, where no clock was read.
    let mut overheads = rows.u64s_or_null("timer_overhead_nanos")?.into_iter();
    let mut cpu = rows.u64s_or_null("steady_cpu_nanos")?.into_iter();
    let mut wall = rows.u64s_or_null("steady_wall_nanos")?.into_iter();
    let mut rss = rows.u64s_or_null("peak_rss_bytes")?.into_iter();
    let mut energy = energy(rows)?.into_iter();
    let before = [
        "before_load_1m",
        "before_cpu_khz",
        "before_temperature_millicelsius",
        "before_throttle_count",
        "before_steal_ticks",
    ];
    let after = [
        "after_load_1m",
        "after_cpu_khz",
        "after_temperature_millicelsius",
        "after_throttle_count",
        "after_steal_ticks",
    ];
    let mut before = conditions(rows, before)?.into_iter();
    let mut after = conditions(rows, after)?.into_iter();
    let mut invalid = rows.texts_or_null("invalid")?.into_iter();
    rows.build(|| {
        Some(BlockRecord {
            block: numbers.next()?,
            started_at: started.next()?,
            init_nanos: 0,
            warmup_nanos: Vec::new(),
            steady_nanos: Vec::new(),
            timer_overhead_nanos: overheads.next()?.unwrap_or(0),
            steady_cpu_nanos: cpu.next()?,
            steady_wall_nanos: wall.next()?.unwrap_or(0),
            peak_rss_bytes: rss.next()?,
            energy: energy.next()?,
            before: before.next()?,
            after: after.next()?,
            invalid: invalid.next()?,
        })
    })
}

fn energy(rows: &Rows<'_>) -> Result<Vec<Energy>> {
    let meters = rows.texts_or_null("energy_meter")?;
    let energies = rows.f64s_or_null("energy_microjoules")?;
    let energy =
        |(row, (meter, microjoules)): (usize, (Option<String>, Option<f64>))| match (meter, microjoules) {
            (Some(meter), Some(microjoules)) => Ok(Energy::Measured { meter, microjoules }),
            (None, None) => Ok(Energy::Unmeasured),
            _ => Err(rows.wrong(
                row,
                "energy_microjoules",
                "a value beside energy_meter or none",
                "one of the two",
            )),
        };
    meters.into_iter().zip(energies).enumerate().map(energy).collect()
}

/// Columns in the order load, clock, temperature, throttling, steal.
fn conditions(
    rows: &Rows<'_>,
    [load, clock, heat, throttle, steal]: [&'static str; 5],
) -> Result<Vec<ConditionRecord>> {
    let mut loads = rows.f32s_or_null(load)?.into_iter();
    let mut clocks = rows.u32s_or_null(clock)?.into_iter();
    let mut heats = rows.i32s_or_null(heat)?.into_iter();
    let mut throttles = rows.u64s_or_null(throttle)?.into_iter();
    let mut steals = rows.u64s_or_null(steal)?.into_iter();
    rows.build(|| {
        Some(ConditionRecord {
            load_1m: loads.next()?,
            cpu_khz: clocks.next()?,
            temperature_millicelsius: heats.next()?,
            throttle_count: throttles.next()?,
            steal_ticks: steals.next()?,
        })
    })
}

/// An `init` row opens the next block of its cell; the rows after it belong to that block.
fn samples(rows: &Rows<'_>, cells: &mut [CellRecord]) -> Result<()> {
    let [init, first, warmup, steady] = PHASES;
    let phases = rows.texts("phase")?;
    let (numbers, amounts) = (rows.u32s("block")?, amounts(rows)?);
    let mut opened = vec![0usize; cells.len()];
    for (row, ((owner, phase), (number, amount))) in
        owners(rows)?.into_iter().zip(phases).zip(numbers.into_iter().zip(amounts)).enumerate()
    {
        let no_cell = || rows.wrong(row, "cell", "a cell's number", owner);
        let (cell, opened) = cells.get_mut(owner).zip(opened.get_mut(owner)).ok_or_else(no_cell)?;
        *opened += usize::from(phase == init);
        let block = opened
            .checked_sub(1)
            .and_then(|at| cell.blocks.get_mut(at))
            .filter(|block| block.block == number);
        let block = block
            .ok_or_else(|| rows.wrong(row, "block", "the number of the block that init opened", number))?;
        match phase.as_str() {
            name if name == init => block.init_nanos = amount,
            name if name == first || name == warmup => block.warmup_nanos.push(amount),
            name if name == steady => block.steady_nanos.push(amount),
            other => return Err(rows.wrong(row, "phase", PHASES.join(", "), other)),
        }
    }
    match cells.iter().zip(&opened).position(|(cell, opened)| cell.blocks.len() != *opened) {
        Some(cell) => Err(rows.wrong(
            rows.count(),
            "phase",
            format!("an init row for each block of cell {cell}"),
            "fewer",
        )),
        None => Ok(()),
    }
}

/// Nanoseconds, or the instructions of an emulated device.
fn amounts(rows: &Rows<'_>) -> Result<Vec<u64>> {
    either(rows, "nanos", "instructions")
}

fn either(rows: &Rows<'_>, nanos: &'static str, instructions: &'static str) -> Result<Vec<u64>> {
    let counts = rows.u64s_or_null(instructions)?;
    let times = rows.u64s_or_null(nanos)?.into_iter();
    rows.all(nanos, times.zip(counts).map(|(time, count)| time.or(count)).collect())
}

fn predictions(rows: &Rows<'_>, cells: &mut [CellRecord]) -> Result<()> {
    let owners = owners(rows)?;
    let mut examples = rows.u32s("example")?.into_iter();
    let mut labels = rows.u32s("label")?.into_iter();
    let mut tops = tops(rows)?.into_iter();
    let answers = rows.build(|| {
        Some(PredictionRecord { example: examples.next()?, label: labels.next()?, top: tops.next()? })
    })?;
    for (row, (owner, answer)) in owners.into_iter().zip(answers).enumerate() {
        let evaluation = cells.get_mut(owner).and_then(|cell| cell.evaluation.as_mut());
        let evaluation =
            evaluation.ok_or_else(|| rows.wrong(row, "cell", "a cell with a data set", owner))?;
        evaluation.predictions.push(answer);
    }
    Ok(())
}

fn ops(rows: &Rows<'_>, cells: &mut [CellRecord]) -> Result<()> {
    let owners = owners(rows)?;
    let mut indices = rows.u32s("index")?.into_iter();
    let mut operators = rows.texts("operator")?.into_iter();
    let mut outputs = rows.texts("output")?.into_iter();
    let mut kernels = rows.texts("kernel")?.into_iter();
    let mut macs = rows.u64s("macs")?.into_iter();
    let mut runs = rows.u32s("op_runs")?.into_iter();
    let mut firsts = either(rows, "op_first_nanos", "op_first_instructions")?.into_iter();
    let mut medians = either(rows, "op_median_nanos", "op_median_instructions")?.into_iter();
    let mut totals = either(rows, "op_total_nanos", "op_total_instructions")?.into_iter();
    let ops = rows.build(|| {
        Some(OpRecord {
            index: indices.next()?,
            operator: operators.next()?,
            output: outputs.next()?,
            kernel: kernels.next()?,
            macs: macs.next()?,
            runs: runs.next()?,
            first_nanos: firsts.next()?,
            median_nanos: medians.next()?,
            total_nanos: totals.next()?,
        })
    })?;
    for (row, (owner, op)) in owners.into_iter().zip(ops).enumerate() {
        let cell = cells.get_mut(owner).ok_or_else(|| rows.wrong(row, "cell", "a cell's number", owner))?;
        cell.ops.push(op);
    }
    Ok(())
}

fn tops(rows: &Rows<'_>) -> Result<Vec<Vec<(u32, f32)>>> {
    let classes = rows.all("top_classes", rows.u32_lists_or_null("top_classes")?)?;
    let scores = rows.all("top_scores", rows.f32_lists_or_null("top_scores")?)?;
    let top = |(row, (classes, scores)): (usize, (Vec<u32>, Vec<f32>))| {
        if classes.len() != scores.len() {
            return Err(rows.wrong(row, "top_scores", classes.len(), scores.len()));
        }
        Ok(classes.into_iter().zip(scores).collect())
    };
    classes.into_iter().zip(scores).enumerate().map(top).collect()
}
