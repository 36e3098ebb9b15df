//! One model made ready in LiteRT: its door, and running it.

use std::sync::Arc;

use crate::door::{Access, Compiled, Library, TensorBuffer, TensorType};
use crate::error::LiteRtError;

/// Which of LiteRT's kernels run a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Kernels {
    /// What its users get: the XNNPACK delegate, and built-in kernels for what it does not take.
    #[default]
    Default,
    /// The built-in, optimized kernels without XNNPACK.
    Builtin,
    /// The reference kernels.
    Reference,
}

impl Kernels {
    /// The name it goes by here.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Builtin => "builtin",
            Self::Reference => "reference",
        }
    }

    /// The word LiteRT's CPU options use.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Default => "xnnpack",
            Self::Builtin => "builtin",
            Self::Reference => "reference",
        }
    }
}

impl std::str::FromStr for Kernels {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" | "default" | "xnnpack" => Ok(Self::Default),
            "builtin" => Ok(Self::Builtin),
            "reference" => Ok(Self::Reference),
            _ => Err(format!("no kernels \"{name}\" in LiteRT, expected default, builtin or reference")),
        }
    }
}

/// How a model is made ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Threads of the CPU kernels, at least 1.
    pub threads: usize,
    /// Which kernels run.
    pub kernels: Kernels,
}

/// An input or output of a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorInfo {
    /// The tensor's name in the file.
    pub name: String,
    /// Element type in lower case, such as `float32`.
    pub dtype: &'static str,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Bytes of its values, row-major without padding.
    pub bytes: usize,
}

/// A model that is ready to run. Dropping it frees everything of it in LiteRT.
pub struct Network {
    inputs: Vec<(TensorInfo, TensorBuffer)>,
    outputs: Vec<(TensorInfo, TensorBuffer)>,
    // Last, so that the buffers go before what they belong to.
    compiled: Compiled,
}

impl Network {
    /// Makes a `.tflite` model ready: loads it, chooses kernels, packs weights, allocates its tensors. The first
    /// signature is the one that runs.
    ///
    /// # Errors
    /// When LiteRT refuses the model, or an input or output has a type this crate does not read.
    pub fn load(library: &Arc<Library>, model: Vec<u8>, options: Options) -> Result<Self, LiteRtError> {
        let compiled = Compiled::new(library, model, options)?;
        let mut inputs = Vec::new();
        for index in 0..compiled.input_count()? {
            let (name, tensor_type) = compiled.input(index)?;
            inputs.push(ready(name, &tensor_type, |typed| compiled.input_buffer(index, typed))?);
        }
        let mut outputs = Vec::new();
        for index in 0..compiled.output_count()? {
            let (name, tensor_type) = compiled.output(index)?;
            outputs.push(ready(name, &tensor_type, |typed| compiled.output_buffer(index, typed))?);
        }
        Ok(Self { inputs, outputs, compiled })
    }

    /// The inputs in the model's order.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &TensorInfo> {
        self.inputs.iter().map(|(info, _)| info)
    }

    /// The outputs in the model's order.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = &TensorInfo> {
        self.outputs.iter().map(|(info, _)| info)
    }

    /// Fills an input with raw values.
    ///
    /// # Errors
    /// When there is no such input, the bytes do not fill it, or LiteRT does not give its memory.
    pub fn set_input(&mut self, index: usize, values: &[u8]) -> Result<(), LiteRtError> {
        let found = values.len();
        let Some((info, buffer)) = self.inputs.get_mut(index) else {
            return Err(LiteRtError::Size { index, expected: 0, found });
        };
        if info.bytes != found {
            return Err(LiteRtError::Size { index, expected: info.bytes, found });
        }
        buffer.with(Access::Write, |memory| memory[..found].copy_from_slice(values))
    }

    /// Runs the model once on the inputs as they are.
    ///
    /// # Errors
    /// When LiteRT says that it failed.
    pub fn invoke(&mut self) -> Result<(), LiteRtError> {
        self.compiled.run(&mut self.inputs, &mut self.outputs)
    }

    /// Raw values of an output of the last run; empty when there is no such output.
    ///
    /// # Errors
    /// When LiteRT does not give its memory.
    pub fn output(&mut self, index: usize) -> Result<Vec<u8>, LiteRtError> {
        let Some((info, buffer)) = self.outputs.get_mut(index) else { return Ok(Vec::new()) };
        let bytes = info.bytes;
        buffer.with(Access::Read, |memory| memory[..bytes].to_vec())
    }
}

fn ready(
    name: String,
    tensor_type: &TensorType,
    make: impl FnOnce(&TensorType) -> Result<TensorBuffer, LiteRtError>,
) -> Result<(TensorInfo, TensorBuffer), LiteRtError> {
    let (element_type, rank) = (tensor_type.element_type(), tensor_type.rank());
    let unread = || LiteRtError::Type { name: name.clone(), element_type, rank };
    let (dtype, size) = element(element_type).ok_or_else(unread)?;
    let shape = tensor_type.shape().ok_or_else(unread)?;
    let bytes = shape.iter().try_fold(size, |bytes, dim| bytes.checked_mul(*dim)).ok_or_else(unread)?;
    let buffer = make(tensor_type)?;
    if buffer.bytes() < bytes {
        return Err(unread());
    }
    Ok((TensorInfo { name, dtype, shape, bytes }, buffer))
}

/// Name and bytes of an element, by LiteRT's number of the type (`litert_model_types.h`, the same as TFLite's).
fn element(number: u32) -> Option<(&'static str, usize)> {
    match number {
        1 => Some(("float32", 4)),
        2 => Some(("int32", 4)),
        3 => Some(("uint8", 1)),
        4 => Some(("int64", 8)),
        6 => Some(("bool", 1)),
        7 => Some(("int16", 2)),
        9 => Some(("int8", 1)),
        10 => Some(("float16", 2)),
        11 => Some(("float64", 8)),
        13 => Some(("uint64", 8)),
        16 => Some(("uint32", 4)),
        17 => Some(("uint16", 2)),
        _ => None,
    }
}
