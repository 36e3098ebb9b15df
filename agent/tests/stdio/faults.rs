//! Bad days: damage, cuts, kills, and a controller that goes away.

use std::process::Command;
use std::time::Duration;

use edgebench_wire::{FailureKind, PROTOCOL_VERSION, Reply, Request, encode};

use crate::controller::{Agent, digest, endless, open};
use crate::digits;

/// An agent that runs the digits network until somebody stops it.
fn running(store: &std::path::Path) -> Agent {
    let model = digits::model();
    let mut agent = Agent::greeted(store);
    agent.put(&model);
    let opened = agent.ask(&open(&model, "auto"));
    assert!(matches!(opened, Reply::Opened(_)), "{opened:?}");
    agent.send(&endless());
    assert!(matches!(agent.reply(), Some(Reply::Samples { .. })));
    agent
}

#[test]
fn a_damaged_frame_is_told_and_ends_the_session() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::greeted(store.path());
    let mut frame = Vec::new();
    encode(&Request::Facts, &mut frame).expect("small");
    *frame.last_mut().expect("a frame") ^= 1;
    agent.send_bytes(&frame);
    let Some(Reply::Failed(failure)) = agent.reply() else { panic!("told") };
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(failure.message.starts_with("frame check: expected "), "{}", failure.message);
    let ended = agent.ended();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.stderr, format!("edgebench-agent: {}\n", failure.message));
}

#[test]
fn text_instead_of_frames_is_shown() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::start(store.path());
    agent.send_bytes(b"ls -l\n");
    let Some(Reply::Failed(failure)) = agent.reply() else { panic!("told") };
    assert_eq!(failure.message, "frame mark: expected \"\\xebEB\\n\", found \"ls -l\\n\"");
    assert_eq!(agent.ended().status.code(), Some(1));
}

#[test]
fn input_that_ends_inside_a_frame_is_an_error() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Agent::start(store.path());
    let mut frame = Vec::new();
    encode(&Request::Hello { protocol: PROTOCOL_VERSION }, &mut frame).expect("small");
    agent.send_bytes(&frame[..frame.len() - 1]);
    agent.close_input();
    let ended = agent.ended();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(
        ended.stderr,
        "edgebench-agent: stream: expected the rest of a message, found its end after 17 bytes\n"
    );
}

#[test]
fn a_controller_that_goes_away_ends_a_long_run() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = running(store.path());
    agent.close_input();
    let ended = agent.ended();
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.after < Duration::from_secs(10), "took {:?}", ended.after);
    assert!(ended.stderr.ends_with("found that it is gone\n"), "{}", ended.stderr);
}

#[test]
fn an_agent_killed_in_mid_run_leaves_a_store_that_works() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut agent = running(store.path());
    agent.kill();
    assert!(!agent.ended().status.success());
    let model = digits::model();
    let mut next = Agent::greeted(store.path());
    let stat = next.ask(&Request::Stat { digest: digest(&model) });
    assert_eq!(stat, Reply::Stat { bytes: Some(model.len() as u64) });
    assert!(matches!(next.ask(&open(&model, "auto")), Reply::Opened(_)));
}

#[test]
fn the_command_line_is_checked() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_edgebench-agent")).args(arguments).output().expect("it starts")
    };
    let version = run(&["--version"]);
    assert!(version.status.success());
    let expected = concat!("edgebench-agent ", env!("CARGO_PKG_VERSION"), " ");
    assert!(String::from_utf8_lossy(&version.stdout).starts_with(expected));
    assert!(String::from_utf8_lossy(&run(&["--help"]).stdout).contains("--store DIR"));
    for arguments in [&[][..], &["--port", "80"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("edgebench-agent: arguments: expected "));
    }
}
