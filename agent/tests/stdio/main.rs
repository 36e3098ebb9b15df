//! The real binary as a child process over its standard streams, as a controller on the same machine runs it.
#![forbid(unsafe_code)]

mod controller;
mod conversation;
mod digits;
mod faults;
mod folder;
