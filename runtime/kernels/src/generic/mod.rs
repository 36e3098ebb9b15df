//! Blocked loops over packed weights, written once and compiled for every instruction set.
//!
//! * [`tile`]: the innermost product, `M` pixels by `P * L` output channels held in registers.
//! * `panels`: weights in the order the tile reads them.
//! * `patch`: the inputs under a window, gathered for a block of pixels (never a whole im2col).
//! * `product`: blocks of pixels times panels.
//! * `quantize_row`: the float input of a hybrid kernel, as int8.
//! * `store`: from sums to outputs.
//! * [`conv_2d`], [`fully_connected`], [`depthwise_conv_2d`]: what the table's rows pack.
//! * [`wide`]: the same on int16 activations.
//! * `depthwise_floats`: DEPTHWISE_CONV_2D on floats, several pixels at once.
//! * `depthwise_int8`: DEPTHWISE_CONV_2D with int8 weights, round the sums that the next ones make.
//! * `depthwise_lines`: DEPTHWISE_CONV_2D on int8, from input rows that are kept with their padding.
//! * `depthwise_pairs`, `depthwise_quads`: DEPTHWISE_CONV_2D on int8 for sets that sum two or four neighbouring products.
//! * [`binary`], [`exponential`], [`float_pairs`], [`lookup`], [`mean`], [`pool_2d`], [`resize`]: operators without weights.

pub mod binary;
pub mod conv_2d;
pub mod depthwise_conv_2d;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
pub(crate) mod depthwise_floats;
mod depthwise_int8;
#[cfg(target_arch = "aarch64")]
pub(crate) mod depthwise_lines;
#[cfg(target_arch = "x86_64")]
pub(crate) mod depthwise_pairs;
#[cfg(target_arch = "x86_64")]
pub(crate) mod depthwise_quads;
pub mod exponential;
pub mod float_pairs;
pub mod fully_connected;
pub mod lookup;
pub mod mean;
mod panels;
mod patch;
pub mod pool_2d;
mod product;
mod quantize_row;
pub mod resize;
mod store;
pub mod tile;
pub mod wide;
