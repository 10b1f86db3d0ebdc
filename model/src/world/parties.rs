//! Who acts, who takes part in an action, and to whom a field of the state belongs, for whoever draws a run as messages between
//! lifelines. What is drawn, and how, is not decided here.

use strum::{IntoStaticStr, VariantArray};

use crate::protocol::{HostMessage, Rule};
use crate::world::action::Action;
use crate::world::instance::{Stillness, World};

/// One who acts in the world, in the order in which a diagram shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
pub enum Party {
    /// The database with its application.
    #[strum(to_string = "database")]
    Database,
    /// The local array's control, with the P-VOL.
    #[strum(to_string = "primary")]
    Primary,
    /// The link between the arrays.
    #[strum(to_string = "array link")]
    ArrayLink,
    /// The remote array's control, with S/P-VOL and S-VOL.
    #[strum(to_string = "secondary")]
    Secondary,
    /// The local middleware, with the Sync it has begun.
    #[strum(to_string = "coordinator")]
    Coordinator,
    /// The link between the hosts.
    #[strum(to_string = "host link")]
    HostLink,
    /// The remote middleware.
    #[strum(to_string = "requester")]
    Requester,
    /// Who commands the pair.
    #[strum(to_string = "operator")]
    Operator,
}

impl Party {
    /// Every party, in the order in which a diagram shows them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The party's name in diagrams.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// To whom a field of [`super::describe::fields`] belongs; none for a field that no party owns alone.
    #[must_use]
    pub fn owner(field: &str) -> Option<Self> {
        Some(match field {
            "P-VOL" | "primary" | "newest" | "known written" | "asked for" | "writes held"
            | "journal" | "dirty" | "sent" => Self::Primary,
            "S/P-VOL" | "S-VOL" | "disk" | "secondary" | "consistent" | "written"
            | "incarnation" | "arrived" | "dirty at secondary" | "replica pair" | "armed" => {
                Self::Secondary
            }
            "link" | "frames" | "replies" => Self::ArrayLink,
            "open transactions" | "host waits" | "database" => Self::Database,
            "coordinator" | "Sync holds" => Self::Coordinator,
            "requester" => Self::Requester,
            "host messages" => Self::HostLink,
            _ => return None,
        })
    }
}

/// What an action looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Course {
    /// One party acts on itself.
    Within(Party),
    /// Something goes from one party to another.
    Passes {
        /// Who gives it.
        from: Party,
        /// Who takes it.
        to: Party,
    },
    /// A link loses what somebody was to get.
    Lost {
        /// The link.
        from: Party,
        /// Who would have taken it.
        to: Party,
    },
}

impl Course {
    /// Who acts.
    #[must_use]
    pub const fn from(self) -> Party {
        match self {
            Self::Within(party) => party,
            Self::Passes { from, .. } | Self::Lost { from, .. } => from,
        }
    }

    /// Whom the action reaches, or would have reached.
    #[must_use]
    pub const fn to(self) -> Party {
        match self {
            Self::Within(party) => party,
            Self::Passes { to, .. } | Self::Lost { to, .. } => to,
        }
    }
}

/// One who acts, by name. A party of a diagram may stand for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
pub enum Actor {
    /// The database with its application.
    #[strum(to_string = "database")]
    Database,
    /// The local host as a whole: database and coordinator.
    #[strum(to_string = "local host")]
    LocalHost,
    /// The primary.
    #[strum(to_string = "primary")]
    Primary,
    /// The link between the arrays.
    #[strum(to_string = "array link")]
    ArrayLink,
    /// The secondary.
    #[strum(to_string = "secondary")]
    Secondary,
    /// The coordinator.
    #[strum(to_string = "coordinator")]
    Coordinator,
    /// The Sync that the coordinator has begun.
    #[strum(to_string = "Sync")]
    Sync,
    /// The link between the hosts.
    #[strum(to_string = "host link")]
    HostLink,
    /// The requester.
    #[strum(to_string = "requester")]
    Requester,
    /// The remote host as a whole: its application and the requester.
    #[strum(to_string = "remote host")]
    RemoteHost,
    /// The operator.
    #[strum(to_string = "operator")]
    Operator,
}

impl Actor {
    /// The actor's name in traces.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The party that stands for it in a diagram.
    #[must_use]
    pub const fn party(self) -> Party {
        match self {
            Self::Database | Self::LocalHost => Party::Database,
            Self::Primary => Party::Primary,
            Self::ArrayLink => Party::ArrayLink,
            Self::Secondary => Party::Secondary,
            Self::Coordinator | Self::Sync => Party::Coordinator,
            Self::HostLink => Party::HostLink,
            Self::Requester | Self::RemoteHost => Party::Requester,
            Self::Operator => Party::Operator,
        }
    }
}

