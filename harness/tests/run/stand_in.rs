//! A phone that is none: `ci/devices/adbd.py`, and an adb server of its own to reach it through.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::place::{Ended, Place, has, keep_toolchain, repository};

/// A phone on loopback and an adb server of its own. Both end with it.
pub(crate) struct Phone {
    daemon: Child,
    pub(crate) serial: String,
    server_port: u16,
    pub(crate) home: tempfile::TempDir,
}

impl Phone {
    /// `auth` is how the phone's owner answers: `none`, `ask` or `never`.
    pub(crate) fn new(auth: &str) -> Option<Self> {
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

    pub(crate) fn environment<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("ANDROID_ADB_SERVER_PORT", self.server_port.to_string()).env("HOME", self.home.path())
    }

    /// `bench` in a place whose only phone is this one.
    pub(crate) fn bench(&self, place: &Place, words: &[&str]) -> Ended {
        Ended::of(self.command(place, words).output().expect("bench starts"))
    }

    /// The same, not started yet.
    pub(crate) fn command(&self, place: &Place, words: &[&str]) -> Command {
        let table = format!("[phone]\ntransport = \"adb\"\nserial = \"{}\"\n", self.serial);
        std::fs::write(place.path().join("devices.toml"), table).expect("inventory");
        let mut command = place.bench(words);
        keep_toolchain(&mut command);
        self.environment(&mut command);
        command
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
