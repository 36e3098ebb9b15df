//! Runs `.tflite` networks: checked graph, memory plan, operators.
//!
//! [`Model::load`] turns untrusted bytes into a graph in which every offset, index and shape has been checked.
//! [`Interpreter::new`] plans memory, picks kernels and packs weights once; [`Interpreter::invoke`] then only computes.
//! This crate knows no files, clocks or transports, and needs no operating system.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod calls;
mod choice;
mod constants;
mod error;
mod flexbuffer;
mod fold;
mod interpreter;
mod late;
mod link;
mod machine;
mod memory;
mod model;
mod ops;
mod prepare;
mod program;
mod quant;
mod registry;
mod shaped;
mod tables;
mod tensor;
mod variables;

pub use edgebench_kernels::{Set as KernelSet, Workers, marker};

pub use choice::{KernelChoice, Options, UnknownKernels};
pub use error::{DataError, Fault, InvokeError, ModelError, PrepareError, Problem};
pub use interpreter::{Interpreter, Memory, NodeInfo, NodeRun, Operator, stored_values};
pub use model::{Model, Node, Signature, TensorInfo};
pub use prepare::Lack;
pub use registry::Operators;
pub use tensor::{DType, Quantization, TensorView};
