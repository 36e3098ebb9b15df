//! `devices.toml`, typed and checked: which devices there are and how each is reached, powered and emulated.
//!
//! Everything a table may say is checked here once, also what only later parts use. It opens no connection and must
//! not know how a device is talked to.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::build::{ARM64_TARGET, HOST_TARGET};
use crate::config::{self, ConfigError, ProblemKind, Table, Value};
use crate::error::BenchError;

/// Name of the file, looked for in the working folder.
pub const FILE_NAME: &str = "devices.toml";

/// Most threads that may be asked for; no edge device has more cores.
pub const MAX_THREADS: u16 = 1024;

/// The devices of one `devices.toml`.
#[derive(Clone, PartialEq, Debug)]
pub struct Inventory {
    file: Option<PathBuf>,
    devices: Vec<Device>,
}

/// One device.
#[derive(Clone, PartialEq, Debug)]
pub struct Device {
    /// Name of its table: `[a-z0-9][a-z0-9._-]*`.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// Target triple of its agent; none lets the transport decide.
    pub target: Option<String>,
    /// Numbers of worker threads to measure with, each at least 1, none twice; `[1]` by default.
    pub threads: Vec<u16>,
    /// Processors that the agent runs on, such as `4-7` for the large cores of a phone; none for all.
    pub cpus: Option<String>,
    /// What the clocks of its processors are asked to be while it is measured; none leaves them as they are.
    pub frequency: Option<Frequency>,
    /// Words to select devices by.
    pub tags: Vec<String>,
    /// The power meter on its supply.
    pub energy: Option<EnergyMeter>,
    /// What to wait for before a measurement.
    pub settle: Option<Settle>,
    /// What stands in for it with `--emulate`.
    pub emulate: Option<Emulate>,
}

impl Device {
    /// Target triple of its agent: its own word, or what is usual for its transport.
    pub fn agent_target(&self) -> &str {
        let usual = match self.transport {
            Transport::Local => HOST_TARGET,
            Transport::Ssh(_)
            | Transport::Adb { .. }
            | Transport::Qemu { .. }
            | Transport::Emulated { .. } => ARM64_TARGET,
        };
        self.target.as_deref().unwrap_or(usual)
    }

    /// What stands in for the device with `--emulate`: its agent under an emulator on the controller. Counts of
    /// instructions say nothing about threads, power or heat, so there is one thread and nothing else.
    ///
    /// # Errors
    /// When its table names no CPU to emulate.
    pub fn emulated(&self) -> Result<Self, InventoryError> {
        let Some(Emulate { cpu }) = &self.emulate else {
            return Err(InventoryError::NotEmulated { name: self.name.clone() });
        };
        Ok(Self {
            name: self.name.clone(),
            transport: Transport::Emulated { cpu: cpu.clone() },
            target: Some(self.agent_target().to_owned()),
            threads: vec![1],
            cpus: None,
            frequency: None,
            tags: self.tags.clone(),
            energy: None,
            settle: None,
            emulate: self.emulate.clone(),
        })
    }
}

/// How a device is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Transport {
    /// The agent is a child process on the controller itself.
    Local,
    /// The agent is run on the device over ssh.
    Ssh(Ssh),
    /// The agent is run on an Android device over adb.
    Adb {
        /// Which of several devices, as `adb devices` lists it.
        serial: Option<String>,
    },
    /// A microcontroller board under qemu-system.
    Qemu {
        /// QEMU's name of the board, such as `mps2-an386`.
        machine: String,
    },
    /// The agent is run under QEMU's user emulation on the controller, in place of the device. No table says so:
    /// `--emulate` does.
    Emulated {
        /// CPU model of QEMU.
        cpu: String,
    },
}

impl Transport {
    /// Whether the device is another machine, which may not answer.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Ssh(_) | Self::Adb { .. })
    }

    /// The word in `devices.toml`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Ssh(_) => "ssh",
            Self::Adb { .. } => "adb",
            Self::Qemu { .. } => "qemu",
            Self::Emulated { .. } => "emulated",
        }
    }
}

