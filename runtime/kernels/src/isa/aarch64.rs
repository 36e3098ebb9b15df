//! Instruction sets of aarch64.

#![expect(unsafe_code, reason = "calls into code compiled for a set, which the token proves to be present")]

use super::{Body, Isa, RequantizeLanes};
use crate::arch::aarch64::finish;

/// NEON, which every aarch64 CPU has that runs Linux or Android.
#[derive(Debug, Clone, Copy)]
pub struct Neon(());

/// NEON with dot products of four bytes: Armv8.2 with DotProd, from Cortex-A55, A75 and Apple A13 on.
#[derive(Debug, Clone, Copy)]
pub struct Dotprod(());

/// NEON with matrix products of bytes, and [`Dotprod`]: Armv8.6, from Cortex-A510, A710 and Neoverse V1 on.
#[derive(Debug, Clone, Copy)]
pub struct I8mm(());

/// Whether the CPU has all these features; without `std`, whether the build says so.
macro_rules! has {
    ($($feature:tt)*) => {{
        #[cfg(feature = "std")]
        let has = $(std::arch::is_aarch64_feature_detected!($feature))&&*;
        #[cfg(not(feature = "std"))]
        let has = $(cfg!(target_feature = $feature))&&*;
        has
    }};
}

impl Neon {
    /// The token, if this CPU has the instructions.
    pub fn detect() -> Option<Self> {
        has!("neon").then_some(Self(()))
    }
}

impl Dotprod {
    /// The token, if this CPU has the instructions.
    pub fn detect() -> Option<Self> {
        has!("neon" "dotprod").then_some(Self(()))
    }

    /// What has this set has NEON too.
    pub fn neon(self) -> Neon {
        Neon(())
    }
}

impl I8mm {
    /// The token, if this CPU has the instructions.
    pub fn detect() -> Option<Self> {
        has!("neon" "dotprod" "i8mm").then_some(Self(()))
    }

    /// What has this set has NEON too.
    pub fn neon(self) -> Neon {
        Neon(())
    }
}

/// A set whose floats, and whose ends of integer kernels, are those of NEON.
macro_rules! as_neon {
    ($set:ident, $features:literal, $neon:expr) => {
        impl Isa for $set {
            #[inline(always)]
            fn vectorize<B: Body>(self, body: B) -> B::Output {
                #[target_feature(enable = $features)]
                fn inside<B: Body>(body: B) -> B::Output {
                    body.run()
                }
                // SAFETY: `self` exists only where `detect` found these features.
                unsafe { inside(body) }
            }

            #[inline(always)]
            fn multiply_add(x: f32, y: f32, sum: f32) -> f32 {
                #[cfg(feature = "std")]
                return x.mul_add(y, sum);
                #[cfg(not(feature = "std"))]
                return x * y + sum;
            }

            #[inline(always)]
            fn requantize<const L: usize>(
                self,
                constants: &RequantizeLanes<'_, L>,
                sums: &[i32; L],
            ) -> [i8; L] {
                let [outputs] = finish::requantize_rows($neon(self), constants, &[sums]);
                outputs
            }

            #[inline(always)]
            fn requantize_rows<const M: usize, const L: usize>(
                self,
                constants: &RequantizeLanes<'_, L>,
                sums: &[&[i32; L]; M],
            ) -> [[i8; L]; M] {
                finish::requantize_rows($neon(self), constants, sums)
            }
        }
    };
}

as_neon!(Neon, "neon", core::convert::identity);
as_neon!(Dotprod, "neon,dotprod", Dotprod::neon);
as_neon!(I8mm, "neon,dotprod,i8mm", I8mm::neon);
