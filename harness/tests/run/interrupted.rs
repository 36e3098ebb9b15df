//! Runs that are cut short: by Ctrl-C, by a killed agent, by `kill -9` of bench itself.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use edgebench_reports::frame::read_run;
use edgebench_reports::record::Outcome;

use crate::place::{Ended, Place, STEPS, count_steps};

/// Blocks long enough to be met in the middle.
fn slow(place: &Place) {
    place.edit_suite("min_secs = 0.05", "min_secs = 1.0");
}

fn start(place: &Place) -> Child {
    let mut command = place.bench(&["run", "--suite", "small"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bench starts")
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "no process {process}");
}

/// Processes whose parent is this one.
fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("a proc file system").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|process| parent_of(*process) == Some(parent)).collect()
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(PathBuf::from(format!("/proc/{process}/stat"))).ok()?;
    // The name in parentheses may hold anything; the state and the parent follow it.
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}

/// Waits for the agent of the step that goes on.
fn agent_of(bench: &mut Child) -> u32 {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        if let [agent, ..] = children(bench.id())[..] {
            return agent;
        }
        assert!(
            Instant::now() < patience && bench.try_wait().expect("a child").is_none(),
            "no agent appeared"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_alive(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

fn expect_gone(process: u32) {
    let patience = Instant::now() + Duration::from_secs(20);
    while is_alive(process) {
        assert!(Instant::now() < patience, "the agent {process} outlives bench");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every step once, whatever happened in between.
fn expect_whole(place: &Place) {
    let record = read_run(&place.run_file("run.parquet")).expect("a dataframe");
    assert!(record.cells.iter().all(|cell| cell.outcome == Outcome::Complete && cell.blocks.len() == 2));
    assert_eq!(place.steps_done(), STEPS, "a step was repeated or lost");
}

#[test]
fn killed_bench_goes_on_where_it_was() {
    let place = Place::new();
    slow(&place);
    let mut bench = start(&place);
    place.wait_for_steps(3, &mut bench);
    let agent = agent_of(&mut bench);
    signal(bench.id(), "KILL");
    bench.wait().expect("bench ended");
    expect_gone(agent);
    let before = place.journal().expect("a journal");

    let resumed = place.run(&["run", "--resume"]);
    resumed.expect_code(0).expect_words(&["were done before"]);
    let after = place.journal().expect("a journal");
    assert!(after.starts_with(whole_lines(&before)), "what was on disk is still there");
    expect_whole(&place);
}

/// The journal without a line that the kill may have torn.
fn whole_lines(journal: &str) -> &str {
    journal.rfind('\n').map_or("", |end| &journal[..=end])
}

#[test]
fn ctrl_c_leaves_a_run_that_can_go_on_and_no_agent() {
    let place = Place::new();
    slow(&place);
    let mut bench = start(&place);
    place.wait_for_steps(3, &mut bench);
    let agent = agent_of(&mut bench);
    signal(bench.id(), "INT");
    let ended = Ended::of(bench.wait_with_output().expect("bench ended"));
    ended.expect_code(130).expect_words(&[
        "interrupted: ",
        "of 6 steps are done and kept",
        "bench run --resume",
    ]);
    expect_gone(agent);

    let shown = place.run(&["report"]);
    shown.expect_code(0);
    place.run(&["run", "--resume"]).expect_code(0);
    expect_whole(&place);
}

fn has_failure_soon(place: &Place, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        if place.journal().is_some_and(|text| text.contains(r#""entry":"failed""#)) {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn killed_agent_fails_its_cell_and_the_rest_goes_on() {
    let place = Place::new();
    slow(&place);
    let mut bench = start(&place);
    place.wait_for_steps(2, &mut bench);
    // The agent that is found may just be leaving between two steps: then the next one is tried.
    let mut attempts = 0;
    while !has_failure_soon(&place, if attempts == 0 { Duration::ZERO } else { Duration::from_secs(3) }) {
        attempts += 1;
        assert!(attempts < 10, "no cell failed");
        let agent = agent_of(&mut bench);
        let _ = Command::new("kill").args(["-s", "KILL", &agent.to_string()]).stderr(Stdio::null()).status();
    }
    let ended = Ended::of(bench.wait_with_output().expect("bench ended"));
    ended.expect_code(4).expect_words(&["agent went away", "killed by signal 9", "some cells failed"]);
    let record = read_run(&place.run_file("run.parquet")).expect("a dataframe");
    let failed = record.cells.iter().filter(|cell| matches!(cell.outcome, Outcome::Failed { .. })).count();
    let complete = record.cells.iter().filter(|cell| cell.outcome == Outcome::Complete).count();
    assert_eq!((failed, complete), (1, 1));
    // Without a name: the newest run that lacks something, though it came to its end.
    place.run(&["run", "--resume"]).expect_code(0);
    expect_whole(&place);
    place.run(&["run", "--resume"]).expect_code(2).expect_words(&["none with failed cells"]);
}

#[test]
fn changed_suite_is_not_mixed_into_an_old_run() {
    let place = Place::new();
    slow(&place);
    let mut bench = start(&place);
    place.wait_for_steps(1, &mut bench);
    signal(bench.id(), "KILL");
    bench.wait().expect("bench ended");
    place.edit_suite("num_runs = 5", "num_runs = 6");
    place
        .run(&["run", "--resume"])
        .expect_code(2)
        .expect_words(&["cannot go on", "has changed since it began"]);
}

#[test]
fn damaged_journal_is_refused() {
    let place = Place::new();
    slow(&place);
    let mut bench = start(&place);
    place.wait_for_steps(2, &mut bench);
    signal(bench.id(), "KILL");
    bench.wait().expect("bench ended");
    let journal = place.journal().expect("a journal");
    assert!(count_steps(&journal) >= 2);
    let damaged = journal.replacen("\"fp32\"", "\"fp33\"", 1);
    std::fs::write(place.run_file("journal"), damaged).expect("a journal");
    place
        .run(&["run", "--resume"])
        .expect_code(5)
        .expect_words(&["checksum does not match", "start a new run"]);
}

#[test]
fn only_one_bench_works_on_a_run() {
    let place = Place::new();
    slow(&place);
    let mut bench = start(&place);
    place.wait_for_steps(1, &mut bench);
    place.run(&["run", "--resume"]).expect_code(2).expect_words(&["is being worked on by another bench"]);
    signal(bench.id(), "KILL");
    bench.wait().expect("bench ended");
}

#[test]
fn nothing_to_resume_is_said() {
    let place = Place::new();
    place.run(&["run", "--resume"]).expect_code(2).expect_words(&["no unfinished run"]);
}
