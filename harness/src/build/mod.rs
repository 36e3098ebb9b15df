//! The agent's binary for a device: built from the sources beside this controller, once, or brought along.
//!
//! Looked for in this order: a program that the user names, if it is for the device's processor; the one made before
//! from the same sources; a new one, by the first of [`ways`] that this machine has everything for; a folder of ready
//! agents. Must not know how a program comes to a device.

mod counter;
mod library;
mod machine;
mod sources;
mod toolchain;

pub use counter::{Interface, counter};
pub(crate) use sources::source_hash;
pub(crate) use toolchain::program;
pub use toolchain::{Toolchain, Way, ways};

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::artifact::Cache;

/// Target triple of the machine this controller was built on.
pub const HOST_TARGET: &str = env!("EDGEBENCH_HOST_TARGET");

/// Hash of the sources that this controller was built from.
pub const SOURCE_HASH: &str = env!("EDGEBENCH_SOURCE_HASH");

/// The revision that this controller was built from, where it was a git checkout.
pub const GIT_REVISION: Option<&str> = {
    let text = env!("EDGEBENCH_GIT_REVISION");
    if text.is_empty() { None } else { Some(text) }
};

/// Agent of Raspberry Pis and phones: one static program for both.
pub const ARM64_TARGET: &str = "aarch64-unknown-linux-gnu";

/// Agent of boards that run a 32-bit system.
pub const ARMV7_TARGET: &str = "armv7-unknown-linux-gnueabihf";

/// Names the folder of ready agents: `<target>/edgebench-agent` in it.
pub const READY_AGENTS: &str = "EDGEBENCH_AGENTS";

/// Name of the program, also in folders of agents.
const PROGRAM: &str = "edgebench-agent";

/// Lines of the compiler's own words that an error repeats.
const COMPILER_WORDS: usize = 12;

/// An agent, ready to be started or sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgentBinary {
    /// The program.
    pub path: PathBuf,
    /// Target triple.
    pub target: String,
    /// BLAKE3, in hex.
    pub digest: String,
    /// Its length.
    pub bytes: u64,
    /// Whether it was found as it was made before.
    pub reused: bool,
}

/// Why there is no agent.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The sources are not where this controller was built.
    #[error("agent for {target}: no sources at {}", repository.display())]
    NoSources {
        /// Target triple.
        target: String,
        /// Where they were.
        repository: PathBuf,
    },
    /// The sources are no longer those that this controller was built from.
    #[error("agent for {target}: the sources at {} changed after this bench was built", repository.display())]
    SourcesChanged {
        /// Target triple.
        target: String,
        /// Where they are.
        repository: PathBuf,
    },
    /// Another machine's agent, and no compiler for it.
    #[error("agent for {target}: no toolchain for it on this machine")]
    NoToolchain {
        /// Target triple.
        target: String,
        /// Each way to one and what it lacks, one line each.
        looked: Vec<String>,
    },
    /// A given binary, or what the compiler wrote, cannot be read or kept.
    #[error("agent for {target}: cannot {action} {}", path.display())]
    Io {
        /// Target triple.
        target: String,
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The compiler cannot be started.
    #[error("agent for {target}: cannot start cargo")]
    NoCargo {
        /// Target triple.
        target: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The compiler failed.
    #[error("agent for {target}: cargo failed:\n{words}")]
    Compiler {
        /// Target triple.
        target: String,
        /// The last lines it wrote.
        words: String,
    },
}

/// The agent for `target` where nothing has to be built: `given` when it is for this processor, else the one made before
/// from the same sources.
///
/// # Errors
/// When it is there and cannot be read.
pub fn agent_at_hand(
    cache: &Cache,
    target: &str,
    given: Option<&Path>,
) -> Result<Option<AgentBinary>, BuildError> {
    if let Some(path) = given
        && machine::may_run_on(path, target).map_err(cannot_read(target, path))?
    {
        return describe(path, target, true).map(Some);
    }
    let kept = kept(cache, target);
    if kept.is_file() { describe(&kept, target, true).map(Some) } else { Ok(None) }
}

fn kept(cache: &Cache, target: &str) -> PathBuf {
    cache.root().join("agents").join(SOURCE_HASH).join(target).join(PROGRAM)
}

/// The agent for `target`: `given` when it is for this processor, else the one made before from the same sources, else
/// a new one, else a ready one.
///
/// # Errors
/// When there are no sources, they do not fit this controller, or they cannot be built.
pub fn agent(cache: &Cache, target: &str, given: Option<&Path>) -> Result<AgentBinary, BuildError> {
    if let Some(agent) = agent_at_hand(cache, target, given)? {
        return Ok(agent);
    }
    match build(cache, target) {
        Ok(built) => {
            let kept = kept(cache, target);
            keep(&built, &kept, target)?;
            describe(&kept, target, false)
        }
        Err(error) => match ready(target) {
            Some(path) => describe(&path, target, true),
            None => Err(error),
        },
    }
}

/// Where the sources are that this controller was built from.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"))
}

/// The ready agent for `target`, where the user named a folder of them.
pub fn ready(target: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(READY_AGENTS).filter(|folder| !folder.is_empty())?;
    Some(Path::new(&folder).join(target).join(PROGRAM)).filter(|path| path.is_file())
}

fn build(cache: &Cache, target: &str) -> Result<PathBuf, BuildError> {
    let repository = repository();
    check_sources(repository, target)?;
    if target == HOST_TARGET {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        return compile(Command::new(cargo), repository, target);
    }
    let toolchain = choose(ways(target, repository), target)?;
    cross_compile(&toolchain, cache, repository)
}

