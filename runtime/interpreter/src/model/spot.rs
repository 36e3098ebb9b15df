//! Where in a model something is. It becomes text when it is told: reading a large model passes thousands of spots.

use alloc::string::{String, ToString};
use core::fmt;

/// A place in messages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spot<'a> {
    /// `node 3 (CONV_2D)`.
    Node { index: usize, name: &'a str },
    /// `node 3 (CONV_2D) input 1`.
    Slot { index: usize, name: &'a str, side: &'static str, slot: usize },
    /// `tensor 7 "conv/weights"`.
    Tensor { index: usize, name: &'a str },
    /// Something that there is once.
    The(&'static str),
}

impl Spot<'_> {
    /// A slot of a node.
    pub(crate) fn slot(self, side: &'static str, slot: usize) -> Self {
        match self {
            Self::Node { index, name } => Self::Slot { index, name, side, slot },
            other => other,
        }
    }
}

/// A name is the file's: it must not break the line, nor speak to the terminal.
impl fmt::Display for Spot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { index, name } => write!(f, "node {index} ({})", name.escape_debug()),
            Self::Slot { index, name, side, slot } => {
                write!(f, "node {index} ({}) {side} {slot}", name.escape_debug())
            }
            Self::Tensor { index, name } => write!(f, "tensor {index} \"{}\"", name.escape_debug()),
            Self::The(what) => f.write_str(what),
        }
    }
}

impl From<Spot<'_>> for String {
    fn from(spot: Spot<'_>) -> Self {
        spot.to_string()
    }
}
