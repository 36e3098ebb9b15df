//! An op case as it lies in `suites/ops/<op>/<case>` (`ci/ops/case.py` writes it): a model, inputs, and what LiteRT's
//! reference kernels answered. Knows nothing of how a case is run.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

const FORMAT: u32 = 1;

/// One case.
pub(crate) struct Case {
    /// `<op>/<case>`.
    pub(crate) folder: String,
    pub(crate) about: About,
    pub(crate) model: Vec<u8>,
    /// For each step its inputs and its outputs.
    pub(crate) steps: Vec<Step>,
}

/// What `case.json` says.
#[derive(Deserialize)]
pub(crate) struct About {
    format: u32,
    pub(crate) op: String,
    /// The row of the table: the type of the activations, or `hybrid`.
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    pub(crate) expected: Expected,
    /// The subgraph that is run, where it is not the first.
    pub(crate) signature: Option<String>,
    steps: usize,
    inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    /// Floats may differ by `absolute + relative * |expected|`; both 0 asks for the same bits.
    pub(crate) relative: f64,
    pub(crate) absolute: f64,
}

/// What a case asks for.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expected {
    /// The outputs of the case.
    Outputs,
    /// An error, because LiteRT does not take the model.
    Refused,
}

/// An input or output.
#[derive(Deserialize, Clone)]
pub(crate) struct Port {
    pub(crate) dtype: String,
    pub(crate) shape: Vec<usize>,
}

/// One inference: raw little-endian values in the order of the ports.
pub(crate) struct Step {
    pub(crate) inputs: Vec<Vec<u8>>,
    pub(crate) outputs: Vec<Vec<u8>>,
}

impl Port {
    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * element_bytes(&self.dtype)
    }
}

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The folder of all cases.
pub(crate) fn suite() -> PathBuf {
    repository().join("suites/ops")
}

/// Every case, in order of folders.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for op in folders(&suite()) {
        cases.extend(folders(&op).iter().map(|folder| read(folder)));
    }
    cases
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.expect("readable entry").path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn read(folder: &Path) -> Case {
    let file = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let about: About = serde_json::from_slice(&file("case.json"))
        .unwrap_or_else(|error| panic!("{}/case.json: {error}", folder.display()));
    assert_eq!(about.format, FORMAT, "{}: format", folder.display());
    let steps = match about.expected {
        Expected::Outputs => steps(&about, &file("values.bin")),
        Expected::Refused => Vec::new(),
    };
    let parts: Vec<_> = folder.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
    Case { folder: format!("{}/{}", parts[1], parts[0]), about, model: file("model.tflite"), steps }
}

fn steps(about: &About, mut values: &[u8]) -> Vec<Step> {
    let mut take = |ports: &[Port]| -> Vec<Vec<u8>> {
        let mut part = |port: &Port| {
            let (own, rest) = values.split_at(port.bytes());
            values = rest;
            own.to_vec()
        };
        ports.iter().map(&mut part).collect()
    };
    let steps = (0..about.steps)
        .map(|_| Step { inputs: take(&about.inputs), outputs: take(&about.outputs) })
        .collect();
    assert!(values.is_empty(), "values.bin has {} bytes too many", values.len());
    steps
}

/// Size of one value of a type.
pub(crate) fn element_bytes(dtype: &str) -> usize {
    match dtype {
        "int8" | "uint8" | "bool" => 1,
        "float16" | "int16" | "uint16" => 2,
        "float32" | "int32" | "uint32" => 4,
        "float64" | "int64" | "complex64" => 8,
        _ => panic!("unknown type {dtype}"),
    }
}