/// The first way that leads to an agent.
fn choose(ways: Vec<Way>, target: &str) -> Result<Toolchain, BuildError> {
    let mut looked = Vec::new();
    for way in ways {
        match way.found {
            Ok(toolchain) => return Ok(toolchain),
            Err(reason) => looked.push(format!("{}: {reason}", way.name)),
        }
    }
    looked.push(format!("ready agents: none for it in {READY_AGENTS}"));
    Err(BuildError::NoToolchain { target: target.to_owned(), looked })
}

fn check_sources(repository: &Path, target: &str) -> Result<(), BuildError> {
    let (target, repository) = (target.to_owned(), repository.to_owned());
    if !repository.join("agent/Cargo.toml").is_file() {
        return Err(BuildError::NoSources { target, repository });
    }
    if source_hash(&repository) != SOURCE_HASH {
        return Err(BuildError::SourcesChanged { target, repository });
    }
    Ok(())
}

/// A static program: it needs no C library of the device, be it a Linux distribution's or Android's.
fn cross_compile(toolchain: &Toolchain, cache: &Cache, repository: &Path) -> Result<PathBuf, BuildError> {
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    let mut cargo = toolchain.cargo();
    if let Some(sysroot) = library::sysroot(toolchain, cache.root())? {
        flags.push(format!("--sysroot={}", sysroot.display()));
        // A library that cargo makes for panics that unwind cannot be linked into a program that aborts.
        cargo.env("CARGO_PROFILE_AGENT_PANIC", "unwind");
    }
    if toolchain.zig {
        flags.push("-Clink-self-contained=no".to_owned());
    }
    let name = toolchain::in_environment(&toolchain.target);
    if toolchain.zig {
        cargo.arg("zigbuild");
    }
    if let Some(linker) = &toolchain.linker {
        cargo.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
    }
    // With a target named, these are for its code only. The separator is cargo's, so that paths may hold spaces.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    // Another compiler's target folder would be thrown away by each of them in turn.
    cargo.env("CARGO_TARGET_DIR", target_folder(repository).join("cross"));
    compile(cargo, repository, &toolchain.target)
}

fn target_folder(repository: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from)
}

/// Runs cargo and returns the path of the program it built.
fn compile(mut cargo: Command, repository: &Path, target: &str) -> Result<PathBuf, BuildError> {
    if cargo.get_args().next().is_none() {
        cargo.arg("build");
    }
    if target != HOST_TARGET {
        cargo.args(["--target", target]);
    }
    if target == HOST_TARGET {
        // Not static, so that it can open the peer's library.
        cargo.args(["--features", "litert"]);
    }
    let output = cargo
        .args(["--profile", "agent", "--package", PROGRAM, "--locked"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(repository)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| BuildError::NoCargo { target: target.to_owned(), source })?;
    let messages = String::from_utf8_lossy(&output.stdout);
    match messages.lines().rev().find_map(executable) {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(BuildError::Compiler {
            target: target.to_owned(),
            words: last_lines(&String::from_utf8_lossy(&output.stderr), COMPILER_WORDS),
        }),
    }
}

/// The program that one of cargo's messages tells of.
fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == PROGRAM;
    let path = message["executable"].as_str().filter(|_| ours)?;
    Some(PathBuf::from(path))
}

/// Copies the program into the cache under its final name only when it is whole.
fn keep(built: &Path, kept: &Path, target: &str) -> Result<(), BuildError> {
    let io = |action, path: &Path, source| BuildError::Io {
        target: target.to_owned(),
        action,
        path: path.to_owned(),
        source,
    };
    let folder = kept.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|source| io("create", folder, source))?;
    let part = kept.with_extension(format!("{}.part", std::process::id()));
    let copied = std::fs::copy(built, &part).and_then(|_| {
        std::fs::File::open(&part)?.sync_all()?;
        std::fs::rename(&part, kept)
    });
    copied.map_err(|source| {
        let _ = std::fs::remove_file(&part);
        io("write", kept, source)
    })
}

fn describe(path: &Path, target: &str, reused: bool) -> Result<AgentBinary, BuildError> {
    let content = std::fs::read(path).map_err(cannot_read(target, path))?;
    Ok(AgentBinary {
        path: path.to_owned(),
        target: target.to_owned(),
        digest: blake3::hash(&content).to_hex().to_string(),
        bytes: content.len() as u64,
        reused,
    })
}

fn cannot_read(target: &str, path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    move |source| BuildError::Io { target: target.to_owned(), action: "read", path: path.to_owned(), source }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_is_found_among_the_messages_of_cargo() {
        let ours =
            r#"{"reason":"compiler-artifact","target":{"name":"edgebench-agent"},"executable":"/x/agent"}"#;
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"edgebench_wire"},"executable":null}"#;
        assert_eq!(executable(ours), Some(PathBuf::from("/x/agent")));
        assert_eq!(executable(library), None);
        assert_eq!(executable("not json"), None);
    }

    #[test]
    fn stamp_fits_the_sources_that_the_test_was_built_from() {
        let repository =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the harness stands in the repository");
        assert_eq!(source_hash(repository), SOURCE_HASH);
    }

    #[test]
    fn the_first_way_that_leads_to_an_agent_is_taken() {
        let error = choose(ways("mips-unknown-none", Path::new("/")), "mips-unknown-none")
            .expect_err("no compiler for it");
        assert!(error.to_string().contains("mips-unknown-none"), "{error}");
        let BuildError::NoToolchain { looked, .. } = error else { panic!("{error}") };
        let ways = ["rustup target: ", "system toolchain: ", "zig: ", "ready agents: "];
        assert!(ways.iter().zip(&looked).all(|(way, line)| line.starts_with(way)), "{looked:?}");
    }

    #[test]
    fn last_lines_are_the_last_ones() {
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }
}
