//! Which actions are faults, and which kinds of action a world can offer at all. Nothing here happens or is decided.

use crate::protocol::Rule;
use crate::protocol::primary::JournalFull;
use crate::world::World;
use crate::world::action::Action;
use crate::world::instance::{Cache, Fault, Start, Stillness, Transactions, Variant};

impl Action {
    /// The fault that this action is, where one makes it possible. An action that only answers a fault, as the link's
    /// coming up does, is none.
    ///
    /// `link_up` tells whether the array link was up: taking it for failed is then a false suspicion, and the
    /// reaction to a failure otherwise.
    #[must_use]
    pub const fn fault(&self, link_up: bool) -> Option<Fault> {
        match self {
            Self::LinkDown => Some(Fault::LinkDown),
            Self::Fail if link_up => Some(Fault::FalseSuspicion),
            Self::SecondaryFail => Some(Fault::FalseSuspicion),
            Self::Lose(_) | Self::LoseReply(_) => Some(Fault::ArrayLoss),
            Self::Deliver { again: true, .. } | Self::DeliverReply { again: true, .. } => {
                Some(Fault::ArrayRepeat)
            }
            Self::LoseHost(_) => Some(Fault::HostLoss),
            Self::DeliverHost { again: true, .. } => Some(Fault::HostRepeat),
            Self::SyncTimeout | Self::CoordinatorTimeout | Self::RequesterTimeout => {
                Some(Fault::Timeouts)
            }
            Self::LeaseExpires => Some(Fault::LeaseExpiry),
            Self::Suspend => Some(Fault::OperatorSuspend),
            Self::Delete => Some(Fault::OperatorDelete),
            Self::CrashPrimary => Some(Fault::CrashPrimary),
            Self::CrashSecondary => Some(Fault::CrashSecondary),
            Self::CrashLocalHost => Some(Fault::CrashLocalHost),
            Self::CrashCoordinator => Some(Fault::CrashCoordinator),
            Self::CrashRemoteHost => Some(Fault::CrashRemoteHost),
            Self::Takeover { .. } | Self::RemoteWrite(_) | Self::Failback => Some(Fault::Takeover),
            _ => None,
        }
    }
}

impl World {
    /// Whether an action of this kind, an index into [`Action::KINDS`], can change anything in this world: false where
    /// the fault it needs is off, or the message it takes is never in flight.
    #[must_use]
    pub fn can_offer(&self, kind: usize) -> bool {
        let bounds = &self.bounds;
        let has = |fault| bounds.faults.has(fault);
        let conventional = self.variant == Variant::Conventional;
        // What takes the pair out of PAIR, so that it is resynchronised.
        let leaving = [
            Fault::LinkDown,
            Fault::FalseSuspicion,
            Fault::OperatorSuspend,
            Fault::Takeover,
            Fault::OperatorDelete,
        ];
        let leaves = bounds.journal_full == JournalFull::Suspend
            || conventional
            || leaving.iter().any(|fault| has(*fault));
        let creates = bounds.start == Start::Smpl || has(Fault::OperatorDelete);
        // What a hold is lost by is not the world's only way to tell that somebody crashed: its state shows nothing else.
        let quiesces = bounds.stillness == Stillness::Quiesce;
        match Action::KINDS.get(kind).copied().unwrap_or_default() {
            "WriteFirst" | "WriteSecond" => bounds.transactions == Transactions::FirstLast,
            "WriteFirstTo" | "WriteSecondTo" => bounds.transactions == Transactions::Any,
            "AnswerHost" => self.variant == Variant::Synchronous,
            "Destage" => bounds.cache == Cache::Volatile,
            "LinkDown" | "LinkUp" => has(Fault::LinkDown),
            "Fail" => has(Fault::LinkDown) || has(Fault::FalseSuspicion),
            "SecondaryFail" => has(Fault::FalseSuspicion),
            "Create" => creates,
            "Suspend" => has(Fault::OperatorSuspend),
            "Delete" => has(Fault::OperatorDelete),
            "Resync" | "CopyBlock" | "PairMark" => leaves || creates,
            "Lose" => has(Fault::ArrayLoss),
            "LoseReply" => has(Fault::ArrayLoss) && bounds.acks > 0,
            "DeliverReply" => bounds.acks > 0,
            "LoseHost" => has(Fault::HostLoss),
            "SyncBegin" | "SyncLook" => !conventional,
            "SuspendForBackup" => conventional,
            "SyncTimeout" | "CoordinatorTimeout" | "RequesterTimeout" => has(Fault::Timeouts),
            // Without the rule the thaw is part of the coordinator's step (BACKUP-2).
            "Thaw" => self.rules.has(Rule::Backup2),
            "LeaseExpires" => has(Fault::LeaseExpiry),
            "CopyReplica" => self.sees_replica_lag(),
            "CrashPrimary" => has(Fault::CrashPrimary) && quiesces,
            "CrashSecondary" => has(Fault::CrashSecondary),
            "CrashLocalHost" => has(Fault::CrashLocalHost),
            "CrashCoordinator" => has(Fault::CrashCoordinator),
            "CrashRemoteHost" => has(Fault::CrashRemoteHost),
            "Takeover" | "RemoteWrite" | "Failback" => has(Fault::Takeover),
            _ => true,
        }
    }
}
