//! The history as a branch of a git repository, read and written without a checkout: nothing in the working tree moves.
//! A commit only ever adds files, and the branch only moves on from where it was read.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Times that adding is tried again when somebody else moved the branch meanwhile.
const TRIES: u32 = 5;

/// A branch of the repository at a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Branch {
    repository: PathBuf,
    name: String,
}

/// Why the branch cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// Git could not be started.
    #[error("cannot start git")]
    NoGit(#[source] std::io::Error),
    /// Git refused.
    #[error("git {action} failed: {words}")]
    Git {
        /// What was done.
        action: String,
        /// Its last line.
        words: String,
    },
    /// The name could be taken for something else.
    #[error("branch name: expected letters, digits, `.`, `_`, `-` and `/`, found {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// There is no such branch.
    #[error("no branch {name}")]
    Missing {
        /// The name.
        name: String,
    },
    /// Somebody else moved it again and again.
    #[error("branch {name} moved {TRIES} times while a run was added to it")]
    Busy {
        /// The name.
        name: String,
    },
}

impl Branch {
    /// The branch of this name; it need not exist yet.
    ///
    /// # Errors
    /// When the name is not a plain one.
    pub fn new(repository: PathBuf, name: &str) -> Result<Self, BranchError> {
        let plain = |one: char| one.is_ascii_alphanumeric() || "._-/".contains(one);
        let usable =
            !name.is_empty() && name.len() <= 200 && !name.starts_with('-') && name.chars().all(plain);
        let (repository, name) = (repository, name.to_owned());
        if usable { Ok(Self { repository, name }) } else { Err(BranchError::Name { name }) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names and contents of its files that end in `.extension`.
    ///
    /// # Errors
    /// When there is no such branch, or git refuses.
    pub fn files(&self, extension: &str) -> Result<Vec<(String, Vec<u8>)>, BranchError> {
        let tip = self.tip()?.ok_or_else(|| BranchError::Missing { name: self.name.clone() })?;
        let listed = self.git(&["ls-tree", "-r", "-z", "--name-only", &tip], b"")?;
        let mut files = Vec::new();
        for name in listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let name = String::from_utf8_lossy(name).into_owned();
            if name.ends_with(&format!(".{extension}")) {
                let content = self.git(&["cat-file", "blob", &format!("{tip}:{name}")], b"")?;
                files.push((name, content));
            }
        }
        Ok(files)
    }

    /// Adds a file in a commit of its own. False if it is there already.
    ///
    /// # Errors
    /// When git refuses, or others move the branch all the time.
    pub fn add(&self, name: &str, content: &[u8]) -> Result<bool, BranchError> {
        let blob = self.line(&["hash-object", "-w", "--stdin"], content)?;
        for _ in 0..TRIES {
            let tip = self.tip()?;
            let mut tree = match &tip {
                Some(tip) => self.git(&["ls-tree", "-z", tip], b"")?,
                None => Vec::new(),
            };
            let entry_end = format!("\t{name}");
            if tree.split(|byte| *byte == 0).any(|entry| entry.ends_with(entry_end.as_bytes())) {
                return Ok(false);
            }
            tree.extend(format!("100644 blob {blob}\t{name}\0").bytes());
            let tree = self.line(&["mktree", "-z"], &tree)?;
            let message = format!("Add {name}");
            let mut commit = vec!["commit-tree", tree.as_str(), "-m", &message];
            commit.extend(tip.iter().flat_map(|tip| ["-p", tip.as_str()]));
            let commit = self.line(&commit, b"")?;
            let before = tip.clone().unwrap_or_else(|| "0".repeat(commit.len()));
            if self.git(&["update-ref", &self.reference(), &commit, &before], b"").is_ok() {
                return Ok(true);
            }
        }
        Err(BranchError::Busy { name: self.name.clone() })
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.name)
    }

