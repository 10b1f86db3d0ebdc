//! The hosts' steps: Sync, database, coordinator and requester, each event taken by the model's role.

use std::fmt::Display;

use serde::Serialize;
use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::DatabaseEvent;
use syncsplit_model::protocol::requester::RequesterEvent;
use syncsplit_model::protocol::sync::{PairView, Sync, SyncEvent};
use syncsplit_model::protocol::{QMarker, Rule, Step};
use syncsplit_model::record::{SyncAfter, SyncTaken};
use syncsplit_model::system::{Deed, Notice};

use super::properties::DONE_MEANS_WRITTEN;
use super::volumes::{Image, differences};
use super::{Actor, System, Writes};
use crate::pattern::{PartlyShown, shown_json};
use crate::record::{CoordinatorTaken, DatabaseTaken, RequesterTaken, SyncRecord, Taken};
use crate::why::{Why, of_coordinator, of_database, of_requester, of_sync};

/// A record that shows nothing but that the step was taken, and not refused.
pub(super) const fn nothing<E, R, A, D>() -> Taken<E, R, A, D> {
    Taken {
        event: PartlyShown::Nothing,
        refused: PartlyShown::All(None),
        after: PartlyShown::Nothing,
        effects: PartlyShown::Nothing,
    }
}

/// A Sync that waits.
#[derive(Clone, Debug, Hash)]
pub(super) struct Waiting {
    held: QMarker,
    /// What the P-VOL held when it began.
    image: Image,
    /// How many Syncs the coordinator had begun by then.
    round: u64,
    /// Whether a record shows its begin.
    is_shown: bool,
}

impl Waiting {
    /// Whether it was assumed for the coordinator's sake.
    pub(super) const fn is_hidden(&self, round: u64) -> bool {
        !self.is_shown && self.round == round
    }
}

impl System {
    pub(super) fn on_sync(
        &mut self,
        taken: &SyncRecord,
        id: u64,
        event: SyncTaken,
    ) -> Result<(), Why> {
        let step = match event {
            SyncTaken::Begin(view) => return self.on_sync_begin(id, view, taken),
            SyncTaken::Look(view) => {
                self.judge_view(view)?;
                SyncEvent::Look(view)
            }
            SyncTaken::Timeout => SyncEvent::Timeout,
        };
        let Some(waiting) = self.syncs.get(&id).cloned() else {
            return Err(self.explain.why(of_sync(&event), || {
                format!("Sync {id} does not wait: it was not begun, or has returned")
            }));
        };
        let sync = Sync { held: waiting.held };
        let step = sync.step(self.options.rules, step);
        let after = SyncAfter { id, held: Some(step.state.held) };
        let (governing, effects) = (of_sync(&event), step.effects.to_vec());
        self.judge((governing, governing), taken, &None, &after, &effects)?;
        for effect in effects {
            let deed = effect.into();
            if let Deed::Tell(Notice::Synced(done)) = deed {
                self.syncs.remove(&id);
                if waiting.round == self.sync_rounds {
                    self.sent.add(&deed);
                }
                if done {
                    self.judge_sync_done(waiting.held, &waiting.image)?;
                }
            }
        }
        Ok(())
    }

    fn on_sync_begin(&mut self, id: u64, view: PairView, taken: &SyncRecord) -> Result<(), Why> {
        let governing = of_sync(&SyncTaken::Begin(view));
        self.judge_view(view)?;
        let begun = Sync::begin(self.options.rules, view);
        let held = begun.ok().map(|sync| sync.held);
        let after = SyncAfter { id, held };
        self.judge((governing, governing), taken, &begun.err(), &after, &Vec::new())?;
        self.sync_newest = self.sync_newest.max(id);
        let Some(held) = held else {
            self.sent.add(&Deed::Tell(Notice::Synced(false)));
            return Ok(());
        };
        let (image, round) = (self.volumes.pvol.clone(), self.sync_rounds);
        let is_shown =
            !matches!((&taken.event, &taken.after), (PartlyShown::Nothing, PartlyShown::Nothing));
        match self.syncs.insert(id, Waiting { held, image, round, is_shown }) {
            None => Ok(()),
            Some(_) => Err(self
                .explain
                .why(governing, || format!("Sync {id} begins under the number of one that waits"))),
        }
    }

    /// A Sync sees the primary as it is at this place in the order.
    fn judge_view(&self, view: PairView) -> Result<(), Why> {
        let primary = self.primary.as_ref().ok_or_else(|| self.not_started("primary"))?;
        let seen = primary.view();
        if seen == view {
            return Ok(());
        }
        let rules = &[Rule::Sync2, Rule::Sync5];
        Err(self.explain.differs(rules, "its view of the pair", &seen, &PartlyShown::All(view)))
    }

    /// SYNC-3: every write that the Sync held is in the S/P-VOL, unless a later one has replaced it there.
    fn judge_sync_done(&self, held: QMarker, image: &Image) -> Result<(), Why> {
        let secondary = self.secondary.as_ref().ok_or_else(|| self.not_started("secondary"))?;
        let written = QMarker { incarnation: secondary.incarnation, seq: secondary.written };
        if written.incarnation != held.incarnation || written.seq < held.seq {
            return Err(self.broken(DONE_MEANS_WRITTEN, &[Rule::Sync3], || {
                format!("Sync held {held}, the secondary has written {written}")
            }));
        }
        let later = self.volumes.written_between(held.incarnation, (held.seq, written.seq));
        let lacks = differences(&self.volumes.spvol, image).find(|block| !later.contains(block));
        lacks.map_or(Ok(()), |block| {
            Err(self.broken(DONE_MEANS_WRITTEN, &[Rule::Sync3], || {
                format!("block {}: the S/P-VOL lacks a write that Sync held", block.0)
            }))
        })
    }

