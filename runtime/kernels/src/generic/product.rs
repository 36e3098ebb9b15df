//! Blocks of output pixels times panels of weights.

use core::ops::Range;

use super::panels::Panels;
use super::patch::{Place, Source, copy, gather};
use super::store::Store;
use super::tile::Tile;
use crate::isa::{Body, Isa};
use crate::rows::Rows;
use crate::shape::{Conv2dShape, Window2d};

/// Tiles of pixels in a block: their patches stay in the nearest cache while all panels pass over them.
const TILES_IN_BLOCK: usize = 4;

/// Elements of gathered input that a run needs.
pub(super) fn gathered_len<T: Tile<L>, const M: usize, const L: usize>(panels: &Panels<T, L>) -> usize {
    M * TILES_IN_BLOCK * panels.padded_depth()
}

/// A convolution over some of the output's pixels, as code for the tile's instruction set.
pub(super) struct Product<'a, T: Tile<L>, S: Store<T::Sum>, const M: usize, const L: usize> {
    pub(super) isa: T::Isa,
    pub(super) shape: &'a Conv2dShape,
    pub(super) panels: &'a Panels<T, L>,
    pub(super) store: &'a S,
    pub(super) input: &'a [T::Element],
    /// Stands for inputs outside the image.
    pub(super) padding: T::Element,
    /// Output pixels, counted over the whole batch.
    pub(super) pixels: Range<usize>,
    /// [`gathered_len`] elements, of any content.
    pub(super) gathered: &'a mut [T::Input],
    /// The outputs of `pixels`.
    pub(super) output: &'a mut [S::Output],
}

impl<T: Tile<L>, S: Store<T::Sum>, const M: usize, const L: usize> Body for Product<'_, T, S, M, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { isa, shape, panels, store, input, padding, pixels, gathered, output } = self;
        let in_place = if reads_in_place(shape, panels.depth, panels.padded_depth()) {
            T::in_place(input)
        } else {
            None
        };
        let first = pixels.start;
        for start in pixels.clone().step_by(M * TILES_IN_BLOCK) {
            let block = start..pixels.end.min(start + M * TILES_IN_BLOCK);
            let output = &mut output[(start - first) * shape.out_channels..];
            for group in 0..shape.groups {
                let target =
                    Target { isa, store, channel: group * panels.columns, row_len: shape.out_channels };
                let rows = block.len();
                match in_place.filter(|_| rows == 1 || rows.is_multiple_of(M)) {
                    Some(input) => {
                        let inputs = &input[start * panels.depth..][..rows * panels.depth];
                        multiply::<T, S, M, L>(panels, group, inputs, rows, &target, output);
                    }
                    None => {
                        fill::<T, L>(shape, panels, group, block.clone(), input, padding, gathered);
                        multiply::<T, S, M, L>(panels, group, gathered, rows, &target, output);
                    }
                }
            }
        }
    }
}

/// Whether patches follow each other in the input as they would once gathered.
#[inline(always)]
fn reads_in_place(shape: &Conv2dShape, depth: usize, padded_depth: usize) -> bool {
    shape.groups == 1 && shape.window == Window2d::POINT && depth == padded_depth
}

/// Gathers the patches of `block`, and brings them to the tile's type.
#[inline(always)]
fn fill<T: Tile<L>, const L: usize>(
    shape: &Conv2dShape,
    panels: &Panels<T, L>,
    group: usize,
    block: Range<usize>,
    input: &[T::Element],
    padding: T::Element,
    gathered: &mut [T::Input],
) {
    let (depth, step) = (panels.depth, panels.padded_depth());
    if reads_in_place(shape, depth, step) {
        let count = block.len() * depth;
        copy(&input[block.start * depth..][..count], T::input, &mut gathered[..count]);
        return;
    }
    let from = Source { shape, group, input, padding: T::input(padding) };
    let (mut place, mut done) = (Place::of(shape, block.start), 0);
    while done < block.len() {
        let count = place.in_row(shape, block.len() - done);
        gather(&from, place, count, T::input, &mut gathered[done * step..], step);
        (place, done) = (place.next_row(shape), done + count);
    }
    // What stands behind the depth does not matter: weights are zero there, and only integers have such places.
}

/// Where sums go.
struct Target<'a, I, S> {
    /// What the tile runs on.
    isa: I,
    store: &'a S,
    /// First output channel of the group.
    channel: usize,
    /// Elements from one pixel to the next.
    row_len: usize,
}