/// Where an ssh device is, and how it is known to be the right one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ssh {
    /// Name or address.
    pub host: String,
    /// None means what `~/.ssh/config` says, or 22.
    pub port: Option<u16>,
    /// None means what `~/.ssh/config` says, or the user who runs the controller.
    pub user: Option<String>,
    /// Private key file.
    pub identity: Option<PathBuf>,
    /// `SHA256:` and the unpadded base64 of the key's SHA-256, as `ssh-keygen -lf` prints it. None means `known_hosts`.
    pub host_key: Option<String>,
}

/// A power meter.
#[derive(Clone, PartialEq, Debug)]
pub enum EnergyMeter {
    /// A TI INA219 on an i2c bus of the device.
    Ina219 {
        /// Number of the bus: `/dev/i2c-N`.
        bus: u8,
        /// 7-bit address, 0x40 to 0x4f.
        address: u8,
        /// Resistance that the current flows through.
        shunt_ohms: f64,
    },
    /// The energy counters of an x86 processor, through Linux powercap.
    Rapl,
}

/// What the clocks of a device's processors are asked to be. It is put back when the device is left.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frequency {
    /// Name of a governor of the kernel, such as `performance`.
    pub governor: Option<String>,
    /// Limit of the clock.
    pub max_khz: Option<u32>,
}

/// Wait until a thermal zone has cooled down.
#[derive(Clone, PartialEq, Debug)]
pub struct Settle {
    /// `type` of the thermal zone, such as `cpu-thermal`.
    pub zone: String,
    /// Go on below this temperature.
    pub below_celsius: f64,
    /// Give up after this time.
    pub timeout: Duration,
}

/// What stands in for a device with `--emulate`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Emulate {
    /// CPU model of qemu-user, such as `cortex-a72`.
    pub cpu: String,
}

impl Inventory {
    /// Reads a `devices.toml`.
    ///
    /// # Errors
    /// When it cannot be read, with everything that is wrong in it.
    pub fn load(file: &Path) -> Result<Self, BenchError> {
        let devices = config::read_file(file, devices)?;
        Ok(Self { file: Some(file.to_owned()), devices })
    }

