//! `suites/<name>/suite.toml`, typed and checked: models, variants, data sets, how to measure, where the limits are.
//!
//! It says what is wanted and opens none of the files that a suite names; it must not know devices.

mod check;
mod gate;

use std::path::{Path, PathBuf};
use std::time::Duration;

use edgebench_converter::{CalibrationOptions, Io, Quantize};
use edgebench_reports::policy::Policy;
use serde::{Deserialize, Serialize};

use crate::artifact::Source;
use crate::config::{self, ConfigError};
use crate::error::BenchError;

/// Name of the file in a suite's folder.
pub const FILE_NAME: &str = "suite.toml";

/// Name of a file with limits beside it, for those who keep them apart.
pub const GATE_FILE_NAME: &str = "gate.toml";

/// Name of the split that is every example of a data set.
pub const SPLIT_ALL: &str = "all";

/// One suite.
#[derive(Clone, PartialEq, Debug)]
pub struct Suite {
    /// Its own name.
    pub name: String,
    /// In one line, for people; may be empty.
    pub description: String,
    /// The `suite.toml`.
    pub file: PathBuf,
    /// Folder of `file`; relative paths start here.
    pub folder: PathBuf,
    /// The command that makes the suite's files, for suites whose files are not shipped with them.
    pub made_by: Option<String>,
    /// At least one, names unique, in the order of the file.
    pub models: Vec<Model>,
    /// At least one, names unique, in the order of the file.
    pub variants: Vec<Variant>,
    /// Names unique, in the order of the file.
    pub datasets: Vec<Dataset>,
    /// How to measure.
    pub measure: Measure,
    /// Where a change becomes a regression: the limits of the file; [`Suite::policy`] adds what is required.
    pub gate: Policy,
}

/// One trained network.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    /// Unique in the suite.
    pub name: String,
    /// Its float file.
    pub source: Source,
    /// What it does.
    pub task: Task,
    /// The examples to measure accuracy on; the data set is one of the suite's.
    pub evaluation: Option<Split>,
}

/// A split of a data set of the suite.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Split {
    /// Name of the data set.
    pub dataset: String,
    /// Name of the split; [`SPLIT_ALL`] is every example.
    pub split: String,
}

/// What a network does, and so what accuracy means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    /// One class an example; accuracy is top-1.
    Classification,
}

impl Task {
    /// The word in `suite.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
        }
    }
}

/// One quantized form of every model of the suite.
#[derive(Clone, PartialEq, Debug)]
pub struct Variant {
    /// Unique in the suite.
    pub name: String,
    /// How it is quantized.
    pub quantize: Quantize,
    /// The type at the network's door; [`Io::Float`] unless the variant is full int8.
    pub io: Io,
    /// There exactly when the variant needs it.
    pub calibration: Option<CalibrationPlan>,
    /// Files that others made, in place of quantizing: a path in which [`MODEL_PLACE`] stands for the model's name.
    pub files: Option<String>,
}

impl Variant {
    /// What records say of how it was quantized.
    pub fn quantize_name(&self) -> &'static str {
        if self.files.is_some() { "given" } else { self.quantize.name() }
    }

    /// Where its file of a model is, when others made it.
    pub fn given(&self, model: &str) -> Option<Source> {
        let path = self.files.as_ref()?.replace(MODEL_PLACE, model).into();
        Some(Source::Path { path, sha256: None })
    }
}

/// What stands for the name of a model in [`Variant::files`].
pub const MODEL_PLACE: &str = "{model}";

/// What activation ranges are taken from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CalibrationPlan {
    /// The representative examples.
    pub split: Split,
    /// How many, which, and how a range is made.
    pub options: CalibrationOptions,
}

/// Labelled examples.
#[derive(Clone, PartialEq, Debug)]
pub struct Dataset {
    /// Unique in the suite.
    pub name: String,
    /// A folder for [`DatasetFormat::Idx`], a file for [`DatasetFormat::ImagesZip`].
    pub source: Source,
    /// How the examples are stored.
    pub format: DatasetFormat,
    /// Added to each label to get the class as the network counts.
    pub label_offset: u32,
    /// From a decoded image to the network's input.
    pub preprocess: Preprocess,
}

/// How examples are stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DatasetFormat {
    /// `images.idx3-ubyte` and `labels.idx1-ubyte` in a folder.
    Idx {
        /// CSV file `index,split` in the same folder; without it there is only the split [`SPLIT_ALL`].
        splits: Option<String>,
    },
    /// PNG and JPEG files in a zip with a `labels.csv` (`file,class_index` and perhaps `split`).
    ImagesZip,
}

impl DatasetFormat {
    /// The word in `suite.toml`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idx { .. } => "idx",
            Self::ImagesZip => "images-zip",
        }
    }
}

