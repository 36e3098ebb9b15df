//! From the tables of a `suite.toml` to its types. What is wrong is noted and the rest is still checked.

use std::path::Path;
use std::time::Duration;

use edgebench_converter::{CalibrationOptions, Io, Method, Quantize};

use super::gate;
use super::{
    CalibrationPlan, Dataset, DatasetFormat, MODEL_PLACE, Measure, Model, Preprocess, SPLIT_ALL, Split,
    Suite, Task, Variant,
};
use crate::artifact::Source;
use crate::config::{ProblemKind, Table, Value, factor};

pub(super) fn suite(file: &Path, mut root: Table<'_>) -> Option<Suite> {
    let name = root.require("name", "the suite's name").and_then(|value| value.name());
    let description = optional(root.get("description"), |value| value.string().map(str::to_owned));
    let made_by = optional(root.get("made_by"), |value| value.string().map(str::to_owned));
    let dataset_tables = root.get("dataset");
    let known = Known::declared(dataset_tables.as_ref());
    let datasets = named(dataset_tables, "data set", dataset);
    let models = models(&mut root, &known);
    let variants = variants(&mut root, &known);
    let measure = optional(root.get("measure"), measure);
    let gate = optional(root.get("gate"), gate::of_suite);
    root.close();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(Suite {
        name: name?,
        description: description?.unwrap_or_default(),
        file: file.to_owned(),
        folder: folder.to_owned(),
        made_by: made_by?,
        models: models?,
        variants: variants?,
        datasets: datasets?,
        measure: measure?.unwrap_or_default(),
        gate: gate?.unwrap_or_default(),
    })
}

/// `Some(None)` when there is no such key, `None` when its value is wrong.
pub(super) fn optional<'d, T>(
    value: Option<Value<'d>>,
    check: impl FnOnce(&Value<'d>) -> Option<T>,
) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => check(&value).map(Some),
    }
}

/// Every entry of a table whose keys are names; no table is no entry.
fn named<'d, T>(
    tables: Option<Value<'d>>,
    what: &'static str,
    check: impl Fn(&str, Table<'d>) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(tables) = tables else { return Some(Vec::new()) };
    let entries = tables.table()?.named();
    let checked: Vec<Option<T>> = entries
        .iter()
        .map(|entry| {
            let name = entry.key_as_name(what, false);
            let checked = entry.table().and_then(|table| check(entry.key(), table));
            name.and(checked)
        })
        .collect();
    checked.into_iter().collect()
}

/// Names of the data sets, also of those that are otherwise wrong.
struct Known(Vec<String>);

impl Known {
    fn declared(tables: Option<&Value<'_>>) -> Self {
        Self(tables.map(Value::keys).unwrap_or_default())
    }

    fn check(&self, value: &Value<'_>) -> Option<String> {
        let name = value.name()?;
        if self.0.contains(&name) {
            return Some(name);
        }
        value.note(ProblemKind::UnknownName { what: "data set", found: name, known: self.0.clone() });
        None
    }
}

fn models(root: &mut Table<'_>, known: &Known) -> Option<Vec<Model>> {
    let entries =
        root.require("model", "at least one [[model]]")?.array(1..=MAX_ENTRIES, "[[model]] tables")?;
    let mut names = Vec::new();
    let checked: Vec<Option<Model>> = entries.iter().map(|entry| model(entry, known, &mut names)).collect();
    checked.into_iter().collect()
}

/// Models of a suite: each is a column of a report.
const MAX_ENTRIES: usize = 1000;

fn model(entry: &Value<'_>, known: &Known, names: &mut Vec<String>) -> Option<Model> {
    let mut table = entry.table()?;
    let name = table.require("name", "the model's name").and_then(|value| unique(&value, names));
    let source = table.require("source", SOURCE).and_then(|value| source(&value));
    let task = optional(table.get("task"), |value| value.choice(TASKS));
    let dataset = table.get("dataset");
    let split = table.get("split");
    let evaluation = match (&dataset, &split) {
        (Some(dataset), split) => evaluation(dataset, split.as_ref(), known).map(Some),
        (None, Some(split)) => split.conflict("`dataset` beside `split`", "no `dataset`"),
        (None, None) => Some(None),
    };
    table.close();
    Some(Model {
        name: name?,
        source: source?,
        task: task?.unwrap_or(Task::Classification),
        evaluation: evaluation?,
    })
}

