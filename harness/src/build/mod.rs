//! The agent's binary for a device: built from the sources beside this controller, once, or brought along.

mod sources;

pub(crate) use sources::source_hash;

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
    /// Another machine's agent, which needs a cross compiler.
    #[error("agent for {target}: building for another target than {HOST_TARGET} is not part of this build")]
    OtherTarget {
        /// Target triple.
        target: String,
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

/// The agent for `target`: `given` when there is one, else the one made before from the same sources, else a new one.
///
/// # Errors
/// When there are no sources, they do not fit this controller, or they cannot be built.
pub fn agent(cache: &Cache, target: &str, given: Option<&Path>) -> Result<AgentBinary, BuildError> {
    if let Some(path) = given {
        return describe(path, target, true);
    }
    let kept = cache.root().join("agents").join(SOURCE_HASH).join(target).join("edgebench-agent");
    if kept.is_file() {
        return describe(&kept, target, true);
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"));
    check_sources(repository, target)?;
    let built = compile(repository, target)?;
    keep(&built, &kept, target)?;
    describe(&kept, target, false)
}

fn check_sources(repository: &Path, target: &str) -> Result<(), BuildError> {
    let (target, repository) = (target.to_owned(), repository.to_owned());
    if target != HOST_TARGET {
        return Err(BuildError::OtherTarget { target });
    }
    if !repository.join("agent/Cargo.toml").is_file() {
        return Err(BuildError::NoSources { target, repository });
    }
    if source_hash(&repository) != SOURCE_HASH {
        return Err(BuildError::SourcesChanged { target, repository });
    }
    Ok(())
}

/// Runs cargo and returns the path of the program it built.
fn compile(repository: &Path, target: &str) -> Result<PathBuf, BuildError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--profile", "agent", "--package", "edgebench-agent", "--locked"])
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
    let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "edgebench-agent";
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
    let content = std::fs::read(path).map_err(|source| BuildError::Io {
        target: target.to_owned(),
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    Ok(AgentBinary {
        path: path.to_owned(),
        target: target.to_owned(),
        digest: blake3::hash(&content).to_hex().to_string(),
        bytes: content.len() as u64,
        reused,
    })
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
    fn agent_for_another_target_is_refused_with_its_name() {
        let error =
            check_sources(Path::new("/nowhere"), "mips-unknown-none").expect_err("no cross compiler here");
        assert!(error.to_string().contains("mips-unknown-none"), "{error}");
    }

    #[test]
    fn last_lines_are_the_last_ones() {
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }
}
