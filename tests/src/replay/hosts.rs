//! The hosts' records: Sync, database, coordinator and requester, each event taken by the model's role.

use syncsplit_impl::trace::Taken;
use syncsplit_impl::trace::hosts::{
    CoordinatorAfter, CoordinatorDone, DatabaseAfter, DatabaseDone, RequesterAfter, RequesterDone,
    SyncAfter, SyncDone, SyncTaken,
};
use syncsplit_model::protocol::coordinator::{CoordinatorEvent, CoordinatorRefusal};
use syncsplit_model::protocol::database::{DatabaseEvent, DatabaseRefusal, FreezeState};
use syncsplit_model::protocol::requester::{RequesterEvent, RequesterRefusal};
use syncsplit_model::protocol::sync::{NotPair, PairView, Sync, SyncEvent, SyncOutcome};
use syncsplit_model::protocol::{BackupId, QMarker, Rules};

use super::error::{Why, same};
use super::volumes::{Image, differences};
use super::{Hosts, Replayer, Writes};

/// Sync's record.
pub(super) type SyncRecord = Taken<SyncTaken, NotPair, SyncAfter, SyncDone>;

/// The database's record.
pub(super) type DatabaseRecord = Taken<DatabaseEvent, DatabaseRefusal, DatabaseAfter, DatabaseDone>;

/// The coordinator's record.
pub(super) type CoordinatorRecord =
    Taken<CoordinatorEvent, CoordinatorRefusal, CoordinatorAfter, CoordinatorDone>;

/// The requester's record.
pub(super) type RequesterRecord =
    Taken<RequesterEvent, RequesterRefusal, RequesterAfter, RequesterDone>;

/// A Sync that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    sync: Sync,
    /// What the P-VOL held when it began.
    image: Image,
    /// How many Syncs the coordinator had begun by then.
    round: u64,
}

impl Replayer {
    pub(super) fn on_sync(&mut self, taken: &SyncRecord) -> Result<(), Why> {
        let id = taken.after.id;
        let event = match taken.event {
            SyncTaken::Begin(view) => return self.on_sync_begin(id, view, taken),
            SyncTaken::Look(view) => {
                self.judge_view(view)?;
                SyncEvent::Look(view)
            }
            SyncTaken::Timeout => SyncEvent::Timeout,
        };
        let waiting = self.syncs.get(&id).cloned().ok_or(Why::Uncaused {
            what: format!("the begin of Sync {id}, or the wait of one that has returned,"),
        })?;
        let step = waiting.sync.step(Rules::HARDENED, event);
        same("refusal", &None, &taken.refused)?;
        same("state after it", &SyncAfter { id, held: Some(step.state.held) }, &taken.after)?;
        let effects: Vec<SyncDone> = step.effects.iter().map(Into::into).collect();
        same("effects", &effects, &taken.effects)?;
        for effect in effects {
            if let SyncDone::Return(outcome) = effect {
                self.syncs.remove(&id);
                let done = outcome == SyncOutcome::Done;
                if waiting.round == self.sync_rounds {
                    self.sent.sync_returned(done);
                }
                if done {
                    self.judge_sync_done(waiting.sync.held, &waiting.image)?;
                }
            }
        }
        Ok(())
    }

    fn on_sync_begin(&mut self, id: u64, view: PairView, taken: &SyncRecord) -> Result<(), Why> {
        self.judge_view(view)?;
        let begun = Sync::begin(Rules::HARDENED, view);
        same("refusal", &begun.err(), &taken.refused)?;
        let held = begun.ok().map(|sync| sync.held);
        same("state after it", &SyncAfter { id, held }, &taken.after)?;
        same("effects", &Vec::new(), &taken.effects)?;
        match begun {
            Ok(sync) => {
                let image = self.volumes.pvol.clone();
                let round = self.sync_rounds;
                if self.syncs.insert(id, Waiting { sync, image, round }).is_some() {
                    let what = "begins a Sync under the number of one that waits";
                    return Err(Why::Start { role: "primary", what });
                }
            }
            Err(_) => self.sent.sync_returned(false),
        }
        Ok(())
    }

    /// A Sync sees the primary as it is at this place in the order.
    fn judge_view(&self, view: PairView) -> Result<(), Why> {
        let primary = self.primary.as_ref();
        let primary = primary.ok_or(Why::Start { role: "primary", what: "has not started" })?;
        same("view of the pair", &primary.view(), &view)
    }

