//! Whole sessions against a device made of fakes: everything that can be asked, and everything that can go wrong.
#![forbid(unsafe_code)]

mod evaluating;
mod fake;
mod hostile;
mod measuring;
mod opening;
mod profiling;
mod storing;
mod talking;
mod tiny;
