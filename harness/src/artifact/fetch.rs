//! How a file that a suite names comes into the cache: from its path, or by its SHA-256 from the cache, a mirror
//! folder or an address, in this order. Bytes are summed while they are copied and used only if the sum is right.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::Digest as _;

use super::{ArtifactError, Cache, Key, Object, Sha256, Source};

/// Most bytes of one file, unless [`Fetcher::limit_bytes`] says otherwise: models and data sets for edge devices.
const DEFAULT_LIMIT_BYTES: u64 = 4 << 30;

/// Bytes moved at a time; progress is told after each.
const PIECE_BYTES: usize = 1 << 18;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest silence of a server before it answers.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest download: the largest file at a slow line's 1 MB/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(4096);

/// How far a copy or a download has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress<'p> {
    /// Path, mirror name or address.
    pub name: &'p str,
    /// Bytes so far.
    pub done_bytes: u64,
    /// All bytes, where that is known.
    pub total_bytes: Option<u64>,
}

/// Brings files into a cache.
#[derive(Clone, Debug)]
pub struct Fetcher {
    cache: Cache,
    mirrors: Vec<PathBuf>,
    limit_bytes: u64,
    offline: bool,
}

/// The folders named by `--mirror`, then those in `EDGEBENCH_MIRROR` (separated like `PATH`), each once.
pub fn mirror_folders(flags: &[PathBuf]) -> Vec<PathBuf> {
    let variable = std::env::var_os("EDGEBENCH_MIRROR").unwrap_or_default();
    let named = std::env::split_paths(&variable).filter(|folder| !folder.as_os_str().is_empty());
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in flags.iter().cloned().chain(named) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

impl Fetcher {
    /// Into this cache, looking into these mirror folders.
    pub fn new(cache: Cache, mirrors: Vec<PathBuf>) -> Self {
        Self { cache, mirrors, limit_bytes: DEFAULT_LIMIT_BYTES, offline: false }
    }

    /// With another limit on the length of a file.
    #[must_use]
    pub fn limit_bytes(mut self, limit_bytes: u64) -> Self {
        self.limit_bytes = limit_bytes;
        self
    }

    /// Without downloads.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The cache that files come into.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The file of this source, in the cache. Relative paths start at `base`, the suite's folder.
    ///
    /// # Errors
    /// When it is nowhere, is too long, has another SHA-256 than the one named, or cannot be stored.
    pub fn fetch(
        &self,
        source: &Source,
        base: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Object, ArtifactError> {
        match source {
            Source::Path { path, sha256 } => {
                let path = base.join(path);
                self.import(&path, *sha256, progress)?.ok_or(ArtifactError::NoFile { path })
            }
            Source::Pinned { url, mirror, sha256 } => {
                if let Some((object, ())) = self.cache.made(&key(sha256))? {
                    return Ok(object);
                }
                let mut search = Search { fetcher: self, sha256, wrong: None, looked: Vec::new() };
                search
                    .run(url.as_deref(), mirror.as_deref(), progress)?
                    .map_or_else(|| Err(search.failed(source.name(), url.clone())), Ok)
            }
        }
    }

    /// A file of this machine; none when there is no such file.
    fn import(
        &self,
        path: &Path,
        sha256: Option<Sha256>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Object>, ArtifactError> {
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(ArtifactError::unreadable(path))?,
        };
        if !metadata.is_file() {
            return Err(ArtifactError::NotAFile { path: path.to_owned() });
        }
        let file = File::open(path).map_err(ArtifactError::unreadable(path))?;
        let place = path.display().to_string();
        let total = Some(metadata.len());
        self.store(file, Incoming { place: &place, total, sha256, reading: path }, progress).map(Some)
    }

    /// Copies bytes into the cache, if they are what they should be.
    fn store(
        &self,
        mut reader: impl Read,
        incoming: Incoming<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Object, ArtifactError> {
        let place = incoming.place;
        let too_long = || ArtifactError::TooLong { place: place.to_owned(), limit_bytes: self.limit_bytes };
        if incoming.total.is_some_and(|total| total > self.limit_bytes) {
            return Err(too_long());
        }
        let mut writer = self.cache.writer()?;
        let mut hasher = sha2::Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = reader.read(&mut piece).map_err(ArtifactError::unreadable(incoming.reading))?;
            let bytes = piece.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            if writer.bytes() + bytes.len() as u64 > self.limit_bytes {
                return Err(too_long());
            }
            hasher.update(bytes);
            let part = writer.path().to_owned();
            writer.write_all(bytes).map_err(ArtifactError::io("write", &part))?;
            progress(Progress { name: place, done_bytes: writer.bytes(), total_bytes: incoming.total });
        }
        let found = Sha256::from(<[u8; 32]>::from(hasher.finalize()));
        match incoming.sha256 {
            Some(expected) if expected != found => {
                Err(ArtifactError::Mismatch { place: place.to_owned(), expected, found })
            }
            _ => {
                let object = writer.finish()?;
                let noted = self.cache.made::<()>(&key(&found))?;
                if noted.is_none_or(|(noted, ())| noted.digest != object.digest) {
                    self.cache.note(&key(&found), &object.digest, &())?;
                }
                Ok(object)
            }
        }
    }
}

/// Bytes on their way into the cache.
struct Incoming<'i> {
    place: &'i str,
    total: Option<u64>,
    sha256: Option<Sha256>,
    reading: &'i Path,
}

/// Where a file with this SHA-256 is noted in the cache.
fn key(sha256: &Sha256) -> Key {
    Key::new("sha256/1").part(sha256.bytes())
}

/// The search for one file by its sum.
struct Search<'s> {
    fetcher: &'s Fetcher,
    sha256: &'s Sha256,
    /// A file that should have been the right one by its name or address.
    wrong: Option<ArtifactError>,
    looked: Vec<String>,
}

