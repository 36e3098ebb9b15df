//! What the machine is: properties that stay as they are while it runs, or that somebody would have to change.
//!
//! | property | meaning |
//! |---|---|
//! | `cpu_model` | name of the CPU; absent where only numbers are known |
//! | `cpu_parts` | implementer and part of the ARM cores, such as `0x41:0xd08`, distinct ones |
//! | `cpu_cores` | logical CPUs that are online |
//! | `cpus_allowed` | those that the agent may use, as a list of ranges |
//! | `cpu_quota` | quota and period of the control group, in microseconds, where there is one |
//! | `cpu_khz_max` | highest clock of each frequency domain, distinct ones |
//! | `governor` | frequency governor of each domain, distinct ones |
//! | `turbo` | `on` or `off` |
//! | `smt` | simultaneous multithreading: `on`, `off`, `notsupported`, ... |
//! | `virtual_machine` | `yes` where the CPU says that a hypervisor runs it |
//! | `memory_bytes` | usable memory |
//! | `board` | name of the board or computer |
//! | `os`, `kernel` | names with versions |
//! | `clock_source` | what the kernel keeps time with |
//! | `boot_id` | changes with every boot |
//! | `throttled_flags` | Raspberry Pi firmware: bits 0-3 now, 16-19 since boot |
//! | `battery` | status and charge of each battery |
//! | `charging` | status of each battery alone |
//! | `max_khz` | limit that is set for each frequency domain, distinct ones |
//! | `machine_id` | the same for one machine, whatever it is called: a hash of its own number |
//! | `temperature_millicelsius.<type>` | each thermal zone now |
//! | `agent_start_rss_bytes` | largest resident set of the agent before it had opened anything |

use super::files::{Root, field, kib_field};

/// A property of the agent's own process.
pub(super) const START_RSS: &str = "agent_start_rss_bytes";

type Read = fn(&Root) -> Option<String>;

const PROPERTIES: &[(&str, Read)] = &[
    ("cpu_model", cpu_model),
    ("cpu_parts", cpu_parts),
    ("cpu_cores", cpu_cores),
    ("cpus_allowed", cpus_allowed),
    ("cpu_quota", cpu_quota),
    ("cpu_khz_max", |root| root.distinct(&frequency_domains(root), "cpuinfo_max_freq")),
    ("governor", |root| root.distinct(&frequency_domains(root), "scaling_governor")),
    ("turbo", turbo),
    ("smt", |root| root.text("sys/devices/system/cpu/smt/control")),
    ("virtual_machine", virtual_machine),
    ("memory_bytes", memory_bytes),
    ("board", board),
    ("os", os),
    ("kernel", kernel),
    ("clock_source", |root| root.text("sys/devices/system/clocksource/clocksource0/current_clocksource")),
    ("boot_id", |root| root.text("proc/sys/kernel/random/boot_id")),
    ("throttled_flags", |root| root.text("sys/devices/platform/soc/soc:firmware/get_throttled")),
    ("battery", battery),
    ("charging", charging),
    ("max_khz", |root| root.distinct(&frequency_domains(root), "scaling_max_freq")),
    ("machine_id", machine_id),
];

pub(crate) fn read(root: &Root) -> Vec<(String, String)> {
    let known = PROPERTIES.iter().filter_map(|(name, read)| Some(((*name).to_owned(), read(root)?)));
    known.chain(temperatures(root)).collect()
}

/// A zone without a type, or with the type of an earlier one, has no name to be asked for by.
fn temperatures(root: &Root) -> Vec<(String, String)> {
    let mut zones: Vec<(String, String)> = Vec::new();
    for zone in root.numbered("sys/class/thermal", "thermal_zone") {
        let Some(kind) = root.text(&format!("{zone}/type")) else { continue };
        let Some(millicelsius) = root.number::<i32>(&format!("{zone}/temp")) else { continue };
        let name = format!("temperature_millicelsius.{kind}");
        if !zones.iter().any(|(known, _)| *known == name) {
            zones.push((name, millicelsius.to_string()));
        }
    }
    zones
}

/// The number that the installation or the board has for itself, hashed: records are published, numbers are not.
fn machine_id(root: &Root) -> Option<String> {
    let number = root.text("etc/machine-id").or_else(|| root.text("proc/device-tree/serial-number"))?;
    let hash = blake3::hash(format!("edgebench {number}").as_bytes()).to_hex();
    Some(hash.chars().take(16).collect())
}

