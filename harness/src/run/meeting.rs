//! A short visit to a device: does it answer, and what is it?

use std::path::Path;

use edgebench_wire::{Facts, Hello};

use super::{DEFAULT_SILENCE, device_store};
use crate::artifact::Cache;
use crate::build::{self, HOST_TARGET};
use crate::error::BenchError;
use crate::inventory::{Device, Transport};
use crate::session::{Client, LocalLink};

/// Starts an agent on the device, asks it, and ends it.
///
/// # Errors
/// When there is no agent for the device, or it does not answer.
pub fn meet(device: &Device, cache: &Cache, agent: Option<&Path>) -> Result<(Hello, Facts), BenchError> {
    if device.transport != Transport::Local {
        return Err(BenchError::transport(&device.name, device.transport.name()));
    }
    let agent = build::agent(cache, HOST_TARGET, agent)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BenchError::output)?;
    let asked = runtime.block_on(async {
        let link = LocalLink::start(&agent.path, &device_store(cache, &device.name))?;
        let (mut client, hello) = Client::greet(link, DEFAULT_SILENCE).await?;
        let facts = client.facts().await?;
        client.leave().await;
        Ok((hello, facts))
    });
    asked.map_err(|error| BenchError::session(&device.name, &error))
}
