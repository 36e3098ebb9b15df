//! Where two places part: the first operator whose results differ. The network is cut behind each operator in turn and
//! both places run what is before the cut, on one example; no place has to tell more than the output of a network.

use std::path::PathBuf;
use std::sync::Arc;

use edgebench_converter::{InferOptions, Parts, trace};
use edgebench_wire::{Digest, MAX_RAW_OUTPUT_BYTES, RunOptions};

use super::entry::Entry;
use super::identity::lease;
use super::journal::Journal;
use super::outputs::KeptOutputs;
use super::store::RunFolder;
use super::{DEFAULT_SILENCE, Loaded, assemble, device_store};
use crate::artifact::{Cache, Object};
use crate::build;
use crate::dataset::{TensorPack, write_header};
use crate::error::BenchError;
use crate::inventory::Device;
use crate::layers::example_of;
use crate::parity::FLOAT_ROUNDING;
use crate::plan::RUNTIME_EDGEBENCH;
use crate::session::{Client, Reach, SessionError, reach};

/// What looking takes.
#[derive(Clone, Debug)]
pub struct Looking {
    /// Where parts of networks and agents are kept.
    pub cache: Cache,
    /// An agent to use instead of building one.
    pub agent: Option<PathBuf>,
}

/// The first operator of `one`'s network whose result on `example` (its place in the pack) differs from `other`'s: its
/// index, name and tensor. None where no operator's does, of floats by more than rounding. Operators whose output is longer
/// than a device can send are passed over, and that is said. Both are of the run in `folder`.
///
/// # Errors
/// When the run's devices cannot be reached any more, or the network cannot be taken apart.
pub fn first_difference(
    folder: &RunFolder,
    one: &KeptOutputs,
    other: &KeptOutputs,
    example: u32,
    looking: &Looking,
) -> Result<Option<String>, BenchError> {
    let entries = Journal::read::<Entry>(&folder.journal())?;
    let started = assemble::beginning(&entries).ok_or_else(|| BenchError::empty_run(&folder.id))?;
    let loaded = Loaded::new(started.request.clone())?;
    let model = std::fs::read(&one.model_file).map_err(|cause| BenchError::read(&one.model_file, cause))?;
    let of_model = |error| BenchError::model(&one.model_file, &error);
    let pack = TensorPack::open(&one.pack)?;
    let input = example_of(&pack, example)?;
    let how = InferOptions { threads: 1, kernels: "auto".to_owned(), dump_all: false, signature: None };
    let traced = trace(&model, &[input], &how).map_err(of_model)?;
    let parts = Parts::of(&model, &traced).map_err(|error| of_model(error.into()))?;
    let example = looking.cache.put(&packed(&pack, example)?)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BenchError::output)?;
    runtime.block_on(async {
        let mut one = Place::reach(one, &loaded, looking, &example).await?;
        let mut other = Place::reach(other, &loaded, looking, &example).await?;
        let (mut found, mut passed_over) = (None, 0);
        for operator in parts.operators() {
            let tensor = operator.outputs.first().and_then(|output| traced.tensors.get(output));
            if tensor.is_some_and(|tensor| tensor.bytes.len() > MAX_RAW_OUTPUT_BYTES) {
                passed_over += 1;
                continue;
            }
            let Some(part) = parts.until(operator.index) else { continue };
            let part = looking.cache.put(&part.model)?;
            let (ours, theirs) = (one.run(&part).await?, other.run(&part).await?);
            let Some(tensor) = tensor.filter(|tensor| differ(&tensor.dtype, &ours, &theirs)) else {
                continue;
            };
            let name = tensor.name.as_deref().and_then(|name| name.split(';').next()).unwrap_or_default();
            found = Some(format!("{} {} ({name})", operator.index, operator.name));
            break;
        }
        one.leave().await;
        other.leave().await;
        Ok(told(found, passed_over))
    })
}

/// What was found, with what was not looked at before it.
fn told(found: Option<String>, passed_over: usize) -> Option<String> {
    let large = format!("{passed_over} operators whose outputs are longer than {MAX_RAW_OUTPUT_BYTES} bytes");
    match (found, passed_over) {
        (found, 0) => found,
        (Some(operator), _) => Some(format!("{operator}, or one of {large}")),
        (None, _) => Some(format!("perhaps one of {large}")),
    }
}

