//! The controller: plans, prepares, runs and reports benchmarks on a fleet of devices.
#![forbid(unsafe_code)]

pub mod artifact;
pub mod config;
pub mod dataset;
pub mod error;
pub mod inventory;
pub mod plan;
pub mod suite;
