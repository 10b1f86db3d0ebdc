//! What a backup holds still, as the coordinator sees it: a database behind its gate ([`crate::database::Gate`]), or,
//! where there is none that could be frozen, host writes at the primary ([`crate::local::hold`], claim 4). How each keeps
//! still is its own business.

use syncsplit_model::protocol::BackupId;

use crate::error::NodeError;

/// What the coordinator asks to hold still, and to let go on. The answers go to [`FreezeAnswers`].
pub trait Stillness: Send + Sync {
    /// Holds still for this backup (55). Answered when nothing writes any more (FREEZE-1), and over by itself when its
    /// lease is (FREEZE-2).
    ///
    /// # Errors
    /// The database or the primary is broken, and no answer will come.
    fn freeze(&self, id: BackupId) -> Result<(), NodeError>;

    /// Lets go on (60). Answered with whether it held still until now (FREEZE-3).
    ///
    /// # Errors
    /// The database or the primary is broken, and no answer will come.
    fn thaw(&self, id: BackupId) -> Result<(), NodeError>;
}

/// Where the answers go. Called with the lock held of whoever answers: it may only put something into a mailbox.
pub trait FreezeAnswers: Send + Sync {
    /// Nothing writes any more for this backup, and everything written is on the P-VOL.
    fn frozen(&self, id: BackupId);

    /// The freeze for this backup is over; whether it held without a break until now (FREEZE-3).
    fn thawed(&self, id: BackupId, held: bool);

    /// The freeze for this backup was given up, since the flush failed.
    fn failed(&self, id: BackupId, reason: String);
}

/// What a site's backups hold still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HoldStill {
    /// The database behind the site's gate.
    #[default]
    Database,
    /// Host writes at the primary, since there is no database that could be frozen (QUIESCE-1).
    HostWrites,
}
