//! The arena as one step sees it: its outputs and scratch to write, everything else to read. The cuts are computed once;
//! a run only splits slices, and allocates nothing for a step of one output.

use alloc::vec::Vec;
use core::ops::Range;

use bytemuck::Pod;
use edgebench_kernels::Workers;

use super::Aligned;

/// Where a tensor's bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere: nothing reads it at run time.
    #[default]
    Nowhere,
    /// A part of the arena.
    Arena(Range<usize>),
    /// The constant of the tensor's index.
    Constant(usize),
}

/// A constant that something reads at run time, aligned for its type.
#[derive(Debug, Default)]
pub(crate) enum Constant<'m> {
    /// Not kept.
    #[default]
    None,
    /// In the file.
    Borrowed(&'m [u8]),
    /// Converted, or moved to where its type can be read.
    Owned(Aligned),
}

/// What one step reads and writes, by parts of the arena.
#[derive(Debug, Default)]
pub(crate) struct Wiring {
    sources: Vec<Source>,
    /// Parts that are written, ascending and apart.
    cuts: Vec<Cut>,
}

#[derive(Debug)]
enum Source {
    Absent,
    Constant(usize),
    /// A part of the `gap`-th stretch between the cuts.
    Arena {
        gap: usize,
        part: Range<usize>,
    },
}

#[derive(Debug)]
struct Cut {
    part: Range<usize>,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Output(usize),
    State(usize),
    Scratch,
}

/// What one step works on.
pub(crate) struct Frame<'a> {
    pub(crate) inputs: Inputs<'a>,
    pub(crate) outputs: Outputs<'a>,
    /// Variables that the step changes, in the order of its slots.
    pub(crate) states: Vec<&'a mut [u8]>,
    /// Memory of this step alone, aligned, with arbitrary content.
    pub(crate) scratch: &'a mut [u8],
    /// Who shares the step, when it is divided.
    pub(crate) crew: Option<Crew<'a>>,
}

/// Threads that share a step, and into how many shares it is divided.
#[derive(Clone, Copy)]
pub(crate) struct Crew<'a> {
    pub(crate) workers: &'a dyn Workers,
    pub(crate) shares: usize,
}

/// The inputs of one step.
pub(crate) struct Inputs<'a> {
    sources: &'a [Source],
    constants: &'a [Constant<'a>],
    /// The first stretches between the cuts: one output and one scratch leave three.
    gaps: [&'a [u8]; 3],
    /// The others.
    more_gaps: Vec<&'a [u8]>,
}

/// The outputs of one step.
pub(crate) struct Outputs<'a> {
    first: &'a mut [u8],
    /// The others.
    more: Vec<&'a mut [u8]>,
}

impl Constant<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Borrowed(bytes) => bytes,
            Self::Owned(copy) => copy.bytes(),
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Bytes that it takes beside the file.
    pub(crate) fn owned_bytes(&self) -> usize {
        match self {
            Self::None | Self::Borrowed(_) => 0,
            Self::Owned(copy) => copy.bytes().len(),
        }
    }
}

impl Wiring {
    /// `outputs`, `states` and `scratch` must be apart from each other and from every input.
    pub(crate) fn new<'p>(
        inputs: impl Iterator<Item = &'p Place>,
        outputs: impl Iterator<Item = Range<usize>>,
        states: impl Iterator<Item = Range<usize>>,
        scratch: Range<usize>,
    ) -> Self {
        let mut cuts: Vec<Cut> =
            outputs.enumerate().map(|(index, part)| Cut { part, role: Role::Output(index) }).collect();
        cuts.extend(states.enumerate().map(|(index, part)| Cut { part, role: Role::State(index) }));
        cuts.push(Cut { part: scratch, role: Role::Scratch });
        // What has no bytes may lie at the offset of something that has.
        cuts.retain(|cut| !cut.part.is_empty());
        cuts.sort_by_key(|cut| cut.part.start);
        let sources = inputs.map(|place| Source::of(place, &cuts)).collect();
        Self { sources, cuts }
    }

    /// Splits the arena.
    pub(crate) fn frame<'a>(&'a self, arena: &'a mut [u8], constants: &'a [Constant<'a>]) -> Frame<'a> {
        let mut inputs = Inputs { sources: &self.sources, constants, gaps: [&[]; 3], more_gaps: Vec::new() };
        let mut outputs = Outputs { first: nothing(), more: Vec::new() };
        let mut states = Vec::new();
        let mut scratch = nothing();
        let (mut rest, mut start) = (arena, 0);
        for (index, cut) in self.cuts.iter().enumerate() {
            let (gap, tail) = rest.split_at_mut(cut.part.start - start);
            let (piece, tail) = tail.split_at_mut(cut.part.len());
            inputs.set_gap(index, gap);
            match cut.role {
                Role::Output(output) => outputs.set(output, piece),
                Role::State(state) => states.push((state, piece)),
                Role::Scratch => scratch = piece,
            }
            (rest, start) = (tail, cut.part.end);
        }
        inputs.set_gap(self.cuts.len(), rest);
        states.sort_by_key(|(state, _)| *state);
        let states = states.into_iter().map(|(_, piece)| piece).collect();
        Frame { inputs, outputs, states, scratch, crew: None }
    }
}

/// No bytes, at an address that every element type can have: steps cast what they get.
fn nothing<'a>() -> &'a mut [u8] {
    bytemuck::cast_slice_mut::<u64, u8>(&mut [])
}

