//! What is done on a device through its shell, whatever brings the command there: scripts that stand here and nowhere
//! else, with everything variable handed to them as quoted arguments.

use std::path::PathBuf;
use std::time::Duration;

use super::{Output, SessionError, Word};
use crate::build::AgentBinary;
use crate::inventory::Frequency;

/// Where everything of ours is, seen from where a login begins.
const FOLDER: &str = ".cache/edgebench";

/// How long an agent works on without a word of its controller.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a device may be silent whose agent shows life every two seconds.
pub const SILENCE: Duration = Duration::from_secs(8);

/// Whether a file has a SHA-256. Arguments: file, sum.
pub(super) const CHECK: &str = r#"[ -x "$1" ] && [ "$(sha256sum < "$1")" = "$2  -" ]"#;

/// Writes standard input to a part file, checks its SHA-256 and gives it its name. When the line breaks, the input ends
/// early, the sum is wrong and the part is taken away. Arguments: folder, name, sum.
const STORE: &str = r#"mkdir -p "$1" && cd "$1" && cat > "$2.$$.part" && chmod 700 "$2.$$.part" \
&& if [ "$(sha256sum < "$2.$$.part")" = "$3  -" ]; then mv -f "$2.$$.part" "$2"; \
else rm -f "$2.$$.part"; echo "upload: damaged on its way" >&2; exit 9; fi"#;

/// Gives the device free for the next user, if it is still ours. Arguments: file, token.
pub(super) const RELEASE: &str =
    r#"[ -f "$1" ] && read -r mark number token rest < "$1" && [ "$token" = "$2" ] && rm -f "$1""#;

/// Puts back the frequencies that an agent changed and did not live to put back, as its note says. Only what agents write
/// is believed: a domain's name and one of two files. Arguments: the note, the kernel's folder of domains.
const PUT_BACK: &str = r#"[ -f "$1" ] || exit 0; while read -r domain file value; do case "$domain/$file" in \
*[!a-z0-9_/]*|*/*/*) ;; policy*/scaling_governor|policy*/scaling_max_freq) \
printf %s "$value" > "$2/$domain/$file" || exit 8 ;; esac; done < "$1" && rm -f "$1""#;

/// Where Linux has its frequency domains.
const DOMAINS: &str = "/sys/devices/system/cpu/cpufreq";

/// What an agent is told when it is started.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AgentFlags {
    /// Processors it may run on, such as `4-7`.
    pub cpus: Option<String>,
    /// Who uses the device, and the word that later agents of the same run show.
    pub lease: Option<(String, String)>,
    /// LiteRT's library on the device, for networks that shall run in LiteRT.
    pub litert: Option<PathBuf>,
    /// What the clocks of its processors are asked to be.
    pub frequency: Option<Frequency>,
}

impl AgentFlags {
    /// As arguments of the agent.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--patience".to_owned(), PATIENCE.as_secs().to_string()];
        if let Some(cpus) = &self.cpus {
            arguments.extend(["--cpus".to_owned(), cpus.clone()]);
        }
        if let Some((owner, token)) = &self.lease {
            arguments.extend(["--lease".to_owned(), token.clone(), "--owner".to_owned(), owner.clone()]);
        }
        if let Some(library) = &self.litert {
            arguments.extend(["--litert".to_owned(), library.display().to_string()]);
        }
        let Frequency { governor, max_khz } = self.frequency.clone().unwrap_or_default();
        if let Some(governor) = governor {
            arguments.extend(["--governor".to_owned(), governor]);
        }
        if let Some(max_khz) = max_khz {
            arguments.extend(["--max-khz".to_owned(), max_khz.to_string()]);
        }
        arguments
    }
}

/// How an agent says which process it is, on standard error.
pub(super) const PROCESS_MARK: &str = "edgebench-agent: process ";

/// Whether a line of standard error is for people.
pub(super) fn is_told(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(PROCESS_MARK)
}

/// Succeeds when the agent is there.
pub(super) fn check(agent: &AgentBinary, sum: &str) -> Result<Vec<Word>, SessionError> {
    script(CHECK, &[&format!("{FOLDER}/{}", name(agent)), sum])
}

