//! Failback: both sides start once more in the other role, each from what the model makes of the roles that ended.

use syncsplit_impl::trace::record::{HandedOver, Start};
use syncsplit_model::protocol::takeover::{primary_of_taken_over, secondary_of_old_primary};

use super::Replayer;
use super::arrays::{ModelPrimary, ModelSecondary, primary_after, secondary_after};
use super::containers::{BlockTree, EntryList, EntryTree};
use super::error::{Why, same};
use super::sent::Sent;

/// The roles that a failback ended.
#[derive(Clone, Debug)]
pub(super) struct Old {
    primary: ModelPrimary,
    secondary: ModelSecondary,
}

impl Replayer {
    /// One side goes on in the other role. The first to do so ends both old roles.
    pub(super) fn on_failback(&mut self, start: &Start, from: &HandedOver) -> Result<(), Why> {
        self.end_old_roles();
        let nobody = |role| Why::Start { role, what: "goes on from what nobody handed over" };
        match from {
            HandedOver::Primary(after) => {
                let old = self.old.as_ref().filter(|_| self.primary.is_none());
                let Old { primary, secondary } = old.cloned().ok_or(nobody("primary"))?;
                let journal = EntryList::new(start.entries_max);
                let full = start.journal_full.unwrap_or_default();
                let newest = primary.incarnation_newest();
                let new =
                    primary_of_taken_over(secondary, journal, full, newest).ok_or(Why::Start {
                        role: "primary",
                        what: "goes on where nothing was taken over",
                    })?;
                same("state to go on from", &primary_after(&new), after)?;
                self.primary = Some(new);
            }
            HandedOver::Secondary(after) => {
                let old = self.old.as_ref().filter(|_| self.secondary.is_none());
                let Old { primary, .. } = old.ok_or(nobody("secondary"))?;
                let queue = EntryTree::new(start.entries_max);
                let new = secondary_of_old_primary(primary, queue, BlockTree::new(start.blocks));
                same("state to go on from", &secondary_after(&new), after)?;
                self.secondary = Some(new);
            }
        }
        Ok(())
    }

    fn end_old_roles(&mut self) {
        let (Some(primary), Some(secondary)) = (&self.primary, &self.secondary) else { return };
        self.old = Some(Old { primary: primary.clone(), secondary: secondary.clone() });
        let fresh = Self::new(self.options);
        (self.primary, self.secondary) = (None, None);
        // The hosts change sides too: their backups are over, and so is whatever was on its way.
        self.sent = Sent::default();
        (self.syncs, self.sync_rounds) = (fresh.syncs, fresh.sync_rounds);
        self.database = fresh.database;
        self.coordinator = fresh.coordinator;
        self.requester = fresh.requester;
        (self.frozen, self.splits) = (fresh.frozen, fresh.splits);
        self.volumes.change_sides();
    }
}
