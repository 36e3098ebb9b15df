//! Is this the device we mean? Its host key must be the pinned one, or stand in `known_hosts`. Nothing is ever accepted
//! because it is new: no byte of ours but the key exchange goes to a device that is not known.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ssh2::{CheckResult, HashType, KnownHostFileKind, KnownHosts, MethodType, Session};

/// Longest `known_hosts` that is read.
const MAX_BYTES: u64 = 8 << 20;

/// What the key is compared with.
pub(super) struct Expected {
    /// Name or address, as `known_hosts` has it.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// `SHA256:` and base64; in place of `known_hosts`.
    pub(super) pinned: Option<String>,
    /// The lines of `known_hosts`; empty where there is no such file.
    pub(super) known: String,
}

/// Why a device is not taken for the one that is meant.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("host key of {host}: expected {expected}, found {found}")]
pub struct HostKeyError {
    /// The device's name or address and port.
    pub host: String,
    /// The key that it should have.
    pub expected: String,
    /// What it has.
    pub found: String,
}

/// The text of a `known_hosts` file; nothing where there is none.
pub(super) fn read_known_hosts(path: &Path) -> String {
    let mut text = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_BYTES), &mut text));
    read.map(|_| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
}

impl Expected {
    /// Before the handshake: a device may only show a kind of key that is known of it. Otherwise it could show another
    /// one, weaker or somebody else's, and the comparison would be between two kinds.
    pub(super) fn restrict(&self, session: &Session) -> Result<(), HostKeyError> {
        if self.pinned.is_some() {
            return Ok(());
        }
        let kinds = self.known_kinds(session);
        if kinds.is_empty() {
            return Err(self.error("one in known_hosts", "no line for it"));
        }
        let offered = session.supported_algs(MethodType::HostKey).unwrap_or_default();
        let wanted: Vec<&str> =
            kinds.iter().flat_map(|kind| algorithms(kind)).filter(|name| offered.contains(name)).collect();
        let told = session.method_pref(MethodType::HostKey, &wanted.join(","));
        match told {
            Ok(()) if !wanted.is_empty() => Ok(()),
            _ => Err(self.error("a kind of key that can be checked", &kinds.join(", "))),
        }
    }

    /// After the handshake and before anything else.
    pub(super) fn check(&self, session: &Session) -> Result<(), HostKeyError> {
        let fingerprint = fingerprint(session).unwrap_or_else(|| "none".to_owned());
        let Some((key, _)) = session.host_key() else { return Err(self.error("a key", "none")) };
        if self.is_revoked(key) {
            return Err(self.error("a key that is not revoked", &fingerprint));
        }
        if let Some(pinned) = &self.pinned {
            return if *pinned == fingerprint { Ok(()) } else { Err(self.error(pinned, &fingerprint)) };
        }
        match self.known_hosts(session).map(|known| known.check_port(&self.host, self.port, key)) {
            Some(CheckResult::Match) => Ok(()),
            Some(CheckResult::NotFound) => Err(self.error("one in known_hosts", &fingerprint)),
            _ => Err(self.error("the one in known_hosts", &fingerprint)),
        }
    }

    /// The device shows no kind of key that is known of it.
    pub(super) fn downgraded(&self, session: &Session) -> HostKeyError {
        let kinds = self.known_kinds(session).join(", ");
        self.error(&format!("a key of the kind in known_hosts ({kinds})"), "only others")
    }

    fn error(&self, expected: &str, found: &str) -> HostKeyError {
        let host = format!("{}:{}", self.host, self.port);
        HostKeyError { host, expected: expected.to_owned(), found: found.to_owned() }
    }

    /// Kinds of the keys that stand in `known_hosts` for the device. Names there may be hashed, so each key is looked
    /// up as if the device had shown it.
    fn known_kinds(&self, session: &Session) -> Vec<String> {
        let Some(known) = self.known_hosts(session) else { return Vec::new() };
        let mut kinds: Vec<String> = Vec::new();
        for entry in known.hosts().unwrap_or_default() {
            let Ok(key) = STANDARD.decode(entry.key()) else { continue };
            if matches!(known.check_port(&self.host, self.port, &key), CheckResult::Match)
                && let Some(kind) = kind_of(&key)
                && !kinds.contains(&kind)
            {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Lines with a mark, such as `@cert-authority`, and those of unknown form are none that libssh2 can use.
    fn known_hosts(&self, session: &Session) -> Option<KnownHosts> {
        let mut known = session.known_hosts().ok()?;
        for line in self.known.lines().filter(|line| !line.trim_start().starts_with(['@', '#'])) {
            let _ = known.read_str(line, KnownHostFileKind::OpenSSH);
        }
        Some(known)
    }

    /// Whether a line marks this very key as revoked, for whichever host.
    fn is_revoked(&self, key: &[u8]) -> bool {
        let key = STANDARD.encode(key);
        let revoked = self.known.lines().filter(|line| line.trim_start().starts_with("@revoked"));
        revoked.flat_map(str::split_whitespace).any(|word| word == key)
    }
}

/// As `ssh-keygen -l` prints it.
fn fingerprint(session: &Session) -> Option<String> {
    let hash = session.host_key_hash(HashType::Sha256)?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(hash)))
}

/// The name that a key begins with (RFC 4253, section 6.6): its length and its letters.
fn kind_of(key: &[u8]) -> Option<String> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    let name = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    String::from_utf8(name.to_vec()).ok()
}

/// Signature algorithms of a kind of key, the best in front. RSA keys sign with SHA-2 (RFC 8332); SHA-1 is not taken.
fn algorithms(kind: &str) -> Vec<&str> {
    match kind {
        "ssh-rsa" => vec!["rsa-sha2-512", "rsa-sha2-256"],
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIGNvbW1lbnQgb2YgdGhpcnR5LXR3byBieXRlcyEh";

    fn expected(known: &str) -> Expected {
        Expected { host: "pi4".to_owned(), port: 22, pinned: None, known: known.to_owned() }
    }

    fn session() -> Session {
        Session::new().expect("a session that is not connected")
    }

    #[test]
    fn kinds_are_read_from_the_key_itself() {
        let known = expected(&format!("pi4 ssh-ed25519 {KEY}\nother ssh-rsa AAAAB3NzaC1yc2E=\n"));
        assert_eq!(known.known_kinds(&session()), ["ssh-ed25519"]);
        assert_eq!(kind_of(b"\0\0\0\x07ssh-rsa..."), Some("ssh-rsa".to_owned()));
        assert_eq!(kind_of(b"\xff\xff\xff\xffx"), None);
        assert_eq!(kind_of(b"\0"), None);
    }

    #[test]
    fn a_device_without_a_line_is_refused_before_the_handshake() {
        let error = expected("other ssh-ed25519 AAAA\n").restrict(&session()).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "host key of pi4:22: expected one in known_hosts, found no line for it"
        );
        assert!(expected(&format!("pi4 ssh-ed25519 {KEY}\n")).restrict(&session()).is_ok());
    }

    #[test]
    fn revoked_keys_are_recognized_by_themselves() {
        let key = STANDARD.decode(KEY).expect("base64");
        assert!(expected(&format!("@revoked * ssh-ed25519 {KEY}\n")).is_revoked(&key));
        assert!(!expected(&format!("pi4 ssh-ed25519 {KEY}\n")).is_revoked(&key));
    }
}
