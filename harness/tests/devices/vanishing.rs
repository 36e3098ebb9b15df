//! Boards that go away in the middle: noticed soon, the others finish, and a resume measures only what is missing.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use edgebench_reports::frame::read_run;
use edgebench_reports::record::Outcome;

use crate::board::{Board, bench, board_or_skip, place};
use crate::place::{Ended, Place, STEPS};

/// A board and this machine, with blocks long enough to be met in the middle.
fn both(board: &Board) -> Place {
    let place = place(&format!("[host]\ntransport = \"local\"\n{}", board.table("pi")));
    place.edit_suite("min_secs = 0.05", "min_secs = 2.0");
    place
}

fn start(place: &Place) -> Child {
    let mut command = bench(place, &["run", "--suite", "small", "--devices", "host,pi"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bench starts")
}

/// Waits until the board works on a block.
fn wait_for_agent(board: &Board, bench: &mut Child) -> u32 {
    let until = Instant::now() + Duration::from_secs(300);
    loop {
        if let Some(agent) = board.agents().first() {
            return *agent;
        }
        assert!(bench.try_wait().expect("a child").is_none() && Instant::now() < until, "no agent appeared");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn blocks_of_board(place: &Place) -> usize {
    // The board's cells are the later two of the plan.
    let text = place.journal().unwrap_or_default();
    let lines = text.lines().filter(|line| line.contains(r#""entry":"block""#));
    lines.filter(|line| line.contains(r#""cell":2"#) || line.contains(r#""cell":3"#)).count()
}

fn wait_for_failure(place: &Place, since: Instant) -> Duration {
    loop {
        if place
            .journal()
            .is_some_and(|text| text.contains(r#""entry":"failed""#) || text.contains(r#""entry":"again""#))
        {
            return since.elapsed();
        }
        assert!(since.elapsed() < Duration::from_secs(30), "nothing was noticed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ends the run and, where cells failed, takes it up again with the board back. What hits a step before its measurement
/// is only tried again, and the run is whole at once.
fn expect_the_rest(place: &Place, child: Child, what: &str, noticed: Duration) {
    let ended = Ended::of(child.wait_with_output().expect("bench ended"));
    println!("{what}: noticed after {:.1} s\n{}", noticed.as_secs_f64(), ended.stderr);
    assert!(noticed < Duration::from_secs(10), "{what}: noticed only after {noticed:?}");
    let file = place.run_file("run.parquet");
    let partly = read_run(&file).expect("a dataframe");
    let host = partly.cells.iter().filter(|cell| cell.cell.device == "host");
    assert!(host.clone().count() == 2 && host.clone().all(|cell| cell.outcome == Outcome::Complete));
    if ended.code != Some(0) {
        ended.expect_code(4).expect_words(&["bench run --resume"]);
        assert!(place.steps_done() < 2 * STEPS);
        Ended::of(bench(place, &["run", "--resume", &partly.run.id]).output().expect("bench starts"))
            .expect_code(0);
    }
    let whole = read_run(&file).expect("a dataframe");
    assert!(whole.cells.iter().all(|cell| cell.outcome == Outcome::Complete));
    assert_eq!(place.steps_done(), 2 * STEPS, "every step once");
}

#[test]
fn a_pulled_cable_is_noticed_and_the_rest_is_measured_later() {
    let board = board_or_skip!("a_pulled_cable_is_noticed_and_the_rest_is_measured_later");
    let place = both(&board);
    let mut child = start(&place);
    wait_until_in_block(&place, &board, &mut child);
    board.cut();
    let noticed = wait_for_failure(&place, Instant::now());
    let ended_after = Instant::now();
    while child.try_wait().expect("a child").is_none() && ended_after.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(100));
    }
    board.mend();
    expect_the_rest(&place, child, "cable pulled", noticed);
}

/// In the second block of the board, when the first is on disk.
fn wait_until_in_block(place: &Place, board: &Board, child: &mut Child) {
    let until = Instant::now() + Duration::from_secs(900);
    while blocks_of_board(place) < 1 {
        assert!(child.try_wait().expect("a child").is_none() && Instant::now() < until, "no block was done");
        std::thread::sleep(Duration::from_millis(20));
    }
    wait_for_agent(board, child);
    std::thread::sleep(Duration::from_millis(700));
}

#[test]
fn a_board_that_is_away_after_a_block_loses_nothing_of_it() {
    let board = board_or_skip!("a_board_that_is_away_after_a_block_loses_nothing_of_it");
    let place = both(&board);
    let mut child = start(&place);
    while blocks_of_board(&place) < 1 {
        assert!(child.try_wait().expect("a child").is_none(), "no block was done");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The block is on disk; the next step has its agent started or opens its model.
    board.cut();
    let noticed = wait_for_failure(&place, Instant::now());
    assert!(blocks_of_board(&place) >= 1);
    let cut_at = Instant::now();
    while child.try_wait().expect("a child").is_none() && cut_at.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(100));
    }
    board.mend();
    expect_the_rest(&place, child, "away after a block", noticed);
}

#[test]
fn a_stopped_agent_is_noticed_and_killed() {
    let board = board_or_skip!("a_stopped_agent_is_noticed_and_killed");
    let place = both(&board);
    let mut child = start(&place);
    wait_until_in_block(&place, &board, &mut child);
    let agent = wait_for_agent(&board, &mut child);
    let stopped = Command::new("kill").args(["-s", "STOP", &agent.to_string()]).status();
    assert!(stopped.is_ok_and(|status| status.success()));
    let noticed = wait_for_failure(&place, Instant::now());
    expect_the_rest(&place, child, "agent stopped", noticed);
    assert!(!board.agents().contains(&agent), "the stopped agent is still there");
}

#[test]
fn a_restarted_board_is_noticed_and_used_again() {
    let board = board_or_skip!("a_restarted_board_is_noticed_and_used_again");
    let place = both(&board);
    let mut child = start(&place);
    wait_until_in_block(&place, &board, &mut child);
    let since = Instant::now();
    board.restart();
    let noticed = wait_for_failure(&place, since);
    expect_the_rest(&place, child, "board restarted", noticed);
}

#[test]
fn a_board_that_was_never_there_costs_the_others_nothing() {
    let place = place(
        "[host]\ntransport = \"local\"\n[pi]\ntransport = \"ssh\"\nhost = \"127.0.0.1\"\nport = 1\nuser = \"x\"\n",
    );
    let ended = Ended::of(
        bench(&place, &["run", "--suite", "small", "--devices", "pi,host", "--variants", "fp32"])
            .output()
            .expect("bench starts"),
    );
    ended.expect_code(4).expect_words(&["pi: again in 0.5 s", "Connection refused", "pi: cannot be used"]);
    assert_eq!(place.steps_done(), STEPS / 2);
}

#[test]
fn no_agent_is_built_for_a_board_that_does_not_answer() {
    let place = place("[pi]\ntransport = \"ssh\"\nhost = \"127.0.0.1\"\nport = 1\nuser = \"x\"\n");
    let mut command = bench(&place, &["run", "--suite", "small", "--devices", "pi", "--variants", "fp32"]);
    command.env("EDGEBENCH_CACHE", place.path().join("empty"));
    let ended = Ended::of(command.output().expect("bench starts"));
    ended.expect_code(4).expect_words(&["pi: cannot be used: cannot start ssh x@127.0.0.1:1", "refused"]);
    assert!(!ended.stderr.contains("building the agent"), "{}", ended.stderr);
    assert!(!place.path().join("empty/agents").exists());
}
