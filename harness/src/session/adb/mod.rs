//! Android devices, over the official client `adb`: it knows USB, TCP and the keys that phones trust. The agent is pushed
//! to `/data/local/tmp`, which the shell's user may write and run from, and speaks the protocol on the streams of
//! `adb shell -T`, which pass bytes as they are.
//!
//! `client` runs the program, `devices` reads its list of devices, `facts` reads what Android tells of a phone.

mod client;
mod devices;
mod facts;

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::remote::{self, CHECK, RELEASE};
use super::{AgentFlags, Child, Doing, Life, Link, Output, Reach, SILENCE, SessionError, Word, command_line};
use crate::build::AgentBinary;
use client::Client;

pub use devices::AdbProblem;

/// Where everything of ours is on a phone.
const FOLDER: &str = "/data/local/tmp/edgebench";

/// Longest wait for a short command on a phone.
const SHORT: Duration = Duration::from_secs(20);

/// Longest wait for a file of some megabytes, also over a weak wireless network.
const PUSHING: Duration = Duration::from_secs(300);

/// Gives a part file that has the right SHA-256 its name, and takes any other away. Arguments: part, file, sum.
const KEEP: &str = r#"if [ "$(sha256sum < "$1")" = "$3  -" ]; then chmod 755 "$1" && mv -f "$1" "$2"; \
else rm -f "$1"; echo "upload: damaged on its way" >&2; exit 9; fi"#;

/// Agents of one phone.
#[derive(Clone, Debug)]
pub struct Adb {
    client: Client,
    flags: AgentFlags,
}

impl Adb {
    /// The phone with this serial number (or `HOST:PORT`), or the only one that is attached.
    ///
    /// # Errors
    /// When there is no `adb` on this machine.
    pub fn new(serial: Option<&str>, flags: AgentFlags) -> Result<Self, SessionError> {
        Ok(Self { client: Client::find(serial)?, flags })
    }

    /// Runs one of our scripts on the phone.
    async fn script(&self, text: &'static str, arguments: &[&str]) -> Result<Output, SessionError> {
        let mut words: Vec<Word> = ["sh", "-c", text, "sh"].map(|word| Word::fixed(word).into()).to_vec();
        for argument in arguments {
            words.push(Word::new(*argument)?);
        }
        self.client.shell(&command_line(&words), SHORT).await
    }

    /// Frequencies that a killed agent left.
    async fn put_back(&self) -> Result<(), SessionError> {
        let words = remote::put_back(&format!("{FOLDER}/store"))?;
        let output = self.client.shell(&command_line(&words), SHORT).await?;
        if output.code == Some(0) { Ok(()) } else { Err(self.client.refused(&output)) }
    }

    async fn push(&self, agent: &AgentBinary, sum: &str, file: &str) -> Result<u64, SessionError> {
        let part = format!("{file}.{}.part", std::process::id());
        self.client.done(&["shell", "-T", &format!("mkdir -p {FOLDER}")], SHORT).await?;
        let local = agent.path.display().to_string();
        self.client.done(&["push", &local, &part], PUSHING).await?;
        let kept = self.script(KEEP, &[&part, file, sum]).await?;
        match kept.code {
            Some(0) => Ok(agent.bytes),
            _ => Err(self.client.refused(&kept)),
        }
    }
}

impl Reach for Adb {
    fn deploy<'a>(&'a self, agent: &'a AgentBinary) -> Doing<'a, u64> {
        Box::pin(async move {
            self.client.ready().await?;
            let sum = sha256(agent).await?;
            let file = place(agent);
            match self.script(CHECK, &[&file, &sum]).await?.code {
                Some(0) => Ok(0),
                _ => self.push(agent, &sum, &file).await,
            }
        })
    }

    fn start<'a>(&'a self, agent: &'a AgentBinary) -> Doing<'a, Link> {
        Box::pin(async move {
            let mut words = vec![place(agent), "--store".to_owned(), format!("{FOLDER}/store")];
            words.extend(self.flags.arguments());
            let words = words.into_iter().map(Word::new).collect::<Result<Vec<Word>, _>>()?;
            let mut command = self.client.command(&["shell", "-T", &command_line(&words)]);
            Ok(Link { silence: Some(SILENCE), ..Child::start(&mut command)? })
        })
    }

    fn knock(&self) -> Doing<'_, ()> {
        Box::pin(self.client.ready())
    }

    fn run<'a>(&'a self, words: &'a [Word], patience: Duration) -> Doing<'a, Output> {
        Box::pin(async move { self.client.shell(&command_line(words), patience).await })
    }

    fn properties(&self) -> Doing<'_, Vec<(String, String)>> {
        Box::pin(async {
            let output = self.client.shell(facts::QUESTIONS, SHORT).await?;
            Ok(facts::read(&output.stdout))
        })
    }

    fn clean(&self) -> Doing<'_, ()> {
        Box::pin(async {
            self.client.ready().await?;
            self.put_back().await?;
            self.client.done(&["shell", "-T", &format!("rm -rf {FOLDER}")], SHORT).await.map(|_| ())
        })
    }

    /// Gives the phone free. One that is away has its lease lapse by itself.
    fn rest(&self) -> Life<'_, ()> {
        Box::pin(async {
            if self.flags.frequency.is_some() {
                let _ = self.put_back().await;
            }
            if let Some((_, token)) = &self.flags.lease {
                let _ = self.script(RELEASE, &[&format!("{FOLDER}/store/lease"), token]).await;
            }
        })
    }
}

/// Named by its content, so that agents of several versions lie side by side.
fn place(agent: &AgentBinary) -> String {
    format!("{FOLDER}/agent-{}", agent.digest)
}

/// What a phone's own tools can check: they know no BLAKE3.
async fn sha256(agent: &AgentBinary) -> Result<String, SessionError> {
    let content = tokio::fs::read(&agent.path).await;
    let content =
        content.map_err(|source| SessionError::File { path: agent.path.display().to_string(), source })?;
    Ok(Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect())
}
