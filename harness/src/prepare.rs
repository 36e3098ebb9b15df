//! Everything a run needs before it measures: sources fetched, splits preprocessed, variants converted, agents built.
//! All of it is content-addressed, so that a second run finds what the first has made.

mod agents;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use edgebench_converter::{
    Calibration, ConvertError, ConvertReport, Options, Samples, Skipped, calibrate, convert,
};
use edgebench_reports::record::ArtifactRecord;
use serde::{Deserialize, Serialize};

use crate::artifact::{ArtifactError, Cache, Fetcher, Key, Object, Source};
use crate::build::{AgentBinary, SOURCE_HASH};
use crate::dataset::{self, Pack, TensorPack};
use crate::error::BenchError;
use crate::run::{Context, EvaluationData, Event, Events, Loaded, ModelFile};
use crate::suite::{CalibrationPlan, Model, Split, Variant};

pub use agents::NoAgent;

/// Raised whenever the same model and options would give another file for a reason outside the converter's sources.
const VARIANT_KEY: &str = "variant/1";

/// What a run executes.
#[derive(Debug)]
pub struct Prepared {
    /// One for each model and variant of the plan, in the suite's order.
    pub artifacts: Vec<ArtifactRecord>,
    models: BTreeMap<(String, String), Result<ModelFile, String>>,
    data: BTreeMap<String, Arc<EvaluationData>>,
    agents: BTreeMap<String, Result<AgentBinary, NoAgent>>,
}

impl Prepared {
    /// The file of a variant; or why there is none.
    pub fn model(&self, model: &str, variant: &str) -> Result<ModelFile, String> {
        let found = self.models.get(&(model.to_owned(), variant.to_owned()));
        found.cloned().unwrap_or_else(|| Err("it was not prepared".to_owned()))
    }

    /// What the accuracy of a model is measured on.
    pub fn data(&self, model: &str) -> Option<Arc<EvaluationData>> {
        self.data.get(model).map(Arc::clone)
    }

    /// The agent of a device; or why there is none.
    pub fn agent(&self, device: &str) -> Result<AgentBinary, NoAgent> {
        let unknown = || Err(NoAgent::Failed("it was not prepared".to_owned()));
        self.agents.get(device).cloned().unwrap_or_else(unknown)
    }

    /// What decides the measurements beside the variants and the agents, for a run's fingerprint.
    pub fn decisive(&self) -> Vec<String> {
        self.data.iter().map(|(model, data)| format!("{model} {:?}", data.digest)).collect()
    }
}

/// Prepares everything that the plan's cells name. What only some cells need and cannot be made, those cells lack; what
/// every cell of a model needs is an error.
///
/// # Errors
/// When a source model or a data set cannot be had, or the run was told to stop.
pub async fn prepare(loaded: &Loaded, context: &Context) -> Result<Prepared, BenchError> {
    // Decoding, converting and compiling keep this thread busy; the others go on showing news and hearing signals.
    tokio::task::block_in_place(|| Preparation::new(loaded, context).run())
}

struct Preparation<'p> {
    loaded: &'p Loaded,
    context: &'p Context,
    fetcher: Fetcher,
    packs: BTreeMap<(String, String), Pack>,
}

impl<'p> Preparation<'p> {
    fn new(loaded: &'p Loaded, context: &'p Context) -> Self {
        let fetcher = Fetcher::new(context.cache.clone(), context.mirrors.clone()).offline(context.offline);
        Self { loaded, context, fetcher, packs: BTreeMap::new() }
    }

    fn run(mut self) -> Result<Prepared, BenchError> {
        let mut prepared = Prepared {
            artifacts: Vec::new(),
            models: BTreeMap::new(),
            data: BTreeMap::new(),
            agents: BTreeMap::new(),
        };
        for model in self.models() {
            let source = self.source(model)?;
            if let Some(split) = &model.evaluation {
                prepared.data.insert(model.name.clone(), Arc::new(self.evaluation(split)?));
            }
            for variant in self.variants() {
                self.check_cancelled()?;
                let (artifact, file) = self.variant(model, variant, &source)?;
                prepared.artifacts.push(artifact);
                prepared.models.insert((model.name.clone(), variant.name.clone()), file);
            }
        }
        self.check_cancelled()?;
        prepared.agents = self.agents();
        self.check_cancelled()?;
        Ok(prepared)
    }

    fn check_cancelled(&self) -> Result<(), BenchError> {
        if self.context.cancel.is_cancelled() { Err(BenchError::interrupted()) } else { Ok(()) }
    }

