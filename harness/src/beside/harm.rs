//! Operators of the variants of a run that lost answers, each looked at by itself.

use std::path::{Path, PathBuf};

use edgebench_reports::beside::LayerReport;
use edgebench_reports::record::{ArtifactRecord, EvaluationRecord, RunRecord};
use edgebench_reports::summary::{Standing, standing, summarize};

use super::pack;
use crate::artifact::Cache;
use crate::layers::{self, examples_of};

/// Examples that each operator is looked at on.
const EXAMPLES: u32 = 2;

/// Files beyond this take longer than a report may.
const MAX_MODEL_BYTES: u64 = 32 << 20;

/// One a variant whose answers were lost beyond chance on any device. What cannot be looked at has none.
pub(super) fn of_run(run: &RunRecord, cache: &Cache) -> Vec<LayerReport> {
    let mut reports: Vec<LayerReport> = Vec::new();
    for cell in summarize(run).cells() {
        let lost = matches!(standing(cell), Standing::LessAccurate(_) | Standing::Broken);
        let same = |one: &LayerReport| one.model == cell.cell.model && one.variant == cell.cell.variant;
        if lost && !cell.is_reference && !reports.iter().any(same) {
            reports.extend(of_variant(run, &cell.cell.model, &cell.cell.variant, cache));
        }
    }
    reports
}

fn of_variant(run: &RunRecord, model: &str, variant: &str, cache: &Cache) -> Option<LayerReport> {
    let artifact = |wanted: &dyn Fn(&ArtifactRecord) -> bool| {
        run.artifacts.iter().find(|one| one.model == model && one.problem.is_none() && wanted(one))
    };
    let float = read(artifact(&|one| one.quantize == "none")?)?;
    let quantized = read(artifact(&|one| one.variant == variant)?)?;
    let evaluation: &EvaluationRecord = run
        .cells
        .iter()
        .find(|one| one.cell.model == model && one.evaluation.is_some())?
        .evaluation
        .as_ref()?;
    let examples = examples_of(&pack(cache, &evaluation.pack_digest)?, EXAMPLES).ok()?;
    let layers = layers::compare(&float, &quantized, &examples, &mut |_, _| ()).ok()?;
    Some(LayerReport {
        model: model.to_owned(),
        variant: variant.to_owned(),
        examples: u32::try_from(examples.len()).unwrap_or(u32::MAX),
        layers,
    })
}

fn read(artifact: &ArtifactRecord) -> Option<Vec<u8>> {
    let path = PathBuf::from(&artifact.path);
    let short_enough = |path: &Path| std::fs::metadata(path).is_ok_and(|file| file.len() <= MAX_MODEL_BYTES);
    short_enough(&path).then(|| std::fs::read(&path).ok()).flatten()
}
