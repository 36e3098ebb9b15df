//! The folder of files: whole or not there, whatever happens, and shared.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use edgebench_wire::{FailureKind, Reply, Request};

use crate::controller::{Agent, digest};

const CONTENT: &[u8] = b"the quick brown fox jumps over the lazy dog";

/// Names of everything in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("readable");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn hex(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

#[test]
fn a_file_is_named_by_its_hash_and_nothing_else_is_left() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let folder = store.path().join("made/by the agent");
    let mut agent = Agent::greeted(&folder);
    agent.put(CONTENT);
    assert_eq!(names(&folder), [hex(CONTENT)]);
    assert_eq!(std::fs::read(folder.join(hex(CONTENT))).expect("readable"), CONTENT);
}

#[test]
fn content_with_another_hash_leaves_nothing() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::greeted(store.path());
    let wrong = Request::Put { digest: digest(b"other"), total_bytes: 3, offset: 0, chunk: b"abc".to_vec() };
    let Reply::Failed(failure) = agent.ask(&wrong) else { panic!("refused") };
    assert_eq!(failure.kind, FailureKind::Digest);
    assert!(names(store.path()).is_empty());
}

#[test]
fn two_agents_may_receive_the_same_file_at_once() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let (mut one, mut other) = (Agent::greeted(store.path()), Agent::greeted(store.path()));
    one.put_half(CONTENT);
    other.put_half(CONTENT);
    assert_eq!(names(store.path()).len(), 2, "two parts");
    let complete = Reply::Stored { received_bytes: CONTENT.len() as u64, complete: true };
    assert_eq!(one.put(CONTENT), complete);
    assert_eq!(other.put(CONTENT), complete);
    assert_eq!(names(store.path()), [hex(CONTENT)]);
}

#[test]
fn a_part_of_a_killed_agent_is_swept_away_and_one_being_written_is_not() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut writing = Agent::greeted(store.path());
    writing.put_half(CONTENT);
    let mut killed = Agent::greeted(store.path());
    killed.put_half(CONTENT);
    killed.kill();
    killed.ended();
    assert_eq!(names(store.path()).len(), 2, "what was killed could not clear up");
    let _sweeper = Agent::greeted(store.path());
    assert_eq!(names(store.path()).len(), 1, "the part that is being written");
    let complete = Reply::Stored { received_bytes: CONTENT.len() as u64, complete: true };
    assert_eq!(writing.put(CONTENT), complete);
}

#[test]
fn an_agent_killed_at_any_moment_of_an_upload_leaves_a_whole_file_or_none() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let content: Vec<u8> =
        (0..1_000_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let name = store.path().join(hex(&content));
    for round in 0..24 {
        let mut agent = Agent::greeted(store.path());
        let received_bytes = agent.put_unheard(&content, 1 + round % 4);
        // From 50 us to 100 ms: before, while and after the file is stored, on slow machines and fast ones.
        std::thread::sleep(Duration::from_micros(50 << (round / 2)));
        agent.kill();
        agent.ended();
        match std::fs::read(&name) {
            Ok(found) => {
                assert!(found == content, "round {round}: {} bytes of {}", found.len(), content.len());
                assert_eq!(received_bytes, content.len(), "round {round}: there before it was sent");
                std::fs::remove_file(&name).expect("ours");
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
        }
    }
    let mut next = Agent::greeted(store.path());
    assert!(names(store.path()).is_empty(), "parts are swept away");
    assert_eq!(next.put(&content), Reply::Stored { received_bytes: content.len() as u64, complete: true });
}

#[test]
fn an_upload_that_the_controller_leaves_is_cleared_up() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::greeted(store.path());
    agent.put_half(CONTENT);
    agent.close_input();
    assert!(agent.ended().status.success());
    assert!(names(store.path()).is_empty());
}

#[test]
fn a_file_larger_than_the_free_space_is_refused_before_it_is_sent() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::greeted(store.path());
    let huge =
        Request::Put { digest: digest(b"huge"), total_bytes: u64::MAX, offset: 0, chunk: b"abc".to_vec() };
    let Reply::Failed(failure) = agent.ask(&huge) else { panic!("refused") };
    assert_eq!(failure.kind, FailureKind::Store);
    assert!(failure.message.contains("bytes of free space, found "), "{}", failure.message);
    assert!(names(store.path()).is_empty());
}

#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let outside = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(outside.path(), CONTENT).expect("writable");
    std::os::unix::fs::symlink(outside.path(), store.path().join(hex(CONTENT))).expect("a link");
    let mut agent = Agent::greeted(store.path());
    let Reply::Failed(failure) = agent.ask(&Request::Stat { digest: digest(CONTENT) }) else {
        panic!("refused")
    };
    assert_eq!(failure.kind, FailureKind::Store);
}

#[test]
fn a_file_that_has_rotted_is_replaced_by_the_next_upload() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let model = crate::digits::model();
    let name = store.path().join(hex(&model));
    std::fs::write(&name, b"rotten").expect("writable");
    let mut agent = Agent::greeted(store.path());
    let Reply::Failed(failure) = agent.ask(&crate::controller::open(&model, "auto")) else {
        panic!("refused")
    };
    assert_eq!(failure.kind, FailureKind::Digest);
    assert_eq!(agent.ask(&Request::Stat { digest: digest(&model) }), Reply::Stat { bytes: None });
    agent.put(&model);
    assert_eq!(std::fs::read(&name).expect("readable"), model);
}

#[test]
fn a_store_that_is_no_folder_is_told() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let ended = Agent::start(file.path()).ended();
    assert_eq!(ended.status.code(), Some(2));
    let place = format!("edgebench-agent: {}: ", file.path().display());
    assert!(ended.stderr.starts_with(&place), "{}", ended.stderr);
}
