//! Networks built in memory, run through the public face.
#![forbid(unsafe_code)]

mod build;
mod calls;
mod cases;
mod classes;
mod face;
mod handles;
mod hostile;
mod known;
mod late;
mod litert;
mod memory;
mod movement;
mod mutants;
mod mutate;
mod operators;
mod random;
mod refusals;
mod resizing;
mod sparse;
mod tables;
mod variables;
mod whole;