    /// Its newest commit; also that of the remote `origin` where there is no local one.
    fn tip(&self) -> Result<Option<String>, BranchError> {
        for reference in [self.reference(), format!("refs/remotes/origin/{}", self.name)] {
            match self.line(&["rev-parse", "--verify", "--quiet", &format!("{reference}^{{commit}}")], b"") {
                Ok(commit) => return Ok(Some(commit)),
                Err(error @ BranchError::NoGit(_)) => return Err(error),
                Err(_) => {}
            }
        }
        // Outside of a repository that question has the same answer; this one has not.
        self.line(&["rev-parse", "--git-dir"], b"").map(|_| None)
    }

    fn line(&self, arguments: &[&str], input: &[u8]) -> Result<String, BranchError> {
        Ok(String::from_utf8_lossy(&self.git(arguments, input)?).trim().to_owned())
    }

    fn git(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, BranchError> {
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(&self.repository)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(BranchError::NoGit)?;
        let input = input.to_vec();
        let stdin = child.stdin.take();
        // From a thread of its own: neither side then waits for the other with a full pipe.
        let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
        let output = child.wait_with_output().map_err(BranchError::NoGit)?;
        // A git that did not want all of its input says why by its exit status.
        let _ = writer.join();
        if output.status.success() {
            return Ok(output.stdout);
        }
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.lines().last().unwrap_or_default().to_owned();
        Err(BranchError::Git { action: arguments.first().copied().unwrap_or_default().to_owned(), words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        for arguments in [
            &["init", "--quiet"][..],
            &["config", "user.name", "test"],
            &["config", "user.email", "test@example.org"],
        ] {
            let done = Command::new("git").args(arguments).current_dir(folder.path()).status();
            assert!(done.expect("git runs").success());
        }
        folder
    }

    #[test]
    fn files_are_added_once_and_none_is_lost() {
        let folder = repository();
        let branch = Branch::new(folder.path().to_owned(), "bench/history").expect("a name");
        assert!(matches!(branch.files("parquet"), Err(BranchError::Missing { .. })));
        assert!(branch.add("a.parquet", b"one\0two").expect("added"));
        assert!(branch.add("b.parquet", b"three").expect("added"));
        assert!(!branch.add("a.parquet", b"one\0two").expect("there already"));
        assert!(branch.add("note.txt", b"x").expect("added"));
        let files = branch.files("parquet").expect("readable");
        let expected = [("a.parquet", &b"one\0two"[..]), ("b.parquet", b"three")];
        assert_eq!(files.len(), 2);
        for ((name, content), (wanted, bytes)) in files.iter().zip(expected) {
            assert_eq!((name.as_str(), content.as_slice()), (wanted, bytes));
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 1, "only .git: no checkout");
    }

    /// Two machines add a run each to what both have; git merges them by itself.
    #[test]
    fn branches_that_both_added_merge_without_conflict() {
        let folder = repository();
        let at = |name: &str| Branch::new(folder.path().to_owned(), name).expect("a name");
        let git = |arguments: &[&str]| {
            let done =
                Command::new("git").args(arguments).current_dir(folder.path()).output().expect("git runs");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        };
        at("one").add("start.parquet", b"0").expect("added");
        git(&["branch", "two", "one"]);
        at("one").add("from-one.parquet", b"1").expect("added");
        at("two").add("from-two.parquet", b"2").expect("added");
        git(&["checkout", "--quiet", "one"]);
        git(&["merge", "--quiet", "--no-edit", "two"]);
        assert_eq!(at("one").files("parquet").expect("readable").len(), 3);
    }

    #[test]
    fn names_that_git_could_misread_are_refused() {
        for name in ["", "-d", "a b", "a;b", "a\nb", "$(x)"] {
            assert!(
                matches!(Branch::new(PathBuf::from("."), name), Err(BranchError::Name { .. })),
                "{name:?}"
            );
        }
    }

    #[test]
    fn no_repository_is_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let branch = Branch::new(folder.path().to_owned(), "history").expect("a name");
        assert!(matches!(branch.files("parquet"), Err(BranchError::Git { .. })));
    }
}