impl Source {
    fn of(place: &Place, cuts: &[Cut]) -> Self {
        match place {
            Place::Nowhere => Self::Absent,
            Place::Constant(index) => Self::Constant(*index),
            Place::Arena(part) if part.is_empty() => Self::Absent,
            Place::Arena(part) => {
                let gap = cuts.partition_point(|cut| cut.part.end <= part.start);
                let start =
                    gap.checked_sub(1).and_then(|before| cuts.get(before)).map_or(0, |cut| cut.part.end);
                Self::Arena { gap, part: part.start - start..part.end - start }
            }
        }
    }
}

impl<'a> Inputs<'a> {
    fn set_gap(&mut self, index: usize, gap: &'a [u8]) {
        match self.gaps.get_mut(index) {
            Some(place) => *place = gap,
            None => self.more_gaps.push(gap),
        }
    }

    /// Bytes of the input; empty for one that is absent or was packed away.
    pub(crate) fn bytes(&self, slot: usize) -> &'a [u8] {
        match self.sources.get(slot) {
            None | Some(Source::Absent) => &[],
            Some(Source::Constant(index)) => self.constants[*index].bytes(),
            Some(Source::Arena { gap, part }) => {
                let few = self.gaps.len();
                let gap = self.gaps.get(*gap).copied().unwrap_or_else(|| self.more_gaps[gap - few]);
                &gap[part.clone()]
            }
        }
    }

    /// Elements of the input; preparation has checked its type.
    pub(crate) fn of<T: Pod>(&self, slot: usize) -> &'a [T] {
        let bytes = self.bytes(slot);
        // No bytes have no alignment either.
        if bytes.is_empty() { &[] } else { bytemuck::cast_slice(bytes) }
    }
}

impl<'a> Outputs<'a> {
    /// Outputs with memory of their own.
    pub(crate) fn own(pieces: impl Iterator<Item = &'a mut [u8]>) -> Self {
        let mut outputs = Self { first: nothing(), more: Vec::new() };
        pieces.enumerate().for_each(|(index, piece)| outputs.set(index, piece));
        outputs
    }

    fn set(&mut self, index: usize, piece: &'a mut [u8]) {
        if index == 0 {
            self.first = piece;
            return;
        }
        while self.more.len() < index {
            self.more.push(nothing());
        }
        self.more[index - 1] = piece;
    }

    /// Bytes of every output, in order.
    pub(crate) fn all(self) -> impl Iterator<Item = &'a mut [u8]> {
        core::iter::once(self.first).chain(self.more)
    }

    /// Bytes of output 0.
    pub(crate) fn bytes(self) -> &'a mut [u8] {
        self.first
    }

    /// Elements of output 0; preparation has checked its type.
    pub(crate) fn of<T: Pod>(self) -> &'a mut [T] {
        if self.first.is_empty() { &mut [] } else { bytemuck::cast_slice_mut(self.first) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::iter::empty;

    #[test]
    fn inputs_are_found_on_every_side_of_what_is_written() {
        let mut arena: Vec<u8> = (0..60).collect();
        let places = [
            Place::Arena(0..5),
            Place::Arena(20..25),
            Place::Constant(0),
            Place::Nowhere,
            Place::Arena(50..60),
        ];
        let wiring = Wiring::new(places.iter(), core::iter::once(30..40), empty(), 10..20);
        let constants = [Constant::Borrowed(&[9, 9])];
        let frame = wiring.frame(&mut arena, &constants);
        assert_eq!(frame.inputs.bytes(0), [0, 1, 2, 3, 4]);
        assert_eq!(frame.inputs.bytes(1), [20, 21, 22, 23, 24]);
        assert_eq!(frame.inputs.bytes(2), [9, 9]);
        assert_eq!(frame.inputs.bytes(3), []);
        assert_eq!(frame.inputs.bytes(4)[..2], [50, 51]);
        assert_eq!(frame.scratch[0], 10);
        assert_eq!(frame.outputs.bytes()[0], 30);
    }

    #[test]
    fn what_has_no_bytes_is_in_nobodys_way() {
        let mut arena: Vec<u8> = (0..20).collect();
        let places = [Place::Arena(0..0), Place::Arena(10..20)];
        let wiring = Wiring::new(places.iter(), [0..0, 0..10].into_iter(), empty(), 5..5);
        let frame = wiring.frame(&mut arena, &[]);
        assert_eq!((frame.inputs.bytes(0), frame.inputs.bytes(1)[0]), (&[][..], 10));
        assert_eq!((frame.outputs.first.len(), frame.outputs.more[0].len()), (0, 10));
    }

    #[test]
    fn more_outputs_than_the_usual_keep_their_order() {
        let mut arena: Vec<u8> = (0..50).collect();
        let places = [Place::Arena(45..50)];
        let wiring = Wiring::new(places.iter(), [30..31, 0..1, 10..11, 20..21].into_iter(), empty(), 0..0);
        let frame = wiring.frame(&mut arena, &[]);
        let all: Vec<u8> = frame.outputs.all().map(|piece| piece[0]).collect();
        assert_eq!(all, [30, 0, 10, 20]);
        assert_eq!(frame.inputs.bytes(0), [45, 46, 47, 48, 49]);
    }

    #[test]
    fn states_are_written_and_keep_the_order_of_their_slots() {
        let mut arena: Vec<u8> = (0..50).collect();
        let wiring = Wiring::new(
            [Place::Arena(5..10), Place::Nowhere].iter(),
            core::iter::once(20..21),
            [40..41, 10..12].into_iter(),
            0..0,
        );
        let frame = wiring.frame(&mut arena, &[]);
        let states: Vec<&[u8]> = frame.states.iter().map(|state| &**state).collect();
        assert_eq!(states, [&[40][..], &[10, 11]]);
        assert_eq!(frame.inputs.bytes(0), [5, 6, 7, 8, 9]);
    }
}
