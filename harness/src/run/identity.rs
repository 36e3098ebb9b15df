//! What a run is called, what made it, and what must not change while it is interrupted.

use std::collections::BTreeMap;
use std::path::Path;

use edgebench_reports::record::RunInfo;
use jiff::Timestamp;

use super::entry::Entry;
use super::executor::AGENT_DIGEST;
use super::{Context, Loaded};
use crate::build::{GIT_REVISION, SOURCE_HASH};
use crate::gate::{PROJECT_BRANCH, PROJECT_DIRTY, PROJECT_REVISION};
use crate::inventory::Transport;
use crate::prepare::Prepared;
use crate::revision::Repository;

/// Bytes of the random-looking end of a run's name.
const SUFFIX_DIGITS: usize = 4;

/// A run that begins now.
pub(crate) fn run_info(loaded: &Loaded, context: &Context) -> RunInfo {
    let now = Timestamp::now();
    RunInfo {
        id: run_id(now, &loaded.suite.name, std::process::id()),
        suite: loaded.suite.name.clone(),
        suite_description: loaded.suite.description.clone(),
        started_at: now.to_string(),
        finished_at: None,
        arguments: context.arguments.clone(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: GIT_REVISION.map(str::to_owned),
        source_hash: SOURCE_HASH.to_owned(),
        seed: loaded.request.seed,
        controller: properties(&loaded.suite.folder),
    }
}

/// Sorts by time; the end keeps apart runs that begin in the same second.
fn run_id(now: Timestamp, suite: &str, process: u32) -> String {
    let salt = format!("{}-{process}", now.as_nanosecond());
    let suffix = blake3::hash(salt.as_bytes()).to_hex();
    format!("{}-{suite}-{}", now.strftime("%Y%m%dT%H%M%SZ"), &suffix[..SUFFIX_DIGITS])
}

/// Who uses a device for a run, in words for others, and the word by which agents of the same run know each other: it
/// stays the same when a run is taken up again.
pub(crate) fn lease(run: &str) -> (String, String) {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = text("USER").or_else(|| text("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let owner = format!("{user}@{}, run {run}", host.trim());
    (owner, blake3::hash(format!("{user} {host} {run}").as_bytes()).to_hex()[..16].to_owned())
}

/// BLAKE3 over everything that decides what the steps measure.
pub(super) fn fingerprint(loaded: &Loaded, prepared: &Prepared) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for cell in &loaded.plan.cells {
        add(&format!("{cell:?}"));
    }
    for step in loaded.steps() {
        add(&format!("{step:?}"));
    }
    for artifact in &prepared.artifacts {
        add(&format!(
            "{} {} {} {:?}",
            artifact.model,
            artifact.variant,
            artifact.digest,
            artifact.problem.is_some()
        ));
    }
    for text in prepared.decisive() {
        add(&text);
    }
    for device in &loaded.devices {
        if let Transport::Emulated { cpu } = &device.transport {
            add(&format!("{} emulated as {cpu}", device.name));
        }
    }
    add(&format!("{:?}", loaded.measure));
    add(&loaded.request.kernels);
    hasher.finalize().to_hex().to_string()
}

/// Whether every device that was met is to be measured by the agent that it was met with. One that was never met may get
/// another: nothing was measured there.
pub(super) fn has_same_agents(entries: &[Entry], prepared: &Prepared) -> bool {
    let met = entries.iter().filter_map(|entry| match entry {
        Entry::Device(device) if device.problem.is_none() => Some(device),
        _ => None,
    });
    met.filter_map(|device| Some((device.properties.get(AGENT_DIGEST)?, prepared.agent(&device.name).ok()?)))
        .all(|(digest, agent)| *digest == agent.digest)
}

/// Those of this machine, and of the project that the suite lies in.
fn properties(suite: &Path) -> BTreeMap<String, String> {
    let mut properties = controller_properties();
    let Ok(repository) = Repository::around(suite) else { return properties };
    let dirty = repository.is_dirty().to_string();
    let found = [
        (PROJECT_REVISION, repository.head()),
        (PROJECT_BRANCH, repository.branch()),
        (PROJECT_DIRTY, Some(dirty)),
    ];
    properties.extend(found.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    properties
}

/// Properties of this machine that explain a run, where they can be read.
pub(super) fn controller_properties() -> BTreeMap<String, String> {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let mut properties = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            properties.insert(name.to_owned(), value);
        }
    };
    add("kernel", read("/proc/sys/kernel/osrelease"));
    add("cpu_model", read("/proc/cpuinfo").and_then(|text| cpu_model(&text)));
    add("cpu_cores", std::thread::available_parallelism().ok().map(|cores| cores.to_string()));
    add("architecture", Some(std::env::consts::ARCH.to_owned()));
    properties
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runs_sort_by_time_and_never_meet() {
        let at = |second: i64| Timestamp::from_second(second).expect("a time");
        let (early, late) = (run_id(at(1_700_000_000), "s", 1), run_id(at(1_700_000_001), "s", 1));
        assert!(early < late, "{early} {late}");
        assert_ne!(run_id(at(1_700_000_000), "s", 2), early);
        assert!(early.starts_with("20231114T221320Z-s-"), "{early}");
    }

    #[test]
    fn cpu_model_is_the_first_core_s() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(cpu_model(text).as_deref(), Some("Some CPU @ 2"));
        assert_eq!(cpu_model("Hardware: board"), None);
    }
}