    /// Reads the text of a `devices.toml`; `file` names it in errors.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let devices = config::read(file, text, devices)?;
        Ok(Self { file: Some(file.to_owned()), devices })
    }

    /// What there is without any file: `host`, the controller itself.
    pub fn built_in() -> Self {
        let host = Device {
            name: "host".to_owned(),
            transport: Transport::Local,
            target: None,
            threads: vec![1],
            cpus: None,
            frequency: None,
            tags: Vec::new(),
            energy: None,
            settle: None,
            emulate: None,
        };
        Self { file: None, devices: vec![host] }
    }

    /// The file it was read from; none for [`Inventory::built_in`].
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// All devices, in the order of the file.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The device of this name.
    ///
    /// # Errors
    /// When there is none; the error names those there are.
    pub fn device(&self, name: &str) -> Result<&Device, InventoryError> {
        self.devices.iter().find(|device| device.name == name).ok_or_else(|| InventoryError::UnknownDevice {
            name: name.to_owned(),
            known: self.devices.iter().map(|device| device.name.clone()).collect(),
            file: self.file.clone(),
        })
    }

    /// The devices that these selectors choose, each once: a name, `tag:` and a tag, or `all`, in the order given and
    /// within a tag in the order of the file; `!` in front takes away what the rest chooses, whatever else is said.
    ///
    /// # Errors
    /// For the first selector that leads to no device.
    pub fn select<'i, S: AsRef<str>>(&'i self, selectors: &[S]) -> Result<Vec<&'i Device>, InventoryError> {
        let mut selected: Vec<&Device> = Vec::new();
        let mut without: Vec<&str> = Vec::new();
        let only_taken_away = selectors.iter().all(|selector| selector.as_ref().starts_with('!'));
        if only_taken_away && !selectors.is_empty() {
            selected.extend(&self.devices);
        }
        for selector in selectors.iter().map(AsRef::as_ref) {
            let (taken_away, chosen) = match selector.strip_prefix('!') {
                Some(rest) => (true, self.chosen(rest)?),
                None => (false, self.chosen(selector)?),
            };
            for device in chosen {
                if taken_away {
                    without.push(&device.name);
                } else if !selected.iter().any(|known| known.name == device.name) {
                    selected.push(device);
                }
            }
        }
        selected.retain(|device| !without.contains(&device.name.as_str()));
        Ok(selected)
    }

    fn chosen(&self, selector: &str) -> Result<Vec<&Device>, InventoryError> {
        let Some(tag) = selector.strip_prefix("tag:") else {
            // A device may be called `all`: then the name means it.
            return match self.device(selector) {
                Err(_) if selector == "all" => Ok(self.devices.iter().collect()),
                device => Ok(vec![device?]),
            };
        };
        let has = |device: &&Device| device.tags.iter().any(|known| known == tag);
        let chosen: Vec<&Device> = self.devices.iter().filter(has).collect();
        if !chosen.is_empty() {
            return Ok(chosen);
        }
        let mut known: Vec<String> = self.devices.iter().flat_map(|device| device.tags.clone()).collect();
        known.sort_unstable();
        known.dedup();
        Err(InventoryError::UnknownTag { tag: tag.to_owned(), known, file: self.file.clone() })
    }
}

/// Why a device was not found.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InventoryError {
    /// No table has this name.
    #[error("unknown device `{name}`")]
    UnknownDevice {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
        /// Where they are from; none when they are built in.
        file: Option<PathBuf>,
    },
    /// No device has this tag.
    #[error("no device with tag `{tag}`")]
    UnknownTag {
        /// The tag.
        tag: String,
        /// The tags there are.
        known: Vec<String>,
        /// Where they are from; none when they are built in.
        file: Option<PathBuf>,
    },
    /// Nothing is said of what stands in for the device.
    #[error("device `{name}` has no `emulate`")]
    NotEmulated {
        /// Its name.
        name: String,
    },
    /// Instructions are counted for one thread only.
    #[error("{threads} threads on an emulated device: expected 1")]
    EmulatedThreads {
        /// How many were asked for.
        threads: u16,
    },
}

/// Values that are wrong have been noted, so the devices around them are still checked.
fn devices(root: Table<'_>) -> Option<Vec<Device>> {
    let entries = root.named();
    if entries.is_empty() {
        root.note_here(ProblemKind::MissingKey {
            key: "host".to_owned(),
            expected: "at least one table, such as [host] with transport = \"local\"".to_owned(),
        });
    }
    let checked: Vec<Option<Device>> = entries.iter().map(device).collect();
    checked.into_iter().collect()
}

fn device(entry: &Value<'_>) -> Option<Device> {
    let name = entry.key_as_name("device", true);
    let mut table = entry.table()?;
    let transport = transport(&mut table);
    let target = optional(table.get("target"), |value| value.name());
    let threads = optional(table.get("threads"), threads);
    let cpus = optional(table.get("cpus"), cpus);
    let frequency = optional(table.get("frequency"), frequency);
    let tags = optional(table.get("tags"), tags);
    let energy = optional(table.get("energy"), energy);
    let settle = optional(table.get("settle"), settle);
    let emulate = optional(table.get("emulate"), emulate);
    // Without a transport it is unknown which keys there are; the others are not called wrong then.
    let transport = transport?;
    table.close();
    Some(Device {
        name: name?,
        transport,
        target: target?,
        threads: threads?.unwrap_or_else(|| vec![1]),
        cpus: cpus?,
        frequency: frequency?,
        tags: tags?.unwrap_or_default(),
        energy: energy?,
        settle: settle?,
        emulate: emulate?,
    })
}