fn cpu_model(root: &Root) -> Option<String> {
    field(&root.text("proc/cpuinfo")?, "model name").map(str::to_owned)
}

fn cpu_parts(root: &Root) -> Option<String> {
    let cpuinfo = root.text("proc/cpuinfo")?;
    let mut parts: Vec<String> = Vec::new();
    for block in cpuinfo.split("\n\n") {
        let Some((implementer, part)) = field(block, "CPU implementer").zip(field(block, "CPU part")) else {
            continue;
        };
        let name = format!("{implementer}:{part}");
        if !parts.contains(&name) {
            parts.push(name);
        }
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

fn cpu_cores(root: &Root) -> Option<String> {
    let online = root.text("sys/devices/system/cpu/online")?;
    count_of_ranges(&online).map(|count| count.to_string())
}

/// How many numbers a list such as `0-3,8` names.
fn count_of_ranges(list: &str) -> Option<u32> {
    list.split(',').try_fold(0_u32, |count, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?);
        count.checked_add(last.checked_sub(first)?)?.checked_add(1)
    })
}

fn cpus_allowed(root: &Root) -> Option<String> {
    field(&root.text("proc/self/status")?, "Cpus_allowed_list").map(str::to_owned)
}

fn cpu_quota(root: &Root) -> Option<String> {
    root.text("sys/fs/cgroup/cpu.max").filter(|quota| !quota.starts_with("max"))
}

fn frequency_domains(root: &Root) -> Vec<String> {
    root.numbered("sys/devices/system/cpu/cpufreq", "policy")
}

fn turbo(root: &Root) -> Option<String> {
    let boost = root.number::<u8>("sys/devices/system/cpu/cpufreq/boost").map(|boost| boost != 0);
    let no_turbo = || root.number::<u8>("sys/devices/system/cpu/intel_pstate/no_turbo").map(|none| none == 0);
    boost.or_else(no_turbo).map(|on| if on { "on" } else { "off" }.to_owned())
}

fn virtual_machine(root: &Root) -> Option<String> {
    let cpuinfo = root.text("proc/cpuinfo")?;
    let is_virtual = field(&cpuinfo, "flags")?.split(' ').any(|flag| flag == "hypervisor");
    is_virtual.then(|| "yes".to_owned())
}

fn memory_bytes(root: &Root) -> Option<String> {
    kib_field(&root.text("proc/meminfo")?, "MemTotal").map(|bytes| bytes.to_string())
}

fn board(root: &Root) -> Option<String> {
    root.text("proc/device-tree/model").or_else(|| root.text("sys/class/dmi/id/product_name"))
}

fn os(root: &Root) -> Option<String> {
    let value = |text: &str, key: &str| {
        let found = text.lines().find_map(|line| Some(line.strip_prefix(key)?.strip_prefix('=')?.trim()))?;
        Some(found.trim_matches('"').to_owned()).filter(|value| !value.is_empty())
    };
    let linux = root.text("etc/os-release").and_then(|text| value(&text, "PRETTY_NAME"));
    let android = || value(&root.text("system/build.prop")?, "ro.build.version.release");
    linux.or_else(|| android().map(|version| format!("Android {version}")))
}

fn kernel(root: &Root) -> Option<String> {
    let release = root.text("proc/sys/kernel/osrelease")?;
    Some(
        root.text("proc/sys/kernel/ostype")
            .map_or_else(|| release.clone(), |name| format!("{name} {release}")),
    )
}

fn charging(root: &Root) -> Option<String> {
    let supplies = ["battery", "BAT0", "BAT1"].map(|name| format!("sys/class/power_supply/{name}"));
    root.distinct(&supplies, "status")
}

fn battery(root: &Root) -> Option<String> {
    let supplies = ["battery", "BAT0", "BAT1"].map(|name| format!("sys/class/power_supply/{name}"));
    let states: Vec<String> = supplies
        .iter()
        .filter_map(|supply| {
            let status = root.text(&format!("{supply}/status"))?;
            let charge = root.text(&format!("{supply}/capacity"));
            Some(charge.map_or_else(|| status.clone(), |charge| format!("{status} {charge}%")))
        })
        .collect();
    (!states.is_empty()).then(|| states.join(","))
}

