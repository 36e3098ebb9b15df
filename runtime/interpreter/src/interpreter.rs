//! The public face of a run: inputs in, inference, outputs out. Preparation is [`prepare`](crate::prepare)'s.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::Workers;

use crate::choice::Options;
use crate::error::{DataError, Fault, InvokeError, PrepareError};
use crate::machine::Machine;
use crate::model::{Model, place_of_tensor};
use crate::ops::Action;
use crate::prepare;
use crate::program::Program;
use crate::quant;
use crate::tensor::{DType, TensorView};

/// A network that is ready to run: memory planned and taken, kernels picked, weights packed.
pub struct Interpreter<'m> {
    /// The subgraph of `program`, by index in the file.
    entry: usize,
    program: Program<'m>,
    machine: Machine<'m>,
}

/// What an interpreter takes, in bytes. The model file itself is the caller's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    /// High-water mark of the plan: activations and scratch, aligned to 64.
    pub arena_bytes: usize,
    /// What the same would take if no two shared memory.
    pub without_reuse_bytes: usize,
    /// Weights in the order that the kernels want them, and constants that had to be converted.
    pub packed_bytes: usize,
    /// Most that values whose shapes only a run knows have taken at one time, outside the plan; until the first run what
    /// their zeros take.
    pub late_bytes: usize,
}

/// A node as it will run.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub struct NodeInfo<'a> {
    /// Place in execution order.
    pub index: usize,
    /// The operator's name, such as `CONV_2D`.
    pub operator: &'a str,
    /// The operator's version in the file.
    pub version: i32,
    /// The kernel: its name, `copy` for a plain move,
    /// `view` for a node that only renames memory, `folded` for one that is gone, `late` for one that the first run
    /// prepares, because its shape depends on computed values, `empty` for one whose outputs have no elements.
    pub kernel: &'static str,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// The tensors that it computes, by index in the file.
    pub outputs: &'a [usize],
}

/// A node as it will run, by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operator {
    /// Place in execution order.
    pub index: usize,
    /// Its name in the schema, such as `CONV_2D`.
    pub name: String,
    /// Name of the first tensor that it computes; empty when that has no memory.
    pub output: String,
    /// As [`NodeInfo::kernel`].
    pub kernel: &'static str,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
}

/// A node that has just run.
#[derive(Clone, Copy)]
pub struct NodeRun<'a> {
    /// Place in execution order.
    pub index: usize,
    interpreter: &'a Interpreter<'a>,
}

impl<'m> Interpreter<'m> {
    /// Prepares a model: folds constants, checks and prepares every node, plans and takes memory. Inputs start as zeros.
    ///
    /// # Errors
    /// When an operator, its version or its combination of types is not supported, when shapes, quantization or
    /// options do not fit it, or when the memory is over the limit or not there. The message names node and tensor.
    pub fn new(model: &'m Model<'_>, options: &Options) -> Result<Self, PrepareError> {
        Self::of_subgraph(model, 0, options)
    }

    /// Prepares the subgraph of a signature; inputs and outputs are then those of the subgraph
    /// ([`Model::signatures`] has their names).
    ///
    /// # Errors
    /// When there is no such signature, and as for [`new`](Self::new).
    pub fn for_signature(model: &'m Model<'_>, key: &str, options: &Options) -> Result<Self, PrepareError> {
        let signature = model.signatures().iter().find(|signature| signature.key == key);
        let signature = signature.ok_or_else(|| {
            let keys: Vec<&str> = model.signatures().iter().map(|signature| signature.key).collect();
            Fault::mismatch("model", format!("a signature of {keys:?}"), format!("{key:?}"))
        })?;
        Self::of_subgraph(model, signature.subgraph, options)
    }

    fn of_subgraph(model: &'m Model<'_>, entry: usize, options: &Options) -> Result<Self, PrepareError> {
        let (program, machine) = prepare::programs(model, entry, options, &[])?;
        Ok(Self { entry, program, machine })
    }

    /// Gives a model input another shape and plans everything anew. All inputs are zeros and all variables have their
    /// first values afterwards.
    ///
    /// # Errors
    /// When there is no such input, the shape does not go with the dimensions that the file calls fixed, or the network
    /// cannot have it; the interpreter is then as it was.
    pub fn resize_input(&mut self, index: usize, shape: &[usize]) -> Result<(), PrepareError> {
        self.resize_inputs(&[(index, shape)])
    }