/// `Some(None)` when there is no such key, `None` when its value is wrong.
fn optional<'d, T>(
    value: Option<Value<'d>>,
    check: impl FnOnce(&Value<'d>) -> Option<T>,
) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => check(&value).map(Some),
    }
}

#[derive(Clone, Copy)]
enum TransportName {
    Local,
    Ssh,
    Adb,
    Qemu,
}

const TRANSPORTS: &[(&str, TransportName)] = &[
    ("local", TransportName::Local),
    ("ssh", TransportName::Ssh),
    ("adb", TransportName::Adb),
    ("qemu", TransportName::Qemu),
];

fn transport(table: &mut Table<'_>) -> Option<Transport> {
    let name = table.require("transport", "one of: local, ssh, adb, qemu")?.choice(TRANSPORTS)?;
    match name {
        TransportName::Local => Some(Transport::Local),
        TransportName::Ssh => ssh(table).map(Transport::Ssh),
        TransportName::Adb => {
            let serial = optional(table.get("serial"), |value| argument(value, "a serial number"))?;
            Some(Transport::Adb { serial })
        }
        TransportName::Qemu => {
            let machine = table.require("machine", "QEMU's name of the board, such as \"mps2-an386\"")?;
            Some(Transport::Qemu { machine: machine.name()? })
        }
    }
}

fn ssh(table: &mut Table<'_>) -> Option<Ssh> {
    let host = table.require("host", "a host name or address");
    let host = host.and_then(|value| argument(&value, "a host name or address"));
    let port = optional(table.get("port"), |value| value.integer(1..=u16::MAX));
    let user = optional(table.get("user"), |value| argument(value, "a user name"));
    let identity = optional(table.get("identity"), |value| value.text().map(PathBuf::from));
    let host_key = optional(table.get("host_key"), host_key);
    Some(Ssh { host: host?, port: port?, user: user?, identity: identity?, host_key: host_key? })
}

/// Text that ends up as one argument of a command: it must not look like an option, nor hold a space or anything
/// that a terminal or a shell would act on.
fn argument(value: &Value<'_>, what: &str) -> Option<String> {
    let text = value.string()?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".:_-@%+=/[]".contains(letter);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(plain) {
        return value.bad(&format!("{what} without spaces or a leading `-`"));
    }
    Some(text.to_owned())
}

fn host_key(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let digest = text.strip_prefix("SHA256:").unwrap_or_default();
    let base64 = |letter: char| letter.is_ascii_alphanumeric() || letter == '+' || letter == '/';
    if digest.len() != SHA256_BASE64_LENGTH || !digest.chars().all(base64) {
        return value.bad("\"SHA256:\" and 43 characters of base64, as ssh-keygen -lf prints it");
    }
    Some(text.to_owned())
}

/// 32 bytes in base64 without padding.
const SHA256_BASE64_LENGTH: usize = 43;

fn threads(value: &Value<'_>) -> Option<Vec<u16>> {
    let mut threads = Vec::new();
    let mut right = true;
    for element in value.array(1..=usize::from(MAX_THREADS), "numbers of threads")? {
        match element.integer(1..=MAX_THREADS) {
            Some(count) if threads.contains(&count) => {
                right = element.conflict("every number of threads once", &count.to_string()).unwrap_or(false);
            }
            Some(count) => threads.push(count),
            None => right = false,
        }
    }
    right.then_some(threads)
}

/// Numbers and ranges of processors, as taskset(1) takes them.
fn cpus(value: &Value<'_>) -> Option<String> {
    const EXPECTED: &str = "numbers and ranges of processors such as \"0,4-7\"";
    let text = value.string()?;
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let numbers = first.parse::<u16>().ok().zip(last.parse::<u16>().ok());
        numbers.is_some_and(|(first, last)| first <= last && last < MAX_THREADS)
    };
    if text.split(',').all(range) { Some(text.to_owned()) } else { value.bad(EXPECTED) }
}

