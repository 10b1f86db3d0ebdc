//! What the hosts do in a step: the application and its database, coordinator, Sync and requester, and the link between
//! the hosts.

use crate::protocol::coordinator::{CoordinatorEvent, CoordinatorState};
use crate::protocol::database::DatabaseEvent;
use crate::protocol::primary::PrimaryEvent;
use crate::protocol::requester::RequesterEvent;
use crate::protocol::secondary::SecondaryEvent;
use crate::protocol::sync::{Sync, SyncEffect, SyncEvent};
use crate::protocol::{BackupId, BlockIndex, HostMessage, PairState};
use crate::system::Notice;
use crate::world::instance::{Stillness, Variant};
use crate::world::state::{FrozenImage, Unanswered};
use crate::world::step::{Step, StepResult, WhyNot, dropped_if_refused};

impl Step<'_> {
    // The application: transactions of one and of two writes, each write bringing a value of its own.

    pub(super) fn write_one(&mut self, block: BlockIndex) -> StepResult {
        self.database(DatabaseEvent::Begin)?;
        self.host_write(block)?;
        self.commit()
    }

    pub(super) fn write_first(&mut self, block: BlockIndex) -> StepResult {
        self.database(DatabaseEvent::Begin)?;
        self.host_write(block)?;
        if self.waits_for_answer() {
            self.state.unanswered = Unanswered::First;
        }
        Ok(())
    }

    pub(super) fn write_second(&mut self, block: BlockIndex) -> StepResult {
        self.host_write(block)?;
        self.commit()
    }

    fn host_write(&mut self, block: BlockIndex) -> StepResult {
        let payload = self.fresh_value(block);
        self.database(DatabaseEvent::Write)?;
        self.primary(PrimaryEvent::HostWrite { block, payload })
    }

    /// Under `synchronous` the host is answered when the write is remote, and commits then.
    fn waits_for_answer(&self) -> bool {
        self.world.variant == Variant::Synchronous
    }

    fn commit(&mut self) -> StepResult {
        if self.waits_for_answer() {
            self.state.unanswered = Unanswered::Last;
            return Ok(());
        }
        self.database(DatabaseEvent::Commit)
    }

    pub(super) fn answer_host(&mut self) -> StepResult {
        let was = core::mem::take(&mut self.state.unanswered);
        if was == Unanswered::Last { self.database(DatabaseEvent::Commit) } else { Ok(()) }
    }

    // The link between the hosts.

    pub(super) fn deliver_host(&mut self, message: HostMessage, again: bool) -> StepResult {
        if !again {
            self.state.host.remove(message);
        }
        match message {
            HostMessage::Request(id) => {
                dropped_if_refused(self.coordinator(CoordinatorEvent::Request(id)))
            }
            HostMessage::SplitAnswer { id, done } => {
                dropped_if_refused(self.coordinator(CoordinatorEvent::SplitAnswer { id, done }))
            }
            HostMessage::Permit(id) => {
                dropped_if_refused(self.requester(RequesterEvent::Permit(id)))
            }
            HostMessage::Reject(id) => {
                dropped_if_refused(self.requester(RequesterEvent::Reject(id)))
            }
            HostMessage::Split(id) if self.world.variant == Variant::Conventional => {
                // The S/P-VOL itself is backed up, if the suspension has reached it.
                let done = self.state.secondary.armed == Some(id) && self.is_suspended_for_backup();
                self.send_to_host(HostMessage::SplitAnswer { id, done })
            }
            // The remote host hands the split to the secondary and sends its answer, a refusal included.
            HostMessage::Split(id) => match self.secondary(SecondaryEvent::Split(id)) {
                Err(WhyNot::Secondary(_)) => {
                    self.send_to_host(HostMessage::SplitAnswer { id, done: false })
                }
                done => done,
            },
        }
    }

    // Requester, coordinator, database, Sync.

    pub(super) fn requester(&mut self, event: RequesterEvent) -> StepResult {
        let step = self.state.requester.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Requester(refusal));
        }
        self.state.requester = step.state;
        step.effects.into_iter().try_for_each(|effect| self.perform(effect.into()))
    }

    pub(super) fn coordinator(&mut self, event: CoordinatorEvent) -> StepResult {
        let step = self.state.coordinator.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Coordinator(refusal));
        }
        self.state.coordinator = step.state;
        step.effects.into_iter().try_for_each(|effect| self.perform(effect.into()))
    }

    /// What one role of a site tells another is a step of the other, within the same action.
    pub(super) fn tell(&mut self, notice: Notice) -> StepResult {
        match notice {
            Notice::Freeze(id) => self.hold_still(id),
            // Sync is begun by an action of its own: anything may happen between freeze and Sync.
            Notice::BeginSync(_) => Ok(()),
            // While it waits for the thaw's answer the coordinator thaws by an action of its own.
            Notice::Thaw(_) if self.is_thawing() => Ok(()),
            Notice::Thaw(id) => self.let_go(id),
            Notice::Frozen(id) => {
                let torn = self.state.database.open > 0;
                self.watch_still(id, torn)
            }
            Notice::Quiesced(id) => self.watch_still(id, false),
            Notice::Thawed(id, held) if self.is_thawing() => {
                self.coordinator(CoordinatorEvent::Thawed { id, held })
            }
            // The coordinator has stopped waiting.
            Notice::Thawed(..) => Ok(()),
            Notice::Synced(done) => {
                self.state.sync = None;
                self.coordinator(CoordinatorEvent::Synced { done })
            }
            Notice::Arm(id) => self.secondary(SecondaryEvent::Arm(id)),
            // Reading goes on until an action ends it.
            Notice::Read(_) => Ok(()),
            Notice::Release(id) => self.secondary(SecondaryEvent::Release(id)),
        }
    }

    /// FREEZE-1 or, as claim 4 has it, QUIESCE-1.
    fn hold_still(&mut self, id: BackupId) -> StepResult {
        match self.world.bounds.stillness {
            Stillness::Freeze => self.database(DatabaseEvent::Freeze(id)),
            Stillness::Quiesce => self.primary(PrimaryEvent::Quiesce(id)),
        }
    }

    fn let_go(&mut self, id: BackupId) -> StepResult {
        match self.world.bounds.stillness {
            Stillness::Freeze => self.database(DatabaseEvent::Thaw(id)),
            Stillness::Quiesce => self.primary(PrimaryEvent::Unquiesce(id)),
        }
    }

    pub(super) fn lease_expires(&mut self) -> StepResult {
        match self.world.bounds.stillness {
            Stillness::Freeze => self.database(DatabaseEvent::LeaseExpired),
            Stillness::Quiesce => self.primary(PrimaryEvent::LeaseExpired),
        }
    }

    fn is_thawing(&self) -> bool {
        matches!(self.state.coordinator.state, CoordinatorState::Thawing(_))
    }

    pub(super) fn thaw(&mut self) -> StepResult {
        match self.state.coordinator.state {
            CoordinatorState::Thawing(id) => self.let_go(id),
            CoordinatorState::Idle
            | CoordinatorState::Freezing(_)
            | CoordinatorState::Syncing(_)
            | CoordinatorState::Splitting(_) => Err(WhyNot::NotOffered),
        }
    }

    pub(super) fn database(&mut self, event: DatabaseEvent) -> StepResult {
        let step = self.state.database.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Database(refusal));
        }
        self.state.database = step.state;
        step.effects.into_iter().try_for_each(|effect| self.perform(effect.into()))
    }

    /// Ghost: what was held still, and whether half a transaction was in it. Then the coordinator is told, which may have
    /// stopped waiting.
    fn watch_still(&mut self, id: BackupId, torn: bool) -> StepResult {
        self.state.ghost.frozen = Some(FrozenImage { id, image: self.state.pvol, torn });
        dropped_if_refused(self.coordinator(CoordinatorEvent::Frozen(id)))
    }

    pub(super) fn sync_begin(&mut self) -> StepResult {
        match Sync::begin(self.world.rules, self.state.primary.view()) {
            Ok(sync) => {
                self.state.sync = Some(sync);
                Ok(())
            }
            Err(_) => self.coordinator(CoordinatorEvent::Synced { done: false }),
        }
    }

    pub(super) fn sync_timeout(&mut self) -> StepResult {
        match self.state.sync {
            Some(_) => self.sync(SyncEvent::Timeout),
            None => self.coordinator(CoordinatorEvent::Synced { done: false }),
        }
    }

    pub(super) fn sync(&mut self, event: SyncEvent) -> StepResult {
        let sync = self.state.sync.ok_or(WhyNot::SyncWaits)?;
        let effects = sync.step(self.world.rules, event).effects;
        match effects.first() {
            Some(effect @ SyncEffect::Return(_)) => self.perform((*effect).into()),
            Some(SyncEffect::Wait) | None => Err(WhyNot::SyncWaits),
        }
    }

    /// The conventional way ([0008] [0009]): once the queue has drained the pair is suspended, and stays so while the
    /// S/P-VOL is backed up.
    pub(super) fn suspend_for_backup(&mut self) -> StepResult {
        if self.state.primary.state != PairState::Pair {
            return self.coordinator(CoordinatorEvent::Synced { done: false });
        }
        if !self.state.primary.journal.is_empty() {
            return Err(WhyNot::SyncWaits);
        }
        self.primary(PrimaryEvent::Suspend)?;
        self.coordinator(CoordinatorEvent::Synced { done: true })
    }
}