const TASKS: &[(&str, Task)] = &[("classification", Task::Classification)];

fn unique(value: &Value<'_>, names: &mut Vec<String>) -> Option<String> {
    let name = value.name()?;
    if names.contains(&name) {
        value.note(ProblemKind::Duplicate { what: "model", name });
        return None;
    }
    names.push(name.clone());
    Some(name)
}

fn evaluation(dataset: &Value<'_>, split: Option<&Value<'_>>, known: &Known) -> Option<Split> {
    let dataset = known.check(dataset);
    let split = match split {
        None => Some(SPLIT_ALL.to_owned()),
        Some(split) => split.name(),
    };
    Some(Split { dataset: dataset?, split: split? })
}

const SOURCE: &str = "{ path }, { url, sha256 } or { mirror, sha256 }";

/// A file of the suite: by path, or anywhere by its sum.
fn source(value: &Value<'_>) -> Option<Source> {
    let mut table = value.table()?;
    let path = optional(table.get("path"), |value| value.text().map(Into::into));
    let url_value = table.get("url");
    let mirror_value = table.get("mirror");
    let url = optional(url_value.clone(), url);
    let mirror = optional(mirror_value.clone(), file_name);
    let sha256 = optional(table.get("sha256"), |value| value.parse("64 hex digits"));
    table.close();
    let (path, url, mirror, sha256) = (path?, url?, mirror?, sha256?);
    match (path, url.is_some() || mirror.is_some(), sha256) {
        (Some(path), false, sha256) => Some(Source::Path { path, sha256 }),
        (None, true, Some(sha256)) => Some(Source::Pinned { url, mirror, sha256 }),
        (Some(_), true, _) => {
            url_value.or(mirror_value)?.conflict("either `path`, or `url` and `mirror`", "both")
        }
        (None, true, None) => {
            let expected = "the SHA-256 of the file".to_owned();
            url_value.or(mirror_value)?.note(ProblemKind::MissingKey { key: "sha256".to_owned(), expected });
            None
        }
        (None, false, _) => value.conflict(SOURCE, "none of them"),
    }
}

fn url(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let known = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    let plain = text.chars().all(|letter| letter.is_ascii_graphic());
    if known && plain {
        Some(text.to_owned())
    } else {
        value.bad("an address that starts with https:// or http://")
    }
}

/// The name of a file in a folder that is given elsewhere: it must not lead out of it.
fn file_name(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let leads_out = text.is_empty() || text == "." || text == ".." || text.contains(['/', '\\', '\0', ':']);
    if leads_out { value.bad("a plain file name") } else { Some(text.to_owned()) }
}

fn variants(root: &mut Table<'_>, known: &Known) -> Option<Vec<Variant>> {
    let tables = root.require("variant", "at least one [variant.NAME]");
    let variants = named(Some(tables?), "variant", |name, table| variant(name, table, known))?;
    if variants.is_empty() {
        let expected = "at least one [variant.NAME]".to_owned();
        root.note_here(ProblemKind::MissingKey { key: "variant".to_owned(), expected });
        return None;
    }
    Some(variants)
}

const QUANTIZE: &[(&str, Quantize)] = &[
    ("none", Quantize::None),
    ("fp16", Quantize::Fp16),
    ("dynamic-int8", Quantize::DynamicInt8),
    ("full-int8", Quantize::FullInt8),
];

const IO: &[(&str, Io)] = &[("float", Io::Float), ("int8", Io::Int8), ("uint8", Io::Uint8)];

