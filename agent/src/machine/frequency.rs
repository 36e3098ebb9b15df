//! The frequency that processors run at, for one session: set because somebody asked for it, and put back behind it.
//!
//! What was there before is noted in a file in the store's folder before anything is changed; the file goes away when
//! everything is as it was. An agent that was killed leaves it: the next one, or the controller's script that leaves the
//! device, puts back what it says. Agents that run at once share the setting; the last of them puts it back.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::files::Root;

/// Where Linux has its frequency domains (Documentation/admin-guide/pm/cpufreq.rst).
const DOMAINS: &str = "sys/devices/system/cpu/cpufreq";

const GOVERNOR: &str = "scaling_governor";
const MAX_KHZ: &str = "scaling_max_freq";

/// The file that says what was there before: lines of domain, file and value.
const NOTE: &str = "frequency";

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Frequency {
    /// Name of a governor, such as `performance`.
    pub(crate) governor: Option<String>,
    /// Limit of the clock.
    pub(crate) max_khz: Option<u32>,
}

/// Why the frequency is not as it was asked for.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum FrequencyError {
    #[error("frequency: expected frequency domains in /{DOMAINS}, found none")]
    NoDomains,
    #[error("frequency: {path}: {reason}")]
    File { path: String, reason: String },
    #[error("frequency: {path}: expected {wanted}, found {found}")]
    NotTaken { path: String, wanted: String, found: String },
}

/// A setting of one domain.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Setting {
    domain: String,
    file: &'static str,
    value: String,
}

/// Holds what was asked for; puts everything back when it is dropped.
pub(crate) struct Held<'r> {
    root: &'r Root,
    note: PathBuf,
    lock: File,
}

/// Puts back what a killed agent left, and then sets what is asked for; nothing is held when nothing is.
pub(crate) fn hold<'r>(
    root: &'r Root,
    folder: &Path,
    wanted: &Frequency,
) -> Result<Option<Held<'r>>, FrequencyError> {
    let note = folder.join(NOTE);
    let asked = *wanted != Frequency::default();
    if !asked && !note.exists() {
        return Ok(None);
    }
    let lock_file = folder.join("frequency.lock");
    let lock = OpenOptions::new().create(true).append(true).open(&lock_file);
    let lock = lock.map_err(|error| trouble(&lock_file, &error))?;
    if lock.try_lock().is_ok() {
        put_back(root, &note)?;
        let _ = lock.unlock();
    }
    if !asked {
        return Ok(None);
    }
    lock.lock_shared().map_err(|error| trouble(&lock_file, &error))?;
    let held = Held { root, note, lock };
    held.set(wanted).map(|()| Some(held))
}

impl Held<'_> {
    fn set(&self, wanted: &Frequency) -> Result<(), FrequencyError> {
        let settings = wanted.settings(self.root);
        if settings.is_empty() {
            return Err(FrequencyError::NoDomains);
        }
        if !self.note.exists() {
            write_note(&self.note, &present(self.root, &settings)?)?;
        }
        settings.iter().try_for_each(|setting| setting.write(self.root))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
        // Whoever still holds it puts it back.
        if self.lock.try_lock().is_ok()
            && let Err(error) = put_back(self.root, &self.note)
        {
            eprintln!("edgebench-agent: {error}");
        }
    }
}

impl Frequency {
    /// For every domain there is.
    fn settings(&self, root: &Root) -> Vec<Setting> {
        let max_khz = self.max_khz.map(|khz| khz.to_string());
        let values = [(GOVERNOR, self.governor.clone()), (MAX_KHZ, max_khz)];
        let of = |domain: &String| {
            let domain = domain.rsplit('/').next().unwrap_or_default().to_owned();
            let one = move |(file, value): &(&'static str, Option<String>)| {
                Some(Setting { domain: domain.clone(), file, value: value.clone()? })
            };
            values.iter().filter_map(one).collect::<Vec<Setting>>()
        };
        root.numbered(DOMAINS, "policy").iter().flat_map(of).collect()
    }
}

impl Setting {
    fn path(&self) -> String {
        format!("{DOMAINS}/{}/{}", self.domain, self.file)
    }

    /// The kernel may take another value than it was given.
    fn write(&self, root: &Root) -> Result<(), FrequencyError> {
        let path = self.path();
        let written = root.write(&path, &self.value);
        written.map_err(|error| FrequencyError::File { path: path.clone(), reason: error.to_string() })?;
        match root.text(&path) {
            Some(found) if found == self.value => Ok(()),
            found => Err(FrequencyError::NotTaken {
                path,
                wanted: self.value.clone(),
                found: found.unwrap_or_else(|| "nothing".to_owned()),
            }),
        }
    }

    /// One line of the note; none of what no agent of ours wrote: it becomes part of a path.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (domain, file, value) = (words.next()?, words.next()?, words.next()?);
        let number = domain.strip_prefix("policy")?;
        let file = [GOVERNOR, MAX_KHZ].into_iter().find(|known| *known == file)?;
        let right = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
        (right && words.next().is_none()).then(|| Self {
            domain: domain.to_owned(),
            file,
            value: value.to_owned(),
        })
    }
}

/// What these settings are now.
fn present(root: &Root, settings: &[Setting]) -> Result<Vec<Setting>, FrequencyError> {
    let now = |setting: &Setting| {
        let path = setting.path();
        let value = root
            .text(&path)
            .ok_or_else(|| FrequencyError::File { path, reason: "not readable".to_owned() })?;
        Ok(Setting { value, ..setting.clone() })
    };
    settings.iter().map(now).collect()
}

