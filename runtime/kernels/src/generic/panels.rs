//! Weights in the order the tile reads them, aligned to cache lines.

use alloc::boxed::Box;
use core::marker::PhantomData;

use bytemuck::{Pod, Zeroable};

use super::tile::Tile;

/// A cache line.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Memory of plain numbers that starts at a cache line.
pub(super) struct Lines<W> {
    lines: Box<[Line]>,
    len: usize,
    element: PhantomData<W>,
}

impl<W: Pod> Lines<W> {
    pub(super) fn zeroed(len: usize) -> Self {
        // Fresh from the system, such memory is zero already and is first touched by who packs.
        let lines = bytemuck::zeroed_slice_box((len * size_of::<W>()).div_ceil(64));
        Self { lines, len, element: PhantomData }
    }

    pub(super) fn as_slice(&self) -> &[W] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [W] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }

    pub(super) fn bytes(&self) -> usize {
        self.lines.len() * 64
    }
}

/// Weights of a column that are read at once: a multiple of every [`Tile::GROUP`].
const PIECE: usize = 64;

/// The filters of all groups, each group's columns (output channels) in panels of `L`, the last one filled with zeros.
pub(super) struct Panels<T: Tile<L>, const L: usize> {
    weights: Lines<T::Weight>,
    /// Products a sum has, without padding.
    pub(super) depth: usize,
    /// Columns of one group.
    pub(super) columns: usize,
}

impl<T: Tile<L>, const L: usize> Panels<T, L> {
    /// `read(index, first, weights)` gives weights of one of `groups * columns` columns, from `first` of its `depth` on;
    /// those of group `g` start at `g * columns`.
    pub(super) fn pack(
        groups: usize,
        columns: usize,
        depth: usize,
        read: impl Fn(usize, usize, &mut [T::Element]),
    ) -> Self {
        let panel_len = depth.next_multiple_of(T::GROUP) * L;
        let panels = columns.div_ceil(L);
        let mut weights = Lines::zeroed(groups * panels * panel_len);
        for (index, panel) in weights.as_mut_slice().chunks_exact_mut(panel_len.max(1)).enumerate() {
            let (group, first) = (index / panels, index % panels * L);
            let lanes = L.min(columns - first);
            Self::fill(panel, lanes, depth, |lane, from, weights| {
                read(group * columns + first + lane, from, weights);
            });
        }
        Self { weights, depth, columns }
    }

    /// Fills one panel from its columns, a piece of all of them at a time: each is read once, and the panel is written from
    /// the beginning to the end.
    fn fill(
        panel: &mut [T::Weight],
        lanes: usize,
        depth: usize,
        read: impl Fn(usize, usize, &mut [T::Element]),
    ) {
        let mut pieces = [[T::Element::default(); PIECE]; L];
        for (from, part) in (0..depth).step_by(PIECE).zip(panel.chunks_mut(PIECE * L)) {
            let count = PIECE.min(depth - from);
            for (lane, piece) in pieces.iter_mut().enumerate().take(lanes) {
                read(lane, from, &mut piece[..count]);
                // What is left of an earlier piece must not get into the padding.
                piece[count..].fill(T::Element::default());
            }
            // Lanes beyond the last column hold zeros from the beginning.
            for (step, row) in part.chunks_exact_mut(L * T::GROUP).enumerate() {
                for lane in 0..L {
                    for index in 0..T::GROUP {
                        row[lane * T::GROUP + index] = T::weight(pieces[lane][step * T::GROUP + index]);
                    }
                }
            }
        }
    }

    /// Depth with its padding.
    pub(super) fn padded_depth(&self) -> usize {
        self.depth.next_multiple_of(T::GROUP)
    }

    /// The panels of group `group`, one after another.
    pub(super) fn group(&self, group: usize) -> &[T::Weight] {
        let len = self.columns.div_ceil(L) * self.padded_depth() * L;
        &self.weights.as_slice()[group * len..][..len]
    }

    pub(super) fn bytes(&self) -> usize {
        self.weights.bytes()
    }
}