fn variant(name: &str, mut table: Table<'_>, known: &Known) -> Option<Variant> {
    if let Some(files) = table.get("files") {
        return given(name, table, &files);
    }
    let quantize_value = table.require("quantize", "one of: none, fp16, dynamic-int8, full-int8");
    let quantize = quantize_value.as_ref().and_then(|value| value.choice(QUANTIZE));
    let io_value = table.get("io");
    let io = optional(io_value.clone(), |value| value.choice(IO));
    let calibration_value = table.get("calibration");
    let calibration = optional(calibration_value.clone(), |value| calibration(value, known));
    let missing = quantize.is_some_and(Quantize::needs_calibration) && calibration_value.is_none();
    if missing {
        let expected =
            "{ dataset, split, samples, seed }: full-int8 takes activation ranges from it".to_owned();
        table.note_here(ProblemKind::MissingKey { key: "calibration".to_owned(), expected });
    }
    table.close();
    let (quantize, io, calibration) = (quantize?, io?.unwrap_or_default(), calibration?);
    if missing {
        return None;
    }
    let full = quantize == Quantize::FullInt8;
    let needs = "quantize = \"full-int8\"";
    let found = format!("\"{quantize}\"");
    match (calibration_value, io_value) {
        (Some(value), _) if !quantize.needs_calibration() => value.conflict(needs, &found),
        (_, Some(value)) if !full && io != Io::Float => value.conflict(needs, &found),
        _ => Some(Variant { name: name.to_owned(), quantize, io, calibration, files: None }),
    }
}

/// A variant whose files are there already.
fn given(name: &str, mut table: Table<'_>, files: &Value<'_>) -> Option<Variant> {
    let quantize = table.get("quantize");
    table.close();
    if let Some(quantize) = quantize {
        return quantize.conflict("no `files`, which are not quantized", "`files`");
    }
    let text = files.string()?;
    if !text.contains(MODEL_PLACE) {
        return files.conflict(&format!("a path with {MODEL_PLACE} in it"), &format!("\"{text}\""));
    }
    let (quantize, io) = (Quantize::None, Io::default());
    Some(Variant { name: name.to_owned(), quantize, io, calibration: None, files: Some(text.to_owned()) })
}

fn calibration(value: &Value<'_>, known: &Known) -> Option<CalibrationPlan> {
    let mut table = value.table()?;
    let defaults = CalibrationOptions::default();
    let dataset = table.require("dataset", "the name of a data set");
    let split = table.get("split");
    let split = dataset.and_then(|dataset| evaluation(&dataset, split.as_ref(), known));
    let samples = optional(table.get("samples"), |value| value.integer(1..=MAX_SAMPLES));
    let method = optional(table.get("method"), |value| value.choice(METHODS));
    let seed = optional(table.get("seed"), |value| value.integer(0..=u64::MAX));
    table.close();
    let options = CalibrationOptions {
        samples: samples?.unwrap_or(defaults.samples),
        seed: seed?.unwrap_or(defaults.seed),
        method: method?.unwrap_or(defaults.method),
    };
    Some(CalibrationPlan { split: split?, options })
}

/// Far beyond what any range gains from.
const MAX_SAMPLES: usize = 10_000_000;

const METHODS: &[(&str, Method)] = &[("min-max", Method::MinMax)];

#[derive(Clone, Copy)]
enum FormatName {
    Idx,
    ImagesZip,
}

const FORMATS: &[(&str, FormatName)] = &[("idx", FormatName::Idx), ("images-zip", FormatName::ImagesZip)];

fn dataset(name: &str, mut table: Table<'_>) -> Option<Dataset> {
    let source_value = table.require("source", SOURCE);
    let source = source_value.as_ref().and_then(source);
    let format = match table.get("format") {
        None => Some(FormatName::Idx),
        Some(value) => value.choice(FORMATS),
    };
    let format = format.and_then(|format| match format {
        FormatName::Idx => {
            let splits = optional(table.get("splits"), file_name);
            let in_folder = source_value.as_ref().zip(source.as_ref()).and_then(folder);
            in_folder.and(splits.map(|splits| DatasetFormat::Idx { splits }))
        }
        FormatName::ImagesZip => Some(DatasetFormat::ImagesZip),
    });
    if format.is_none() {
        // Whether a list of splits has a place here is not known either.
        let _ = table.get("splits");
    }
    let label_offset = optional(table.get("label_offset"), |value| value.integer(0..=MAX_LABEL_OFFSET));
    let preprocess = optional(table.get("preprocess"), preprocess);
    table.close();
    Some(Dataset {
        name: name.to_owned(),
        source: source?,
        format: format?,
        label_offset: label_offset?.unwrap_or(0),
        preprocess: preprocess?.unwrap_or_else(unchanged),
    })
}

