//! What an operator's preparation sees: its node, its tensors, and the words to refuse them with.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use edgebench_kernels::Choice;
use edgebench_schema::tflite;

use crate::choice::KernelChoice;
use crate::error::Fault;
use crate::fold::Folded;
use crate::model::{Node, TensorInfo};
use crate::shaped::{Shaped, Wish};
use crate::tensor::{DType, Quantization};

/// One node to prepare.
#[derive(Clone, Copy)]
pub(crate) struct Site<'s: 'm, 'm> {
    pub(crate) graph: &'m Shaped<'m>,
    pub(crate) index: usize,
    pub(crate) folded: &'s Folded,
    pub(crate) kernels: KernelChoice,
    /// Threads that the run may have.
    pub(crate) threads: usize,
    /// Where the operator asks for shapes of outputs and values of inputs.
    pub(crate) wish: &'m Wish,
}

/// A tensor as one node sees it.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'m> {
    pub(crate) info: &'m TensorInfo<'m>,
    shape: &'m [usize],
    /// By index in the file.
    tensor: usize,
    wish: &'m Wish,
    /// The tensor's values, when they are known.
    data: Option<ConstantData<'m>>,
    side: &'static str,
    slot: usize,
    node: usize,
    operator: &'m str,
}

const INPUT: &str = "input";
const OUTPUT: &str = "output";

/// A constant in the type and shape in which it is stored: the type may be smaller than the one that the node reads.
#[derive(Clone, Copy)]
pub(crate) struct ConstantData<'m> {
    pub(crate) dtype: DType,
    pub(crate) quantization: Option<&'m Quantization>,
    pub(crate) shape: &'m [usize],
    /// Little-endian, not aligned.
    pub(crate) bytes: &'m [u8],
}

