//! A device that is not there: the agent for its processor under QEMU's user emulation, with the CPU model of the
//! device, as a child process on the controller. The agent counts instructions through QEMU's plugin `agent/counter`
//! where a device on the shelf would read a clock.
//!
//! Nothing but the agent's arguments reaches it: no environment of the controller's, so that counts repeat exactly.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::process::Command;

use super::{AgentFlags, Child, Doing, Guard, Life, Link, Local, Output, Reach, SessionError, Word};
use crate::build::{AgentBinary, Interface, program};

/// An emulator of one processor on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Emulator {
    /// The program, such as `/usr/bin/qemu-aarch64`.
    pub program: PathBuf,
    /// What it calls itself, such as `qemu-aarch64 version 7.2.22`.
    pub version: String,
    /// How it loads plugins.
    pub interface: Interface,
}

/// QEMU's program for an agent's target; none where it has no user emulation or the agent has no markers.
fn emulator_name(target: &str) -> Option<&'static str> {
    match target.split('-').next()? {
        "aarch64" => Some("qemu-aarch64"),
        "armv7" | "arm" => Some("qemu-arm"),
        "x86_64" => Some("qemu-x86_64"),
        _ => None,
    }
}

impl Emulator {
    /// Looks for the emulator of a target's processor.
    ///
    /// # Errors
    /// When there is none, or none that can count.
    pub fn find(target: &str) -> Result<Self, SessionError> {
        let lacks = |name: &str, reason: &str| SessionError::NoEmulator {
            target: target.to_owned(),
            reason: format!("{name}: {reason}"),
        };
        let name = emulator_name(target).ok_or_else(|| lacks(target, "no processor that is emulated"))?;
        let program = program(name).ok_or_else(|| lacks(name, "not in PATH"))?;
        let output = std::process::Command::new(&program).arg("--version").stdin(Stdio::null()).output();
        let output =
            output.map_err(|source| SessionError::Start { what: program.display().to_string(), source })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.lines().next().unwrap_or_default().to_owned();
        let number = number(&version).ok_or_else(|| lacks(name, "tells no version"))?;
        let interface = Interface::of_qemu(number)
            .ok_or_else(|| lacks(&version, "loads no plugins that are known here"))?;
        Ok(Self { program, version, interface })
    }
}

/// `(7, 2)` of `qemu-aarch64 version 7.2.22 (Debian ...)`.
fn number(version: &str) -> Option<(u32, u32)> {
    let (_, rest) = version.split_once("version ")?;
    let mut parts = rest.split(['.', ' ', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Agents of one emulated device.
#[derive(Clone, Debug)]
pub struct Emulated {
    emulator: Emulator,
    cpu: String,
    plugin: PathBuf,
    store: PathBuf,
}

impl Emulated {
    /// A device with QEMU's CPU model `cpu`, whose agents keep their files in `store`.
    pub fn new(emulator: Emulator, cpu: &str, plugin: &Path, store: PathBuf) -> Self {
        Self { emulator, cpu: cpu.to_owned(), plugin: plugin.to_owned(), store }
    }

    /// The command, and the file that counts come through.
    fn command(&self, agent: &AgentBinary) -> (Command, Counts) {
        let counts = Counts::beside(&self.store);
        let mut plugin = self.plugin.clone().into_os_string();
        plugin.push(",out=");
        plugin.push(&counts.path);
        let mut command = Command::new(&self.emulator.program);
        command.env_clear().arg("-cpu").arg(&self.cpu).arg("-plugin").arg(plugin).arg(&agent.path);
        command.arg("--store").arg(&self.store).arg("--counter").arg(&counts.path);
        (command, counts)
    }
}

impl Reach for Emulated {
    fn deploy<'a>(&'a self, _agent: &'a AgentBinary) -> Doing<'a, u64> {
        Box::pin(async {
            let made = tokio::fs::create_dir_all(&self.store).await;
            made.map_err(|source| SessionError::File { path: self.store.display().to_string(), source })?;
            Ok(0)
        })
    }

    fn start<'a>(&'a self, agent: &'a AgentBinary) -> Doing<'a, Link> {
        Box::pin(async {
            let (mut command, counts) = self.command(agent);
            let link = Child::start(&mut command)?;
            Ok(Link { guard: Box::new(Counted { child: link.guard, _counts: counts }), counts: true, ..link })
        })
    }

    fn run<'a>(&'a self, words: &'a [Word], patience: Duration) -> Doing<'a, Output> {
        Box::pin(
            async move { Local::new(self.store.clone(), AgentFlags::default()).run(words, patience).await },
        )
    }

    fn properties(&self) -> Doing<'_, Vec<(String, String)>> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let known = vec![
            pair("cpu_model", &self.cpu),
            pair("emulator", &self.emulator.version),
            pair("latency_unit", "instructions"),
        ];
        Box::pin(async move { Ok(known) })
    }

    fn clean(&self) -> Doing<'_, ()> {
        Box::pin(async { Local::new(self.store.clone(), AgentFlags::default()).clean().await })
    }
}

/// The file that one session's counts come through; gone with the session.
struct Counts {
    path: PathBuf,
}

/// Sessions of this process so far, so that each has a file of its own.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

impl Counts {
    fn beside(store: &Path) -> Self {
        let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
        // Always the same length: it stands in the arguments, and those lie on the stack of what is counted.
        Self { path: store.join(format!("counts-{:010}-{number:010}", std::process::id())) }
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        // Nothing depends on it any more; a file that stays takes 16 bytes.
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Counted {
    child: Box<dyn Guard>,
    _counts: Counts,
}

impl Guard for Counted {
    fn obituary(&mut self) -> Life<'_, Option<String>> {
        self.child.obituary()
    }

    fn end(&mut self, patience: Duration) -> Life<'_, ()> {
        self.child.end(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(number("qemu-aarch64 version 7.2.22 (Debian 1:7.2+dfsg-7)"), Some((7, 2)));
        assert_eq!(number("qemu-arm version 10.0.2"), Some((10, 0)));
        assert_eq!(number("something else"), None);
    }

    #[test]
    fn each_session_has_a_file_of_its_own_and_of_the_same_length() {
        let (one, two) = (Counts::beside(Path::new("/s")), Counts::beside(Path::new("/s")));
        assert_ne!(one.path, two.path);
        assert_eq!(one.path.as_os_str().len(), two.path.as_os_str().len());
    }

    #[test]
    fn a_processor_without_markers_is_not_emulated() {
        assert_eq!(emulator_name("armv7-unknown-linux-gnueabihf"), Some("qemu-arm"));
        assert!(Emulator::find("riscv64gc-unknown-linux-gnu").is_err());
    }
}
