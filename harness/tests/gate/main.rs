//! `bench gate` in a real git repository with two branches: every verdict with its exit code and its text.

#[path = "../../../reports/tests/arms/mod.rs"]
mod arms;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arms::{Manner, PLAIN, arms, lose_answers, slow_down};
use edgebench_harness::gate::PROJECT_REVISION;
use edgebench_reports::frame::write_run;
use edgebench_reports::record::{Outcome, RunRecord};

const SUITE: &str = r#"name = "made-up"
[[model]]
name = "net"
source = { path = "net.tflite" }
[variant.v00]
quantize = "none"
[variant.v01]
quantize = "fp16"
[gate]
latency = { max_increase = "3%" }
size = { max_increase = "1%" }
accuracy = { max_drop_vs_baseline = "1%" }
"#;

const WAIVER: &str = r#"
[[gate.waiver]]
metric = "latency"
variant = "v00"
owner = "ann@example.org"
reason = "the new layer has no kernel yet"
expires = "2026-06-30"
accept = "10%"
"#;

const TWO_CELLS: Manner = Manner { cells: 2, examples: 400, ..PLAIN };

/// A repository whose branch `change` left `main` after its first commit, with results of both.
struct Place {
    folder: tempfile::TempDir,
    main: String,
    change: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut place = Self { folder, main: String::new(), change: String::new() };
        place.git(&["init", "-q", "-b", "main"]);
        place.main = place.commit(SUITE, "the suite");
        place.git(&["switch", "-qc", "change"]);
        place.change = place.commit(&format!("{SUITE}# a change\n"), "a change");
        place
    }

    /// With the runs of both branches, after `change` has had its way with them.
    fn with(manner: Manner, change: impl Fn(&mut RunRecord, &mut RunRecord)) -> Self {
        let place = Self::new();
        let (mut before, mut after) = arms(manner);
        change(&mut before, &mut after);
        place.store(before, &place.main);
        place.store(after, &place.change);
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args(who)
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    fn suite_file(&self) -> PathBuf {
        self.path().join("suites/made-up/suite.toml")
    }

    /// Writes the suite and commits it.
    fn commit(&self, suite: &str, message: &str) -> String {
        let file = self.suite_file();
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("suite folder");
        std::fs::write(&file, suite).expect("suite file");
        self.git(&["add", "suites"]);
        self.git(&["commit", "-qm", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn store(&self, mut run: RunRecord, revision: &str) {
        run.run.controller.insert(PROJECT_REVISION.to_owned(), revision.to_owned());
        let folder = self.path().join("results").join(&run.run.id);
        std::fs::create_dir_all(&folder).expect("run folder");
        write_run(&folder.join("run.parquet"), &run).expect("written");
    }

    fn gate(&self, arguments: &[&str]) -> Ended {
        self.bench("gate", arguments)
    }

    fn bench(&self, verb: &str, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        command.args([verb, "--suite", "made-up"]).args(arguments).current_dir(self.path());
        for variable in ["EDGEBENCH_SUITES", "EDGEBENCH_RESULTS", "GIT_DIR"] {
            command.env_remove(variable);
        }
        let command = command.env("NO_COLOR", "1").env("EDGEBENCH_TODAY", "2026-06-15").stdin(Stdio::null());
        let output = command.output().expect("bench starts");
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let text = text.replace(&self.main[..12], "<main>").replace(&self.change[..12], "<change>");
            text.replace(&self.path().canonicalize().expect("a path").display().to_string(), "<place>")
                .replace(&self.path().display().to_string(), "<place>")
        };
        Ended { code: output.status.code(), text: text(&output.stdout) + &text(&output.stderr) }
    }
}

struct Ended {
    code: Option<i32>,
    text: String,
}

/// Exit code and text of a gate, as one snapshot each.
fn told(ended: &Ended) -> String {
    format!("exit code {}\n\n{}", ended.code.unwrap_or(-1), ended.text)
}

#[test]
fn pass() {
    let place = Place::with(TWO_CELLS, |_, _| {});
    insta::assert_snapshot!(told(&place.gate(&[])));
}

#[test]
fn regression() {
    let place = Place::with(TWO_CELLS, |_, after| slow_down(after, 1.08));
    insta::assert_snapshot!(told(&place.gate(&[])));
    let explained = place.gate(&["--explain", "board/v01"]);
    insta::assert_snapshot!("regression_explained", told(&explained));
}

#[test]
fn regression_of_accuracy() {
    let manner = Manner { examples: 2000, ..TWO_CELLS };
    let place = Place::with(manner, |_, after| lose_answers(after, 60, None));
    insta::assert_snapshot!(told(&place.gate(&[])));
}

#[test]
fn inconclusive() {
    let place = Place::with(Manner { blocks: 3, ..TWO_CELLS }, |_, after| slow_down(after, 1.5));
    insta::assert_snapshot!(told(&place.gate(&[])));
}

#[test]
fn invalid() {
    let place = Place::with(TWO_CELLS, |_, after| {
        after.cells[0].outcome =
            Outcome::Failed { stage: "measure".to_owned(), reason: "signal 11".to_owned() };
        after.cells[1].blocks.iter_mut().for_each(|block| block.invalid = Some("throttled".to_owned()));
    });
    insta::assert_snapshot!(told(&place.gate(&[])));
}

#[test]
fn missing() {
    let place = Place::with(TWO_CELLS, |_, after| {
        after.cells.remove(1);
    });
    insta::assert_snapshot!(told(&place.gate(&[])));
}

#[test]
fn waived_and_expired() {
    let place = Place::with(Manner { cells: 1, ..TWO_CELLS }, |_, after| slow_down(after, 1.08));
    let suite = SUITE.replace("[variant.v01]\nquantize = \"fp16\"\n", "");
    place.commit(&format!("{suite}{WAIVER}"), "waive it");
    insta::assert_snapshot!("waived", told(&place.gate(&[])));
    insta::assert_snapshot!("expired", told(&place.gate(&["--today", "2026-07-01"])));
}

#[test]
fn a_change_cannot_loosen_its_own_gate() {
    let place = Place::with(TWO_CELLS, |_, after| slow_down(after, 1.08));
    place.commit(&SUITE.replace("3%", "40%"), "a wider limit");
    assert_eq!(place.gate(&[]).code, Some(0));
    assert_eq!(place.gate(&["--policy-from", "main"]).code, Some(1));
    // Nor by a waiver, a file beside the suite, or by taking the suite away.
    place.commit(&format!("{SUITE}{WAIVER}"), "waive it");
    assert_eq!(place.gate(&["--policy-from", "main"]).code, Some(1));
    std::fs::write(place.suite_file().with_file_name("gate.toml"), "latency = { max_increase = \"90%\" }\n")
        .expect("written");
    assert_eq!(place.gate(&[]).code, Some(0));
    assert_eq!(place.gate(&["--policy-from", "main"]).code, Some(1));
    let without = SUITE.replace("[variant.v01]\nquantize = \"fp16\"\n", "");
    place.commit(&without, "one variant less");
    assert_eq!(place.gate(&["--policy-from", "main"]).code, Some(1));
}

#[test]
fn what_cannot_be_judged_is_told() {
    let place = Place::new();
    insta::assert_snapshot!("no_run", told(&place.gate(&[])));
    let (_, after) = arms(TWO_CELLS);
    place.store(after, &place.change);
    insta::assert_snapshot!("no_baseline", told(&place.gate(&[])));
    assert_eq!(place.gate(&["--first-run"]).code, Some(0));
    insta::assert_snapshot!("itself", told(&place.gate(&["--baseline", "20260102T000000Z-made-up-head"])));
    insta::assert_snapshot!("unknown_revision", told(&place.gate(&["--baseline", "nowhere"])));
    let option = place.gate(&["--baseline=--output=x"]);
    assert_eq!(option.code, Some(2), "{}", option.text);
    place.commit(&SUITE[..SUITE.find("[gate]").expect("limits")], "no limits");
    insta::assert_snapshot!("no_limits", told(&place.gate(&["--first-run"])));
}

#[test]
fn baselines_are_found_by_revision_and_said() {
    let place = Place::with(TWO_CELLS, |_, _| {});
    for (arguments, words) in [
        (&[][..], "the run of <main>, where it left main"),
        (&["--baseline", "main"], "the newest run of main (<main>)"),
        (&["--baseline", "latest"], "the newest run before it"),
        (&["--baseline", "20260101T000000Z-made-up-base"], "named on the command line"),
    ] {
        let ended = place.gate(arguments);
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        assert!(ended.text.contains(words), "no {words:?} in:\n{}", ended.text);
    }
    // A third run of the same revision is a second try, and said to be one.
    let (_, mut again) = arms(TWO_CELLS);
    again.run.id = "20260103T000000Z-made-up-more".to_owned();
    place.store(again, &place.change);
    assert!(place.gate(&[]).text.contains("try 2 of the same revision"));
}

#[test]
fn files_are_written_whole_beside_what_is_printed() {
    let place = Place::with(TWO_CELLS, |_, after| slow_down(after, 1.08));
    let files =
        ["junit.xml", "summary.md", "comment.md", "gate.json", "bencher.json", "smaller.json", "page.html"];
    let flags = ["--junit", "--summary", "--comment", "--json", "--bencher", "--smaller-is-better", "--page"];
    let arguments: Vec<&str> = flags.iter().zip(files).flat_map(|(flag, file)| [*flag, file]).collect();
    let ended = place.gate(&[&arguments[..], &["--format", "annotations"]].concat());
    assert_eq!(ended.code, Some(1));
    assert!(ended.text.starts_with("::error title=REGRESSED"), "{}", ended.text);
    for file in files {
        let text = std::fs::read_to_string(place.path().join(file)).expect(file);
        assert!(text.contains("board"), "{file}: {text}");
        assert!(
            !file.ends_with("json") || serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            "{file}"
        );
    }
    let nowhere = place.gate(&["--junit", "no/such/folder/junit.xml"]);
    assert_ne!(nowhere.code, Some(0), "{}", nowhere.text);
}

#[test]
fn a_plan_says_what_a_resolution_costs() {
    let place = Place::with(TWO_CELLS, |_, _| {});
    insta::assert_snapshot!("plan", told(&place.bench("plan", &["--resolution", "1%"])));
    let wrong = place.bench("plan", &["--resolution", "1"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.text);
    let empty = Place::new();
    assert_eq!(empty.bench("plan", &[]).code, Some(4));
}
