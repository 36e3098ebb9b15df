use std::io::BufRead;
use std::net::TcpListener;
use std::thread::JoinHandle;

use super::*;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("temporary folder") };
        fs::create_dir(place.mirror()).expect("made");
        place
    }

    fn mirror(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    }

    fn fetcher(&self) -> Fetcher {
        let cache = Cache::open(&self.folder.path().join("cache")).expect("opened");
        Fetcher::new(cache, vec![PathBuf::from("/nowhere"), self.mirror()])
    }

    fn fetch(&self, source: &Source) -> Result<Object, ArtifactError> {
        self.fetcher().fetch(source, self.folder.path(), &mut |_| ())
    }
}

fn by_path(path: &str, sha256: Option<Sha256>) -> Source {
    Source::Path { path: path.into(), sha256 }
}

fn pinned(url: Option<&str>, mirror: Option<&str>, bytes: &[u8]) -> Source {
    let [url, mirror] = [url, mirror].map(|text| text.map(str::to_owned));
    Source::Pinned { url, mirror, sha256: Sha256::of(bytes) }
}

/// A server that gives each of these answers once.
fn serve(answers: Vec<Vec<u8>>) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/model.tflite", listener.local_addr().expect("an address"));
    let thread = std::thread::spawn(move || {
        let mut served = 0;
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a client");
            let reader = io::BufReader::new(stream.try_clone().expect("a reader"));
            for line in reader.lines() {
                if line.expect("a request").is_empty() {
                    break;
                }
            }
            // A client that has read enough hangs up, which is its right.
            let _ = stream.write_all(&answer);
            served += 1;
        }
        served
    });
    (url, thread)
}

