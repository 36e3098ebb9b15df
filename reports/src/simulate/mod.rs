//! What the statistics promise, measured: noise of known kinds from a seed, and how often the methods are right on it.
//!
//! `cargo run --release -p edgebench-reports --example simulate` writes the whole table; a shorter run of the same code
//! is a test. Knows the statistics and numbers only: no record, no file.

pub mod machine;
pub mod pairs;
pub mod score;
pub mod series;
pub mod table;
pub mod trend;
