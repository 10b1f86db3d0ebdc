//! What can go wrong, and which actions are faults. When the world lets them happen is said in `offer`.

use enumset::{EnumSet, EnumSetType, enum_set};
use strum::{EnumMessage, IntoStaticStr, VariantArray};

use crate::world::action::Action;

/// Something that can go wrong, or that somebody may do, at any moment and any number of times. Its documentation is the
/// fault in one line.
#[derive(Debug, PartialOrd, Ord, Hash, EnumSetType, EnumMessage, IntoStaticStr, VariantArray)]
#[enumset(repr = "u32")]
#[strum(serialize_all = "kebab-case")]
pub enum Fault {
    /// the array link goes down and comes up
    LinkDown,
    /// the primary or the secondary takes a working link for failed
    FalseSuspicion,
    /// the array link loses messages
    ArrayLoss,
    /// the array link delivers a message and delivers it again later
    ArrayRepeat,
    /// the host link loses messages
    HostLoss,
    /// the host link delivers a message and delivers it again later
    HostRepeat,
    /// coordinator, requester and Sync stop waiting
    Timeouts,
    /// the lease of a freeze ends
    LeaseExpiry,
    /// the operator suspends the pair
    OperatorSuspend,
    /// the operator deletes the pair and creates it anew
    OperatorDelete,
    /// the primary crashes and restarts
    CrashPrimary,
    /// the secondary crashes and restarts
    CrashSecondary,
    /// database and coordinator crash and restart
    CrashLocalHost,
    /// the coordinator crashes and restarts, the database lives on
    CrashCoordinator,
    /// the requester crashes and restarts
    CrashRemoteHost,
    /// the remote host takes the volume over, writes it, and gives it back
    Takeover,
}

/// A set of faults.
pub type Faults = EnumSet<Fault>;

impl Fault {
    /// Every fault of this world, in the order of SPEC.md.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Faults by which the secondary's reorder queue may be lost.
    pub const LOSING_THE_QUEUE: Faults =
        enum_set!(Self::CrashSecondary | Self::FalseSuspicion | Self::Takeover);

    /// Faults each of which takes a pair out of PAIR, so that it is copied again.
    pub const SUSPENDING: Faults = enum_set!(
        Self::LinkDown
            | Self::FalseSuspicion
            | Self::OperatorSuspend
            | Self::OperatorDelete
            | Self::Takeover
    );

    /// The fault's name in instances and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The fault in one line.
    #[must_use]
    pub fn says(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// The class under which `syncsplit matrix` switches it on.
    #[must_use]
    pub const fn class(self) -> FaultClass {
        match self {
            Self::LinkDown | Self::FalseSuspicion => FaultClass::Link,
            Self::ArrayLoss | Self::ArrayRepeat | Self::HostLoss | Self::HostRepeat => {
                FaultClass::Loss
            }
            Self::Timeouts => FaultClass::Timeouts,
            Self::LeaseExpiry => FaultClass::Lease,
            Self::OperatorSuspend | Self::OperatorDelete => FaultClass::Operator,
            Self::CrashPrimary
            | Self::CrashSecondary
            | Self::CrashLocalHost
            | Self::CrashCoordinator
            | Self::CrashRemoteHost => FaultClass::Crash,
            Self::Takeover => FaultClass::Takeover,
        }
    }
}

/// Faults of one kind, as a column of `syncsplit matrix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
pub enum FaultClass {
    /// The array link fails, or is taken for failed.
    #[strum(to_string = "link failure")]
    Link,
    /// Messages are lost and repeated.
    #[strum(to_string = "loss and repetition")]
    Loss,
    /// Waiting ends by itself.
    #[strum(to_string = "timeouts")]
    Timeouts,
    /// A freeze ends by itself.
    #[strum(to_string = "lease expiry")]
    Lease,
    /// The operator acts on the pair.
    #[strum(to_string = "operator")]
    Operator,
    /// Roles crash and restart.
    #[strum(to_string = "crashes")]
    Crash,
    /// The remote host takes over.
    #[strum(to_string = "takeover")]
    Takeover,
}

impl FaultClass {
    /// Every class.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The class's name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The faults of the class.
    #[must_use]
    pub fn faults(self) -> Faults {
        Faults::all().iter().filter(|fault| fault.class() == self).collect()
    }
}

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
            Self::WriteOne(_)
            | Self::WriteFirst
            | Self::WriteSecond
            | Self::WriteFirstTo(_)
            | Self::WriteSecondTo(_)
            | Self::AnswerHost
            | Self::Send(_)
            | Self::Deliver { again: false, .. }
            | Self::Apply
            | Self::Report
            | Self::DeliverReply { again: false, .. }
            | Self::CopyReplica(_)
            | Self::Destage(_)
            | Self::LinkUp
            | Self::Fail
            | Self::Create
            | Self::Resync
            | Self::CopyBlock(_)
            | Self::PairMark
            | Self::StartBackup
            | Self::DeliverHost { again: false, .. }
            | Self::SyncBegin
            | Self::SyncLook
            | Self::SuspendForBackup
            | Self::Thaw
            | Self::FinishBackup => None,
        }
    }
}
