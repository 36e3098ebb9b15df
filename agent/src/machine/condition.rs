//! How the machine is at this moment.

use edgebench_wire::Condition;

use super::files::Root;
use super::process::last_cpu;

/// Zones outside this range are not temperatures: unconnected sensors read -273 or 0xFFFF.
const PLAUSIBLE_MILLICELSIUS: core::ops::RangeInclusive<i32> = -60_000..=200_000;

pub(crate) fn read(root: &Root) -> Condition {
    Condition {
        load_1m: load_1m(root),
        cpu_khz: last_cpu(root).and_then(|cpu| cpu_khz(root, cpu)),
        temperature_millicelsius: hottest_millicelsius(root),
        throttle_count: throttle_count(root),
        steal_ticks: steal_ticks(root),
    }
}

fn load_1m(root: &Root) -> Option<f32> {
    root.text("proc/loadavg")?.split_whitespace().next()?.parse().ok().filter(|load: &f32| load.is_finite())
}

/// The clock of one CPU: from its frequency driver, or from `/proc/cpuinfo` where there is none.
fn cpu_khz(root: &Root, cpu: u32) -> Option<u32> {
    root.number(&format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"))
        .or_else(|| cpuinfo_khz(&root.text("proc/cpuinfo")?, cpu))
}

fn cpuinfo_khz(cpuinfo: &str, cpu: u32) -> Option<u32> {
    let is_ours = |block: &&str| super::files::field(block, "processor") == Some(&cpu.to_string());
    let mhz: f64 = super::files::field(cpuinfo.split("\n\n").find(is_ours)?, "cpu MHz")?.parse().ok()?;
    let khz = (mhz * 1000.0).round();
    (khz > 0.0 && khz <= f64::from(u32::MAX)).then_some(khz as u32)
}

fn hottest_millicelsius(root: &Root) -> Option<i32> {
    let zones = root.numbered("sys/class/thermal", "thermal_zone");
    let temperatures = zones.iter().filter_map(|zone| root.number::<i32>(&format!("{zone}/temp")));
    temperatures.filter(|temperature| PLAUSIBLE_MILLICELSIUS.contains(temperature)).max()
}

/// Sum over all logical CPUs. Those of one core show the same counter, so that one event may count twice; what matters
/// is whether the sum moves.
fn throttle_count(root: &Root) -> Option<u64> {
    let cpus = root.numbered("sys/devices/system/cpu", "cpu");
    let counts = cpus
        .iter()
        .filter_map(|cpu| root.number::<u64>(&format!("{cpu}/thermal_throttle/core_throttle_count")));
    counts.reduce(u64::saturating_add)
}

/// The eighth figure of the line `cpu` in `/proc/stat` (proc(5)).
fn steal_ticks(root: &Root) -> Option<u64> {
    let stat = root.text("proc/stat")?;
    stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().nth(7)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::properties::tests::fake;

    #[test]
    fn nothing_readable_is_nothing_said() {
        assert_eq!(read(&fake(&[]).root()), Condition::default());
    }

    #[test]
    fn a_board_tells_everything() {
        let board = fake(&[
            ("proc/loadavg", "0.52 0.58 0.59 1/598 4077\n"),
            ("proc/self/stat", &format!("77 (a (b) c) R {}3 0 0", "0 ".repeat(35))),
            ("sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "1800000\n"),
            ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
            ("sys/class/thermal/thermal_zone1/temp", "51000\n"),
            ("sys/class/thermal/thermal_zone2/temp", "-273000\n"),
            ("sys/class/thermal/thermal_zone10/temp", "N/A\n"),
            ("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "4\n"),
            ("sys/devices/system/cpu/cpu3/thermal_throttle/core_throttle_count", "1\n"),
            ("proc/stat", "cpu  10 0 20 30 0 0 1 87 0 0\ncpu0 1 2\n"),
        ]);
        let expected = Condition {
            load_1m: Some(0.52),
            cpu_khz: Some(1_800_000),
            temperature_millicelsius: Some(51_000),
            throttle_count: Some(5),
            steal_ticks: Some(87),
        };
        assert_eq!(read(&board.root()), expected);
    }

    #[test]
    fn the_clock_of_our_own_cpu_is_read_where_there_is_no_frequency_driver() {
        let cpuinfo = "processor\t: 0\ncpu MHz\t\t: 1000.5\n\nprocessor\t: 1\ncpu MHz\t\t: 2596.150\n";
        assert_eq!(cpuinfo_khz(cpuinfo, 1), Some(2_596_150));
        assert_eq!(cpuinfo_khz(cpuinfo, 2), None);
        assert_eq!(cpuinfo_khz("processor: 0\ncpu MHz: nan\n", 0), None);
    }
}
