//! The only place where time passes: deadlines that are registered, fall due and are taken as events. Nodes never
//! wait for a time themselves; what a deadline does to them is an event like any other.
//!
//! The clock's own lock is `std`'s whatever the doorway chose, since loom and shuttle have no timed wait: under them
//! [`ManualClock`] stands in, and the scenario says when a deadline falls due.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::doorway::Arc;

/// A registered deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(u64);

/// What a deadline does when it falls due. It runs on the clock's thread, so it takes an event and returns.
pub type Action = Box<dyn FnOnce() + Send>;

/// What a repeated deadline does each time.
pub type Tick = Box<dyn FnMut() + Send>;

/// Where deadlines are registered.
pub trait Timer: Send + Sync {
    /// Runs `action` once, not before `delay` has passed.
    fn after(&self, delay: Duration, action: Action) -> TimerId;

    /// Runs `tick` again and again, `period` apart, until cancelled.
    fn every(&self, period: Duration, tick: Tick) -> TimerId;

    /// Forgets the deadline. It may be running already, or about to: whoever takes its event checks that it is still
    /// meant.
    fn cancel(&self, id: TimerId);
}

enum Due {
    Once(Action),
    Every(Duration, Tick),
}

#[derive(Default)]
struct Deadlines {
    /// By due time, then by the order of registration.
    due: BTreeMap<(Instant, TimerId), Due>,
    registered: u64,
    /// The repeated deadline that is running now, unless it has been cancelled meanwhile.
    running: Option<TimerId>,
    stopping: bool,
}

impl Deadlines {
    fn add(&mut self, at: Instant, due: Due) -> TimerId {
        self.registered += 1;
        let id = TimerId(self.registered);
        self.due.insert((at, id), due);
        id
    }

    fn remove(&mut self, id: TimerId) {
        self.due.retain(|(_, held), _| *held != id);
        if self.running == Some(id) {
            self.running = None;
        }
    }
}

/// The clock of a running site: one thread that sleeps until the next deadline.
pub struct SystemClock {
    deadlines: Mutex<Deadlines>,
    changed: Condvar,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl SystemClock {
    /// Starts the clock's thread.
    ///
    /// # Errors
    /// The operating system starts no thread.
    pub fn start() -> std::io::Result<Arc<Self>> {
        let clock = Arc::new(Self {
            deadlines: Mutex::new(Deadlines::default()),
            changed: Condvar::new(),
            thread: Mutex::new(None),
        });
        let shared = Arc::clone(&clock);
        let thread =
            std::thread::Builder::new().name("clock".to_owned()).spawn(move || shared.run())?;
        *lock(&clock.thread) = Some(thread);
        Ok(clock)
    }

    /// Forgets every deadline and ends the thread; returns when it has ended. Not to be called by a deadline.
    pub fn stop(&self) {
        lock(&self.deadlines).stopping = true;
        self.changed.notify_all();
        if let Some(thread) = lock(&self.thread).take() {
            // A deadline that panicked has been reported by its thread; the clock is over either way.
            let _ = thread.join();
        }
        lock(&self.deadlines).due.clear();
    }

    fn run(&self) {
        let mut deadlines = lock(&self.deadlines);
        while !deadlines.stopping {
            let now = Instant::now();
            let next = deadlines.due.first_key_value().map(|(key, _)| *key);
            deadlines = match next {
                None => self.changed.wait(deadlines).unwrap_or_else(PoisonError::into_inner),
                Some((at, _)) if at > now => {
                    let waited = self.changed.wait_timeout(deadlines, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                Some(key) => self.fire(deadlines, key),
            };
        }
    }

    /// Runs one deadline without the clock's lock, so that it may register others.
    fn fire<'a>(
        &'a self,
        mut deadlines: MutexGuard<'a, Deadlines>,
        key: (Instant, TimerId),
    ) -> MutexGuard<'a, Deadlines> {
        match deadlines.due.remove(&key) {
            Some(Due::Once(action)) => {
                drop(deadlines);
                action();
                lock(&self.deadlines)
            }
            Some(Due::Every(period, mut tick)) => {
                deadlines.running = Some(key.1);
                drop(deadlines);
                tick();
                let mut deadlines = lock(&self.deadlines);
                if deadlines.running.take().is_some() {
                    // From now on, not from when it was due: a clock that was held up does not tick in bursts.
                    deadlines
                        .due
                        .insert((Instant::now() + period, key.1), Due::Every(period, tick));
                }
                deadlines
            }
            None => deadlines,
        }
    }
}

impl Timer for SystemClock {
    fn after(&self, delay: Duration, action: Action) -> TimerId {
        let id = lock(&self.deadlines).add(later(delay), Due::Once(action));
        self.changed.notify_all();
        id
    }

