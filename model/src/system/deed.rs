//! What an effect of a role does, for whichever role it is: the one statement of it. Nothing is performed here.

use crate::protocol::coordinator::CoordinatorEffect;
use crate::protocol::database::DatabaseEffect;
use crate::protocol::primary::PrimaryEffect;
use crate::protocol::replica::ReplicaEffect;
use crate::protocol::requester::RequesterEffect;
use crate::protocol::secondary::SecondaryEffect;
use crate::protocol::sync::{SyncEffect, SyncOutcome};
use crate::protocol::{BackupId, BlockIndex, HostMessage, ToPrimary, ToSecondary};

/// One of the three volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// The P-VOL.
    Pvol,
    /// The S/P-VOL.
    Spvol,
    /// The S-VOL.
    Svol,
}

/// What a role tells another of its own site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notice {
    /// The coordinator asks for the P-VOL to be held still: by the database, or by the primary.
    Freeze(BackupId),
    /// The coordinator begins a Sync.
    BeginSync(BackupId),
    /// The coordinator asks for the end of the stillness.
    Thaw(BackupId),
    /// The database is frozen.
    Frozen(BackupId),
    /// The primary holds host writes.
    Quiesced(BackupId),
    /// Database or primary answer the coordinator whether the stillness lasted.
    Thawed(BackupId, bool),
    /// A Sync returned; whether it is DONE.
    Synced(bool),
    /// The requester arms the secondary.
    Arm(BackupId),
    /// The requester has the S-VOL read.
    Read(BackupId),
    /// The requester releases the secondary.
    Release(BackupId),
}

impl Notice {
    /// The backup that it speaks of; a Sync's return names none.
    #[must_use]
    pub const fn id(&self) -> Option<BackupId> {
        match self {
            Self::Freeze(id)
            | Self::BeginSync(id)
            | Self::Thaw(id)
            | Self::Frozen(id)
            | Self::Quiesced(id)
            | Self::Thawed(id, _)
            | Self::Arm(id)
            | Self::Read(id)
            | Self::Release(id) => Some(*id),
            Self::Synced(_) => None,
        }
    }
}

/// What is done to volumes, links and other roles. `P` is a block's contents, `D` a set of blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed<P, D> {
    /// The block of the volume holds these contents from now on.
    Write(Volume, BlockIndex, P),
    /// One block is copied from a volume to another, as it is now.
    CopyBlock(Volume, Volume, BlockIndex),
    /// All these blocks are copied from a volume to another, as they are now.
    CopyBlocks(Volume, Volume, D),
    /// The array link is given a message to the secondary.
    ToSecondary(ToSecondary<P>),
    /// The array link is given a message to the primary.
    ToPrimary(ToPrimary<D>),
    /// The host link is given a message.
    ToHost(HostMessage),
    /// Another role of the site is told.
    Tell(Notice),
    /// Nothing that a volume, a link or another role shows: the host's answer, a flush of what is written already, a
    /// Sync's waiting.
    Unseen,
}

impl<P, D> From<PrimaryEffect<P>> for Deed<P, D> {
    fn from(effect: PrimaryEffect<P>) -> Self {
        match effect {
            PrimaryEffect::WritePvol { block, payload } => {
                Self::Write(Volume::Pvol, block, payload)
            }
            PrimaryEffect::AnswerHost => Self::Unseen,
            PrimaryEffect::Send(message) => Self::ToSecondary(message),
            PrimaryEffect::AnswerQuiesced(id) => Self::Tell(Notice::Quiesced(id)),
            PrimaryEffect::AnswerReleased { id, held } => Self::Tell(Notice::Thawed(id, held)),
        }
    }
}

impl<P, D> From<SecondaryEffect<P, D>> for Deed<P, D> {
    fn from(effect: SecondaryEffect<P, D>) -> Self {
        use Volume::{Spvol, Svol};
        match effect {
            SecondaryEffect::WriteSpvol { block, payload } => Self::Write(Spvol, block, payload),
            SecondaryEffect::Replica(ReplicaEffect::CopyToSvol(block)) => {
                Self::CopyBlock(Spvol, Svol, block)
            }
            SecondaryEffect::Replica(ReplicaEffect::Reflect(blocks)) => {
                Self::CopyBlocks(Spvol, Svol, blocks)
            }
            SecondaryEffect::Replica(ReplicaEffect::Restore(blocks)) => {
                Self::CopyBlocks(Svol, Spvol, blocks)
            }
            SecondaryEffect::Send(message) => Self::ToPrimary(message),
            SecondaryEffect::SplitDone(id) => {
                Self::ToHost(HostMessage::SplitAnswer { id, done: true })
            }
        }
    }
}

impl<P, D> From<SyncEffect> for Deed<P, D> {
    fn from(effect: SyncEffect) -> Self {
        match effect {
            SyncEffect::Wait => Self::Unseen,
            SyncEffect::Return(outcome) => Self::Tell(Notice::Synced(outcome == SyncOutcome::Done)),
        }
    }
}

impl<P, D> From<DatabaseEffect> for Deed<P, D> {
    fn from(effect: DatabaseEffect) -> Self {
        match effect {
            DatabaseEffect::Flush => Self::Unseen,
            DatabaseEffect::AnswerFrozen(id) => Self::Tell(Notice::Frozen(id)),
            DatabaseEffect::AnswerThawed { id, held } => Self::Tell(Notice::Thawed(id, held)),
        }
    }
}

impl<P, D> From<CoordinatorEffect> for Deed<P, D> {
    fn from(effect: CoordinatorEffect) -> Self {
        match effect {
            CoordinatorEffect::Freeze(id) => Self::Tell(Notice::Freeze(id)),
            CoordinatorEffect::BeginSync(id) => Self::Tell(Notice::BeginSync(id)),
            CoordinatorEffect::Thaw(id) => Self::Tell(Notice::Thaw(id)),
            CoordinatorEffect::Send(message) => Self::ToHost(message),
        }
    }
}

impl<P, D> From<RequesterEffect> for Deed<P, D> {
    fn from(effect: RequesterEffect) -> Self {
        match effect {
            RequesterEffect::Arm(id) => Self::Tell(Notice::Arm(id)),
            RequesterEffect::Send(message) => Self::ToHost(message),
            RequesterEffect::Read(id) => Self::Tell(Notice::Read(id)),
            RequesterEffect::Release(id) => Self::Tell(Notice::Release(id)),
        }
    }
}
