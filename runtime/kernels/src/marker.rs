//! Two no-ops that an emulator's plugin recognises: what runs between them is counted (`agent/counter`).
//!
//! On Arm they are hints that no processor defines: each executes them as a no-op. On x86-64 they are the long no-op with
//! a displacement that means nothing. No compiler emits either. Elsewhere they are nothing at all, and [`COUNTABLE`] says so.
#![cfg_attr(
    any(target_arch = "aarch64", target_arch = "arm", target_arch = "x86_64"),
    expect(unsafe_code, reason = "inline assembly")
)]

/// Whether the markers exist on this architecture.
pub const COUNTABLE: bool = cfg!(any(target_arch = "aarch64", target_arch = "arm", target_arch = "x86_64"));

/// Counting begins behind this.
#[inline(always)]
pub fn start() {
    // SAFETY: `hint #0x60` changes no register, no flag and no memory; the Arm ARM defines unallocated hints as NOP. That
    // the compiler takes it for an access to memory keeps the counted work behind it.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!("hint #0x60", options(nostack, preserves_flags));
    }
    // SAFETY: as above; the encoding is written out because assemblers know no name for it.
    #[cfg(target_arch = "arm")]
    unsafe {
        core::arch::asm!(".inst 0xe320f060", options(nostack, preserves_flags));
    }
    // SAFETY: `nop` with an operand accesses no memory (Intel SDM, NOP); otherwise as above.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!("nop dword ptr [rax + rax + 0x65646760]", options(nostack, preserves_flags));
    }
}

/// Counting ended before this.
#[inline(always)]
pub fn stop() {
    // SAFETY: as in `start`.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!("hint #0x61", options(nostack, preserves_flags));
    }
    // SAFETY: as in `start`.
    #[cfg(target_arch = "arm")]
    unsafe {
        core::arch::asm!(".inst 0xe320f061", options(nostack, preserves_flags));
    }
    // SAFETY: as in `start`.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!("nop dword ptr [rax + rax + 0x65646761]", options(nostack, preserves_flags));
    }
}
