//! Host keys that are not the right ones: refused with exit code 6, before anything of ours is there.

use std::process::Command;

use crate::board::{Board, bench, board_or_skip, place};
use crate::place::Ended;

/// Runs against a board with these known hosts; the board must stay as it was.
#[track_caller]
fn expect_refused(board: &Board, table: &str, known_hosts: &str, words: &[&str]) {
    let place = place(table);
    std::fs::write(place.path().join("home/.ssh/known_hosts"), known_hosts).expect("known hosts");
    let arguments = ["run", "--suite", "small", "--devices", "pi", "--variants", "fp32"];
    let ended = Ended::of(bench(&place, &arguments).output().expect("bench starts"));
    ended.expect_code(6).expect_words(words);
    let checked = Ended::of(bench(&place, &["devices", "--check", "pi"]).output().expect("bench starts"));
    checked.expect_code(6);
    assert!(checked.stdout.contains("nothing of ours was sent"), "{}", checked.stdout);
    assert!(!board.file("root/root/.cache").exists(), "something was sent");
    let log = std::fs::read_to_string(board.file("sshd.log")).unwrap_or_default();
    assert!(!log.contains("Accepted"), "a login was tried:\n{log}");
}

/// Another key, as somebody in the middle would have it.
fn other_key(board: &Board, kind: &str) -> String {
    let file = board.file(&format!("other_{kind}"));
    let made = Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-f"]).arg(&file).status();
    assert!(made.is_ok_and(|status| status.success()));
    let key = std::fs::read_to_string(file.with_extension("pub")).expect("a key");
    let words: Vec<&str> = key.split_whitespace().take(2).collect();
    format!("{} {}\n", board.address(), words.join(" "))
}

#[test]
fn keys_that_are_unknown_changed_downgraded_or_revoked_are_refused() {
    let board = board_or_skip!("keys_that_are_unknown_changed_downgraded_or_revoked_are_refused");
    let table = board.unpinned_table("pi");
    expect_refused(&board, &table, "", &["expected one in known_hosts, found no line for it"]);
    let changed = other_key(&board, "ed25519");
    expect_refused(&board, &table, &changed, &["expected the one in known_hosts, found SHA256:"]);
    let downgraded = other_key(&board, "ecdsa");
    expect_refused(&board, &table, &downgraded, &["expected a key of the kind in known_hosts"]);
    let revoked = format!("{}@revoked {}", board.known_host(), board.known_host());
    expect_refused(&board, &table, &revoked, &["expected a key that is not revoked"]);
    let pinned = format!("{table}host_key = \"SHA256:{}\"\n", "A".repeat(43));
    expect_refused(&board, &pinned, &board.known_host(), &["expected SHA256:AAAA", "found SHA256:"]);
}

#[test]
fn a_key_in_known_hosts_is_taken_also_when_its_name_is_hashed() {
    let board = board_or_skip!("a_key_in_known_hosts_is_taken_also_when_its_name_is_hashed");
    let place = place(&board.unpinned_table("pi"));
    let known = place.path().join("home/.ssh/known_hosts");
    std::fs::write(&known, board.known_host()).expect("known hosts");
    let hashed = Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&known).output();
    assert!(hashed.is_ok_and(|output| output.status.success()));
    let text = std::fs::read_to_string(&known).expect("known hosts");
    assert!(text.starts_with("|1|"), "{text}");
    let checked = Ended::of(bench(&place, &["devices", "--check", "pi"]).output().expect("bench starts"));
    checked.expect_code(0);
}

#[test]
fn a_login_that_is_refused_says_what_was_tried() {
    let board = board_or_skip!("a_login_that_is_refused_says_what_was_tried");
    let table = board.table("pi").replace("/id\"", "/host_key\"");
    let place = place(&table);
    let checked = Ended::of(bench(&place, &["devices", "--check", "pi"]).output().expect("bench starts"));
    checked.expect_code(4);
    assert!(checked.stdout.contains("login refused; it takes publickey"), "{}", checked.stdout);
    assert!(checked.stdout.contains("/host_key"), "{}", checked.stdout);
}