/// From a decoded image (bytes, HWC) to the network's input (float32, HWC), in this order: crop, resize, scale, offset.
/// Every step is float32 arithmetic, see `dataset::preprocess`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Preprocess {
    /// Share of each side that is kept, above 0 and at most 1; none keeps everything.
    pub central_crop: Option<f64>,
    /// `[height, width]` in pixels after a bilinear resize; none keeps the size, which all images must then share.
    pub resize: Option<[u32; 2]>,
    /// Factor on every value, rounded to float32.
    pub scale: f32,
    /// Added to every value after that.
    pub offset: f32,
}

/// How to measure; names and defaults of LiteRT's `benchmark_model`, `blocks` is our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// Least runs before the ones that count.
    pub warmup_runs: u32,
    /// Least time before the ones that count.
    pub warmup_min: Duration,
    /// Least runs that count, in each block.
    pub num_runs: u32,
    /// Least time of the runs that count, in each block.
    pub min: Duration,
    /// Most time of either phase.
    pub max: Duration,
    /// Processes that measure a cell one after another.
    pub blocks: u32,
}

impl Default for Measure {
    fn default() -> Self {
        Self {
            warmup_runs: 1,
            warmup_min: Duration::from_millis(500),
            num_runs: 50,
            min: Duration::from_secs(1),
            max: Duration::from_secs(150),
            blocks: 5,
        }
    }
}

impl Suite {
    /// Finds a suite by its folder's name in one of the search folders, or by the path of its folder or file (with a
    /// `/` or ending in `.toml`), and reads it.
    ///
    /// # Errors
    /// When there is no such suite (the error names those there are), with everything that is wrong in it.
    pub fn find(name_or_path: &str, search_dirs: &[PathBuf]) -> Result<Self, BenchError> {
        Ok(Self::load(&locate(name_or_path, search_dirs)?)?)
    }

    /// Reads a `suite.toml`.
    ///
    /// # Errors
    /// When it cannot be read, with everything that is wrong in it.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        config::read_file(file, |root| check::suite(file, root))
    }

    /// Reads the text of a `suite.toml`; `file` names it in errors and its folder is where relative paths start.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        config::read(file, text, |root| check::suite(file, root))
    }

    /// What a gate goes by: the limits of the suite, then those of a `gate.toml` (its text, and its path for errors),
    /// and as required everything that the suite has.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn policy(&self, gate_file: Option<(&Path, &str)>) -> Result<Policy, ConfigError> {
        let mut policy = self.gate.clone();
        if let Some((file, text)) = gate_file {
            let further = config::read(file, text, gate::file)?;
            let (mut rules, mut waivers) = (policy.rules, policy.waivers);
            rules.extend(further.rules.iter().cloned());
            waivers.extend(further.waivers.iter().cloned());
            policy = Policy { rules, waivers, ..further };
        }
        let names = |names: Vec<&String>| names.into_iter().cloned().collect();
        policy.required.models = names(self.models.iter().map(|model| &model.name).collect());
        policy.required.variants = names(self.variants.iter().map(|variant| &variant.name).collect());
        Ok(policy)
    }

    /// Every suite in the search folders: name of the folder and path of the file, ordered by name. A name in two
    /// folders is the one in the first.
    pub fn list(search_dirs: &[PathBuf]) -> Vec<(String, PathBuf)> {
        let mut found: Vec<(String, PathBuf)> = Vec::new();
        for folder in search_dirs {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let file = entry.path().join(FILE_NAME);
                if file.is_file() && !found.iter().any(|(known, _)| *known == name) {
                    found.push((name, file));
                }
            }
        }
        found.sort();
        found
    }

    /// The data set of this name.
    pub fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }

    /// The model of this name.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The variant of this name.
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

/// Why a suite was not found.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SuiteError {
    /// No search folder has a folder of this name.
    #[error("unknown suite `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
        /// Where was looked.
        searched: Vec<PathBuf>,
    },
    /// The path leads to no suite.
    #[error("no suite at {}", path.display())]
    NoFile {
        /// The file that is not there.
        path: PathBuf,
    },
}

fn locate(name_or_path: &str, search_dirs: &[PathBuf]) -> Result<PathBuf, SuiteError> {
    let is_path =
        name_or_path.contains(['/', '\\']) || name_or_path.ends_with(".toml") || name_or_path == ".";
    if is_path {
        let path = PathBuf::from(name_or_path);
        let file = if path.is_dir() { path.join(FILE_NAME) } else { path };
        return if file.is_file() { Ok(file) } else { Err(SuiteError::NoFile { path: file }) };
    }
    let found = Suite::list(search_dirs);
    match found.iter().find(|(name, _)| name == name_or_path) {
        Some((_, file)) => Ok(file.clone()),
        None => Err(SuiteError::Unknown {
            name: name_or_path.to_owned(),
            known: found.into_iter().map(|(name, _)| name).collect(),
            searched: search_dirs.to_vec(),
        }),
    }
}

#[cfg(test)]
mod tests;
