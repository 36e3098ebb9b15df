//! What works: cold and warm runs, checks, cleaning, leases, one board under two names.

use std::time::{Duration, Instant};

use edgebench_reports::frame::read_run;
use edgebench_reports::record::{Outcome, RunRecord};

use crate::board::{bench, board_or_skip, place};
use crate::place::{Ended, Place, STEPS};

fn run(place: &Place, arguments: &[&str]) -> Ended {
    Ended::of(bench(place, arguments).output().expect("bench starts"))
}

fn record(place: &Place) -> RunRecord {
    read_run(&place.run_file("run.parquet")).expect("a dataframe")
}

fn property(record: &RunRecord, device: &str, name: &str) -> String {
    let device = record.devices.iter().find(|known| known.name == device).expect("the device");
    device.properties.get(name).cloned().unwrap_or_default()
}

#[test]
fn a_run_over_ssh_sends_everything_once_and_then_only_hashes() {
    let board = board_or_skip!("a_run_over_ssh_sends_everything_once_and_then_only_hashes");
    let place = place(&board.table("pi"));
    let arguments = ["run", "--suite", "small", "--devices", "pi"];
    let cold = run(&place, &arguments);
    cold.expect_code(0).expect_words(&["pi: aarch64-unknown-linux-gnu", "pi: sent "]);
    assert_eq!(place.steps_done(), STEPS);
    let first = record(&place);
    assert!(first.cells.iter().all(|cell| cell.outcome == Outcome::Complete));
    let sent =
        |record: &RunRecord, name: &str| property(record, "pi", name).parse::<u64>().expect("a number");
    assert!(sent(&first, "sent_agent_bytes") > 500_000);
    assert!(sent(&first, "sent_file_bytes") > 1_000_000);

    std::fs::remove_dir_all(place.results()).expect("results");
    let warm = run(&place, &arguments);
    warm.expect_code(0);
    let second = record(&place);
    assert_eq!(sent(&second, "sent_agent_bytes"), 0);
    assert_eq!(sent(&second, "sent_file_bytes"), 0);
    assert!(sent(&second, "sent_bytes") < 20_000, "{}", sent(&second, "sent_bytes"));
    println!("cold:\n{}\nwarm:\n{}", cold.stderr, warm.stderr);
    assert!(board.agents().is_empty(), "no agent stays behind");
}

#[test]
fn answers_of_the_board_equal_those_of_the_host() {
    let board = board_or_skip!("answers_of_the_board_equal_those_of_the_host");
    let place = place(&format!("[host]\ntransport = \"local\"\n{}", board.table("pi")));
    run(&place, &["run", "--suite", "small", "--devices", "host,pi", "--variants", "int8", "--blocks", "1"])
        .expect_code(0);
    let record = record(&place);
    let answers = |device: &str| {
        let cell = record.cells.iter().find(|cell| cell.cell.device == device).expect("a cell");
        cell.evaluation.as_ref().expect("an evaluation").predictions.clone()
    };
    assert_eq!(answers("host"), answers("pi"));
}

#[test]
fn a_board_is_checked_and_cleaned() {
    let board = board_or_skip!("a_board_is_checked_and_cleaned");
    let place = place(&board.table("pi"));
    let checked = run(&place, &["devices", "--check", "pi"]);
    checked.expect_code(0);
    assert!(checked.stdout.contains("aarch64-unknown-linux-gnu"), "{}", checked.stdout);
    assert!(board.file("root/root/.cache/edgebench").is_dir());
    run(&place, &["devices", "--clean", "pi"]).expect_code(0);
    assert!(!board.file("root/root/.cache/edgebench").exists());
}

#[test]
fn two_names_of_one_board_are_one_device() {
    let board = board_or_skip!("two_names_of_one_board_are_one_device");
    let place = place(&format!("{}{}", board.table("pi"), board.table("lab-pi")));
    // The lease is one run's, so that the second name is not refused as somebody else's.
    let ended = run(&place, &["run", "--suite", "small", "--devices", "pi,lab-pi", "--variants", "fp32"]);
    ended.expect_code(4).expect_words(&["it is the same machine as "]);
    assert_eq!(place.steps_done(), STEPS / 2);
}

#[test]
fn a_board_in_use_tells_by_whom() {
    let board = board_or_skip!("a_board_in_use_tells_by_whom");
    let first = place(&board.table("pi"));
    run(&first, &["devices", "--check", "pi"]).expect_code(0);
    let lease = board.file("root/root/.cache/edgebench/store/lease");
    assert!(!lease.exists(), "a visit gives the lease back");
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let uptime = std::fs::read_to_string("/proc/uptime").expect("uptime");
    let seconds = uptime.split('.').next().unwrap_or_default().to_owned();
    let text = format!("EBL1 7 other {} {seconds} ann@lab, run 42\n", boot.trim());
    std::fs::write(&lease, text).expect("a lease");
    let ended = run(&first, &["devices", "--check", "pi"]);
    ended.expect_code(4);
    assert!(ended.stdout.contains("used by ann@lab, run 42 (lease 7"), "{}", ended.stdout);
}

#[test]
fn ctrl_c_leaves_no_agent_behind() {
    let board = board_or_skip!("ctrl_c_leaves_no_agent_behind");
    let place = place(&board.table("pi"));
    place.edit_suite("min_secs = 0.05", "min_secs = 5.0");
    let mut command = bench(&place, &["run", "--suite", "small", "--devices", "pi"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("bench starts");
    place.wait_for_steps(2, &mut child);
    let sent = std::process::Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    let began = Instant::now();
    let ended = Ended::of(child.wait_with_output().expect("bench ended"));
    ended.expect_code(130);
    while !board.agents().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "an agent outlives bench");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!board.file("root/root/.cache/edgebench/store/lease").exists(), "the lease is given back");
}