/// All panels of `group` times `rows` rows of `inputs`, [`Tile::PANELS`] at a time.
#[inline(always)]
fn multiply<T: Tile<L>, S: Store<T::Sum>, const M: usize, const L: usize>(
    panels: &Panels<T, L>,
    group: usize,
    inputs: &[T::Input],
    rows: usize,
    target: &Target<'_, T::Isa, S>,
    output: &mut [S::Output],
) {
    let panel_len = panels.padded_depth() * L;
    let weights = panels.group(group);
    let count = panels.columns.div_ceil(L);
    // A single row has few sums: more panels at once hide the latency of the products.
    let mut first = 0;
    while rows == 1 && first + 4 <= count {
        let columns = first * L..panels.columns.min((first + 4) * L);
        let sums = T::sums::<1, 4>(
            target.isa,
            inputs,
            panels.padded_depth(),
            &weights[first * panel_len..],
            panels.padded_depth(),
        );
        keep(&sums, 1, columns, target, output);
        first += 4;
    }
    for panel in (first..count).step_by(T::PANELS) {
        let columns = panel * L..panels.columns.min((panel + T::PANELS) * L);
        let weights = &weights[panel * panel_len..];
        if T::PANELS == 2 && panel + 1 < count {
            sweep::<T, S, M, 2, L>(weights, panels.padded_depth(), inputs, rows, columns, target, output);
        } else {
            sweep::<T, S, M, 1, L>(weights, panels.padded_depth(), inputs, rows, columns, target, output);
        }
    }
}

/// `P` panels times all rows, `M` rows at a time. The last tile may reach past `rows`; what it computes there is
/// dropped, so `inputs` must hold a multiple of `M` rows, or one row.
#[inline(always)]
fn sweep<T: Tile<L>, S: Store<T::Sum>, const M: usize, const P: usize, const L: usize>(
    weights: &[T::Weight],
    depth: usize,
    inputs: &[T::Input],
    rows: usize,
    columns: Range<usize>,
    target: &Target<'_, T::Isa, S>,
    output: &mut [S::Output],
) {
    for row in (0..rows).step_by(M) {
        let inputs = &inputs[row * depth..];
        let output = &mut output[row * target.row_len..];
        if rows - row == 1 {
            let sums = T::sums::<1, P>(target.isa, inputs, depth, weights, depth);
            keep(&sums, 1, columns.clone(), target, output);
        } else {
            let sums = T::sums::<M, P>(target.isa, inputs, depth, weights, depth);
            keep(&sums, M.min(rows - row), columns.clone(), target, output);
        }
    }
}

/// Stores the first `rows` rows of a tile.
#[inline(always)]
fn keep<I: Isa, Sum: Copy, S: Store<Sum>, const M: usize, const P: usize, const L: usize>(
    sums: &[[[Sum; L]; P]; M],
    rows: usize,
    columns: Range<usize>,
    target: &Target<'_, I, S>,
    output: &mut [S::Output],
) {
    let channel = target.channel + columns.start;
    let rows =
        Rows { output: &mut output[channel..], row_len: target.row_len, count: rows, lanes: columns.len() };
    keep_tile(target.isa, target.store, channel, sums, rows);
}

/// Stores a tile from channel `channel` on.
#[inline(always)]
pub(super) fn keep_tile<I: Isa, Sum: Copy, S: Store<Sum>, const M: usize, const P: usize, const L: usize>(
    isa: I,
    store: &S,
    channel: usize,
    sums: &[[[Sum; L]; P]; M],
    mut rows: Rows<'_, S::Output>,
) {
    // Counted out, so that sums stay in registers.
    store.keep(isa, channel, &column(sums, 0), rows.from_lane(0));
    if P > 1 {
        store.keep(isa, channel + L, &column(sums, 1), rows.from_lane(L));
    }
    if P > 2 {
        store.keep(isa, channel + 2 * L, &column(sums, 2), rows.from_lane(2 * L));
    }
    if P > 3 {
        store.keep(isa, channel + 3 * L, &column(sums, 3), rows.from_lane(3 * L));
    }
    assert!(P <= 4);
}

/// Panel `p` of every row. Counted out, for a call of `array::from_fn` would be compiled for the baseline.
#[inline(always)]
pub(super) fn column<Sum, const M: usize, const P: usize, const L: usize>(
    sums: &[[[Sum; L]; P]; M],
    p: usize,
) -> [&[Sum; L]; M] {
    let mut column = [&sums[0][p]; M];
    for m in 0..M {
        column[m] = &sums[m][p];
    }
    column
}
