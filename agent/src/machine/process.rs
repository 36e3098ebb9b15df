//! Figures about this process.

use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use super::files::{Root, kib_field};

/// Processor time of all threads since the process started.
pub(crate) fn cpu_nanos() -> Option<u64> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(u64::try_from(time.tv_nsec).ok()?)
}

/// Keeps this process, and every thread it starts from now on, on these processors.
pub(crate) fn run_on(cpus: &[usize]) -> std::io::Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// Largest resident set so far: `VmHWM`.
pub(crate) fn peak_rss_bytes(root: &Root) -> Option<u64> {
    kib_field(&root.text("proc/self/status")?, "VmHWM")
}

/// The logical CPU that this process ran on last: field 39 of `/proc/self/stat` (proc(5)).
pub(crate) fn last_cpu(root: &Root) -> Option<u32> {
    let stat = root.text("proc/self/stat")?;
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(39 - 3)?.parse().ok()
}
