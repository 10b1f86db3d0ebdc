//! The seeded defects of the remote array that take more than a line; each is named as in [`crate::defect::Defect`].

use std::sync::PoisonError;

use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{
    Ack, BlockIndex, DirtyMap, Entry, Frame, Item, ReorderQueue, Seq, ToPrimary,
};

use super::{Inner, RemoteNode, RemoteSecondary, spvol, svol};
use crate::containers::BitMap;
use crate::error::NodeError;
use crate::payload::Payload;

/// An old primary that holds nothing for different.
pub(super) fn forgetful(mut secondary: RemoteSecondary) -> RemoteSecondary {
    secondary.dirty.clean_all();
    secondary
}

/// A frame as if it were of the incarnation in force.
pub(super) fn frame_of_now(inner: &Inner, frame: Frame<Payload>) -> Frame<Payload> {
    let of = inner.secondary.get().map_or(frame.incarnation, |secondary| secondary.incarnation);
    Frame { incarnation: of, ..frame }
}

/// What has arrived is given up.
pub(super) fn lose_queue(secondary: &mut RemoteSecondary) {
    secondary.queue.clear();
}

fn newest_received(secondary: &RemoteSecondary) -> Option<&Entry<Payload>> {
    ReorderQueue::iter(&secondary.queue).max_by_key(|entry| entry.seq)
}

/// An acknowledgement as if all that has arrived were written.
pub(super) fn ack_received(inner: &Inner, message: ToPrimary<BitMap>) -> ToPrimary<BitMap> {
    match (message, inner.secondary.get().ok().and_then(newest_received)) {
        (ToPrimary::Ack(ack), Some(newest)) => ToPrimary::Ack(Ack { written: newest.seq, ..ack }),
        (other, _) => other,
    }
}

impl RemoteNode {
    pub(super) fn resync(
        &self,
        inner: &mut Inner,
        event: SecondaryEvent<Payload>,
    ) -> Result<(), NodeError> {
        let queue = inner.secondary.get()?.queue.clone();
        let outcome = self.take(inner, event);
        inner.secondary.spoil(|secondary| {
            if secondary.state.is_linked() {
                secondary.queue = queue;
            }
        });
        self.tell_if_left(inner, outcome)
    }

    pub(super) fn restart_armed(&self, inner: &mut Inner) -> Result<(), NodeError> {
        let armed = inner.secondary.get()?.armed;
        self.take(inner, SecondaryEvent::Restart)?;
        inner.secondary.spoil(|secondary| secondary.armed = armed);
        inner.outbox.clear();
        inner.report_due = true;
        Ok(())
    }

    pub(super) fn remote_write_not_marked(inner: &mut Inner, block: BlockIndex) {
        inner.secondary.spoil(|secondary| secondary.dirty.clean(block));
    }

    pub(super) fn release_drops_gold(inner: &mut Inner) {
        inner.secondary.spoil(|secondary| {
            if secondary.replica.state == ReplicaState::Split(Purpose::Gold) {
                secondary.replica.state = ReplicaState::Pair;
            }
        });
    }

    /// Writes an entry out of its turn.
    fn write_entry(&self, inner: &mut Inner, entry: &Entry<Payload>) -> Result<(), NodeError> {
        let (Item::Write { block, payload } | Item::Copy { block, payload }) = &entry.item else {
            return Ok(());
        };
        inner.secondary.spoil(|secondary| secondary.replica.dirty.mark(*block));
        let (block, payload) = (*block, payload.clone());
        self.perform(inner, &SecondaryEffect::WriteSpvol { block, payload })
    }

    pub(super) fn duplicate_applied(
        &self,
        inner: &mut Inner,
        frame: &Frame<Payload>,
    ) -> Result<(), NodeError> {
        let secondary = inner.secondary.get()?;
        let is_now = secondary.state.is_linked() && frame.incarnation == secondary.incarnation;
        if is_now && frame.entry.seq <= secondary.written {
            self.write_entry(inner, &frame.entry)
        } else {
            Ok(())
        }
    }

    pub(super) fn newest_first(&self, inner: &mut Inner) -> Result<(), NodeError> {
        match newest_received(inner.secondary.get()?).cloned() {
            Some(entry) => self.write_entry(inner, &entry),
            None => Ok(()),
        }
    }

    pub(super) fn gap_skipped(inner: &mut Inner) {
        inner.secondary.spoil(|secondary| {
            let queued = ReorderQueue::iter(&secondary.queue).map(|entry| entry.seq).min();
            if let Some(Seq(lowest)) = queued.filter(|_| secondary.state.is_linked()) {
                secondary.written = Seq(lowest - 1);
            }
        });
    }

    pub(super) fn writes_while_split_forgotten(inner: &mut Inner) {
        inner.secondary.spoil(|secondary| {
            if secondary.replica.is_split() {
                secondary.replica.dirty.clean_all();
            }
        });
    }

    pub(super) fn consistent_in_copy(inner: &mut Inner) {
        inner.secondary.spoil(|secondary| secondary.consistent |= secondary.state.is_linked());
    }

    pub(super) fn write_svol(&self, block: BlockIndex, payload: &Payload) -> Result<(), NodeError> {
        self.volumes.svol.write(block, payload).map_err(svol)
    }

    pub(super) fn write_behind(
        &self,
        block: BlockIndex,
        payload: &Payload,
    ) -> Result<(), NodeError> {
        let mut late = self.seed.late.lock().unwrap_or_else(PoisonError::into_inner);
        match late.write.replace((block, payload.clone())) {
            Some((block, payload)) => self.volumes.spvol.write(block, &payload).map_err(spvol),
            None => Ok(()),
        }
    }

    pub(super) fn reflect_one(&self, behind: &BitMap) -> Result<(), NodeError> {
        let mut blocks = behind.iter();
        let first = blocks.next();
        let mut late = self.seed.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.blocks = blocks.collect();
        first.map_or(Ok(()), |block| self.volumes.copy(block))?;
        self.volumes.svol.flush().map_err(svol)
    }

    /// After the next block is written the others are reflected as they are then.
    pub(super) fn write_and_reflect(
        &self,
        block: BlockIndex,
        payload: &Payload,
    ) -> Result<(), NodeError> {
        self.volumes.spvol.write(block, payload).map_err(spvol)?;
        let mut late = self.seed.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.blocks.drain(..).try_for_each(|block| self.volumes.copy(block))
    }
}
