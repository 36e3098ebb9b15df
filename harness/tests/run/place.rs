//! A place to run `bench` in: a temporary folder with a small suite over the repository's digits.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Small enough to be quick, with every kind of step: accuracy, and two blocks of each variant.
const SUITE: &str = r#"name = "small"
description = "digits, quickly"

[[model]]
name = "net"
source = { path = "net.tflite" }
task = "classification"
dataset = "digits"
split = "test"

[variant.fp32]
quantize = "none"

[variant.int8]
quantize = "full-int8"
calibration = { dataset = "digits", split = "calibration", samples = 20, method = "min-max", seed = 1 }

[dataset.digits]
source = { path = "digits" }
format = "idx"
splits = "splits.csv"
preprocess = { resize = [96, 96], scale = "1/127.5", offset = -1.0 }

[measure]
warmup_min_secs = 0.01
num_runs = 5
min_secs = 0.05
blocks = 2
"#;

/// Steps of the whole suite on one device with one thread: two variants, each evaluated once and measured twice.
pub(crate) const STEPS: usize = 6;

/// A folder with `suites/small`.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("temporary folder") };
        let suite = place.suite();
        std::fs::create_dir_all(&suite).expect("suite folder");
        std::fs::write(suite.join("suite.toml"), SUITE).expect("suite file");
        let shipped = repository().join("suites/mobilenet");
        let model = shipped.join("models/mobilenet_v2_0.35_96.tflite");
        std::fs::copy(model, suite.join("net.tflite")).expect("the shipped model");
        std::os::unix::fs::symlink(shipped.join("data/digits"), suite.join("digits"))
            .expect("the shipped data");
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn suite(&self) -> PathBuf {
        self.path().join("suites/small")
    }

    pub(crate) fn results(&self) -> PathBuf {
        self.path().join("results")
    }

    /// Changes the suite's text.
    pub(crate) fn edit_suite(&self, from: &str, to: &str) {
        let file = self.suite().join("suite.toml");
        let text = std::fs::read_to_string(&file).expect("suite file");
        assert!(text.contains(from), "the suite has no {from:?}");
        std::fs::write(file, text.replacen(from, to, 1)).expect("suite file");
    }

    /// `bench` with these arguments, in the folder, with nothing of the environment that would change what it does.
    pub(crate) fn bench(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for variable in ["EDGEBENCH_SUITES", "EDGEBENCH_INVENTORY", "EDGEBENCH_RESULTS", "EDGEBENCH_MIRROR"] {
            command.env_remove(variable);
        }
        command.env("EDGEBENCH_CACHE", shared_cache()).env("NO_COLOR", "1");
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.bench(arguments).output().expect("bench starts"))
    }

    /// The journal of the only run.
    pub(crate) fn journal(&self) -> Option<String> {
        let run = std::fs::read_dir(self.results()).ok()?.flatten().next()?;
        std::fs::read_to_string(run.path().join("journal")).ok()
    }

    /// How many steps the journal of the only run has.
    pub(crate) fn steps_done(&self) -> usize {
        self.journal().map_or(0, |text| count_steps(&text))
    }

    /// Waits until the journal has so many steps.
    pub(crate) fn wait_for_steps(&self, count: usize, child: &mut Child) {
        let patience = Instant::now() + Duration::from_secs(300);
        while self.steps_done() < count {
            let ended = child.try_wait().expect("a child that can be asked");
            assert!(ended.is_none(), "bench ended with {ended:?} before {count} steps were done");
            assert!(Instant::now() < patience, "{count} steps were not done in time");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Identities of all runs, the oldest first.
    pub(crate) fn runs(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.results()).expect("results").flatten();
        let mut runs: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        runs.sort();
        runs
    }

    /// A file of the only run.
    pub(crate) fn run_file(&self, name: &str) -> PathBuf {
        let run = std::fs::read_dir(self.results()).expect("results").flatten().next().expect("one run");
        run.path().join(name)
    }
}

/// Entries of the journal that are results of a step.
pub(crate) fn count_steps(journal: &str) -> usize {
    journal
        .lines()
        .filter(|line| line.contains(r#""entry":"block""#) || line.contains(r#""entry":"evaluation""#))
        .count()
}

/// What became of a `bench`.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code, showing what was printed when it is another.
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks that standard error has these words.
    #[track_caller]
    pub(crate) fn expect_words(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in:\n{}", self.stderr);
        }
        self
    }
}

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the harness stands in the repository")
}

/// Agents and variants are the same for all tests: they are made once and kept for the next time.
fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// Lets a command with another HOME find cargo and the compiler where they are.
pub(crate) fn keep_toolchain(command: &mut Command) {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
    for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        if std::env::var_os(variable).is_none() {
            command.env(variable, home.join(folder));
        }
    }
}

/// Whether this machine has a program; says so when it has not.
pub(crate) fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).any(|folder| folder.join(program).is_file());
    if !found {
        println!("skipped: no {program} in PATH");
    }
    found
}
