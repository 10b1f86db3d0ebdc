//! Queues between a node and whoever drains it: `Outbox` inside a role's lock, [`Mailbox`] with a lock of its own.
//!
//! Both are bounded and drop the oldest message when full, as the links they stand before may (rules XFER-1,
//! BACKUP-3). A mailbox's lock is a leaf: nothing else is ever locked while it is held.

use std::collections::VecDeque;

use crate::doorway::{Condvar, Mutex};

/// The most messages an outbox or a mailbox holds. Every message is one that is asked for again when it is lost.
pub const MESSAGES_MAX: usize = 1024;

/// Messages on their way to a link, in the order of the steps that sent them. Guarded by the role's lock, so that the
/// order of messages and the order of the trace are one.
#[derive(Debug)]
pub(crate) struct Outbox<M> {
    /// Invariant: at most [`MESSAGES_MAX`].
    messages: VecDeque<M>,
    dropped: u64,
}

impl<M> Outbox<M> {
    pub(crate) const fn new() -> Self {
        Self { messages: VecDeque::new(), dropped: 0 }
    }

    /// Queues `message`, at the expense of the oldest when full.
    pub(crate) fn push(&mut self, message: M) {
        if self.messages.len() >= MESSAGES_MAX {
            self.messages.pop_front();
            self.dropped += 1;
        }
        self.messages.push_back(message);
    }

    /// Queues `message` in place of those that it makes `stale`: what nobody needs any more holds no room.
    pub(crate) fn supersede(&mut self, message: M, stale: impl Fn(&M) -> bool) {
        self.messages.retain(|queued| !stale(queued));
        self.push(message);
    }

    /// Drops what is queued: what was on its way out of a role that crashed.
    pub(crate) fn clear(&mut self) {
        self.messages.clear();
    }

    /// The oldest message.
    pub(crate) fn pop(&mut self) -> Option<M> {
        self.messages.pop_front()
    }
}

/// Messages from any thread to the one that takes them.
#[derive(Debug)]
pub struct Mailbox<M> {
    inner: Mutex<Inner<M>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct Inner<M> {
    messages: Outbox<M>,
    closed: bool,
}

impl<M> Default for Mailbox<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Mailbox<M> {
    /// An empty mailbox.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner { messages: Outbox::new(), closed: false }),
            arrived: Condvar::new(),
        }
    }

    /// Queues `message`; never waits. A closed mailbox drops it.
    pub fn push(&self, message: M) {
        let mut inner = self.inner.lock();
        if !inner.closed {
            inner.messages.push(message);
            self.arrived.notify_all();
        }
    }

    /// The oldest message, waiting until there is one; `None` once the mailbox is closed.
    pub fn take(&self) -> Option<M> {
        let mut inner = self.inner.lock();
        loop {
            if inner.closed {
                return None;
            }
            if let Some(message) = inner.messages.pop() {
                return Some(message);
            }
            inner = self.arrived.wait(inner);
        }
    }

    /// The oldest message if there is one now; never waits.
    pub fn try_take(&self) -> Option<M> {
        self.inner.lock().messages.pop()
    }

    /// Drops what is queued; what comes later is taken as ever.
    pub fn clear(&self) {
        self.inner.lock().messages.clear();
    }

    /// Drops what is queued and wakes every thread that waits in [`Mailbox::take`].
    pub fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(all(test, not(feature = "loom"), not(feature = "shuttle")))]
mod tests {
    use super::*;

    #[test]
    fn a_full_outbox_gives_up_the_oldest() {
        let mut outbox = Outbox::new();
        for number in 0..=MESSAGES_MAX {
            outbox.push(number);
        }
        assert_eq!(
            (outbox.pop(), outbox.dropped, outbox.messages.len()),
            (Some(1), 1, MESSAGES_MAX - 1)
        );
    }

    #[test]
    fn what_a_crash_loses_is_what_was_queued() {
        let mailbox = Mailbox::new();
        mailbox.push(1);
        mailbox.clear();
        assert_eq!(mailbox.try_take(), None);
        mailbox.push(2);
        assert_eq!(mailbox.try_take(), Some(2));
    }

    #[test]
    fn close_ends_a_wait_and_drops_what_was_queued() {
        let mailbox = Mailbox::new();
        mailbox.push(1);
        assert_eq!(mailbox.take(), Some(1));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| mailbox.take());
            mailbox.close();
            assert_eq!(waiting.join().ok(), Some(None));
        });
        mailbox.push(2);
        assert_eq!((mailbox.try_take(), mailbox.take()), (None, None));
    }
}
