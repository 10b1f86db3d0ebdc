//! The seeded defects of the local array that take more than a line; each is named as in [`crate::defect::Defect`].

use syncsplit_model::protocol::primary::{JournalFull, PrimaryEvent};
use syncsplit_model::protocol::sync::{PairView, SyncEvent};
use syncsplit_model::protocol::{
    Ack, BlockIndex, DirtyMap, Item, Journal, PairState, Seq, ToPrimary, ToSecondary,
};

use super::{Inner, LocalNode, LocalPrimary, pvol};
use crate::containers::BitMap;
use crate::error::NodeError;
use crate::payload::Payload;
use crate::remote::RemoteSecondary;

/// A side that was taken over, without what it has written since.
pub(super) fn forgetful(mut secondary: RemoteSecondary) -> RemoteSecondary {
    secondary.dirty.clean_all();
    secondary
}

/// A look at the pair by which one more write is written.
pub(super) const fn one_ahead(event: SyncEvent) -> SyncEvent {
    match event {
        SyncEvent::Look(view) => SyncEvent::Look(PairView { written: view.written.next(), ..view }),
        SyncEvent::Timeout => event,
    }
}

/// An acknowledgement as if it were of the newest write.
pub(super) fn ack_of_newest(inner: &Inner, message: ToPrimary<BitMap>) -> ToPrimary<BitMap> {
    let Ok(primary) = inner.primary.get() else { return message };
    match message {
        ToPrimary::Ack(ack) => ToPrimary::Ack(Ack { written: primary.newest, ..ack }),
        other => other,
    }
}

/// An answer as if it were to the newest request.
pub(super) fn ready_for_now(inner: &Inner, message: ToPrimary<BitMap>) -> ToPrimary<BitMap> {
    let Ok(primary) = inner.primary.get() else { return message };
    match (message, primary.pending) {
        (ToPrimary::Ready { written, dirty, .. }, Some(incarnation)) => {
            ToPrimary::Ready { incarnation, written, dirty }
        }
        (other, _) => other,
    }
}

/// An answer by which numbering begins anew.
pub(super) fn ready_at_zero(message: ToPrimary<BitMap>) -> ToPrimary<BitMap> {
    match message {
        ToPrimary::Ready { incarnation, dirty, .. } => {
            ToPrimary::Ready { incarnation, written: Seq(0), dirty }
        }
        other => other,
    }
}

/// An answer in which nothing is marked.
pub(super) fn ready_unmarked(mut message: ToPrimary<BitMap>) -> ToPrimary<BitMap> {
    if let ToPrimary::Ready { dirty, .. } = &mut message {
        dirty.clean_all();
    }
    message
}

/// A crash that the journal does not survive.
pub(super) fn lose_journal(primary: &mut LocalPrimary) {
    primary.journal.clear();
}

impl LocalNode {
    pub(super) fn create_misses_last_block(&self, inner: &mut Inner) {
        let last = BlockIndex(self.volume.blocks().saturating_sub(1));
        inner.primary.spoil(|primary| {
            if primary.state == PairState::Smpl {
                primary.dirty.clean(last);
            }
        });
    }

    /// A write that finds the journal full; none if this is something else.
    fn overflow<'a>(
        inner: &Inner,
        event: &'a PrimaryEvent<Payload, BitMap>,
    ) -> Option<(BlockIndex, &'a Payload)> {
        let PrimaryEvent::HostWrite { block, payload } = event else { return None };
        let primary = inner.primary.get().ok()?;
        let is_numbered = primary.state.is_linked() && !primary.dirty.is_dirty(*block);
        let overflows = is_numbered && primary.quiesced.is_none() && primary.journal.is_full();
        overflows.then_some((*block, payload))
    }

    /// Whether the event is a write that finds the journal full, which is then done without it.
    pub(super) fn full_journal_drops(
        &self,
        inner: &Inner,
        event: &PrimaryEvent<Payload, BitMap>,
    ) -> Result<bool, NodeError> {
        match Self::overflow(inner, event) {
            Some((block, payload)) => {
                self.volume.write(block, payload).map_err(pvol).map(|()| true)
            }
            None => Ok(false),
        }
    }

    /// Whether the event is a write that finds the journal full and suspends the pair, which is then done after that.
    pub(super) fn overflow_not_marked(
        &self,
        inner: &mut Inner,
        event: &PrimaryEvent<Payload, BitMap>,
    ) -> Result<bool, NodeError> {
        let Some((block, payload)) = Self::overflow(inner, event) else { return Ok(false) };
        if self.config.journal_full != JournalFull::Suspend {
            return Ok(false);
        }
        self.take(inner, PrimaryEvent::Fail)?;
        self.volume.write(block, payload).map_err(pvol)?;
        Ok(true)
    }

    pub(super) fn journal_forgotten(inner: &mut Inner, event: &PrimaryEvent<Payload, BitMap>) {
        if matches!(event, PrimaryEvent::Suspend | PrimaryEvent::Fail) {
            inner.primary.spoil(|primary| primary.journal.clear());
        }
    }

    pub(super) fn suspended_not_marked(inner: &mut Inner, block: BlockIndex) {
        inner.primary.spoil(|primary| {
            if primary.state.is_suspended() {
                primary.dirty.clean(block);
            }
        });
    }

    pub(super) fn read_late(
        &self,
        mut message: ToSecondary<Payload>,
    ) -> Result<ToSecondary<Payload>, NodeError> {
        if let ToSecondary::Frame(frame) = &mut message
            && let Item::Write { block, payload } = &mut frame.entry.item
        {
            *payload = self.volume.read(*block).map_err(pvol)?;
        }
        Ok(message)
    }

    pub(super) fn written_goes_back(inner: &mut Inner, message: &ToPrimary<BitMap>) {
        let ToPrimary::Ack(ack) = message else { return };
        inner.primary.spoil(|primary| {
            if primary.state.is_linked() && ack.incarnation == primary.incarnation {
                primary.written = primary.written.min(ack.written);
            }
        });
    }

    pub(super) fn journal_dropped(inner: &mut Inner, sent: Seq) {
        inner.primary.spoil(|primary| primary.journal.drop_through(sent));
    }

    pub(super) fn bit_cleared_too_early(inner: &mut Inner, copied: BlockIndex) {
        inner.primary.spoil(|primary| {
            if let Some(next) = primary.dirty.next_dirty(copied) {
                primary.dirty.clean(next);
            }
        });
    }
}