    /// Gives several model inputs other shapes at once, for networks whose inputs have to fit each other.
    ///
    /// # Errors
    /// As for [`resize_input`](Self::resize_input).
    pub fn resize_inputs(&mut self, shapes: &[(usize, &[usize])]) -> Result<(), PrepareError> {
        let inputs = &self.program.shaped.graph.inputs;
        let mut all: Vec<(usize, Vec<usize>)> =
            inputs.iter().map(|tensor| (*tensor, self.program.shaped.shape(*tensor).to_vec())).collect();
        for (index, shape) in shapes {
            let own = all.get_mut(*index).ok_or_else(|| no_such_input(*index, inputs.len()))?;
            self.program.shaped.check_signature(own.0, shape)?;
            own.1 = shape.to_vec();
        }
        let Machine { model, options, workers, .. } = &self.machine;
        let (program, mut machine) = prepare::programs(model, self.entry, options, &all)?;
        machine.workers.clone_from(workers);
        (self.program, self.machine) = (program, machine);
        Ok(())
    }

    /// Gives operators threads to run on. They are divided into [`Options::threads`] shares where that is worth it,
    /// whatever number of workers there is; without workers one thread computes everything. Outputs do not depend on it.
    pub fn set_workers(&mut self, workers: Arc<dyn Workers>) {
        self.machine.workers = Some(workers);
    }

    /// Number of model inputs.
    pub fn input_count(&self) -> usize {
        self.program.shaped.graph.inputs.len()
    }

    /// Number of model outputs.
    pub fn output_count(&self) -> usize {
        self.program.shaped.graph.outputs.len()
    }

    /// A model input; none when there are fewer.
    pub fn input(&self, index: usize) -> Option<TensorView<'_>> {
        self.tensor(*self.program.shaped.graph.inputs.get(index)?)
    }

    /// A model output; none when there are fewer. Zeros before the first run, of the shape in the file where a run has to
    /// compute the shape.
    pub fn output(&self, index: usize) -> Option<TensorView<'_>> {
        self.tensor(*self.program.shaped.graph.outputs.get(index)?)
    }

    /// A tensor by its index in the file; none when it has no memory. After a run, outputs and inputs hold their values;
    /// others may have given their memory to later ones, unless [`Options::keep_all`] is set.
    pub fn tensor(&self, index: usize) -> Option<TensorView<'_>> {
        self.program.view(index)
    }

    /// The bytes of a model input, row-major in the byte order of this machine. They keep their values over runs.
    pub fn input_bytes_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        let tensor = *self.program.shaped.graph.inputs.get(index)?;
        self.program.bytes_mut(tensor)
    }

    /// Fills a model input with real values: a float input takes them as they are, an integer one by its scale and zero
    /// point with the arithmetic of `QUANTIZE`.
    ///
    /// # Errors
    /// When there is no such input, its length differs, or its type has no real values.
    pub fn set_input_f32(&mut self, index: usize, values: &[f32]) -> Result<(), DataError> {
        let view = self.input(index).ok_or_else(|| no_such_input(index, self.input_count()))?;
        let place = place_of_input(index, &view);
        let elements: usize = view.shape.iter().product();
        if values.len() != elements {
            let expected = format!("{elements} values of shape {:?}", view.shape);
            return Err(Fault::mismatch(place, expected, format!("{}", values.len())).into());
        }
        let (dtype, scale_zero_point) = (view.dtype, view.scale_zero_point);
        let bytes = self.input_bytes_mut(index).unwrap_or_default();
        store(values, dtype, scale_zero_point, bytes, place)?;
        Ok(())
    }

    /// Gives every variable (the state of recurrent operators) its first value, as it is after preparation: the stored
    /// zero, which for int8 is the zero point (LiteRT `ResetVariableTensors`).
    pub fn reset_variables(&mut self) {
        self.program.reset_variables();
        self.machine.reset_variables();
    }

    /// Computes the outputs from the inputs.
    ///
    /// # Errors
    /// When a value that was computed during the run cannot be worked with.
    pub fn invoke(&mut self) -> Result<(), InvokeError> {
        self.machine.begin(self.program.late_bytes());
        for index in 0..self.program.nodes.len() {
            self.program.run_node(index, &mut self.machine)?;
        }
        Ok(())
    }

    /// Like [`invoke`](Self::invoke), and calls `observe` after every node whose outputs are computed or viewed.
    ///
    /// # Errors
    /// As for [`invoke`](Self::invoke).
    pub fn invoke_observed(&mut self, observe: &mut dyn FnMut(NodeRun<'_>)) -> Result<(), InvokeError> {
        self.machine.begin(self.program.late_bytes());
        for index in 0..self.program.nodes.len() {
            self.program.run_node(index, &mut self.machine)?;
            if !matches!(self.program.nodes[index].action, Action::Folded) {
                observe(NodeRun { index, interpreter: self });
            }
        }
        Ok(())
    }

    /// Like [`invoke`](Self::invoke), and calls `record` with every node that computed something and what `clock` moved on
    /// by meanwhile. The clock is the caller's, in the caller's unit; it is read once between two nodes.
    ///
    /// # Errors
    /// As for [`invoke`](Self::invoke).
    pub fn invoke_profiled(
        &mut self,
        clock: &mut dyn FnMut() -> u64,
        record: &mut dyn FnMut(usize, u64),
    ) -> Result<(), InvokeError> {
        self.machine.begin(self.program.late_bytes());
        let mut before = clock();
        for index in 0..self.program.nodes.len() {
            self.program.run_node(index, &mut self.machine)?;
            let node = &self.program.nodes[index];
            if node.action.computes() || node.late.is_some() {
                let after = clock();
                record(index, after.saturating_sub(before));
                before = after;
            }
        }
        Ok(())
    }

    /// What the interpreter takes.
    pub fn memory(&self) -> Memory {
        self.machine.memory()
    }

    /// Every node of the file in execution order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeInfo<'_>> {
        let ready = self.program.nodes.iter().zip(&self.program.shaped.graph.nodes).enumerate();
        ready.map(|(index, (ready, node))| NodeInfo {
            index,
            operator: node.name,
            version: node.version,
            kernel: ready.kernel,
            macs: ready.macs,
            outputs: &node.outputs,
        })
    }
}

