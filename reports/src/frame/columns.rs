//! The columns of the Parquet file: the one table that writing, reading and `record/COLUMNS.md` are held to.

use polars::prelude::DataType;

/// What a row is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The run itself.
    Run,
    /// A device.
    Device,
    /// A variant of a model.
    Artifact,
    /// A cell and its figures.
    Cell,
    /// A block.
    Block,
    /// A timed event of a block.
    Sample,
    /// The answer to one example.
    Prediction,
    /// An operator and its time.
    Op,
}

impl Kind {
    /// All of them, in the order their rows stand in the file.
    pub const ALL: [Self; 8] = [
        Self::Run,
        Self::Device,
        Self::Artifact,
        Self::Cell,
        Self::Block,
        Self::Sample,
        Self::Prediction,
        Self::Op,
    ];

    /// What stands in the column `kind`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Device => "device",
            Self::Artifact => "artifact",
            Self::Cell => "cell",
            Self::Block => "block",
            Self::Sample => "sample",
            Self::Prediction => "prediction",
            Self::Op => "op",
        }
    }
}

/// Type of a column, in the file and in a dataframe. There is no list of texts: polars writes them as views, which
/// pandas cannot read within lists; such columns are JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    /// UTF-8.
    Text,
    /// True or false.
    Flag,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 32 bits.
    I32,
    /// IEEE single.
    F32,
    /// IEEE double.
    F64,
    /// List of unsigned 32-bit numbers.
    U32s,
    /// List of IEEE singles.
    F32s,
}

impl ColumnType {
    /// As the documentation calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Flag => "bool",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::U32s => "list of u32",
            Self::F32s => "list of f32",
        }
    }

    pub(super) fn data_type(self) -> DataType {
        let list = |inner| DataType::List(Box::new(inner));
        match self {
            Self::Text => DataType::String,
            Self::Flag => DataType::Boolean,
            Self::U32 => DataType::UInt32,
            Self::U64 => DataType::UInt64,
            Self::I32 => DataType::Int32,
            Self::F32 => DataType::Float32,
            Self::F64 => DataType::Float64,
            Self::U32s => list(DataType::UInt32),
            Self::F32s => list(DataType::Float32),
        }
    }
}

/// One column and the kinds of rows that fill it; in all others it is null.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ColumnSpec {
    /// Heading.
    pub name: &'static str,
    /// Type of its values.
    pub column_type: ColumnType,
    /// Kinds of rows that may fill it.
    pub kinds: &'static [Kind],
}

const fn column(name: &'static str, column_type: ColumnType, kinds: &'static [Kind]) -> ColumnSpec {
    ColumnSpec { name, column_type, kinds }
}

use ColumnType::{F32, F32s, F64, Flag, I32, Text, U32, U32s, U64};
use Kind::{Artifact, Block, Cell, Device, Op, Prediction, Run, Sample};

const ALL: &[Kind] = &Kind::ALL;
const OF_CELLS: &[Kind] = &[Cell, Block, Sample, Prediction, Op];

