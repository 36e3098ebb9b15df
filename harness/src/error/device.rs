//! Devices that do not answer, agents that cannot be built.

use super::{BenchError, ExitCode, Report};
use crate::build::{BuildError, READY_AGENTS};
use crate::session::{AdbProblem, PASSWORD_VARIABLE, SessionError};

impl From<BuildError> for BenchError {
    fn from(error: BuildError) -> Self {
        let report = Report::new(ExitCode::Device, &error).causes_of(&error);
        match &error {
            BuildError::NoSources { .. } => {
                report.help("name a ready agent with --agent or EDGEBENCH_AGENT").into()
            }
            BuildError::SourcesChanged { .. } => {
                report.help("build bench again, so that controller and agent are of the same sources").into()
            }
            BuildError::NoToolchain { target, looked } => no_toolchain(report, target, looked).into(),
            BuildError::NoCargo { .. } => {
                report.help("install Rust, or name a ready agent with --agent").into()
            }
            BuildError::Io { .. } | BuildError::Compiler { .. } => report.into(),
        }
    }
}

/// The commands that give this machine a compiler for the target.
fn no_toolchain(report: Report, target: &str, looked: &[String]) -> Report {
    let report = looked.iter().fold(report, |report, line| report.because(line));
    let report = match debian_packages(target) {
        Some(packages) => report
            .help(format!("with rustup: rustup target add {target} && apt-get install {}", packages.linker))
            .help(format!("with Debian's packages (ci/setup runs these): {}", packages.commands)),
        None => report.help(format!("with rustup: rustup target add {target}, and a linker for it")),
    };
    report.help(format!("with ready agents: {READY_AGENTS}=FOLDER, holding {target}/edgebench-agent"))
}

/// What somebody can do about a phone.
fn phone_help(problem: &AdbProblem) -> Option<&'static str> {
    match problem {
        AdbProblem::NoClient => Some("install Android's platform tools (Debian: apt-get install adb)"),
        AdbProblem::None => Some(
            "attach the phone with USB debugging allowed in its developer options; `adb devices` lists it",
        ),
        AdbProblem::Unknown { .. } | AdbProblem::Several { .. } => {
            Some("name one of them in devices.toml: serial = \"...\"")
        }
        AdbProblem::Unauthorized => Some("unlock the phone and allow this computer when it asks"),
        AdbProblem::Offline => Some("replug it, or switch its wireless debugging off and on again"),
        AdbProblem::NoPermission => {
            Some("install udev rules for it (Debian: android-sdk-platform-tools-common)")
        }
        AdbProblem::State { .. } => Some("let it start Android: adb reboot"),
        AdbProblem::Wedged => Some("end the adb server by hand: its process is called adb"),
        AdbProblem::Silent { .. } | AdbProblem::Refused { .. } => None,
    }
}

/// What gives this machine an emulator that counts.
const NO_EMULATOR: &str =
    "install QEMU's user emulation (Debian: apt-get install qemu-user; ci/setup does it)";

struct DebianPackages {
    linker: &'static str,
    commands: &'static str,
}

fn debian_packages(target: &str) -> Option<DebianPackages> {
    match target.split('-').next() {
        Some("aarch64") => Some(DebianPackages {
            linker: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
            commands: "dpkg --add-architecture arm64 && apt-get update && apt-get install rustc-web cargo-web \
                       gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstd-rust-web-dev:arm64",
        }),
        Some("armv7") => Some(DebianPackages {
            linker: "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
            commands: "apt-get install rustc-web cargo-web rust-web-src gcc-arm-linux-gnueabihf \
                       libc6-dev-armhf-cross",
        }),
        _ => None,
    }
}

impl BenchError {
    /// A device did not answer as it should, or is not the one that is meant.
    pub fn session(device: &str, error: &SessionError) -> Self {
        let exit = match error {
            SessionError::HostKey(_) => ExitCode::Refused,
            SessionError::Unsupported { .. } | SessionError::Word(_) => ExitCode::Usage,
            _ => ExitCode::Device,
        };
        let report = Report::new(exit, format!("device {device}: {error}")).causes_of(error);
        match error {
            SessionError::HostKey(_) => report
                .help("make sure that it is the right device, then pin its key in devices.toml: host_key = \"SHA256:...\"")
                .help("`ssh-keyscan HOST | ssh-keygen -lf -` shows the keys it has; nothing of ours was sent to it")
                .into(),
            SessionError::Login { .. } => report
                .help(format!("name a key with identity in devices.toml, start ssh-agent, or set {PASSWORD_VARIABLE}"))
                .into(),
            SessionError::Unsupported { .. } => {
                report.help("give a host that can be reached directly, such as through a tunnel of your own").into()
            }
            SessionError::NoEmulator { .. } => report.help(NO_EMULATOR).into(),
            SessionError::Adb { problem, .. } => match phone_help(problem) {
                Some(help) => report.help(help).into(),
                None => report.into(),
            },
            _ => report.into(),
        }
    }
}
