use proptest::prelude::*;

use super::*;

fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let cache = Cache::open(&folder.path().join("deep/cache")).expect("opened");
    (folder, cache)
}

/// Files that are being written.
fn parts(cache: &Cache) -> usize {
    fs::read_dir(cache.parts()).expect("there").count()
}

fn make(cache: &Cache, key: &Key, bytes: &[u8]) -> Made<u32> {
    let build = |writer: &mut ObjectWriter| {
        writer.write_all(bytes).map_err(ArtifactError::io("write", Path::new("x")))?;
        Ok::<u32, ArtifactError>(7)
    };
    cache.make(key, build).expect("made")
}

#[test]
fn bytes_are_found_under_their_sum() {
    let (_folder, cache) = cache();
    let stored = cache.put(b"bytes").expect("stored");
    assert_eq!(stored.digest, Digest::of(b"bytes"));
    assert_eq!(fs::read(&stored.path).expect("readable"), b"bytes");
    assert_eq!(cache.get(&stored.digest).expect("readable"), Some(stored.clone()));
    assert_eq!(cache.put(b"bytes").expect("stored"), stored);
    assert_eq!(cache.get(&Digest::of(b"other")).expect("readable"), None);
    assert_eq!(parts(&cache), 0);
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let (_folder, cache) = cache();
    let mut writer = cache.writer().expect("a file");
    writer.write_all(b"half").expect("written");
    assert_eq!(parts(&cache), 1);
    drop(writer);
    assert_eq!(parts(&cache), 0);
    let key = Key::new("k");
    let failed: Result<Made<u32>, ArtifactError> = cache.make(&key, |writer| {
        writer.write_all(b"half").expect("written");
        Err(ArtifactError::NoCacheFolder)
    });
    assert!(failed.is_err());
    assert_eq!((parts(&cache), cache.made::<u32>(&key).expect("readable")), (0, None));
}

#[test]
fn a_thing_is_made_once() {
    let (_folder, cache) = cache();
    let key = Key::new("k").part("a");
    let first = make(&cache, &key, b"bytes");
    assert!(!first.reused);
    let again = make(&cache, &key, b"not called");
    assert_eq!((again.reused, again.note, &again.object), (true, 7, &first.object));
    let other = make(&cache, &Key::new("k").part("b"), b"other");
    assert!(!other.reused);
}

#[test]
fn a_damaged_object_is_made_again() {
    let (_folder, cache) = cache();
    let key = Key::new("k");
    let made = make(&cache, &key, b"bytes");
    for damage in [b"bytez".as_slice(), b"", b"bytes and more"] {
        fs::write(&made.object.path, damage).expect("damaged");
        assert_eq!(cache.get(&made.object.digest).expect("readable"), None);
        assert!(!made.object.path.exists());
        let again = make(&cache, &key, b"bytes");
        assert_eq!((again.reused, &again.object), (false, &made.object));
    }
    fs::remove_file(&made.object.path).expect("removed");
    assert!(!make(&cache, &key, b"bytes").reused);
}

#[test]
fn a_damaged_entry_is_made_again() {
    let (_folder, cache) = cache();
    let key = Key::new("k");
    make(&cache, &key, b"bytes");
    let path = cache.made_path(&key);
    let whole = fs::read(&path).expect("readable");
    for position in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 1;
        fs::write(&path, &damaged).expect("written");
        assert_eq!(cache.made::<u32>(&key).expect("readable"), None, "byte {position}");
        fs::write(&path, &whole[..position]).expect("written");
        assert_eq!(cache.made::<u32>(&key).expect("readable"), None, "cut at {position}");
    }
    fs::write(&path, &whole).expect("written");
    assert!(cache.made::<u32>(&key).expect("readable").is_some());
    assert_eq!(cache.made::<String>(&key).expect("readable"), None, "a note of another type");
}

#[test]
fn keys_keep_their_parts_apart() {
    let digest = |parts: &[&str]| parts.iter().fold(Key::new("k"), |key, part| key.part(part)).digest();
    assert_eq!(digest(&["ab", "c"]), digest(&["ab", "c"]));
    let all = [digest(&[]), digest(&[""]), digest(&["ab", "c"]), digest(&["a", "bc"]), digest(&["c", "ab"])];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[..index].contains(one), "{index}");
    }
}

#[test]
fn old_parts_are_swept_and_young_ones_are_not() {
    let (_folder, cache) = cache();
    let [old, young] = ["old", "young"].map(|name| cache.parts().join(name));
    for path in [&old, &young] {
        fs::write(path, b"x").expect("written");
    }
    let long_ago = SystemTime::now() - PART_AGE - Duration::from_secs(60);
    File::options().write(true).open(&old).and_then(|file| file.set_modified(long_ago)).expect("aged");
    Cache::open(cache.root()).expect("opened");
    assert_eq!((old.exists(), young.exists()), (false, true));
}

#[test]
fn the_folder_is_the_first_that_is_named() {
    let with = |variables: &[(&str, &str)], flag: Option<&str>| {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value))
        };
        choose_folder(flag.map(Path::new), variable).map(|path| path.display().to_string()).ok()
    };
    let all = [("EDGEBENCH_CACHE", "/e"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
    assert_eq!(with(&all, Some("f")).as_deref(), Some("f"));
    assert_eq!(with(&all, None).as_deref(), Some("/e"));
    assert_eq!(with(&all[1..], None).as_deref(), Some("/x/edgebench"));
    assert_eq!(
        with(&[("XDG_CACHE_HOME", "x"), ("HOME", "/h")], None).as_deref(),
        Some("/h/.cache/edgebench")
    );
    assert_eq!(with(&[], None), None);
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, b"").expect("written");
    let error = Cache::open(&file.join("cache")).expect_err("not a folder");
    assert!(error.to_string().starts_with("cannot create "), "{error}");
}

/// Two processes that make the same thing at once: both succeed and the result is whole.
#[test]
fn writers_do_not_disturb_each_other() {
    let (_folder, cache) = cache();
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(1 << 20).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| make(&cache, &Key::new("k"), &bytes));
        }
    });
    let (object, _) = cache.made::<u32>(&Key::new("k")).expect("readable").expect("made");
    assert_eq!(object.digest, Digest::of(&bytes));
    assert_eq!(parts(&cache), 0);
}

proptest! {
    #[test]
    fn any_bytes_in_an_entry_are_an_entry_or_none(bytes: Vec<u8>) {
        prop_assert!(parse_entry::<u32>(&bytes).is_none());
    }
}
