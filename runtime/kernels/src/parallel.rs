//! One operator by several threads: its output rows are divided into shares of equal size, decided before any of them
//! begins. This module knows no thread; who brings some implements [`Workers`].

#![expect(unsafe_code, reason = "one slice is handed out in pieces that do not overlap")]

use core::marker::PhantomData;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::packed::{Packed, SCRATCH_ALIGN};

/// Most shares that an operator is divided into.
pub const MAX_SHARES: usize = 64;

/// Threads that work on the same operator.
pub trait Workers: Send + Sync {
    /// How many they are, the one that calls [`run`](Workers::run) included; at least 1.
    fn count(&self) -> usize;

    /// Calls `share` once with every number below `shares`, and returns when all calls have returned.
    fn run(&self, shares: usize, share: &(dyn Fn(usize) + Sync));
}

/// Bytes of scratch that [`run_rows`] needs for `shares` shares.
pub fn scratch_bytes<In, Out>(kernel: &dyn Packed<In, Out>, shares: usize) -> usize {
    scratch_step(kernel).saturating_mul(shares)
}

/// Bytes from one share's scratch to the next one's.
fn scratch_step<In, Out>(kernel: &dyn Packed<In, Out>) -> usize {
    kernel.scratch_bytes().next_multiple_of(SCRATCH_ALIGN)
}

/// Computes all output rows of a kernel, divided among `shares` calls. The output is the same for any number of them.
///
/// * `input`, `output`: all of them, as for [`Packed::run`].
/// * `scratch`: at least [`scratch_bytes`], aligned to [`SCRATCH_ALIGN`].
///
/// # Panics
/// If a length or the scratch's alignment does not hold, if there are more than [`MAX_SHARES`] shares, or if `workers`
/// hand out a share twice.
pub fn run_rows<In: Sync, Out: Send>(
    kernel: &dyn Packed<In, Out>,
    workers: &dyn Workers,
    shares: usize,
    input: &[In],
    scratch: &mut [u8],
    output: &mut [Out],
) {
    let (rows, step) = (kernel.rows(), scratch_step(kernel));
    assert_eq!(output.len(), rows * kernel.row_len());
    let output = Shares::new(output, rows, kernel.row_len(), shares);
    let scratch = Shares::new(&mut scratch[..step * shares], shares, step, shares);
    workers.run(shares, &|share| {
        kernel.run(input, output.units(share), scratch.take(share), output.take(share));
    });
}

/// A slice of units that is handed out share by share.
struct Shares<'a, T> {
    start: *mut T,
    units: usize,
    unit_len: usize,
    shares: usize,
    /// A bit for each share that was taken.
    taken: AtomicU64,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: the only way to elements is `take`, which gives each share out once; so no two threads get the same element, and
// those they get may be sent.
unsafe impl<T: Send> Sync for Shares<'_, T> {}

impl<'a, T> Shares<'a, T> {
    fn new(slice: &'a mut [T], units: usize, unit_len: usize, shares: usize) -> Self {
        assert_eq!(slice.len(), units * unit_len);
        assert!((1..=MAX_SHARES).contains(&shares));
        let start = slice.as_mut_ptr();
        Self { start, units, unit_len, shares, taken: AtomicU64::new(0), slice: PhantomData }
    }

    /// The units of a share.
    fn units(&self, share: usize) -> Range<usize> {
        assert!(share < self.shares);
        let end = |share: usize| self.units * share / self.shares;
        end(share)..end(share + 1)
    }

    fn take(&self, share: usize) -> &'a mut [T] {
        let units = self.units(share);
        let bit = 1 << share;
        assert!(self.taken.fetch_or(bit, Ordering::Relaxed) & bit == 0, "share {share} was taken before");
        // SAFETY: `units` lies within `self.units`, so the piece lies within the slice that `new` borrowed for 'a. Pieces of
        // different shares are apart, for the units of a share end where those of the next one begin, and no share is given
        // out twice.
        unsafe {
            core::slice::from_raw_parts_mut(
                self.start.add(units.start * self.unit_len),
                units.len() * self.unit_len,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::vec;
    use std::vec::Vec;

    /// Row `r` is all `input[r]`; one byte of scratch is written, so that shares with the same scratch would show.
    struct Rows(usize);

    impl Packed<u16, u16> for Rows {
        fn rows(&self) -> usize {
            self.0
        }

        fn row_len(&self) -> usize {
            3
        }

        fn packed_bytes(&self) -> usize {
            0
        }

        fn scratch_bytes(&self) -> usize {
            1
        }

        fn run(&self, input: &[u16], rows: Range<usize>, scratch: &mut [u8], output: &mut [u16]) {
            scratch[0] = rows.start as u8;
            for (row, output) in rows.clone().zip(output.chunks_exact_mut(3)) {
                output.fill(input[row]);
            }
            assert_eq!(scratch[0], rows.start as u8);
        }
    }

    /// One thread a share.
    struct Threads;

    impl Workers for Threads {
        fn count(&self) -> usize {
            4
        }

        fn run(&self, shares: usize, share: &(dyn Fn(usize) + Sync)) {
            std::thread::scope(|scope| {
                (0..shares).for_each(|number| _ = scope.spawn(move || share(number)));
            });
        }
    }

    #[test]
    fn any_number_of_shares_computes_every_row_once() {
        for rows in [1, 2, 3, 7, 50] {
            let input: Vec<u16> = (0..rows as u16).map(|row| row * 7 + 1).collect();
            let expected: Vec<u16> = input.iter().flat_map(|value| [*value; 3]).collect();
            for shares in [1, 2, 3, 4, 64] {
                let kernel = Rows(rows);
                let mut scratch = vec![0; scratch_bytes(&kernel, shares)];
                let mut output = vec![0; rows * 3];
                run_rows(&kernel, &Threads, shares, &input, &mut scratch, &mut output);
                assert_eq!(output, expected, "{rows} rows in {shares} shares");
            }
        }
    }

    #[test]
    #[should_panic(expected = "taken before")]
    fn a_share_is_not_given_out_twice() {
        let mut elements = [0u8; 8];
        let shares = Shares::new(&mut elements, 4, 2, 2);
        let first = Mutex::new(shares.take(0));
        let second = shares.take(0);
        assert_ne!(first.lock().expect("whole").len(), second.len());
    }

    #[test]
    fn shares_are_of_equal_size() {
        let mut elements = [0u8; 10];
        let shares = Shares::new(&mut elements, 10, 1, 4);
        let lens: Vec<usize> = (0..4).map(|share| shares.units(share).len()).collect();
        assert_eq!(lens, [2, 3, 2, 3]);
    }
}
