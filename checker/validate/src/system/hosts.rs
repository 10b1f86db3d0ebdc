//! The hosts' steps: Sync, database, coordinator and requester, each event taken by the model's role.

use serde::Serialize;
use syncsplit_model::protocol::coordinator::{CoordinatorEffect, CoordinatorEvent};
use syncsplit_model::protocol::database::{DatabaseEffect, DatabaseEvent, FreezeState};
use syncsplit_model::protocol::requester::{RequesterEffect, RequesterEvent};
use syncsplit_model::protocol::sync::{
    NotPair, PairView, Sync, SyncEffect, SyncEvent, SyncOutcome,
};
use syncsplit_model::protocol::{BackupId, QMarker, Rule};
use syncsplit_model::record::{SyncAfter, SyncTaken};

use super::volumes::{Image, differences};
use super::{Done, Hosts, System, Writes};
use crate::pattern::{Seen, as_json, shown_json};
use crate::record::{CoordinatorTaken, DatabaseTaken, RequesterTaken, SyncRecord, Taken};
use crate::why::{Why, of_coordinator, of_database, of_requester, of_sync};

/// A record that shows nothing but that the step was taken, and not refused.
pub(super) const fn nothing<E, R, A, D>() -> Taken<E, R, A, D> {
    Taken {
        event: Seen::Nothing,
        refused: Seen::All(None),
        after: Seen::Nothing,
        effects: Seen::Nothing,
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
        self.judge_refused::<NotPair>(of_sync(&event), None, &taken.refused)?;
        let after = SyncAfter { id, held: Some(step.state.held) };
        self.judge_after(of_sync(&event), &after, &taken.after)?;
        let effects = step.effects.to_vec();
        self.judge_effects(of_sync(&event), &effects, &taken.effects)?;
        for effect in effects {
            if let SyncEffect::Return(outcome) = effect {
                self.syncs.remove(&id);
                let done = outcome == SyncOutcome::Done;
                if waiting.round == self.sync_rounds {
                    self.sent.sync_returned(done);
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
        self.judge_refused(governing, begun.err(), &taken.refused)?;
        let held = begun.ok().map(|sync| sync.held);
        self.judge_after(governing, &SyncAfter { id, held }, &taken.after)?;
        self.judge_effects(governing, &Vec::new(), &taken.effects)?;
        self.sync_newest = self.sync_newest.max(id);
        let Some(held) = held else {
            self.sent.sync_returned(false);
            return Ok(());
        };
        let (image, round) = (self.volumes.pvol.clone(), self.sync_rounds);
        match self.syncs.insert(id, Waiting { held, image, round }) {
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
        Err(self.explain.differs(rules, "its view of the pair", &seen, &Seen::All(view)))
    }

    /// SYNC-3: every write that the Sync held is in the S/P-VOL, unless a later one has replaced it there.
    fn judge_sync_done(&self, held: QMarker, image: &Image) -> Result<(), Why> {
        const NAME: &str = "sync-means-written";
        let secondary = self.secondary.as_ref().ok_or_else(|| self.not_started("secondary"))?;
        let written = QMarker { incarnation: secondary.incarnation, seq: secondary.written };
        if written.incarnation != held.incarnation || written.seq < held.seq {
            return Err(self.broken(NAME, &[Rule::Sync3], || {
                format!("Sync held {held}, the secondary has written {written}")
            }));
        }
        let later = self.volumes.written_between(held.incarnation, (held.seq, written.seq));
        let lacks = differences(&self.volumes.spvol, image).find(|block| !later.contains(block));
        lacks.map_or(Ok(()), |block| {
            Err(self.broken(NAME, &[Rule::Sync3], || {
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
        if self.options.hosts == Hosts::Traced && !self.sent.caused_database(event) {
            return Err(self.explain.uncaused(governing, &event));
        }
        let step = self.database.step(self.options.rules, event);
        self.judge_refused(governing, step.refused, &taken.refused)?;
        self.judge_after(governing, &step.state, &taken.after)?;
        let effects = step.effects.to_vec();
        self.judge_effects(governing, &effects, &taken.effects)?;
        self.database = step.state;
        for effect in &effects {
            self.sent.by_database(*effect);
            let answered = matches!(effect, DatabaseEffect::AnswerFrozen(_));
            if answered && self.options.writes == Writes::Gated {
                self.on_frozen_image();
            }
        }
        self.remember(2, n, Done::Database(effects));
        self.judge_database()
    }

    /// The P-VOL as it is now is what the database's freeze stands for.
    fn on_frozen_image(&mut self) {
        if let FreezeState::Frozen(id) = self.database.freeze {
            self.frozen.insert(id, self.volumes.pvol.clone());
        }
    }

    pub(super) fn on_coordinator(
        &mut self,
        taken: &CoordinatorTaken,
        event: CoordinatorEvent,
    ) -> Result<(), Why> {
        let governing = of_coordinator(event);
        if self.options.hosts == Hosts::Traced && !self.sent.caused_coordinator(event) {
            return Err(self.explain.uncaused(governing, &event));
        }
        let step = self.coordinator.step(self.options.rules, event);
        self.judge_refused(governing, step.refused, &taken.refused)?;
        self.judge_after(governing, &step.state, &taken.after)?;
        let effects = step.effects.to_vec();
        self.judge_effects(governing, &effects, &taken.effects)?;
        self.coordinator = step.state;
        for effect in effects {
            if matches!(effect, CoordinatorEffect::BeginSync(_)) {
                self.sync_rounds += 1;
            }
            self.sent.by_coordinator(effect);
        }
        Ok(())
    }

    pub(super) fn on_requester(
        &mut self,
        taken: &RequesterTaken,
        event: RequesterEvent,
        n: Option<u64>,
    ) -> Result<(), Why> {
        let governing = of_requester(event);
        if self.options.hosts == Hosts::Traced && !self.sent.caused_requester_event(event) {
            return Err(self.explain.uncaused(governing, &event));
        }
        let step = self.requester.step(self.options.rules, event);
        self.judge_refused(governing, step.refused, &taken.refused)?;
        self.judge_after(governing, &step.state, &taken.after)?;
        let effects = step.effects.to_vec();
        self.judge_effects(governing, &effects, &taken.effects)?;
        self.requester = step.state;
        for effect in &effects {
            self.sent.by_requester(*effect);
            if let RequesterEffect::Read(id) = effect {
                self.judge_permit(*id)?;
                self.judge_svol()?;
            }
        }
        self.remember(3, n, Done::Requester(effects));
        self.judge_still()
    }

    /// The image that may be read is the one that was frozen.
    fn judge_permit(&self, id: BackupId) -> Result<(), Why> {
        const NAME: &str = "backup-is-frozen-image";
        const RULES: &[Rule] = &[Rule::Freeze3, Rule::Split2];
        if self.options.writes == Writes::Free {
            return Ok(());
        }
        let Some(frozen) = self.frozen.get(&id) else {
            return Err(self.broken(NAME, RULES, || {
                format!("backup {}: no freeze for it is in the records", id.0)
            }));
        };
        differences(&self.volumes.svol, frozen).next().map_or(Ok(()), |block| {
            Err(self.broken(NAME, RULES, || {
                let (id, block) = (id.0, block.0);
                format!("backup {id}: the S-VOL differs from the frozen P-VOL in block {block}")
            }))
        })
    }

    fn judge_refused<R: Serialize + PartialEq + std::fmt::Display>(
        &mut self,
        governing: &[Rule],
        refused: Option<R>,
        shown: &Seen<Option<R>>,
    ) -> Result<(), Why> {
        if self.bindings.fits(shown, &refused) {
            return Ok(());
        }
        let shown = shown_json(shown);
        Err(self.explain.refusal((governing, governing), refused.as_ref(), &shown))
    }

    fn judge_after<A: Serialize + PartialEq>(
        &mut self,
        governing: &[Rule],
        after: &A,
        shown: &Seen<A>,
    ) -> Result<(), Why> {
        if self.bindings.fits(shown, after) {
            return Ok(());
        }
        Err(self.explain.differs(governing, "the state after it", after, shown))
    }

    fn judge_effects<D: Serialize + PartialEq>(
        &mut self,
        governing: &[Rule],
        effects: &Vec<D>,
        shown: &Seen<Vec<D>>,
    ) -> Result<(), Why> {
        if self.bindings.fits(shown, effects) {
            return Ok(());
        }
        Err(self.explain.differs(governing, "its effects", effects, shown))
    }

    /// Whether a candidate is the event that the record shows.
    pub(super) fn judge_event<E: Serialize + PartialEq>(
        &mut self,
        event: &E,
        shown: &Seen<E>,
    ) -> Result<(), Why> {
        if self.bindings.fits(shown, event) {
            return Ok(());
        }
        Err(self
            .explain
            .why(&[], || format!("{} is not the event {}", as_json(event), shown_json(shown))))
    }
}
