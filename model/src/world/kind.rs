//! The kinds of action, and the named sets of them. No action is offered, taken or judged here.

use enumset::{EnumSet, enum_set, enum_set_difference};
use strum::{EnumMessage, VariantArray};

use super::action::Action;
pub use super::action::ActionKind;

/// A set of kinds of action.
pub type ActionKinds = EnumSet<ActionKind>;

impl Action {
    /// The action without its arguments.
    #[must_use]
    pub fn kind(&self) -> ActionKind {
        self.into()
    }
}

impl ActionKind {
    /// Every kind, in the order of [`Action`]; `kind as usize` is its place.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// A site or a host crashes and restarts.
    pub const CRASHES: ActionKinds = enum_set!(
        Self::CrashPrimary
            | Self::CrashSecondary
            | Self::CrashLocalHost
            | Self::CrashCoordinator
            | Self::CrashRemoteHost
    );

    /// Kinds that keep others from coming to their end: a failure, a loss, an impatience, a crash, a command against the
    /// pair. A walk by chance in which these are as likely as the rest never finishes a backup.
    pub const DISRUPTIONS: ActionKinds = enum_set!(
        Self::CRASHES
            | Self::Lose
            | Self::LoseReply
            | Self::LoseHost
            | Self::LinkDown
            | Self::Fail
            | Self::SecondaryFail
            | Self::Suspend
            | Self::Delete
            | Self::SyncTimeout
            | Self::CoordinatorTimeout
            | Self::RequesterTimeout
            | Self::LeaseExpires
            | Self::Takeover
    );

    /// Kinds that often change nothing where the world offers them: a crash of a role with nothing to lose, a report that
    /// tells nothing new, a command given again, a frame sent again.
    pub const OFTEN_IDLE: ActionKinds =
        enum_set!(Self::CRASHES | Self::Report | Self::Create | Self::Resync | Self::Send);

    /// The backup's own kinds: a step of requester, coordinator, Sync, or a message of theirs.
    pub const BACKUP: ActionKinds = enum_set!(
        Self::StartBackup
            | Self::DeliverHost
            | Self::SyncBegin
            | Self::SyncLook
            | Self::SyncTimeout
            | Self::SuspendForBackup
            | Self::Thaw
            | Self::CoordinatorTimeout
            | Self::RequesterTimeout
            | Self::FinishBackup
    );

    /// Kinds that an array takes by itself, unless it is steered.
    pub const OWN_STEPS: ActionKinds = enum_set!(
        Self::ON_ARRAY_LINK
            | Self::Send
            | Self::Apply
            | Self::Report
            | Self::CopyReplica
            | Self::CopyBlock
            | Self::PairMark
            | Self::Fail
            | Self::SecondaryFail
    );

    /// Kinds that an array takes when it likes, so that it may answer "not now".
    pub const AT_LEISURE: ActionKinds = enum_set_difference!(Self::OWN_STEPS, Self::ON_ARRAY_LINK);

    /// Kinds that the array link takes with a message.
    pub const ON_ARRAY_LINK: ActionKinds =
        enum_set!(Self::Deliver | Self::Lose | Self::DeliverReply | Self::LoseReply);

    /// The local host writes a block.
    pub const LOCAL_WRITES: ActionKinds = enum_set!(
        Self::WriteOne
            | Self::WriteFirst
            | Self::WriteSecond
            | Self::WriteFirstTo
            | Self::WriteSecondTo
    );

    /// Kinds with a message.
    pub const WITH_MESSAGE: ActionKinds =
        enum_set!(Self::ON_ARRAY_LINK | Self::DeliverHost | Self::LoseHost);

    /// Kinds with a block or a number.
    pub const WITH_NUMBER: ActionKinds = enum_set!(
        Self::WriteOne
            | Self::WriteFirstTo
            | Self::WriteSecondTo
            | Self::Send
            | Self::CopyReplica
            | Self::Destage
            | Self::CopyBlock
            | Self::RemoteWrite
    );

    /// The name of the kind in traces and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The kind in one line: the documentation of its action.
    #[must_use]
    pub fn says(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }
}
