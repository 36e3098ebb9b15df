//! The genuine LiteRT, behind `ci/litert/run_model.py`.

use std::path::PathBuf;
use std::process::Command;

use crate::digits::repository;

/// A Python that has `ai-edge-litert`.
pub(crate) struct Python(PathBuf);

impl Python {
    /// The one that the environment names; says so when there is none.
    pub(crate) fn find() -> Option<Self> {
        let python = std::env::var_os("EDGEBENCH_PYTHON").map(|path| Self(path.into()));
        if python.is_none() {
            println!("skipped: EDGEBENCH_PYTHON names no Python with ai-edge-litert");
        }
        python
    }

    /// Output 0 for each of the inputs, back to back. A model that LiteRT refuses fails the test with its words.
    pub(crate) fn run(&self, model: &[u8], kernels: &str, inputs: &[Vec<u8>]) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("model.tflite"), model).expect("room for the model");
        std::fs::write(file("inputs"), inputs.concat()).expect("room for the inputs");
        let output = Command::new(&self.0)
            .arg(repository().join("ci/litert/run_model.py"))
            .args(["--kernels", kernels])
            .args(["--model".into(), file("model.tflite")])
            .args(["--inputs".into(), file("inputs")])
            .args(["--outputs".into(), file("outputs")])
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.0.display()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(file("outputs")).expect("outputs")
    }
}
