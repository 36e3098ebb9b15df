//! Weights in the order the tile reads them, aligned to cache lines.

use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;

use bytemuck::{Pod, Zeroable};

use super::tile::Tile;

/// A cache line.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Memory of plain numbers that starts at a cache line.
pub(super) struct Lines<W> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<W>,
}

impl<W: Pod> Lines<W> {
    pub(super) fn zeroed(len: usize) -> Self {
        let lines = vec![Line([0; 64]); (len * size_of::<W>()).div_ceil(64)];
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
    /// `weight(column, k)` over `groups * columns` columns; columns of group `g` start at `g * columns`.
    pub(super) fn pack(
        groups: usize,
        columns: usize,
        depth: usize,
        weight: impl Fn(usize, usize) -> T::Element,
    ) -> Self {
        let padded_depth = depth.next_multiple_of(T::GROUP);
        let panel_len = padded_depth * L;
        let panels = columns.div_ceil(L);
        let mut weights = Lines::zeroed(groups * panels * panel_len);
        for (index, panel) in weights.as_mut_slice().chunks_exact_mut(panel_len.max(1)).enumerate() {
            let (group, first) = (index / panels, index % panels * L);
            for lane in 0..L.min(columns - first) {
                for k in 0..depth {
                    let place = (k / T::GROUP * L + lane) * T::GROUP + k % T::GROUP;
                    panel[place] = T::weight(weight(group * columns + first + lane, k));
                }
            }
        }
        Self { weights, depth, columns }
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
