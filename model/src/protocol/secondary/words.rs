//! The words of the secondary: what happens to it, what it has done for it, why it did nothing. No decision lives
//! here.

use core::fmt;

use crate::protocol::message::{ToPrimary, ToSecondary};
use crate::protocol::replica::{ReplicaEffect, ReplicaRefusal};
use crate::protocol::types::{BackupId, BlockIndex, Incarnation, PairState, Seq};

/// What happens to the secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "record",
    derive(serde::Serialize, serde::Deserialize),
    serde(remote = "Self")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SecondaryEvent"))]
pub enum SecondaryEvent<P> {
    /// The applier takes the next entry in order.
    Apply,
    /// Tell the primary how far this side has written.
    Report,
    /// The link failed, or was thought to have.
    Fail,
    /// The array came back after a crash: what is volatile is lost, everything else is as it was.
    Restart,
    /// The requester arms this side for its backup.
    Arm(BackupId),
    /// The requester has finished with the S-VOL, or given the backup up.
    Release(BackupId),
    /// The coordinator's split arrived.
    Split(BackupId),
    /// The replica copier chose a block.
    CopyReplica(BlockIndex),
    /// The remote host takes the volume over.
    Takeover {
        /// Take over an image that is not consistent.
        force: bool,
    },
    /// The remote host wrote to the S/P-VOL.
    RemoteWrite {
        /// The block written.
        block: BlockIndex,
        /// Its new contents.
        payload: P,
    },
    /// A message of the primary arrived. It is written down as the message alone.
    #[cfg_attr(feature = "record", serde(skip))]
    #[cfg_attr(feature = "schema", schemars(!skip, untagged))]
    Arrived(ToSecondary<P>),
}

impl<P> SecondaryEvent<P> {
    /// The same event with what `payload` makes of contents.
    pub fn map<Q>(&self, payload: impl FnOnce(&P) -> Q) -> SecondaryEvent<Q> {
        match self {
            Self::Apply => SecondaryEvent::Apply,
            Self::Report => SecondaryEvent::Report,
            Self::Fail => SecondaryEvent::Fail,
            Self::Restart => SecondaryEvent::Restart,
            Self::Arm(id) => SecondaryEvent::Arm(*id),
            Self::Release(id) => SecondaryEvent::Release(*id),
            Self::Split(id) => SecondaryEvent::Split(*id),
            Self::CopyReplica(block) => SecondaryEvent::CopyReplica(*block),
            Self::Takeover { force } => SecondaryEvent::Takeover { force: *force },
            Self::RemoteWrite { block, payload: of } => {
                SecondaryEvent::RemoteWrite { block: *block, payload: payload(of) }
            }
            Self::Arrived(message) => SecondaryEvent::Arrived(message.map(payload)),
        }
    }
}

/// What the executor does after a step of the secondary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "record",
    derive(serde::Serialize, serde::Deserialize),
    serde(remote = "Self")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SecondaryEffect"))]
pub enum SecondaryEffect<P, D> {
    /// Put `payload` on the S/P-VOL: in its non-volatile cache before the step's `written` is reported.
    WriteSpvol {
        /// The block to write.
        block: BlockIndex,
        /// Its new contents.
        payload: P,
    },
    /// Give the message to the array link, which may lose it.
    Send(ToPrimary<D>),
    /// Answer the coordinator that the split for this backup was executed.
    SplitDone(BackupId),
    /// Copy on to the S-VOL, before anything else changes the S/P-VOL. It is written down as the copy alone.
    #[cfg_attr(feature = "record", serde(skip))]
    #[cfg_attr(feature = "schema", schemars(!skip, untagged))]
    Replica(ReplicaEffect<D>),
}

impl<P, D> SecondaryEffect<P, D> {
    /// The same effect with what `payload` makes of contents, and `dirty` of maps.
    pub fn map<Q, E>(
        &self,
        payload: impl FnOnce(&P) -> Q,
        dirty: impl FnOnce(&D) -> E,
    ) -> SecondaryEffect<Q, E> {
        match self {
            Self::WriteSpvol { block, payload: of } => {
                SecondaryEffect::WriteSpvol { block: *block, payload: payload(of) }
            }
            Self::Replica(effect) => SecondaryEffect::Replica(effect.map(dirty)),
            Self::Send(message) => SecondaryEffect::Send(message.map(dirty)),
            Self::SplitDone(id) => SecondaryEffect::SplitDone(*id),
        }
    }
}

/// Why the secondary did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SecondaryRefusal {
    /// The event has no place in this pair state.
    WrongState(PairState),
    /// The message belongs to another incarnation (XFER-4).
    StaleIncarnation(Incarnation),
    /// The entry is applied or queued already (XFER-3).
    Duplicate(Seq),
    /// The reorder queue is full; the primary sends the entry again (XFER-1).
    QueueFull(Seq),
    /// The entry after `written` has not arrived (XFER-3).
    NothingToApply(Seq),
    /// The next entry has arrived and has to be applied first (TAKEOVER-1).
    ApplyFirst(Seq),
    /// The block is not one of the group's.
    NoSuchBlock(BlockIndex),
    /// The split is for a backup this side is not armed for (SPLIT-2).
    NotArmed(BackupId),
    /// The S/P-VOL is not a consistent image (RESYNC-4, TAKEOVER-1).
    NotConsistent,
    /// The replica pair refused.
    Replica(ReplicaRefusal),
}

impl fmt::Display for SecondaryRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongState(state) => write!(f, "not possible in {state}"),
            Self::StaleIncarnation(got) => {
                write!(f, "incarnation {} is not in force (XFER-4)", got.0)
            }
            Self::Duplicate(seq) => write!(f, "entry {} is here already", seq.0),
            Self::QueueFull(seq) => write!(f, "the reorder queue has no room for entry {}", seq.0),
            Self::NothingToApply(seq) => write!(f, "entry {} has not arrived (XFER-3)", seq.0),
            Self::ApplyFirst(seq) => {
                write!(f, "entry {} has to be applied first (TAKEOVER-1)", seq.0)
            }
            Self::NoSuchBlock(block) => write!(f, "block {} is not in the group", block.0),
            Self::NotArmed(id) => write!(f, "not armed for backup {} (SPLIT-2)", id.0),
            Self::NotConsistent => f.write_str("the S/P-VOL is not a consistent image"),
            Self::Replica(refusal) => refusal.fmt(f),
        }
    }
}
