//! From the record to dataframes: one row a thing, one dataframe a kind.

use std::iter::once;

use polars::prelude::{
    BooleanChunked, ChunkFull, Column, DataFrame, DataType, Float32Chunked, Float32Type, Float64Chunked,
    Int32Chunked, IntoColumn, IntoSeries, ListBuilderTrait, ListPrimitiveChunkedBuilder, NewChunkedArray,
    PolarsResult, StringChunked, UInt32Chunked, UInt32Type, UInt64Chunked,
};

use super::{Frames, Kind};
use crate::record::{
    BlockRecord, CellRecord, ConditionRecord, Energy, FORMAT_VERSION, OpRecord, Outcome, PredictionRecord,
    RunRecord,
};
use crate::summary::flat::{FIGURES, Figure, outcome_name};
use crate::summary::summarize_in_order;

/// The run as one dataframe a kind.
pub fn frames(run: &RunRecord) -> PolarsResult<Frames> {
    Ok(Frames {
        run: run_frame(run)?,
        devices: devices(run)?,
        artifacts: artifacts(run)?,
        cells: cells(run)?,
        blocks: blocks(run)?,
        samples: samples(run)?,
        predictions: predictions(run)?,
        ops: ops(run)?,
    })
}

/// A dataframe in the making.
struct Table {
    height: usize,
    columns: Vec<Column>,
}

impl Table {
    fn new(kind: Kind, run: &RunRecord, height: usize) -> Self {
        let repeated =
            |name: &str, value: &str| StringChunked::full(name.into(), value, height).into_column();
        let version = UInt32Chunked::full("format_version".into(), FORMAT_VERSION, height).into_column();
        let columns = vec![version, repeated("kind", kind.name()), repeated("run_id", &run.run.id)];
        Self { height, columns }
    }

    fn texts<'a>(self, name: &str, values: impl Iterator<Item = Option<&'a str>>) -> Self {
        self.with(StringChunked::from_iter_options(name.into(), values))
    }

    fn flags(self, name: &str, values: impl Iterator<Item = Option<bool>>) -> Self {
        self.with(BooleanChunked::from_iter_options(name.into(), values))
    }

    fn u32s(self, name: &str, values: impl Iterator<Item = Option<u32>>) -> Self {
        self.with(UInt32Chunked::from_iter_options(name.into(), values))
    }

    fn u64s(self, name: &str, values: impl Iterator<Item = Option<u64>>) -> Self {
        self.with(UInt64Chunked::from_iter_options(name.into(), values))
    }

    fn i32s(self, name: &str, values: impl Iterator<Item = Option<i32>>) -> Self {
        self.with(Int32Chunked::from_iter_options(name.into(), values))
    }

    fn f32s(self, name: &str, values: impl Iterator<Item = Option<f32>>) -> Self {
        self.with(Float32Chunked::from_iter_options(name.into(), values))
    }

    fn f64s(self, name: &str, values: impl Iterator<Item = Option<f64>>) -> Self {
        self.with(Float64Chunked::from_iter_options(name.into(), values))
    }

    /// Texts that this table makes itself, such as JSON.
    fn made_texts(self, name: &str, values: impl Iterator<Item = Option<String>>) -> Self {
        let values: Vec<Option<String>> = values.collect();
        self.texts(name, values.iter().map(Option::as_deref))
    }

    fn u32_lists(self, name: &str, values: impl Iterator<Item = Option<Vec<u32>>>) -> Self {
        let mut builder = ListPrimitiveChunkedBuilder::<UInt32Type>::new(
            name.into(),
            self.height,
            self.height,
            DataType::UInt32,
        );
        values.for_each(|value| builder.append_opt_slice(value.as_deref()));
        self.with(builder.finish())
    }

    fn f32_lists(self, name: &str, values: impl Iterator<Item = Option<Vec<f32>>>) -> Self {
        let mut builder = ListPrimitiveChunkedBuilder::<Float32Type>::new(
            name.into(),
            self.height,
            self.height,
            DataType::Float32,
        );
        values.for_each(|value| builder.append_opt_slice(value.as_deref()));
        self.with(builder.finish())
    }

    /// The columns that name a cell, for rows that belong to one.
    fn cell_names<'a>(self, owners: impl Iterator<Item = (usize, &'a CellRecord)> + Clone) -> Self {
        let named = |name: fn(&CellRecord) -> &str| owners.clone().map(move |(_, record)| Some(name(record)));
        self.u32s("cell", owners.clone().map(|(at, _)| u32::try_from(at).ok()))
            .texts("device", named(|record| &record.cell.device))
            .texts("model", named(|record| &record.cell.model))
            .texts("variant", named(|record| &record.cell.variant))
            .texts("runtime", named(|record| &record.cell.runtime))
            .u32s("threads", owners.map(|(_, record)| Some(u32::from(record.cell.threads))))
    }

    fn with(mut self, values: impl IntoSeries) -> Self {
        self.columns.push(values.into_series().into_column());
        self
    }

    fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name() == name)
    }

    fn finish(self) -> PolarsResult<DataFrame> {
        DataFrame::new(self.height, self.columns)
    }
}

