//! From an address to a session that is logged in: name, TCP, key exchange, host key, login, each with its time limit.
//! Blocking; runs on the thread of its device.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use ssh2::{ErrorCode, MethodType, Session};

use super::config;
use super::host_key::{Expected, read_known_hosts};
use super::login;
use crate::inventory;
use crate::session::SessionError;

/// For each address of the name.
const CONNECTING: Duration = Duration::from_secs(10);

/// For each answer of the device: libssh2 itself waits for ever.
const ANSWER: Duration = Duration::from_secs(15);

/// The kernel gives a connection up when what was sent stays unacknowledged for so long: a cable that is pulled, a board
/// that reboots.
const UNACKNOWLEDGED: Duration = Duration::from_secs(6);

/// How often something is sent when there is nothing to send.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Host key algorithms in the order of our liking, where a pinned key does not say its kind. SHA-1 is not among them.
const HOST_KEYS: &str =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";

/// libssh2's codes of a key exchange without a common algorithm (libssh2.h).
const KEX_FAILURES: [i32; 2] = [-5, -8];

/// Where a device is, after `devices.toml` and `~/.ssh/config`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address {
    /// The name in `devices.toml`.
    pub(super) alias: String,
    /// What is connected to, and looked up in `known_hosts`.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) identities: Vec<PathBuf>,
    pub(super) host_key: Option<String>,
    pub(super) known_hosts: PathBuf,
}

/// RFC 4253, section 4.2.
const DEFAULT_PORT: u16 = 22;

/// Keys that ssh looks for by itself.
const DEFAULT_IDENTITIES: [&str; 3] = [".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"];

impl Address {
    /// `devices.toml` has the first word, `~/.ssh/config` the second.
    pub(super) fn of(ssh: &inventory::Ssh) -> Result<Self, SessionError> {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let alias = ssh.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let config = config::of_user(&alias, &home);
        if let Some(keyword) = config.unsupported {
            return Err(SessionError::Unsupported {
                place: format!("~/.ssh/config of {alias}"),
                what: keyword,
            });
        }
        let user = ssh.user.clone().or(config.user).or_else(|| std::env::var("USER").ok());
        let mut identities: Vec<PathBuf> = ssh.identity.iter().cloned().collect();
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        identities = identities.iter().map(|path| config::expanded(&text(path), &home)).collect();
        identities.extend(config.identities);
        if identities.is_empty() {
            identities = DEFAULT_IDENTITIES.iter().map(|name| home.join(name)).collect();
        }
        Ok(Self {
            host: config.host_name.unwrap_or_else(|| alias.clone()),
            alias,
            port: ssh.port.or(config.port).unwrap_or(DEFAULT_PORT),
            user: user.unwrap_or_else(|| "root".to_owned()),
            identities,
            host_key: ssh.host_key.clone(),
            known_hosts: config.known_hosts.unwrap_or_else(|| home.join(".ssh/known_hosts")),
        })
    }

    /// For messages.
    pub(super) fn place(&self) -> String {
        format!("ssh {}@{}:{}", self.user, self.alias, self.port)
    }
}

/// A session with a device that is the one that is meant, and its socket.
pub(super) struct Connection {
    pub(super) session: Session,
    pub(super) socket: TcpStream,
}

impl Connection {
    pub(super) fn open(address: &Address) -> Result<Self, SessionError> {
        let connection = Self::introduced(address)?;
        login::login(&connection.session, address)?;
        let seconds = u32::try_from(KEEP_ALIVE.as_secs()).unwrap_or(1);
        connection.session.set_keepalive(true, seconds);
        Ok(connection)
    }

    /// With the right device, and not logged in yet.
    pub(super) fn introduced(address: &Address) -> Result<Self, SessionError> {
        let broken = |source: io::Error| SessionError::Start { what: address.place(), source };
        let socket = connect(address).map_err(broken)?;
        socket.set_nodelay(true).map_err(broken)?;
        let limit = u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX);
        // Where the kernel does not know the option, the session's own time limits are left.
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&socket, limit);
        let mut session = Session::new().map_err(|error| broken(error.into()))?;
        session.set_timeout(u32::try_from(ANSWER.as_millis()).unwrap_or(u32::MAX));
        session.set_compress(false);
        session.set_tcp_stream(socket.try_clone().map_err(broken)?);
        introduce(&mut session, address)?;
        Ok(Self { session, socket })
    }
}

/// The key exchange, and whether it was with the right device.
fn introduce(session: &mut Session, address: &Address) -> Result<(), SessionError> {
    let expected = Expected {
        host: address.host.clone(),
        port: address.port,
        pinned: address.host_key.clone(),
        known: read_known_hosts(&address.known_hosts),
    };
    let broken = |error: ssh2::Error| SessionError::Start { what: address.place(), source: error.into() };
    if expected.pinned.is_some() {
        session.method_pref(MethodType::HostKey, HOST_KEYS).map_err(broken)?;
    }
    expected.restrict(session)?;
    match session.handshake() {
        Err(error) if expected.pinned.is_none() && has_no_common_algorithm(&error) => {
            return Err(expected.downgraded(session).into());
        }
        done => done.map_err(broken)?,
    }
    Ok(expected.check(session)?)
}

fn has_no_common_algorithm(error: &ssh2::Error) -> bool {
    matches!(error.code(), ErrorCode::Session(code) if KEX_FAILURES.contains(&code))
}

/// To the first address of the name that answers.
fn connect(address: &Address) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for found in (address.host.as_str(), address.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&found, CONNECTING) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}
