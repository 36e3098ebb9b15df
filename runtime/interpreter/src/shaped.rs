//! The shapes that tensors have now. The file states one for each tensor; an input that is resized, and every output whose
//! operator computes another, differ from it. Knows nothing of operators and memory.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::error::Fault;
use crate::model::{Graph, MAX_RANK, MAX_TENSOR_BYTES, TensorInfo, place_of_tensor};

/// A graph with shapes of its own.
pub(crate) struct Shaped<'m> {
    pub(crate) graph: &'m Graph<'m>,
    /// By tensor: shapes that are not those of the file.
    changed: BTreeMap<usize, Vec<usize>>,
}

/// What the preparation of a node asks for before it can succeed.
#[derive(Default)]
pub(crate) struct Wish {
    /// The shape that one of the outputs shall have.
    pub(crate) shape: RefCell<Option<(usize, Vec<usize>)>>,
    /// The tensor whose value has to be known.
    pub(crate) value: Cell<Option<usize>>,
}

impl<'m> Shaped<'m> {
    pub(crate) fn new(graph: &'m Graph<'m>) -> Self {
        Self { graph, changed: BTreeMap::new() }
    }

    pub(crate) fn info(&self, tensor: usize) -> &'m TensorInfo<'m> {
        &self.graph.tensors[tensor]
    }

    pub(crate) fn shape(&self, tensor: usize) -> &[usize] {
        match self.changed.get(&tensor) {
            Some(shape) => shape,
            None => &self.graph.tensors[tensor].shape,
        }
    }

    /// Bytes of all elements. The product fits: it is checked wherever a shape comes from.
    pub(crate) fn bytes(&self, tensor: usize) -> usize {
        self.info(tensor).dtype.bytes_of(self.shape(tensor).iter().product())
    }

    /// Gives a tensor that is computed, or a model input, another shape.
    ///
    /// # Errors
    /// When the tensor is stored with the shape that it has, when the shape has no size in memory, or when it does not
    /// go with the tensor's scales.
    pub(crate) fn set(&mut self, tensor: usize, shape: &[usize]) -> Result<(), Fault> {
        if self.shape(tensor) == shape {
            return Ok(());
        }
        let info = self.info(tensor);
        let place = || place_of_tensor(tensor, info.name);
        let fault = |expected| Err(Fault::mismatch(place(), expected, format!("shape {shape:?}")));
        if info.data.is_some() || info.dense.is_some() || info.is_variable {
            return fault(format!("shape {:?}, which its values have", info.shape));
        }
        if shape.len() > MAX_RANK {
            return Err(Fault::limit(place(), "rank", shape.len() as u64, MAX_RANK as u64));
        }
        let most = MAX_TENSOR_BYTES / info.dtype.size_bytes().max(1);
        // A zero dimension must not hide that the others are too large.
        let elements = shape.iter().try_fold(1usize, |product, dim| product.checked_mul((*dim).max(1)));
        if elements.is_none_or(|elements| elements > most) {
            let found = elements.map_or(u64::MAX, |elements| elements as u64);
            return Err(Fault::limit(place(), "number of elements", found, most as u64));
        }
        match info.quantization.as_ref().filter(|quantization| quantization.scales.len() > 1) {
            Some(quantization) if shape.get(quantization.axis) != Some(&quantization.scales.len()) => {
                fault(format!("{} along axis {}", quantization.scales.len(), quantization.axis))
            }
            _ => {
                self.changed.insert(tensor, shape.to_vec());
                Ok(())
            }
        }
    }

    /// Checks a new shape of a model input against the dimensions that the file calls fixed.
    pub(crate) fn check_signature(&self, tensor: usize, shape: &[usize]) -> Result<(), Fault> {
        let info = self.info(tensor);
        let Some(signature) = &info.shape_signature else { return Ok(()) };
        let fits = |(fixed, dim): (&Option<usize>, &usize)| fixed.is_none_or(|fixed| fixed == *dim);
        if signature.len() == shape.len() && signature.iter().zip(shape).all(fits) {
            return Ok(());
        }
        let dims: Vec<i64> = signature.iter().map(|dim| dim.map_or(-1, |dim| dim as i64)).collect();
        let place = place_of_tensor(tensor, info.name);
        Err(Fault::mismatch(place, format!("shape {dims:?}"), format!("shape {shape:?}")))
    }
}
