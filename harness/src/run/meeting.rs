//! A short visit to a device: does it answer, and what is it?

use std::path::Path;

use edgebench_wire::{Facts, Hello};

use super::identity::lease;
use super::{DEFAULT_SILENCE, device_store};
use crate::artifact::Cache;
use crate::build;
use crate::error::BenchError;
use crate::inventory::Device;
use crate::session::{Client, SessionError, reach};

/// Starts an agent on the device, asks it, and ends it.
///
/// # Errors
/// When there is no agent for the device, or it does not answer.
pub fn meet(device: &Device, cache: &Cache, agent: Option<&Path>) -> Result<(Hello, Facts), BenchError> {
    let trouble = |error: SessionError| BenchError::session(&device.name, &error);
    let visit = format!("visit-{}", std::process::id());
    let reach =
        reach(device, cache, &device_store(cache, &device.name), lease(&visit), None).map_err(trouble)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BenchError::output)?;
    // Building takes minutes: only for a device that is there.
    runtime.block_on(reach.knock()).map_err(trouble)?;
    let agent = build::agent(cache, device.agent_target(), agent)?;
    let asked = runtime.block_on(async {
        reach.deploy(&agent).await?;
        let (mut client, hello) = Client::greet(reach.start(&agent).await?, DEFAULT_SILENCE).await?;
        let mut facts = client.facts().await?;
        client.leave().await;
        facts.properties.extend(reach.properties().await?);
        reach.rest().await;
        Ok((hello, facts))
    });
    asked.map_err(trouble)
}

/// Takes everything of ours away from the device.
///
/// # Errors
/// When it cannot be reached or does not let us.
pub fn clean(device: &Device, cache: &Cache) -> Result<(), BenchError> {
    let trouble = |error: SessionError| BenchError::session(&device.name, &error);
    let reach =
        reach(device, cache, &device_store(cache, &device.name), lease("clean"), None).map_err(trouble)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BenchError::output)?;
    runtime.block_on(reach.clean()).map_err(trouble)
}
