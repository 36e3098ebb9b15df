//! Networks built in memory, run through the public face.
#![forbid(unsafe_code)]

mod build;
mod cases;
mod hostile;
mod litert;
mod random;
mod whole;
