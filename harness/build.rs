//! Stamps the controller with a hash of the sources that decide what an agent and a converted model are. A cached
//! artifact made from other sources is then never taken for one of ours.
use std::path::{Path, PathBuf};

/// Everything an agent is built from, and everything that decides the bytes of a converted model.
const SOURCES: &[&str] = &["../runtime", "../agent", "../Cargo.toml", "../Cargo.lock", "../rust-toolchain.toml"];

fn main() {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in &files {
        let name = file.to_string_lossy();
        let content = std::fs::read(file).unwrap_or_default();
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&(content.len() as u64).to_le_bytes());
        hasher.update(&content);
    }
    println!("cargo::rustc-env=EDGEBENCH_SOURCE_HASH={}", hasher.finalize().to_hex());
    println!("cargo::rustc-env=EDGEBENCH_GIT_REVISION={}", git_revision().unwrap_or_default());
    println!("cargo::rustc-env=EDGEBENCH_HOST_TARGET={}", std::env::var("TARGET").unwrap_or_default());
    println!("cargo::rerun-if-changed=../.git/HEAD");
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

fn git_revision() -> Option<String> {
    let output = std::process::Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
