//! Generating the flatbuffer code, and noticing when the committed code is not what flatc would write.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The version that the `flatbuffers` crate is in lock step with; another one writes code that does not compile or,
/// worse, compiles and differs.
const FLATC_VERSION: &str = "25.12.19";

const SCHEMA: &str = "runtime/schema/tflite.fbs";
const GENERATED: &str = "runtime/schema/src/generated/tflite.rs";

/// Writes the generated code into the source tree.
pub(crate) fn generate() -> Result<()> {
    let code = run_flatc()?;
    let target = repository().join(GENERATED);
    std::fs::write(&target, code).with_context(|| format!("cannot write {}", target.display()))?;
    println!("wrote {GENERATED}");
    Ok(())
}

/// Compares the committed code with a fresh generation.
pub(crate) fn check() -> Result<()> {
    let fresh = run_flatc()?;
    let committed =
        std::fs::read(repository().join(GENERATED)).with_context(|| format!("cannot read {GENERATED}"))?;
    ensure!(
        fresh == committed,
        "{GENERATED} is not what flatc {FLATC_VERSION} makes of {SCHEMA}; run `cargo run -p edgebench-tasks -- schema generate`"
    );
    println!("{GENERATED} matches {SCHEMA}");
    Ok(())
}

fn run_flatc() -> Result<Vec<u8>> {
    let flatc = find_flatc();
    let version = Command::new(&flatc)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}; set FLATC or run ci/setup", flatc.display()))?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if !version.contains(FLATC_VERSION) {
        bail!("{} is \"{}\", expected flatc {FLATC_VERSION}", flatc.display(), version.trim());
    }
    let folder = std::env::temp_dir().join(format!("edgebench-schema-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let made = generate_into(&flatc, &folder);
    std::fs::remove_dir_all(&folder)?;
    made
}

fn generate_into(flatc: &Path, folder: &Path) -> Result<Vec<u8>> {
    let status = Command::new(flatc)
        .args(["--rust", "--gen-object-api", "--filename-suffix", "", "-o"])
        .arg(folder)
        .arg(repository().join(SCHEMA))
        .status()?;
    ensure!(status.success(), "flatc refused {SCHEMA}");
    Ok(std::fs::read(folder.join("tflite.rs"))?)
}

fn find_flatc() -> PathBuf {
    if let Some(path) = std::env::var_os("FLATC") {
        return path.into();
    }
    let installed = repository().join(".venv/bin/flatc");
    if installed.exists() { installed } else { "flatc".into() }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("ci/tasks stands two folders deep")
}
