//! What a page shows beside the records of a run: pictures of the examples whose answers changed, how far kept outputs
//! agree, and which operators hurt a variant that lost answers. All of it comes from files that the run only names; what is
//! not there any more is left out, and the page is whole without it.

mod harm;
mod pairs;
mod picture;

use std::collections::BTreeMap;

use edgebench_reports::beside::{Beside, ExampleId, LayerReport, Picture};
use edgebench_reports::record::RunRecord;
use edgebench_reports::render::shown_examples;

use crate::artifact::{Cache, Digest};
use crate::dataset::TensorPack;
use crate::run::{RunFolder, kept_outputs};

pub use pairs::{Located, Pair, keep_located, pairs};

/// What is kept of looking at operators, in a run's folder.
const LAYERS: &str = "layers.json";

/// Gathers what there is. `folder` is the run's own, where the record comes from one.
pub fn gather(run: &RunRecord, folder: Option<&RunFolder>, cache: &Cache) -> Beside {
    Beside {
        pictures: pictures(shown_examples(run).into_iter().map(|one| (one.id, one.position)), cache),
        agreements: folder.map(agreements).unwrap_or_default(),
        layers: layers(run, folder, cache),
    }
}

/// Pictures of examples, each with its place in its tensor pack.
pub fn pictures(
    examples: impl Iterator<Item = (ExampleId, u32)>,
    cache: &Cache,
) -> BTreeMap<ExampleId, Picture> {
    let mut open: Option<(String, Option<TensorPack>)> = None;
    let picture = |(id, position): (ExampleId, u32)| {
        if open.as_ref().is_none_or(|(digest, _)| *digest != id.pack_digest) {
            open = Some((id.pack_digest.clone(), pack(cache, &id.pack_digest)));
        }
        let pack = open.as_ref().and_then(|(_, pack)| pack.as_ref())?;
        let picture = picture::of(&pack.example(position).ok()?, pack.dimensions())?;
        Some((id, picture))
    };
    examples.filter_map(picture).collect()
}

/// The pack of this digest, if it is in the cache. It is not hashed again: pictures prove nothing, and packs are long.
fn pack(cache: &Cache, digest: &str) -> Option<TensorPack> {
    let digest: Digest = digest.parse().ok()?;
    TensorPack::open(&cache.place(&digest)).ok()
}

fn agreements(folder: &RunFolder) -> Vec<edgebench_reports::beside::OutputPair> {
    let Ok(kept) = kept_outputs(folder) else { return Vec::new() };
    let located = pairs::located(folder);
    pairs(&kept).unwrap_or_default().iter().map(|pair| pair.told(&located)).collect()
}

/// Looking at every operator takes seconds: what was found is kept beside the run.
fn layers(run: &RunRecord, folder: Option<&RunFolder>, cache: &Cache) -> Vec<LayerReport> {
    let kept = folder.and_then(|folder| std::fs::read(folder.file(LAYERS)).ok());
    if let Some(kept) = kept.and_then(|text| serde_json::from_slice(&text).ok()) {
        return kept;
    }
    let found = harm::of_run(run, cache);
    if let (Some(folder), Ok(text)) = (folder, serde_json::to_vec_pretty(&found)) {
        // Without it the next page takes as long as this one.
        let _ = folder.write(LAYERS, &text);
    }
    found
}
