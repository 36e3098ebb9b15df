//! What networks said, as it lies in memory: kept on request, for comparisons with other runtimes. One file a cell with
//! output 0 of every example back to back, and a `manifest.json` that says which model and which examples they are of.

use std::path::{Path, PathBuf};

use edgebench_reports::record::Cell;
use serde::{Deserialize, Serialize};

use super::executor::Job;
use super::store::{RunFolder, StoreError, write_whole};
use crate::error::BenchError;
use crate::plan::RUNTIME_EDGEBENCH;

/// Name of the folder in a run's folder.
pub(super) const FOLDER: &str = "outputs";

/// What one cell's network said of every example.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptOutputs {
    /// The run.
    pub run: String,
    /// Name of the device.
    pub device: String,
    /// Name of the model.
    pub model: String,
    /// Name of the variant.
    pub variant: String,
    /// What executed it.
    pub runtime: String,
    /// Worker threads.
    pub threads: u16,
    /// The `.tflite` file.
    pub model_file: PathBuf,
    /// The examples.
    pub pack: PathBuf,
    /// Right class of each example.
    pub labels: Vec<u32>,
    /// Output 0 of every example in the model's own type, little-endian, back to back.
    pub outputs: PathBuf,
}

/// The outputs that a run kept.
///
/// # Errors
/// When it kept none, or what says what they are of cannot be read.
pub fn kept_outputs(run: &RunFolder) -> Result<Vec<KeptOutputs>, BenchError> {
    let path = run.file(&format!("{FOLDER}/manifest.json"));
    let text = match std::fs::read(&path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Err(BenchError::no_outputs(&run.id));
        }
        text => text.map_err(|cause| BenchError::read(&path, cause))?,
    };
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|cause| BenchError::read(&path, std::io::Error::other(cause)))?;
    let kept = |cell: ManifestCell| KeptOutputs {
        run: run.id.clone(),
        outputs: run.file(&format!("{FOLDER}/{}", cell.outputs)),
        device: cell.device,
        model: cell.model,
        variant: cell.variant,
        runtime: cell.runtime,
        threads: cell.threads,
        model_file: cell.model_file,
        pack: cell.pack,
        labels: cell.labels,
    };
    Ok(manifest.cells.into_iter().map(kept).collect())
}

/// All that another runtime needs to do the same.
#[derive(Serialize, Deserialize)]
struct Manifest {
    cells: Vec<ManifestCell>,
}

#[derive(Serialize, Deserialize)]
struct ManifestCell {
    device: String,
    model: String,
    variant: String,
    /// Manifests of earlier versions do not say it, and were of ours alone.
    #[serde(default = "ours")]
    runtime: String,
    threads: u16,
    /// The `.tflite` file.
    model_file: PathBuf,
    /// The examples as the device got them: a tensor pack.
    pack: PathBuf,
    /// Right class of each example, in the pack's order.
    labels: Vec<u32>,
    /// Our output 0 of every example, in the model's own type, little-endian, back to back; next to this file.
    outputs: String,
}

fn ours() -> String {
    RUNTIME_EDGEBENCH.to_owned()
}

/// The file of a cell. Names of devices, models and variants hold no separators: they were checked when they were read.
pub(super) fn file_name(cell: &Cell) -> String {
    format!("{}-{}-{}-{}-x{}.bin", cell.device, cell.model, cell.variant, cell.runtime, cell.threads)
}

/// Writes the manifest of the outputs that are there.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_manifest(folder: &Path, jobs: &[Job]) -> Result<(), StoreError> {
    let cells = jobs.iter().filter_map(|job| manifest_cell(folder, job)).collect();
    let path = folder.join("manifest.json");
    let json = serde_json::to_vec_pretty(&Manifest { cells }).map_err(std::io::Error::other);
    json.and_then(|json| write_whole(&path, &json)).map_err(|source| StoreError::Io {
        action: "write",
        path,
        source,
    })
}

fn manifest_cell(folder: &Path, job: &Job) -> Option<ManifestCell> {
    let (model, data) = (job.model.as_ref().ok()?, job.data.as_ref()?);
    let outputs = file_name(&job.cell);
    folder.join(&outputs).is_file().then(|| ManifestCell {
        device: job.cell.device.clone(),
        model: job.cell.model.clone(),
        variant: job.cell.variant.clone(),
        runtime: job.cell.runtime.clone(),
        threads: job.cell.threads,
        model_file: model.path.clone(),
        pack: data.path.clone(),
        labels: data.labels.clone(),
        outputs,
    })
}
