//! Devices that are not this machine: a real sshd in a network namespace of its own, whose programs are aarch64 ones
//! under QEMU. Boards whose cable is pulled, that stop, that restart; agents that lie; keys that are not the right ones.
//!
//! Needs root, QEMU's user mode and what `ci/devices/fetch` fetches; says what is missing where it is not there.
#![forbid(unsafe_code)]

mod board;
mod guest;
mod keys;
mod liars;
#[path = "../run/place.rs"]
#[expect(dead_code, reason = "shared with the tests of runs, which use more of it")]
mod place;
#[path = "../run/stand_in.rs"]
#[expect(dead_code, reason = "shared with the tests of runs")]
mod stand_in;
mod vanishing;
mod words;
mod working;