fn answer(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn a_path_starts_at_the_suite() {
    let place = Place::new();
    place.write("model", b"bytes");
    let object = place.fetch(&by_path("model", None)).expect("found");
    assert_eq!((object.digest, object.bytes), (super::super::Digest::of(b"bytes"), 5));
    assert!(place.fetch(&by_path("model", Some(Sha256::of(b"bytes")))).is_ok());
    let error = place.fetch(&by_path("absent", None)).expect_err("absent");
    assert!(matches!(&error, ArtifactError::NoFile { path } if path.ends_with("absent")), "{error}");
    let error = place.fetch(&by_path("mirror", None)).expect_err("a folder");
    assert!(matches!(error, ArtifactError::NotAFile { .. }), "{error}");
}

#[test]
fn a_changed_file_is_refused() {
    let place = Place::new();
    place.write("model", b"changed");
    let error = place.fetch(&by_path("model", Some(Sha256::of(b"bytes")))).expect_err("refused");
    let ArtifactError::Mismatch { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!((*expected, *found), (Sha256::of(b"bytes"), Sha256::of(b"changed")));
    let exit = crate::error::BenchError::from(error).exit_code();
    assert_eq!(exit, crate::error::ExitCode::Refused);
}

#[test]
fn a_mirror_has_it_by_name_or_by_sum() {
    let place = Place::new();
    place.write("mirror/model", b"bytes");
    assert!(place.fetch(&pinned(None, Some("model"), b"bytes")).is_ok());
    place.write("mirror/other-name", b"second");
    assert!(place.fetch(&pinned(None, Some("third"), b"second")).is_ok());
    place.write("mirror/yet-another", b"fourth");
    assert!(place.fetch(&pinned(None, None, b"fourth")).is_ok());
}

#[test]
fn the_cache_comes_before_the_mirror() {
    let place = Place::new();
    let path = place.write("mirror/model", b"bytes");
    let source = pinned(None, Some("model"), b"bytes");
    let object = place.fetch(&source).expect("found");
    fs::remove_file(path).expect("removed");
    assert_eq!(place.fetch(&source).expect("in the cache"), object);
    fs::write(&object.path, b"damaged").expect("damaged");
    let error = place.fetch(&source).expect_err("nowhere any more");
    assert!(matches!(error, ArtifactError::NotFound { .. }), "{error}");
}

#[test]
fn a_wrong_file_of_the_right_name_is_told_unless_the_right_one_is_found() {
    let place = Place::new();
    place.write("mirror/model", b"changed");
    let source = pinned(None, Some("model"), b"bytes");
    let error = place.fetch(&source).expect_err("refused");
    assert!(matches!(error, ArtifactError::Mismatch { .. }), "{error}");
    place.write("mirror/model-2", b"bytes");
    assert!(place.fetch(&source).is_ok());
}

#[test]
fn a_file_that_is_nowhere_is_told_with_where_was_looked() {
    let place = Place::new();
    let error = place.fetch(&pinned(None, Some("model"), b"bytes")).expect_err("nowhere");
    let ArtifactError::NotFound { name, looked, url } = error else { panic!("{error}") };
    assert_eq!((name.as_str(), url), ("model", None));
    assert_eq!(looked.len(), 4, "{looked:?}");
    assert!(looked[1].starts_with("cannot read /nowhere: "), "{looked:?}");
    assert!(looked[3].starts_with("no file with this SHA-256 in "), "{looked:?}");
}

#[test]
fn a_download_is_used_if_its_sum_is_right() {
    let place = Place::new();
    let body = vec![7; 1 << 20];
    let (url, server) = serve(vec![answer("200 OK", body.len(), &body)]);
    let mut seen = Vec::new();
    let source = pinned(Some(&url), None, &body);
    let mut progress = |progress: Progress<'_>| seen.push((progress.done_bytes, progress.total_bytes));
    let fetched = place.fetcher().fetch(&source, Path::new(""), &mut progress);
    assert_eq!(fetched.expect("downloaded").bytes, 1 << 20);
    assert_eq!(seen.last(), Some(&(1 << 20, Some(1 << 20))));
    assert!(seen.is_sorted() && seen.len() > 1, "{seen:?}");
    assert_eq!(server.join().expect("served"), 1);
    // The second time it is in the cache, and the server is gone.
    assert!(place.fetch(&source).is_ok());
}

#[test]
fn a_download_with_a_wrong_sum_is_refused_and_not_kept() {
    let place = Place::new();
    let (url, server) = serve(vec![answer("200 OK", 5, b"other")]);
    let error = place.fetch(&pinned(Some(&url), None, b"bytes")).expect_err("refused");
    assert!(matches!(&error, ArtifactError::Mismatch { place, .. } if *place == url), "{error}");
    server.join().expect("served");
    let cache = place.fetcher().cache().clone();
    assert_eq!(cache.get(&super::super::Digest::of(b"other")).expect("readable"), None);
}

#[test]
fn a_download_that_fails_says_why() {
    let place = Place::new();
    let looked = |url: &str| {
        let error = place.fetch(&pinned(Some(url), None, b"bytes")).expect_err("nowhere");
        let ArtifactError::NotFound { looked, url: Some(_), .. } = error else { panic!("{error}") };
        looked.last().cloned().unwrap_or_default()
    };
    let (url, server) = serve(vec![answer("404 Not Found", 0, b"")]);
    assert!(looked(&url).contains("404"), "{}", looked(&url));
    server.join().expect("served");
    let (url, server) = serve(vec![answer("200 OK", 100, b"cut off")]);
    let told = looked(&url);
    assert!(told.starts_with("download of http://127.0.0.1:") && told.contains("broke off"), "{told}");
    server.join().expect("served");
}

#[test]
fn a_download_of_any_length_ends_at_the_limit() {
    let place = Place::new();
    let body = vec![0; 1 << 20];
    let endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    let (url, server) =
        serve(vec![answer("200 OK", body.len(), &body), [endless.as_slice(), &body].concat()]);
    for _ in 0..2 {
        let fetcher = place.fetcher().limit_bytes(1000);
        let source = pinned(Some(&url), None, &body);
        let error = fetcher.fetch(&source, Path::new(""), &mut |_| ()).expect_err("too long");
        assert!(matches!(error, ArtifactError::TooLong { limit_bytes: 1000, .. }), "{error}");
    }
    assert_eq!(server.join().expect("served"), 2);
}

#[test]
fn nothing_is_downloaded_offline() {
    let place = Place::new();
    let source = pinned(Some("http://127.0.0.1:9/model"), None, b"bytes");
    let error =
        place.fetcher().offline(true).fetch(&source, Path::new(""), &mut |_| ()).expect_err("offline");
    let ArtifactError::NotFound { looked, .. } = error else { panic!("{error}") };
    assert_eq!(looked.last().map(String::as_str), Some("downloads are switched off"));
}
