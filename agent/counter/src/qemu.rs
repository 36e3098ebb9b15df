//! QEMU's plugin interface as far as it is used here: `include/qemu/qemu-plugin.h`. Two interfaces differ for us only in
//! how the bytes of an instruction are read: version 1 (QEMU 4.2 to 8.2) and version 3 (QEMU 9.1 and newer).
#![expect(unsafe_code, reason = "the door to another program's functions")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

/// Names this plugin to QEMU.
pub(crate) type Id = u64;

/// The interface that this plugin was built for.
#[cfg(not(feature = "api-3"))]
pub(crate) const API_VERSION: c_int = 1;
/// The interface that this plugin was built for.
#[cfg(feature = "api-3")]
pub(crate) const API_VERSION: c_int = 3;

/// No register is read or written by a callback: `QEMU_PLUGIN_CB_NO_REGS`.
const NO_REGISTERS: c_int = 0;

/// The beginning of `qemu_info_t`.
#[repr(C)]
pub struct Info {
    target_name: *const c_char,
}

/// `struct qemu_plugin_tb`: a translated block, known by its address only.
#[repr(C)]
pub(crate) struct Block {
    opaque: [u8; 0],
}

/// `struct qemu_plugin_insn`: an instruction of it.
#[repr(C)]
struct Instruction {
    opaque: [u8; 0],
}

type OnTranslation = extern "C" fn(Id, *mut Block);
/// Processor, and the value that was given with the callback.
pub(crate) type OnProcessor = extern "C" fn(c_uint, *mut c_void);

unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: Id, callback: OnTranslation);
    fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    fn qemu_plugin_tb_get_insn(block: *const Block, place: usize) -> *mut Instruction;
    #[cfg(not(feature = "api-3"))]
    fn qemu_plugin_insn_data(instruction: *const Instruction) -> *const u8;
    #[cfg(feature = "api-3")]
    fn qemu_plugin_insn_data(instruction: *const Instruction, into: *mut u8, length: usize) -> usize;
    fn qemu_plugin_insn_size(instruction: *const Instruction) -> usize;
    fn qemu_plugin_register_vcpu_tb_exec_cb(
        block: *mut Block,
        callback: OnProcessor,
        flags: c_int,
        value: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut Instruction,
        callback: OnProcessor,
        flags: c_int,
        value: *mut c_void,
    );
}

/// The name of the emulated architecture.
///
/// # Safety
/// `info` is what QEMU gave to `qemu_plugin_install`.
pub(crate) unsafe fn target_name(info: *const Info) -> String {
    // SAFETY: QEMU's description begins with a pointer to a string that ends with a zero byte.
    unsafe { CStr::from_ptr((*info).target_name) }.to_string_lossy().into_owned()
}

/// The arguments of the plugin.
///
/// # Safety
/// `arguments` are `count` pointers to strings that end with a zero byte.
pub(crate) unsafe fn strings(count: c_int, arguments: *const *const c_char) -> Vec<String> {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: each of the `count` pointers is a string, as the caller promises.
    let text = |place| unsafe { CStr::from_ptr(*arguments.add(place)) }.to_string_lossy().into_owned();
    (0..count).map(text).collect()
}

/// Calls back for every block that is translated from now on.
pub(crate) fn on_translation(id: Id, callback: OnTranslation) {
    // SAFETY: `id` is the one that QEMU gave us.
    unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, callback) }
}

/// Instructions of a block. Only inside the callback that got the block, as everything below.
pub(crate) fn block_length(block: *mut Block) -> usize {
    // SAFETY: QEMU gave us the block, and it lives until the callback ends.
    unsafe { qemu_plugin_tb_n_insns(block) }
}

/// The bytes of an instruction and how many they are; none for one that is longer than `N`.
pub(crate) fn instruction<const N: usize>(block: *mut Block, place: usize) -> Option<([u8; N], usize)> {
    let mut bytes = [0; N];
    // SAFETY: `place` is below the block's length; the instruction lives as long as the block.
    let (instruction, length) = unsafe {
        let instruction = qemu_plugin_tb_get_insn(block, place);
        (instruction, qemu_plugin_insn_size(instruction))
    };
    let room = bytes.get_mut(..length)?;
    // SAFETY: QEMU's copy of the instruction is as long as it says, and does not overlap ours.
    #[cfg(not(feature = "api-3"))]
    unsafe {
        room.copy_from_slice(std::slice::from_raw_parts(qemu_plugin_insn_data(instruction), length));
    }
    // SAFETY: QEMU writes at most as many bytes as there is room for.
    #[cfg(feature = "api-3")]
    unsafe {
        qemu_plugin_insn_data(instruction, room.as_mut_ptr(), room.len());
    }
    Some((bytes, length))
}

/// Calls back with `value` whenever the block is entered.
pub(crate) fn on_entry(block: *mut Block, callback: OnProcessor, value: u64) {
    // SAFETY: QEMU gave us the block; it never looks at the value.
    unsafe { qemu_plugin_register_vcpu_tb_exec_cb(block, callback, NO_REGISTERS, value as *mut c_void) }
}

/// Calls back with `value` whenever the instruction is about to run.
pub(crate) fn on_execution(block: *mut Block, place: usize, callback: OnProcessor, value: u64) {
    // SAFETY: `place` is below the block's length; QEMU never looks at the value.
    unsafe {
        let instruction = qemu_plugin_tb_get_insn(block, place);
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, NO_REGISTERS, value as *mut c_void);
    }
}