#[cfg(test)]
pub(crate) mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A machine made of files.
    pub(crate) struct Fake(TempDir);

    impl Fake {
        pub(crate) fn root(&self) -> Root {
            Root::at(self.0.path())
        }
    }

    pub(crate) fn fake(files: &[(&str, &str)]) -> Fake {
        let folder = TempDir::new().expect("a temporary folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("writable");
            std::fs::write(path, text).expect("writable");
        }
        Fake(folder)
    }

    fn value(properties: &[(String, String)], name: &str) -> Option<String> {
        properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn nothing_readable_is_nothing_said() {
        assert_eq!(read(&fake(&[]).root()), []);
    }

    #[test]
    fn a_raspberry_pi_is_described() {
        let core = "BogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n";
        let pi = fake(&[
            ("proc/cpuinfo", &format!("processor\t: 0\n{core}\nprocessor\t: 1\n{core}")),
            ("sys/devices/system/cpu/online", "0-3\n"),
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "ondemand\n"),
            ("sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq", "1800000\n"),
            ("proc/meminfo", "MemTotal:        3884344 kB\nMemFree: 1 kB\n"),
            ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"),
            ("etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
            ("proc/sys/kernel/osrelease", "6.6.31+rpt-rpi-v8\n"),
            ("proc/sys/kernel/ostype", "Linux\n"),
            ("sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n"),
        ]);
        let expected = [
            ("cpu_parts", "0x41:0xd08"),
            ("cpu_cores", "4"),
            ("cpu_khz_max", "1800000"),
            ("governor", "ondemand"),
            ("memory_bytes", "3977568256"),
            ("board", "Raspberry Pi 4 Model B Rev 1.4"),
            ("os", "Debian GNU/Linux 12 (bookworm)"),
            ("kernel", "Linux 6.6.31+rpt-rpi-v8"),
            ("throttled_flags", "50000"),
        ];
        assert_eq!(read(&pi.root()), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_phone_with_big_and_little_cores_shows_both() {
        let phone = fake(&[
            (
                "proc/cpuinfo",
                "CPU implementer: 0x41\nCPU part: 0xd05\n\nCPU implementer: 0x41\nCPU part: 0xd44\n",
            ),
            ("sys/devices/system/cpu/online", "0-5,7\n"),
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "schedutil\n"),
            ("sys/devices/system/cpu/cpufreq/policy4/scaling_governor", "performance\n"),
            ("system/build.prop", "ro.build.id=X\nro.build.version.release=15\n"),
            ("sys/class/power_supply/battery/status", "Discharging\n"),
            ("sys/class/power_supply/battery/capacity", "81\n"),
        ]);
        let properties = read(&phone.root());
        assert_eq!(value(&properties, "cpu_parts").as_deref(), Some("0x41:0xd05,0x41:0xd44"));
        assert_eq!(value(&properties, "cpu_cores").as_deref(), Some("7"));
        assert_eq!(value(&properties, "governor").as_deref(), Some("schedutil,performance"));
        assert_eq!(value(&properties, "os").as_deref(), Some("Android 15"));
        assert_eq!(value(&properties, "battery").as_deref(), Some("Discharging 81%"));
    }

    #[test]
    fn a_virtual_computer_says_so() {
        let computer = fake(&[
            ("proc/cpuinfo", "model name\t: AMD EPYC\nflags\t\t: fpu hypervisor avx2\n"),
            ("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n"),
            ("sys/fs/cgroup/cpu.max", "max 100000\n"),
        ]);
        let properties = read(&computer.root());
        assert_eq!(value(&properties, "cpu_model").as_deref(), Some("AMD EPYC"));
        assert_eq!(value(&properties, "virtual_machine").as_deref(), Some("yes"));
        assert_eq!(value(&properties, "turbo").as_deref(), Some("on"));
        assert_eq!(value(&properties, "cpu_quota"), None);
    }

    #[test]
    fn broken_lists_of_cpus_count_nothing() {
        for list in ["", "3-1", "0-x", "0-4294967295"] {
            assert_eq!(count_of_ranges(list), None, "{list}");
        }
    }
}
