//! Steps without weights: a kernel of the table over the typed slices of one node, with its constants.

use core::marker::PhantomData;

use bytemuck::Pod;
use edgebench_kernels::{Row, Set};

use super::{Prepared, Reads, Step};
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
pub(super) fn unary<K: Copy + Send + Sync, In: Pod, Out: Pod>(
    row: &'static Row<K>,
    compute: impl Fn(K, &[In], &mut [Out]) + Send + Sync + 'static,
) -> Prepared {
    let kernel = row.kernel;
    let step = Unary(move |input: &[In], output: &mut [Out]| compute(kernel, input, output), PhantomData);
    Prepared { reads: Reads::Only(&[0]), ..Prepared::run(row.set.name(), step) }
}

struct Binary<T, F>(F, Types<T, T>);

impl<T: Pod, F: Fn(&[T], &[T], &mut [T]) + Send + Sync> Step for Binary<T, F> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        (self.0)(frame.inputs.of(0), frame.inputs.of(1), frame.outputs.of());
        Ok(())
    }
}

/// A node that computes output 0 from inputs 0 and 1.
pub(super) fn binary<K: Copy + Send + Sync, T: Pod>(
    row: &'static Row<K>,
    compute: impl Fn(K, &[T], &[T], &mut [T]) + Send + Sync + 'static,
) -> Prepared {
    let kernel = row.kernel;
    let step = move |left: &[T], right: &[T], output: &mut [T]| compute(kernel, left, right, output);
    Prepared::run(row.set.name(), Binary(step, PhantomData))
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
pub(super) fn unary_with_scratch<K: Copy + Send + Sync, In: Pod, Out: Pod, Scratch: Pod>(
    row: &'static Row<K>,
    length: usize,
    compute: impl Fn(K, &[In], &mut [Scratch], &mut [Out]) + Send + Sync + 'static,
) -> Prepared {
    let kernel = row.kernel;
    let step = move |input: &[In], scratch: &mut [Scratch], output: &mut [Out]| {
        compute(kernel, input, scratch, output);
    };
    Prepared {
        reads: Reads::Only(&[0]),
        scratch_bytes: length.saturating_mul(size_of::<Scratch>()),
        ..Prepared::run(row.set.name(), WithScratch(step, PhantomData))
    }
}

struct Plain<F>(F);

impl<F: Fn(Frame<'_>) -> Result<(), Fault> + Send + Sync> Step for Plain<F> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        (self.0)(frame)
    }
}

/// A node of which there are only plain loops.
pub(super) fn plain(compute: impl Fn(Frame<'_>) -> Result<(), Fault> + Send + Sync + 'static) -> Prepared {
    Prepared::run(Set::Reference.name(), Plain(compute))
}

/// Like [`plain`], for output 0 and input 0; other inputs were read at preparation.
pub(super) fn plain_unary<In: Pod, Out: Pod>(
    compute: impl Fn(&[In], &mut [Out]) + Send + Sync + 'static,
) -> Prepared {
    let step = move |frame: Frame<'_>| {
        compute(frame.inputs.of(0), frame.outputs.of());
        Ok(())
    };
    Prepared { reads: Reads::Only(&[0]), ..plain(step) }
}

/// Like [`plain`], for output 0 and inputs 0 and 1.
pub(super) fn plain_binary<In: Pod, Out: Pod>(
    compute: impl Fn(&[In], &[In], &mut [Out]) + Send + Sync + 'static,
) -> Prepared {
    plain(move |frame| {
        compute(frame.inputs.of(0), frame.inputs.of(1), frame.outputs.of());
        Ok(())
    })
}

/// Like [`plain_unary`], with `length` elements of scratch.
pub(super) fn plain_unary_with_scratch<In: Pod, Out: Pod, Scratch: Pod>(
    length: usize,
    compute: impl Fn(&[In], &mut [Scratch], &mut [Out]) + Send + Sync + 'static,
) -> Prepared {
    let step = move |frame: Frame<'_>| {
        compute(frame.inputs.of(0), bytemuck::cast_slice_mut(frame.scratch), frame.outputs.of());
        Ok(())
    };
    let scratch_bytes = length.saturating_mul(size_of::<Scratch>());
    Prepared { reads: Reads::Only(&[0]), scratch_bytes, ..plain(step) }
}
