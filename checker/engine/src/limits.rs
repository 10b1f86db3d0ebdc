//! What ends a run early: time, states, memory, ids, an interrupt.
//!
//! Never here: what a run has found. A limit only says that the search was left, never that a
//! property holds.

use super::Progress;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// How often the progress callback runs, roughly.
pub(super) const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Memory that is left to what nobody counts: the threads' own needs, a report.
pub(super) const MARGIN: u64 = 1 << 20;
/// How often the resident memory is read.
const MEMORY_EVERY: Duration = Duration::from_millis(50);

/// The bounds of a run; `None` is unbounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time.
    pub time: Option<Duration>,
    /// Distinct states. A run stops once it has more, at the end of the slice it is in, so it
    /// may exceed this by the successors of one slice.
    pub states: Option<u64>,
    /// The engine's own tables or the resident memory of the process, whichever is larger.
    pub memory_bytes: Option<u64>,
}

/// The bound that ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::time`].
    Time,
    /// [`Limits::states`].
    States,
    /// [`Limits::memory_bytes`].
    Memory,
    /// The interrupt flag was set.
    Interrupted,
    /// The engine has no number left for another state.
    Ids,
}

impl Limit {
    const ALL: [Self; 5] = [Self::Time, Self::States, Self::Memory, Self::Interrupted, Self::Ids];
}

/// Decides, for all threads of a run, whether the run is to be left.
pub(super) struct Watch<'a> {
    started: Instant,
    limits: Limits,
    interrupt: Option<&'a AtomicBool>,
    /// 0 while the run goes on, otherwise one more than the position in [`Limit::ALL`]. The
    /// first limit stays; later ones do not overwrite it.
    reached: AtomicU8,
}

impl<'a> Watch<'a> {
    pub(super) fn new(limits: Limits, interrupt: Option<&'a AtomicBool>) -> Self {
        Self { started: Instant::now(), limits, interrupt, reached: AtomicU8::new(0) }
    }

    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub(super) fn reached(&self) -> Option<Limit> {
        match self.reached.load(Ordering::Relaxed) {
            0 => None,
            code => Limit::ALL.get(usize::from(code) - 1).copied(),
        }
    }

    pub(super) fn leave(&self, limit: Limit) {
        let position = Limit::ALL.iter().position(|l| *l == limit).unwrap_or_default();
        let code = u8::try_from(position + 1).unwrap_or(u8::MAX);
        let _ = self.reached.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether the run is to be left. Reads the clock, so it is meant for once per state.
    pub(super) fn is_over(&self) -> bool {
        if self.reached.load(Ordering::Relaxed) != 0 {
            return true;
        }
        if self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            self.leave(Limit::Interrupted);
            return true;
        }
        if self.limits.time.is_some_and(|most| self.started.elapsed() >= most) {
            self.leave(Limit::Time);
            return true;
        }
        false
    }

    pub(super) fn note_states(&self, distinct: u64) {
        if self.limits.states.is_some_and(|most| distinct > most) {
            self.leave(Limit::States);
        }
    }

    pub(super) fn note_memory(&self, bytes: u64) {
        if self.limits.memory_bytes.is_some_and(|most| bytes > most) {
            self.leave(Limit::Memory);
        }
    }
}

impl Watch<'_> {
    /// Whether there is a limit of memory.
    pub(super) fn limits_memory(&self) -> bool {
        self.limits.memory_bytes.is_some()
    }

    /// Whether so many bytes can still be taken; if not, the run is to be left. To be asked before
    /// they are.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        let Some(most) = self.limits.memory_bytes else { return true };
        let after = resident_bytes().unwrap_or(0).saturating_add(bytes).saturating_add(MARGIN);
        if after > most {
            self.leave(Limit::Memory);
        }
        after <= most
    }

    /// Whether a list can take one more, which doubles it when it is full. As much again is asked
    /// for: what a list beside it has got and not used yet is not resident, and it is not larger
    /// than what this one will be, or was itself asked for with that to spare.
    pub(super) fn may_push<T>(&self, len: usize, capacity: usize) -> bool {
        len < capacity || self.has_room((4 * capacity * size_of::<T>()) as u64)
    }
}

/// What the progress callback is told beyond what the pulse measures itself.
pub(super) struct Glance {
    pub(super) depth: Option<u32>,
    pub(super) distinct: u64,
    pub(super) transitions: u64,
    pub(super) queue: Option<u64>,
}

/// The part of a watch that belongs to the coordinating thread: memory readings and progress.
pub(super) struct Pulse<'a> {
    watch: &'a Watch<'a>,
    callback: Option<&'a dyn Fn(&Progress)>,
    memory_read: Cell<Option<Instant>>,
    reported: Cell<(Instant, u64)>,
}

impl<'a> Pulse<'a> {
    pub(super) fn new(watch: &'a Watch<'a>, callback: Option<&'a dyn Fn(&Progress)>) -> Self {
        let reported = Cell::new((watch.started, 0));
        Self { watch, callback, memory_read: Cell::new(None), reported }
    }

    /// So many states were known before the run began, and are none of its work.
    pub(super) fn begin_with(&self, distinct: u64) {
        self.reported.set((self.watch.started, distinct));
    }

    /// Looks at clock, interrupt and memory, and reports if it is time to.
    pub(super) fn beat(&self, glance: impl FnOnce() -> Glance) {
        self.watch.is_over();
        let now = Instant::now();
        let memory_due = self.watch.limits.memory_bytes.is_some()
            && self.memory_read.get().is_none_or(|last| now - last >= MEMORY_EVERY);
        if memory_due {
            self.memory_read.set(Some(now));
            self.watch.note_memory(resident_bytes().unwrap_or(0));
        }
        let (last, distinct_last) = self.reported.get();
        let Some(callback) = self.callback.filter(|_| now - last >= PROGRESS_EVERY) else {
            return;
        };
        let glance = glance();
        self.reported.set((now, glance.distinct));
        let fresh = glance.distinct.saturating_sub(distinct_last);
        callback(&Progress {
            depth: glance.depth,
            distinct: glance.distinct,
            transitions: glance.transitions,
            queue: glance.queue,
            rate: fresh as f64 / (now - last).as_secs_f64(),
            seconds: self.watch.seconds(),
            memory_bytes: resident_bytes(),
        });
    }
}

/// The memory the process has resident now.
pub(super) fn resident_bytes() -> Option<u64> {
    status_bytes("VmRSS:")
}

/// The most memory the process has had resident since it began.
pub(super) fn peak_bytes() -> Option<u64> {
    status_bytes("VmHWM:")
}

/// Only Linux has this file; elsewhere the memory limit knows the engine's tables alone.
fn status_bytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_limit_stays() {
        let watch = Watch::new(Limits::default(), None);
        assert_eq!(watch.reached(), None);
        for limit in Limit::ALL {
            let watch = Watch::new(Limits::default(), None);
            watch.leave(limit);
            assert_eq!(watch.reached(), Some(limit));
        }
        watch.leave(Limit::Ids);
        watch.leave(Limit::Time);
        assert_eq!(watch.reached(), Some(Limit::Ids));
    }
}
