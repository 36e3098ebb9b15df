//! Who uses this device: one controller at a time. The lease is a file beside the received ones, renewed as long as an
//! agent runs and taken over when it was not renewed for a while. Each new owner gets a higher number, and an agent whose
//! lease went to somebody else ends: it would disturb what the new owner measures.
//!
//! The time is the device's own time since it started, so that no clock needs to be right; a lease from before a restart
//! is nobody's.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// First word of the file; the digit is the version of its form.
const MARK: &str = "EBL1";

/// A lease that was not renewed for so long is free.
const LAPSES_AFTER: Duration = Duration::from_secs(30);

/// Longest file that is read.
const MAX_BYTES: u64 = 4096;

/// The lease of this agent.
pub(crate) struct Lease {
    file: PathBuf,
    token: String,
    owner: String,
    boot: String,
}

/// Why the device cannot be used.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum LeaseError {
    #[error(
        "lease: expected a free device, found it used by {owner} (lease {number}, renewed {age_secs} s ago)"
    )]
    Held { owner: String, number: u64, age_secs: u64 },
    #[error("lease: {0}")]
    File(String),
}

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    number: u64,
    token: String,
    boot: String,
    renewed_secs: u64,
    owner: String,
}

impl Lease {
    /// Takes the lease, or renews it when an earlier agent of the same run has it.
    pub(crate) fn take(folder: &Path, token: &str, owner: &str) -> Result<Self, LeaseError> {
        let word = |text: &str| text.split_whitespace().collect::<Vec<_>>().join("-");
        let lease = Self {
            file: folder.join("lease"),
            token: word(token),
            owner: owner.lines().next().unwrap_or_default().trim().to_owned(),
            boot: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .map_or_else(|_| "-".into(), |id| word(&id)),
        };
        lease.renew()?;
        Ok(lease)
    }

    /// Says that the device is still used.
    pub(crate) fn renew(&self) -> Result<(), LeaseError> {
        let _lock = self.lock().map_err(|error| self.trouble(&error))?;
        let now_secs = uptime_secs();
        let known = self.read();
        let number = match &known {
            Some(entry) if entry.token == self.token && entry.boot == self.boot => entry.number,
            Some(entry)
                if entry.boot == self.boot
                    && now_secs.saturating_sub(entry.renewed_secs) < LAPSES_AFTER.as_secs() =>
            {
                return Err(LeaseError::Held {
                    owner: entry.owner.clone(),
                    number: entry.number,
                    age_secs: now_secs.saturating_sub(entry.renewed_secs),
                });
            }
            Some(entry) => entry.number.saturating_add(1),
            None => 1,
        };
        let Self { token, boot, owner, .. } = self;
        let part = self.file.with_extension("new");
        let text = format!("{MARK} {number} {token} {boot} {now_secs} {owner}\n");
        let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, &self.file));
        written.map_err(|error| self.trouble(&error))
    }

    /// Held while the file is read and written.
    fn lock(&self) -> std::io::Result<File> {
        let lock = OpenOptions::new().create(true).append(true).open(self.file.with_extension("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// Nothing when there is no lease, or none that can be understood.
    fn read(&self) -> Option<Entry> {
        let mut text = String::new();
        File::open(&self.file).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        parse(&text)
    }

    fn trouble(&self, error: &std::io::Error) -> LeaseError {
        LeaseError::File(format!("{}: {error}", self.file.display()))
    }
}

fn parse(text: &str) -> Option<Entry> {
    let mut words = text.trim_end().splitn(6, ' ');
    if words.next() != Some(MARK) {
        return None;
    }
    Some(Entry {
        number: words.next()?.parse().ok()?,
        token: words.next()?.to_owned(),
        boot: words.next()?.to_owned(),
        renewed_secs: words.next()?.parse().ok()?,
        owner: words.next()?.to_owned(),
    })
}

/// Time since the device started, sleep included.
fn uptime_secs() -> u64 {
    u64::try_from(clock_gettime(ClockId::Boottime).tv_sec).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(folder: &Path, change: impl FnOnce(&mut Entry)) {
        let file = folder.join("lease");
        let mut entry = parse(&std::fs::read_to_string(&file).expect("a lease")).expect("understood");
        change(&mut entry);
        let Entry { number, token, boot, renewed_secs, owner } = entry;
        std::fs::write(file, format!("{MARK} {number} {token} {boot} {renewed_secs} {owner}\n"))
            .expect("written");
    }

    #[test]
    fn a_second_owner_is_told_of_the_first() {
        let folder = tempfile::tempdir().expect("folder");
        Lease::take(folder.path(), "one", "ann at lab, run 7").expect("free");
        Lease::take(folder.path(), "one", "ann at lab, run 7").expect("the same run");
        let Err(LeaseError::Held { owner, number, .. }) = Lease::take(folder.path(), "two", "bob") else {
            panic!("two owners")
        };
        assert_eq!((owner.as_str(), number), ("ann at lab, run 7", 1));
    }

    #[test]
    fn a_lapsed_lease_goes_to_the_next_and_its_owner_is_fenced_off() {
        let folder = tempfile::tempdir().expect("folder");
        let first = Lease::take(folder.path(), "one", "ann").expect("free");
        rewritten(folder.path(), |entry| entry.renewed_secs = 0);
        if uptime_secs() <= LAPSES_AFTER.as_secs() {
            println!("skipped: a_lapsed_lease: this machine has only just started");
            return;
        }
        Lease::take(folder.path(), "two", "bob").expect("lapsed");
        assert!(matches!(first.renew(), Err(LeaseError::Held { number: 2, .. })));
    }

    #[test]
    fn a_lease_from_before_a_restart_is_nobodys() {
        let folder = tempfile::tempdir().expect("folder");
        Lease::take(folder.path(), "one", "ann").expect("free");
        rewritten(folder.path(), |entry| entry.boot = "another".into());
        Lease::take(folder.path(), "two", "bob").expect("restarted");
    }

    #[test]
    fn a_ruin_is_no_lease() {
        for text in ["", "EBL1", "EBL2 1 a b 3 c", "EBL1 x a b 3 c", "EBL1 1 a b 3"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
