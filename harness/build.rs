//! Stamps the controller with a hash of the sources that decide what an agent and a converted model are. A cached
//! artifact made from other sources is then never taken for one of ours.
use std::path::Path;

#[path = "src/build/sources.rs"]
mod sources;

fn main() {
    let repository = Path::new("..");
    for source in sources::SOURCES {
        println!("cargo::rerun-if-changed={}", repository.join(source).display());
    }
    println!("cargo::rerun-if-changed=../.git/HEAD");
    println!("cargo::rustc-env=EDGEBENCH_SOURCE_HASH={}", sources::source_hash(repository));
    println!("cargo::rustc-env=EDGEBENCH_GIT_REVISION={}", git_revision().unwrap_or_default());
    println!("cargo::rustc-env=EDGEBENCH_HOST_TARGET={}", std::env::var("TARGET").unwrap_or_default());
}

fn git_revision() -> Option<String> {
    let output = std::process::Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