fn run_frame(run: &RunRecord) -> PolarsResult<DataFrame> {
    let info = &run.run;
    let text = once::<Option<&str>>;
    Table::new(Kind::Run, run, 1)
        .made_texts("record_digest", once(Some(digest(run))))
        .texts("suite", text(Some(&info.suite)))
        .texts("suite_description", text(Some(&info.suite_description)))
        .texts("started_at", text(Some(&info.started_at)))
        .texts("finished_at", text(info.finished_at.as_deref()))
        .made_texts("arguments", once(Some(json(&info.arguments))))
        .texts("tool_version", text(Some(&info.tool_version)))
        .texts("git_revision", text(info.git_revision.as_deref()))
        .texts("source_hash", text(Some(&info.source_hash)))
        .u64s("seed", once(Some(info.seed)))
        .made_texts("properties", once(Some(json(&info.controller))))
        .finish()
}

fn devices(run: &RunRecord) -> PolarsResult<DataFrame> {
    let rows = run.devices.iter();
    Table::new(Kind::Device, run, run.devices.len())
        .texts("device", rows.clone().map(|one| Some(&*one.name)))
        .made_texts("properties", rows.clone().map(|one| Some(json(&one.properties))))
        .texts("transport", rows.clone().map(|one| Some(&*one.transport)))
        .flags("emulated", rows.clone().map(|one| Some(one.emulated)))
        .texts("agent_version", rows.clone().map(|one| one.agent_version.as_deref()))
        .texts("agent_target", rows.clone().map(|one| one.agent_target.as_deref()))
        .u64s("agent_bytes", rows.clone().map(|one| one.agent_bytes))
        .texts("problem", rows.map(|one| one.problem.as_deref()))
        .finish()
}

fn artifacts(run: &RunRecord) -> PolarsResult<DataFrame> {
    let rows = run.artifacts.iter();
    Table::new(Kind::Artifact, run, run.artifacts.len())
        .texts("model", rows.clone().map(|one| Some(&*one.model)))
        .texts("variant", rows.clone().map(|one| Some(&*one.variant)))
        .texts("problem", rows.clone().map(|one| one.problem.as_deref()))
        .texts("quantize", rows.clone().map(|one| Some(&*one.quantize)))
        .texts("digest", rows.clone().map(|one| Some(&*one.digest)))
        .u64s("file_bytes", rows.clone().map(|one| Some(one.file_bytes)))
        .texts("source_digest", rows.clone().map(|one| Some(&*one.source_digest)))
        .texts("path", rows.clone().map(|one| Some(&*one.path)))
        .u64s("calibration_samples", rows.clone().map(|one| one.calibration_samples))
        .made_texts("left_alone", rows.map(|one| Some(json(&one.left_alone))))
        .finish()
}

fn cells(run: &RunRecord) -> PolarsResult<DataFrame> {
    let rows = run.cells.iter();
    let failure = |one: &'_ CellRecord| match &one.outcome {
        Outcome::Failed { stage, reason } => (Some(stage.clone()), Some(reason.clone())),
        _ => (None, None),
    };
    let (stages, reasons): (Vec<_>, Vec<_>) = rows.clone().map(failure).unzip();
    let memory = rows.clone().map(|one| one.memory.as_ref());
    let evaluation = rows.clone().map(|one| one.evaluation.as_ref());
    let table = Table::new(Kind::Cell, run, run.cells.len())
        .cell_names(rows.clone().enumerate())
        .texts("outcome", rows.clone().map(|one| Some(outcome_name(&one.outcome))))
        .texts("stage", stages.iter().map(Option::as_deref))
        .texts("reason", reasons.iter().map(Option::as_deref))
        .u64s("arena_bytes", memory.clone().map(|one| Some(one?.arena_bytes)))
        .u64s("packed_bytes", memory.clone().map(|one| Some(one?.packed_bytes)))
        .made_texts("kernels", memory.map(|one| Some(json(&one?.kernels))))
        .texts("dataset", evaluation.clone().map(|one| Some(&*one?.dataset)))
        .texts("split", evaluation.clone().map(|one| Some(&*one?.split)))
        .texts("pack_digest", evaluation.map(|one| Some(&*one?.pack_digest)));
    with_figures(table, run).finish()
}

