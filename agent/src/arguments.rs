//! The command line. Two flags do not need a parser crate.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::machine::Frequency;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
edgebench-agent: measures networks on this device for a controller

Usage: edgebench-agent --store DIR [--counter FILE] [--patience SECS]
                       [--cpus LIST] [--lease TOKEN --owner TEXT]
                       [--litert FILE] [--governor NAME] [--max-khz N]

Speaks the edgebench protocol on standard input and output until the controller
says goodbye or standard input ends. Started by `bench`; messages for people go
to standard error.

Options:
      --store DIR  Folder of received files, named by their BLAKE3; is created.
                   Several agents may share it
      --counter FILE
                   Count instructions instead of time: this agent runs in QEMU,
                   whose plugin edgebench-counter writes its counts to FILE
      --patience SECS
                   End when nothing is heard of the controller for so long, and
                   show it every two seconds that the agent lives
      --cpus LIST  Run on these processors only, such as 0,4-7
      --lease TOKEN
                   Use the device only if nobody else does; agents that show
                   the same token share it
      --owner TEXT Who uses it, for others to see
      --litert FILE
                   LiteRT's library, libLiteRt.so, for networks that shall run
                   in LiteRT; not in agents built without it
      --governor NAME
                   Have the processors run under this frequency governor while
                   the session lasts. What was there before is put back behind
                   it; of an agent that was killed, by the next one
      --max-khz N  The same for the limit of their clocks
  -V, --version    Print version and target, and exit
  -h, --help       Print this, and exit

Exit codes:
  0  the session ended
  1  the stream to the controller broke
  2  the arguments or the store folder cannot be used
  3  the device is used by somebody else
";

/// What the command line asks for.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Command {
    Serve(Serve),
    Version,
    Help,
}

/// How to serve.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Serve {
    pub(crate) store: PathBuf,
    pub(crate) counter: Option<PathBuf>,
    pub(crate) patience: Option<Duration>,
    pub(crate) cpus: Option<Vec<usize>>,
    pub(crate) lease: Option<String>,
    pub(crate) owner: String,
    pub(crate) litert: Option<PathBuf>,
    pub(crate) frequency: Frequency,
}

/// Why it asks for nothing that there is.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("arguments: expected --store DIR, found none")]
    NoStore,
    #[error("argument {0}: expected a value, found nothing")]
    NoValue(&'static str),
    #[error("arguments: expected one {0}, found two")]
    Twice(&'static str),
    #[error("argument {name}: expected {expected}, found {found:?}")]
    Value { name: &'static str, expected: &'static str, found: OsString },
    #[error("arguments: expected an option that --help tells of, found {0:?}")]
    Unknown(OsString),
}

/// Options with a value.
const OPTIONS: [&str; 9] = [
    "--store",
    "--counter",
    "--patience",
    "--cpus",
    "--lease",
    "--owner",
    "--litert",
    "--governor",
    "--max-khz",
];

/// Processors that a number may name: as many as Linux can be built for.
const MAX_CPUS: usize = 1024;

/// Longest patience: a day.
const MAX_PATIENCE_SECS: u64 = 86_400;

/// Reads the arguments behind the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, ArgumentError> {
    let mut arguments = arguments.into_iter();
    let mut values: [Option<OsString>; OPTIONS.len()] = Default::default();
    while let Some(argument) = arguments.next() {
        match argument.as_bytes() {
            b"--version" | b"-V" => return Ok(Command::Version),
            b"--help" | b"-h" => return Ok(Command::Help),
            _ => {}
        }
        let (index, value) = option(&argument, &mut arguments)?;
        let name = OPTIONS[index];
        let value = value.filter(|value| !value.is_empty()).ok_or(ArgumentError::NoValue(name))?;
        if values[index].replace(value).is_some() {
            return Err(ArgumentError::Twice(name));
        }
    }
    let [store, counter, patience, cpus, lease, owner, litert, governor, max_khz] = values;
    let text = |value: OsString| value.to_string_lossy().into_owned();
    Ok(Command::Serve(Serve {
        store: store.map(PathBuf::from).ok_or(ArgumentError::NoStore)?,
        counter: counter.map(PathBuf::from),
        patience: patience.map(seconds).transpose()?,
        cpus: cpus.map(processors).transpose()?,
        lease: lease.map(text),
        owner: owner.map(text).unwrap_or_default(),
        litert: litert.map(PathBuf::from),
        frequency: Frequency {
            governor: governor.map(governor_name).transpose()?,
            max_khz: max_khz.map(kilohertz).transpose()?,
        },
    }))
}

