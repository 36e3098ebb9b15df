//! One hash over the sources that decide what an agent and a converted model are. Used twice: when the controller is
//! compiled (`build.rs` stamps the value into it) and when it builds an agent (the sources must still be the same).

use std::path::{Path, PathBuf};

/// Everything an agent is built from, and everything that decides the bytes of a converted model; relative to the
/// repository.
pub(crate) const SOURCES: &[&str] = &["runtime", "agent", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

/// BLAKE3, in hex, over names and contents of the files under `repository` that [`SOURCES`] names.
pub(crate) fn source_hash(repository: &Path) -> String {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&repository.join(source), &mut files);
    }
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in &files {
        let name = file.strip_prefix(repository).unwrap_or(file).to_string_lossy();
        let content = std::fs::read(file).unwrap_or_default();
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&(content.len() as u64).to_le_bytes());
        hasher.update(&content);
    }
    hasher.finalize().to_hex().to_string()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name != "target" && name != "tests" && name != "benches" {
            collect(&entry.path(), files);
        }
    }
}