impl Interpreter<'_> {
    /// [`nodes`](Interpreter::nodes) for who keeps them longer than the interpreter.
    pub fn operators(&self) -> Vec<Operator> {
        let output = |outputs: &[usize]| self.tensor(*outputs.first()?).map(|view| view.name.into());
        let operators = self.nodes().map(|node| Operator {
            index: node.index,
            name: node.operator.into(),
            output: output(node.outputs).unwrap_or_default(),
            kernel: node.kernel,
            macs: node.macs,
        });
        operators.collect()
    }
}

impl core::fmt::Debug for Interpreter<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Interpreter")
            .field("nodes", &self.program.nodes.len())
            .field("memory", &self.memory())
            .finish_non_exhaustive()
    }
}

impl<'a> NodeRun<'a> {
    /// The node's outputs, as it left them.
    pub fn outputs(&self) -> impl Iterator<Item = TensorView<'a>> {
        let interpreter = self.interpreter;
        let outputs =
            interpreter.program.shaped.graph.nodes.get(self.index).map(|node| node.outputs.as_slice());
        outputs.unwrap_or_default().iter().filter_map(|tensor| interpreter.tensor(*tensor))
    }
}

fn no_such_input(index: usize, count: usize) -> Fault {
    Fault::mismatch("model inputs", format!("an input below {count}"), format!("{index}"))
}

fn place_of_input(index: usize, view: &TensorView<'_>) -> String {
    format!("model input {index} ({})", place_of_tensor(view.index, view.name))
}

/// Real values as the elements of a tensor of this type, scale and zero point: as they are for float32, quantized as
/// `QUANTIZE` does for integers; in the byte order of this machine.
///
/// # Errors
/// When an integer type has no scale, or a type no real values.
pub fn stored_values(
    values: &[f32],
    dtype: DType,
    scale_zero_point: Option<(f32, i32)>,
) -> Result<Vec<u8>, DataError> {
    let mut bytes = vec![0; values.len().saturating_mul(dtype.size_bytes())];
    store(values, dtype, scale_zero_point, &mut bytes, format!("{dtype} tensor"))?;
    Ok(bytes)
}

/// Writes real values as elements of `dtype`.
fn store(
    values: &[f32],
    dtype: DType,
    scale_zero_point: Option<(f32, i32)>,
    bytes: &mut [u8],
    place: String,
) -> Result<(), Fault> {
    if dtype == DType::Float32 {
        bytes.copy_from_slice(bytemuck::cast_slice::<f32, u8>(values));
        return Ok(());
    }
    let Some((scale, zero_point)) = scale_zero_point else {
        return Err(Fault::mismatch(place, "an input of real values", format!("{dtype} without a scale")));
    };
    let range = match dtype {
        DType::Int8 => (-128, 127),
        DType::UInt8 => (0, 255),
        DType::Int16 => (-32_768, 32_767),
        _ => return Err(Fault::unsupported(place, format!("real values for {dtype}"))),
    };
    // The low bytes of an integer in range are the integer in the narrower type (little-endian, as the file is).
    let stored = values.iter().map(|value| quant::quantize(*value, scale, zero_point, range).to_le_bytes());
    for (element, value) in bytes.chunks_exact_mut(dtype.size_bytes()).zip(stored) {
        element.copy_from_slice(&value[..element.len()]);
    }
    Ok(())
}
