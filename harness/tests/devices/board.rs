//! A board that is none: `ci/devices/ssh-device`, and a place whose inventory has it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::place::{Place, keep_toolchain, repository};

/// Addresses that are tried for a board: 10.213.N.0/24.
const NUMBERS: std::ops::Range<u32> = 10..250;

/// The number that is tried next.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// One board is started at a time.
static STARTING: Mutex<()> = Mutex::new(());

/// An sshd in a namespace of its own. Ended when it is dropped.
pub(crate) struct Board {
    number: u32,
    folder: PathBuf,
}

impl Board {
    /// Starts one; or says what is missing.
    pub(crate) fn up() -> Result<Self, String> {
        Self::up_with(None)
    }

    /// One whose user may also log in with this password.
    pub(crate) fn up_with_password(password: &str) -> Result<Self, String> {
        Self::up_with(Some(password))
    }

    fn up_with(password: Option<&str>) -> Result<Self, String> {
        let busybox = devices().join("busybox/bin/busybox");
        if !busybox.is_file() {
            return Err("ci/devices/fetch was not run".to_owned());
        }
        let all = NUMBERS.end - NUMBERS.start;
        let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..all {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = NUMBERS.start + (std::process::id() * 7 + next) % all;
            if Path::new("/run/netns").join(format!("ebdev{number}")).exists() {
                continue;
            }
            let folder =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("board-{number}-{}", std::process::id()));
            let words = ["up", &number.to_string(), &folder.display().to_string()];
            return script_with(&words, password).map(|()| Self { number, folder });
        }
        Err("no number is free for it".to_owned())
    }

    pub(crate) fn address(&self) -> String {
        format!("10.213.{}.2", self.number)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Fingerprint of its key, as `host_key` has it.
    pub(crate) fn fingerprint(&self) -> String {
        let key = self.file("host_key.pub");
        let output = Command::new("ssh-keygen").arg("-lf").arg(key).output().expect("ssh-keygen");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().nth(1).expect("a fingerprint").to_owned()
    }

    /// The line that `known_hosts` should have.
    pub(crate) fn known_host(&self) -> String {
        let key = std::fs::read_to_string(self.file("host_key.pub")).expect("a key");
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        format!("{} {}\n", self.address(), key.join(" "))
    }

    /// Its table in an inventory, pinned.
    pub(crate) fn table(&self, name: &str) -> String {
        format!("{}host_key = \"{}\"\n", self.unpinned_table(name), self.fingerprint())
    }

    /// The same for whoever proves himself without a key file.
    pub(crate) fn table_without_key(&self, name: &str) -> String {
        let table = self.table(name);
        table.lines().filter(|line| !line.starts_with("identity")).map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn unpinned_table(&self, name: &str) -> String {
        format!(
            "[{name}]\ntransport = \"ssh\"\nhost = \"{}\"\nuser = \"root\"\nidentity = \"{}\"\n",
            self.address(),
            self.file("id").display()
        )
    }

    pub(crate) fn cut(&self) {
        script(&["cut", &self.number.to_string()]).expect("the cable is pulled");
    }

    pub(crate) fn mend(&self) {
        script(&["mend", &self.number.to_string()]).expect("the cable is back");
    }

    /// Ends everything that runs on it, sshd too, and starts it again.
    pub(crate) fn restart(&self) {
        let folder = self.folder.display().to_string();
        script(&["down", &self.number.to_string(), &folder]).expect("it goes down");
        script(&["up", &self.number.to_string(), &folder]).expect("it comes up");
    }

    /// Processes of agents on it.
    pub(crate) fn agents(&self) -> Vec<u32> {
        let space = format!("ebdev{}", self.number);
        let output = Command::new("ip").args(["netns", "pids", &space]).output().expect("ip runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let all = text.split_whitespace().filter_map(|word| word.parse().ok());
        all.filter(|process| is_agent(*process)).collect()
    }
}

fn is_agent(process: u32) -> bool {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).into_owned();
    line.contains("edgebench/agent-") && line.contains("--store")
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = script(&["down", &self.number.to_string(), &self.folder.display().to_string()]);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn script(arguments: &[&str]) -> Result<(), String> {
    script_with(arguments, None)
}

fn script_with(arguments: &[&str], password: Option<&str>) -> Result<(), String> {
    let output = Command::new(repository().join("ci/devices/ssh-device"))
        .args(arguments)
        .env("EDGEBENCH_DEVICES", devices())
        .env("EDGEBENCH_BOARD_PASSWORD", password.unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("ci/devices/ssh-device {}: {}", arguments.join(" "), said.trim().replace('\n', "; ")))
}

/// Where `ci/devices/fetch` puts things.
pub(crate) fn devices() -> PathBuf {
    std::env::var_os("EDGEBENCH_DEVICES").map_or_else(|| repository().join("target/devices"), PathBuf::from)
}

/// A place with this inventory and a home of its own, where the user's keys and known hosts do not count.
pub(crate) fn place(inventory: &str) -> Place {
    let place = Place::new();
    std::fs::write(place.path().join("devices.toml"), inventory).expect("inventory");
    std::fs::create_dir_all(place.path().join("home/.ssh")).expect("a home");
    keep_few_examples(&place.suite().join("digits"));
    place
}

/// Examples of the test split that are left: an emulated processor is slow.
const TEST_EXAMPLES: usize = 12;

/// The same data with a short test split.
fn keep_few_examples(data: &Path) {
    let shipped = std::fs::read_link(data).expect("a link to the shipped data");
    std::fs::remove_file(data).expect("the link");
    std::fs::create_dir(data).expect("a folder");
    for file in std::fs::read_dir(&shipped).expect("the shipped data").flatten() {
        if file.file_name() != "splits.csv" {
            std::os::unix::fs::symlink(file.path(), data.join(file.file_name())).expect("a link");
        }
    }
    let splits = std::fs::read_to_string(shipped.join("splits.csv")).expect("splits");
    let mut kept = 0;
    let lines = splits.lines().map(|line| match line.strip_suffix(",test") {
        Some(_) if kept < TEST_EXAMPLES => {
            kept += 1;
            line.to_owned()
        }
        Some(example) => format!("{example},train"),
        None => line.to_owned(),
    });
    let text: Vec<String> = lines.collect();
    std::fs::write(data.join("splits.csv"), text.join("\n") + "\n").expect("splits");
}

/// `bench` there.
pub(crate) fn bench(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.bench(arguments);
    keep_toolchain(&mut command);
    command.env("HOME", place.path().join("home")).env_remove("SSH_AUTH_SOCK");
    command
}

/// Leaves the test, and says why, where a board cannot be had.
macro_rules! board_or_skip {
    ($test:literal) => {
        crate::board::board_or_skip!($test, crate::board::Board::up())
    };
    ($test:literal, $board:expr) => {
        match $board {
            Ok(board) => board,
            Err(reason) => {
                println!("skipped: {}: {reason}", $test);
                return;
            }
        }
    };
}
pub(crate) use board_or_skip;
