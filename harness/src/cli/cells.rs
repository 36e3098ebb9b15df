//! Which cells of a suite: the arguments that comparisons share.

use std::path::PathBuf;

use crate::error::BenchError;
use crate::plan::RUNTIME_EDGEBENCH;
use crate::run::{MeasureOverrides, RunRequest};
use crate::suite::Suite;

/// Which cells.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct CellFilter {
    /// Name of the suite, or the path of its folder or file.
    #[arg(long, value_name = "SUITE")]
    suite: String,
    /// Names of the devices, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "host")]
    devices: Vec<String>,
    /// Only these models.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    models: Vec<String>,
    /// Only these variants.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    variants: Vec<String>,
    /// Numbers of worker threads, in place of those of each device.
    #[arg(long = "num_threads", aliases = ["num-threads", "threads"], value_name = "N", value_delimiter = ',')]
    threads: Vec<u16>,
    /// Kernel set: auto, reference, portable, or an instruction set that `bench devices --check` lists.
    #[arg(long = "isa", visible_alias = "kernels", value_name = "SET", default_value = "auto")]
    kernels: String,
}

impl CellFilter {
    /// As a request that measures nothing but these cells.
    pub(super) fn request(
        &self,
        suites: &[PathBuf],
        inventory: Option<PathBuf>,
        seed: u64,
    ) -> Result<RunRequest, BenchError> {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Ok(RunRequest {
            suite: absolute(Suite::find(&self.suite, suites)?.file),
            inventory: inventory.map(absolute),
            devices: self.devices.clone(),
            emulate: false,
            models: self.models.clone(),
            variants: self.variants.clone(),
            threads: self.threads.clone(),
            runtimes: vec![RUNTIME_EDGEBENCH.to_owned()],
            litert: None,
            kernels: self.kernels.clone(),
            seed,
            measure: MeasureOverrides::default(),
            profile: false,
        })
    }
}

/// Longest duration that may be asked for: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// A number of seconds.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=MAX_SECONDS).contains(&value) => Ok(value),
        _ => Err(format!("expected seconds from 0 to {MAX_SECONDS}")),
    }
}
