//! The standard library of a target whose compiler brings only its sources: made once, kept by the compiler's version.
//! Cargo's `-Zbuild-std` makes it in a crate of its own, so that the agent itself is compiled without unstable
//! features.

use std::path::{Path, PathBuf};

use super::toolchain::{Library, Toolchain};
use super::{BuildError, COMPILER_WORDS, last_lines};

/// A crate without content: cargo makes the standard library before it looks at anything else.
const MANIFEST: &str = "[package]\nname = \"standard-library\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
     [lib]\npath = \"lib.rs\"\n\n[profile.release]\ndebug = false\n\n[workspace]\n";

/// Folder to give the compiler as `--sysroot`; none when it has the library itself.
///
/// # Errors
/// When the library cannot be made or kept.
pub(super) fn sysroot(toolchain: &Toolchain, root: &Path) -> Result<Option<PathBuf>, BuildError> {
    if toolchain.library == Library::Installed {
        return Ok(None);
    }
    let key = blake3::hash(toolchain.identity().as_bytes()).to_hex();
    let kept = root.join("sysroots").join(&key[..16]).join(&toolchain.target);
    if kept.is_dir() {
        return Ok(Some(kept));
    }
    let io = |action, path: &Path| {
        let (target, path) = (toolchain.target.clone(), path.to_owned());
        move |source| BuildError::Io { target, action, path, source }
    };
    let work = kept.with_extension(format!("{}.part", std::process::id()));
    std::fs::create_dir_all(&work).map_err(io("create", &work))?;
    let made = make(toolchain, &work).and_then(|library| {
        let sysroot = work.join("sysroot");
        collect(&library, &sysroot.join("lib/rustlib").join(&toolchain.target).join("lib"))
            .map_err(io("write", &sysroot))?;
        match std::fs::rename(&sysroot, &kept) {
            // Somebody else was faster: theirs is as good.
            Err(_) if kept.is_dir() => Ok(()),
            renamed => renamed.map_err(io("write", &kept)),
        }
    });
    let _ = std::fs::remove_dir_all(&work);
    made.map(|()| Some(kept))
}

/// Compiles the library in `work` and returns the folder its parts are in.
fn make(toolchain: &Toolchain, work: &Path) -> Result<PathBuf, BuildError> {
    let target = &toolchain.target;
    let io =
        |source| BuildError::Io { target: target.clone(), action: "write", path: work.to_owned(), source };
    std::fs::write(work.join("Cargo.toml"), MANIFEST).map_err(io)?;
    std::fs::write(work.join("lib.rs"), "").map_err(io)?;
    let output = toolchain
        .cargo()
        .args(["build", "--quiet", "--release", "--target", target])
        .arg("-Zbuild-std=std,panic_abort,panic_unwind")
        .arg("--target-dir")
        .arg(work.join("target"))
        .current_dir(work)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-C embed-bitcode=yes")
        .output()
        .map_err(|source| BuildError::NoCargo { target: target.clone(), source })?;
    if output.status.success() {
        return Ok(work.join("target").join(target).join("release/deps"));
    }
    let words = last_lines(&String::from_utf8_lossy(&output.stderr), COMPILER_WORDS);
    Err(BuildError::Compiler { target: target.clone(), words })
}

/// Copies the library's parts, and not the empty crate they were made with.
fn collect(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        let is_part = text.ends_with(".rlib") || text.ends_with(".rmeta");
        if is_part && !text.starts_with("libstandard_library") {
            std::fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}
