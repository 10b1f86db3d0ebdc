//! When the world lets an action happen, and which kinds of action it can offer at all. Whether a role then acts is the role's decision.

use crate::protocol::containers::DirtyMap;
use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::primary::JournalFull;
use crate::protocol::requester::RequesterState;
use crate::protocol::{BlockIndex, HostMessage, PairState, Rule};
use crate::world::action::{Action, ActionKind};
use crate::world::bounded::BlockSet;
use crate::world::fault::Fault;
use crate::world::instance::{Cache, Start, Stillness, Transactions, Variant, World};
use crate::world::state::{State, Unanswered};

impl World {
    /// Every action the world offers in `state`.
    pub(super) fn enabled(&self, state: &State) -> Vec<Action> {
        let mut actions = Vec::new();
        self.collect_enabled(state, &mut actions);
        actions
    }

    /// Adds every action the world offers in `state`, in a fixed order.
    pub(super) fn collect_enabled(&self, state: &State, actions: &mut Vec<Action>) {
        self.application(state, actions);
        self.array_link(state, actions);
        self.arrays(state, actions);
        self.operator(state, actions);
        self.backup(state, actions);
        self.host_link(state, actions);
        self.crashes(actions);
        self.remote_site(state, actions);
    }

    fn has(&self, fault: Fault) -> bool {
        self.bounds.faults.contains(fault)
    }

    fn application(&self, state: &State, actions: &mut Vec<Action>) {
        if state.unanswered != Unanswered::Nothing {
            // Synchronous: the host waits until the write is remote, or the pair has given that up.
            if state.primary.state != PairState::Pair || state.primary.journal.is_empty() {
                actions.push(Action::AnswerHost);
            }
        } else if state.database.open > 0 {
            match self.bounds.transactions {
                Transactions::FirstLast => actions.push(Action::WriteSecond),
                Transactions::Any => {
                    let others = self.blocks().filter(|block| state.begun != Some(*block));
                    actions.extend(others.map(Action::WriteSecondTo));
                }
            }
        } else if state.database.freeze == FreezeState::Running {
            actions.extend(self.blocks().map(Action::WriteOne));
            match self.bounds.transactions {
                Transactions::FirstLast => actions.push(Action::WriteFirst),
                Transactions::Any => actions.extend(self.blocks().map(Action::WriteFirstTo)),
            }
        }
    }

    fn array_link(&self, state: &State, actions: &mut Vec<Action>) {
        if self.has(Fault::LinkDown) {
            actions.push(if state.link_up { Action::LinkDown } else { Action::LinkUp });
        }
        for message in state.to_secondary.iter() {
            if state.link_up {
                actions.push(Action::Deliver { message, again: false });
                if self.has(Fault::ArrayRepeat) {
                    actions.push(Action::Deliver { message, again: true });
                }
            }
            if self.has(Fault::ArrayLoss) {
                actions.push(Action::Lose(message));
            }
        }
        for message in state.to_primary.iter() {
            if state.link_up {
                actions.push(Action::DeliverReply { message, again: false });
                if self.has(Fault::ArrayRepeat) {
                    actions.push(Action::DeliverReply { message, again: true });
                }
            }
            if self.has(Fault::ArrayLoss) {
                actions.push(Action::LoseReply(message));
            }
        }
        if state.link_up {
            actions.extend(state.primary.journal.entries().map(|entry| Action::Send(entry.seq)));
            let secondary = state.secondary.state;
            if secondary.is_linked() || secondary.has_left() {
                actions.push(Action::Report);
            }
        }
    }

    fn arrays(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.secondary.queue.is_empty() {
            actions.push(Action::Apply);
        }
        if self.sees_replica_lag() && !state.secondary.replica.is_split() {
            let behind: BlockSet = state.secondary.replica.dirty;
            actions.extend(behind.iter().map(Action::CopyReplica));
        }
        if self.bounds.cache == Cache::Volatile {
            let behind =
                |block: &BlockIndex| state.disk[block.0 as usize] != state.spvol[block.0 as usize];
            actions.extend(self.blocks().filter(behind).map(Action::Destage));
        }
        if state.primary.state.is_linked() && (self.has(Fault::FalseSuspicion) || !state.link_up) {
            actions.push(Action::Fail);
        }
        if state.secondary.state.is_linked() && self.has(Fault::FalseSuspicion) {
            actions.push(Action::SecondaryFail);
        }
        if state.primary.state == PairState::Copy {
            actions.extend(state.primary.dirty.iter().map(Action::CopyBlock));
            if state.primary.dirty.is_clean() {
                actions.push(Action::PairMark);
            }
        }
    }

