//! The controller: plans, prepares, runs and reports benchmarks on a fleet of devices.
#![forbid(unsafe_code)]

pub mod agreement;
pub mod artifact;
pub mod benchmark_model;
pub mod beside;
pub mod build;
pub mod cli;
pub mod compare;
pub mod config;
pub mod dataset;
pub mod distance;
pub mod error;
pub mod gate;
pub mod inventory;
pub mod layers;
pub mod npy;
pub mod parity;
pub mod peer;
pub mod plan;
pub mod prepare;
pub mod revision;
pub mod run;
pub mod session;
pub mod suite;
pub mod trend;
