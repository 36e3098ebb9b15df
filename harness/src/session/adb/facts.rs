//! What Android tells of a phone: one line of questions for its shell, and how the answers are read. What a phone does not
//! tell is absent.
//!
//! | property | from |
//! |---|---|
//! | `board` | manufacturer and model |
//! | `os` | Android's version and API level |
//! | `build` | fingerprint of the system |
//! | `soc` | `ro.soc.model` |
//! | `thermal_status` | 0 none to 6 shutdown: `PowerManager.THERMAL_STATUS_*` |
//! | `battery` | level in percent, and whether it charges |
//! | `battery_celsius` | temperature of the battery |
//! | `screen` | `on` or `off` |

/// Each answer is a line that begins with its name, or the lines that `dumpsys` prints.
pub(super) const QUESTIONS: &str = "for name in ro.product.manufacturer ro.product.model ro.build.version.release \
     ro.build.version.sdk ro.build.fingerprint ro.soc.model; do echo \"[$name] $(getprop $name)\"; done; \
     dumpsys battery; dumpsys thermalservice | grep 'Thermal Status'; dumpsys power | grep mWakefulness=; true";

/// `BatteryManager.BATTERY_STATUS_*`.
const BATTERY_STATUS: [(&str, &str); 4] =
    [("2", "charging"), ("3", "discharging"), ("4", "not charging"), ("5", "full")];

pub(super) fn read(answers: &str) -> Vec<(String, String)> {
    let facts = [
        ("board", board(answers)),
        ("os", os(answers)),
        ("build", property(answers, "ro.build.fingerprint")),
        ("soc", property(answers, "ro.soc.model")),
        ("thermal_status", field(answers, "Thermal Status:")),
        ("battery", battery(answers)),
        ("battery_celsius", battery_celsius(answers)),
        ("screen", field(answers, "mWakefulness=").map(|state| screen(&state).to_owned())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn property(answers: &str, name: &str) -> Option<String> {
    let start = format!("[{name}]");
    let value = answers.lines().find_map(|line| line.strip_prefix(&start))?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// The rest of the line that begins so.
fn field(answers: &str, name: &str) -> Option<String> {
    let value = answers.lines().find_map(|line| line.trim().strip_prefix(name))?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn board(answers: &str) -> Option<String> {
    let model = property(answers, "ro.product.model")?;
    Some(match property(answers, "ro.product.manufacturer") {
        Some(manufacturer) => format!("{manufacturer} {model}"),
        None => model,
    })
}

fn os(answers: &str) -> Option<String> {
    let release = property(answers, "ro.build.version.release")?;
    Some(match property(answers, "ro.build.version.sdk") {
        Some(level) => format!("Android {release} (API {level})"),
        None => format!("Android {release}"),
    })
}

fn battery(answers: &str) -> Option<String> {
    let level: u8 = field(answers, "level:")?.parse().ok()?;
    let status = field(answers, "status:")?;
    let status =
        BATTERY_STATUS.iter().find(|(number, _)| *number == status).map_or("unknown", |(_, name)| *name);
    Some(format!("{level} %, {status}"))
}

/// `dumpsys battery` counts in tenths of a degree.
fn battery_celsius(answers: &str) -> Option<String> {
    let tenths: i32 = field(answers, "temperature:")?.parse().ok()?;
    Some(format!("{:.1}", f64::from(tenths) / 10.0))
}

fn screen(wakefulness: &str) -> &'static str {
    if wakefulness == "Awake" { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERS: &str = "[ro.product.manufacturer] Google\n[ro.product.model] Pixel 9\n[ro.build.version.release] 16\n\
        [ro.build.version.sdk] 36\n[ro.build.fingerprint] google/x:16/y\n[ro.soc.model] \nCurrent Battery Service state:\n\
        \x20 AC powered: false\n  status: 3\n  health: 2\n  level: 81\n  temperature: 293\nThermal Status: 1\n  mWakefulness=Awake\n";

    #[test]
    fn a_phone_tells_what_it_is_and_how_it_is() {
        let facts: Vec<String> =
            read(ANSWERS).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let expected = [
            "board: Google Pixel 9",
            "os: Android 16 (API 36)",
            "build: google/x:16/y",
            "thermal_status: 1",
            "battery: 81 %, discharging",
            "battery_celsius: 29.3",
            "screen: on",
        ];
        assert_eq!(facts, expected);
    }

    #[test]
    fn what_is_not_told_is_absent() {
        assert_eq!(read(""), []);
        assert_eq!(read("[ro.product.model] \nlevel: many\ntemperature: x\n"), []);
    }
}
