//! What `adb devices` lists, which of it is meant, and what can be wrong with it. Pure text.

use std::time::Duration;

/// Why a phone cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AdbProblem {
    /// There is no program `adb`.
    #[error("not in PATH")]
    NoClient,
    /// Nothing is attached.
    #[error("expected one device, found none")]
    None,
    /// The one that is named is not attached.
    #[error("not among the devices: {}", list(known))]
    Unknown {
        /// Serial numbers there are.
        known: Vec<String>,
    },
    /// Several are attached, and none is named.
    #[error("expected one device, found {}: {}", known.len(), list(known))]
    Several {
        /// Their serial numbers.
        known: Vec<String>,
    },
    /// The phone's owner has not allowed this computer.
    #[error("unauthorized: it does not trust this computer's key")]
    Unauthorized,
    /// It is listed and does not answer.
    #[error("offline: it is attached and does not answer")]
    Offline,
    /// The operating system keeps the USB device from us.
    #[error("no permission to use it over USB")]
    NoPermission,
    /// It is in a state in which nothing can be run, such as `recovery`.
    #[error("expected the state device, found {state}")]
    State {
        /// The word of `adb devices`.
        state: String,
    },
    /// A command took longer than it may.
    #[error("no answer for {} s", waited.as_secs())]
    Silent {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The server does not answer, not even after it was started again.
    #[error("the adb server does not answer, not even after it was started again")]
    Wedged,
    /// A command failed.
    #[error("{said}")]
    Refused {
        /// Its last words.
        said: String,
    },
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

impl AdbProblem {
    /// What the client itself complains of, when it could not reach the phone; none for the words of other programs.
    pub(super) fn said(stderr: &str) -> Option<Self> {
        let complaint = |line: &str| {
            let line = line.trim();
            line.strip_prefix("adb: ").unwrap_or(line).strip_prefix("error: ").map(str::to_owned)
        };
        let complaint = stderr.lines().find_map(complaint)?;
        if complaint.starts_with("device unauthorized") {
            return Some(Self::Unauthorized);
        }
        if complaint.starts_with("device offline") {
            return Some(Self::Offline);
        }
        if complaint.starts_with("no devices") {
            return Some(Self::None);
        }
        if complaint.starts_with("closed") || complaint.ends_with("not found") {
            return Some(Self::Refused { said: complaint });
        }
        None
    }
}

/// Serial number and state of each device.
pub(super) fn listed(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().skip_while(|line| !line.starts_with("List of devices")).skip(1);
    let entry = |line: &str| {
        let (serial, state) = line.trim_end().split_once(['\t', ' '])?;
        (!serial.is_empty()).then(|| (serial.to_owned(), state.trim().to_owned()))
    };
    lines.filter_map(entry).collect()
}

/// Whether the phone that is meant can be used.
pub(super) fn choose(devices: &[(String, String)], serial: Option<&str>) -> Result<(), AdbProblem> {
    let known = || devices.iter().map(|(serial, _)| serial.clone()).collect();
    let state = match (serial, devices) {
        (Some(wanted), _) => {
            let found = devices.iter().find(|(serial, _)| serial == wanted);
            found.map(|(_, state)| state).ok_or_else(|| AdbProblem::Unknown { known: known() })?
        }
        (None, []) => return Err(AdbProblem::None),
        (None, [(_, state)]) => state,
        (None, _) => return Err(AdbProblem::Several { known: known() }),
    };
    match state.as_str() {
        "device" => Ok(()),
        "unauthorized" | "authorizing" => Err(AdbProblem::Unauthorized),
        "offline" | "connecting" => Err(AdbProblem::Offline),
        state if state.starts_with("no permissions") => Err(AdbProblem::NoPermission),
        state => Err(AdbProblem::State { state: state.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "* daemon started successfully\nList of devices attached\n8A1X0\tdevice\n\
                        10.0.0.7:5555\tunauthorized\nR58\tno permissions (user in plugdev group); see [http://x]\n\n";

    #[test]
    fn devices_are_read_with_their_states() {
        let devices = listed(LIST);
        assert_eq!(devices.len(), 3);
        assert_eq!(devices[1], ("10.0.0.7:5555".to_owned(), "unauthorized".to_owned()));
        assert_eq!(listed("List of devices attached\n\n"), []);
        assert_eq!(listed("cannot connect to daemon"), []);
    }

    #[test]
    fn the_one_that_is_meant_is_chosen_or_told_why_not() {
        let devices = listed(LIST);
        let chosen = |serial| choose(&devices, serial).map_err(|problem| problem.to_string());
        assert_eq!(chosen(Some("8A1X0")), Ok(()));
        assert_eq!(chosen(Some("R58")), Err("no permission to use it over USB".to_owned()));
        assert_eq!(choose(&devices, Some("10.0.0.7:5555")), Err(AdbProblem::Unauthorized));
        let others = Err("not among the devices: 8A1X0, 10.0.0.7:5555, R58".to_owned());
        assert_eq!(chosen(Some("other")), others);
        assert!(chosen(None).expect_err("three").starts_with("expected one device, found 3: 8A1X0, "));
        assert_eq!(choose(&[], None), Err(AdbProblem::None));
        assert_eq!(choose(&devices[..1], None), Ok(()));
        let recovery = [("x".to_owned(), "recovery".to_owned())];
        assert_eq!(choose(&recovery, None), Err(AdbProblem::State { state: "recovery".to_owned() }));
        assert_eq!(choose(&[("x".to_owned(), "offline".to_owned())], None), Err(AdbProblem::Offline));
    }

    #[test]
    fn the_client_s_own_complaints_are_told_from_those_of_programs() {
        assert_eq!(AdbProblem::said("error: device offline\n"), Some(AdbProblem::Offline));
        assert_eq!(AdbProblem::said("adb: error: device offline\n"), Some(AdbProblem::Offline));
        assert_eq!(AdbProblem::said("error: no devices/emulators found"), Some(AdbProblem::None));
        let unauthorized = "error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set";
        assert_eq!(AdbProblem::said(unauthorized), Some(AdbProblem::Unauthorized));
        assert_eq!(AdbProblem::said("sh: error: nothing"), None);
        let gone = AdbProblem::Refused { said: "device '8A1X0' not found".to_owned() };
        assert_eq!(AdbProblem::said("error: device '8A1X0' not found"), Some(gone));
    }
}
