//! The primary's side of the array link: what is sent next, what arrives, and what the clock's tick finds. The
//! connection itself never lives here; messages leave through the node's outbox.

use syncsplit_model::protocol::primary::{PrimaryEvent, PrimaryRefusal};
use syncsplit_model::protocol::{
    BlockIndex, DirtyMap, Journal, PairState, Seq, ToPrimary, ToSecondary,
};

use super::{Inner, LocalNode, pvol};
use crate::containers::BitMap;
use crate::error::{NodeError, ignore_refusal};
use crate::payload::Payload;

/// What the node knows of the link.
#[derive(Debug)]
pub(super) struct Watch {
    up: bool,
    /// Ticks in a row without progress.
    stalled: u32,
    /// What was reported written at the last tick.
    written: Seq,
}

impl Default for Watch {
    fn default() -> Self {
        Self { up: true, stalled: 0, written: Seq(0) }
    }
}

impl LocalNode {
    /// Sends the oldest entry not yet sent over this connection (XFER-1): puts its frame into the outbox, and returns
    /// its number. Nothing when every entry has been sent, or nothing is numbered in this pair state.
    ///
    /// # Errors
    /// The node is broken.
    pub fn send_next(&self) -> Result<Option<Seq>, NodeError> {
        self.send_one(&mut self.inner.lock())
    }

    /// Lets [`LocalNode::send_next`] begin again with the oldest entry not known to be written (XFER-1).
    ///
    /// # Errors
    /// The node is broken.
    pub fn resend(&self) -> Result<(), NodeError> {
        self.rewind(&mut self.inner.lock())
    }

    /// Copies the next dirty block into the journal (RESYNC-2): read from the P-VOL with the primary's lock held, so
    /// that no write comes between. Returns which one; nothing when none is dirty.
    ///
    /// # Errors
    /// The pair is not in COPY, the journal is full, or the P-VOL cannot be read; the last suspends the pair.
    pub fn copy_next(&self) -> Result<Option<BlockIndex>, NodeError> {
        self.copy_one(&mut self.inner.lock())
    }

