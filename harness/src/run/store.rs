//! The results folder: one folder a run, with its journal while it goes on and its files when it is done.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Name of the journal in a run's folder.
const JOURNAL: &str = "journal";
/// Name of the dataframe in a run's folder.
const FRAME: &str = "run.parquet";
/// Held by the process that works on the run.
const LOCK: &str = "lock";

/// What can go wrong with the results folder.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another process works on the same run.
    #[error("run {id} is being worked on by another bench")]
    Busy {
        /// The run.
        id: String,
    },
    /// There is no such run.
    #[error("no run {wanted} in {}", folder.display())]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// The results folder.
        folder: PathBuf,
        /// The runs that exist, newest first.
        known: Vec<String>,
    },
    /// There is nothing to go on with.
    #[error("no unfinished run and none with failed cells in {}", folder.display())]
    NothingToResume {
        /// The results folder.
        folder: PathBuf,
    },
}

/// The results folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Results {
    folder: PathBuf,
}

/// The folder of one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunFolder {
    /// Identity of the run.
    pub id: String,
    path: PathBuf,
}

/// Held while a process works on a run; released by the operating system however the process ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl Results {
    /// The results folder at this path; it need not exist yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// When it cannot be made, or exists already.
    pub fn create(&self, id: &str) -> Result<RunFolder, StoreError> {
        let path = self.folder.join(id);
        std::fs::create_dir_all(&self.folder).map_err(|source| io("create", &self.folder, source))?;
        std::fs::create_dir(&path).map_err(|source| io("create", &path, source))?;
        Ok(RunFolder { id: id.to_owned(), path })
    }

    /// The runs that exist, oldest first: names sort by start time.
    ///
    /// # Errors
    /// When the folder exists and cannot be read.
    pub fn runs(&self) -> Result<Vec<RunFolder>, StoreError> {
        let mut folders = self.folders()?;
        folders.retain(|run| run.journal().is_file() || run.frame().is_file());
        Ok(folders)
    }

    /// Every folder in it, runs and comparisons, in the order of their names.
    ///
    /// # Errors
    /// When the folder exists and cannot be read.
    pub fn folders(&self) -> Result<Vec<RunFolder>, StoreError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io("read", &self.folder, source)),
        };
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| io("read", &self.folder, source))?;
            folders
                .push(RunFolder { id: entry.file_name().to_string_lossy().into_owned(), path: entry.path() });
        }
        folders.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(folders)
    }

    /// The run with this identity, or `latest`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, wanted: &str) -> Result<RunFolder, StoreError> {
        let mut runs = self.runs()?;
        let found = match wanted {
            "latest" => runs.pop(),
            id => runs.iter().position(|run| run.id == id).map(|position| runs.swap_remove(position)),
        };
        found.ok_or_else(|| StoreError::Unknown {
            wanted: wanted.to_owned(),
            folder: self.folder.clone(),
            known: self.runs().unwrap_or_default().into_iter().rev().map(|run| run.id).collect(),
        })
    }

    /// The newest run that something is to be done for.
    ///
    /// # Errors
    /// When there is none.
    pub fn latest(&self, is_open: impl Fn(&RunFolder) -> bool) -> Result<RunFolder, StoreError> {
        let found = self.runs()?.into_iter().rev().find(is_open);
        found.ok_or_else(|| StoreError::NothingToResume { folder: self.folder.clone() })
    }
}

impl RunFolder {
    /// The folder at this path.
    pub fn at(path: &Path) -> Self {
        let id = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { id, path: path.to_owned() }
    }

    /// The journal's file.
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// The dataframe's file.
    pub fn frame(&self) -> PathBuf {
        self.path.join(FRAME)
    }

    /// A file of this name in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A folder of this name in the folder, made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.file(name);
        std::fs::create_dir_all(&path).map_err(|source| io("create", &path, source))?;
        Ok(path)
    }

    /// Takes the run for this process.
    ///
    /// # Errors
    /// When another process has it.
    pub fn lock(&self) -> Result<RunLock, StoreError> {
        let path = self.file(LOCK);
        let file = File::create(&path).map_err(|source| io("create", &path, source))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Busy { id: self.id.clone() }),
            Err(cause) => Err(io("lock", &path, cause.into())),
        }
    }

    /// Writes a file of the run: whole, or not at all.
    ///
    /// # Errors
    /// When it cannot be written; the former content is then still there.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, StoreError> {
        let path = self.file(name);
        write_whole(&path, content).map_err(|source| io("write", &path, source))?;
        Ok(path)
    }
}

/// Writes a file through a neighbour that takes its name when it is whole and on disk.
///
/// # Errors
/// When the neighbour cannot be written or renamed; nothing is left behind then.
pub fn write_whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let written = File::create(&part).and_then(|mut file| {
        std::io::Write::write_all(&mut file, content)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_runs(ids: &[&str]) -> (tempfile::TempDir, Results) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let results = Results::at(&folder.path().join("results"));
        for id in ids {
            let run = results.create(id).expect("new run");
            run.write(JOURNAL, b"").expect("written");
        }
        (folder, results)
    }

    #[test]
    fn newest_run_is_the_latest_and_unknown_ones_are_told_with_the_known() {
        let (_folder, results) = with_runs(&["20260102T000000Z-a", "20260101T000000Z-b"]);
        assert_eq!(results.find("latest").expect("a run").id, "20260102T000000Z-a");
        let error = results.find("nothing").expect_err("no such run");
        assert!(matches!(error, StoreError::Unknown { known, .. } if known[0] == "20260102T000000Z-a"));
    }

    #[test]
    fn complete_runs_are_not_resumed() {
        let (_folder, results) = with_runs(&["1", "2"]);
        let open = |run: &RunFolder| !run.frame().is_file();
        results.find("2").expect("a run").write(FRAME, b"x").expect("written");
        assert_eq!(results.latest(open).expect("a run").id, "1");
        results.find("1").expect("a run").write(FRAME, b"x").expect("written");
        assert!(matches!(results.latest(open), Err(StoreError::NothingToResume { .. })));
    }

    #[test]
    fn no_results_folder_is_no_runs() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert_eq!(Results::at(&folder.path().join("none")).runs().expect("no runs"), []);
    }

    #[test]
    fn only_one_process_works_on_a_run() {
        let (_folder, results) = with_runs(&["1"]);
        let run = results.find("1").expect("a run");
        let held = run.lock().expect("free");
        assert!(matches!(run.lock(), Err(StoreError::Busy { .. })));
        drop(held);
        run.lock().expect("free again");
    }

    #[test]
    fn failed_write_keeps_the_former_content_and_leaves_nothing_behind() {
        let (_folder, results) = with_runs(&["1"]);
        let run = results.find("1").expect("a run");
        std::fs::create_dir(run.file("report.html")).expect("a folder in the way");
        assert!(run.write("report.html", b"new").is_err());
        let names = std::fs::read_dir(run.path).expect("readable").count();
        assert_eq!(names, 2, "the journal and the folder");
    }
}
