//! A real arm64 Linux with a real ssh server of another make (dropbear), under qemu-system: `ci/devices/guest`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use edgebench_reports::frame::read_run;
use edgebench_reports::record::Outcome;

use crate::board::{bench, devices, place};
use crate::place::{Ended, repository};

/// The emulator, ended when it is dropped.
struct Guest {
    folder: PathBuf,
    port: u16,
    emulator: Option<Child>,
}

fn script(arguments: &[&str]) -> Command {
    let mut command = Command::new(repository().join("ci/devices/guest"));
    command.args(arguments).env("EDGEBENCH_DEVICES", devices()).stdin(Stdio::null());
    command
}

impl Guest {
    /// Makes and boots one, and returns it with its table of an inventory.
    fn boot() -> Result<(Self, String), String> {
        if !devices().join("guest/done").is_file() {
            return Err("ci/devices/fetch was not run".to_owned());
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("guest-{}", std::process::id()));
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.map_err(|error| error.to_string())?.port();
        let mut guest = Self { folder, port, emulator: None };
        let (place, port) = (guest.folder.display().to_string(), guest.port.to_string());
        let made = script(&["make", &place]).output().map_err(|error| error.to_string())?;
        if !made.status.success() {
            return Err(format!(
                "the guest cannot be made: {}",
                String::from_utf8_lossy(&made.stderr).trim()
            ));
        }
        let booted = script(&["boot", &place, &port]).spawn().map_err(|error| error.to_string())?;
        guest.emulator = Some(booted);
        let waited = script(&["wait", &place, &port]).output().map_err(|error| error.to_string())?;
        assert!(waited.status.success(), "{}", String::from_utf8_lossy(&waited.stderr));
        Ok((guest, String::from_utf8_lossy(&waited.stdout).into_owned()))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(emulator) = &mut self.emulator {
            let _ = emulator.kill();
            let _ = emulator.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_real_kernel_with_another_ssh_server_is_measured() {
    let (_guest, table) = match Guest::boot() {
        Ok(booted) => booted,
        Err(reason) => {
            println!("skipped: a_real_kernel_with_another_ssh_server_is_measured: {reason}");
            return;
        }
    };
    println!("{table}");
    let place = place(&table);
    let arguments = [
        "run",
        "--suite",
        "small",
        "--devices",
        "guest",
        "--variants",
        "int8",
        "--blocks",
        "1",
        "--silence-secs",
        "60",
    ];
    for attempt in ["cold", "warm"] {
        let began = Instant::now();
        let ended = Ended::of(bench(&place, &arguments).output().expect("bench starts"));
        ended.expect_code(0);
        println!("{attempt}, {:.1} s:\n{}", began.elapsed().as_secs_f64(), ended.stderr);
        let record = read_run(&place.run_file("run.parquet")).expect("a dataframe");
        assert!(record.cells.iter().all(|cell| cell.outcome == Outcome::Complete));
        let kernel = record.devices.first().and_then(|device| device.properties.get("kernel").cloned());
        assert!(kernel.is_some_and(|kernel| kernel.contains("-cloud-arm64")), "the guest's own kernel");
        std::fs::remove_dir_all(place.results()).expect("results");
        assert!(began.elapsed() < Duration::from_secs(600));
    }
}
