//! What can happen in the world, and when the world lets it happen. Whether a role then acts is the role's decision.

use crate::protocol::bounded::BlockSet;
use crate::protocol::containers::DirtyMap;
use crate::protocol::coordinator::CoordinatorState;
use crate::protocol::database::FreezeState;
use crate::protocol::requester::RequesterState;
use crate::protocol::{Ack, BlockIndex, HostMessage, PairState, Seq, ToSecondary};
use crate::world::World;
use crate::world::instance::Fault;
use crate::world::state::{State, Value};

/// One step of the world. Traces hold it as a record of its name and its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", content = "arguments", deny_unknown_fields)]
pub enum Action {
    /// A transaction of one write, to this block.
    WriteOne(BlockIndex),
    /// A transaction of two writes begins and writes block 0.
    WriteFirst,
    /// The open transaction writes block 1 and commits.
    WriteSecond,
    /// The sender sends a journal entry, for the first time or again.
    Send(Seq),
    /// The array link delivers; with `again` it will deliver the same once more.
    Deliver {
        /// What is delivered.
        message: ToSecondary<Value>,
        /// Whether it stays in flight.
        again: bool,
    },
    /// The array link loses a frame.
    Lose(ToSecondary<Value>),
    /// The secondary applies the next entry.
    Apply,
    /// The secondary reports how far it has written.
    Report,
    /// The array link delivers an acknowledgement; with `again` it will deliver the same once more.
    DeliverAck {
        /// What is delivered.
        ack: Ack,
        /// Whether it stays in flight.
        again: bool,
    },
    /// The array link loses an acknowledgement.
    LoseAck(Ack),
    /// The replica copier copies a block on to the S-VOL.
    CopyReplica(BlockIndex),
    /// The array link goes down.
    LinkDown,
    /// The array link comes up.
    LinkUp,
    /// The primary takes the link for failed.
    Fail,
    /// The secondary takes the link for failed.
    SecondaryFail,
    /// The operator suspends the pair.
    Suspend,
    /// The operator resynchronises the pair; request and answer travel in this step.
    Resync,
    /// The resync copies a dirty block.
    CopyBlock(BlockIndex),
    /// The resync has copied every block.
    PairMark,
    /// The requester starts a backup.
    StartBackup,
    /// The host link delivers; with `again` it will deliver the same once more.
    DeliverHost {
        /// What is delivered.
        message: HostMessage,
        /// Whether it stays in flight.
        again: bool,
    },
    /// The host link loses a message.
    LoseHost(HostMessage),
    /// The coordinator begins Sync.
    SyncBegin,
    /// Sync looks at the pair.
    SyncLook,
    /// Sync's time is over.
    SyncTimeout,
    /// The coordinator thaws the database and hears whether the freeze held.
    Thaw,
    /// The coordinator stops waiting.
    CoordinatorTimeout,
    /// The requester stops waiting.
    RequesterTimeout,
    /// The requester has read the S-VOL.
    FinishBackup,
    /// The freeze's lease ends.
    LeaseExpires,
}

