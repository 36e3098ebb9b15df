//! `bench devices`: which devices there are, and whether they answer.

use std::fmt::Write as _;
use std::path::PathBuf;

use edgebench_wire::{Facts, Hello};

use super::locations::{InventoryFile, Storage};
use super::{Terminal, print};
use crate::artifact::Cache;
use crate::error::{BenchError, ExitCode};
use crate::inventory::{Device, Transport};
use crate::run::{self, meet};

/// Arguments of `bench devices`.
#[derive(clap::Args, Debug)]
pub(super) struct DevicesArgs {
    /// Only these devices, as `bench run --devices` takes them; all by default.
    #[arg(value_name = "DEVICE", value_delimiter = ',')]
    names: Vec<String>,
    /// Start an agent on each and show what it says of the machine.
    #[arg(long)]
    check: bool,
    /// Check what stands in for each with --emulate: its agent under QEMU on this machine.
    #[arg(long, requires = "check")]
    emulate: bool,
    /// Take everything of ours away from each: agents, models, data.
    #[arg(long, conflicts_with = "check")]
    clean: bool,
    /// Use this agent instead of building one.
    #[arg(long, env = "EDGEBENCH_AGENT", value_name = "PATH")]
    agent: Option<PathBuf>,
    #[command(flatten)]
    inventory: InventoryFile,
    #[command(flatten)]
    storage: Storage,
}

pub(super) fn run(arguments: &DevicesArgs, _terminal: Terminal) -> Result<ExitCode, BenchError> {
    let inventory = arguments.inventory.load()?;
    let devices: Vec<&Device> = if arguments.names.is_empty() {
        inventory.devices().iter().collect()
    } else {
        inventory.select(&arguments.names)?
    };
    if arguments.clean {
        return clean(&devices, arguments);
    }
    if !arguments.check {
        let lines: Vec<String> = devices.iter().map(|device| line(device)).collect();
        print(&lines.concat())?;
        return Ok(ExitCode::Pass);
    }
    check(&devices, arguments)
}

/// Every device is cleaned, whatever became of the ones before it.
fn clean(devices: &[&Device], arguments: &DevicesArgs) -> Result<ExitCode, BenchError> {
    let cache = arguments.storage.cache()?;
    let mut code = ExitCode::Pass;
    for device in devices {
        match run::clean(device, &cache) {
            Ok(()) => print(&format!("{:<16} clean\n", device.name))?,
            Err(error) => {
                print(&format!("{:<16} not clean\n{}", device.name, indented(&error.render(false))))?;
                code = code.graver(error.exit_code());
            }
        }
    }
    Ok(code)
}

/// Every device is asked, whatever became of the ones before it.
fn check(devices: &[&Device], arguments: &DevicesArgs) -> Result<ExitCode, BenchError> {
    let cache = arguments.storage.cache()?;
    let mut code = ExitCode::Pass;
    for device in devices {
        let (line, answers) = if arguments.emulate {
            match device.emulated() {
                Ok(emulated) => (line(&emulated), ask(&emulated, &cache, arguments)),
                Err(error) => (line(device), Err(error.into())),
            }
        } else {
            (line(device), ask(device, &cache, arguments))
        };
        print(&line)?;
        match answers {
            Ok(answers) => print(&answers)?,
            Err(error) => {
                print(&indented(&error.render(false)))?;
                code = code.graver(error.exit_code());
            }
        }
    }
    Ok(code)
}

fn ask(device: &Device, cache: &Cache, arguments: &DevicesArgs) -> Result<String, BenchError> {
    meet(device, cache, arguments.agent.as_deref()).map(|(hello, facts)| answers(&hello, &facts))
}

fn line(device: &Device) -> String {
    let threads: Vec<String> = device.threads.iter().map(u16::to_string).collect();
    let mut text =
        format!("{:<16} {:<8} threads {:<8}", device.name, device.transport.name(), threads.join(","));
    let place = match &device.transport {
        Transport::Local => "this machine".to_owned(),
        Transport::Ssh(ssh) => match ssh.port {
            Some(port) => format!("{}:{port}", ssh.host),
            None => ssh.host.clone(),
        },
        Transport::Adb { serial } => serial.clone().unwrap_or_else(|| "the attached phone".to_owned()),
        Transport::Qemu { machine } => machine.clone(),
        Transport::Emulated { cpu } => cpu.clone(),
    };
    text += &place;
    if !device.tags.is_empty() {
        text += &format!(" [{}]", device.tags.join(", "));
    }
    text.trim_end().to_owned() + "\n"
}

fn answers(hello: &Hello, facts: &Facts) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<20} {value}");
    };
    line("agent", &format!("{} for {}", hello.agent_version, hello.target));
    line("kernels", &hello.kernels.join(", "));
    for (name, value) in &facts.properties {
        line(name, value);
    }
    let condition = &facts.condition;
    let mut now = |name: &str, value: Option<String>| line(name, value.as_deref().unwrap_or("not readable"));
    now("load_1m", condition.load_1m.map(|load| load.to_string()));
    now("cpu_khz", condition.cpu_khz.map(|khz| khz.to_string()));
    let celsius = |millis: i32| format!("{:.1} C", f64::from(millis) / 1000.0);
    now("temperature", condition.temperature_millicelsius.map(celsius));
    now("throttle_count", condition.throttle_count.map(|count| count.to_string()));
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
