//! The agents of a run. One that has to be built is built only for a device that answers: a compiler takes minutes. It
//! is built before anything is measured, since it would take the processor from what is measured here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Preparation, Work};
use crate::build::{AgentBinary, BuildError, agent, agent_at_hand};
use crate::error::BenchError;
use crate::inventory::Device;
use crate::run::{Event, device_store, lease};
use crate::session::{can_reach, reach};

/// How long an answer of a device is waited for before an agent is built: connecting and a key exchange.
const ANSWERING: Duration = Duration::from_secs(30);

/// Why a device has no agent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoAgent {
    /// It cannot be made, for this reason.
    #[error("{0}")]
    Failed(String),
    /// It was not made, for the device did not answer.
    #[error("the device did not answer when its agent was to be built")]
    Away,
}

impl Preparation<'_> {
    /// The agent of every device, or why it has none.
    pub(super) fn agents(&self) -> BTreeMap<String, Result<AgentBinary, NoAgent>> {
        let away = self.away();
        let mut agents = BTreeMap::new();
        for device in &self.loaded.devices {
            let found = if away.contains(&device.name) { Err(NoAgent::Away) } else { self.agent_of(device) };
            agents.insert(device.name.clone(), found);
        }
        agents
    }

    fn agent_of(&self, device: &Device) -> Result<AgentBinary, NoAgent> {
        let work = Work::begin(&self.context.events, format!("agent for {}", device.name));
        match self.find_or_build(device) {
            Ok(agent) => {
                work.done(agent.reused);
                Ok(agent)
            }
            Err(error) => {
                let reason = error.summary();
                work.failed(&reason);
                Err(NoAgent::Failed(reason))
            }
        }
    }

    fn find_or_build(&self, device: &Device) -> Result<AgentBinary, BenchError> {
        can_reach(&device.transport).map_err(|error| BenchError::session(&device.name, &error))?;
        if let Some(agent) = self.at_hand(device)? {
            return Ok(agent);
        }
        let target = device.agent_target();
        self.tell(Event::Building { target: target.to_owned() });
        Ok(agent(&self.context.cache, target, self.context.agent.as_deref())?)
    }

    fn at_hand(&self, device: &Device) -> Result<Option<AgentBinary>, BuildError> {
        agent_at_hand(&self.context.cache, device.agent_target(), self.context.agent.as_deref())
    }

    /// Devices whose agent would have to be built and that do not answer. All are asked at once.
    fn away(&self) -> BTreeSet<String> {
        let to_build = self
            .loaded
            .devices
            .iter()
            .filter(|device| device.transport.is_remote() && matches!(self.at_hand(device), Ok(None)));
        let ways = to_build.filter_map(|device| {
            let store = device_store(&self.context.cache, &device.name);
            // A way that cannot be is told of where it is used.
            let reach = reach(device, &self.context.cache, &store, lease("knock"), None).ok()?;
            Some((device.name.clone(), reach))
        });
        let ways: Vec<_> = ways.collect();
        tokio::runtime::Handle::current().block_on(async {
            let mut asked = JoinSet::new();
            for (name, reach) in ways {
                asked.spawn(async move {
                    let answers = matches!(timeout(ANSWERING, reach.knock()).await, Ok(Ok(())));
                    (!answers).then_some(name)
                });
            }
            asked.join_all().await.into_iter().flatten().collect()
        })
    }
}