impl World {
    /// Who takes `action`.
    #[must_use]
    pub const fn actor(&self, action: &Action) -> Actor {
        match action {
            // A hold is the primary's lease, a freeze the database's.
            Action::LeaseExpires => match self.bounds.stillness {
                Stillness::Freeze => Actor::Database,
                Stillness::Quiesce => Actor::Primary,
            },
            Action::WriteOne(_)
            | Action::WriteFirst
            | Action::WriteSecond
            | Action::WriteFirstTo(_)
            | Action::WriteSecondTo(_) => Actor::Database,
            Action::Send(_)
            | Action::Fail
            | Action::CopyBlock(_)
            | Action::PairMark
            | Action::AnswerHost
            | Action::CrashPrimary => Actor::Primary,
            Action::Apply
            | Action::Report
            | Action::CopyReplica(_)
            | Action::Destage(_)
            | Action::SecondaryFail
            | Action::CrashSecondary => Actor::Secondary,
            Action::Deliver { .. }
            | Action::Lose(_)
            | Action::DeliverReply { .. }
            | Action::LoseReply(_)
            | Action::LinkDown
            | Action::LinkUp => Actor::ArrayLink,
            Action::Create
            | Action::Suspend
            | Action::Resync
            | Action::Delete
            | Action::Failback => Actor::Operator,
            Action::StartBackup | Action::RequesterTimeout | Action::FinishBackup => {
                Actor::Requester
            }
            Action::CrashLocalHost => Actor::LocalHost,
            Action::CrashRemoteHost | Action::Takeover { .. } | Action::RemoteWrite(_) => {
                Actor::RemoteHost
            }
            Action::DeliverHost { .. } | Action::LoseHost(_) => Actor::HostLink,
            Action::SyncBegin | Action::SyncLook | Action::SyncTimeout => Actor::Sync,
            Action::Thaw
            | Action::SuspendForBackup
            | Action::CoordinatorTimeout
            | Action::CrashCoordinator => Actor::Coordinator,
        }
    }

    /// How `action` looks from outside: what goes from its actor to whom.
    #[must_use]
    pub fn course(&self, action: &Action) -> Course {
        let from = self.actor(action).party();
        let to = match action {
            Action::Lose(_) => return Course::Lost { from, to: Party::Secondary },
            Action::LoseReply(_) => return Course::Lost { from, to: Party::Primary },
            Action::LoseHost(message) => return Course::Lost { from, to: receiver(message) },
            Action::DeliverReply { .. }
            | Action::WriteOne(_)
            | Action::WriteFirst
            | Action::WriteSecond
            | Action::WriteFirstTo(_)
            | Action::WriteSecondTo(_)
            | Action::Create
            | Action::Suspend
            | Action::Resync
            | Action::Delete
            | Action::SyncBegin
            | Action::SyncLook
            | Action::SuspendForBackup => Party::Primary,
            Action::AnswerHost => Party::Database,
            // Without RESYNC-2 the copy goes out at once, past the journal.
            Action::CopyBlock(_) if self.rules.has(Rule::Resync2) => return Course::Within(from),
            Action::Send(_) | Action::CopyBlock(_) => Party::ArrayLink,
            Action::Report if self.bounds.acks == 0 => Party::Primary,
            Action::Report => Party::ArrayLink,
            Action::Deliver { .. }
            | Action::Failback
            | Action::Takeover { .. }
            | Action::RemoteWrite(_)
            | Action::RequesterTimeout
            | Action::FinishBackup => Party::Secondary,
            Action::StartBackup => Party::HostLink,
            Action::DeliverHost { message, .. } => receiver(message),
            Action::Thaw => match self.bounds.stillness {
                Stillness::Freeze => Party::Database,
                Stillness::Quiesce => Party::Primary,
            },
            Action::LeaseExpires
            | Action::CrashLocalHost
            | Action::PairMark
            | Action::Fail
            | Action::CrashPrimary
            | Action::LinkDown
            | Action::LinkUp
            | Action::Apply
            | Action::CopyReplica(_)
            | Action::Destage(_)
            | Action::SecondaryFail
            | Action::CrashSecondary
            | Action::CrashRemoteHost
            | Action::SyncTimeout
            | Action::CoordinatorTimeout
            | Action::CrashCoordinator => return Course::Within(from),
        };
        Course::Passes { from, to }
    }
}

const fn receiver(message: &HostMessage) -> Party {
    match message {
        HostMessage::Request(_) | HostMessage::SplitAnswer { .. } => Party::Coordinator,
        HostMessage::Split(_) => Party::Secondary,
        HostMessage::Permit(_) | HostMessage::Reject(_) => Party::Requester,
    }
}
