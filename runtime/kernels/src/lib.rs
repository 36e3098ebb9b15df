//! Arithmetic of the operators, and nothing else: slices, shapes and numbers go in, slices come out.
//!
//! This crate knows no model file, no tensor type and no error type. Its callers have checked every shape and every
//! length; a kernel that is called with wrong ones panics, it never reads or writes outside its slices.
//!
//! * [`shape`]: the geometry of the operators, NHWC activations and OHWI filters.
//! * [`spec`]: what a kernel with weights is packed from.
//! * [`packed`]: what packing gives, ready to run.
//! * [`parallel`]: what packing gave, by several threads.
//! * [`table`]: one row a kernel. Dispatch, tests, benches and listings read it; to add a kernel, add a function and a row.
//! * [`isa`]: instruction sets, as tokens that exist only if the CPU has them.
//! * [`requantize`]: TFLite's fixed-point arithmetic.
//! * [`rows`]: where the outputs of a tile go.
//! * [`marker`]: no-ops between which an emulator counts instructions.
//! * [`mod@reference`]: plain loops with the exact arithmetic of LiteRT's reference kernels, the oracle.
//! * [`generic`]: blocked loops over packed weights, for any instruction set.
//! * `arch`: innermost loops written in a CPU's own instructions; with `isa` and `parallel`, the only unsafe code.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod arch;
pub mod generic;
pub mod half;
pub mod isa;
pub mod marker;
pub mod packed;
pub mod parallel;
pub mod reference;
pub mod requantize;
mod round;
pub mod rows;
pub mod shape;
pub mod spec;
pub mod table;

#[cfg(test)]
mod battery;

pub use packed::{Packed, SCRATCH_ALIGN};
pub use parallel::Workers;
pub use requantize::Multiplier;
pub use shape::{Broadcast, Clamp, Conv2dShape, FullyConnectedShape, Pool2dShape, Window2d};
pub use table::{Choice, Row, Set, Table};
