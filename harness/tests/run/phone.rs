//! Phones, through the genuine `adb` client and a stand-in of our own for the daemon on the phone.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::emulated::{can_cross_build, has};
use crate::place::{Place, repository};

/// A phone on loopback and an adb server of its own. Both end with it.
struct Phone {
    daemon: Child,
    serial: String,
    server_port: u16,
    home: tempfile::TempDir,
}

impl Phone {
    /// `auth` is how the phone's owner answers: `none`, `ask` or `never`.
    fn new(auth: &str) -> Option<Self> {
        if !(has("adb") && has("python3") && has("qemu-aarch64")) {
            return None;
        }
        let home = tempfile::tempdir().expect("home");
        let mut daemon = Command::new("python3")
            .arg(repository().join("ci/devices/adbd.py"))
            .arg("--root")
            .arg(home.path().join("phone"))
            .args(["--auth", auth])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in starts");
        let mut line = String::new();
        BufReader::new(daemon.stdout.take().expect("piped")).read_line(&mut line).expect("a port");
        Some(Self { daemon, serial: format!("127.0.0.1:{}", line.trim()), server_port: free_port(), home })
    }

    fn environment<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("ANDROID_ADB_SERVER_PORT", self.server_port.to_string()).env("HOME", self.home.path())
    }

    /// `bench` in a place whose only phone is this one.
    fn bench(&self, place: &Place, words: &[&str]) -> crate::place::Ended {
        let table = format!("[phone]\ntransport = \"adb\"\nserial = \"{}\"\n", self.serial);
        std::fs::write(place.path().join("devices.toml"), table).expect("inventory");
        let mut command = place.bench(words);
        crate::place::Ended::of(self.environment(&mut command).output().expect("bench starts"))
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let mut command = Command::new("adb");
        let _ = self.environment(&mut command).arg("kill-server").output();
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// One that nobody listens on now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_phone_is_measured_and_gets_its_agent_once() {
    let Some(phone) = Phone::new("ask") else { return };
    if !can_cross_build() {
        return;
    }
    let place = Place::new();
    let words = ["run", "--suite", "small", "--variants", "int8", "--blocks", "1", "--devices", "phone"];
    let cold = phone.bench(&place, &words);
    assert!(cold.expect_code(0).stdout.contains("int8"), "{}", cold.stdout);
    let agents =
        std::fs::read_dir(phone.home.path().join("phone/data/local/tmp/edgebench")).expect("the folder");
    let names: Vec<String> =
        agents.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("agent-")).count(), 1, "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".part")), "{names:?}");
    let checked = phone.bench(&place, &["devices", "--check", "phone"]);
    for word in ["Nobody Stand-in", "Android 16 (API 36)", "81 %, charging", "screen", "off"] {
        assert!(checked.expect_code(0).stdout.contains(word), "no {word:?} in:\n{}", checked.stdout);
    }
}

#[test]
fn a_phone_that_does_not_trust_us_is_told_as_such() {
    let Some(phone) = Phone::new("never") else { return };
    if !can_cross_build() {
        return;
    }
    let checked = phone.bench(&Place::new(), &["devices", "--check", "phone"]);
    let stdout = &checked.expect_code(4).stdout;
    assert!(stdout.contains("unauthorized") && stdout.contains("allow this computer"), "{stdout}");
}

#[test]
fn a_phone_that_is_not_there_is_told_as_such() {
    let Some(mut phone) = Phone::new("none") else { return };
    if !can_cross_build() {
        return;
    }
    phone.serial = "8A1X0".to_owned();
    let checked = phone.bench(&Place::new(), &["devices", "--check", "phone"]);
    let stdout = &checked.expect_code(4).stdout;
    assert!(stdout.contains("phone 8A1X0: not among the devices: none"), "{stdout}");
}