/// On the disk before anything is changed.
fn write_note(note: &Path, settings: &[Setting]) -> Result<(), FrequencyError> {
    let line = |Setting { domain, file, value }: &Setting| format!("{domain} {file} {value}\n");
    let text: String = settings.iter().map(line).collect();
    let part = note.with_extension("new");
    let written = std::fs::write(&part, text).and_then(|()| {
        File::open(&part)?.sync_all()?;
        std::fs::rename(&part, note)
    });
    written.map_err(|error| trouble(note, &error))
}

/// Everything as the note says, and the note away; nothing where there is none. A domain that is gone is left out: its
/// processors were taken off.
fn put_back(root: &Root, note: &Path) -> Result<(), FrequencyError> {
    let text = match std::fs::read_to_string(note) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(trouble(note, &error)),
    };
    for setting in text.lines().filter_map(Setting::parse) {
        let path = setting.path();
        match root.write(&path, &setting.value) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(FrequencyError::File { path, reason: error.to_string() });
            }
            _ => {}
        }
    }
    std::fs::remove_file(note).map_err(|error| trouble(note, &error))
}

fn trouble(path: &Path, error: &std::io::Error) -> FrequencyError {
    FrequencyError::File { path: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::properties::tests::{Fake, fake};

    /// A big and a little cluster.
    fn phone() -> Fake {
        fake(&[
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "schedutil\n"),
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq", "1800000\n"),
            ("sys/devices/system/cpu/cpufreq/policy4/scaling_governor", "ondemand\n"),
            ("sys/devices/system/cpu/cpufreq/policy4/scaling_max_freq", "2800000\n"),
        ])
    }

    fn asked() -> Frequency {
        Frequency { governor: Some("performance".to_owned()), max_khz: Some(1_500_000) }
    }

    fn now(root: &Root) -> [Option<String>; 4] {
        let paths = ["policy0", "policy4"].map(|domain| format!("{DOMAINS}/{domain}"));
        let [little, big] = paths;
        [
            root.text(&format!("{little}/{GOVERNOR}")),
            root.text(&format!("{little}/{MAX_KHZ}")),
            root.text(&format!("{big}/{GOVERNOR}")),
            root.text(&format!("{big}/{MAX_KHZ}")),
        ]
    }

    fn texts(texts: [&str; 4]) -> [Option<String>; 4] {
        texts.map(|text| Some(text.to_owned()))
    }

    const BEFORE: [&str; 4] = ["schedutil", "1800000", "ondemand", "2800000"];
    const DURING: [&str; 4] = ["performance", "1500000", "performance", "1500000"];

    #[test]
    fn a_session_has_what_it_asked_for_and_leaves_what_was_there() {
        let (phone, store) = (phone(), tempfile::tempdir().expect("folder"));
        let root = phone.root();
        let held = hold(&root, store.path(), &asked()).expect("writable").expect("asked for");
        assert_eq!(now(&root), texts(DURING));
        drop(held);
        assert_eq!(now(&root), texts(BEFORE));
        assert!(!store.path().join(NOTE).exists());
    }

    #[test]
    fn what_nobody_asked_for_is_not_touched() {
        let (phone, store) = (phone(), tempfile::tempdir().expect("folder"));
        let root = phone.root();
        assert!(hold(&root, store.path(), &Frequency::default()).expect("nothing to do").is_none());
        assert_eq!(now(&root), texts(BEFORE));
        assert_eq!(std::fs::read_dir(store.path()).expect("folder").count(), 0);
    }

    #[test]
    fn the_next_agent_puts_back_what_a_killed_one_left() {
        let (phone, store) = (phone(), tempfile::tempdir().expect("folder"));
        let root = phone.root();
        let settings = asked().settings(&root);
        write_note(&store.path().join(NOTE), &present(&root, &settings).expect("readable")).expect("written");
        // Killed in the middle of changing.
        settings[0].write(&root).expect("writable");
        assert!(hold(&root, store.path(), &Frequency::default()).expect("put back").is_none());
        assert_eq!(now(&root), texts(BEFORE));
        assert!(!store.path().join(NOTE).exists());
    }

    #[test]
    fn a_killed_agent_s_values_are_never_taken_for_the_device_s_own() {
        let (phone, store) = (phone(), tempfile::tempdir().expect("folder"));
        let root = phone.root();
        let held = hold(&root, store.path(), &asked()).expect("writable").expect("asked for");
        // A killed process drops nothing; its lock goes away with it.
        held.lock.unlock().expect("unlocked");
        std::mem::forget(held);
        drop(hold(&root, store.path(), &asked()).expect("writable"));
        assert_eq!(now(&root), texts(BEFORE));
    }

    #[test]
    fn of_two_agents_the_last_one_puts_it_back() {
        let (phone, store) = (phone(), tempfile::tempdir().expect("folder"));
        let root = phone.root();
        let first = hold(&root, store.path(), &asked()).expect("writable");
        let second = hold(&root, store.path(), &asked()).expect("writable");
        drop(first);
        assert_eq!(now(&root), texts(DURING));
        drop(second);
        assert_eq!(now(&root), texts(BEFORE));
    }

    #[test]
    fn a_device_without_domains_says_so() {
        let (bare, store) = (fake(&[]), tempfile::tempdir().expect("folder"));
        let refused = hold(&bare.root(), store.path(), &asked()).err();
        assert_eq!(refused, Some(FrequencyError::NoDomains));
    }

    #[test]
    fn lines_that_no_agent_wrote_lead_nowhere() {
        for line in [
            "",
            "policy0",
            "policy0 scaling_governor",
            "policy0 scaling_governor a b",
            "policy../../x scaling_governor a",
            "policy scaling_governor a",
            "policy0 ../passwd a",
        ] {
            assert_eq!(Setting::parse(line), None, "{line}");
        }
        assert!(Setting::parse("policy12 scaling_max_freq 1800000").is_some());
    }
}
