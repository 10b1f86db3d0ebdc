//! Steps that the world does not offer where an implementation may be asked for them or take them: commands that a careful
//! operator does not give, a message that waits for room, and marks beyond what need be.

use syncsplit_model::protocol::containers::DirtyMap;
use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::secondary::{SecondaryEvent, SecondaryRefusal};
use syncsplit_model::protocol::{BlockIndex, PairState, ToSecondary};
use syncsplit_model::world::{ActionKind, State, WhyNot};

use super::{Guide, Track};
use crate::verb::Verb;

impl Guide {
    /// A command where the world's operator would not give it: what the primary makes of it is in SPEC.md, 5.3.
    pub(super) fn command(&self, track: &Track, verb: &Verb) -> Result<Track, WhyNot> {
        let commands = [
            (ActionKind::Create, PrimaryEvent::Create),
            (ActionKind::Suspend, PrimaryEvent::Suspend),
            (ActionKind::Resync, PrimaryEvent::Resync),
            (ActionKind::Delete, PrimaryEvent::Delete),
        ];
        if let Some(why) = self.remote_refusal(track, verb) {
            return Err(why);
        }
        let event = commands.into_iter().find(|(kind, _)| verb.is(*kind));
        let (_, event) = event.ok_or(WhyNot::NotOffered)?;
        let step = track.state.primary.step(self.world.rules, event);
        if let Some(refusal) = step.refused {
            return Err(WhyNot::Primary(refusal));
        }
        let mut after = *track;
        after.state.primary = step.state;
        for effect in step.effects {
            if let PrimaryEffect::Send(message) = effect
                && track.state.link_up
            {
                let is_full = !after.state.to_secondary.add(message, self.world.bounds.frames);
                let ends = !matches!(message, ToSecondary::Resync { .. });
                after.late = Some(message).filter(|_| is_full && ends && self.manner.runs_free);
            }
        }
        after.look(self.world.rules);
        self.settle(&mut after);
        Ok(after)
    }

    /// Why the secondary refuses a takeover, or a failback, that the world does not offer.
    fn remote_refusal(&self, track: &Track, verb: &Verb) -> Option<WhyNot> {
        let secondary = track.state.secondary;
        let refused = if verb.is(ActionKind::Takeover) {
            let event = SecondaryEvent::Takeover { force: verb.extra };
            secondary.step(self.world.rules, event).refused
        } else if verb.is(ActionKind::Failback) && secondary.state != PairState::Ssws {
            Some(SecondaryRefusal::WrongState(secondary.state))
        } else {
            None
        };
        refused.map(WhyNot::Secondary)
    }

    /// The message that waits for room finds some, or is lost with the link.
    pub(super) fn late_enters(&self, track: &Track) -> Option<Track> {
        let message = track.late?;
        let mut after = Track { late: None, ..*track };
        let is_in = after.state.to_secondary.add(message, self.world.bounds.frames);
        (is_in || !track.state.link_up).then_some(after)
    }

    /// What is suspended may be marked further, block by block.
    pub(super) fn marked_more(&self, track: &Track) -> Vec<Track> {
        let mut after = Vec::new();
        let State { primary, secondary, .. } = &track.state;
        for block in (0..self.world.bounds.blocks).map(BlockIndex) {
            if !self.manner.marks_more {
                break;
            }
            if primary.state.is_suspended() && !primary.dirty.is_dirty(block) {
                let mut marked = *track;
                marked.state.primary.dirty.mark(block);
                after.push(marked);
            }
            let is_left = secondary.state != PairState::Smpl && !secondary.state.is_linked();
            if is_left && !secondary.dirty.is_dirty(block) {
                let mut marked = *track;
                marked.state.secondary.dirty.mark(block);
                after.push(marked);
            }
        }
        after.iter_mut().for_each(|track| self.settle(track));
        after
    }
}
