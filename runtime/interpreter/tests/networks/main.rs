//! Networks built in memory, run through the public face.
#![forbid(unsafe_code)]

mod build;
mod hostile;
mod whole;
