//! Instruction sets, as zero-sized tokens that can only be made on a CPU that has them. A kernel that holds a token
//! needs no further check before it uses the instructions.
//!
//! A generic body is written once, as a [`Body`], and [`Isa::vectorize`] compiles it for the set: everything inlined into
//! it may use the set's registers. This module knows no operator.

/// An instruction set that is present.
pub trait Isa: Copy + Send + Sync + 'static {
    /// Runs `body` compiled for this set.
    fn vectorize<B: Body>(self, body: B) -> B::Output;

    /// `x * y + sum`: rounded once where the set has fused multiply-add, else twice.
    fn multiply_add(x: f32, y: f32, sum: f32) -> f32;
}

/// Code to be compiled for each instruction set. [`run`](Body::run), and what it calls in its inner loops, must be
/// `#[inline(always)]`: code that stays outside is compiled for the baseline.
pub trait Body {
    /// What it gives back.
    type Output;

    /// Does the work.
    fn run(self) -> Self::Output;
}

/// The instructions of the compilation target, and nothing more. Always present.
#[derive(Debug, Clone, Copy)]
pub struct Portable(());

impl Portable {
    /// The token.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Default for Portable {
    fn default() -> Self {
        Self::new()
    }
}

impl Isa for Portable {
    #[inline(always)]
    fn vectorize<B: Body>(self, body: B) -> B::Output {
        body.run()
    }

    #[inline(always)]
    fn multiply_add(x: f32, y: f32, sum: f32) -> f32 {
        x * y + sum
    }
}
