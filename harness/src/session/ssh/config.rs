//! The part of OpenSSH's client configuration (ssh_config(5)) that decides where a device is and how to log in there:
//! `Host` blocks with HostName, User, Port, IdentityFile and UserKnownHostsFile. The first value found wins, as there.
//! Other keywords are passed over, but for those without which the device could not be reached.

use std::path::{Path, PathBuf};

/// Longest configuration that is read.
const MAX_BYTES: u64 = 1 << 20;

/// What the configuration says of one host. Absent is what it does not say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct HostConfig {
    pub(super) host_name: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) identities: Vec<PathBuf>,
    pub(super) known_hosts: Option<PathBuf>,
    /// A keyword that asks for a way which is not spoken here, such as `ProxyJump`.
    pub(super) unsupported: Option<String>,
}

/// What `~/.ssh/config` says of `host`; nothing where there is no such file.
pub(super) fn of_user(host: &str, home: &Path) -> HostConfig {
    let path = home.join(".ssh/config");
    let Ok(file) = std::fs::File::open(path) else { return HostConfig::default() };
    let mut text = String::new();
    match std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_BYTES), &mut text) {
        Ok(_) => parse(&text, host, home),
        Err(_) => HostConfig::default(),
    }
}

fn parse(text: &str, host: &str, home: &Path) -> HostConfig {
    let mut config = HostConfig::default();
    let mut ours = true;
    for line in text.lines() {
        let Some((keyword, value)) = keyword_and_value(line) else { continue };
        match keyword.to_ascii_lowercase().as_str() {
            "host" => ours = names(value, host),
            // Its conditions run programs and ask the network: such a block is never ours.
            "match" => ours = false,
            _ if !ours => {}
            keyword => config.set(keyword, value, host, home),
        }
    }
    config
}

impl HostConfig {
    fn set(&mut self, keyword: &str, value: &str, host: &str, home: &Path) {
        let text = || value.to_owned();
        match keyword {
            "hostname" => drop(self.host_name.get_or_insert_with(|| value.replace("%h", host))),
            "user" => drop(self.user.get_or_insert_with(text)),
            "port" => self.port = self.port.or_else(|| value.parse().ok()),
            "identityfile" => self.identities.push(expanded(value, home)),
            "userknownhostsfile" => {
                let first = value.split_whitespace().next().unwrap_or_default();
                self.known_hosts.get_or_insert_with(|| expanded(first, home));
            }
            "proxyjump" | "proxycommand" if !value.eq_ignore_ascii_case("none") => {
                self.unsupported.get_or_insert_with(|| keyword.to_owned());
            }
            _ => {}
        }
    }
}

/// `Keyword value`, `Keyword=value` or `Keyword "value"`.
fn keyword_and_value(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|letter: char| letter.is_whitespace() || letter == '=')?;
    let (keyword, rest) = line.split_at(end);
    let value = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '=').trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    (!value.is_empty()).then_some((keyword, value))
}

/// Whether one of the patterns names the host and none forbids it.
fn names(patterns: &str, host: &str) -> bool {
    let mut named = false;
    for pattern in patterns.split_whitespace() {
        match pattern.strip_prefix('!') {
            Some(forbidden) if matches(forbidden.as_bytes(), host.as_bytes()) => return false,
            Some(_) => {}
            None => named |= matches(pattern.as_bytes(), host.as_bytes()),
        }
    }
    named
}

/// `*` stands for any letters, `?` for one. Remembers only the last `*`, so that no pattern takes long.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut position, mut star) = (0, 0, None);
    while position < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(letter) if *letter == b'?' || Some(letter) == text.get(position) => {
                at += 1;
                position += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                (at, position) = (star_at + 1, taken + 1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|letter| *letter == b'*'))
}

/// A path with `~` and `%d` for the user's home.
pub(super) fn expanded(path: &str, home: &Path) -> PathBuf {
    match path.strip_prefix("~/").or_else(|| path.strip_prefix("%d/")) {
        Some(rest) => home.join(rest),
        None => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "User everyone\n# a comment\nHost pi4 lab-* !lab-x\n  HostName=10.0.0.%h\n  Port 2222\n\
         \tIdentityFile ~/.ssh/lab\nHost pi4\n Port 22\n User pi\n IdentityFile \"/keys/a b\"\n\
         Match exec \"reboot\"\n HostName evil\nHost jump\n ProxyJump bastion\n";

    fn config(host: &str) -> HostConfig {
        parse(TEXT, host, Path::new("/home/me"))
    }

    #[test]
    fn first_values_win_and_identities_add_up() {
        let pi4 = config("pi4");
        assert_eq!(pi4.host_name.as_deref(), Some("10.0.0.pi4"));
        assert_eq!((pi4.port, pi4.user.as_deref()), (Some(2222), Some("everyone")));
        assert_eq!(pi4.identities, [PathBuf::from("/home/me/.ssh/lab"), PathBuf::from("/keys/a b")]);
    }

    #[test]
    fn patterns_choose_the_block() {
        assert_eq!(config("lab-7").port, Some(2222));
        assert_eq!(config("lab-x").port, None);
        assert_eq!(config("pi40").port, None);
    }

    #[test]
    fn ways_that_are_not_spoken_are_told() {
        assert_eq!(config("jump").unsupported.as_deref(), Some("proxyjump"));
        assert_eq!(config("pi4").unsupported, None);
    }

    #[test]
    fn wildcards_match_as_ssh_has_them() {
        for (pattern, text, right) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("?", "a", true),
            ("?", "", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), right, "{pattern} {text}");
        }
    }
}