    /// Puts the pair mark into the journal (RESYNC-3).
    ///
    /// # Errors
    /// The pair is not in COPY, blocks are still dirty, the mark is there already, or the journal is full.
    pub fn pair_mark(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), PrimaryEvent::PairMark)
    }

    /// The oldest message of the outbox; never waits.
    #[must_use]
    pub fn take_outgoing(&self) -> Option<ToSecondary<Payload>> {
        self.inner.lock().outbox.pop()
    }

    /// The sender's whole work: the next message for the link, waiting until there is one. Control messages go first; in
    /// COPY each entry sent takes one step of the copier along, so that neither waits for the other to run dry: writers
    /// faster than the link always leave an entry to send. `None` once the node stops.
    ///
    /// # Errors
    /// The node is broken, or a block to copy cannot be read; the latter suspends the pair, so the call can be
    /// repeated.
    pub fn next_outgoing(&self) -> Result<Option<ToSecondary<Payload>>, NodeError> {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopping {
                return Ok(None);
            }
            if let Some(message) = inner.outbox.pop() {
                return Ok(Some(message));
            }
            let copied = self.copy_or_mark(&mut inner)?;
            if self.send_one(&mut inner)?.is_none() && !copied {
                inner = self.work.wait(inner);
            }
        }
    }

    /// A message of the secondary arrived.
    ///
    /// # Errors
    /// The primary refused it, or it does not fit the group.
    pub fn on_message(&self, message: ToPrimary<BitMap>) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        let renumbers = match &message {
            ToPrimary::Ready { dirty, .. } => {
                let (got, want) = (dirty.blocks(), self.volume.blocks());
                if got != want {
                    return Err(NodeError::MapSize { got, want });
                }
                true
            }
            ToPrimary::Ack(_) | ToPrimary::Suspended { .. } => false,
        };
        self.take(&mut inner, PrimaryEvent::Arrived(message))?;
        // Numbering goes on from the secondary's count, which may be below what was sent before.
        if renumbers { self.rewind(&mut inner) } else { Ok(()) }
    }

    /// The link is gone. After [`super::LocalConfig::patience_ticks`] ticks the pair is suspended.
    pub fn link_down(&self) {
        self.inner.lock().link.up = false;
    }

    /// A link is there again: what the old one may have lost is sent over the new one.
    ///
    /// # Errors
    /// The node is broken.
    pub fn link_up(&self) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        inner.link.up = true;
        self.rewind(&mut inner)
    }

    /// The clock's event. Asks again for an incarnation that was not answered; sends again when nothing was
    /// reported written since the last tick; suspends the pair when patience is at an end; lets every Sync look.
    /// Returns whether patience ended: the connection, if there seems to be one, is then of no use.
    ///
    /// # Errors
    /// The node is broken.
    pub fn tick(&self) -> Result<bool, NodeError> {
        let mut inner = self.inner.lock();
        let primary = inner.primary.get()?;
        let (state, written, pending) = (primary.state, primary.written, primary.pending);
        let waiting = !Journal::is_empty(&primary.journal);
        if pending.is_some() && inner.link.up {
            let again =
                if state == PairState::Smpl { PrimaryEvent::Create } else { PrimaryEvent::Resync };
            ignore_refusal(self.take(&mut inner, again))?;
        }
        let mut failed = false;
        let progressed = !waiting || written != inner.link.written;
        inner.link.written = written;
        if !state.is_linked() || (inner.link.up && progressed) {
            inner.link.stalled = 0;
        } else {
            inner.link.stalled += 1;
            if inner.link.stalled >= self.config.patience_ticks {
                inner.link.stalled = 0;
                ignore_refusal(self.take(&mut inner, PrimaryEvent::Fail))?;
                failed = true;
            } else {
                self.rewind(&mut inner)?;
            }
        }
        self.look(&mut inner)?;
        Ok(failed)
    }

    /// What is not known to be written is sent from the start.
    pub(super) fn rewind(&self, inner: &mut Inner) -> Result<(), NodeError> {
        inner.sent = inner.primary.get()?.written;
        self.work.notify_all();
        Ok(())
    }

    fn send_one(&self, inner: &mut Inner) -> Result<Option<Seq>, NodeError> {
        let primary = inner.primary.get()?;
        let reached = inner.sent.max(primary.written);
        if !primary.state.is_linked() || reached >= primary.newest {
            return Ok(None);
        }
        let next = reached.next();
        self.take(inner, PrimaryEvent::Send { seq: next })?;
        inner.sent = next;
        Ok(Some(next))
    }

    /// Takes the copier's next step if the journal has room for it. Whether there was one.
    fn copy_or_mark(&self, inner: &mut Inner) -> Result<bool, NodeError> {
        let primary = inner.primary.get()?;
        if primary.state != PairState::Copy || primary.journal.is_full() || primary.mark.is_some() {
            return Ok(false);
        }
        if self.copy_one(inner)?.is_none() {
            self.take(inner, PrimaryEvent::PairMark)?;
        }
        Ok(true)
    }

    fn copy_one(&self, inner: &mut Inner) -> Result<Option<BlockIndex>, NodeError> {
        let primary = inner.primary.get()?;
        if primary.state != PairState::Copy {
            return Err(NodeError::Primary(PrimaryRefusal::WrongState(primary.state)));
        }
        let dirty = &primary.dirty;
        let next = dirty.next_dirty(inner.copied).or_else(|| dirty.next_dirty(BlockIndex(0)));
        let Some(block) = next else {
            return Ok(None);
        };
        inner.copied = block;
        match self.volume.read(block).map_err(pvol) {
            Ok(payload) => {
                self.take(inner, PrimaryEvent::CopyBlock { block, payload })?;
                Ok(Some(block))
            }
            Err(error) => Err(self.on_volume_failure(inner, error)),
        }
    }
}
