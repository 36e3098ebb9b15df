//! A cache on a disk that is full: a real one, a tmpfs of 64 KiB in a mount namespace of its own.
#![forbid(unsafe_code)]

use std::io::Write;
use std::path::Path;
use std::process::Command;

use edgebench_harness::artifact::{ArtifactError, Cache, Key, Made, ObjectWriter};
use edgebench_harness::error::{BenchError, ExitCode};

/// Set for the process inside the namespace: where the tmpfs is mounted.
const INSIDE: &str = "EDGEBENCH_TEST_FULL_DISK";

#[test]
fn a_full_disk_is_told_and_leaves_nothing_behind() {
    if let Some(disk) = std::env::var_os(INSIDE) {
        return fill(Path::new(&disk));
    }
    let disk = tempfile::tempdir().expect("temporary folder");
    let test = std::env::current_exe().expect("this program");
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script]).arg(&test);
        command.env(INSIDE, disk.path()).output()
    };
    let mount = format!("mount -t tmpfs -o size=64k tmpfs \"${INSIDE}\"");
    if !run(&mount).is_ok_and(|output| output.status.success()) {
        println!("skipped a_full_disk_is_told: no mount namespace may be made here");
        return;
    }
    let inside = run(&format!("{mount} && exec \"$0\" a_full_disk_is_told --nocapture")).expect("started");
    let said = String::from_utf8_lossy(&inside.stdout);
    assert!(inside.status.success() && said.contains("1 passed"), "{said}");
}

/// What runs inside the namespace.
fn fill(disk: &Path) {
    let cache = Cache::open(&disk.join("cache")).expect("opened");
    let small = cache.put(b"fits").expect("stored");
    let key = Key::new("large");
    let build = |writer: &mut ObjectWriter| {
        let path = writer.path().to_owned();
        let written = writer.write_all(&vec![7; 1 << 20]);
        written.map_err(|source| ArtifactError::Io { action: "write", path, source })
    };
    let made: Result<Made<()>, ArtifactError> = cache.make(&key, build);
    let error = BenchError::from(made.expect_err("1 MiB does not fit"));
    assert_eq!(error.exit_code(), ExitCode::Internal);
    let shown = error.render(false);
    assert!(shown.contains("because: No space left on device"), "{shown}");
    assert!(shown.contains("help: free some space, or choose another folder with --cache-dir"), "{shown}");
    assert_eq!(std::fs::read_dir(cache.root().join("parts")).expect("there").count(), 0);
    assert_eq!(cache.get(&small.digest).expect("readable"), Some(small));
    assert!(cache.made::<()>(&key).expect("readable").is_none());
    assert!(cache.put(b"fits again").is_ok());
}