fn frequency(value: &Value<'_>) -> Option<Frequency> {
    let mut table = value.table()?;
    let governor = optional(table.get("governor"), governor);
    let max_khz = optional(table.get("max_khz"), |value| value.integer(1..=u32::MAX));
    table.close();
    Some(Frequency { governor: governor?, max_khz: max_khz? })
}

/// The kernel's names are words of at most 15 letters (CPUFREQ_NAME_LEN).
fn governor(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    if (1..16).contains(&text.len()) && text.chars().all(plain) {
        return Some(text.to_owned());
    }
    value.bad("the name of a frequency governor, such as \"performance\"")
}

fn tags(value: &Value<'_>) -> Option<Vec<String>> {
    value.array(0..=MAX_TAGS, "tags")?.iter().map(Value::name).collect()
}

const MAX_TAGS: usize = 100;

#[derive(Clone, Copy)]
enum MeterName {
    Ina219,
    Rapl,
}

const METERS: &[(&str, MeterName)] = &[("ina219", MeterName::Ina219), ("rapl", MeterName::Rapl)];

fn energy(value: &Value<'_>) -> Option<EnergyMeter> {
    let mut table = value.table()?;
    let meter = table.require("meter", "one of: ina219, rapl")?.choice(METERS)?;
    let meter = match meter {
        MeterName::Rapl => Some(EnergyMeter::Rapl),
        MeterName::Ina219 => ina219(&mut table),
    };
    table.close();
    meter
}

/// Addresses: TI SBOS448G, table 1. Shunts outside of a micro-ohm to 100 ohms are not shunts.
fn ina219(table: &mut Table<'_>) -> Option<EnergyMeter> {
    let bus = table.require("bus", "the number of an i2c bus").and_then(|value| value.integer(0..=u8::MAX));
    let address = table.require("address", "an i2c address").and_then(|value| value.integer(0x40..=0x4f));
    let shunt = table.require("shunt_ohms", "the resistance of the shunt");
    let shunt_ohms = shunt.and_then(|value| value.number(1e-6..=100.0));
    Some(EnergyMeter::Ina219 { bus: bus?, address: address?, shunt_ohms: shunt_ohms? })
}

fn settle(value: &Value<'_>) -> Option<Settle> {
    let mut table = value.table()?;
    let zone = table.require("zone", "the type of a thermal zone").and_then(|value| value.name());
    let below = table.require("below_celsius", "a temperature").and_then(|value| value.number(-40.0..=150.0));
    let timeout = optional(table.get("timeout"), duration);
    table.close();
    Some(Settle { zone: zone?, below_celsius: below?, timeout: timeout?.unwrap_or(DEFAULT_SETTLE_TIMEOUT) })
}

/// As long as the mobile MLPerf rules let a phone cool down, twice.
const DEFAULT_SETTLE_TIMEOUT: Duration = Duration::from_secs(600);

/// A week: whoever waits longer has made a mistake in the unit.
const MAX_SETTLE_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);

fn duration(value: &Value<'_>) -> Option<Duration> {
    const EXPECTED: &str = "a duration such as \"10min\" or \"90s\", at most a week";
    let Ok(length) = jiff::SignedDuration::from_str(value.string()?) else { return value.bad(EXPECTED) };
    match Duration::try_from(length) {
        Ok(length) if length <= MAX_SETTLE_TIMEOUT => Some(length),
        _ => value.bad(EXPECTED),
    }
}

fn emulate(value: &Value<'_>) -> Option<Emulate> {
    let mut table = value.table()?;
    let cpu =
        table.require("cpu", "a CPU model of QEMU, such as \"cortex-a72\"").and_then(|value| value.name());
    table.close();
    Some(Emulate { cpu: cpu? })
}

#[cfg(test)]
mod tests;
