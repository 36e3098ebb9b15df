//! Who is who: host keys that are not the right ones are refused with exit code 6, before anything of ours is there; and we
//! are let in with a key of ssh-agent or a password.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::board::{Board, bench, board_or_skip, place};
use crate::place::{Ended, has};

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

/// Long enough that it is in no other text by chance.
const PASSWORD: &str = "kRe7-two words-'$(x)'";

#[test]
fn a_password_in_the_environment_lets_us_in_and_is_never_shown() {
    let board = board_or_skip!(
        "a_password_in_the_environment_lets_us_in_and_is_never_shown",
        Board::up_with_password(PASSWORD)
    );
    let place = place(&board.table_without_key("pi"));
    let check = |password: &str| {
        let mut command = bench(&place, &["devices", "--check", "pi"]);
        Ended::of(command.env("EDGEBENCH_SSH_PASSWORD", password).output().expect("bench starts"))
    };
    let right = check(PASSWORD);
    right.expect_code(0);
    assert!(right.stdout.contains("aarch64-unknown-linux"), "{}", right.stdout);
    let wrong = check("kRe7-another");
    wrong.expect_code(4);
    assert!(wrong.stdout.contains("tried EDGEBENCH_SSH_PASSWORD"), "{}", wrong.stdout);
    for text in [&right.stdout, &right.stderr, &wrong.stdout, &wrong.stderr] {
        assert!(!text.contains("kRe7"), "{text}");
    }
    let log = std::fs::read_to_string(board.file("sshd.log")).expect("a log");
    assert!(log.contains("Accepted password for root") && log.contains("Failed password for root"), "{log}");
}

#[test]
fn a_password_is_asked_for_at_the_terminal_and_not_echoed() {
    let board = board_or_skip!(
        "a_password_is_asked_for_at_the_terminal_and_not_echoed",
        Board::up_with_password(PASSWORD)
    );
    if !has("script") {
        return;
    }
    let place = place(&board.table_without_key("pi"));
    let inner = bench(&place, &["devices", "--check", "pi"]);
    let program = inner.get_program().to_string_lossy().into_owned();
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", &format!("'{program}' devices --check pi")])
        .arg("/dev/null");
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(place.path()).env_remove("EDGEBENCH_SSH_PASSWORD");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script starts");
    let shown = answer(&mut child, "password of ssh root@", PASSWORD);
    assert!(child.wait().is_ok_and(|status| status.success()), "{shown}");
    assert!(shown.contains("aarch64-unknown-linux") && !shown.contains("kRe7"), "{shown}");
}

/// Types a line when a question shows up, and returns everything that was shown.
fn answer(child: &mut Child, question: &str, line: &str) -> String {
    let mut keyboard = child.stdin.take();
    let mut screen = child.stdout.take().expect("piped");
    let (mut shown, mut piece) = (Vec::new(), [0; 1024]);
    // Kept open: the end of its input would end the terminal.
    let mut typed = None;
    while let Ok(count @ 1..) = screen.read(&mut piece) {
        shown.extend_from_slice(&piece[..count]);
        if String::from_utf8_lossy(&shown).contains(question)
            && let Some(mut open) = keyboard.take()
        {
            writeln!(open, "{line}").expect("typed");
            typed = Some(open);
        }
    }
    drop(typed);
    String::from_utf8_lossy(&shown).into_owned()
}

/// An ssh-agent with one key, ended when it is dropped.
struct KeyAgent {
    process: Child,
    socket: std::path::PathBuf,
}

impl KeyAgent {
    fn with(board: &Board) -> Self {
        let socket = board.file("agent.socket");
        let process =
            Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn();
        let agent = Self { process: process.expect("ssh-agent starts"), socket };
        let until = Instant::now() + Duration::from_secs(10);
        while !agent.socket.exists() {
            assert!(Instant::now() < until, "ssh-agent made no socket");
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(board.file("id")).env("SSH_AUTH_SOCK", &agent.socket);
        assert!(add.status().is_ok_and(|status| status.success()));
        agent
    }
}

impl Drop for KeyAgent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_key_of_ssh_agent_lets_us_in() {
    let board = board_or_skip!("a_key_of_ssh_agent_lets_us_in");
    let agent = KeyAgent::with(&board);
    let place = place(&board.table_without_key("pi"));
    let check = |agent: Option<&KeyAgent>| {
        let mut command = bench(&place, &["devices", "--check", "pi"]);
        command.envs(agent.map(|agent| ("SSH_AUTH_SOCK", agent.socket.clone())));
        Ended::of(command.output().expect("bench starts"))
    };
    check(None).expect_code(4);
    check(Some(&agent)).expect_code(0);
}
