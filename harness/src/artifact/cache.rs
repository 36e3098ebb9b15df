//! The store: objects named by their BLAKE3, and a table from what a thing is made of to what it became.
//!
//! ```text
//! objects/ab/abcd...   the bytes; the name is their BLAKE3
//! made/ab/abcd...      one line: checksum, then JSON with the object and a note of its maker; the name is the key
//! parts/               what is being written; moved when whole, removed when given up
//! ```
//! Nothing is trusted because it lies there: an object is hashed again before it is handed out, and whatever does not
//! match is removed and made anew. Processes may share a cache: files appear whole, by renaming.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ArtifactError, Digest};

/// First word of an entry of the table; the digit is the version of its format.
const MARK: &str = "EBM1";

/// Longest entry of the table that is read: notes list examples, four bytes or so each in millions.
const MAX_ENTRY_BYTES: u64 = 256 << 20;

/// Parts older than this belong to a process that was killed.
const PART_AGE: Duration = Duration::from_secs(24 * 3600);

/// A cache in a folder.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// Bytes in the cache, verified when they were handed out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// BLAKE3 of the bytes.
    pub digest: Digest,
    /// Where they are. Not to be written to.
    pub path: PathBuf,
    /// How many they are.
    pub bytes: u64,
}

/// What [`Cache::make`] gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made<N> {
    /// The bytes.
    pub object: Object,
    /// What the maker noted about them.
    pub note: N,
    /// Whether they were there already.
    pub reused: bool,
}

/// What a thing is made of: its kind and everything that decides its bytes. The same parts in the same order give the
/// same key; parts are kept apart, so "ab" "c" differs from "a" "bc".
#[derive(Clone, Debug)]
pub struct Key(blake3::Hasher);

impl Key {
    /// Starts with the kind of thing, which should carry the version of its maker, such as `tensor-pack/1`.
    pub fn new(kind: &str) -> Self {
        Self(blake3::Hasher::new()).part(kind)
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    fn digest(&self) -> Digest {
        Digest::from(*self.0.finalize().as_bytes())
    }
}

/// A line of the table.
#[derive(Serialize, Deserialize)]
struct Entry<N> {
    object: Digest,
    note: N,
}

impl Cache {
    /// The folder to use: `flag` (`--cache-dir`), `EDGEBENCH_CACHE`, `edgebench` in `XDG_CACHE_HOME`, or
    /// `.cache/edgebench` in `HOME`, whichever is first. Values that are empty count as absent, and an
    /// `XDG_CACHE_HOME` that is not absolute as well (XDG Base Directory Specification 0.8).
    ///
    /// # Errors
    /// When there is none of them.
    pub fn folder(flag: Option<&Path>) -> Result<PathBuf, ArtifactError> {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        choose_folder(flag, variable)
    }

    /// Opens the cache in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(root: &Path) -> Result<Self, ArtifactError> {
        let cache = Self { root: root.to_owned() };
        for folder in [cache.root.join("objects"), cache.root.join("made"), cache.parts()] {
            fs::create_dir_all(&folder).map_err(ArtifactError::io("create", &folder))?;
        }
        cache.sweep();
        Ok(cache)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The object with this sum, if it is there and whole. A damaged one is removed.
    ///
    /// # Errors
    /// When it is there and cannot be read or removed.
    pub fn get(&self, digest: &Digest) -> Result<Option<Object>, ArtifactError> {
        let path = self.object_path(digest);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(ArtifactError::io("open", &path))?,
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&file).map_err(ArtifactError::io("read", &path))?;
        if hasher.finalize().as_bytes() != digest.bytes() {
            fs::remove_file(&path).map_err(ArtifactError::io("remove the damaged", &path))?;
            return Ok(None);
        }
        Ok(Some(Object { digest: *digest, path, bytes: hasher.count() }))
    }

    /// Where the object with this sum lies if it is there. Nothing is checked: for readers that need no certainty.
    pub fn place(&self, digest: &Digest) -> PathBuf {
        self.object_path(digest)
    }

