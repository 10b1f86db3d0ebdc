//! What the remote array does by itself: applying in order, reporting how far it has written, copying on to the
//! S-VOL, and watching the link. Each is one step; the loops that repeat them live in [`crate::site`].

use syncsplit_model::protocol::secondary::SecondaryEvent;
use syncsplit_model::protocol::{BlockIndex, DirtyMap, ReorderQueue, ToPrimary};

use super::{Inner, RemoteNode};
use crate::containers::BitMap;
use crate::error::{NodeError, ignore_refusal};
use crate::roles::RemoteSecondary;

/// Entries applied before the primary is told, when there is always one more to apply. The primary's journal has room
/// again only when it is told.
const UNREPORTED_MAX: u32 = 16;

/// What the node knows of the link.
#[derive(Debug)]
pub(super) struct Watch {
    up: bool,
    /// Ticks in a row with the link down.
    stalled: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self { up: true, stalled: 0 }
    }
}

/// Whether the entry that is next in order has arrived.
fn can_apply(secondary: &RemoteSecondary) -> bool {
    secondary.state.is_linked() && secondary.queue.contains(secondary.written.next())
}

impl RemoteNode {
    /// Applies the next entry in order to the S/P-VOL (XFER-3). Whether there was one.
    ///
    /// # Errors
    /// A volume failed, or the node is broken.
    pub fn apply_next(&self) -> Result<bool, NodeError> {
        self.apply_one(&mut self.inner.lock())
    }

    /// Tells the primary how far this side has written (\[0012\]), or that it has left the pairing (PAIR-3).
    ///
    /// # Errors
    /// The pair state allows no report, a volume failed, or the node is broken.
    pub fn report(&self) -> Result<(), NodeError> {
        self.report_now(&mut self.inner.lock())
    }

    /// As [`RemoteNode::report`], if there is something that the primary has not been told. Whether there was.
    ///
    /// # Errors
    /// A volume failed, or the node is broken.
    pub fn report_if_due(&self) -> Result<bool, NodeError> {
        let mut inner = self.inner.lock();
        let due = inner.report_due;
        if due {
            ignore_refusal(self.report_now(&mut inner))?;
        }
        Ok(due)
    }

    /// Copies the next block that differs on to the S-VOL (SPLIT-1). Which one; nothing when none differs, or the
    /// replica pair is split.
    ///
    /// # Errors
    /// A volume failed, or the node is broken.
    pub fn copy_replica_next(&self) -> Result<Option<BlockIndex>, NodeError> {
        self.copy_replica(&mut self.inner.lock())
    }

    /// The oldest message of the outbox; never waits.
    #[must_use]
    pub fn take_outgoing(&self) -> Option<ToPrimary<BitMap>> {
        self.inner.lock().outbox.pop()
    }

    /// The sender's whole work: the next message for the link, waiting until there is one. `None` once the node
    /// stops.
    pub fn next_outgoing(&self) -> Option<ToPrimary<BitMap>> {
        let mut inner = self.inner.lock();
        while !inner.stopping {
            if let Some(message) = inner.outbox.pop() {
                return Some(message);
            }
            inner = self.work.wait(inner);
        }
        None
    }

    /// The applier's whole work: applies the next entry, or reports when there is none; waits until there is
    /// something to do. `false` once the node stops.
    ///
    /// # Errors
    /// A volume failed, and the call may be repeated later; or the node is broken.
    pub fn apply_or_wait(&self) -> Result<bool, NodeError> {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopping {
                return Ok(false);
            }
            if !inner.unperformed.is_empty() {
                // A volume failed; the clock's tick tries it again.
                inner = self.work.wait(inner);
                continue;
            }
            let more = can_apply(inner.secondary.get()?);
            if inner.report_due && (!more || inner.unreported >= UNREPORTED_MAX) {
                ignore_refusal(self.report_now(&mut inner))?;
                return Ok(true);
            }
            if more {
                return self.apply_one(&mut inner);
            }
            inner = self.work.wait(inner);
        }
    }

    /// The replica copier's whole work: copies one block on; waits until there is one. `false` once the node stops.
    ///
    /// # Errors
    /// A volume failed, and the call may be repeated later; or the node is broken.
    pub fn copy_replica_or_wait(&self) -> Result<bool, NodeError> {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopping {
                return Ok(false);
            }
            if inner.unperformed.is_empty() && self.copy_replica(&mut inner)?.is_some() {
                return Ok(true);
            }
            inner = self.work.wait(inner);
        }
    }

    /// The link is gone. After [`super::RemoteConfig::patience_ticks`] ticks this side counts the pair as failed.
    pub fn link_down(&self) {
        self.inner.lock().link.up = false;
    }

    /// A link is there again.
    pub fn link_up(&self) {
        let mut inner = self.inner.lock();
        inner.link.up = true;
        // The report that the old link lost may be the one the primary waits for.
        inner.report_due = true;
        self.work.notify_all();
    }

    /// The clock's event: performs what a failing volume left undone, and counts the pair as failed when the link has
    /// been down for too long.
    ///
    /// # Errors
    /// A volume failed, or the node is broken.
    pub fn tick(&self) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        if !inner.unperformed.is_empty() {
            self.perform_all(&mut inner)?;
            if let Some(id) = inner.released.take() {
                ignore_refusal(self.take(&mut inner, SecondaryEvent::Release(id)))?;
            }
            self.work.notify_all();
            self.settled.notify_all();
        }
        let state = inner.secondary.get()?.state;
        if inner.link.up || !state.is_linked() {
            inner.link.stalled = 0;
            if inner.link.up && state.has_left() {
                // PAIR-3: said again and again, since any of it may be lost.
                inner.report_due = true;
                self.work.notify_all();
            }
            return Ok(());
        }
        inner.link.stalled += 1;
        if inner.link.stalled < self.config.patience_ticks {
            return Ok(());
        }
        inner.link.stalled = 0;
        ignore_refusal(self.leave(&mut inner, SecondaryEvent::Fail))
    }

    fn apply_one(&self, inner: &mut Inner) -> Result<bool, NodeError> {
        if !can_apply(inner.secondary.get()?) {
            return Ok(false);
        }
        // Even if the effect fails: it is performed before the report is.
        inner.report_due = true;
        inner.unreported += 1;
        self.take(inner, SecondaryEvent::Apply)?;
        Ok(true)
    }

    fn report_now(&self, inner: &mut Inner) -> Result<(), NodeError> {
        let outcome = self.take(inner, SecondaryEvent::Report);
        if !matches!(outcome, Err(NodeError::Volume { .. })) {
            inner.report_due = false;
            inner.unreported = 0;
        }
        outcome
    }

    fn copy_replica(&self, inner: &mut Inner) -> Result<Option<BlockIndex>, NodeError> {
        let replica = &inner.secondary.get()?.replica;
        if replica.is_split() {
            return Ok(None);
        }
        let Some(block) = replica
            .dirty
            .next_dirty(inner.copied)
            .or_else(|| replica.dirty.next_dirty(BlockIndex(0)))
        else {
            return Ok(None);
        };
        inner.copied = block;
        self.take(inner, SecondaryEvent::CopyReplica(block))?;
        Ok(Some(block))
    }
}
