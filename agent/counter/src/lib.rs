//! A plugin of QEMU's user emulation that counts instructions between two markers, exactly.
//!
//! QEMU translates a program in blocks of instructions. The plugin adds the length of a block to the count of its
//! virtual processor whenever the block is entered. At a start marker it notes the count, at a stop marker it writes
//! what lies between into a file, where the agent reads it: 16 bytes, two little-endian u64, a number that rises with
//! every stop marker and the count. Markers themselves are not counted.
//!
//! Loaded with `-plugin libedgebench_counter.so,out=FILE`. It knows nothing of models, samples or the protocol, and
//! counts each virtual processor (thread) for itself.
//!
//! The unsafe code here is the door to QEMU's interface (`include/qemu/qemu-plugin.h`) and nothing else.

mod marker;
mod qemu;

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use marker::{Marker, Target};
use qemu::{Block, Id, Info};

/// Virtual processors that are told apart; a thread beyond them shares the count of another.
const PROCESSORS: usize = 1024;

/// Instructions entered so far, for each virtual processor. Only its own thread writes a count.
static ENTERED: [AtomicU64; PROCESSORS] = [const { AtomicU64::new(0) }; PROCESSORS];

/// Count at the last start marker of each virtual processor.
static STARTED: [AtomicU64; PROCESSORS] = [const { AtomicU64::new(0) }; PROCESSORS];

/// Stop markers met so far.
static STOPS: AtomicU64 = AtomicU64::new(0);

/// What the plugin was loaded for.
struct Setup {
    target: Target,
    out: File,
}

static SETUP: OnceLock<Setup> = OnceLock::new();

/// QEMU loads a plugin only when this lies in the range of interfaces that it speaks.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = qemu::API_VERSION;

/// QEMU calls this once, before the program starts. A result other than 0 ends QEMU.
///
/// # Safety
/// Called by QEMU only, with `argument_count` arguments, each a string that ends with a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: Id,
    info: *const Info,
    argument_count: c_int,
    arguments: *const *const c_char,
) -> c_int {
    // SAFETY: QEMU passes its own description and as many strings as it says; both outlive this call.
    let (target, arguments) = unsafe { (qemu::target_name(info), qemu::strings(argument_count, arguments)) };
    match setup(&target, &arguments) {
        Ok(setup) => {
            let _ = SETUP.set(setup);
            qemu::on_translation(id, translated);
            0
        }
        Err(message) => {
            eprintln!("edgebench-counter: {message}");
            1
        }
    }
}

fn setup(target: &str, arguments: &[String]) -> Result<Setup, String> {
    let target = Target::named(target)
        .ok_or_else(|| format!("target: expected aarch64, arm or x86_64, found {target}"))?;
    let out = arguments.iter().find_map(|argument| argument.strip_prefix("out="));
    let out = out.ok_or_else(|| format!("arguments: expected out=FILE, found {arguments:?}"))?;
    let file = File::create(out).map_err(|error| format!("{out}: {error}"))?;
    Ok(Setup { target, out: file })
}

/// A block was translated: from now on it counts itself, and tells of its markers.
extern "C" fn translated(_: Id, block: *mut Block) {
    let Some(setup) = SETUP.get() else { return };
    let length = qemu::block_length(block);
    qemu::on_entry(block, entered, length as u64);
    for place in 0..length {
        let Some((bytes, length_bytes)) = qemu::instruction::<{ marker::LONGEST }>(block, place) else {
            continue;
        };
        let callback = match bytes.get(..length_bytes).and_then(|bytes| setup.target.marker(bytes)) {
            Some(Marker::Start) => start,
            Some(Marker::Stop) => stop,
            None => continue,
        };
        // The whole block is counted when a marker inside it runs: this marker and what follows it have to come off.
        qemu::on_execution(block, place, callback, (length - place) as u64);
    }
}

extern "C" fn entered(processor: c_uint, length: *mut c_void) {
    let count = slot(&ENTERED, processor);
    count.store(count.load(Relaxed).wrapping_add(length as u64), Relaxed);
}

extern "C" fn start(processor: c_uint, ahead: *mut c_void) {
    let behind_marker = before_marker(processor, ahead).wrapping_add(1);
    slot(&STARTED, processor).store(behind_marker, Relaxed);
}

extern "C" fn stop(processor: c_uint, ahead: *mut c_void) {
    let count = before_marker(processor, ahead).wrapping_sub(slot(&STARTED, processor).load(Relaxed));
    let number = STOPS.fetch_add(1, Relaxed) + 1;
    let mut line = [0; 16];
    line[..8].copy_from_slice(&number.to_le_bytes());
    line[8..].copy_from_slice(&count.to_le_bytes());
    // The agent notices that no new number came, and says so where somebody reads it.
    let _ = SETUP.get().map(|setup| setup.out.write_all_at(&line, 0));
}

/// Instructions that this processor has executed before the marker it is at.
fn before_marker(processor: c_uint, ahead: *mut c_void) -> u64 {
    slot(&ENTERED, processor).load(Relaxed).wrapping_sub(ahead as u64)
}

fn slot(counts: &'static [AtomicU64; PROCESSORS], processor: c_uint) -> &'static AtomicU64 {
    &counts[processor as usize % PROCESSORS]
}
