//! Steps of one or two inputs without weights: a closure over typed slices.

use core::marker::PhantomData;

use bytemuck::Pod;

use super::{Prepared, Step};
use crate::error::Fault;
use crate::memory::Frame;

type Types<In, Out> = PhantomData<fn(In) -> Out>;

struct Unary<In, Out, F>(F, Types<In, Out>);

impl<In: Pod, Out: Pod, F: Fn(&[In], &mut [Out]) + Send + Sync> Step for Unary<In, Out, F> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        (self.0)(frame.inputs.of(0), frame.outputs.of());
        Ok(())
    }
}

/// A node that computes output 0 from input 0; other inputs were read at preparation.
pub(super) fn unary<In: Pod, Out: Pod>(
    kernel: &'static str,
    compute: impl Fn(&[In], &mut [Out]) + Send + Sync + 'static,
) -> Prepared {
    Prepared { reads: super::Reads::Only(&[0]), ..Prepared::run(kernel, Unary(compute, PhantomData)) }
}

struct Binary<T, F>(F, Types<T, T>);

impl<T: Pod, F: Fn(&[T], &[T], &mut [T]) + Send + Sync> Step for Binary<T, F> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        (self.0)(frame.inputs.of(0), frame.inputs.of(1), frame.outputs.of());
        Ok(())
    }
}

/// A node that computes output 0 from inputs 0 and 1.
pub(super) fn binary<T: Pod>(
    kernel: &'static str,
    compute: impl Fn(&[T], &[T], &mut [T]) + Send + Sync + 'static,
) -> Prepared {
    Prepared::run(kernel, Binary(compute, PhantomData))
}

struct WithScratch<In, Out, Scratch, F>(F, Types<In, (Out, Scratch)>);

impl<In: Pod, Out: Pod, Scratch: Pod, F> Step for WithScratch<In, Out, Scratch, F>
where
    F: Fn(&[In], &mut [Scratch], &mut [Out]) + Send + Sync,
{
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        (self.0)(frame.inputs.of(0), bytemuck::cast_slice_mut(frame.scratch), frame.outputs.of());
        Ok(())
    }
}

/// Like [`unary`], with `length` elements of scratch.
pub(super) fn unary_with_scratch<In: Pod, Out: Pod, Scratch: Pod>(
    kernel: &'static str,
    length: usize,
    compute: impl Fn(&[In], &mut [Scratch], &mut [Out]) + Send + Sync + 'static,
) -> Prepared {
    let prepared = Prepared::run(kernel, WithScratch(compute, PhantomData));
    Prepared {
        reads: super::Reads::Only(&[0]),
        scratch_bytes: length.saturating_mul(size_of::<Scratch>()),
        ..prepared
    }
}
