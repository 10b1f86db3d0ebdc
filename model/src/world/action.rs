//! What can happen in the world, by name. When the world lets it happen is in `offer`, how it happens in
//! [`super::step`].

use crate::protocol::bounded::BlockSet;
use crate::protocol::{BlockIndex, HostMessage, Seq, ToPrimary, ToSecondary};
use crate::world::state::Value;

/// A message from secondary to primary in this world.
pub type Reply = ToPrimary<BlockSet>;

/// One step of the world. Traces hold it as a record of its name and its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", content = "arguments", deny_unknown_fields)]
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

macro_rules! kinds {
    ($($pattern:pat => $name:literal,)*) => {
        impl Action {
            /// The names of the kinds of action, by [`Action::kind`].
            pub const KINDS: &'static [&'static str] = &[$($name,)*];

            /// The action without its arguments, as an index into [`Action::KINDS`].
            #[must_use]
            pub const fn kind(&self) -> usize {
                let mut kind = 0;
                $(
                    if matches!(self, $pattern) {
                        return kind;
                    }
                    kind += 1;
                )*
                kind
            }
        }
    };
}

kinds! {
    Self::WriteOne(_) => "WriteOne",
    Self::WriteFirst => "WriteFirst",
    Self::WriteSecond => "WriteSecond",
    Self::WriteFirstTo(_) => "WriteFirstTo",
    Self::WriteSecondTo(_) => "WriteSecondTo",
    Self::AnswerHost => "AnswerHost",
    Self::Send(_) => "Send",
    Self::Deliver { .. } => "Deliver",
    Self::Lose(_) => "Lose",
    Self::Apply => "Apply",
    Self::Report => "Report",
    Self::DeliverReply { .. } => "DeliverReply",
    Self::LoseReply(_) => "LoseReply",
    Self::CopyReplica(_) => "CopyReplica",
    Self::Destage(_) => "Destage",
    Self::LinkDown => "LinkDown",
    Self::LinkUp => "LinkUp",
    Self::Fail => "Fail",
    Self::SecondaryFail => "SecondaryFail",
    Self::Create => "Create",
    Self::Suspend => "Suspend",
    Self::Resync => "Resync",
    Self::Delete => "Delete",
    Self::CopyBlock(_) => "CopyBlock",
    Self::PairMark => "PairMark",
    Self::StartBackup => "StartBackup",
    Self::DeliverHost { .. } => "DeliverHost",
    Self::LoseHost(_) => "LoseHost",
    Self::SyncBegin => "SyncBegin",
    Self::SyncLook => "SyncLook",
    Self::SyncTimeout => "SyncTimeout",
    Self::SuspendForBackup => "SuspendForBackup",
    Self::Thaw => "Thaw",
    Self::CoordinatorTimeout => "CoordinatorTimeout",
    Self::RequesterTimeout => "RequesterTimeout",
    Self::FinishBackup => "FinishBackup",
    Self::LeaseExpires => "LeaseExpires",
    Self::CrashPrimary => "CrashPrimary",
    Self::CrashSecondary => "CrashSecondary",
    Self::CrashLocalHost => "CrashLocalHost",
    Self::CrashCoordinator => "CrashCoordinator",
    Self::CrashRemoteHost => "CrashRemoteHost",
    Self::Takeover { .. } => "Takeover",
    Self::RemoteWrite(_) => "RemoteWrite",
    Self::Failback => "Failback",
}

impl Action {
    /// Whether the action keeps others from coming to their end: a failure, a loss, an impatience, a crash, a command
    /// against the pair. A walk by chance in which these are as likely as the rest never finishes a backup.
    #[must_use]
    pub const fn is_disruption(&self) -> bool {
        matches!(
            self,
            Self::Lose(_)
                | Self::LoseReply(_)
                | Self::LoseHost(_)
                | Self::LinkDown
                | Self::Fail
                | Self::SecondaryFail
                | Self::Suspend
                | Self::Delete
                | Self::SyncTimeout
                | Self::CoordinatorTimeout
                | Self::RequesterTimeout
                | Self::LeaseExpires
                | Self::CrashPrimary
                | Self::CrashSecondary
                | Self::CrashLocalHost
                | Self::CrashCoordinator
                | Self::CrashRemoteHost
                | Self::Takeover { .. }
        )
    }

    /// Whether the action often changes nothing where the world offers it: a crash of who has nothing to lose, a report that
    /// tells nothing new, a command given again, a frame sent again.
    #[must_use]
    pub const fn is_often_idle(&self) -> bool {
        matches!(
            self,
            Self::CrashPrimary
                | Self::CrashSecondary
                | Self::CrashLocalHost
                | Self::CrashCoordinator
                | Self::CrashRemoteHost
                | Self::Report
                | Self::Create
                | Self::Resync
                | Self::Send(_)
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
                | Self::SuspendForBackup
                | Self::Thaw
                | Self::CoordinatorTimeout
                | Self::RequesterTimeout
                | Self::FinishBackup
        )
    }
}