/// Adds the derived figures under names that are not taken by what was measured.
fn with_figures(mut table: Table, run: &RunRecord) -> Table {
    let summaries = summarize_in_order(run);
    for (name, figure) in FIGURES {
        if table.has(name) {
            continue;
        }
        let rows = summaries.iter();
        table = match figure {
            Figure::Count(read) => table.u64s(name, rows.map(read)),
            Figure::Number(read) => table.f64s(name, rows.map(read)),
            Figure::Flag(read) => table.flags(name, rows.map(read)),
            Figure::Text(read) => {
                let texts: Vec<Option<String>> = rows.map(read).collect();
                table.texts(name, texts.iter().map(Option::as_deref))
            }
        };
    }
    table
}

fn blocks(run: &RunRecord) -> PolarsResult<DataFrame> {
    let rows: Vec<(usize, &CellRecord, &BlockRecord)> =
        owners(run).flat_map(|(at, cell)| cell.blocks.iter().map(move |block| (at, cell, block))).collect();
    let blocks = rows.iter().map(|(_, _, block)| *block);
    // On an emulated device no clock was read.
    let read = |cell: &CellRecord, nanos: u64| {
        Some(nanos).filter(|nanos| *nanos > 0 || !run.is_emulated(&cell.cell))
    };
    let clocks = rows.iter().map(|(_, cell, block)| (*cell, *block));
    let energy = |block: &'_ BlockRecord| match &block.energy {
        Energy::Measured { meter, microjoules } => (Some(meter.clone()), Some(*microjoules)),
        Energy::Unmeasured => (None, None),
    };
    let (meters, energies): (Vec<_>, Vec<_>) = blocks.clone().map(energy).unzip();
    let table = Table::new(Kind::Block, run, rows.len())
        .cell_names(rows.iter().map(|(at, cell, _)| (*at, *cell)))
        .u32s("block", blocks.clone().map(|one| Some(one.block)))
        .texts("started_at", blocks.clone().map(|one| Some(&*one.started_at)))
        .u64s("timer_overhead_nanos", clocks.clone().map(|(cell, one)| read(cell, one.timer_overhead_nanos)))
        .u64s("steady_cpu_nanos", blocks.clone().map(|one| one.steady_cpu_nanos))
        .u64s("steady_wall_nanos", clocks.map(|(cell, one)| read(cell, one.steady_wall_nanos)))
        .u64s("peak_rss_bytes", blocks.clone().map(|one| one.peak_rss_bytes))
        .texts("energy_meter", meters.iter().map(Option::as_deref))
        .f64s("energy_microjoules", energies.into_iter())
        .texts("invalid", blocks.clone().map(|one| one.invalid.as_deref()));
    let table = conditions(table, "before", blocks.clone().map(|one| &one.before));
    conditions(table, "after", blocks.map(|one| &one.after)).finish()
}

fn conditions<'a>(
    table: Table,
    when: &str,
    rows: impl Iterator<Item = &'a ConditionRecord> + Clone,
) -> Table {
    let name = |what: &str| format!("{when}_{what}");
    table
        .f32s(&name("load_1m"), rows.clone().map(|one| one.load_1m))
        .u32s(&name("cpu_khz"), rows.clone().map(|one| one.cpu_khz))
        .i32s(&name("temperature_millicelsius"), rows.clone().map(|one| one.temperature_millicelsius))
        .u64s(&name("throttle_count"), rows.clone().map(|one| one.throttle_count))
        .u64s(&name("steal_ticks"), rows.map(|one| one.steal_ticks))
}

/// One timed event of a block.
struct Timed<'a> {
    owner: (usize, &'a CellRecord),
    block: u32,
    phase: &'static str,
    index: u32,
    /// Nanoseconds, or instructions on an emulated device.
    amount: u64,
}

/// What `phase` says: `init` opens a block, `first` is the first warm-up run.
pub(super) const PHASES: [&str; 4] = ["init", "first", "warmup", "steady"];

fn samples(run: &RunRecord) -> PolarsResult<DataFrame> {
    let mut rows: Vec<Timed<'_>> = Vec::new();
    for owner in owners(run) {
        owner.1.blocks.iter().for_each(|block| rows.extend(timed(owner, block)));
    }
    Table::new(Kind::Sample, run, rows.len())
        .cell_names(rows.iter().map(|one| one.owner))
        .u32s("block", rows.iter().map(|one| Some(one.block)))
        .texts("phase", rows.iter().map(|one| Some(one.phase)))
        .u32s("index", rows.iter().map(|one| Some(one.index)))
        .u64s(
            "nanos",
            rows.iter().map(|one| Some(one.amount).filter(|_| !run.is_emulated(&one.owner.1.cell))),
        )
        .u64s(
            "instructions",
            rows.iter().map(|one| Some(one.amount).filter(|_| run.is_emulated(&one.owner.1.cell))),
        )
        .finish()
}