    fn operator(&self, state: &State, actions: &mut Vec<Action>) {
        let primary = state.primary.state;
        let is_asked = state.primary.pending.is_some();
        let can_suspend = primary.is_linked() || primary.is_suspended() && is_asked;
        if can_suspend && self.has(Fault::OperatorSuspend) {
            actions.push(Action::Suspend);
        }
        if primary != PairState::Smpl && self.has(Fault::OperatorDelete) {
            actions.push(Action::Delete);
        }
        if !state.link_up {
            return;
        }
        if primary == PairState::Smpl {
            actions.push(Action::Create);
        }
        // The conventional backup resynchronises when it has been read, and not before.
        let is_read = self.variant != Variant::Conventional
            || state.requester.state == RequesterState::Idle
                && state.coordinator.state == CoordinatorState::Idle;
        if primary.is_suspended() && is_read {
            actions.push(Action::Resync);
        }
    }

    fn backup(&self, state: &State, actions: &mut Vec<Action>) {
        let timeouts = self.has(Fault::Timeouts);
        match state.requester.state {
            RequesterState::Idle => actions.push(Action::StartBackup),
            RequesterState::Waiting(_) if timeouts => actions.push(Action::RequesterTimeout),
            RequesterState::Waiting(_) => {}
            RequesterState::Reading(_) => actions.push(Action::FinishBackup),
        }
        match state.coordinator.state {
            CoordinatorState::Idle => {}
            CoordinatorState::Syncing(_) if self.variant == Variant::Conventional => {
                actions.push(Action::SuspendForBackup);
                if timeouts {
                    actions.push(Action::SyncTimeout);
                }
            }
            CoordinatorState::Syncing(_) if state.sync.is_none() => actions.push(Action::SyncBegin),
            CoordinatorState::Syncing(_) => {
                actions.push(Action::SyncLook);
                if timeouts {
                    actions.push(Action::SyncTimeout);
                }
            }
            CoordinatorState::Thawing(_) => actions.push(Action::Thaw),
            CoordinatorState::Freezing(_) | CoordinatorState::Splitting(_) => {
                if timeouts {
                    actions.push(Action::CoordinatorTimeout);
                }
            }
        }
        let is_leased =
            state.database.freeze != FreezeState::Running || state.primary.quiesced.is_some();
        if self.has(Fault::LeaseExpiry) && is_leased {
            actions.push(Action::LeaseExpires);
        }
    }

    fn host_link(&self, state: &State, actions: &mut Vec<Action>) {
        for message in state.host.iter() {
            if self.is_awaited(state, message) {
                actions.push(Action::DeliverHost { message, again: false });
                if self.has(Fault::HostRepeat) {
                    actions.push(Action::DeliverHost { message, again: true });
                }
            }
            if self.has(Fault::HostLoss) {
                actions.push(Action::LoseHost(message));
            }
        }
    }

    /// The conventional split waits at the remote host until the suspension has come through.
    fn is_awaited(&self, state: &State, message: HostMessage) -> bool {
        let waits =
            self.variant == Variant::Conventional && matches!(message, HostMessage::Split(_));
        !waits || !state.secondary.state.is_linked()
    }

    fn crashes(&self, actions: &mut Vec<Action>) {
        let crashes = [
            (Fault::CrashPrimary, Action::CrashPrimary),
            (Fault::CrashSecondary, Action::CrashSecondary),
            (Fault::CrashLocalHost, Action::CrashLocalHost),
            (Fault::CrashCoordinator, Action::CrashCoordinator),
            (Fault::CrashRemoteHost, Action::CrashRemoteHost),
        ];
        actions.extend(crashes.iter().filter(|(fault, _)| self.has(*fault)).map(|(_, a)| *a));
    }

    fn remote_site(&self, state: &State, actions: &mut Vec<Action>) {
        if !self.has(Fault::Takeover) {
            return;
        }
        // The remote host may try at any time: the inhibit is the secondary's.
        actions.extend(self.blocks().map(Action::RemoteWrite));
        match state.secondary.state {
            PairState::Smpl => {}
            PairState::Ssws => {
                if state.link_up && is_quiet(state) {
                    actions.push(Action::Failback);
                }
            }
            PairState::Copy
            | PairState::Pair
            | PairState::Psus
            | PairState::Psue
            | PairState::Ssus => {
                let force = !state.secondary.consistent && !state.secondary.replica.is_split();
                actions.push(Action::Takeover { force });
            }
        }
    }

