//! What `std` has otherwise: memory, and an end for panics; both are C's.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;

unsafe extern "C" {
    fn posix_memalign(memory: *mut *mut c_void, alignment: usize, bytes: usize) -> i32;
    fn free(memory: *mut c_void);
    safe fn abort() -> !;
}

/// Memory of the C library.
struct CMemory;

#[global_allocator]
static MEMORY: CMemory = CMemory;

// SAFETY: what `posix_memalign` gives is aligned as asked, belongs to nobody else until `free`, and is null here when it
// gives nothing.
unsafe impl GlobalAlloc for CMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut memory = core::ptr::null_mut();
        // SAFETY: the pointer can be written; the alignment is a power of two, and made a multiple of that of a pointer.
        match unsafe {
            posix_memalign(&raw mut memory, layout.align().max(size_of::<usize>()), layout.size())
        } {
            0 => memory.cast(),
            _ => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: it comes from `alloc`, and the caller does not use it again.
        unsafe { free(memory.cast()) }
    }
}

#[panic_handler]
fn end(_: &core::panic::PanicInfo<'_>) -> ! {
    abort()
}

/// The compiled core names it for frames that clean up while a panic unwinds, which none does.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {
    abort()
}

// The core also names the end of such a clean-up.
#[link(name = "gcc_s")]
unsafe extern "C" {}
