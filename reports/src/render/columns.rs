//! The columns of the table of cells, shared by the terminal, Markdown and the page: a new figure is a new row here.

use super::figures::{self, ABSENT};
use crate::summary::{CellSummary, EnergySummary, Group};

/// How a column stands in the table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Names the row.
    Name,
    /// By itself.
    Own,
    /// Adds an interval to the column before it.
    Addition,
}

/// One column of the table.
pub(super) struct Column {
    /// Heading.
    pub(super) title: &'static str,
    /// What the figure is, in one sentence.
    pub(super) meaning: &'static str,
    /// Dropped first where room is short: the highest number. Zero is never dropped.
    pub(super) rank: u8,
    /// How it stands in the table.
    pub(super) place: Place,
    /// The figure; none where there is none.
    pub(super) text: fn(&CellSummary) -> Option<String>,
}

/// A figure or the sign that there is none.
pub(super) fn text(column: &Column, cell: &CellSummary) -> String {
    (column.text)(cell).unwrap_or_else(|| ABSENT.to_owned())
}

/// The columns that say something about at least one cell of the group, always with the first.
pub(super) fn columns_of(group: &Group) -> Vec<&'static Column> {
    let says =
        |column: &&Column| column.rank == 0 || group.cells.iter().any(|cell| (column.text)(cell).is_some());
    COLUMNS.iter().filter(says).collect()
}

/// As [`columns_of`], each with the column that adds to it, for formats that write both in one place.
pub(super) fn with_additions(group: &Group) -> Vec<(&'static Column, Option<&'static Column>)> {
    let mut pairs: Vec<(&'static Column, Option<&'static Column>)> = Vec::new();
    for column in columns_of(group) {
        match pairs.last_mut() {
            Some((_, addition)) if column.place == Place::Addition => *addition = Some(column),
            _ => pairs.push((column, None)),
        }
    }
    pairs
}

