//! Sharing tasks out over threads while the calling thread keeps watch.
//!
//! Never here: an order in which tasks finish. Whoever collects the results must order them by
//! task, not by arrival.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long the calling thread sleeps between two looks at clock and memory.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// More threads than this have never helped and might exhaust the system.
const THREADS_MAX: usize = 256;

/// Does `work` for each task on up to `threads` threads, and calls `look` now and then.
///
/// Threads are started per call: a call covers some ten thousand states, which makes the start
/// cheap, and scoped threads let the borrow checker see that readers and writers of the visited
/// set never overlap.
pub(super) fn share_out<T: Send>(
    threads: NonZeroUsize,
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(T) + Sync,
    look: impl Fn(),
) {
    let queue = Mutex::new(tasks);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let drain = || {
        while let Some(task) = next() {
            work(task);
        }
    };
    let busy = AtomicUsize::new(0);
    let caller = thread::current();
    thread::scope(|scope| {
        for _ in 0..threads.get().min(THREADS_MAX) {
            busy.fetch_add(1, Ordering::SeqCst);
            let on_leave = OnLeave { busy: &busy, caller: &caller };
            let worker = || {
                let _on_leave = on_leave;
                drain();
            };
            // A thread that cannot be started drops its guard and is one thread fewer.
            if thread::Builder::new().spawn_scoped(scope, worker).is_err() {
                break;
            }
        }
        while busy.load(Ordering::SeqCst) > 0 {
            thread::park_timeout(LOOK_EVERY);
            look();
        }
    });
    // Whatever is left is left because not a single thread could be started.
    drain();
}

/// Counts a thread out even when it unwinds, so that the caller never waits for a dead one.
struct OnLeave<'a> {
    busy: &'a AtomicUsize,
    caller: &'a thread::Thread,
}

impl Drop for OnLeave<'_> {
    fn drop(&mut self) {
        self.busy.fetch_sub(1, Ordering::SeqCst);
        self.caller.unpark();
    }
}
