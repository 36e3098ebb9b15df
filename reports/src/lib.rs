//! Records of runs to dataframes, statistics, verdicts, plots and pages.
//!
//! Knows no device, no socket and no suite: records come in, files and text go out. polars is compiled only under this
//! crate.
#![forbid(unsafe_code)]

pub mod beside;
pub mod compare;
pub mod frame;
pub mod gate;
pub mod metrics;
pub mod policy;
pub mod record;
pub mod render;
pub mod simulate;
pub mod stats;
pub mod summary;
pub mod trend;
pub mod verdict;
