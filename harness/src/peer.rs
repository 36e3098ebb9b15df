//! The peer runtime on this machine: where LiteRT's library lies, and running one model in it.
//!
//! LiteRT trusts model files, and a broken one can end the process; whoever cannot afford that runs it in a process of
//! its own, as [`crate::parity`] does.

use std::path::{Path, PathBuf};

use edgebench_converter::LooseTensor;
use edgebench_litert::{Library, LiteRtError, Network, Options, VARIABLE, in_python_environments};

/// LiteRT could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// No library was named and none is in the usual places.
    #[error("no LiteRT library found")]
    NotFound,
    /// LiteRT failed.
    #[error(transparent)]
    LiteRt(#[from] LiteRtError),
    /// A model has another number of inputs in LiteRT than here.
    #[error("LiteRT: expected {expected} inputs, found {found}")]
    Inputs {
        /// Inputs of the model in LiteRT.
        expected: usize,
        /// Inputs that were given.
        found: usize,
    },
}

/// LiteRT's library: the one that was named, the one in the environment variable `EDGEBENCH_LITERT`, else the one of
/// the package `ai-edge-litert` in the active Python environment, in `.venv` here, beside `EDGEBENCH_PYTHON`, or in the
/// Python of this machine.
///
/// # Errors
/// When none of these is there.
pub fn locate(named: Option<&Path>) -> Result<PathBuf, PeerError> {
    let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = named.map(Path::to_owned).or_else(variable);
    named.or_else(|| in_python_environments(&python_environments())).ok_or(PeerError::NotFound)
}

fn python_environments() -> Vec<PathBuf> {
    let active = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let tests = std::env::var_os("EDGEBENCH_PYTHON").map(PathBuf::from);
    let beside = tests.as_deref().and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
    let fixed = [PathBuf::from(".venv"), PathBuf::from("/usr/local"), PathBuf::from("/usr")];
    active.into_iter().chain(beside).chain(fixed).collect()
}

/// Runs a model once in LiteRT. Inputs are in the model's order and of its types.
///
/// # Errors
/// When the library does not open or LiteRT refuses the model or its inputs.
pub fn infer(
    library: &Path,
    model: Vec<u8>,
    inputs: &[LooseTensor],
    options: Options,
) -> Result<Vec<LooseTensor>, PeerError> {
    let library = Library::open(library)?;
    let mut network = Network::load(&library, model, options)?;
    let (expected, found) = (network.inputs().len(), inputs.len());
    if expected != found {
        return Err(PeerError::Inputs { expected, found });
    }
    let slots: Vec<usize> = network
        .inputs()
        .enumerate()
        .map(|(slot, info)| {
            inputs.iter().position(|tensor| tensor.name.as_deref() == Some(&info.name)).unwrap_or(slot)
        })
        .collect();
    for (slot, given) in slots.into_iter().enumerate() {
        network.set_input(slot, &inputs[given].bytes)?;
    }
    network.invoke()?;
    let infos: Vec<_> = network.outputs().cloned().collect();
    let read = |(index, info): (usize, edgebench_litert::TensorInfo)| {
        let bytes = network.output(index)?;
        Ok(LooseTensor { name: Some(info.name), dtype: info.dtype.to_owned(), shape: info.shape, bytes })
    };
    infos.into_iter().enumerate().map(read).collect()
}