fn timed<'a>(owner: (usize, &'a CellRecord), block: &'a BlockRecord) -> impl Iterator<Item = Timed<'a>> {
    let [init, first, warmup, steady] = PHASES;
    let (front, rest) = block.warmup_nanos.split_at(block.warmup_nanos.len().min(1));
    let phase = move |phase: &'static str, amounts: Vec<u64>| {
        let row = move |(index, amount)| Timed { owner, block: block.block, phase, index, amount };
        (0u32..).zip(amounts).map(row)
    };
    phase(init, vec![block.init_nanos])
        .chain(phase(first, front.to_vec()))
        .chain(phase(warmup, rest.to_vec()))
        .chain(phase(steady, block.steady_nanos.clone()))
}

fn predictions(run: &RunRecord) -> PolarsResult<DataFrame> {
    let mut rows: Vec<((usize, &CellRecord), &PredictionRecord)> = Vec::new();
    for owner in owners(run) {
        let predictions = owner.1.evaluation.iter().flat_map(|evaluation| &evaluation.predictions);
        rows.extend(predictions.map(|one| (owner, one)));
    }
    let answers = rows.iter().map(|(_, one)| *one);
    Table::new(Kind::Prediction, run, rows.len())
        .cell_names(rows.iter().map(|(owner, _)| *owner))
        .u32s("example", answers.clone().map(|one| Some(one.example)))
        .u32s("label", answers.clone().map(|one| Some(one.label)))
        .u32s("predicted", answers.clone().map(PredictionRecord::predicted))
        .flags("right", answers.clone().map(|one| Some(one.is_right())))
        .u32_lists(
            "top_classes",
            answers.clone().map(|one| Some(one.top.iter().map(|(class, _)| *class).collect())),
        )
        .f32_lists("top_scores", answers.map(|one| Some(one.top.iter().map(|(_, score)| *score).collect())))
        .finish()
}

fn ops(run: &RunRecord) -> PolarsResult<DataFrame> {
    let rows: Vec<((usize, &CellRecord), &OpRecord)> =
        owners(run).flat_map(|owner| owner.1.ops.iter().map(move |op| (owner, op))).collect();
    let ops = rows.iter().map(|(_, op)| *op);
    let emulated = |cell: &CellRecord| run.is_emulated(&cell.cell);
    let nanos = |read: fn(&OpRecord) -> u64| {
        rows.iter().map(move |((_, cell), op)| Some(read(op)).filter(|_| !emulated(cell)))
    };
    let counts = |read: fn(&OpRecord) -> u64| {
        rows.iter().map(move |((_, cell), op)| Some(read(op)).filter(|_| emulated(cell)))
    };
    Table::new(Kind::Op, run, rows.len())
        .cell_names(rows.iter().map(|(owner, _)| *owner))
        .u32s("index", ops.clone().map(|one| Some(one.index)))
        .texts("operator", ops.clone().map(|one| Some(&*one.operator)))
        .texts("output", ops.clone().map(|one| Some(&*one.output)))
        .texts("kernel", ops.clone().map(|one| Some(&*one.kernel)))
        .u64s("macs", ops.clone().map(|one| Some(one.macs)))
        .u32s("op_runs", ops.map(|one| Some(one.runs)))
        .u64s("op_first_nanos", nanos(|one| one.first_nanos))
        .u64s("op_median_nanos", nanos(|one| one.median_nanos))
        .u64s("op_total_nanos", nanos(|one| one.total_nanos))
        .u64s("op_first_instructions", counts(|one| one.first_nanos))
        .u64s("op_median_instructions", counts(|one| one.median_nanos))
        .u64s("op_total_instructions", counts(|one| one.total_nanos))
        .f64s("op_share", rows.iter().map(|((_, cell), op)| op.share_of(cell)))
        .finish()
}

fn owners(run: &RunRecord) -> impl Iterator<Item = (usize, &CellRecord)> {
    run.cells.iter().enumerate()
}

/// BLAKE3 of the record in postcard's wire format, which is fixed since its version 1.0: what is read back must give
/// the same, whatever happened to the file.
pub(super) fn digest(run: &RunRecord) -> String {
    // Growing a vector cannot fail, and the record has no type that postcard refuses.
    let bytes = postcard::to_allocvec(run).unwrap_or_default();
    blake3::hash(&bytes).to_hex().to_string()
}

/// Texts, numbers and maps of texts only: such values cannot fail to become JSON.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
