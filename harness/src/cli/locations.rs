//! Where things are on this machine: suites, the inventory, results, the cache, mirrors. Flags win over environment
//! variables, those over defaults.

use std::path::{Path, PathBuf};

use crate::artifact::Cache;
use crate::error::BenchError;
use crate::inventory::{FILE_NAME as INVENTORY_FILE, Inventory};
use crate::run::Results;

/// Where suites are looked for by name.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct SuiteFolders {
    /// Folders with suites, looked through in order.
    #[arg(
        long = "suites",
        env = "EDGEBENCH_SUITES",
        value_name = "DIR",
        value_delimiter = ':',
        default_value = "suites"
    )]
    folders: Vec<PathBuf>,
}

/// Where devices are described.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct InventoryFile {
    /// The inventory of devices; devices.toml in the working folder by default, and without one only `host`.
    #[arg(long = "inventory", env = "EDGEBENCH_INVENTORY", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Where runs leave their results.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct ResultsFolder {
    /// Folder of the results, one folder a run.
    #[arg(long = "results", env = "EDGEBENCH_RESULTS", value_name = "DIR", default_value = "results")]
    folder: PathBuf,
}

/// Where what was made is kept.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct CacheFolder {
    /// Folder of everything that is made once and reused.
    #[arg(long, env = "EDGEBENCH_CACHE", value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

/// Where files come from and are kept.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Storage {
    #[command(flatten)]
    cache: CacheFolder,
    /// Folders to look in for files that a suite names by SHA-256, before any download.
    #[arg(long = "mirror", env = "EDGEBENCH_MIRROR", value_name = "DIR", value_delimiter = ':')]
    mirrors: Vec<PathBuf>,
    /// Never download.
    #[arg(long)]
    offline: bool,
}

impl SuiteFolders {
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.folders
    }
}

impl InventoryFile {
    /// The file that is used; none for the built-in inventory.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let default = Path::new(INVENTORY_FILE);
        self.file.clone().or_else(|| default.is_file().then(|| default.to_owned()))
    }

    pub(super) fn load(&self) -> Result<Inventory, BenchError> {
        match self.path() {
            Some(file) => Inventory::load(&file),
            None => Ok(Inventory::built_in()),
        }
    }
}

impl ResultsFolder {
    pub(super) fn open(&self) -> Results {
        Results::at(&self.folder)
    }
}

impl CacheFolder {
    pub(super) fn cache(&self) -> Result<Cache, BenchError> {
        Ok(Cache::open(&Cache::folder(self.cache_dir.as_deref())?)?)
    }
}

impl Storage {
    pub(super) fn cache(&self) -> Result<Cache, BenchError> {
        self.cache.cache()
    }

    pub(super) fn mirrors(&self) -> &[PathBuf] {
        &self.mirrors
    }

    pub(super) fn offline(&self) -> bool {
        self.offline
    }
}
