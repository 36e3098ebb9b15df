//! Exact rewrites that let more of a network be quantized. A rewrite here never changes a float result.

mod fold;

pub(crate) use fold::{dequantized_constants, hybrid_weights};
