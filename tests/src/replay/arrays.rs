//! The arrays' records: each event is taken by the model's primary or secondary, and its effects are performed on the
//! replayed volumes.

use syncsplit_impl::trace::Digest;
use syncsplit_impl::trace::record::{
    Blocks, PrimaryAfter, PrimaryDone, SecondaryAfter, SecondaryDone, Start, Taken,
};
use syncsplit_model::protocol::primary::{Primary, PrimaryEffect, PrimaryEvent, PrimaryRefusal};
use syncsplit_model::protocol::replica::ReplicaEffect;
use syncsplit_model::protocol::secondary::{
    Secondary, SecondaryEffect, SecondaryEvent, SecondaryRefusal,
};
use syncsplit_model::protocol::{
    BackupId, DirtyMap, HostMessage, Incarnation, Journal, ReorderQueue, Rules, Seq, ToPrimary,
};

use super::containers::{BlockTree, EntryList, EntryTree};
use super::error::{Why, same};
use super::volumes::{differences, get, put, shown};
use super::{Hosts, Replayer, Writes};

/// The primary as the replay instantiates it.
pub type ModelPrimary = Primary<Digest, EntryList, BlockTree>;

/// The secondary as the replay instantiates it.
pub type ModelSecondary = Secondary<Digest, EntryTree, BlockTree>;

/// The primary's record.
pub(super) type PrimaryTaken =
    Taken<PrimaryEvent<Digest, Blocks>, PrimaryRefusal, PrimaryAfter, PrimaryDone>;

/// The secondary's record.
pub(super) type SecondaryTaken =
    Taken<SecondaryEvent<Digest>, SecondaryRefusal, SecondaryAfter, SecondaryDone>;

/// The primary that a start record describes.
pub(super) fn new_primary(start: &Start) -> ModelPrimary {
    let journal = EntryList::new(start.entries_max);
    Primary::new(journal, BlockTree::new(start.blocks), start.journal_full.unwrap_or_default())
}

/// The secondary that a start record describes.
pub(super) fn new_secondary(start: &Start) -> ModelSecondary {
    Secondary::new(EntryTree::new(start.entries_max), BlockTree::new(start.blocks))
}

impl Replayer {
    pub(super) fn on_primary(&mut self, taken: &PrimaryTaken) -> Result<(), Why> {
        self.sent.caused_primary(&taken.event)?;
        if self.options.hosts == Hosts::Traced {
            self.sent.caused_hold(&taken.event)?;
        }
        self.judge_copy(&taken.event)?;
        let before = self.primary.take().ok_or(NOT_STARTED_PRIMARY)?;
        let newest = before.newest;
        let event = model_event(&taken.event, &before.dirty);
        let step = before.step(Rules::HARDENED, event);
        self.primary = Some(step.state.clone());
        same("refusal", &step.refused, &taken.refused)?;
        same("state after it", &primary_after(&step.state), &taken.after)?;
        let effects: Vec<PrimaryDone> = step.effects.into_iter().map(primary_done).collect();
        same("effects", &effects, &taken.effects)?;
        for effect in effects {
            match effect {
                PrimaryDone::WritePvol { block, payload } => {
                    self.judge_write()?;
                    put(&mut self.volumes.pvol, block, Some(payload));
                }
                PrimaryDone::AnswerHost => {}
                PrimaryDone::Send(message) => self.sent.add_to_secondary(message),
                PrimaryDone::AnswerQuiesced(id) => {
                    self.on_held_image(id);
                    self.sent.by_primary(effect);
                }
                PrimaryDone::AnswerReleased { .. } => self.sent.by_primary(effect),
            }
        }
        let incarnation = step.state.incarnation;
        for entry in step.state.journal.iter().filter(|entry| entry.seq > newest) {
            self.volumes.on_numbered(incarnation, entry);
        }
        Ok(())
    }

    /// RESYNC-2: a copy carries what the P-VOL holds at the very step.
    fn judge_copy(&mut self, event: &PrimaryEvent<Digest, Blocks>) -> Result<(), Why> {
        let PrimaryEvent::CopyBlock { block, payload } = *event else { return Ok(()) };
        match get(&self.volumes.pvol, block) {
            Some(held) if held != payload => {
                Err(Why::StaleCopy { block, pvol: shown(Some(held)), copied: shown(Some(payload)) })
            }
            Some(_) => Ok(()),
            // After a failed write the block holds the old contents or the new; the copy tells which.
            None => {
                put(&mut self.volumes.pvol, block, Some(payload));
                Ok(())
            }
        }
    }

