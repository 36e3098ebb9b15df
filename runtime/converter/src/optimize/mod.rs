//! Exact rewrites that let more of a network be quantized or make it smaller. None changes a result.

mod fold;
mod names;

pub(crate) use fold::{dequantized_constants, hybrid_weights};
pub(crate) use names::short_names;
