//! Which actions are faults, and which kinds of action a world can offer at all. Nothing here happens or is decided.

use crate::protocol::Rule;
use crate::protocol::primary::JournalFull;
use crate::world::World;
use crate::world::action::Action;
use crate::world::instance::{Fault, Faults, Start};

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
            Self::Lose(_) | Self::LoseAck(_) => Some(Fault::ArrayLoss),
            Self::Deliver { again: true, .. } | Self::DeliverAck { again: true, .. } => {
                Some(Fault::ArrayRepeat)
            }
            Self::LoseHost(_) => Some(Fault::HostLoss),
            Self::DeliverHost { again: true, .. } => Some(Fault::HostRepeat),
            Self::SyncTimeout | Self::CoordinatorTimeout | Self::RequesterTimeout => {
                Some(Fault::Timeouts)
            }
            Self::LeaseExpires => Some(Fault::LeaseExpiry),
            Self::Suspend => Some(Fault::OperatorSuspend),
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
        let suspending =
            Faults::of(&[Fault::LinkDown, Fault::FalseSuspicion, Fault::OperatorSuspend]);
        let suspends = bounds.journal_full == JournalFull::Suspend
            || suspending.iter().any(|fault| bounds.faults.has(fault));
        match Action::KINDS.get(kind).copied().unwrap_or_default() {
            "LinkDown" | "LinkUp" => has(Fault::LinkDown),
            "Fail" => has(Fault::LinkDown) || has(Fault::FalseSuspicion),
            "SecondaryFail" => has(Fault::FalseSuspicion),
            "Suspend" => has(Fault::OperatorSuspend),
            "Resync" => suspends,
            "CopyBlock" | "PairMark" => suspends || bounds.start == Start::Smpl,
            "Lose" => has(Fault::ArrayLoss),
            "LoseAck" => has(Fault::ArrayLoss) && bounds.acks > 0,
            "DeliverAck" => bounds.acks > 0,
            "LoseHost" => has(Fault::HostLoss),
            "SyncTimeout" | "CoordinatorTimeout" | "RequesterTimeout" => has(Fault::Timeouts),
            // Without the rule the thaw is part of the coordinator's step (BACKUP-2).
            "Thaw" => self.rules.has(Rule::Backup2),
            "LeaseExpires" => has(Fault::LeaseExpiry),
            // A stutter while both rules are in force: the normal form counts the block as copied (SPEC.md, 8.6).
            "CopyReplica" => !(self.rules.has(Rule::Split1) && self.rules.has(Rule::Backup1)),
            _ => true,
        }
    }
}
