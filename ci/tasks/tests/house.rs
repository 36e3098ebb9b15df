//! The rules of the house that a compiler does not hold: who may depend on whom, who may use `unsafe`, how long a
//! file may grow. `ARCHITECTURE.md` gives the reasons.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every arrow there may be between our crates. An arrow that is not here is a mistake, also in tests.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "edgebench-harness",
        &["edgebench-reports", "edgebench-wire", "edgebench-converter", "edgebench-litert"],
    ),
    ("edgebench-reports", &[]),
    (
        "edgebench-agent",
        &[
            "edgebench-agent-core",
            "edgebench-wire",
            "edgebench-interpreter",
            "edgebench-litert",
            "edgebench-pool",
        ],
    ),
    ("edgebench-agent-core", &["edgebench-wire", "edgebench-interpreter"]),
    ("edgebench-counter", &[]),
    ("edgebench-wire", &[]),
    ("edgebench-converter", &["edgebench-interpreter", "edgebench-pool", "edgebench-schema"]),
    ("edgebench-interpreter", &["edgebench-kernels", "edgebench-schema"]),
    ("edgebench-capi", &["edgebench-interpreter"]),
    ("edgebench-kernels", &[]),
    ("edgebench-schema", &[]),
    ("edgebench-litert", &[]),
    ("edgebench-pool", &["edgebench-kernels"]),
    ("edgebench-tasks", &[]),
];

/// Arrows that only tests may have: they build small models to run.
const TEST_ARROWS: &[(&str, &str)] = &[
    ("edgebench-agent", "edgebench-schema"),
    ("edgebench-agent-core", "edgebench-schema"),
    ("edgebench-interpreter", "edgebench-schema"),
    ("edgebench-interpreter", "edgebench-pool"),
];

/// Heavy or dangerous packages and the only crates that may name them.
const FENCED: &[(&str, &[&str])] = &[
    ("polars", &["edgebench-reports"]),
    ("plotters", &["edgebench-reports"]),
    ("flatbuffers", &["edgebench-schema", "edgebench-converter"]),
    ("tokio", &["edgebench-harness"]),
    ("libloading", &["edgebench-litert"]),
    ("bincode", &[]),
];

/// Crates with code that the compiler cannot prove: kernels by design, the schema because flatc writes it, the counter
/// and the peer because they are doors to C functions of QEMU and LiteRT, the C interface because its callers give
/// pointers, and the pool because it lends work to threads.
const MAY_BE_UNSAFE: &[&str] =
    &["runtime/kernels", "runtime/schema", "runtime/litert", "runtime/capi", "runtime/pool", "agent/counter"];

const MAX_LINES_WITHOUT_TESTS: usize = 800;
const FORBIDDEN_MODULES: &[&str] = &["utils", "helpers", "common", "misc", "imp"];

#[test]
fn arrows_between_crates_are_the_documented_ones() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for package in packages() {
        let name = text(&package, "name");
        let Some(may) = allowed.get(name.as_str()) else {
            wrong.push(format!("{name} is not in the table of arrows"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = text(dependency, "name");
            let in_tests = dependency["kind"].as_str() == Some("dev");
            let ours = to.starts_with("edgebench-");
            let fine = may.contains(to.as_str()) || (in_tests && TEST_ARROWS.contains(&(&name, &to)));
            if ours && !fine {
                wrong.push(format!("{name} -> {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that may not be: {wrong:#?}");
}

#[test]
fn fenced_packages_stay_inside_their_fence() {
    let mut wrong = Vec::new();
    for package in packages() {
        let name = text(&package, "name");
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = text(dependency, "name");
            if let Some((_, may)) = FENCED.iter().find(|(fenced, _)| *fenced == to)
                && !may.contains(&name.as_str())
            {
                wrong.push(format!("{name} -> {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "packages outside their fence: {wrong:#?}");
}

#[test]
fn unsafe_code_is_forbidden_where_it_is_not_the_subject() {
    let mut wrong = Vec::new();
    for package in packages() {
        let manifest = PathBuf::from(text(&package, "manifest_path"));
        let folder = manifest.parent().expect("a manifest stands in a folder");
        if MAY_BE_UNSAFE.iter().any(|name| folder == repository().join(name)) {
            continue;
        }
        for root in ["src/lib.rs", "src/main.rs"].map(|root| folder.join(root)) {
            let Ok(source) = std::fs::read_to_string(&root) else { continue };
            if !source.contains("#![forbid(unsafe_code)]") {
                wrong.push(root);
            }
        }
    }
    assert!(wrong.is_empty(), "crate roots without #![forbid(unsafe_code)]: {wrong:#?}");
}

#[test]
fn files_hold_one_subject() {
    let mut wrong = Vec::new();
    for file in rust_files(repository()) {
        let source = std::fs::read_to_string(&file).expect("readable source");
        let lines = source.lines().take_while(|line| !line.contains("#[cfg(test)]")).count();
        if lines > MAX_LINES_WITHOUT_TESTS {
            wrong.push(format!("{}: {lines} lines", file.display()));
        }
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if FORBIDDEN_MODULES.contains(&stem) {
            wrong.push(format!("{}: a name that says nothing", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let skipped =
            name.starts_with('.') || ["target", "generated", "tests", "fuzz"].contains(&name.as_str());
        if path.is_dir() && !skipped {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("ci/tasks stands two folders deep")
}
