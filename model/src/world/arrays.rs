//! What the arrays do in a step: primary and secondary take it, their effects reach the volumes and the link, and the
//! ghosts watch in which order it all has to arrive.

use crate::protocol::containers::{DirtyMap, Journal};
use crate::protocol::primary::PrimaryEvent;
use crate::protocol::replica::{Replica, ReplicaState};
use crate::protocol::secondary::SecondaryEvent;
use crate::protocol::takeover::{primary_of_taken_over, secondary_of_old_primary};
use crate::protocol::{
    BlockIndex, Entry, HostMessage, Incarnation, PairState, QMarker, Rule, Seq, ToSecondary,
};
use crate::system::{Deed, Volume};
use crate::world::bounded::BlockSet;
use crate::world::fault::Fault;
use crate::world::instance::{Cache, Naming};
use crate::world::state::{
    Flight, Image, Queue, Reply, State, VALUES_MAX, Value, WorldPrimary, WorldSecondary,
};
use crate::world::step::{Step, StepResult, WhyNot, dropped_if_refused};

impl Step<'_> {
    pub(super) fn primary(&mut self, event: PrimaryEvent<Value, BlockSet>) -> StepResult {
        let WorldPrimary { incarnation, newest, .. } = self.state.primary;
        let effects =
            self.state.primary.on_event(self.world.rules, event).map_err(WhyNot::Primary)?;
        self.watch_order(QMarker { incarnation, seq: newest });
        effects.into_iter().try_for_each(|effect| self.perform(effect.into()))
    }

    /// Does what an effect of any role says.
    pub(super) fn perform(&mut self, deed: Deed<Value, BlockSet>) -> StepResult {
        match deed {
            Deed::Write(volume, block, payload) => {
                self.volume(volume)[block.0 as usize] = payload;
                Ok(())
            }
            Deed::CopyBlock(from, to, block) => {
                self.volume(to)[block.0 as usize] = self.volume(from)[block.0 as usize];
                Ok(())
            }
            Deed::CopyBlocks(from, to, blocks) => {
                let held = *self.volume(from);
                let to = self.volume(to);
                blocks.iter().for_each(|block| to[block.0 as usize] = held[block.0 as usize]);
                Ok(())
            }
            Deed::ToSecondary(message) => self.send_to_secondary(message),
            Deed::ToPrimary(message) => self.send_to_primary(message),
            Deed::ToHost(message) => self.send_to_host(message),
            Deed::Tell(notice) => self.tell(notice),
            // The application's next action is what follows the answer.
            Deed::Unseen => Ok(()),
        }
    }

    const fn volume(&mut self, volume: Volume) -> &mut Image {
        match volume {
            Volume::Pvol => &mut self.state.pvol,
            Volume::Spvol => &mut self.state.spvol,
            Volume::Svol => &mut self.state.svol,
        }
    }

    pub(super) fn copy_block(&mut self, block: BlockIndex) -> StepResult {
        let payload = self.state.pvol[block.0 as usize];
        self.primary(PrimaryEvent::CopyBlock { block, payload })
    }

    fn send_to_secondary(&mut self, message: ToSecondary<Value>) -> StepResult {
        if !self.state.link_up {
            // What is given to a link that is down is lost.
            return Ok(());
        }
        let room = self.state.to_secondary.add(message, self.world.bounds.frames);
        if room { Ok(()) } else { Err(WhyNot::NoRoom) }
    }

    pub(super) fn deliver(&mut self, message: ToSecondary<Value>, again: bool) -> StepResult {
        if !again {
            self.state.to_secondary.remove(message);
        }
        dropped_if_refused(self.secondary(SecondaryEvent::Arrived(message)))
    }

    pub(super) fn secondary(&mut self, event: SecondaryEvent<Value>) -> StepResult {
        let WorldSecondary { incarnation, written, consistent, replica, .. } = self.state.secondary;
        let resync = if let SecondaryEvent::Arrived(ToSecondary::Resync { incarnation }) = event {
            Some(incarnation)
        } else {
            None
        };
        let effects =
            self.state.secondary.on_event(self.world.rules, event).map_err(WhyNot::Secondary)?;
        if let Some(asked) = resync {
            self.watch_resync(incarnation, asked);
        }
        self.watch_written(written);
        effects.into_iter().try_for_each(|effect| self.perform(effect.into()))?;
        if !replica.is_split() && self.state.secondary.replica.is_split() {
            self.state.ghost.svol_good = consistent && self.state.svol == self.state.ghost.oracle;
        }
        Ok(())
    }

    fn send_to_primary(&mut self, message: Reply) -> StepResult {
        if self.world.bounds.acks == 0 {
            return self.take_reply(message);
        }
        let room = self.state.to_primary.add(message, self.world.bounds.acks);
        if room { Ok(()) } else { Err(WhyNot::NoRoom) }
    }

    pub(super) fn take_reply(&mut self, message: Reply) -> StepResult {
        dropped_if_refused(self.primary(PrimaryEvent::Arrived(message)))
    }

    /// What the cache had not destaged is lost with it, if it is volatile: written or not.
    pub(super) fn crash_secondary(&mut self) -> StepResult {
        if self.world.bounds.cache == Cache::Volatile {
            self.state.spvol = self.state.disk;
        }
        self.secondary(SecondaryEvent::Restart)
    }

    pub(super) fn take_over(&mut self, force: bool) -> StepResult {
        let was_consistent = self.state.secondary.consistent;
        self.secondary(SecondaryEvent::Takeover { force })?;
        let State { secondary, ghost, svol, .. } = &mut *self.state;
        ghost.order.clear();
        ghost.complete = None;
        if !was_consistent && secondary.consistent {
            // The gold copy was brought back: the S/P-VOL has to be what it was before the copying began.
            let forgotten = self.world.image_of(Value::FORGOTTEN);
            ghost.oracle = if ghost.svol_good { *svol } else { forgotten };
            ghost.copying = false;
        }
        Ok(())
    }

    pub(super) fn remote_write(&mut self, block: BlockIndex) -> StepResult {
        let payload = self.fresh_value(block);
        if self.state.secondary.state == PairState::Ssws {
            self.state.ghost.oracle[block.0 as usize] = payload;
        }
        self.secondary(SecondaryEvent::RemoteWrite { block, payload })
    }

    /// The sides change roles, and with them the names of their volumes. What was in flight went to roles that are no
    /// more; every number still to come is of a newer incarnation.
    pub(super) fn fail_back(&mut self) -> StepResult {
        let State { primary, secondary, .. } = *self.state;
        let clean = BlockSet::new(self.world.bounds.blocks);
        let queue = Queue::new(self.world.bounds.journal);
        let journal_full = self.world.bounds.journal_full;
        let newest = primary.incarnation_newest();
        let new = primary_of_taken_over(secondary, queue, journal_full, newest);
        let Some(new_primary) = new else { return Err(WhyNot::NotOffered) };
        let state = &mut *self.state;
        state.secondary = secondary_of_old_primary(&primary, queue, clean);
        state.primary = new_primary;
        core::mem::swap(&mut state.pvol, &mut state.spvol);
        // The old local site has a replica pair of its own, in PAIR and equal.
        state.secondary.replica = Replica { state: ReplicaState::Pair, dirty: clean };
        state.svol = state.spvol;
        state.disk = state.spvol;
        state.to_secondary = Flight::default();
        state.to_primary = Flight::default();
        state.ghost.oracle = state.spvol;
        state.ghost.order.clear();
        state.ghost.copying = false;
        state.ghost.complete = None;
        Ok(())
    }

    // What the ghosts watch.

    /// Notes what this step of the primary numbered, as the order in which it has to be applied, and the point at which
    /// a resync has copied everything.
    fn watch_order(&mut self, before: QMarker) {
        let State { primary, secondary, ghost, pvol, .. } = &mut *self.state;
        let linked = primary.state.is_linked();
        if primary.incarnation == before.incarnation && linked {
            for entry in primary.journal.entries().filter(|entry| entry.seq > before.seq) {
                ghost.order.push(*entry);
            }
        }
        let same = primary.incarnation == secondary.incarnation;
        if ghost.copying && ghost.complete.is_none() && linked && same && primary.dirty.is_clean() {
            ghost.complete = Some((primary.newest, *pvol));
            self.watch_complete();
        }
    }

    /// From the last copy on the S/P-VOL has to be what the P-VOL was.
    fn watch_complete(&mut self) {
        let State { ghost, secondary, .. } = &mut *self.state;
        if let Some((seq, image)) = ghost.complete.filter(|(seq, _)| *seq <= secondary.written) {
            ghost.copying = false;
            ghost.complete = None;
            ghost.oracle = image;
            for entry in ghost
                .order
                .entries()
                .filter(|entry| entry.seq > seq && entry.seq <= secondary.written)
            {
                overwrite(&mut ghost.oracle, entry);
            }
        }
    }

    /// From the start of an incarnation until its last copy the S/P-VOL is a mixture of two times.
    fn watch_resync(&mut self, before: Incarnation, asked: Incarnation) {
        if asked > before || !self.world.rules.has(Rule::Resync1) {
            let ghost = &mut self.state.ghost;
            ghost.order.clear();
            ghost.copying = true;
            ghost.complete = None;
        }
    }

    /// Follows `written` by the order in which the numbers were given.
    fn watch_written(&mut self, before: Seq) {
        let State { ghost, secondary, .. } = &mut *self.state;
        if ghost.copying {
            self.watch_complete();
        } else {
            let due = |entry: &&Entry<Value>| entry.seq > before && entry.seq <= secondary.written;
            for entry in ghost.order.entries().filter(due) {
                overwrite(&mut ghost.oracle, entry);
            }
        }
        let written = self.state.secondary.written;
        self.state.ghost.order.drop_through(written);
    }

    pub(super) fn send_to_host(&mut self, message: HostMessage) -> StepResult {
        if let HostMessage::Permit(id) = message {
            let ghost = &mut self.state.ghost;
            ghost.permitted = ghost.frozen.filter(|frozen| frozen.id == id);
        }
        let room = self.state.host.add(message, self.world.bounds.host_messages);
        // A link that may lose messages loses the one it has no room for.
        let lossy = self.world.bounds.faults.contains(Fault::HostLoss);
        if room || lossy { Ok(()) } else { Err(WhyNot::NoRoom) }
    }

    /// A value that stands nowhere in this block, nor is on its way there, by the world's [`Naming`].
    pub(super) fn fresh_value(&mut self, block: BlockIndex) -> Value {
        let mut used = 0_u64;
        self.state.for_each_value(|at, value| {
            if at == block.0 as usize && *value != Value::FORGOTTEN {
                used |= 1 << (value.0 & 63);
            }
        });
        let above = u64::BITS - used.leading_zeros();
        let is_rising = self.world.naming == Naming::Rising && above < VALUES_MAX;
        Value(if is_rising { above } else { used.trailing_ones() } as u8)
    }

    pub(super) fn is_suspended_for_backup(&self) -> bool {
        let secondary = &self.state.secondary;
        secondary.state == PairState::Ssus && secondary.consistent
    }
}

/// Puts what an entry leaves in its block into `image`.
fn overwrite(image: &mut Image, entry: &Entry<Value>) {
    if let (Some(block), Some(value)) = (entry.item.block(), entry.item.payload()) {
        image[block.0 as usize] = *value;
    }
}