    pub(super) fn on_database(
        &mut self,
        taken: &DatabaseTaken,
        event: DatabaseEvent,
        n: Option<u64>,
    ) -> Result<(), Why> {
        let governing = of_database(event);
        let caused = self.sent.caused_database(event);
        caused.map_err(|untaken| self.explain.uncaused(governing, &event, untaken))?;
        let step = self.database.step(self.options.rules, event);
        self.judge_step(governing, taken, &step)?;
        self.database = step.state;
        self.perform(Actor::Database, n, step.effects)?;
        self.judge_database()
    }

    pub(super) fn on_coordinator(
        &mut self,
        taken: &CoordinatorTaken,
        event: CoordinatorEvent,
    ) -> Result<(), Why> {
        let governing = of_coordinator(event);
        let (rules, coordinator) = (self.options.rules, self.coordinator);
        let refuses = |event| coordinator.step(rules, event).refused.is_some();
        let caused = self.sent.caused_coordinator(event, refuses);
        caused.map_err(|untaken| self.explain.uncaused(governing, &event, untaken))?;
        let step = self.coordinator.step(self.options.rules, event);
        self.judge_step(governing, taken, &step)?;
        self.coordinator = step.state;
        step.effects.into_iter().try_for_each(|effect| self.perform_one(&effect.into()))
    }

    pub(super) fn on_requester(
        &mut self,
        taken: &RequesterTaken,
        event: RequesterEvent,
        n: Option<u64>,
    ) -> Result<(), Why> {
        let governing = of_requester(event);
        let caused = self.sent.caused_requester(event);
        caused.map_err(|untaken| self.explain.uncaused(governing, &event, untaken))?;
        let step = self.requester.step(self.options.rules, event);
        self.judge_step(governing, taken, &step)?;
        self.requester = step.state;
        self.perform(Actor::Requester, n, step.effects)?;
        self.judge_still()
    }

    /// What a role has told another. The P-VOL as it is now is what a freeze or a hold stands for, where host writes heed
    /// it.
    pub(super) fn on_notice(&mut self, notice: Notice) -> Result<(), Why> {
        match (notice, self.options.writes) {
            (Notice::Frozen(id), Writes::Gated) | (Notice::Quiesced(id), Writes::Held) => {
                self.frozen.insert(id, self.volumes.pvol.clone());
            }
            (Notice::BeginSync(_), _) => self.sync_rounds += 1,
            (Notice::Read(_), _) => {
                self.judge_permit()?;
                self.judge_svol()?;
            }
            (
                Notice::Freeze(_)
                | Notice::Thaw(_)
                | Notice::Frozen(_)
                | Notice::Quiesced(_)
                | Notice::Thawed(..)
                | Notice::Synced(_)
                | Notice::Arm(_)
                | Notice::Release(_),
                _,
            ) => {}
        }
        Ok(())
    }

    /// As [`System::judge`], of a role that is shown as it is.
    fn judge_step<E, R, A, D>(
        &mut self,
        governing: &[Rule],
        taken: &Taken<E, R, A, D>,
        step: &Step<A, D, R>,
    ) -> Result<(), Why>
    where
        R: Serialize + PartialEq + Display,
        A: Serialize + PartialEq,
        D: Serialize + PartialEq + Clone,
    {
        let effects = step.effects.to_vec();
        self.judge((governing, governing), taken, &step.refused, &step.state, &effects)
    }

    /// Whether a step is the one that the record shows: its refusal, which the `deciding` rules explain, the state after
    /// it, and its effects.
    pub(super) fn judge<E, R, A, D>(
        &mut self,
        rules: (&[Rule], &[Rule]),
        taken: &Taken<E, R, A, D>,
        refused: &Option<R>,
        after: &A,
        effects: &Vec<D>,
    ) -> Result<(), Why>
    where
        R: Serialize + PartialEq + Display,
        A: Serialize + PartialEq,
        D: Serialize + PartialEq,
    {
        let judged = self.compare(rules, taken, refused, after, effects);
        judged.map_err(|why| Why { is_own: true, ..why })
    }

    fn compare<E, R, A, D>(
        &mut self,
        (governing, deciding): (&[Rule], &[Rule]),
        taken: &Taken<E, R, A, D>,
        refused: &Option<R>,
        after: &A,
        effects: &Vec<D>,
    ) -> Result<(), Why>
    where
        R: Serialize + PartialEq + Display,
        A: Serialize + PartialEq,
        D: Serialize + PartialEq,
    {
        if let (PartlyShown::Nothing, Some(refusal)) = (&taken.refused, refused) {
            self.read_as_refused = Some(refusal.to_string());
        }
        if !self.bindings.fits(&taken.refused, refused) {
            let shown = shown_json(&taken.refused);
            return Err(self.explain.refusal((governing, deciding), refused.as_ref(), &shown));
        }
        if !self.bindings.fits(&taken.after, after) {
            return Err(self.explain.differs(governing, "the state after it", after, &taken.after));
        }
        if !self.bindings.fits(&taken.effects, effects) {
            return Err(self.explain.differs(governing, "its effects", effects, &taken.effects));
        }
        Ok(())
    }
}
