//! Which compiler and linker make an agent for a target. Looks, in a fixed order, at what this machine has, and says
//! of each way whether it would do and, if not, what it lacks. Starts compilers only to ask for their version.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian's packages put their compiler.
const SYSTEM_BIN: &str = "/usr/bin";

/// One way to an agent, and how far it leads on this machine.
#[derive(Debug)]
pub struct Way {
    /// What it is called.
    pub name: &'static str,
    /// What builds the agent, or what is missing.
    pub found: Result<Toolchain, String>,
}

/// A compiler with everything it needs for one target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Toolchain {
    /// The target.
    pub target: String,
    /// In one line, for people.
    pub description: String,
    /// Program that runs the build.
    pub(super) cargo: PathBuf,
    /// Program that compiles; none lets cargo choose.
    pub(super) rustc: Option<PathBuf>,
    /// `rustc -V`.
    pub(super) version: String,
    /// Folder of the compiler.
    pub(super) sysroot: PathBuf,
    /// Program that links; none for the compiler's own choice.
    pub(super) linker: Option<PathBuf>,
    /// Where the standard library is from.
    pub(super) library: Library,
    /// Whether cargo-zigbuild does the linking.
    pub(super) zig: bool,
}

/// Where the standard library of the target is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Library {
    /// It came with the compiler.
    Installed,
    /// It is made once from the compiler's own sources.
    Sources(PathBuf),
}

/// A compiler, before it is known whether it can do a target.
struct Compiler {
    cargo: PathBuf,
    rustc: Option<PathBuf>,
    version: String,
    sysroot: PathBuf,
}

/// Every way to an agent for `target` that builds from sources, the first choice in front. `repository` is where the
/// build would run: rustup chooses a toolchain by folder.
pub fn ways(target: &str, repository: &Path) -> Vec<Way> {
    let rustup = Compiler::chosen_by_rustup(repository);
    let system = Compiler::of_the_system();
    vec![
        Way {
            name: "rustup target",
            found: rustup
                .as_ref()
                .map_err(String::clone)
                .and_then(|compiler| compiler.with_gcc(target, false)),
        },
        Way {
            name: "system toolchain",
            found: system
                .as_ref()
                .map_err(String::clone)
                .and_then(|compiler| compiler.with_gcc(target, true)),
        },
        Way {
            name: "zig",
            found: zig(target, [rustup.as_ref().ok(), system.as_ref().ok()].into_iter().flatten()),
        },
    ]
}

impl Compiler {
    fn chosen_by_rustup(repository: &Path) -> Result<Self, String> {
        let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        Self::ask(cargo, None, Some(repository))
    }

    fn of_the_system() -> Result<Self, String> {
        let bin = Path::new(SYSTEM_BIN);
        Self::ask(bin.join("cargo"), Some(bin.join("rustc")), None)
    }

    fn ask(cargo: PathBuf, rustc: Option<PathBuf>, folder: Option<&Path>) -> Result<Self, String> {
        let program = rustc.clone().unwrap_or_else(|| PathBuf::from("rustc"));
        let version = answer(&program, &["-V"], folder)?;
        let oldest = env!("CARGO_PKG_RUST_VERSION");
        if release(&version).is_none_or(|found| Some(found) < release(oldest)) {
            return Err(format!("{}: expected rustc {oldest} or newer, found {version}", program.display()));
        }
        let sysroot = PathBuf::from(answer(&program, &["--print", "sysroot"], folder)?);
        Ok(Self { cargo, rustc, version, sysroot })
    }

    /// With a C compiler for the target as linker. `may_build_library` where the library's sources are there too.
    fn with_gcc(&self, target: &str, may_build_library: bool) -> Result<Toolchain, String> {
        let linker = gcc_name(target).ok_or_else(|| format!("no linker is known for {target}"))?;
        let library = self.library(target, may_build_library)?;
        let linker = program(linker).ok_or_else(|| format!("no linker {linker} in PATH"))?;
        let made =
            if library == Library::Installed { "" } else { ", standard library made once from its sources" };
        Ok(Toolchain {
            target: target.to_owned(),
            description: format!("{}, linker {}{made}", self.version, linker.display()),
            cargo: self.cargo.clone(),
            rustc: self.rustc.clone(),
            version: self.version.clone(),
            sysroot: self.sysroot.clone(),
            linker: Some(linker),
            library,
            zig: false,
        })
    }

    fn library(&self, target: &str, may_build: bool) -> Result<Library, String> {
        let rustlib = self.sysroot.join("lib/rustlib");
        if has_standard_library(&rustlib.join(target).join("lib")) {
            return Ok(Library::Installed);
        }
        let sources = rustlib.join("src/rust/library");
        if may_build && sources.join("std/Cargo.toml").is_file() {
            return Ok(Library::Sources(sources));
        }
        Err(format!("no standard library for {target} in {}", rustlib.display()))
    }
}

