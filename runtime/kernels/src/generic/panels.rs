//! Weights in the order the tile reads them, aligned to cache lines.

use alloc::boxed::Box;
use alloc::vec;
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

/// The filters of all groups, each group's columns (output channels) in panels of `L`, the last one filled with zeros.
pub(super) struct Panels<T: Tile<L>, const L: usize> {
    weights: Lines<T::Weight>,
    /// Products a sum has, without padding.
    pub(super) depth: usize,
    /// Columns of one group.
    pub(super) columns: usize,
}

impl<T: Tile<L>, const L: usize> Panels<T, L> {
    /// `column(index, weights)` gives the `depth` weights of one of `groups * columns` columns; those of group `g` start at
    /// `g * columns`.
    pub(super) fn pack(
        groups: usize,
        columns: usize,
        depth: usize,
        column: impl Fn(usize, &mut [T::Element]),
    ) -> Self {
        let panel_len = depth.next_multiple_of(T::GROUP) * L;
        let panels = columns.div_ceil(L);
        let mut weights = Lines::zeroed(groups * panels * panel_len);
        let mut of_column = vec![T::Element::default(); depth];
        for (index, panel) in weights.as_mut_slice().chunks_exact_mut(panel_len.max(1)).enumerate() {
            let (group, first) = (index / panels, index % panels * L);
            for lane in 0..L.min(columns - first) {
                column(group * columns + first + lane, &mut of_column);
                Self::spread(&of_column, lane, panel);
            }
        }
        Self { weights, depth, columns }
    }

    /// Puts the weights of one column into its lane of a panel.
    fn spread(weights: &[T::Element], lane: usize, panel: &mut [T::Weight]) {
        let whole = weights.len() / T::GROUP;
        for step in 0..whole {
            let place = (step * L + lane) * T::GROUP;
            let (from, to) = (&weights[step * T::GROUP..][..T::GROUP], &mut panel[place..][..T::GROUP]);
            for index in 0..T::GROUP {
                to[index] = T::weight(from[index]);
            }
        }
        let rest = &weights[whole * T::GROUP..];
        for (index, &weight) in rest.iter().enumerate() {
            panel[(whole * L + lane) * T::GROUP + index] = T::weight(weight);
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