/// Every column, in the order of the file.
pub const COLUMNS: &[ColumnSpec] = &[
    column("format_version", U32, ALL),
    column("kind", Text, ALL),
    column("run_id", Text, ALL),
    column("cell", U32, OF_CELLS),
    column("device", Text, &[Device, Cell, Block, Sample, Prediction, Op]),
    column("model", Text, &[Artifact, Cell, Block, Sample, Prediction, Op]),
    column("variant", Text, &[Artifact, Cell, Block, Sample, Prediction, Op]),
    column("runtime", Text, OF_CELLS),
    column("threads", U32, OF_CELLS),
    column("block", U32, &[Block, Sample]),
    column("phase", Text, &[Sample]),
    column("index", U32, &[Sample, Op]),
    column("nanos", U64, &[Sample]),
    column("instructions", U64, &[Sample]),
    column("example", U32, &[Prediction]),
    column("label", U32, &[Prediction]),
    column("predicted", U32, &[Prediction]),
    column("right", Flag, &[Prediction]),
    column("top_classes", U32s, &[Prediction]),
    column("top_scores", F32s, &[Prediction]),
    column("operator", Text, &[Op]),
    column("output", Text, &[Op]),
    column("kernel", Text, &[Op]),
    column("macs", U64, &[Op]),
    column("op_runs", U32, &[Op]),
    column("op_first_nanos", U64, &[Op]),
    column("op_median_nanos", U64, &[Op]),
    column("op_total_nanos", U64, &[Op]),
    column("op_first_instructions", U64, &[Op]),
    column("op_median_instructions", U64, &[Op]),
    column("op_total_instructions", U64, &[Op]),
    column("op_share", F64, &[Op]),
    column("record_digest", Text, &[Run]),
    column("suite", Text, &[Run]),
    column("suite_description", Text, &[Run]),
    column("started_at", Text, &[Run, Block]),
    column("finished_at", Text, &[Run]),
    column("arguments", Text, &[Run]),
    column("tool_version", Text, &[Run]),
    column("git_revision", Text, &[Run]),
    column("source_hash", Text, &[Run]),
    column("seed", U64, &[Run]),
    column("properties", Text, &[Run, Device]),
    column("transport", Text, &[Device]),
    column("emulated", Flag, &[Device, Cell]),
    column("agent_version", Text, &[Device]),
    column("agent_target", Text, &[Device]),
    column("agent_bytes", U64, &[Device]),
    column("problem", Text, &[Device, Artifact]),
    column("quantize", Text, &[Artifact, Cell]),
    column("digest", Text, &[Artifact]),
    column("file_bytes", U64, &[Artifact, Cell]),
    column("source_digest", Text, &[Artifact]),
    column("path", Text, &[Artifact]),
    column("calibration_samples", U64, &[Artifact]),
    column("left_alone", Text, &[Artifact]),
    column("outcome", Text, &[Cell]),
    column("stage", Text, &[Cell]),
    column("reason", Text, &[Cell]),
    column("arena_bytes", U64, &[Cell]),
    column("packed_bytes", U64, &[Cell]),
    column("kernels", Text, &[Cell]),
    column("dataset", Text, &[Cell]),
    column("split", Text, &[Cell]),
    column("pack_digest", Text, &[Cell]),
    column("timer_overhead_nanos", U64, &[Block]),
    column("steady_cpu_nanos", U64, &[Block]),
    column("steady_wall_nanos", U64, &[Block]),
    column("peak_rss_bytes", U64, &[Block, Cell]),
    column("energy_meter", Text, &[Block]),
    column("energy_microjoules", F64, &[Block]),
    column("before_load_1m", F32, &[Block]),
    column("before_cpu_khz", U32, &[Block]),
    column("before_temperature_millicelsius", I32, &[Block]),
    column("before_throttle_count", U64, &[Block]),
    column("before_steal_ticks", U64, &[Block]),
    column("after_load_1m", F32, &[Block]),
    column("after_cpu_khz", U32, &[Block]),
    column("after_temperature_millicelsius", I32, &[Block]),
    column("after_throttle_count", U64, &[Block]),
    column("after_steal_ticks", U64, &[Block]),
    column("invalid", Text, &[Block]),
    column("size_ratio", F64, &[Cell]),
    column("blocks", U64, &[Cell]),
    column("samples", U64, &[Cell]),
    column("init_nanos", F64, &[Cell]),
    column("first_nanos", F64, &[Cell]),
    column("median_nanos", F64, &[Cell]),
    column("median_lower_nanos", F64, &[Cell]),
    column("median_upper_nanos", F64, &[Cell]),
    column("median_confidence", F64, &[Cell]),
    column("p90_nanos", F64, &[Cell]),
    column("p99_nanos", F64, &[Cell]),
    column("init_instructions", F64, &[Cell]),
    column("first_instructions", F64, &[Cell]),
    column("median_instructions", F64, &[Cell]),
    column("median_lower_instructions", F64, &[Cell]),
    column("median_upper_instructions", F64, &[Cell]),
    column("p90_instructions", F64, &[Cell]),
    column("p99_instructions", F64, &[Cell]),
    column("speed", F64, &[Cell]),
    column("speed_lower", F64, &[Cell]),
    column("speed_upper", F64, &[Cell]),
    column("speed_confidence", F64, &[Cell]),
    column("examples", U64, &[Cell]),
    column("top1", F64, &[Cell]),
    column("top1_lower", F64, &[Cell]),
    column("top1_upper", F64, &[Cell]),
    column("top5", F64, &[Cell]),
    column("right_to_wrong", U64, &[Cell]),
    column("wrong_to_right", U64, &[Cell]),
    column("mcnemar_mid_p", F64, &[Cell]),
    column("inference_meter", Text, &[Cell]),
    column("inference_microjoules", F64, &[Cell]),
    column("warnings", Text, &[Cell]),
];

/// Columns that a file of an older version lacks: the version that brought them, and their names.
pub(super) const ADDED: &[(u32, &[&str])] = &[
    (
        2,
        &[
            "instructions",
            "init_instructions",
            "first_instructions",
            "median_instructions",
            "median_lower_instructions",
            "median_upper_instructions",
            "p90_instructions",
            "p99_instructions",
        ],
    ),
    (
        3,
        &[
            "operator",
            "output",
            "kernel",
            "macs",
            "op_runs",
            "op_first_nanos",
            "op_median_nanos",
            "op_total_nanos",
            "op_first_instructions",
            "op_median_instructions",
            "op_total_instructions",
            "op_share",
        ],
    ),
];