/// In reading order: what it is, how big, how fast, how right, what it takes.
const COLUMNS: &[Column] = &[
    Column {
        title: "variant",
        meaning: "The quantized form of the network.",
        rank: 0,
        place: Place::Name,
        text: |cell| Some(cell.cell.variant.clone()),
    },
    Column {
        title: "file",
        meaning: "Length of the model file.",
        rank: 1,
        place: Place::Own,
        text: |cell| cell.file_bytes.map(figures::bytes),
    },
    Column {
        title: "vs ref",
        meaning: "Length of the file by that of the reference, the first variant that is not quantized.",
        rank: 3,
        place: Place::Own,
        text: |cell| cell.size_ratio.map(|ratio| format!("{ratio:.2}")),
    },
    Column {
        title: "median",
        meaning: "Median latency of one inference: the median of the medians of the blocks.",
        rank: 0,
        place: Place::Own,
        text: |cell| {
            let latency = cell.latency.as_ref()?;
            Some(figures::latency(latency.median.median, latency.emulated))
        },
    },
    Column {
        title: "median interval",
        meaning: "Interval of that median over blocks; its level depends on how many blocks there are and is stated \
                  below the table.",
        rank: 4,
        place: Place::Addition,
        text: |cell| figures::latency_interval(cell.latency.as_ref()?),
    },
    Column {
        title: "p90",
        meaning: "Nine of ten inferences took no longer. Shown from 100 samples on.",
        rank: 6,
        place: Place::Own,
        text: |cell| {
            let latency = cell.latency.as_ref()?;
            Some(figures::tail(latency.p90, latency.emulated))
        },
    },
    Column {
        title: "p99",
        meaning: "99 of 100 inferences took no longer. Shown from 1,000 samples on.",
        rank: 9,
        place: Place::Own,
        text: |cell| {
            let latency = cell.latency.as_ref()?;
            Some(figures::tail(latency.p99, latency.emulated))
        },
    },
    Column {
        title: "speed",
        meaning: "Median latency of the reference by that of the variant: above 1 the variant is faster.",
        rank: 1,
        place: Place::Own,
        text: |cell| cell.speed.as_ref().map(|speed| figures::times(speed.ratio.ratio)),
    },
    Column {
        title: "speed interval",
        meaning: "Interval of the speed, from a seeded bootstrap over blocks.",
        rank: 8,
        place: Place::Addition,
        text: |cell| cell.speed.as_ref()?.ratio.interval.map(figures::times_interval),
    },
    Column {
        title: "vs peer",
        meaning: "Median latency of the same network in the other runtime by that in this one: above 1 this one is faster.",
        rank: 1,
        place: Place::Own,
        text: |cell| cell.against_peer.as_ref().map(|speed| figures::times(speed.ratio.ratio)),
    },
    Column {
        title: "vs peer interval",
        meaning: "Interval of the speed against the other runtime, from a seeded bootstrap over blocks.",
        rank: 8,
        place: Place::Addition,
        text: |cell| cell.against_peer.as_ref()?.ratio.interval.map(figures::times_interval),
    },
    Column {
        title: "top-1",
        meaning: "Share of examples whose first answer is right.",
        rank: 1,
        place: Place::Own,
        text: |cell| {
            let top1 = cell.accuracy.as_ref()?.top1;
            Some(figures::percent(top1.share(), top1.total))
        },
    },
    Column {
        title: "top-1 interval",
        meaning: "Wilson's 95 % interval of top-1, in percent: what the examples say about others like them.",
        rank: 7,
        place: Place::Addition,
        text: |cell| {
            let top1 = cell.accuracy.as_ref()?.top1;
            Some(figures::percent_interval(top1.interval, top1.total))
        },
    },
    Column {
        title: "top-5",
        meaning: "Share of examples with the right class among the first five answers.",
        rank: 10,
        place: Place::Own,
        text: |cell| {
            let top5 = cell.accuracy.as_ref()?.top5?;
            Some(figures::percent(top5.share(), top5.total))
        },
    },
    Column {
        title: "flips",
        meaning: "Answers the reference had right and the variant has wrong, and the reverse.",
        rank: 2,
        place: Place::Own,
        text: |cell| {
            let flips = cell.accuracy.as_ref()?.flips?;
            Some(format!("−{} +{}", flips.right_to_wrong, flips.wrong_to_right))
        },
    },
    Column {
        title: "init",
        meaning: "From the bytes of the file in memory to ready for the first inference, median over blocks.",
        rank: 13,
        place: Place::Own,
        text: |cell| cell.init.as_ref().map(|init| figures::latency(init.median, cell.emulated)),
    },
    Column {
        title: "first",
        meaning: "The very first inference of a process, median over blocks.",
        rank: 12,
        place: Place::Own,
        text: |cell| cell.first_inference.as_ref().map(|first| figures::latency(first.median, cell.emulated)),
    },
    Column {
        title: "arena",
        meaning: "High-water mark of the memory for activations.",
        rank: 5,
        place: Place::Own,
        text: |cell| cell.memory.as_ref().map(|memory| figures::bytes(memory.arena_bytes)),
    },
    Column {
        title: "packed",
        meaning: "Memory for weights rearranged for the kernels.",
        rank: 14,
        place: Place::Own,
        text: |cell| cell.memory.as_ref().map(|memory| figures::bytes(memory.packed_bytes)),
    },
    Column {
        title: "peak RSS",
        meaning: "Largest resident set of the process, everything included.",
        rank: 11,
        place: Place::Own,
        text: |cell| cell.peak_rss_bytes.map(figures::bytes),
    },
    Column {
        title: "energy",
        meaning: "Energy of one inference by the named meter, median over blocks.",
        rank: 15,
        place: Place::Own,
        text: |cell| match &cell.energy {
            EnergySummary::PerInference { meter, microjoules } => {
                Some(format!("{} ({meter})", figures::microjoules(microjoules.median)))
            }
            EnergySummary::Unmeasured => None,
        },
    },
];
