//! Failback: both sides start once more in the other role, each from what the model makes of the roles that ended.

use std::sync::Arc;

use syncsplit_model::protocol::Rule;
use syncsplit_model::protocol::takeover::{primary_of_taken_over, secondary_of_old_primary};
use syncsplit_model::record::{HandedOver, PrimaryAfter, SecondaryAfter, Start};

use super::System;
use crate::containers::{Dirty, Entries};
use crate::pattern::PartlyShown;
use crate::record::{ModelPrimary, ModelSecondary};
use crate::why::Why;

const RULES: &[Rule] = &[Rule::Takeover2];

/// The roles that a failback ended.
#[derive(Clone, Debug)]
pub(super) struct Old {
    pub(super) primary: ModelPrimary,
    pub(super) secondary: ModelSecondary,
}

impl System {
    /// One side goes on in the other role. The first to do so ends both old roles.
    pub(super) fn on_failback(&mut self, start: &Start, from: &HandedOver) -> Result<(), Why> {
        self.end_old_roles();
        let capacity = start.entries_max.unwrap_or(usize::MAX);
        match from {
            HandedOver::Primary(after) => {
                let old = self.old.clone().filter(|_| self.primary.is_none());
                let old = old.ok_or_else(|| self.nobody("primary"))?;
                let full = start.journal_full.unwrap_or_default();
                let newest = old.primary.incarnation_newest();
                let (secondary, journal) = (old.secondary.clone(), Entries::new(capacity));
                let new = primary_of_taken_over(secondary, journal, full, newest);
                let new = new.ok_or_else(|| {
                    let text = || "the primary goes on where nothing was taken over".to_owned();
                    self.explain.why(RULES, text)
                })?;
                let (made, after) = (PrimaryAfter::from(&new), PartlyShown::All(after.clone()));
                if !self.bindings.fits(&after, &made) {
                    return Err(self.explain.differs(RULES, GOES_ON, &made, &after));
                }
                self.primary = Some(new);
            }
            HandedOver::Secondary(after) => {
                let old = self.old.clone().filter(|_| self.secondary.is_none());
                let old = old.ok_or_else(|| self.nobody("secondary"))?;
                let (queue, clean) = (Entries::new(capacity), Dirty::new(start.blocks));
                let new = secondary_of_old_primary(&old.primary, queue, clean);
                let (made, after) = (SecondaryAfter::from(&new), PartlyShown::All(after.clone()));
                if !self.bindings.fits(&after, &made) {
                    return Err(self.explain.differs(RULES, GOES_ON, &made, &after));
                }
                self.secondary = Some(new);
            }
        }
        Ok(())
    }

    fn nobody(&self, role: &str) -> Why {
        self.explain.why(RULES, || format!("the {role} goes on from what nobody handed over"))
    }

    fn end_old_roles(&mut self) {
        let (Some(primary), Some(secondary)) = (&self.primary, &self.secondary) else { return };
        let (primary, secondary) = (primary.clone(), secondary.clone());
        let fresh = Self::new(self.options);
        // The hosts change sides too: their backups are over, and so is whatever was on its way.
        self.old = Some(Arc::new(Old { primary, secondary }));
        (self.primary, self.secondary) = (None, None);
        self.sent = fresh.sent;
        (self.syncs, self.sync_newest, self.sync_rounds) = (fresh.syncs, 0, 0);
        self.database = fresh.database;
        self.coordinator = fresh.coordinator;
        self.requester = fresh.requester;
        (self.frozen, self.splits) = (fresh.frozen, fresh.splits);
        self.volumes.change_sides();
    }
}

const GOES_ON: &str = "the state to go on from";