impl Action {
    /// The names of the kinds of action, by [`Action::kind`].
    pub const KINDS: &'static [&'static str] = &[
        "WriteOne",
        "WriteFirst",
        "WriteSecond",
        "Send",
        "Deliver",
        "Lose",
        "Apply",
        "Report",
        "DeliverAck",
        "LoseAck",
        "CopyReplica",
        "LinkDown",
        "LinkUp",
        "Fail",
        "Suspend",
        "Resync",
        "CopyBlock",
        "PairMark",
        "StartBackup",
        "DeliverHost",
        "LoseHost",
        "SyncBegin",
        "SyncLook",
        "SyncTimeout",
        "Thaw",
        "CoordinatorTimeout",
        "RequesterTimeout",
        "FinishBackup",
        "LeaseExpires",
        "SecondaryFail",
    ];

    /// The action without its arguments, as an index into [`Action::KINDS`].
    #[must_use]
    pub const fn kind(&self) -> usize {
        match self {
            Self::WriteOne(_) => 0,
            Self::WriteFirst => 1,
            Self::WriteSecond => 2,
            Self::Send(_) => 3,
            Self::Deliver { .. } => 4,
            Self::Lose(_) => 5,
            Self::Apply => 6,
            Self::Report => 7,
            Self::DeliverAck { .. } => 8,
            Self::LoseAck(_) => 9,
            Self::CopyReplica(_) => 10,
            Self::LinkDown => 11,
            Self::LinkUp => 12,
            Self::Fail => 13,
            Self::Suspend => 14,
            Self::Resync => 15,
            Self::CopyBlock(_) => 16,
            Self::PairMark => 17,
            Self::StartBackup => 18,
            Self::DeliverHost { .. } => 19,
            Self::LoseHost(_) => 20,
            Self::SyncBegin => 21,
            Self::SyncLook => 22,
            Self::SyncTimeout => 23,
            Self::Thaw => 24,
            Self::CoordinatorTimeout => 25,
            Self::RequesterTimeout => 26,
            Self::FinishBackup => 27,
            Self::LeaseExpires => 28,
            Self::SecondaryFail => 29,
        }
    }

    /// Whether the action keeps others from coming to their end: a failure, a loss, an impatience, a command against the
    /// pair. A walk by chance in which these are as likely as the rest never finishes a backup.
    #[must_use]
    pub const fn is_disruption(&self) -> bool {
        matches!(
            self,
            Self::Lose(_)
                | Self::LoseAck(_)
                | Self::LoseHost(_)
                | Self::LinkDown
                | Self::Fail
                | Self::SecondaryFail
                | Self::Suspend
                | Self::SyncTimeout
                | Self::CoordinatorTimeout
                | Self::RequesterTimeout
                | Self::LeaseExpires
        )
    }

    /// Whether the action is the backup's own: a step of requester, coordinator, Sync, or a message of theirs.
    #[must_use]
    pub const fn is_backup(&self) -> bool {
        matches!(
            self,
            Self::StartBackup
                | Self::DeliverHost { .. }
                | Self::SyncBegin
                | Self::SyncLook
                | Self::SyncTimeout
                | Self::Thaw
                | Self::CoordinatorTimeout
                | Self::RequesterTimeout
                | Self::FinishBackup
        )
    }
}

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
        self.backup(state, actions);
        self.host_link(state, actions);
    }

    fn application(&self, state: &State, actions: &mut Vec<Action>) {
        if state.database.open > 0 {
            actions.push(Action::WriteSecond);
        } else if state.database.freeze == FreezeState::Running {
            actions.extend(self.blocks().map(Action::WriteOne));
            actions.push(Action::WriteFirst);
        }
    }

    fn array_link(&self, state: &State, actions: &mut Vec<Action>) {
        let faults = self.bounds.faults;
        if faults.has(Fault::LinkDown) {
            actions.push(if state.link_up { Action::LinkDown } else { Action::LinkUp });
        }
        for message in state.frames.iter() {
            if state.link_up {
                actions.push(Action::Deliver { message, again: false });
                if faults.has(Fault::ArrayRepeat) {
                    actions.push(Action::Deliver { message, again: true });
                }
            }
            if faults.has(Fault::ArrayLoss) {
                actions.push(Action::Lose(message));
            }
        }
        for ack in state.acks.iter() {
            if state.link_up {
                actions.push(Action::DeliverAck { ack, again: false });
                if faults.has(Fault::ArrayRepeat) {
                    actions.push(Action::DeliverAck { ack, again: true });
                }
            }
            if faults.has(Fault::ArrayLoss) {
                actions.push(Action::LoseAck(ack));
            }
        }
        if state.link_up {
            actions.extend(state.primary.journal.entries().map(|entry| Action::Send(entry.seq)));
            actions.push(Action::Report);
        }
    }

    fn arrays(&self, state: &State, actions: &mut Vec<Action>) {
        let faults = self.bounds.faults;
        if !state.secondary.queue.is_empty() {
            actions.push(Action::Apply);
        }
        if !state.secondary.replica.is_split() {
            let behind: BlockSet = state.secondary.replica.dirty;
            actions.extend(behind.iter().map(Action::CopyReplica));
        }
        if state.primary.state.is_linked() {
            if faults.has(Fault::FalseSuspicion) || !state.link_up {
                actions.push(Action::Fail);
            }
            if faults.has(Fault::OperatorSuspend) {
                actions.push(Action::Suspend);
            }
        }
        if state.secondary.state.is_linked() && faults.has(Fault::FalseSuspicion) {
            actions.push(Action::SecondaryFail);
        }
        if state.primary.state.is_suspended() && state.link_up {
            actions.push(Action::Resync);
        }
        if state.primary.state == PairState::Copy {
            actions.extend(state.primary.dirty.iter().map(Action::CopyBlock));
            if state.primary.dirty.is_clean() {
                actions.push(Action::PairMark);
            }
        }
    }

    fn backup(&self, state: &State, actions: &mut Vec<Action>) {
        let faults = self.bounds.faults;
        match state.requester.state {
            RequesterState::Idle => actions.push(Action::StartBackup),
            RequesterState::Waiting(_) if faults.has(Fault::Timeouts) => {
                actions.push(Action::RequesterTimeout)
            }
            RequesterState::Waiting(_) => {}
            RequesterState::Reading(_) => actions.push(Action::FinishBackup),
        }
        match state.coordinator.state {
            CoordinatorState::Idle => {}
            CoordinatorState::Syncing(_) if state.sync.is_none() => actions.push(Action::SyncBegin),
            CoordinatorState::Syncing(_) => {
                actions.push(Action::SyncLook);
                if faults.has(Fault::Timeouts) {
                    actions.push(Action::SyncTimeout);
                }
            }
            CoordinatorState::Thawing(_) => actions.push(Action::Thaw),
            CoordinatorState::Freezing(_) | CoordinatorState::Splitting(_) => {
                if faults.has(Fault::Timeouts) {
                    actions.push(Action::CoordinatorTimeout);
                }
            }
        }
        if faults.has(Fault::LeaseExpiry) && state.database.freeze != FreezeState::Running {
            actions.push(Action::LeaseExpires);
        }
    }

    fn host_link(&self, state: &State, actions: &mut Vec<Action>) {
        let faults = self.bounds.faults;
        for message in state.host.iter() {
            actions.push(Action::DeliverHost { message, again: false });
            if faults.has(Fault::HostRepeat) {
                actions.push(Action::DeliverHost { message, again: true });
            }
            if faults.has(Fault::HostLoss) {
                actions.push(Action::LoseHost(message));
            }
        }
    }

    /// The blocks of this world.
    pub(super) fn blocks(&self) -> impl Iterator<Item = BlockIndex> + use<> {
        (0..self.bounds.blocks).map(BlockIndex)
    }
}
