//! The one place that chooses whose locks, condition variables, atomics and threads are used: std's, loom's (feature
//! `loom`) or shuttle's (feature `shuttle`). No protocol and no timed wait lives here: loom has none.
//!
//! Two things stay std's on purpose wherever they are used. [`Arc`] is std's, since a count of references decides
//! nothing in the protocol and would multiply loom's interleavings. Trace sinks and memory volumes lock with
//! `std::sync::Mutex`, since they are only ever reached with a role's lock held.

#[cfg(feature = "loom")]
use loom as primitives;
#[cfg(all(feature = "shuttle", not(feature = "loom")))]
use shuttle as primitives;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
use std as primitives;

pub use primitives::sync::MutexGuard;
pub use primitives::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub use primitives::thread;
pub use std::sync::{Arc, Weak};

/// A mutual exclusion lock whose poison is not an error of its own.
///
/// A thread that panics while it holds a role's lock leaves the role's slot empty, and the slot says so to the next
/// caller; data that is not a role's is valid at every moment. So the guard is handed out either way.
#[derive(Debug, Default)]
pub struct Mutex<T>(primitives::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// A lock around `value`.
    pub fn new(value: T) -> Self {
        Self(primitives::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A condition variable without a timed wait: whatever ends a wait is an event that somebody takes.
#[derive(Debug, Default)]
pub struct Condvar(primitives::sync::Condvar);

impl Condvar {
    /// A condition variable nobody waits for.
    #[must_use]
    pub fn new() -> Self {
        Self(primitives::sync::Condvar::new())
    }

    /// Gives up the lock until notified; may return without a notification, so the caller looks again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Wakes every waiter.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Wakes one waiter.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }
}

/// Starts a thread that carries `name` in debuggers and panic messages.
///
/// # Errors
/// The operating system's error when it starts no thread.
pub fn spawn<F>(name: &str, body: F) -> std::io::Result<thread::JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    thread::Builder::new().name(name.to_owned()).spawn(body)
}