/// Whether results differ: integers at all, floats by more than the order of additions explains.
fn differ(dtype: &str, ours: &[u8], theirs: &[u8]) -> bool {
    if dtype != "float32" || ours.len() != theirs.len() {
        return ours != theirs;
    }
    let values = |bytes: &[u8]| -> Vec<f64> {
        bytes.as_chunks().0.iter().map(|raw| f64::from(f32::from_le_bytes(*raw))).collect()
    };
    let (ours, theirs) = (values(ours), values(theirs));
    let magnitude =
        ours.iter().filter(|value| value.is_finite()).fold(0.0, |most: f64, one| most.max(one.abs()));
    let near = |(a, b): (&f64, &f64)| {
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= FLOAT_ROUNDING * magnitude
    };
    !ours.iter().zip(&theirs).all(near)
}

/// A pack of one example.
fn packed(pack: &TensorPack, example: u32) -> Result<Vec<u8>, BenchError> {
    let mut bytes = Vec::new();
    write_header(&mut bytes, pack.dimensions(), 1).map_err(BenchError::output)?;
    bytes.extend(pack.example(example)?.iter().flat_map(|value| value.to_le_bytes()));
    Ok(bytes)
}

/// A device with an agent that waits.
struct Place {
    device: String,
    client: Client,
    reach: Arc<dyn Reach>,
    runtime: String,
    options: RunOptions,
    example: Digest,
}

impl Place {
    async fn reach(
        kept: &KeptOutputs,
        loaded: &Loaded,
        looking: &Looking,
        example: &Object,
    ) -> Result<Self, BenchError> {
        let device = loaded.devices.iter().find(|device| device.name == kept.device);
        let device: &Device = device.ok_or_else(|| BenchError::empty_run(&kept.run))?;
        let trouble = |error: SessionError| BenchError::session(&device.name, &error);
        let (cache, visit) = (&looking.cache, format!("look-{}-{}", std::process::id(), kept.runtime));
        let store = device_store(cache, &device.name);
        let litert = loaded.request.litert.as_deref();
        let reach = reach(device, cache, &store, lease(&visit), litert).map_err(trouble)?;
        let agent = build::agent(cache, device.agent_target(), looking.agent.as_deref())?;
        let example_digest = Digest(*example.digest.bytes());
        let greeted = async {
            reach.deploy(&agent).await?;
            let (mut client, _) = Client::greet(reach.start(&agent).await?, DEFAULT_SILENCE).await?;
            client.deploy(example_digest, &example.path).await?;
            Ok(client)
        };
        let client = greeted.await.map_err(trouble)?;
        let kernels =
            if kept.runtime == RUNTIME_EDGEBENCH { loaded.request.kernels.as_str() } else { "auto" };
        Ok(Self {
            device: device.name.clone(),
            client,
            reach,
            runtime: kept.runtime.clone(),
            options: RunOptions { threads: kept.threads, kernels: kernels.to_owned() },
            example: example_digest,
        })
    }

    /// The output of a part of the network, as it lies in memory.
    async fn run(&mut self, part: &Object) -> Result<Vec<u8>, BenchError> {
        let trouble = |error: SessionError| BenchError::session(&self.device, &error);
        let model = Digest(*part.digest.bytes());
        let answered = async {
            self.client.deploy(model, &part.path).await?;
            if self.runtime == RUNTIME_EDGEBENCH {
                self.client.open(model, &self.options).await?;
            } else {
                self.client.open_peer(&self.runtime, model, &self.options).await?;
            }
            self.client.evaluate(self.example, 0..1, 1, true, |_| ()).await
        };
        let predictions = answered.await.map_err(trouble)?;
        Ok(predictions.into_iter().filter_map(|one| one.raw).flatten().collect())
    }

    async fn leave(self) {
        self.client.leave().await;
        self.reach.rest().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_passed_over_is_told() {
        assert_eq!(told(None, 0), None);
        assert_eq!(told(Some("3 ADD (x)".into()), 0).as_deref(), Some("3 ADD (x)"));
        let (some, none) = (told(Some("3 ADD (x)".into()), 2), told(None, 2));
        assert!(some.is_some_and(|text| text.starts_with("3 ADD (x), or one of 2 operators")));
        assert!(none.is_some_and(|text| text.starts_with("perhaps one of 2 operators")));
    }

    #[test]
    fn integers_differ_by_any_bit_and_floats_by_more_than_rounding() {
        let floats =
            |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|one| one.to_le_bytes()).collect() };
        let one = floats(&[1000.0, 0.0, f32::NAN]);
        assert!(!differ("float32", &one, &floats(&[1000.0, 0.005, f32::NAN])));
        assert!(differ("float32", &one, &floats(&[1000.0, 0.02, f32::NAN])));
        assert!(differ("float32", &one, &floats(&[1000.0, 0.0, 0.0])));
        assert!(differ("float32", &one, &one[4..]));
        assert!(differ("int8", &[1, 2], &[1, 3]) && !differ("int8", &[1, 2], &[1, 2]));
    }
}
