//! The innermost product: `M` rows of inputs times `P` panels of `L` weight columns, summed in registers.
//!
//! Inputs are `[M][stride]`, rows one after another. A panel is `[depth / GROUP][L][GROUP]`: for each step along the
//! depth, `GROUP` consecutive weights of each of `L` output channels, so that one vector instruction that sums `GROUP`
//! neighbouring products advances all `L` channels. Depth is padded with zero weights to a multiple of `GROUP`.

use core::marker::PhantomData;

use bytemuck::Pod;

use crate::isa::Isa;

/// One way to compute the innermost product.
pub trait Tile<const L: usize>: Send + Sync + 'static {
    /// The instructions it needs.
    type Isa: Isa;
    /// Element of the tensors: inputs and weights.
    type Element: Copy + Default + Send + Sync;
    /// An input as the tile reads it.
    type Input: Pod + Send + Sync;
    /// A weight as the tile reads it.
    type Weight: Pod + Send + Sync;
    /// Sum of products.
    type Sum: Copy;

    /// Neighbouring products that one instruction sums; 1 for floats.
    const GROUP: usize;
    /// What [`input`](Tile::input) adds to the value of an integer input; its share is taken out of the bias.
    const OFFSET: i32;
    /// Panels that pass over the inputs at once: 1 or 2, as registers allow.
    const PANELS: usize;

    /// Brings an input to the tile's type.
    fn input(value: Self::Element) -> Self::Input;

    /// Brings a weight to the tile's type.
    fn weight(value: Self::Element) -> Self::Weight;

    /// Inputs that need no change can be read where they are.
    fn in_place(inputs: &[Self::Element]) -> Option<&[Self::Input]>;

    /// The sums over `depth` products (a multiple of `GROUP`) of rows `m` of `inputs`, `stride` elements apart, and the
    /// panels that follow each other in `panels`. `isa` is the proof that the instructions are there.
    ///
    /// # Panics
    /// If `inputs` or `panels` are shorter than that.
    fn sums<const M: usize, const P: usize>(
        isa: Self::Isa,
        inputs: &[Self::Input],
        stride: usize,
        panels: &[Self::Weight],
        depth: usize,
    ) -> [[[Self::Sum; L]; P]; M];
}

/// What a [`Tile`] has that reads inputs and weights as the tensors hold them.
macro_rules! as_they_are {
    ($element:ty, $sum:ty) => {
        type Element = $element;
        type Input = $element;
        type Weight = $element;
        type Sum = $sum;

        const OFFSET: i32 = 0;

        #[inline(always)]
        fn input(value: $element) -> $element {
            value
        }

        #[inline(always)]
        fn weight(value: $element) -> $element {
            value
        }

        #[inline(always)]
        fn in_place(inputs: &[$element]) -> Option<&[$element]> {
            Some(inputs)
        }
    };
}
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
pub(crate) use as_they_are;

/// What a [`Tile`] has that multiplies int8 in 16 bits.
macro_rules! widened {
    () => {
        type Element = i8;
        type Input = i16;
        type Weight = i16;
        type Sum = i32;

        const OFFSET: i32 = 0;

        #[inline(always)]
        fn input(value: i8) -> i16 {
            i16::from(value)
        }

        #[inline(always)]
        fn weight(value: i8) -> i16 {
            i16::from(value)
        }

        #[inline(always)]
        fn in_place(_inputs: &[i8]) -> Option<&[i16]> {
            None
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(crate) use widened;

/// Floats: one product at a time. Without fused multiply-add the sums are those of the reference, bit for bit.
pub struct Floats<I>(PhantomData<I>);

impl<I: Isa, const L: usize> Tile<L> for Floats<I> {
    as_they_are!(f32, f32);

    type Isa = I;

    const GROUP: usize = 1;
    const PANELS: usize = 2;

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: I,
        inputs: &[f32],
        stride: usize,
        panels: &[f32],
        depth: usize,
    ) -> [[[f32; L]; P]; M] {
        let mut rows = [&inputs[..0]; M];
        for (m, row) in rows.iter_mut().enumerate() {
            *row = &inputs[m * stride..][..depth];
        }
        let mut columns: [&[[f32; L]]; P] = [&[]; P];
        for (p, column) in columns.iter_mut().enumerate() {
            *column = &panels[p * depth * L..][..depth * L].as_chunks::<L>().0[..depth];
        }
        let mut sums = [[[0.0; L]; P]; M];
        for k in 0..depth {
            for p in 0..P {
                let weights = columns[p][k];
                for m in 0..M {
                    let input = rows[m][k];
                    for l in 0..L {
                        sums[m][p][l] = I::multiply_add(input, weights[l], sums[m][p][l]);
                    }
                }
            }
        }
        sums
    }
}

/// int8 widened to 16 bits, one product at a time: what compilers turn into widening multiplies everywhere (`smlal` on
/// Arm, `pmullw` and `pmulhw` on x86).
pub struct Singles<I>(PhantomData<I>);

impl<I: Isa, const L: usize> Tile<L> for Singles<I> {
    widened!();

    type Isa = I;

    const GROUP: usize = 1;
    const PANELS: usize = 1;

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: I,
        inputs: &[i16],
        stride: usize,
        panels: &[i16],
        depth: usize,
    ) -> [[[i32; L]; P]; M] {
        let mut rows = [&inputs[..0]; M];
        for (m, row) in rows.iter_mut().enumerate() {
            *row = &inputs[m * stride..][..depth];
        }
        let mut columns: [&[[i16; L]]; P] = [&[]; P];
        for (p, column) in columns.iter_mut().enumerate() {
            *column = &panels[p * depth * L..][..depth * L].as_chunks::<L>().0[..depth];
        }
        let mut sums = [[[0i32; L]; P]; M];
        for k in 0..depth {
            for p in 0..P {
                let weights = columns[p][k];
                for m in 0..M {
                    let input = i32::from(rows[m][k]);
                    for l in 0..L {
                        sums[m][p][l] = sums[m][p][l].wrapping_add(input * i32::from(weights[l]));
                    }
                }
            }
        }
        sums
    }
}
