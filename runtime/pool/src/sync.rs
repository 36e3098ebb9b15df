//! The primitives, as the standard library has them or as loom has them for its tests.

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
};

use std::io;
use std::sync::PoisonError;

#[cfg(loom)]
pub(crate) type JoinHandle = loom::thread::JoinHandle<()>;
#[cfg(not(loom))]
pub(crate) type JoinHandle = std::thread::JoinHandle<()>;

/// How long a thread looks for what it waits for before it sleeps: longer than most operators take, shorter than anybody
/// would notice.
#[cfg(not(loom))]
const SPIN: std::time::Duration = std::time::Duration::from_micros(50);

/// A lock that a panic elsewhere does not spoil: what it guards is changed in single steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sleeps until somebody notifies.
pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Whether there is a processor for each of `threads`: otherwise looking only takes time from who is waited for.
#[cfg(not(loom))]
pub(crate) fn may_spin(threads: usize) -> bool {
    std::thread::available_parallelism().is_ok_and(|processors| processors.get() >= threads)
}

/// Looking changes nothing for loom, which tries every order.
#[cfg(loom)]
pub(crate) fn may_spin(_threads: usize) -> bool {
    false
}

/// Looks for a moment whether `is_there`.
#[cfg(not(loom))]
pub(crate) fn spin_until(is_there: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    loop {
        // The clock costs more than a look.
        for _ in 0..32 {
            if is_there() {
                return;
            }
            std::hint::spin_loop();
        }
        if begun.elapsed() > SPIN {
            return;
        }
    }
}

#[cfg(loom)]
pub(crate) fn spin_until(_is_there: impl Fn() -> bool) {}

/// Starts a worker.
#[cfg(not(loom))]
pub(crate) fn spawn(number: usize, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle> {
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(work)
}

#[cfg(loom)]
pub(crate) fn spawn(_number: usize, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle> {
    Ok(loom::thread::spawn(work))
}
