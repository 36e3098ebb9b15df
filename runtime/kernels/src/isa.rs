//! Instruction sets, as zero-sized tokens that can only be made on a CPU that has them. A kernel that holds a token
//! needs no further check before it uses the instructions.
//!
//! A generic body is written once, as a [`Body`], and [`Isa::vectorize`] compiles it for the set: everything inlined into
//! it may use the set's registers. This module knows no operator.

use crate::requantize::{RequantizeLanes, RescaleLanes};
use crate::rows::Rows;

/// An instruction set that is present.
pub trait Isa: Copy + Send + Sync + 'static {
    /// Runs `body` compiled for this set.
    fn vectorize<B: Body>(self, body: B) -> B::Output;

    /// `x * y + sum`: rounded once where the set has fused multiply-add, else twice.
    fn multiply_add(x: f32, y: f32, sum: f32) -> f32;

    /// Sums to int8, lane by lane: [`RequantizeLanes::apply`], in the set's own instructions where that is faster.
    #[inline(always)]
    fn requantize<const L: usize>(self, constants: &RequantizeLanes<'_, L>, sums: &[i32; L]) -> [i8; L] {
        constants.apply(sums)
    }

    /// [`requantize`](Isa::requantize) of `M` pixels that share their channels.
    #[inline(always)]
    fn requantize_rows<const M: usize, const L: usize>(
        self,
        constants: &RequantizeLanes<'_, L>,
        sums: &[&[i32; L]; M],
    ) -> [[i8; L]; M] {
        // Counted out, for a call of `array::map` would be compiled for the baseline.
        let mut outputs = [[0; L]; M];
        for m in 0..M {
            outputs[m] = self.requantize(constants, sums[m]);
        }
        outputs
    }

    /// [`requantize_rows`](Isa::requantize_rows), straight to where the outputs belong.
    #[inline(always)]
    fn requantize_to<const M: usize, const L: usize>(
        self,
        constants: &RequantizeLanes<'_, L>,
        sums: &[&[i32; L]; M],
        mut rows: Rows<'_, i8>,
    ) {
        let outputs = self.requantize_rows(constants, sums);
        for (m, outputs) in outputs.iter().enumerate() {
            rows.put(m, outputs);
        }
    }

    /// Sums to floats for `M` pixels that share their channels: [`RescaleLanes::apply`].
    #[inline(always)]
    fn rescale_rows<const M: usize, const L: usize>(
        self,
        constants: &RescaleLanes<'_, L>,
        sums: &[&[i32; L]; M],
    ) -> [[f32; L]; M] {
        let mut outputs = [[0.0; L]; M];
        for m in 0..M {
            outputs[m] = constants.apply(sums[m]);
        }
        outputs
    }
}

/// Code to be compiled for each instruction set. [`run`](Body::run), and what it calls in its inner loops, must be
/// `#[inline(always)]`: code that stays outside is compiled for the baseline. That holds for closures too, also those given to
/// `array::map` and `array::from_fn`: large ones stay outside, so inner loops count.
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

#[cfg(target_arch = "aarch64")]
mod aarch64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::{Dotprod, I8mm, Neon};
#[cfg(target_arch = "x86_64")]
pub use x86_64::{Avx2, Avx512, Avx512Vbmi};

/// Instruction sets of x86-64 beyond its baseline.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "calls into code compiled for a set, which the token proves to be present")]
mod x86_64 {
    use super::{Body, Isa, RequantizeLanes, RescaleLanes, Rows};
    use crate::arch::x86_64::{finish_avx2, finish_avx512};

    /// AVX2 with FMA: every x86-64 since 2013 (Haswell) and 2017 (Zen), but for the smallest.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx2(());

    /// AVX-512 F, BW, DQ, VL and VNNI: servers since 2019 (Cascade Lake), laptops since 2019 (Ice Lake), Zen 4.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx512(());

