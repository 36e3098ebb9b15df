//! Agents that lie, seen from the outside: what they do becomes a named failure of their cells, and nothing more. What
//! each single message may not say is tested where it is checked, in `session::believable`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::board::{bench, place};
use crate::place::{Ended, Place};

/// A run on this machine with an agent that is a script.
fn run_with(place: &Place, name: &str, script: &str) -> Ended {
    let agent = place.path().join(name);
    std::fs::write(&agent, format!("#!/bin/sh\n{script}\n")).expect("an agent");
    std::fs::set_permissions(&agent, PermissionsExt::from_mode(0o755)).expect("executable");
    let agent = agent.display().to_string();
    let arguments = ["run", "--suite", "small", "--variants", "fp32", "--agent", &agent];
    Ended::of(bench(place, &arguments).output().expect("bench starts"))
}

/// The real agent, made by a run without tricks.
fn honest() -> PathBuf {
    let place = place("[host]\ntransport = \"local\"\n");
    let ended = Ended::of(
        bench(&place, &["run", "--suite", "small", "--variants", "fp32", "--blocks", "1"])
            .output()
            .expect("bench starts"),
    );
    ended.expect_code(0);
    let agents = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache/agents");
    let mut found: Vec<PathBuf> = Vec::new();
    for version in std::fs::read_dir(agents).expect("agents").flatten() {
        for target in std::fs::read_dir(version.path()).expect("targets").flatten() {
            let host = target.file_name().to_string_lossy().starts_with(std::env::consts::ARCH);
            found.extend(Some(target.path().join("edgebench-agent")).filter(|path| host && path.is_file()));
        }
    }
    let age = |path: &PathBuf| path.metadata().and_then(|metadata| metadata.modified()).ok();
    found.into_iter().max_by_key(age).expect("an agent of this machine")
}

#[test]
fn agents_that_are_none_are_named() {
    for (name, script, words) in [
        ("silent", "sleep 1000", "did not answer for"),
        ("garbage", "head -c 100000 /dev/urandom; sleep 1000", "stream is damaged"),
        ("chatty", "echo hello; sleep 1000", "stream is damaged"),
        ("flood", "cat /dev/zero", "stream is damaged"),
        ("gone", "echo 'no such model' >&2; exit 7", "exited with code 7: no such model"),
        ("killed", "kill -SEGV $$", "killed by signal 11"),
    ] {
        let place = place("[host]\ntransport = \"local\"\n");
        let began = Instant::now();
        let ended = run_with(&place, name, script);
        ended.expect_code(4).expect_words(&[words, "cannot be used"]);
        assert!(began.elapsed() < Duration::from_secs(60), "{name} took {:?}", began.elapsed());
    }
}

/// The real agent behind a faulty line.
#[test]
fn faulty_lines_are_named() {
    let agent = honest().display().to_string();
    for (name, filter) in [
        ("truncated", "head -c 3000"),
        ("stalled", "(head -c 3000; sleep 1000)"),
        ("dropped", "(head -c 3000; head -c 50 > /dev/null; cat)"),
        ("duplicated", "tee /dev/fd/1"),
        ("changed", "tr '\\000' '\\001'"),
    ] {
        let place = place("[host]\ntransport = \"local\"\n");
        let began = Instant::now();
        let ended = run_with(&place, name, &format!("{agent} \"$@\" | {filter}"));
        ended.expect_code(4);
        let named = ["went away", "did not answer", "stream is damaged", "answered", "is not believed"];
        assert!(named.iter().any(|words| ended.stderr.contains(words)), "{name}:\n{}", ended.stderr);
        assert!(began.elapsed() < Duration::from_secs(120), "{name} took {:?}", began.elapsed());
    }
}

/// A slow line costs time and nothing else.
#[test]
fn a_slow_line_is_only_slow() {
    let agent = honest().display().to_string();
    let place = place("[host]\ntransport = \"local\"\n");
    let ended = run_with(&place, "slow", &format!("{agent} \"$@\" | (sleep 2; cat)"));
    ended.expect_code(0);
}