    pub(super) fn on_secondary(&mut self, taken: &SecondaryTaken) -> Result<(), Why> {
        self.sent.caused_secondary(&taken.event)?;
        if self.options.hosts == Hosts::Traced {
            self.sent.caused_split(&taken.event)?;
        }
        let before = self.secondary.take().ok_or(NOT_STARTED_SECONDARY)?;
        let was = Was {
            incarnation: before.incarnation,
            written: before.written,
            consistent: before.consistent,
            split: before.replica.is_split(),
        };
        let step = before.step(Rules::HARDENED, taken.event);
        self.secondary = Some(step.state.clone());
        same("refusal", &step.refused, &taken.refused)?;
        same("state after it", &secondary_after(&step.state), &taken.after)?;
        let effects: Vec<SecondaryDone> = step.effects.into_iter().map(secondary_done).collect();
        same("effects", &effects, &taken.effects)?;
        self.follow_oracle(&was, taken, &step.state)?;
        for effect in effects {
            self.perform_secondary(effect);
        }
        if let (SecondaryEvent::Split(id), Some(_)) = (taken.event, taken.refused) {
            // The remote host answers for the secondary that refused.
            self.sent.add_to_host(HostMessage::SplitAnswer { id, done: false });
        }
        if !was.split && step.state.replica.is_split() {
            let differs = differences(&self.volumes.svol, &self.volumes.oracle).next().is_some();
            self.svol_good = was.consistent && !differs;
            self.volumes.at_split = self.volumes.oracle.clone();
        }
        Ok(())
    }

    /// Lets the oracle take what this step has written.
    fn follow_oracle(
        &mut self,
        was: &Was,
        taken: &SecondaryTaken,
        state: &ModelSecondary,
    ) -> Result<(), Why> {
        for seq in was.written.0 + 1..=state.written.0 {
            self.volumes.on_written(state.incarnation, Seq(seq))?;
        }
        if let (SecondaryEvent::RemoteWrite { block, payload }, None) = (taken.event, taken.refused)
        {
            self.volumes.on_remote_write(block, payload);
        }
        if state.incarnation != was.incarnation {
            self.volumes.forget_before(state.incarnation);
        }
        Ok(())
    }

    fn perform_secondary(&mut self, effect: SecondaryDone) {
        match effect {
            SecondaryDone::WriteSpvol { block, payload } => {
                put(&mut self.volumes.spvol, block, Some(payload));
            }
            SecondaryDone::CopyToSvol(block) => self.volumes.copy_on(&[block]),
            SecondaryDone::Reflect(blocks) => self.volumes.copy_on(&blocks),
            SecondaryDone::Restore(blocks) => self.volumes.copy_back(&blocks),
            SecondaryDone::Send(message) => self.sent.add_to_primary(message),
            SecondaryDone::SplitDone(id) => self.on_split_done(id),
        }
    }

    fn on_split_done(&mut self, id: BackupId) {
        self.sent.add_to_host(HostMessage::SplitAnswer { id, done: true });
        // A split repeated for the same backup is answered again; the image is the first one's.
        self.splits.entry(id).or_insert_with(|| self.volumes.svol.clone());
    }

    /// A failed write of the P-VOL leaves the block undefined.
    pub(super) fn on_primary_fault(&mut self, effect: &PrimaryDone) {
        if let PrimaryDone::WritePvol { block, .. } = effect {
            put(&mut self.volumes.pvol, *block, None);
        }
    }

    /// QUIESCE-1: with host writes held from here on, the P-VOL is what the hold stands for.
    fn on_held_image(&mut self, id: BackupId) {
        if self.options.writes == Writes::Held {
            self.frozen.insert(id, self.volumes.pvol.clone());
        }
    }
}

/// What the secondary was before a step.
struct Was {
    incarnation: Incarnation,
    written: Seq,
    consistent: bool,
    split: bool,
}

const NOT_STARTED_PRIMARY: Why = Why::Start { role: "primary", what: "has not started" };
const NOT_STARTED_SECONDARY: Why = Why::Start { role: "secondary", what: "has not started" };