    /// The models that the plan has cells of.
    fn models(&self) -> Vec<&'p Model> {
        let planned = |model: &&Model| self.loaded.plan.cells.iter().any(|cell| cell.model == model.name);
        self.loaded.suite.models.iter().filter(planned).collect()
    }

    fn variants(&self) -> Vec<&'p Variant> {
        let planned =
            |variant: &&Variant| self.loaded.plan.cells.iter().any(|cell| cell.variant == variant.name);
        self.loaded.suite.variants.iter().filter(planned).collect()
    }

    fn source(&self, model: &Model) -> Result<Object, BenchError> {
        self.tell(Event::Preparing { what: model.name.clone() });
        self.fetch(&model.source)
    }

    /// A file of the suite; where it is missing, with what the suite says of how to make it.
    fn fetch(&self, source: &Source) -> Result<Object, BenchError> {
        let suite = &self.loaded.suite;
        self.fetcher.fetch(source, &suite.folder, &mut |_| ()).map_err(|error| {
            match (&error, &suite.made_by) {
                (ArtifactError::NoFile { .. }, Some(command)) => BenchError::to_be_made(&error, command),
                _ => error.into(),
            }
        })
    }

    fn evaluation(&mut self, split: &Split) -> Result<EvaluationData, BenchError> {
        let pack = self.pack(split)?;
        Ok(EvaluationData {
            dataset: split.dataset.clone(),
            split: split.split.clone(),
            digest: wire_digest(&pack.object),
            path: pack.object.path.clone(),
            examples: pack.index.examples.iter().map(|example| example.index).collect(),
            labels: pack.index.examples.iter().map(|example| example.label).collect(),
        })
    }

    /// The tensor pack of a split, made at most once in a run.
    fn pack(&mut self, split: &Split) -> Result<Pack, BenchError> {
        let place = (split.dataset.clone(), split.split.clone());
        if let Some(pack) = self.packs.get(&place) {
            return Ok(pack.clone());
        }
        let Some(dataset) = self.loaded.suite.dataset(&split.dataset) else {
            return Err(BenchError::internal(format!("the suite has no data set {}", split.dataset)));
        };
        let what = format!("{} ({})", split.dataset, split.split);
        let work = Work::begin(&self.context.events, what);
        let pack =
            dataset::prepare(dataset, &split.split, &self.loaded.suite.folder, &self.fetcher, &mut |_| ())?;
        work.done(pack.reused);
        self.packs.insert(place, pack.clone());
        Ok(pack)
    }

    /// The variant's record and its file. The outer error ends the run, the inner one the variant's cells.
    fn variant(
        &mut self,
        model: &Model,
        variant: &Variant,
        source: &Object,
    ) -> Result<(ArtifactRecord, Result<ModelFile, String>), BenchError> {
        let pack = match &variant.calibration {
            Some(plan) => Some(self.pack(&plan.split)?),
            None => None,
        };
        let calibration = variant.calibration.as_ref().zip(pack.as_ref());
        let work = Work::begin(&self.context.events, format!("{} {}", model.name, variant.name));
        let mut record = ArtifactRecord {
            model: model.name.clone(),
            variant: variant.name.clone(),
            quantize: variant.quantize_name().to_owned(),
            digest: String::new(),
            file_bytes: 0,
            source_digest: source.digest.hex(),
            path: String::new(),
            calibration_samples: None,
            left_alone: Vec::new(),
            problem: None,
        };
        if let Some(given) = variant.given(&model.name) {
            let object = self.fetch(&given)?;
            work.done(true);
            record.digest = object.digest.hex();
            record.file_bytes = object.bytes;
            record.path = object.path.display().to_string();
            return Ok((record, Ok(ModelFile { digest: wire_digest(&object), path: object.path })));
        }
        let what = work.what.clone();
        let mut progress = |done: usize, total: usize| {
            self.tell(Event::Preparing { what: format!("{what}: calibrating {done}/{total}") });
        };
        match make_variant(&self.context.cache, variant, source, calibration, &mut progress) {
            Ok((object, note, reused)) => {
                work.done(reused);
                record.digest = object.digest.hex();
                record.file_bytes = object.bytes;
                record.path = object.path.display().to_string();
                record.calibration_samples = note.calibration_samples;
                record.left_alone = note.left_alone;
                Ok((record, Ok(ModelFile { digest: wire_digest(&object), path: object.path })))
            }
            Err(VariantError::Artifact(error)) => Err(error.into()),
            Err(error) => {
                let reason = error.to_string();
                work.failed(&reason);
                record.problem = Some(reason.clone());
                Ok((record, Err(reason)))
            }
        }
    }

    fn tell(&self, event: Event) {
        self.context.events.tell(event);
    }
}

/// Tells of one thing that is being made.
struct Work<'w> {
    events: &'w Events,
    what: String,
    started: Instant,
}

