//! Who takes part in an action, and to whom a field of the state belongs, for whoever draws a run as messages between
//! lifelines. What is drawn, and how, is not decided here.

use crate::protocol::{HostMessage, Rule};
use crate::world::World;
use crate::world::action::Action;
use crate::world::instance::Stillness;

/// One who acts in the world, in the order in which a diagram shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The database with its application.
    Database,
    /// The local array's control, with the P-VOL.
    Primary,
    /// The link between the arrays.
    ArrayLink,
    /// The remote array's control, with S/P-VOL and S-VOL.
    Secondary,
    /// The local middleware, with the Sync it has begun.
    Coordinator,
    /// The link between the hosts.
    HostLink,
    /// The remote middleware.
    Requester,
    /// Who commands the pair.
    Operator,
}

impl Party {
    /// Every party, in the order in which a diagram shows them.
    pub const ALL: &'static [Self] = &[
        Self::Database,
        Self::Primary,
        Self::ArrayLink,
        Self::Secondary,
        Self::Coordinator,
        Self::HostLink,
        Self::Requester,
        Self::Operator,
    ];

    /// The party's name in diagrams.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Primary => "primary",
            Self::ArrayLink => "array link",
            Self::Secondary => "secondary",
            Self::Coordinator => "coordinator",
            Self::HostLink => "host link",
            Self::Requester => "requester",
            Self::Operator => "operator",
        }
    }

    /// To whom a field of [`super::describe::fields`] belongs; none for a field that no party owns alone.
    #[must_use]
    pub fn owner(field: &str) -> Option<Self> {
        Some(match field {
            "P-VOL" | "primary" | "newest" | "known written" | "asked for" | "writes held"
            | "journal" | "dirty" => Self::Primary,
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

impl World {
    /// Who takes part in `action`.
    #[must_use]
    pub const fn course(&self, action: &Action) -> Course {
        use Party::{ArrayLink, Coordinator, Database, HostLink};
        use Party::{Operator, Primary, Requester, Secondary};
        match action {
            Action::WriteOne(_)
            | Action::WriteFirst
            | Action::WriteSecond
            | Action::WriteFirstTo(_)
            | Action::WriteSecondTo(_) => passes(Database, Primary),
            Action::AnswerHost => passes(Primary, Database),
            Action::LeaseExpires if matches!(self.bounds.stillness, Stillness::Quiesce) => {
                Course::Within(Primary)
            }
            Action::LeaseExpires | Action::CrashLocalHost => Course::Within(Database),
            Action::Send(_) => passes(Primary, ArrayLink),
            // Without RESYNC-2 the copy goes out at once, past the journal.
            Action::CopyBlock(_) if !self.rules.has(Rule::Resync2) => passes(Primary, ArrayLink),
            Action::CopyBlock(_) | Action::PairMark | Action::Fail | Action::CrashPrimary => {
                Course::Within(Primary)
            }
            Action::LinkDown | Action::LinkUp => Course::Within(ArrayLink),
            Action::Deliver { .. } => passes(ArrayLink, Secondary),
            Action::Lose(_) => lost(ArrayLink, Secondary),
            Action::DeliverReply { .. } => passes(ArrayLink, Primary),
            Action::LoseReply(_) => lost(ArrayLink, Primary),
            Action::Report if self.bounds.acks == 0 => passes(Secondary, Primary),
            Action::Report => passes(Secondary, ArrayLink),
            Action::Apply
            | Action::CopyReplica(_)
            | Action::Destage(_)
            | Action::SecondaryFail
            | Action::CrashSecondary => Course::Within(Secondary),
            Action::Create | Action::Suspend | Action::Resync | Action::Delete => {
                passes(Operator, Primary)
            }
            Action::Failback => passes(Operator, Secondary),
            Action::Takeover { .. } | Action::RemoteWrite(_) => passes(Requester, Secondary),
            Action::CrashRemoteHost => Course::Within(Requester),
            Action::StartBackup => passes(Requester, HostLink),
            Action::RequesterTimeout | Action::FinishBackup => passes(Requester, Secondary),
            Action::DeliverHost { message, .. } => passes(HostLink, receiver(message)),
            Action::LoseHost(message) => lost(HostLink, receiver(message)),
            Action::SyncBegin | Action::SyncLook => passes(Coordinator, Primary),
            Action::SuspendForBackup => passes(Coordinator, Primary),
            Action::SyncTimeout | Action::CoordinatorTimeout | Action::CrashCoordinator => {
                Course::Within(Coordinator)
            }
            Action::Thaw if matches!(self.bounds.stillness, Stillness::Quiesce) => {
                passes(Coordinator, Primary)
            }
            Action::Thaw => passes(Coordinator, Database),
        }
    }
}

const fn passes(from: Party, to: Party) -> Course {
    Course::Passes { from, to }
}

const fn lost(from: Party, to: Party) -> Course {
    Course::Lost { from, to }
}

const fn receiver(message: &HostMessage) -> Party {
    match message {
        HostMessage::Request(_) | HostMessage::SplitAnswer { .. } => Party::Coordinator,
        HostMessage::Split(_) => Party::Secondary,
        HostMessage::Permit(_) | HostMessage::Reject(_) => Party::Requester,
    }
}