/// Stores the agent that comes on standard input.
pub(super) fn store(agent: &AgentBinary, sum: &str) -> Result<Vec<Word>, SessionError> {
    script(STORE, &[FOLDER, &name(agent), sum])
}

/// Starts the agent.
pub(super) fn agent(agent: &AgentBinary, flags: &AgentFlags) -> Result<Vec<Word>, SessionError> {
    let mut words = vec![format!("{FOLDER}/{}", name(agent))];
    words.extend(["--store".to_owned(), store_folder()]);
    words.extend(flags.arguments());
    words.into_iter().map(|text| Word::new(text).map_err(SessionError::from)).collect()
}

/// Gives the lease back.
pub(super) fn release(token: &str) -> Result<Vec<Word>, SessionError> {
    script(RELEASE, &[&format!("{}/lease", store_folder()), token])
}

/// Puts back the frequencies that a killed agent left, by the note in the folder of files `store`.
pub(super) fn put_back(store: &str) -> Result<Vec<Word>, SessionError> {
    script(PUT_BACK, &[&format!("{store}/frequency"), DOMAINS])
}

/// The folder of received files on a device.
pub(super) fn store_folder() -> String {
    format!("{FOLDER}/store")
}

/// Takes everything of ours away.
pub(super) fn clean() -> Vec<Word> {
    ["rm", "-rf", "--", FOLDER].map(|word| Word::fixed(word).into()).to_vec()
}

/// The device did not take what it was sent.
pub(super) fn refused(place: &str, output: &Output) -> SessionError {
    let said = output.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let said = said.unwrap_or("no reason given").to_owned();
    SessionError::Device { place: place.to_owned(), code: output.code.unwrap_or(-1), said }
}

/// Named by its content, so that agents of several versions lie side by side.
fn name(agent: &AgentBinary) -> String {
    format!("agent-{}", agent.digest)
}

fn script(text: &'static str, arguments: &[&str]) -> Result<Vec<Word>, SessionError> {
    let mut words: Vec<Word> = ["sh", "-c", text, "sh"].map(|word| Word::fixed(word).into()).to_vec();
    for argument in arguments {
        words.push(Word::new(*argument)?);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Runs [`PUT_BACK`] with this note on a machine made of files, and returns its little and its big governor.
    fn after(note: &str) -> (Option<i32>, String, String) {
        let folder = tempfile::tempdir().expect("folder");
        let place = |name: &str| folder.path().join(name);
        for domain in ["policy0", "policy4"] {
            std::fs::create_dir_all(place("cpufreq").join(domain)).expect("folder");
            std::fs::write(place("cpufreq").join(domain).join("scaling_governor"), "performance")
                .expect("file");
        }
        std::fs::write(place("frequency"), note).expect("note");
        let status = Command::new("sh")
            .args(["-c", PUT_BACK, "sh"])
            .args([place("frequency"), place("cpufreq")])
            .current_dir(folder.path())
            .status()
            .expect("a shell");
        assert!(!place("evil").exists());
        let governor = |domain: &str| {
            std::fs::read_to_string(place("cpufreq").join(domain).join("scaling_governor")).expect("file")
        };
        assert_eq!(
            place("frequency").exists(),
            status.code() != Some(0),
            "the note is gone when all went well"
        );
        (status.code(), governor("policy0"), governor("policy4"))
    }

    #[test]
    fn a_note_is_put_back_by_the_devices_own_shell() {
        let note = "policy0 scaling_governor schedutil\npolicy4 scaling_governor ondemand\n";
        assert_eq!(after(note), (Some(0), "schedutil".to_owned(), "ondemand".to_owned()));
    }

    #[test]
    fn a_note_that_no_agent_wrote_changes_nothing() {
        let note = "../evil scaling_governor x\npolicy0 ../../evil x\npolicy0/../../evil scaling_governor x\n\
            policy4 scaling_governor $(touch evil)`touch evil`;touch evil\n";
        let (code, little, big) = after(note);
        assert_eq!((code, little.as_str()), (Some(0), "performance"));
        assert!(big.starts_with("$(touch evil)"), "a value is only a value: {big}");
    }
}