impl<'s: 'm, 'm> Site<'s, 'm> {
    pub(crate) fn node(&self) -> &'m Node<'m> {
        &self.graph.graph.nodes[self.index]
    }

    pub(crate) fn place(&self) -> String {
        self.node().place(self.index).into()
    }

    /// A required input.
    pub(crate) fn input(&self, slot: usize) -> Result<Operand<'m>, Fault> {
        let place = || format!("{} input {slot}", self.place());
        self.optional_input(slot).ok_or_else(|| Fault::missing(place(), "tensor"))
    }

    /// An input that may be absent.
    pub(crate) fn optional_input(&self, slot: usize) -> Option<Operand<'m>> {
        self.node().input(slot).map(|tensor| self.operand(INPUT, slot, tensor))
    }

    /// An input that the node changes: a variable.
    pub(crate) fn variable(&self, slot: usize) -> Result<Operand<'m>, Fault> {
        let operand = self.input(slot)?;
        if operand.info.is_variable && operand.info.data.is_none() && !operand.shape.contains(&0) {
            return Ok(operand);
        }
        Err(operand.fault("a variable", "a tensor that is none"))
    }

    /// An output. The registry has checked their number.
    pub(crate) fn output(&self, slot: usize) -> Result<Operand<'m>, Fault> {
        let tensor = self.node().outputs.get(slot).copied();
        let place = || format!("{} output {slot}", self.place());
        let tensor = tensor.ok_or_else(|| Fault::missing(place(), "tensor"))?;
        Ok(self.operand(OUTPUT, slot, tensor))
    }

    fn operand(&self, side: &'static str, slot: usize, tensor: usize) -> Operand<'m> {
        Operand {
            info: self.graph.info(tensor),
            shape: self.graph.shape(tensor),
            tensor,
            wish: self.wish,
            data: self.folded.data(self.graph, tensor),
            side,
            slot,
            node: self.index,
            operator: self.node().name,
        }
    }

    /// The operator's options, read by the accessor of its table.
    pub(crate) fn options<T>(
        &self,
        read: impl FnOnce(&tflite::Operator<'m>) -> Option<T>,
    ) -> Result<T, Fault> {
        read(&self.node().table).ok_or_else(|| Fault::missing(self.place(), "options"))
    }

    /// The kernels asked for.
    pub(crate) fn choice(&self) -> Choice {
        self.kernels.set().map_or(Choice::Auto, Choice::UpTo)
    }

    /// The combination of types or options that the format has and this operator does not.
    pub(crate) fn unsupported(&self, what: impl Into<String>) -> Fault {
        Fault::unsupported(self.place(), what)
    }
}

impl<'m> Operand<'m> {
    pub(crate) fn place(&self) -> String {
        let Self { node, operator, side, slot, .. } = self;
        let (operator, name) = (operator.escape_debug(), self.info.name.escape_debug());
        format!("node {node} ({operator}) {side} {slot} \"{name}\"")
    }

    pub(crate) fn fault(&self, expected: impl Into<String>, found: impl Into<String>) -> Fault {
        Fault::mismatch(self.place(), expected, found)
    }

    pub(crate) fn dtype(&self) -> DType {
        self.info.dtype
    }

    pub(crate) fn shape(&self) -> &'m [usize] {
        self.shape
    }

    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) fn expect_dtype(&self, dtype: DType) -> Result<(), Fault> {
        if self.dtype() == dtype {
            return Ok(());
        }
        Err(self.fault(dtype.name(), self.dtype().name()))
    }

    /// Checks the shape of an input, or states the shape that an output has: where the file says otherwise, the node is
    /// prepared again with this one.
    pub(crate) fn expect_shape(&self, shape: &[usize]) -> Result<(), Fault> {
        if self.shape() == shape {
            return Ok(());
        }
        if self.side == OUTPUT {
            *self.wish.shape.borrow_mut() = Some((self.tensor, shape.to_vec()));
        }
        Err(self.fault(format!("shape {shape:?}"), format!("shape {:?}", self.shape())))
    }

    pub(crate) fn expect_elements(&self, count: usize) -> Result<(), Fault> {
        if self.elements() == count {
            return Ok(());
        }
        Err(self.fault(format!("{count} elements"), format!("shape {:?}", self.shape())))
    }

    /// The dimensions of a tensor that must have rank `RANK` and elements.
    pub(crate) fn dims<const RANK: usize>(&self) -> Result<[usize; RANK], Fault> {
        let dims = self.shape().try_into().ok().filter(|dims: &[usize; RANK]| !dims.contains(&0));
        let expected = || format!("rank {RANK} and dimensions of at least 1");
        dims.ok_or_else(|| self.fault(expected(), format!("shape {:?}", self.shape())))
    }

    /// The one scale and zero point of an activation.
    pub(crate) fn per_tensor(&self) -> Result<(f32, i32), Fault> {
        match &self.info.quantization {
            None => Err(self.fault("a scale and a zero point", "none")),
            Some(quantization) => quantization.per_tensor().ok_or_else(|| {
                self.fault("one scale for the tensor", format!("{}", quantization.scales.len()))
            }),
        }
    }

    /// Quantized symmetrically, as LiteRT wants most 16-bit activations.
    pub(crate) fn expect_no_zero_point(&self) -> Result<(), Fault> {
        match self.per_tensor()? {
            (_, 0) => Ok(()),
            (_, zero_point) => Err(self.fault("zero point 0", format!("{zero_point}"))),
        }
    }

    pub(crate) fn is_quantized(&self) -> bool {
        self.info.quantization.is_some()
    }

    /// Scales and zero points, as many as there are.
    pub(crate) fn quantization(&self) -> Result<&'m Quantization, Fault> {
        self.info.quantization.as_ref().ok_or_else(|| self.fault("scales and zero points", "none"))
    }

    /// Whether both stand for real values in the same way.
    pub(crate) fn expect_same_quantization(&self, other: &Self) -> Result<(), Fault> {
        let (ours, theirs) = (self.info.quantization.as_ref(), other.info.quantization.as_ref());
        let pair = |quantization: Option<&Quantization>| quantization.and_then(Quantization::per_tensor);
        if pair(ours) == pair(theirs) {
            return Ok(());
        }
        let words = |quantization| match pair(quantization) {
            Some((scale, zero_point)) => format!("scale {scale:?} and zero point {zero_point}"),
            None => "no scale".to_owned(),
        };
        Err(self.fault(words(theirs), words(ours)))
    }

    pub(crate) fn is_constant(&self) -> bool {
        self.data.is_some()
    }

    /// The data of a constant, as the file stores it or as it was computed from other constants.
    pub(crate) fn constant(&self) -> Option<ConstantData<'m>> {
        self.data
    }

    /// The data of an operand that has to be known. Where it is not, the node is prepared again once it is: in the run.
    pub(crate) fn expect_constant(&self) -> Result<ConstantData<'m>, Fault> {
        self.constant().ok_or_else(|| {
            self.wish.value.set(Some(self.tensor));
            self.fault("a constant", "a computed tensor")
        })
    }
}