    /// Stores these bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<Object, ArtifactError> {
        let mut writer = self.writer()?;
        writer.write_all(bytes).map_err(ArtifactError::io("write", &self.root))?;
        writer.finish()
    }

    /// Starts an object whose bytes come piece by piece.
    ///
    /// # Errors
    /// When no file can be made.
    pub fn writer(&self) -> Result<ObjectWriter, ArtifactError> {
        let path = self.parts().join(part_name());
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(ArtifactError::io("create", &path))?;
        let (file, hasher) = (Some(BufWriter::with_capacity(1 << 16, file)), blake3::Hasher::new());
        Ok(ObjectWriter { cache: self.clone(), part: path, file, hasher })
    }

    /// What was made of these parts before, with its maker's note, if it is there and whole.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn made<N: DeserializeOwned>(&self, key: &Key) -> Result<Option<(Object, N)>, ArtifactError> {
        let path = self.made_path(key);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(ArtifactError::io("open", &path))?,
        };
        let mut line = Vec::new();
        file.take(MAX_ENTRY_BYTES).read_to_end(&mut line).map_err(ArtifactError::io("read", &path))?;
        // An entry that is damaged or of another version is as good as none: it is made again and replaced.
        let Some(entry) = parse_entry::<N>(&line) else { return Ok(None) };
        Ok(self.get(&entry.object)?.map(|object| (object, entry.note)))
    }

    /// Notes what these parts have become.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note<N: Serialize>(&self, key: &Key, object: &Digest, note: &N) -> Result<(), ArtifactError> {
        let path = self.made_path(key);
        let json = serde_json::to_string(&Entry { object: *object, note });
        let json = json.map_err(|error| ArtifactError::io("describe", &path)(error.into()))?;
        let line = format!("{MARK} {} {json}\n", Digest::of(json.as_bytes()));
        let part = self.parts().join(part_name());
        let written = write_whole(&part, line.as_bytes()).map_err(ArtifactError::io("write", &part));
        written.and_then(|()| publish(&part, &path)).inspect_err(|_| drop(fs::remove_file(&part)))
    }

    /// What these parts become: from the cache, or by `build`, which writes the bytes and gives a note about them.
    ///
    /// # Errors
    /// Those of `build`, and when the cache cannot be read or written.
    pub fn make<N, E>(
        &self,
        key: &Key,
        build: impl FnOnce(&mut ObjectWriter) -> Result<N, E>,
    ) -> Result<Made<N>, E>
    where
        N: Serialize + DeserializeOwned,
        E: From<ArtifactError>,
    {
        if let Some((object, note)) = self.made(key)? {
            return Ok(Made { object, note, reused: true });
        }
        let mut writer = self.writer()?;
        let note = build(&mut writer)?;
        let object = writer.finish()?;
        self.note(key, &object.digest, &note)?;
        Ok(Made { object, note, reused: false })
    }

    fn parts(&self) -> PathBuf {
        self.root.join("parts")
    }

    fn object_path(&self, digest: &Digest) -> PathBuf {
        by_prefix(&self.root.join("objects"), digest)
    }

    fn made_path(&self, key: &Key) -> PathBuf {
        by_prefix(&self.root.join("made"), &key.digest())
    }

    /// Removes what killed processes left behind. A part that cannot be removed costs space, nothing else.
    fn sweep(&self) {
        for entry in fs::read_dir(self.parts()).into_iter().flatten().flatten() {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
            if age.is_some_and(|age| age > PART_AGE) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// An object being written. Dropped before [`ObjectWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct ObjectWriter {
    cache: Cache,
    part: PathBuf,
    file: Option<BufWriter<File>>,
    hasher: blake3::Hasher,
}

impl ObjectWriter {
    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.hasher.count()
    }

    /// The file being written, for messages.
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// Makes the bytes an object of the cache: on disk for good before it is seen under its name.
    ///
    /// # Errors
    /// When the last bytes cannot be written or the file cannot be moved.
    pub fn finish(mut self) -> Result<Object, ArtifactError> {
        let digest = Digest::from(*self.hasher.finalize().as_bytes());
        let bytes = self.hasher.count();
        // What is there already, and whole, stays: writing it to the disk again would cost more than reading it.
        if let Some(object) = self.cache.get(&digest)? {
            return Ok(object);
        }
        let path = self.cache.object_path(&digest);
        if let Some(file) = self.file.take() {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error);
            file.and_then(|file| file.sync_all()).map_err(ArtifactError::io("write", &self.part))?;
        }
        publish(&self.part, &path)?;
        Ok(Object { digest, path, bytes })
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Ok(0) };
        let written = file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for ObjectWriter {
    /// After `finish` the part has another name and there is nothing to remove.
    fn drop(&mut self) {
        self.file = None;
        let _ = fs::remove_file(&self.part);
    }
}

fn choose_folder(
    flag: Option<&Path>,
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> Result<PathBuf, ArtifactError> {
    let xdg = || variable("XDG_CACHE_HOME").filter(|folder| folder.is_absolute());
    flag.map(Path::to_owned)
        .or_else(|| variable("EDGEBENCH_CACHE"))
        .or_else(|| xdg().map(|folder| folder.join("edgebench")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache").join("edgebench")))
        .ok_or(ArtifactError::NoCacheFolder)
}

/// 256 folders, so that none grows beyond what file systems list quickly.
fn by_prefix(folder: &Path, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    let prefix: String = hex.chars().take(2).collect();
    folder.join(prefix).join(hex)
}

fn part_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    format!("{}-{nanos:x}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Gives a whole part its name, and has the folder written too, so that the name survives a crash.
fn publish(part: &Path, path: &Path) -> Result<(), ArtifactError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(ArtifactError::io("create", folder))?;
    fs::rename(part, path).map_err(ArtifactError::io("write", path))?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(ArtifactError::io("write", folder))
}

fn parse_entry<N: DeserializeOwned>(line: &[u8]) -> Option<Entry<N>> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, json) = text.strip_prefix(MARK)?.strip_prefix(' ')?.split_once(' ')?;
    if sum.parse() != Ok(Digest::of(json.as_bytes())) {
        return None;
    }
    serde_json::from_str(json).ok()
}

#[cfg(test)]
mod tests;
