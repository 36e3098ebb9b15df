//! The command line. Two flags do not need a parser crate.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
edgebench-agent: measures networks on this device for a controller

Usage: edgebench-agent --store DIR [--counter FILE]

Speaks the edgebench protocol on standard input and output until the controller
says goodbye or standard input ends. Started by `bench`; messages for people go
to standard error.

Options:
      --store DIR  Folder of received files, named by their BLAKE3; is created.
                   Several agents may share it
      --counter FILE
                   Count instructions instead of time: this agent runs in QEMU,
                   whose plugin edgebench-counter writes its counts to FILE
  -V, --version    Print version and target, and exit
  -h, --help       Print this, and exit

Exit codes:
  0  the session ended
  1  the stream to the controller broke
  2  the arguments or the store folder cannot be used
";

/// What the command line asks for.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Command {
    Serve { store: PathBuf, counter: Option<PathBuf> },
    Version,
    Help,
}

/// Why it asks for nothing that there is.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("arguments: expected --store DIR, found none")]
    NoStore,
    #[error("argument {flag}: expected a path, found nothing")]
    NoPath { flag: &'static str },
    #[error("arguments: expected one {flag}, found two")]
    Twice { flag: &'static str },
    #[error("arguments: expected --store, --counter, --version or --help, found {0:?}")]
    Unknown(OsString),
}

/// Reads the arguments behind the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, ArgumentError> {
    let mut arguments = arguments.into_iter();
    let (mut store, mut counter) = (None, None);
    while let Some(argument) = arguments.next() {
        if matches!(argument.as_bytes(), b"--version" | b"-V") {
            return Ok(Command::Version);
        }
        if matches!(argument.as_bytes(), b"--help" | b"-h") {
            return Ok(Command::Help);
        }
        let (place, flag, value) = if let Some(value) = path(&argument, "--store", &mut arguments) {
            (&mut store, "--store", value)
        } else if let Some(value) = path(&argument, "--counter", &mut arguments) {
            (&mut counter, "--counter", value)
        } else {
            return Err(ArgumentError::Unknown(argument));
        };
        if value.is_empty() {
            return Err(ArgumentError::NoPath { flag });
        }
        if place.replace(PathBuf::from(value)).is_some() {
            return Err(ArgumentError::Twice { flag });
        }
    }
    store.map(|store| Command::Serve { store, counter }).ok_or(ArgumentError::NoStore)
}

/// The value of `flag`, as the next argument or behind `=`; none when `argument` is another flag.
fn path(argument: &OsStr, flag: &str, rest: &mut impl Iterator<Item = OsString>) -> Option<OsString> {
    match argument.as_bytes().strip_prefix(flag.as_bytes())? {
        [] => Some(rest.next().unwrap_or_default()),
        [b'=', value @ ..] => Some(OsStr::from_bytes(value).to_owned()),
        _ => None,
    }
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
            let expected = Command::Serve { store: PathBuf::from("/a b"), counter: None };
            assert_eq!(parsed(arguments), Ok(expected));
        }
    }

    #[test]
    fn a_counter_is_taken_beside_the_store() {
        let expected = Command::Serve { store: "s".into(), counter: Some("c".into()) };
        assert_eq!(parsed(&["--counter=c", "--store", "s"]), Ok(expected));
        assert_eq!(parsed(&["--counter", "c"]), Err(ArgumentError::NoStore));
        assert_eq!(parsed(&["--counters", "c"]), Err(ArgumentError::Unknown("--counters".into())));
    }

    #[test]
    fn help_and_version_need_no_store() {
        assert_eq!(parsed(&["-h"]), Ok(Command::Help));
        assert_eq!(parsed(&["--version"]), Ok(Command::Version));
    }

    #[test]
    fn everything_else_is_refused() {
        assert_eq!(parsed(&[]), Err(ArgumentError::NoStore));
        assert_eq!(parsed(&["--store"]), Err(ArgumentError::NoPath { flag: "--store" }));
        assert_eq!(parsed(&["--store="]), Err(ArgumentError::NoPath { flag: "--store" }));
        assert_eq!(parsed(&["--store", "a", "--store=b"]), Err(ArgumentError::Twice { flag: "--store" }));
        assert_eq!(parsed(&["store"]), Err(ArgumentError::Unknown("store".into())));
    }
}
