//! The arrays' steps: each event is taken by the model's primary or secondary, and its effects are performed on the
//! volumes.

use syncsplit_model::protocol::primary::PrimaryEvent;
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{
    HostMessage, Incarnation, Journal, Rule, Seq, ToPrimary, ToSecondary,
};
use syncsplit_model::record::{Blocks, PrimaryAfter, SecondaryAfter, Start, blocks};
use syncsplit_model::system::{Deed, Volume};

use super::properties::Touched;
use super::{Actor, System};
use crate::containers::{Dirty, Entries};
use crate::content::Content;
use crate::record::{ModelPrimary, ModelSecondary, PrimaryTaken, SecondaryTaken};
use crate::why::{Why, of_primary, of_primary_refusal, of_secondary, of_secondary_refusal};

/// The primary that a start record describes.
pub(super) fn new_primary(start: &Start) -> ModelPrimary {
    let journal = Entries::new(start.entries_max.unwrap_or(usize::MAX));
    ModelPrimary::new(journal, Dirty::new(start.blocks), start.journal_full.unwrap_or_default())
}

/// The secondary that a start record describes.
pub(super) fn new_secondary(start: &Start) -> ModelSecondary {
    let queue = Entries::new(start.entries_max.unwrap_or(usize::MAX));
    ModelSecondary::new(queue, Dirty::new(start.blocks))
}

impl System {
    pub(super) fn on_primary(
        &mut self,
        taken: &PrimaryTaken,
        event: &PrimaryEvent<Content, Blocks>,
        n: Option<u64>,
    ) -> Result<(), Why> {
        let Some(before) = self.primary.take() else { return Err(self.not_started("primary")) };
        let (was, newest) = (before.state, before.newest);
        let governing = of_primary(event, was);
        let caused = self.sent.caused_primary(event);
        caused.map_err(|untaken| self.explain.uncaused(governing, event, untaken))?;
        let event = self.settled(event)?;
        let fills = self.fills_in(&event);
        let size = self.volumes.pvol.size();
        let known = event.map(|payload| *payload, |dirty| Dirty::of(size, dirty));
        let step = before.step(self.options.rules, known);
        let deciding =
            step.refused.as_ref().map_or(governing, |why| of_primary_refusal(&event, why, was));
        let (after, effects) = (PrimaryAfter::from(&step.state), step.effects.to_vec());
        self.judge((governing, deciding), taken, &step.refused, &after, &effects)?;
        if fills && step.refused.is_none() {
            self.left_out += 1;
        }
        let incarnation = step.state.incarnation;
        let numbered: Vec<_> = (newest.0 + 1..=step.state.newest.0)
            .map(|seq| step.state.journal.get(Seq(seq)).copied())
            .collect();
        self.primary = Some(step.state);
        self.perform(Actor::Primary, n, effects)?;
        for entry in numbered.into_iter().flatten() {
            self.volumes.on_numbered(incarnation, &entry);
        }
        let touched = match event {
            PrimaryEvent::HostWrite { block, .. } => Touched::Block(block),
            PrimaryEvent::CopyBlock { block, .. } if was.is_linked() => Touched::Block(block),
            PrimaryEvent::Send { .. } | PrimaryEvent::PairMark => Touched::None,
            // What has been written at the secondary covers nothing any more.
            PrimaryEvent::Arrived(ToPrimary::Ack(ack)) if self.has_written(ack.written) => {
                Touched::None
            }
            PrimaryEvent::Arrived(_)
            | PrimaryEvent::CopyBlock { .. }
            | PrimaryEvent::Create
            | PrimaryEvent::Suspend
            | PrimaryEvent::Fail
            | PrimaryEvent::Resync
            | PrimaryEvent::Delete
            | PrimaryEvent::Quiesce(_)
            | PrimaryEvent::Unquiesce(_)
            | PrimaryEvent::LeaseExpired
            | PrimaryEvent::Restart => Touched::All,
        };
        self.check(touched)
    }

    fn has_written(&self, seq: Seq) -> bool {
        self.secondary.as_ref().is_some_and(|secondary| seq <= secondary.written)
    }

    /// The event with the contents that the model knows by another name. RESYNC-2: a copy carries what the P-VOL holds at
    /// the very step.
    fn settled(
        &mut self,
        event: &PrimaryEvent<Content, Blocks>,
    ) -> Result<PrimaryEvent<Content, Blocks>, Why> {
        let PrimaryEvent::CopyBlock { block, payload } = *event else { return Ok(event.clone()) };
        match self.volumes.pvol.get(block) {
            Some(held) if self.bindings.is(held, payload) => {
                Ok(PrimaryEvent::CopyBlock { block, payload: held })
            }
            Some(held) => Err(self.explain.why(&[Rule::Resync2], || {
                format!("the P-VOL holds {held} in block {}, the copy carries {payload}", block.0)
            })),
            // After a failed write the block holds the old contents or the new; the copy tells which.
            None => {
                self.volumes.write(Volume::Pvol, block, Some(payload));
                Ok(event.clone())
            }
        }
    }

