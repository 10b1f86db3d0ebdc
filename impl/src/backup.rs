//! The backup's two drivers: the coordinator on the local host and the requester on the remote host. What they share
//! lives here: what reaches the coordinator, and how a backup can fail.

pub mod coordinator;
pub mod requester;

use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::{BackupId, HostMessage};

use crate::error::NodeError;
use crate::mailbox::Mailbox;
use crate::stillness::FreezeAnswers;

pub use coordinator::{CoordinatorConfig, CoordinatorNode};
pub use requester::{ReadOnly, RequesterNode};

/// What reaches the coordinator, from the host link, what holds still, Sync and the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoordinatorInput {
    /// An event that names its backup, or needs none.
    Event(CoordinatorEvent),
    /// The Sync of this backup returned; the protocol's event does not say whose it was.
    Synced {
        /// The backup.
        id: BackupId,
        /// Whether it was DONE.
        done: bool,
    },
    /// The freeze for this backup was given up.
    FreezeFailed {
        /// The backup.
        id: BackupId,
        /// Why, in words.
        reason: String,
    },
    /// The deadline of this number fell due.
    Deadline(u64),
}

/// The coordinator's mailbox. What holds still, Sync and the clock only put something in; nobody waits for the coordinator
/// with a role's lock held.
pub type CoordinatorInbox = Mailbox<CoordinatorInput>;

impl Mailbox<CoordinatorInput> {
    /// A message of the requester or the secondary arrived on the host link. One that is not for the coordinator is
    /// dropped.
    pub fn on_host_message(&self, message: HostMessage) {
        let event = match message {
            HostMessage::Request(id) => CoordinatorEvent::Request(id),
            HostMessage::SplitAnswer { id, done } => CoordinatorEvent::SplitAnswer { id, done },
            HostMessage::Split(_) | HostMessage::Permit(_) | HostMessage::Reject(_) => return,
        };
        self.push(CoordinatorInput::Event(event));
    }
}

impl FreezeAnswers for Mailbox<CoordinatorInput> {
    fn frozen(&self, id: BackupId) {
        self.push(CoordinatorInput::Event(CoordinatorEvent::Frozen(id)));
    }

    fn thawed(&self, id: BackupId, held: bool) {
        self.push(CoordinatorInput::Event(CoordinatorEvent::Thawed { id, held }));
    }

    fn failed(&self, id: BackupId, reason: String) {
        self.push(CoordinatorInput::FreezeFailed { id, reason });
    }
}

/// Why a backup was not read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Another backup is under way at this requester.
    #[error("a backup is under way; one at a time")]
    Busy,
    /// The coordinator said no: the pair was not in PAIR, Sync or the split failed, or the freeze did not hold.
    #[error("backup {} was rejected by the coordinator", .0.0)]
    Rejected(BackupId),
    /// The coordinator did not answer in time (BACKUP-3).
    #[error("backup {} was given up: no answer from the coordinator in time", .0.0)]
    TimedOut(BackupId),
    /// The requester was restarted meanwhile, and whatever was read is not a backup.
    #[error("backup {} was interrupted by a restart of the requester", .0.0)]
    Interrupted(BackupId),
    /// The site is stopping, a volume failed, or the requester is broken.
    #[error(transparent)]
    Node(NodeError),
}

impl From<NodeError> for BackupError {
    fn from(error: NodeError) -> Self {
        Self::Node(error)
    }
}
