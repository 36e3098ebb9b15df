//! The command line. Two flags do not need a parser crate.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
edgebench-agent: measures networks on this device for a controller

Usage: edgebench-agent --store DIR

Speaks the edgebench protocol on standard input and output until the controller
says goodbye or standard input ends. Started by `bench`; messages for people go
to standard error.

Options:
      --store DIR  Folder of received files, named by their BLAKE3; is created.
                   Several agents may share it
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
    Serve { store: PathBuf },
    Version,
    Help,
}

/// Why it asks for nothing that there is.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("arguments: expected --store DIR, found none")]
    NoStore,
    #[error("argument --store: expected a folder, found nothing")]
    NoFolder,
    #[error("arguments: expected one --store, found two")]
    TwoStores,
    #[error("arguments: expected --store, --version or --help, found {0:?}")]
    Unknown(OsString),
}

/// Reads the arguments behind the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, ArgumentError> {
    let mut arguments = arguments.into_iter();
    let mut store = None;
    while let Some(argument) = arguments.next() {
        let folder = match argument.as_bytes() {
            b"--version" | b"-V" => return Ok(Command::Version),
            b"--help" | b"-h" => return Ok(Command::Help),
            b"--store" => arguments.next().unwrap_or_default(),
            bytes => match bytes.strip_prefix(b"--store=") {
                Some(folder) => OsStr::from_bytes(folder).to_owned(),
                None => return Err(ArgumentError::Unknown(argument)),
            },
        };
        if folder.is_empty() {
            return Err(ArgumentError::NoFolder);
        }
        if store.replace(PathBuf::from(folder)).is_some() {
            return Err(ArgumentError::TwoStores);
        }
    }
    store.map(|store| Command::Serve { store }).ok_or(ArgumentError::NoStore)
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
            assert_eq!(parsed(arguments), Ok(Command::Serve { store: PathBuf::from("/a b") }));
        }
    }

    #[test]
    fn help_and_version_need_no_store() {
        assert_eq!(parsed(&["-h"]), Ok(Command::Help));
        assert_eq!(parsed(&["--version"]), Ok(Command::Version));
    }

    #[test]
    fn everything_else_is_refused() {
        assert_eq!(parsed(&[]), Err(ArgumentError::NoStore));
        assert_eq!(parsed(&["--store"]), Err(ArgumentError::NoFolder));
        assert_eq!(parsed(&["--store="]), Err(ArgumentError::NoFolder));
        assert_eq!(parsed(&["--store", "a", "--store=b"]), Err(ArgumentError::TwoStores));
        assert_eq!(parsed(&["store"]), Err(ArgumentError::Unknown("store".into())));
    }
}