    /// Whether the event brings contents that no record has shown.
    fn fills_in(&self, event: &PrimaryEvent<Content, Blocks>) -> bool {
        if let PrimaryEvent::HostWrite { payload, .. } | PrimaryEvent::CopyBlock { payload, .. } =
            event
        {
            return *payload == self.unseen();
        }
        false
    }

    pub(super) fn on_secondary(
        &mut self,
        taken: &SecondaryTaken,
        event: &SecondaryEvent<Content>,
        n: Option<u64>,
    ) -> Result<(), Why> {
        let Some(before) = self.secondary.take() else { return Err(self.not_started("secondary")) };
        let governing = of_secondary(event);
        let caused = self.sent.caused_secondary(event, &mut self.bindings);
        let event = caused.map_err(|untaken| self.explain.uncaused(governing, event, untaken))?;
        let was = Was {
            incarnation: before.incarnation,
            written: before.written,
            consistent: before.consistent,
            split: before.replica.is_split(),
        };
        let step = before.step(self.options.rules, event);
        let deciding =
            step.refused.as_ref().map_or(governing, |why| of_secondary_refusal(&event, why));
        let after = SecondaryAfter::from(&step.state);
        let shown = |effect: &SecondaryEffect<_, Dirty>| effect.map(|payload| *payload, blocks);
        let effects: Vec<_> = step.effects.iter().map(shown).collect();
        self.judge((governing, deciding), taken, &step.refused, &after, &effects)?;
        if let (SecondaryEvent::RemoteWrite { payload, .. }, None) = (event, step.refused) {
            self.left_out += u32::from(payload == self.unseen());
        }
        let is_split = step.state.replica.is_split();
        let refused = step.refused.is_some();
        self.secondary = Some(step.state);
        self.follow_oracle(&was, &event, refused)?;
        let written = |effect: &SecondaryEffect<_, _>| {
            if let SecondaryEffect::WriteSpvol { block, .. } = effect { Some(*block) } else { None }
        };
        let written = effects.iter().find_map(written);
        self.perform(Actor::Secondary, n, effects)?;
        if let (SecondaryEvent::Split(id), true) = (event, refused) {
            // The remote host answers for the secondary that refused.
            self.sent.add(&Deed::ToHost(HostMessage::SplitAnswer { id, done: false }));
        }
        if !was.split && is_split {
            self.svol_good = was.consistent && self.volumes.is_svol_the_image();
            self.volumes.note_split();
        }
        let touched = match (event, written) {
            (SecondaryEvent::Apply, Some(block)) => Touched::Block(block),
            (SecondaryEvent::Arrived(ToSecondary::Frame(frame)), _) => {
                frame.entry.item.block().map_or(Touched::None, Touched::Block)
            }
            (SecondaryEvent::Report | SecondaryEvent::CopyReplica(_), _) => Touched::None,
            (
                SecondaryEvent::Apply
                | SecondaryEvent::Arrived(_)
                | SecondaryEvent::Fail
                | SecondaryEvent::Restart
                | SecondaryEvent::Arm(_)
                | SecondaryEvent::Release(_)
                | SecondaryEvent::Split(_)
                | SecondaryEvent::Takeover { .. }
                | SecondaryEvent::RemoteWrite { .. },
                _,
            ) => Touched::All,
        };
        self.check(touched)
    }

    /// Lets the oracle take what this step has written.
    fn follow_oracle(
        &mut self,
        was: &Was,
        event: &SecondaryEvent<Content>,
        refused: bool,
    ) -> Result<(), Why> {
        let Some(state) = &self.secondary else { return Ok(()) };
        let (incarnation, written) = (state.incarnation, state.written);
        for seq in was.written.0 + 1..=written.0 {
            if !self.volumes.on_written(incarnation, Seq(seq)) {
                return Err(self.explain.why(&[Rule::Write1, Rule::Xfer3], || {
                    format!("entry {seq} is written, but the primary numbered no such entry")
                }));
            }
        }
        if let (SecondaryEvent::RemoteWrite { block, payload }, false) = (event, refused) {
            self.volumes.on_remote_write(*block, *payload);
        }
        if incarnation != was.incarnation {
            self.volumes.forget_before(incarnation);
        }
        Ok(())
    }

    pub(super) fn not_started(&self, role: &str) -> Why {
        let why = self.explain.why(&[], || format!("the {role} has not started"));
        // Another node's log may start it.
        Why { waits: true, ..why }
    }
}

/// What the secondary was before a step.
struct Was {
    incarnation: Incarnation,
    written: Seq,
    consistent: bool,
    split: bool,
}