/// IDX files lie in a folder, which has no sum of its own.
fn folder((value, source): (&Value<'_>, &Source)) -> Option<()> {
    match source {
        Source::Path { sha256: None, .. } => Some(()),
        Source::Path { sha256: Some(_), .. } => {
            value.conflict("only `path` for format = \"idx\"", "`sha256`")
        }
        Source::Pinned { .. } => value.conflict("`path` for format = \"idx\"", "a file known by its sum"),
    }
}

/// No network has more classes before its first one.
const MAX_LABEL_OFFSET: u32 = 1_000_000;

fn unchanged() -> Preprocess {
    Preprocess { central_crop: None, resize: None, scale: 1.0, offset: 0.0 }
}

fn preprocess(value: &Value<'_>) -> Option<Preprocess> {
    let mut table = value.table()?;
    let central_crop = optional(table.get("central_crop"), |value| value.number(MIN_CROP..=1.0));
    let resize = optional(table.get("resize"), size);
    let scale =
        optional(table.get("scale"), |value| single(value, "a number or a quotient such as \"1/127.5\""));
    let offset = optional(table.get("offset"), |value| single(value, "a number or a quotient"));
    table.close();
    let (scale, offset) = (scale?.unwrap_or(1.0), offset?.unwrap_or(0.0));
    Some(Preprocess { central_crop: central_crop?, resize: resize?, scale, offset })
}

/// One pixel of a hundred.
const MIN_CROP: f64 = 0.01;

/// Pixels of a side: 16 times the largest input of a network for edge devices, and 64 Mi values a channel.
const MAX_SIDE: u32 = 8192;

fn size(value: &Value<'_>) -> Option<[u32; 2]> {
    let sides: Vec<Option<u32>> =
        value.array(2..=2, "sides: height, width")?.iter().map(|side| side.integer(1..=MAX_SIDE)).collect();
    match sides.as_slice() {
        [Some(height), Some(width)] => Some([*height, *width]),
        _ => None,
    }
}

/// A float32: a number, or text with a number or a quotient.
fn single(value: &Value<'_>, expected: &str) -> Option<f32> {
    let number = match value.as_text() {
        Some(text) => match factor(text) {
            Some(number) => number,
            None => return value.bad(expected),
        },
        None => value.number(-f64::MAX..=f64::MAX)?,
    };
    let single = number as f32;
    if single.is_finite() { Some(single) } else { value.bad(expected) }
}

fn measure(value: &Value<'_>) -> Option<Measure> {
    let defaults = Measure::default();
    let mut table = value.table()?;
    let warmup_runs = optional(table.get("warmup_runs"), |value| value.integer(0..=MAX_RUNS));
    let warmup_min = optional(table.get("warmup_min_secs"), seconds);
    let num_runs = optional(table.get("num_runs"), |value| value.integer(1..=MAX_RUNS));
    let min_value = table.get("min_secs");
    let min = optional(min_value.clone(), seconds);
    let max_value = table.get("max_secs");
    let max = optional(max_value.clone(), seconds);
    let blocks = optional(table.get("blocks"), |value| value.integer(1..=MAX_BLOCKS));
    table.close();
    let measure = Measure {
        warmup_runs: warmup_runs?.unwrap_or(defaults.warmup_runs),
        warmup_min: warmup_min?.unwrap_or(defaults.warmup_min),
        num_runs: num_runs?.unwrap_or(defaults.num_runs),
        min: min?.unwrap_or(defaults.min),
        max: max?.unwrap_or(defaults.max),
        blocks: blocks?.unwrap_or(defaults.blocks),
    };
    if measure.min > measure.max {
        let limit = format!("min_secs at most max_secs ({} s)", measure.max.as_secs_f64());
        let found = format!("{} s", measure.min.as_secs_f64());
        return max_value.or(min_value)?.conflict(&limit, &found);
    }
    Some(measure)
}

/// Every run is a row of the result.
const MAX_RUNS: u32 = 1_000_000;

/// A block is a process.
const MAX_BLOCKS: u32 = 1000;

/// A day.
const MAX_SECONDS: f64 = 86_400.0;

fn seconds(value: &Value<'_>) -> Option<Duration> {
    value.number(0.0..=MAX_SECONDS).map(Duration::from_secs_f64)
}