    /// SYNC-3: every write that the Sync held is in the S/P-VOL, unless a later one has replaced it there.
    fn judge_sync_done(&self, held: QMarker, image: &Image) -> Result<(), Why> {
        const NAME: &str = "sync-means-written";
        let secondary = self.secondary.as_ref();
        let secondary =
            secondary.ok_or(Why::Start { role: "secondary", what: "has not started" })?;
        let written = QMarker { incarnation: secondary.incarnation, seq: secondary.written };
        if written.incarnation != held.incarnation || written.seq < held.seq {
            let found = format!("Sync held {held}, the secondary has written {written}");
            return Err(Why::Property { name: NAME, found });
        }
        let between = (held.seq, written.seq);
        for block in differences(&self.volumes.spvol, image) {
            if !self.volumes.is_written_between(held.incarnation, between, block) {
                let found = "the S/P-VOL lacks a write that Sync held";
                return Err(Why::block(NAME, block, found));
            }
        }
        Ok(())
    }

    pub(super) fn on_database(&mut self, taken: &DatabaseRecord) -> Result<(), Why> {
        if self.options.hosts == Hosts::Traced {
            self.sent.caused_database(taken.event)?;
        }
        let step = self.database.step(Rules::HARDENED, taken.event);
        same("refusal", &step.refused, &taken.refused)?;
        same("state after it", &DatabaseAfter::from(&step.state), &taken.after)?;
        let effects: Vec<DatabaseDone> = step.effects.iter().map(Into::into).collect();
        same("effects", &effects, &taken.effects)?;
        self.database = step.state;
        for effect in effects {
            self.sent.by_database(effect);
            if matches!(effect, DatabaseDone::AnswerFrozen(_))
                && self.options.writes == Writes::Gated
            {
                self.on_frozen_image();
            }
        }
        Ok(())
    }

    /// The P-VOL as it is now is what the database's freeze stands for.
    pub(super) fn on_frozen_image(&mut self) {
        if let FreezeState::Frozen(id) = self.database.freeze {
            self.frozen.insert(id, self.volumes.pvol.clone());
        }
    }

    pub(super) fn on_coordinator(&mut self, taken: &CoordinatorRecord) -> Result<(), Why> {
        if self.options.hosts == Hosts::Traced {
            self.sent.caused_coordinator(taken.event)?;
        }
        let step = self.coordinator.step(Rules::HARDENED, taken.event);
        same("refusal", &step.refused, &taken.refused)?;
        same("state after it", &CoordinatorAfter::from(&step.state), &taken.after)?;
        let effects: Vec<CoordinatorDone> = step.effects.iter().map(Into::into).collect();
        same("effects", &effects, &taken.effects)?;
        self.coordinator = step.state;
        for effect in effects {
            if matches!(effect, CoordinatorDone::BeginSync(_)) {
                self.sync_rounds += 1;
            }
            self.sent.by_coordinator(effect);
        }
        Ok(())
    }

    pub(super) fn on_requester(&mut self, taken: &RequesterRecord) -> Result<(), Why> {
        if self.options.hosts == Hosts::Traced {
            self.sent.caused_requester_event(taken.event)?;
        }
        let step = self.requester.step(Rules::HARDENED, taken.event);
        same("refusal", &step.refused, &taken.refused)?;
        same("state after it", &RequesterAfter::from(&step.state), &taken.after)?;
        let effects: Vec<RequesterDone> = step.effects.iter().map(Into::into).collect();
        same("effects", &effects, &taken.effects)?;
        self.requester = step.state;
        for effect in effects {
            self.sent.by_requester(effect);
            if let RequesterDone::Read(id) = effect {
                self.judge_permit(id)?;
            }
        }
        Ok(())
    }

    /// The image that may be read is the one that the database froze.
    fn judge_permit(&self, id: BackupId) -> Result<(), Why> {
        const NAME: &str = "backup-is-frozen-image";
        if self.options.writes == Writes::Free {
            return Ok(());
        }
        let Some(frozen) = self.frozen.get(&id) else {
            return Err(Why::backup(NAME, id, "no freeze for it is in the trace"));
        };
        match differences(&self.volumes.svol, frozen).next() {
            Some(block) => {
                let found = format!("the S-VOL differs from the frozen P-VOL in block {block}");
                Err(Why::backup(NAME, id, &found))
            }
            None => Ok(()),
        }
    }
}
