//! What can happen in the world, with its arguments. Sets of its kinds are in [`super::kind`], when the world lets it
//! happen in `offer`, how it happens in [`super::step`].

use enumset::EnumSetType;
use strum::{Display, EnumDiscriminants, EnumMessage, EnumString, IntoStaticStr, VariantArray};

use crate::protocol::{BlockIndex, HostMessage, Seq, ToSecondary};
use crate::world::state::{Reply, Value};

/// One step of the world. Traces hold it as a record of its name and its arguments.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumDiscriminants, serde::Serialize, serde::Deserialize,
)]
#[serde(tag = "kind", content = "arguments", deny_unknown_fields)]
#[strum_discriminants(
    name(ActionKind),
    doc = "An action without its arguments. Its name is the one that traces and reports have.",
    derive(EnumSetType, PartialOrd, Ord, Hash),
    derive(Display, EnumMessage, EnumString, IntoStaticStr, VariantArray, serde::Serialize),
    enumset(repr = "u64", no_super_impls)
)]
pub enum Action {
    /// A transaction of one write, to this block.
    WriteOne(BlockIndex),
    /// A transaction of two writes begins and writes block 0.
    WriteFirst,
    /// The open transaction writes the last block and commits.
    WriteSecond,
    /// A transaction of two writes begins and writes this block; only where it may be any.
    WriteFirstTo(BlockIndex),
    /// The open transaction writes this block, which is another, and commits; only where it may be any.
    WriteSecondTo(BlockIndex),
    /// The host is answered that its write is done; only under `synchronous`.
    AnswerHost,
    /// The sender sends a journal entry, for the first time or again.
    Send(Seq),
    /// The array link delivers to the secondary; with `again` it will deliver the same once more.
    Deliver {
        /// What is delivered.
        message: ToSecondary<Value>,
        /// Whether it stays in flight.
        again: bool,
    },
    /// The array link loses a message to the secondary.
    Lose(ToSecondary<Value>),
    /// The secondary applies the next entry.
    Apply,
    /// The secondary reports how far it has written.
    Report,
    /// The array link delivers to the primary; with `again` it will deliver the same once more.
    DeliverReply {
        /// What is delivered.
        message: Reply,
        /// Whether it stays in flight.
        again: bool,
    },
    /// The array link loses a message to the primary.
    LoseReply(Reply),
    /// The replica copier copies a block on to the S-VOL.
    CopyReplica(BlockIndex),
    /// The secondary's cache writes a block to disk; only with a volatile cache.
    Destage(BlockIndex),
    /// The array link goes down.
    LinkDown,
    /// The array link comes up.
    LinkUp,
    /// The primary takes the link for failed.
    Fail,
    /// The secondary takes the link for failed.
    SecondaryFail,
    /// The operator creates the pair; given again, the secondary is asked again.
    Create,
    /// The operator suspends the pair.
    Suspend,
    /// The operator resynchronises the pair; given again, the secondary is asked again.
    Resync,
    /// The operator deletes the pair.
    Delete,
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
    /// The coordinator suspends the pair for the backup; only under `conventional`.
    SuspendForBackup,
    /// The coordinator thaws the database and hears whether the freeze held.
    Thaw,
    /// The coordinator stops waiting.
    CoordinatorTimeout,
    /// The requester stops waiting.
    RequesterTimeout,
    /// The requester has read the S-VOL.
    FinishBackup,
    /// The lease of the freeze, or of the hold, ends.
    LeaseExpires,
    /// The primary crashes and restarts.
    CrashPrimary,
    /// The secondary crashes and restarts.
    CrashSecondary,
    /// The local host, database and coordinator, crashes and restarts.
    CrashLocalHost,
    /// The coordinator crashes and restarts; the database lives on.
    CrashCoordinator,
    /// The remote host, with the requester, crashes and restarts.
    CrashRemoteHost,
    /// The remote host takes the volume over.
    Takeover {
        /// Whether it does so although no consistent image is there.
        force: bool,
    },
    /// The remote host writes a block of the volume it has taken over.
    RemoteWrite(BlockIndex),
    /// The two sides change roles, so that the volume written remotely is the one that is copied from.
    Failback,
}
