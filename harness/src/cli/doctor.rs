//! `bench doctor`: what this machine has, what it lacks, and what to do about it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::locations::{InventoryFile, ResultsFolder, Storage, SuiteFolders};
use super::{Terminal, print};
use crate::build::{self, ARM64_TARGET, ARMV7_TARGET, HOST_TARGET, SOURCE_HASH};
use crate::error::{BenchError, ExitCode};
use crate::run::write_whole;
use crate::suite::Suite;

/// Arguments of `bench doctor`.
#[derive(clap::Args, Debug)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    inventory: InventoryFile,
    #[command(flatten)]
    suites: SuiteFolders,
    #[command(flatten)]
    results: ResultsFolder,
    #[command(flatten)]
    storage: Storage,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    state: State,
    detail: String,
}

enum State {
    Good,
    /// Something works less well, or only when it is needed.
    Note,
    /// `bench run` cannot work.
    Bad,
}

pub(super) fn run(arguments: &DoctorArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let mut findings = vec![compiler(), agent_sources()];
    findings.extend(cross_targets(&arguments.inventory).iter().map(|target| cross_build(target)));
    findings.extend([
        inventory(&arguments.inventory),
        suites(&arguments.suites),
        cache(&arguments.storage),
        results(&arguments.results),
        mirrors(&arguments.storage),
        governor(),
        load(),
    ]);
    let bad = findings.iter().any(|finding| matches!(finding.state, State::Bad));
    print(&findings.iter().map(line).collect::<String>())?;
    Ok(if bad { ExitCode::Usage } else { ExitCode::Pass })
}

fn line(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => "ok  ",
        State::Note => "note",
        State::Bad => "BAD ",
    };
    format!("{mark}  {:<14} {}\n", finding.what, finding.detail)
}

fn compiler() -> Finding {
    let what = "compiler";
    match Command::new("cargo").arg("--version").output() {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Finding { what, state: State::Good, detail: version }
        }
        _ => Finding {
            what,
            state: State::Note,
            detail:
                "cargo does not run: agents cannot be built; install Rust, or name a ready agent with --agent"
                    .into(),
        },
    }
}

fn agent_sources() -> Finding {
    let what = "agent sources";
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"));
    let place = repository.display();
    if !repository.join("agent/Cargo.toml").is_file() {
        let detail = format!("not at {place} any more: name a ready agent with --agent");
        return Finding { what, state: State::Note, detail };
    }
    if build::source_hash(repository) == SOURCE_HASH {
        let detail = format!("{place}, the same that this bench was built from, for {HOST_TARGET}");
        return Finding { what, state: State::Good, detail };
    }
    let detail = format!("{place} changed after this bench was built: build bench again");
    Finding { what, state: State::Bad, detail }
}

/// The targets that agents are built for here: the usual ones, and those of the inventory.
fn cross_targets(file: &InventoryFile) -> Vec<String> {
    let mut targets = vec![ARM64_TARGET.to_owned(), ARMV7_TARGET.to_owned()];
    for device in file.load().iter().flat_map(|inventory| inventory.devices().to_vec()) {
        let target = device.agent_target().to_owned();
        if target != HOST_TARGET && !targets.contains(&target) {
            targets.push(target);
        }
    }
    targets
}

/// Every way to an agent for the target, the one that is taken marked.
fn cross_build(target: &str) -> Finding {
    let ways = build::ways(target, build::repository());
    let ready = build::ready(target).map(|path| path.display().to_string());
    let mut detail = target.to_owned();
    let mut taken = false;
    let mut add = |name: &str, found: Result<String, String>| {
        let mark = match (&found, taken) {
            (Ok(_), false) => "->",
            _ => "  ",
        };
        taken |= found.is_ok();
        let words = found.unwrap_or_else(|reason| reason);
        let _ = write!(detail, "\n        {mark} {name}: {words}");
    };
    for way in ways {
        add(way.name, way.found.map(|toolchain| toolchain.description));
    }
    let none = format!("none for it in the folder that {} names", build::READY_AGENTS);
    add("ready agents", ready.ok_or(none));
    Finding { what: "agent for", state: if taken { State::Good } else { State::Note }, detail }
}

