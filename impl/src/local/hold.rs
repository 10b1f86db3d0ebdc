//! Host writes held for a backup (QUIESCE-1, claim 4): where the answers go, and the hold's lease as a deadline. Which
//! write is held is decided by the protocol's primary, not here.
//!
//! As at the gate, the protocol's event says only that the time of *a* hold is over, so every deadline carries the number
//! of its hold: the deadline of an older one cannot end a newer one.

use syncsplit_model::protocol::BackupId;
use syncsplit_model::protocol::primary::{PrimaryEvent, PrimaryRefusal};

use super::{Inner, LocalNode};
use crate::clock::TimerId;
use crate::doorway::{Arc, Weak};
use crate::error::NodeError;
use crate::stillness::{FreezeAnswers, Stillness};

/// What the node knows of its holds.
#[derive(Default)]
pub(super) struct Watch {
    /// Nobody has to listen: an operator who holds writes by hand looks at the state.
    answers: Option<Arc<dyn FreezeAnswers>>,
    /// Which hold this is; a deadline of another number is an old one.
    holds: u64,
    deadline: Option<TimerId>,
}

impl LocalNode {
    /// Where the answers about holds go from now on.
    pub fn answer_holds_to(&self, answers: Arc<dyn FreezeAnswers>) {
        self.inner.lock().hold.answers = Some(answers);
    }

    /// Holds host writes for this backup, for [`super::LocalConfig::hold_lease`] at most (QUIESCE-1, FREEZE-2). A write that
    /// has been answered is on the P-VOL, and none is answered from here on.
    ///
    /// # Errors
    /// The node is broken.
    pub fn quiesce(&self, id: BackupId) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), PrimaryEvent::Quiesce(id))
    }

    /// Ends the hold for this backup. The answer says whether it lasted until now (FREEZE-3).
    ///
    /// # Errors
    /// The node is broken.
    pub fn unquiesce(&self, id: BackupId) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), PrimaryEvent::Unquiesce(id))
    }

    /// The lease of the hold for this backup is over (FREEZE-2). Another backup's hold takes no notice.
    ///
    /// # Errors
    /// No host write is held for this backup, or the node is broken.
    pub fn hold_expired(&self, id: BackupId) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        if inner.primary.get()?.quiesced != Some(id) {
            return Err(NodeError::Primary(PrimaryRefusal::NotQuiesced));
        }
        self.take(&mut inner, PrimaryEvent::LeaseExpired)
    }

    /// Tells the coordinator that writes are held, and starts the lease's clock.
    pub(super) fn answer_quiesced(&self, inner: &mut Inner, id: BackupId) {
        self.disarm_hold(inner);
        inner.hold.holds += 1;
        let (own, hold) = (Weak::clone(&self.own), inner.hold.holds);
        let action = move || {
            if let Some(node) = own.upgrade() {
                node.on_hold_deadline(hold);
            }
        };
        let deadline = self.timer.after(self.config.hold_lease, Box::new(action));
        inner.hold.deadline = Some(deadline);
        if let Some(answers) = &inner.hold.answers {
            answers.frozen(id);
        }
    }

    /// Tells the coordinator whether the hold lasted.
    pub(super) fn answer_released(inner: &Inner, id: BackupId, held: bool) {
        if let Some(answers) = &inner.hold.answers {
            answers.thawed(id, held);
        }
    }

    /// Forgets the deadline of a hold that is over.
    pub(super) fn disarm_hold(&self, inner: &mut Inner) {
        if let Some(deadline) = inner.hold.deadline.take() {
            self.timer.cancel(deadline);
        }
    }

    /// A deadline fell due. It is taken only if its hold is still on.
    fn on_hold_deadline(&self, hold: u64) {
        let mut inner = self.inner.lock();
        if inner.hold.holds == hold {
            // Refused when the hold is over already; a broken node tells its callers.
            let _ = self.take(&mut inner, PrimaryEvent::LeaseExpired);
        }
    }
}

/// Host writes held at the primary (QUIESCE-1, claim 4). A write that has been answered is on the P-VOL and, in PAIR, in
/// the journal, so there is nothing to flush: Sync waits for it like for any other.
impl Stillness for LocalNode {
    fn freeze(&self, id: BackupId) -> Result<(), NodeError> {
        self.quiesce(id)
    }

    fn thaw(&self, id: BackupId) -> Result<(), NodeError> {
        self.unquiesce(id)
    }
}
