//! Innermost loops in a CPU's own instructions: `arch/<cpu>/<isa>.rs`. Each file holds the tiles of one instruction set and
//! the functions of its rows; everything round the tiles is generic.

pub(crate) mod x86_64;