/// Zig brings a C library and a linker for every target; cargo-zigbuild hands them to cargo. Static programs need musl.
fn zig<'c>(target: &str, compilers: impl Iterator<Item = &'c Compiler>) -> Result<Toolchain, String> {
    let Some(zigbuild) = program("cargo-zigbuild") else {
        return Err("no cargo-zigbuild in PATH".to_owned());
    };
    let musl = musl_of(target);
    let mut lacks = "no compiler".to_owned();
    for compiler in compilers {
        match compiler.library(&musl, false) {
            Ok(library) => {
                return Ok(Toolchain {
                    target: musl,
                    description: format!("{}, linker {}", compiler.version, zigbuild.display()),
                    cargo: compiler.cargo.clone(),
                    rustc: compiler.rustc.clone(),
                    version: compiler.version.clone(),
                    sysroot: compiler.sysroot.clone(),
                    linker: None,
                    library,
                    zig: true,
                });
            }
            Err(reason) => lacks = reason,
        }
    }
    Err(lacks)
}

fn musl_of(target: &str) -> String {
    target.replace("-gnueabihf", "-musleabihf").replace("-gnu", "-musl")
}

/// Debian's names of its cross compilers. A static musl program can be linked by the C compiler of the same processor.
fn gcc_name(target: &str) -> Option<&'static str> {
    let processor = target.split('-').next()?;
    let linux = target.contains("-linux-");
    match processor {
        "aarch64" if linux => Some("aarch64-linux-gnu-gcc"),
        "armv7" | "arm" if linux && target.ends_with("eabihf") => Some("arm-linux-gnueabihf-gcc"),
        "riscv64gc" if linux => Some("riscv64-linux-gnu-gcc"),
        "x86_64" if linux => Some("x86_64-linux-gnu-gcc"),
        _ => None,
    }
}

fn has_standard_library(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// Where a program of this name is in `PATH`.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The first line that a program prints.
fn answer(program: &Path, arguments: &[&str], folder: Option<&Path>) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        command.current_dir(folder);
    }
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next().map(str::trim) {
        Some(line) if output.status.success() && !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!("{} {}: no answer", program.display(), arguments.join(" "))),
    }
}

/// `1.96` of `rustc 1.96.0 (...)` or of `1.96`.
fn release(version: &str) -> Option<(u32, u32)> {
    let number =
        version.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let mut parts = number.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What cargo calls the settings of a target in the environment: `CARGO_TARGET_<THIS>_LINKER`.
pub(super) fn in_environment(target: &str) -> String {
    target.replace(['-', '.'], "_").to_ascii_uppercase()
}

impl Toolchain {
    /// A command that runs cargo for the target, with nothing of another toolchain's environment.
    pub(super) fn cargo(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        command.stdin(Stdio::null());
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"] {
            command.env_remove(name);
        }
        if let Some(rustc) = &self.rustc {
            // Otherwise cargo takes the first one in PATH, which is rustup's.
            command.env("RUSTC", rustc).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        }
        command
    }

    /// Everything that decides what the compiler makes of the same sources.
    pub(super) fn identity(&self) -> String {
        let linker = self.linker.as_deref().map_or(OsStr::new("zig"), Path::as_os_str);
        format!("{} {} {}", self.version, self.sysroot.display(), linker.to_string_lossy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_compared() {
        assert_eq!(release("rustc 1.96.0 (ac68faa20 2026-05-25)"), Some((1, 96)));
        assert_eq!(release("1.95"), Some((1, 95)));
        assert_eq!(release("rustc"), None);
        assert!(release("rustc 1.100.0-nightly") > release("1.95"));
    }

    #[test]
    fn linkers_are_those_of_the_processor() {
        assert_eq!(gcc_name("aarch64-unknown-linux-musl"), Some("aarch64-linux-gnu-gcc"));
        assert_eq!(gcc_name("armv7-unknown-linux-gnueabihf"), Some("arm-linux-gnueabihf-gcc"));
        assert_eq!(gcc_name("thumbv7em-none-eabihf"), None);
        assert_eq!(musl_of("armv7-unknown-linux-gnueabihf"), "armv7-unknown-linux-musleabihf");
    }

    #[test]
    fn cargo_is_told_of_a_target_in_its_own_spelling() {
        assert_eq!(in_environment("aarch64-unknown-linux-gnu"), "AARCH64_UNKNOWN_LINUX_GNU");
    }

    #[test]
    fn ways_that_lead_nowhere_say_what_is_missing() {
        for way in ways("nosuch-unknown-none", Path::new("/")) {
            assert!(way.found.is_err(), "{}", way.name);
        }
    }
}