impl<'w> Work<'w> {
    fn begin(events: &'w Events, what: String) -> Self {
        events.tell(Event::Preparing { what: what.clone() });
        Self { events, what, started: Instant::now() }
    }

    fn done(self, reused: bool) {
        self.events.tell(Event::Prepared { what: self.what, reused, took: self.started.elapsed() });
    }

    fn failed(self, reason: &str) {
        self.events.tell(Event::NotPrepared { what: self.what, reason: reason.to_owned() });
    }
}

/// What the cache keeps about a variant beside its bytes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct VariantNote {
    calibration_samples: Option<u64>,
    left_alone: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
enum VariantError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error("calibration data: {0}")]
    Pack(#[from] dataset::PackError),
}

fn make_variant(
    cache: &Cache,
    variant: &Variant,
    source: &Object,
    calibration: Option<(&CalibrationPlan, &Pack)>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Object, VariantNote, bool), VariantError> {
    let options = Options { quantize: variant.quantize, io: variant.io, seed: 0 };
    let key =
        Key::new(VARIANT_KEY)
            .part(SOURCE_HASH)
            .part(source.digest.bytes())
            .part(format!("{options:?}"))
            .part(calibration.map_or_else(String::new, |(plan, pack)| {
                format!("{:?} {}", plan.options, pack.object.digest)
            }));
    let made = cache.make(&key, |writer| {
        let model = std::fs::read(&source.path).map_err(ArtifactError::io("read", &source.path))?;
        let calibration = match calibration {
            Some((plan, pack)) => Some(observe(&model, plan, pack, progress)?),
            None => None,
        };
        let converted = convert(&model, &options, calibration.as_ref())?;
        let part = writer.path().to_owned();
        std::io::Write::write_all(writer, &converted.bytes).map_err(ArtifactError::io("write", &part))?;
        Ok::<_, VariantError>(note(&converted.report))
    })?;
    Ok((made.object, made.note, made.reused))
}

fn observe(
    model: &[u8],
    plan: &CalibrationPlan,
    pack: &Pack,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Calibration, VariantError> {
    let samples = TensorPack::open(&pack.object.path)?;
    let samples: &dyn Samples = &samples;
    Ok(calibrate(model, samples, &plan.options, progress)?)
}

fn note(report: &ConvertReport) -> VariantNote {
    let line = |skipped: &Skipped| match skipped.operator {
        Some(operator) => format!("operator {operator} ({}): {}", skipped.name, skipped.reason),
        None => format!("{}: {}", skipped.name, skipped.reason),
    };
    VariantNote {
        calibration_samples: (report.calibration_samples > 0).then_some(report.calibration_samples as u64),
        left_alone: report.skipped.iter().map(line).collect(),
    }
}

fn wire_digest(object: &Object) -> edgebench_wire::Digest {
    edgebench_wire::Digest(*object.digest.bytes())
}

/// A file that a run would read, for `--dry-run`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileLine {
    /// `model` or `data set`.
    pub kind: &'static str,
    /// What the suite calls it.
    pub name: String,
    /// Its length, when it is on this machine where the suite or a mirror has it.
    pub bytes: Option<u64>,
}

/// The files that a run would read. Nothing is fetched.
pub fn files(loaded: &Loaded, mirrors: &[PathBuf]) -> Vec<FileLine> {
    let folder = &loaded.suite.folder;
    let line = |kind, source: &Source| FileLine {
        kind,
        name: source.name(),
        bytes: length(source, folder, mirrors),
    };
    let models = loaded.suite.models.iter().flat_map(|model| {
        let given = loaded.suite.variants.iter().filter_map(|variant| variant.given(&model.name));
        std::iter::once(model.source.clone()).chain(given).map(|source| line("model", &source))
    });
    let data = loaded.suite.datasets.iter().map(|dataset| line("data set", &dataset.source));
    models.chain(data).collect()
}

fn length(source: &Source, folder: &Path, mirrors: &[PathBuf]) -> Option<u64> {
    match source {
        Source::Path { path, .. } => bytes_of(&folder.join(path)),
        Source::Pinned { mirror, .. } => {
            let name = mirror.as_ref()?;
            mirrors.iter().find_map(|mirror| bytes_of(&mirror.join(name)))
        }
    }
}

/// Of a file, or of all files of a folder.
fn bytes_of(path: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(path).ok()?;
    if metadata.is_file() {
        return Some(metadata.len());
    }
    let entries = std::fs::read_dir(path).ok()?.flatten();
    Some(
        entries
            .filter_map(|entry| entry.metadata().ok())
            .filter(std::fs::Metadata::is_file)
            .map(|file| file.len())
            .sum(),
    )
}
