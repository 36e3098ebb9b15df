//! Where values live: lifetimes, offsets in one arena, aligned storage, and the split of the arena that one step works
//! on. Knows sizes and times only, no types and no operators.

mod aligned;
mod frame;
mod plan;
mod room;

pub(crate) use aligned::{Aligned, align_up};
pub(crate) use frame::{Constant, Crew, Frame, Inputs, Outputs, Place, Wiring};
pub(crate) use plan::{Plan, Request};
pub(crate) use room::Room;