/// Which option, and its value behind `=` or in the next argument.
fn option(
    argument: &OsStr,
    rest: &mut impl Iterator<Item = OsString>,
) -> Result<(usize, Option<OsString>), ArgumentError> {
    let bytes = argument.as_bytes();
    for (index, name) in OPTIONS.iter().enumerate() {
        match bytes.strip_prefix(name.as_bytes()) {
            Some([]) => return Ok((index, rest.next())),
            Some([b'=', value @ ..]) => return Ok((index, Some(OsStr::from_bytes(value).to_owned()))),
            _ => {}
        }
    }
    Err(ArgumentError::Unknown(argument.to_owned()))
}

fn seconds(value: OsString) -> Result<Duration, ArgumentError> {
    match value.to_str().and_then(|text| text.parse().ok()) {
        Some(seconds @ 1..=MAX_PATIENCE_SECS) => Ok(Duration::from_secs(seconds)),
        _ => Err(ArgumentError::Value {
            name: "--patience",
            expected: "seconds from 1 to 86400",
            found: value,
        }),
    }
}

/// The kernel's names are words of at most 15 letters (CPUFREQ_NAME_LEN).
fn governor_name(value: OsString) -> Result<String, ArgumentError> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    match value.to_str() {
        Some(name) if name.len() < 16 && name.chars().all(plain) => Ok(name.to_owned()),
        _ => Err(ArgumentError::Value {
            name: "--governor",
            expected: "a name such as performance",
            found: value,
        }),
    }
}

fn kilohertz(value: OsString) -> Result<u32, ArgumentError> {
    match value.to_str().and_then(|text| text.parse().ok()) {
        Some(khz @ 1..) => Ok(khz),
        _ => Err(ArgumentError::Value { name: "--max-khz", expected: "a number of kHz", found: value }),
    }
}

/// `0,4-7` as numbers.
fn processors(value: OsString) -> Result<Vec<usize>, ArgumentError> {
    let read = || {
        let mut all = Vec::new();
        for part in value.to_str()?.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            if first > last || last >= MAX_CPUS {
                return None;
            }
            all.extend(first..=last);
        }
        Some(all)
    };
    read().ok_or(ArgumentError::Value { name: "--cpus", expected: "numbers such as 0,4-7", found: value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command, ArgumentError> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn a_store_is_taken_in_both_spellings() {
        for arguments in [&["--store", "/a b"][..], &["--store=/a b"]] {
            let serve = Serve { store: PathBuf::from("/a b"), ..Serve::default() };
            assert_eq!(parsed(arguments), Ok(Command::Serve(serve)));
        }
    }

    #[test]
    fn a_counter_is_taken_beside_the_store() {
        let serve = Serve { store: "s".into(), counter: Some("c".into()), ..Serve::default() };
        assert_eq!(parsed(&["--counter=c", "--store", "s"]), Ok(Command::Serve(serve)));
        assert_eq!(parsed(&["--counter", "c"]), Err(ArgumentError::NoStore));
        assert_eq!(parsed(&["--counters", "c"]), Err(ArgumentError::Unknown("--counters".into())));
    }

    #[test]
    fn processors_are_numbers_and_ranges() {
        let Ok(Command::Serve(serve)) = parsed(&["--store=a", "--cpus", "0,4-7", "--patience=20"]) else {
            panic!("refused")
        };
        assert_eq!(serve.cpus, Some(vec![0, 4, 5, 6, 7]));
        assert_eq!(serve.patience, Some(Duration::from_secs(20)));
    }

    #[test]
    fn help_and_version_need_no_store() {
        assert_eq!(parsed(&["-h"]), Ok(Command::Help));
        assert_eq!(parsed(&["--version"]), Ok(Command::Version));
    }

    #[test]
    fn everything_else_is_refused() {
        assert_eq!(parsed(&[]), Err(ArgumentError::NoStore));
        assert_eq!(parsed(&["--store"]), Err(ArgumentError::NoValue("--store")));
        assert_eq!(parsed(&["--store="]), Err(ArgumentError::NoValue("--store")));
        assert_eq!(parsed(&["--store", "a", "--store=b"]), Err(ArgumentError::Twice("--store")));
        for wrong in [
            "--cpus=7-4",
            "--cpus=a",
            "--cpus=1024",
            "--cpus=1,,2",
            "--patience=0",
            "--patience=x",
            "--governor=../x",
            "--governor=a b",
            "--max-khz=0",
            "--max-khz=fast",
        ] {
            assert!(matches!(parsed(&["--store=a", wrong]), Err(ArgumentError::Value { .. })), "{wrong}");
        }
        assert_eq!(parsed(&["store"]), Err(ArgumentError::Unknown("store".into())));
    }
}