fn model_event(
    event: &PrimaryEvent<Digest, Blocks>,
    like: &BlockTree,
) -> PrimaryEvent<Digest, BlockTree> {
    match event.clone() {
        PrimaryEvent::HostWrite { block, payload } => PrimaryEvent::HostWrite { block, payload },
        PrimaryEvent::Send { seq } => PrimaryEvent::Send { seq },
        PrimaryEvent::Ack(ack) => PrimaryEvent::Ack(ack),
        PrimaryEvent::CopyBlock { block, payload } => PrimaryEvent::CopyBlock { block, payload },
        PrimaryEvent::PairMark => PrimaryEvent::PairMark,
        PrimaryEvent::Create => PrimaryEvent::Create,
        PrimaryEvent::Suspend => PrimaryEvent::Suspend,
        PrimaryEvent::Fail => PrimaryEvent::Fail,
        PrimaryEvent::Resync => PrimaryEvent::Resync,
        PrimaryEvent::Ready { incarnation, written, dirty } => PrimaryEvent::Ready {
            incarnation,
            written,
            dirty: BlockTree::of(like.blocks(), &dirty),
        },
        PrimaryEvent::Suspended { incarnation } => PrimaryEvent::Suspended { incarnation },
        PrimaryEvent::Delete => PrimaryEvent::Delete,
        PrimaryEvent::Quiesce(id) => PrimaryEvent::Quiesce(id),
        PrimaryEvent::Unquiesce(id) => PrimaryEvent::Unquiesce(id),
        PrimaryEvent::LeaseExpired => PrimaryEvent::LeaseExpired,
        PrimaryEvent::Restart => PrimaryEvent::Restart,
    }
}

pub(super) fn primary_after(state: &ModelPrimary) -> PrimaryAfter {
    PrimaryAfter {
        state: state.state,
        incarnation: state.incarnation,
        newest: state.newest,
        written: state.written,
        journal: state.journal.iter().map(|entry| entry.seq).collect(),
        dirty: state.dirty.list(),
        mark: state.mark,
        pending: state.pending,
        quiesced: state.quiesced,
    }
}

fn primary_done(effect: PrimaryEffect<Digest>) -> PrimaryDone {
    match effect {
        PrimaryEffect::WritePvol { block, payload } => PrimaryDone::WritePvol { block, payload },
        PrimaryEffect::AnswerHost => PrimaryDone::AnswerHost,
        PrimaryEffect::Send(message) => PrimaryDone::Send(message),
        PrimaryEffect::AnswerQuiesced(id) => PrimaryDone::AnswerQuiesced(id),
        PrimaryEffect::AnswerReleased { id, held } => PrimaryDone::AnswerReleased { id, held },
    }
}

pub(super) fn secondary_after(state: &ModelSecondary) -> SecondaryAfter {
    SecondaryAfter {
        state: state.state,
        incarnation: state.incarnation,
        written: state.written,
        queue: state.queue.iter().map(|entry| entry.seq).collect(),
        dirty: state.dirty.list(),
        consistent: state.consistent,
        replica: state.replica.state,
        replica_dirty: state.replica.dirty.list(),
        armed: state.armed,
    }
}

fn secondary_done(effect: SecondaryEffect<Digest, BlockTree>) -> SecondaryDone {
    match effect {
        SecondaryEffect::WriteSpvol { block, payload } => {
            SecondaryDone::WriteSpvol { block, payload }
        }
        SecondaryEffect::Replica(ReplicaEffect::CopyToSvol(block)) => {
            SecondaryDone::CopyToSvol(block)
        }
        SecondaryEffect::Replica(ReplicaEffect::Reflect(map)) => SecondaryDone::Reflect(map.list()),
        SecondaryEffect::Replica(ReplicaEffect::Restore(map)) => SecondaryDone::Restore(map.list()),
        SecondaryEffect::Send(ToPrimary::Suspended { incarnation }) => {
            SecondaryDone::Send(ToPrimary::Suspended { incarnation })
        }
        SecondaryEffect::Send(ToPrimary::Ack(ack)) => SecondaryDone::Send(ToPrimary::Ack(ack)),
        SecondaryEffect::Send(ToPrimary::Ready { incarnation, written, dirty }) => {
            SecondaryDone::Send(ToPrimary::Ready { incarnation, written, dirty: dirty.list() })
        }
        SecondaryEffect::SplitDone(id) => SecondaryDone::SplitDone(id),
    }
}