fn inventory(file: &InventoryFile) -> Finding {
    let what = "inventory";
    let place = file.path().map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
    match file.load() {
        Ok(inventory) => {
            let names: Vec<&str> = inventory.devices().iter().map(|device| device.name.as_str()).collect();
            Finding { what, state: State::Good, detail: format!("{place}: {}", names.join(", ")) }
        }
        Err(_) => Finding {
            what,
            state: State::Bad,
            detail: format!("{place} is wrong: `bench devices` shows where"),
        },
    }
}

fn suites(folders: &SuiteFolders) -> Finding {
    let what = "suites";
    let found = Suite::list(folders.paths());
    let broken = found.iter().filter(|(_, file)| Suite::load(file).is_err()).count();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let state = match (broken, found.is_empty()) {
        (0, false) => State::Good,
        (0, true) => State::Note,
        _ => State::Bad,
    };
    let detail = match (broken, found.is_empty()) {
        (_, true) => "none here: run in the repository, or name their folder with --suites".to_owned(),
        (0, _) => names.join(", "),
        (broken, _) => format!("{broken} of {} are broken: `bench suites` shows which", found.len()),
    };
    Finding { what, state, detail }
}

fn cache(storage: &Storage) -> Finding {
    let what = "cache";
    match storage.cache() {
        Ok(cache) => Finding { what, state: State::Good, detail: cache.root().display().to_string() },
        Err(error) => Finding { what, state: State::Bad, detail: first_line(&error) },
    }
}

fn results(folder: &ResultsFolder) -> Finding {
    let what = "results";
    let results = folder.open();
    let place = results.path().display().to_string();
    let probe = results.path().join(format!(".doctor-{}", std::process::id()));
    let writable = std::fs::create_dir_all(results.path()).and_then(|()| write_whole(&probe, b"probe"));
    let _ = std::fs::remove_file(&probe);
    match (writable, results.runs()) {
        (Ok(()), Ok(runs)) => {
            Finding { what, state: State::Good, detail: format!("{place}: {} runs", runs.len()) }
        }
        (Err(cause), _) => {
            Finding { what, state: State::Bad, detail: format!("{place} cannot be written: {cause}") }
        }
        (_, Err(error)) => Finding { what, state: State::Bad, detail: error.to_string() },
    }
}

fn mirrors(storage: &Storage) -> Finding {
    let what = "mirrors";
    let missing: Vec<String> = storage
        .mirrors()
        .iter()
        .filter(|folder| !folder.is_dir())
        .map(|folder| folder.display().to_string())
        .collect();
    match (storage.mirrors().len(), missing.is_empty()) {
        (0, _) => {
            Finding { what, state: State::Note, detail: "none: files named by SHA-256 are downloaded".into() }
        }
        (count, true) => Finding { what, state: State::Good, detail: format!("{count} folders") },
        (_, false) => {
            Finding { what, state: State::Bad, detail: format!("no such folder: {}", missing.join(", ")) }
        }
    }
}

/// A clock that follows the load makes the first runs slower than the later ones.
fn governor() -> Finding {
    let what = "governor";
    match std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") {
        Ok(name) if name.trim() == "performance" => {
            Finding { what, state: State::Good, detail: "performance".into() }
        }
        Ok(name) => Finding {
            what,
            state: State::Note,
            detail: format!(
                "{}: latencies on this machine will vary; `cpupower frequency-set -g performance`",
                name.trim()
            ),
        },
        Err(_) => {
            Finding { what, state: State::Note, detail: "not readable: the clock may vary unseen".into() }
        }
    }
}

fn load() -> Finding {
    let what = "load";
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Option<f64> = text.split_whitespace().next().and_then(|word| word.parse().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match load {
        Some(load) if load > cores as f64 * 0.5 => Finding {
            what,
            state: State::Note,
            detail: format!("{load} on {cores} cores: other work will disturb measurements on `host`"),
        },
        Some(load) => Finding { what, state: State::Good, detail: format!("{load} on {cores} cores") },
        None => Finding { what, state: State::Note, detail: "not readable".into() },
    }
}

fn first_line(error: &BenchError) -> String {
    error.render(false).lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