    /// Whether the CPU has all these features; without `std`, whether the build says so.
    macro_rules! has {
        ($($feature:tt)*) => {{
            #[cfg(feature = "std")]
            let has = $(std::is_x86_feature_detected!($feature))&&*;
            #[cfg(not(feature = "std"))]
            let has = $(cfg!(target_feature = $feature))&&*;
            has
        }};
    }

    impl Avx2 {
        /// The token, if this CPU has the instructions.
        pub fn detect() -> Option<Self> {
            has!("avx2" "fma").then_some(Self(()))
        }
    }

    impl Avx512 {
        /// The token, if this CPU has the instructions.
        pub fn detect() -> Option<Self> {
            has!("avx2" "fma" "avx512f" "avx512bw" "avx512dq" "avx512vl" "avx512vnni").then_some(Self(()))
        }

        /// What has this set has AVX2 too.
        pub fn avx2(self) -> Avx2 {
            Avx2(())
        }
    }

    /// AVX-512 VBMI, permutes of single bytes: Ice Lake, Zen 4 and later.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx512Vbmi(());

    impl Avx512Vbmi {
        /// The token, if this CPU has the instructions.
        pub fn detect() -> Option<Self> {
            has!("avx512f" "avx512bw" "avx512vbmi").then_some(Self(()))
        }
    }

    /// `x * y + sum` in one rounding, which only `std` offers to stable code.
    #[inline(always)]
    fn fused(x: f32, y: f32, sum: f32) -> f32 {
        #[cfg(feature = "std")]
        return x.mul_add(y, sum);
        #[cfg(not(feature = "std"))]
        return x * y + sum;
    }

    impl Isa for Avx2 {
        #[inline(always)]
        fn vectorize<B: Body>(self, body: B) -> B::Output {
            #[target_feature(enable = "avx2,fma")]
            fn inside<B: Body>(body: B) -> B::Output {
                body.run()
            }
            // SAFETY: `self` exists only where `detect` found both features.
            unsafe { inside(body) }
        }

        #[inline(always)]
        fn multiply_add(x: f32, y: f32, sum: f32) -> f32 {
            fused(x, y, sum)
        }

        #[inline(always)]
        fn requantize<const L: usize>(self, constants: &RequantizeLanes<'_, L>, sums: &[i32; L]) -> [i8; L] {
            finish_avx2::requantize(self, constants, sums)
        }
    }

    impl Isa for Avx512 {
        #[inline(always)]
        fn vectorize<B: Body>(self, body: B) -> B::Output {
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            fn inside<B: Body>(body: B) -> B::Output {
                body.run()
            }
            // SAFETY: `self` exists only where `detect` found all these features.
            unsafe { inside(body) }
        }

        #[inline(always)]
        fn multiply_add(x: f32, y: f32, sum: f32) -> f32 {
            fused(x, y, sum)
        }

        #[inline(always)]
        fn requantize<const L: usize>(self, constants: &RequantizeLanes<'_, L>, sums: &[i32; L]) -> [i8; L] {
            finish_avx512::requantize(self, constants, sums)
        }

        #[inline(always)]
        fn requantize_rows<const M: usize, const L: usize>(
            self,
            constants: &RequantizeLanes<'_, L>,
            sums: &[&[i32; L]; M],
        ) -> [[i8; L]; M] {
            finish_avx512::requantize_rows(self, constants, sums)
        }

        #[inline(always)]
        fn requantize_to<const M: usize, const L: usize>(
            self,
            constants: &RequantizeLanes<'_, L>,
            sums: &[&[i32; L]; M],
            rows: Rows<'_, i8>,
        ) {
            finish_avx512::requantize_to(self, constants, sums, rows);
        }

        #[inline(always)]
        fn rescale_rows<const M: usize, const L: usize>(
            self,
            constants: &RescaleLanes<'_, L>,
            sums: &[&[i32; L]; M],
        ) -> [[f32; L]; M] {
            finish_avx512::rescale_rows(self, constants, sums)
        }
    }
}
