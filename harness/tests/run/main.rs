//! The program `bench` as a user meets it: real agents, real models, real files, and everything that can go wrong
//! between them. Each test has a results folder of its own; all share one cache, so that the agent is built once.
#![forbid(unsafe_code)]

mod benchmark;
mod broken;
mod emulated;
mod flat;
mod history;
mod interrupted;
mod kept;
mod outcome;
mod pairs;
mod peer;
mod phone;
mod place;
mod planted;
mod stand_in;
mod verbs;