impl Search<'_> {
    fn run(
        &mut self,
        url: Option<&str>,
        mirror: Option<&str>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Object>, ArtifactError> {
        self.looked.push("not in the cache".to_owned());
        if self.fetcher.mirrors.is_empty() {
            self.looked.push("no mirror folder is given".to_owned());
        }
        for folder in &self.fetcher.mirrors {
            let found = match mirror.map(|name| self.named(&folder.join(name), progress)) {
                Some(found) => found?,
                None => None,
            };
            let found = match found {
                Some(object) => Some(object),
                None => self.by_sum(folder, progress)?,
            };
            if found.is_some() {
                return Ok(found);
            }
            self.looked.push(format!("no file with this SHA-256 in {}", folder.display()));
        }
        match url {
            None => Ok(None),
            Some(_) if self.fetcher.offline => {
                self.looked.push("downloads are switched off".to_owned());
                Ok(None)
            }
            Some(url) => self.download(url, progress),
        }
    }

    /// A file that has the right name; one with a wrong sum is kept in mind while the search goes on.
    fn named(
        &mut self,
        path: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Object>, ArtifactError> {
        match self.fetcher.import(path, Some(*self.sha256), progress) {
            Err(wrong @ ArtifactError::Mismatch { .. }) => {
                self.wrong = Some(wrong);
                Ok(None)
            }
            Err(ArtifactError::NotAFile { .. }) => Ok(None),
            other => other,
        }
    }

    /// Any file of the folder that has the right sum, under whatever name.
    fn by_sum(
        &mut self,
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Object>, ArtifactError> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.looked.push(format!("cannot read {}: {error}", folder.display()));
                return Ok(None);
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.is_file()) {
            if sum_of_file(path, self.fetcher.limit_bytes).is_some_and(|sum| sum == *self.sha256) {
                return self.fetcher.import(path, Some(*self.sha256), progress);
            }
        }
        Ok(None)
    }

    fn download(
        &mut self,
        url: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Object>, ArtifactError> {
        let response = match agent().get(url).call() {
            Ok(response) => response,
            Err(error) => {
                self.looked.push(format!("cannot download {url}: {error}"));
                return Ok(None);
            }
        };
        let body = response.into_body();
        let (total, reader) = (body.content_length(), body.into_reader());
        let incoming = Incoming { place: url, total, sha256: Some(*self.sha256), reading: Path::new(url) };
        match self.fetcher.store(reader, incoming, progress) {
            Ok(object) => Ok(Some(object)),
            Err(ArtifactError::Unreadable { source, .. }) => {
                self.looked.push(format!("download of {url} broke off: {source}"));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// A wrong sum weighs more than an absent file.
    fn failed(self, name: String, url: Option<String>) -> ArtifactError {
        self.wrong.unwrap_or(ArtifactError::NotFound { name, looked: self.looked, url })
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(RESPONSE_TIMEOUT))
        .timeout_recv_body(Some(BODY_TIMEOUT))
        .max_redirects(MAX_REDIRECTS)
        .user_agent(concat!("edgebench/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Public file hosts need up to three.
const MAX_REDIRECTS: u32 = 10;

/// None when the file cannot be read or is too long to be the one.
fn sum_of_file(path: &Path, limit_bytes: u64) -> Option<Sha256> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() > limit_bytes {
        return None;
    }
    let mut hasher = sha2::Sha256::new();
    let mut reader = io::BufReader::with_capacity(PIECE_BYTES, file);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = reader.read(&mut piece).ok()?;
        let bytes = piece.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Some(Sha256::from(<[u8; 32]>::from(hasher.finalize())));
        }
        hasher.update(bytes);
    }
}

#[cfg(test)]
mod tests;