    /// Whether an action of this kind can change anything in this world: false where the fault it needs is off, or the
    /// message it takes is never in flight.
    #[must_use]
    pub fn can_offer(&self, kind: ActionKind) -> bool {
        let bounds = &self.bounds;
        let has = |fault| bounds.faults.contains(fault);
        let conventional = self.variant == Variant::Conventional;
        let leaves = bounds.journal_full == JournalFull::Suspend
            || conventional
            || !bounds.faults.is_disjoint(Fault::SUSPENDING);
        let creates = bounds.start == Start::Smpl || has(Fault::OperatorDelete);
        // What a hold is lost by is not the world's only way to tell that somebody crashed: its state shows nothing else.
        let quiesces = bounds.stillness == Stillness::Quiesce;
        match kind {
            ActionKind::WriteFirst | ActionKind::WriteSecond => {
                bounds.transactions == Transactions::FirstLast
            }
            ActionKind::WriteFirstTo | ActionKind::WriteSecondTo => {
                bounds.transactions == Transactions::Any
            }
            ActionKind::AnswerHost => self.variant == Variant::Synchronous,
            ActionKind::Destage => bounds.cache == Cache::Volatile,
            ActionKind::LinkDown | ActionKind::LinkUp => has(Fault::LinkDown),
            ActionKind::Fail => has(Fault::LinkDown) || has(Fault::FalseSuspicion),
            ActionKind::SecondaryFail => has(Fault::FalseSuspicion),
            ActionKind::Create => creates,
            ActionKind::Suspend => has(Fault::OperatorSuspend),
            ActionKind::Delete => has(Fault::OperatorDelete),
            ActionKind::Resync | ActionKind::CopyBlock | ActionKind::PairMark => leaves || creates,
            ActionKind::Lose => has(Fault::ArrayLoss),
            ActionKind::LoseReply => has(Fault::ArrayLoss) && bounds.acks > 0,
            ActionKind::DeliverReply => bounds.acks > 0,
            ActionKind::LoseHost => has(Fault::HostLoss),
            ActionKind::SyncBegin | ActionKind::SyncLook => !conventional,
            ActionKind::SuspendForBackup => conventional,
            ActionKind::SyncTimeout
            | ActionKind::CoordinatorTimeout
            | ActionKind::RequesterTimeout => has(Fault::Timeouts),
            // Without the rule the thaw is part of the coordinator's step (BACKUP-2).
            ActionKind::Thaw => self.rules.has(Rule::Backup2),
            ActionKind::LeaseExpires => has(Fault::LeaseExpiry),
            ActionKind::CopyReplica => self.sees_replica_lag(),
            ActionKind::CrashPrimary => has(Fault::CrashPrimary) && quiesces,
            ActionKind::CrashSecondary => has(Fault::CrashSecondary),
            ActionKind::CrashLocalHost => has(Fault::CrashLocalHost),
            ActionKind::CrashCoordinator => has(Fault::CrashCoordinator),
            ActionKind::CrashRemoteHost => has(Fault::CrashRemoteHost),
            ActionKind::Takeover | ActionKind::RemoteWrite | ActionKind::Failback => {
                has(Fault::Takeover)
            }
            ActionKind::WriteOne
            | ActionKind::Send
            | ActionKind::Deliver
            | ActionKind::Apply
            | ActionKind::Report
            | ActionKind::StartBackup
            | ActionKind::DeliverHost
            | ActionKind::FinishBackup => true,
        }
    }

    /// Whether anything can tell how far the S-VOL lags in the replica pair: not where a split reflects what lags and
    /// nobody reads before it.
    pub(super) fn sees_replica_lag(&self) -> bool {
        self.bounds.cache == Cache::Volatile
            || !self.rules.has(Rule::Split1)
            || !self.rules.has(Rule::Backup1)
    }
}

/// Whether the hosts are at rest: a failback is a planned change of sides.
fn is_quiet(state: &State) -> bool {
    state.database.open == 0
        && state.database.freeze == FreezeState::Running
        && state.primary.quiesced.is_none()
        && state.coordinator.state == CoordinatorState::Idle
        && state.requester.state == RequesterState::Idle
        && state.host.is_empty()
}
