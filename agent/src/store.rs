//! Files in a folder, each under its BLAKE3 in hex. Knows paths and locks; hashes are verified by the session.
//!
//! A file is written as `<hex>.<pid>-<n>.part`, flushed to the disk and renamed, so that a name either stands for a
//! whole file or is not there, whatever is killed and however many agents share the folder. A part that is being written
//! is locked; one that is not was left by an agent that was killed, and is swept away by the next.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use edgebench_agent_core::{Store, StoreError, StoredFile};
use edgebench_wire::Digest;
use rustix::fs::OFlags;

const PART: &str = "part";

/// A folder of files that are named by their contents.
pub(crate) struct FolderStore {
    folder: PathBuf,
    part: Option<Part>,
    parts_begun: u64,
}

/// A file on its way in. Taken away again unless it is kept.
struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl FolderStore {
    /// Uses `folder`, creates it when it is not there, and sweeps away what killed agents left.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|error| trouble(folder, &error))?;
        let folder = folder.canonicalize().map_err(|error| trouble(folder, &error))?;
        sweep(&folder).map_err(|error| trouble(&folder, &error))?;
        Ok(Self { folder, part: None, parts_begun: 0 })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(hex(digest))
    }

    fn part(&self) -> Result<&Part, StoreError> {
        self.part
            .as_ref()
            .ok_or_else(|| StoreError("store: expected a file that was begun, found none".into()))
    }

    /// A new part that no other agent takes for a left one.
    fn create_part(&mut self, digest: &Digest) -> Result<Part, StoreError> {
        loop {
            self.parts_begun += 1;
            let name = format!("{}.{}-{}.{PART}", hex(digest), std::process::id(), self.parts_begun);
            let path = self.folder.join(name);
            let file = match OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(trouble(&path, &error)),
            };
            // Where files cannot be locked, no sweeper gets a lock either and all parts stay.
            let locked = file.lock().is_ok();
            // A sweeper may have come between creation and lock; then the name is gone and the next try is ours.
            if !locked || is_at(&file, &path) {
                return Ok(Part { file, path, target: self.path(digest) });
            }
        }
    }

    fn check_room(&self, total_bytes: u64) -> Result<(), StoreError> {
        let Ok(space) = rustix::fs::statvfs(&self.folder) else { return Ok(()) };
        let free_bytes = space.f_bavail.saturating_mul(space.f_frsize);
        if total_bytes <= free_bytes {
            return Ok(());
        }
        let place = self.folder.display();
        Err(StoreError(format!("{place}: expected {total_bytes} bytes of free space, found {free_bytes}")))
    }
}

impl Store for FolderStore {
    fn open(&mut self, digest: &Digest) -> Result<Option<Box<dyn StoredFile>>, StoreError> {
        let path = self.path(digest);
        // Neither a link out of the folder nor a pipe that blocks is one of our files.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(trouble(&path, &error)),
        };
        let metadata = file.metadata().map_err(|error| trouble(&path, &error))?;
        if !metadata.is_file() {
            return Err(StoreError(format!(
                "{}: expected a regular file, found another kind",
                path.display()
            )));
        }
        Ok(Some(Box::new(OnDisk { file, path, length: metadata.len() })))
    }

    fn begin(&mut self, digest: &Digest, total_bytes: u64) -> Result<(), StoreError> {
        self.discard();
        self.check_room(total_bytes)?;
        self.part = Some(self.create_part(digest)?);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let part = self.part()?;
        (&part.file).write_all(bytes).map_err(|error| trouble(&part.path, &error))
    }

    fn keep(&mut self) -> Result<(), StoreError> {
        let part = self.part()?;
        part.file.sync_all().map_err(|error| trouble(&part.path, &error))?;
        std::fs::rename(&part.path, &part.target).map_err(|error| trouble(&part.target, &error))?;
        self.part = None;
        // The name, too, has to outlive a loss of power.
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(|error| trouble(&self.folder, &error))
    }

    fn discard(&mut self) {
        if let Some(part) = self.part.take() {
            // What cannot be taken away now is swept away by the next agent.
            let _ = std::fs::remove_file(&part.path);
        }
    }

    fn remove(&mut self, digest: &Digest) -> Result<(), StoreError> {
        let path = self.path(digest);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(trouble(&path, &error)),
            _ => Ok(()),
        }
    }
}

impl Drop for FolderStore {
    fn drop(&mut self) {
        self.discard();
    }
}

struct OnDisk {
    file: File,
    path: PathBuf,
    length: u64,
}

impl StoredFile for OnDisk {
    fn len_bytes(&self) -> u64 {
        self.length
    }

    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> Result<(), StoreError> {
        self.file.read_exact_at(into, offset).map_err(|error| trouble(&self.path, &error))
    }
}

/// Takes away parts that nobody is writing.
fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_part = path.extension().is_some_and(|extension| extension == PART);
        if !is_part || !entry.file_type()?.is_file() {
            continue;
        }
        // Another sweeper may be faster: then there is nothing to do.
        let Ok(file) = File::open(&path) else { continue };
        match file.try_lock() {
            Ok(()) => drop(std::fs::remove_file(&path)),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
    Ok(())
}

/// Whether `path` still names `file`.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(held), Ok(named)) => identity(held) == identity(named),
        _ => false,
    }
}

fn hex(digest: &Digest) -> String {
    digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn trouble(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError(format!("{}: {error}", path.display()))
}