    fn every(&self, period: Duration, tick: Tick) -> TimerId {
        let id = lock(&self.deadlines).add(later(period), Due::Every(period, tick));
        self.changed.notify_all();
        id
    }

    fn cancel(&self, id: TimerId) {
        lock(&self.deadlines).remove(id);
    }
}

/// The moment `delay` from now; the far future for a delay that no calendar holds.
fn later(delay: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    let now = Instant::now();
    now.checked_add(delay).or_else(|| now.checked_add(FAR)).unwrap_or(now)
}

/// A clock for scenarios and tests: a deadline falls due when the test says so.
#[derive(Default)]
pub struct ManualClock {
    deadlines: Mutex<Deadlines>,
}

impl ManualClock {
    /// A clock without deadlines.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// How many deadlines are registered.
    #[must_use]
    pub fn pending(&self) -> usize {
        lock(&self.deadlines).due.len()
    }

    /// Takes every deadline registered by now once, in the order of their times.
    pub fn fire_all(&self) {
        let due = std::mem::take(&mut lock(&self.deadlines).due);
        for ((at, id), due) in due {
            match due {
                Due::Once(action) => action(),
                Due::Every(period, mut tick) => {
                    tick();
                    lock(&self.deadlines).due.insert((at + period, id), Due::Every(period, tick));
                }
            }
        }
    }
}

impl Timer for ManualClock {
    fn after(&self, delay: Duration, action: Action) -> TimerId {
        lock(&self.deadlines).add(later(delay), Due::Once(action))
    }

    fn every(&self, period: Duration, tick: Tick) -> TimerId {
        lock(&self.deadlines).add(later(period), Due::Every(period, tick))
    }

    fn cancel(&self, id: TimerId) {
        lock(&self.deadlines).remove(id);
    }
}

/// The lock, whoever panicked in it: deadlines are whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn deadlines_fall_due_in_order_and_cancelled_ones_do_not() -> std::io::Result<()> {
        let clock = SystemClock::start()?;
        let (told, heard) = channel();
        let tell = |word: &'static str| {
            let told = told.clone();
            Box::new(move || told.send(word).unwrap_or(())) as Action
        };
        clock.after(Duration::from_millis(20), tell("late"));
        clock.after(Duration::ZERO, tell("early"));
        let cancelled = clock.after(Duration::from_millis(10), tell("cancelled"));
        clock.cancel(cancelled);
        assert_eq!([heard.recv().ok(), heard.recv().ok()], [Some("early"), Some("late")]);
        clock.stop();
        Ok(())
    }

    #[test]
    fn a_repeated_deadline_may_cancel_itself() -> std::io::Result<()> {
        let clock = SystemClock::start()?;
        let (told, heard) = channel();
        let own = Arc::new(Mutex::new(None));
        let (timer, id) = (Arc::clone(&clock), Arc::clone(&own));
        let mut ticks = 0;
        let registered = clock.every(
            Duration::from_millis(1),
            Box::new(move || {
                ticks += 1;
                if let Some(id) = lock(&id).filter(|_| ticks > 2) {
                    timer.cancel(id);
                    let _ = told.send(ticks);
                }
            }),
        );
        *lock(&own) = Some(registered);
        assert!(heard.recv().is_ok_and(|ticks| ticks > 2));
        // The tick and its sender are dropped once it is not put back.
        assert!(heard.recv().is_err());
        clock.stop();
        Ok(())
    }

    #[test]
    fn a_manual_clock_fires_when_told() {
        let clock = ManualClock::new();
        let (told, heard) = channel();
        clock.after(Duration::from_secs(3600), Box::new(move || told.send(()).unwrap_or(())));
        assert_eq!((clock.pending(), heard.try_recv().is_ok()), (1, false));
        clock.fire_all();
        assert_eq!((clock.pending(), heard.try_recv().is_ok()), (0, true));
    }
}
