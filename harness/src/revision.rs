//! The git repository around a suite, asked through git itself: which revision is checked out, what a name stands for,
//! where two branches parted, what a file was.
//!
//! Nothing here changes a repository. Names come from users: each is one argument that git is told not to take for an
//! option.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Longest file that is read from a revision, in bytes: that of a configuration file.
const MAX_BYTES: usize = crate::config::MAX_BYTES as usize;

/// What can go wrong with a repository.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RevisionError {
    /// git is not installed, or the folder is in no repository.
    #[error("no git repository around {}", folder.display())]
    NoRepository {
        /// Where was looked.
        folder: PathBuf,
        /// What git said, in one line.
        said: String,
    },
    /// A name that stands for no commit.
    #[error("unknown revision `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A file that a revision does not have, or that is no text.
    #[error("revision {name} has no {}", path.display())]
    NoFile {
        /// The revision.
        name: String,
        /// The file, from the top of the repository.
        path: PathBuf,
    },
}

/// A repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repository {
    top: PathBuf,
}

impl Repository {
    /// The repository that a folder lies in.
    ///
    /// # Errors
    /// When there is none, or no git.
    pub fn around(folder: &Path) -> Result<Self, RevisionError> {
        match git(folder, &["rev-parse", "--show-toplevel"]) {
            Ok(top) => Ok(Self { top: PathBuf::from(top.trim_end_matches('\n')) }),
            Err(said) => Err(RevisionError::NoRepository { folder: folder.to_owned(), said }),
        }
    }

    /// The full name of the commit that is checked out; none before the first one.
    pub fn head(&self) -> Option<String> {
        self.resolve("HEAD").ok()
    }

    /// Name of the branch that is checked out.
    pub fn branch(&self) -> Option<String> {
        let name = git(&self.top, &["symbolic-ref", "--quiet", "--short", "HEAD"]).ok()?;
        Some(name.trim().to_owned())
    }

    /// Whether a tracked file differs from the commit that is checked out.
    pub fn is_dirty(&self) -> bool {
        git(&self.top, &["status", "--porcelain", "--untracked-files=no"]).is_ok_and(|text| !text.is_empty())
    }

    /// The full name of the commit that a branch, a tag or a short name stands for.
    ///
    /// # Errors
    /// When it stands for none.
    pub fn resolve(&self, name: &str) -> Result<String, RevisionError> {
        let unknown = || RevisionError::Unknown { name: name.to_owned() };
        if name.contains("..") || name.contains('\0') {
            return Err(unknown());
        }
        let commit = format!("{name}^{{commit}}");
        let found = git(&self.top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        found.map(|text| text.trim().to_owned()).map_err(|_| unknown())
    }

    /// The commit where two lines of history parted; none if they never met.
    pub fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        let found = git(&self.top, &["merge-base", "--end-of-options", one, other]).ok()?;
        Some(found.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A commit and those before it on its own line, newest first.
    pub fn line_of(&self, commit: &str, most: usize) -> Vec<String> {
        let most = format!("--max-count={most}");
        let found = git(&self.top, &["rev-list", "--first-parent", &most, "--end-of-options", commit, "--"]);
        found.map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// The text of a file as a commit has it; `file` is a path on this machine.
    ///
    /// # Errors
    /// When the commit does not have it, or it is longer than a configuration file may be, or no text.
    pub fn text_at(&self, commit: &str, file: &Path) -> Result<String, RevisionError> {
        let top = self.top.canonicalize().unwrap_or_else(|_| self.top.clone());
        let whole =
            file.canonicalize().or_else(|_| std::path::absolute(file)).unwrap_or_else(|_| file.to_owned());
        let path = whole.strip_prefix(&top).unwrap_or(file).to_owned();
        let missing = || RevisionError::NoFile { name: commit.to_owned(), path: path.clone() };
        let object = format!("{commit}:{}", path.to_str().ok_or_else(missing)?);
        let text = git(&self.top, &["cat-file", "blob", &object]).map_err(|_| missing())?;
        if text.len() > MAX_BYTES { Err(missing()) } else { Ok(text) }
    }
}

/// What git writes to standard output, or what it says instead, in one line.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    // Neither hooks nor helpers of the repository run, and nothing of it is locked.
    command.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    command.arg("-C").arg(folder).args(arguments).stdin(Stdio::null());
    // Inside a hook these would point to another repository than the folder's.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    let output = command.output().map_err(|cause| format!("git cannot be run: {cause}"))?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|_| "git wrote no text".to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().unwrap_or("git failed").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, arguments: &[&str]) {
        let who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        let status = Command::new("git")
            .args(who)
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("git runs").success(), "{arguments:?}");
    }

    fn commit(folder: &Path, name: &str, text: &str) {
        std::fs::write(folder.join(name), text).expect("written");
        run(folder, &["add", name]);
        run(folder, &["commit", "-qm", text]);
    }

    fn with_two_branches() -> (tempfile::TempDir, Repository) {
        let folder = tempfile::tempdir().expect("temporary folder");
        run(folder.path(), &["init", "-q", "-b", "main"]);
        commit(folder.path(), "file", "one");
        run(folder.path(), &["switch", "-qc", "change"]);
        commit(folder.path(), "file", "two");
        run(folder.path(), &["switch", "-q", "main"]);
        commit(folder.path(), "other", "three");
        let repository = Repository::around(folder.path()).expect("a repository");
        (folder, repository)
    }

    #[test]
    fn branches_part_where_they_parted() {
        let (folder, repository) = with_two_branches();
        let [main, change] = ["main", "change"].map(|name| repository.resolve(name).expect("a branch"));
        let base = repository.merge_base(&main, &change).expect("they met");
        assert_eq!(repository.line_of(&main, 9), [main.clone(), base.clone()]);
        assert_eq!(repository.head(), Some(main.clone()));
        assert_eq!(repository.branch().as_deref(), Some("main"));
        assert_eq!(repository.resolve(&main[..12]), Ok(main));
        let file = folder.path().join("file");
        assert_eq!(repository.text_at(&base, &file).as_deref(), Ok("one"));
        assert_eq!(repository.text_at(&change, &file).as_deref(), Ok("two"));
        assert!(repository.text_at(&base, &folder.path().join("other")).is_err());
        assert!(!repository.is_dirty());
        std::fs::write(&file, "changed").expect("written");
        assert!(repository.is_dirty());
    }

    #[test]
    fn names_are_never_options_or_ranges() {
        let (_folder, repository) = with_two_branches();
        for name in ["--help", "-h", "main..change", "nothing", "", "a\0b", "--output=x", "main^{tree}"] {
            assert!(repository.resolve(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_folder_outside_is_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert!(matches!(Repository::around(folder.path()), Err(RevisionError::NoRepository { .. })));
    }
}
