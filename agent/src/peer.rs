//! LiteRT as a runtime of this agent: the same files, inputs, threads and clock as ours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use edgebench_agent_core::{Network, NetworkError, Peer};
use edgebench_interpreter::{DType, Model, TensorView, stored_values};
use edgebench_litert::{Library, Options};
use edgebench_wire::RunOptions;

/// LiteRT from the library at a path, opened when it is first asked for.
pub(crate) struct LiteRt {
    path: PathBuf,
    library: Option<Arc<Library>>,
}

impl LiteRt {
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), library: None }
    }
}

impl Peer for LiteRt {
    fn name(&self) -> &'static str {
        "litert"
    }

    fn open(&mut self, model: &[u8], options: &RunOptions) -> Result<Box<dyn Network>, NetworkError> {
        let library = match &self.library {
            Some(library) => Arc::clone(library),
            None => Arc::clone(self.library.insert(Library::open(&self.path).map_err(error)?)),
        };
        let kernels = options.kernels.parse().map_err(NetworkError)?;
        let options = Options { threads: usize::from(options.threads), kernels };
        let network = edgebench_litert::Network::load(&library, model.to_vec(), options).map_err(error)?;
        let inputs = network.inputs().map(Door::of).collect();
        let outputs = network.outputs().map(Door::of).collect();
        let mut ready = Ready { network, inputs, outputs };
        ready.learn_scales(model)?;
        Ok(Box::new(ready))
    }
}

fn error(cause: impl std::fmt::Display) -> NetworkError {
    NetworkError(cause.to_string())
}

/// An input or output with room for a copy of its values.
struct Door {
    name: String,
    dtype: Option<DType>,
    shape: Vec<usize>,
    scale_zero_point: Option<(f32, i32)>,
    values: Vec<u8>,
}

impl Door {
    fn of(info: &edgebench_litert::TensorInfo) -> Self {
        Self {
            name: info.name.clone(),
            dtype: None,
            shape: info.shape.clone(),
            scale_zero_point: None,
            values: vec![0; info.bytes],
        }
    }

    fn view(&self, index: usize) -> Option<TensorView<'_>> {
        Some(TensorView {
            index,
            name: &self.name,
            dtype: self.dtype?,
            shape: &self.shape,
            scale_zero_point: self.scale_zero_point,
            bytes: &self.values,
        })
    }
}

/// A model that LiteRT has made ready.
struct Ready {
    network: edgebench_litert::Network,
    inputs: Vec<Door>,
    outputs: Vec<Door>,
}

impl Ready {
    /// LiteRT's interface gives types by its own numbers; types and scales are taken from the file, by position.
    fn learn_scales(&mut self, model: &[u8]) -> Result<(), NetworkError> {
        let model = Model::load(model).map_err(error)?;
        for (doors, places) in [(&mut self.inputs, model.inputs()), (&mut self.outputs, model.outputs())] {
            if doors.len() != places.len() {
                let (expected, found) = (places.len(), doors.len());
                return Err(error(format!("LiteRT: expected {expected} inputs or outputs, found {found}")));
            }
            for (position, door) in doors.iter_mut().enumerate() {
                let tensors = places.iter().filter_map(|index| model.tensors().get(*index));
                let same_name = tensors.clone().find(|tensor| tensor.name == door.name);
                if let Some(tensor) = same_name.or_else(|| tensors.clone().nth(position)) {
                    door.dtype = Some(tensor.dtype);
                    door.scale_zero_point = tensor.quantization.as_ref().and_then(|it| it.per_tensor());
                }
            }
        }
        Ok(())
    }

    fn fill(&mut self, index: usize, bytes: &[u8]) -> Result<(), NetworkError> {
        self.network.set_input(index, bytes).map_err(error)
    }
}

impl Network for Ready {
    fn input_count(&self) -> usize {
        self.inputs.len()
    }

    fn output_count(&self) -> usize {
        self.outputs.len()
    }

    fn input(&self, index: usize) -> Option<TensorView<'_>> {
        self.inputs.get(index)?.view(index)
    }

    fn output(&mut self, index: usize) -> Option<TensorView<'_>> {
        let values = self.network.output(index).ok()?;
        let door = self.outputs.get_mut(index)?;
        door.values = values;
        door.view(index)
    }

    fn set_input(&mut self, index: usize, values: &[f32]) -> Result<(), NetworkError> {
        let typed = self.inputs.get(index).and_then(|door| Some((door.dtype?, door.scale_zero_point)));
        let (dtype, scale) = typed.ok_or_else(|| error(format!("model: no input {index}")))?;
        let bytes = stored_values(values, dtype, scale).map_err(error)?;
        self.fill(index, &bytes)
    }

    fn zero_input(&mut self, index: usize) -> Result<(), NetworkError> {
        let Some(door) = self.inputs.get(index) else {
            return Err(error(format!("model: no input {index}")));
        };
        let zeros = vec![0.0; door.shape.iter().product()];
        let stored = door.dtype.and_then(|dtype| stored_values(&zeros, dtype, door.scale_zero_point).ok());
        let bytes = stored.unwrap_or_else(|| vec![0; door.values.len()]);
        self.fill(index, &bytes)
    }

    fn invoke(&mut self) -> Result<(), NetworkError> {
        self.network.invoke().map_err(error)
    }

    /// LiteRT does not tell.
    fn memory(&self) -> (Option<u64>, Option<u64>) {
        (None, None)
    }

    fn kernels(&self) -> Vec<(String, u32)> {
        Vec::new()
    }
}
