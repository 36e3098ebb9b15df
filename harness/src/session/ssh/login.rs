//! Proves to a device who we are: the agent's keys, key files, a password from the environment or from the terminal, in
//! this order. A password is never in an argument, a message or a record.

use std::io::{BufRead, Write};
use std::sync::Mutex;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use ssh2::Session;

use super::connection::Address;
use crate::session::SessionError;

/// Holds the password for devices that ask for one.
pub const PASSWORD_VARIABLE: &str = "EDGEBENCH_SSH_PASSWORD";

/// One question at a time: a person has one keyboard.
static TERMINAL: Mutex<()> = Mutex::new(());

pub(super) fn login(session: &Session, address: &Address) -> Result<(), SessionError> {
    let mut tried = Vec::new();
    let offered = session.auth_methods(&address.user).unwrap_or_default().to_owned();
    if session.authenticated() {
        return Ok(());
    }
    if offered.contains("publickey")
        && (with_agent(session, address, &mut tried) || with_files(session, address, &mut tried))
    {
        return Ok(());
    }
    if offered.contains("password") && with_password(session, address, &mut tried) {
        return Ok(());
    }
    if tried.is_empty() {
        tried.push("nothing that it takes".to_owned());
    }
    Err(SessionError::Login { place: address.place(), offered, tried: tried.join(", ") })
}

fn with_agent(session: &Session, address: &Address, tried: &mut Vec<String>) -> bool {
    if std::env::var_os("SSH_AUTH_SOCK").is_none() {
        return false;
    }
    let Ok(mut agent) = session.agent() else { return false };
    if agent.connect().and_then(|()| agent.list_identities()).is_err() {
        tried.push("ssh-agent (does not answer)".to_owned());
        return false;
    }
    let keys = agent.identities().unwrap_or_default();
    tried.push(format!("ssh-agent ({} keys)", keys.len()));
    keys.iter().any(|key| agent.userauth(&address.user, key).is_ok())
}

fn with_files(session: &Session, address: &Address, tried: &mut Vec<String>) -> bool {
    for key in address.identities.iter().filter(|key| key.is_file()) {
        tried.push(key.display().to_string());
        if session.userauth_pubkey_file(&address.user, None, key, None).is_ok() {
            return true;
        }
    }
    false
}

fn with_password(session: &Session, address: &Address, tried: &mut Vec<String>) -> bool {
    let from_environment = std::env::var(PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty());
    let (source, password) = match from_environment {
        Some(password) => (PASSWORD_VARIABLE, Some(password)),
        None => ("a password from the terminal", ask(&address.place())),
    };
    let Some(password) = password else { return false };
    tried.push(source.to_owned());
    session.userauth_password(&address.user, &password).is_ok()
}

/// Asks at the terminal without showing what is typed; nothing where there is none.
fn ask(place: &str) -> Option<String> {
    let _one = TERMINAL.lock().ok()?;
    let mut terminal = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let before = tcgetattr(&terminal).ok()?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    write!(terminal, "password of {place}: ").ok()?;
    tcsetattr(&terminal, OptionalActions::Flush, &quiet).ok()?;
    let mut line = String::new();
    let read = std::io::BufReader::new(&terminal).read_line(&mut line);
    let _ = tcsetattr(&terminal, OptionalActions::Flush, &before);
    let _ = writeln!(terminal);
    read.ok()?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned()).filter(|password| !password.is_empty())
}
