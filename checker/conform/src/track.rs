//! One state that an implementation may be in, with the contents of its blocks by the writes that left them, and what may
//! happen in it by itself. Whether an answer agrees with a state is not decided here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::rc::Rc;

use foldhash::fast::FixedState;
use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::protocol::sync::{SyncEffect, SyncEvent, SyncOutcome};
use syncsplit_model::protocol::{PairState, Rules, Seq, ToSecondary};
use syncsplit_model::world::state::{BLOCKS_MAX, JOURNAL_MAX};
use syncsplit_model::world::{Action, ActionKind, Start, State, Value, WhyNot, World};

use crate::block::{Writer, Written};
use crate::verb::Verb;

mod beyond;

/// The most states that are kept for what an implementation may be in.
pub const TRACKS_MAX: usize = 12_000;
/// The most states whose steps are remembered.
const REMEMBERED_MAX: usize = 2 * TRACKS_MAX;
/// The most different contents of one block that a state can hold: in the volumes, the queues and the link.
const NAMES: usize = 16;

/// Which write left a value, in two bytes, since thousands of states are kept: 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Name(u16);

impl Name {
    const WRITERS: [Writer; 4] = [Writer::Begin, Writer::Other, Writer::Local, Writer::Remote];

    fn of(writer: Writer, number: u32) -> Self {
        let place = Self::WRITERS.iter().position(|known| *known == writer).unwrap_or_default();
        // No script has so many writes that a number would not fit.
        let number = number.min(u32::from(u16::MAX >> 3)) as u16;
        Self((number << 3) | (place as u16 + 1))
    }

    fn write(self) -> Option<(Writer, u32)> {
        let writer = Self::WRITERS.get(usize::from(self.0 & 7).checked_sub(1)?)?;
        Some((*writer, u32::from(self.0 >> 3)))
    }
}

/// One state that an implementation may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Track {
    /// The state, less what only the properties remember.
    pub state: State,
    /// Which write left each value, by block.
    names: [[Name; NAMES]; BLOCKS_MAX],
    /// Whether a look of the Sync that is on would have been DONE at some moment.
    pub was_done: bool,
    /// Whether one would have been BROKEN.
    was_broken: bool,
    /// Whether one would have been CHANGED.
    was_changed: bool,
    /// Whether the array link was ever down.
    pub was_down: bool,
    /// A message that ends the pairing, for which the model's link had no room. It waits for some, since it is not sent
    /// again, and a true link has more room.
    late: Option<ToSecondary<Value>>,
}

/// How an implementation is followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pacing {
    /// Whether the implementation takes its internal steps by itself.
    pub runs_free: bool,
    /// Whether sequence numbers are seen. Where they are not, each look is a Sync of its own, and numbers that stand to each
    /// other as others do are the same.
    pub is_marked: bool,
    /// Whether a Sync is given time to wait, which may run out (SYNC-4). Where it is not, it looks once.
    pub sync_waits: bool,
    /// Whether more blocks may be marked dirty than need be.
    pub marks_more: bool,
    /// Whether a link that was never down may be taken for failed (PAIR-3).
    pub suspects: bool,
}

/// A state's successors are asked for with this.
#[derive(Debug)]
pub struct Guide {
    /// The world, with the rules in force.
    pub world: World,
    /// How an implementation is followed in it.
    pub manner: Pacing,
    /// What is known of where its states lead to without the kit's doing.
    reached: RefCell<Reached>,
}

impl Guide {
    /// Nothing is known of the world yet.
    #[must_use]
    pub fn new(world: World, manner: Pacing) -> Self {
        Self { world, manner, reached: RefCell::default() }
    }

    /// The state that a script begins in.
    #[must_use]
    pub fn begin(&self) -> Track {
        let mut names = [[Name::default(); NAMES]; BLOCKS_MAX];
        for block in &mut names {
            block[0] = Name::of(Writer::Begin, 0);
            if self.world.bounds.start == Start::Smpl {
                block[1] = Name::of(Writer::Other, 0);
            }
        }
        let state = self.world.raw_initial();
        let (was_done, was_broken, was_changed, was_down) = (false, false, false, false);
        let mut track =
            Track { state, names, was_done, was_broken, was_changed, was_down, late: None };
        self.settle(&mut track);
        track
    }

    /// Every step that is possible, with the state after it; `number` is the next write's.
    #[must_use]
    pub fn steps(&self, track: &Track, number: u32) -> Vec<(Action, Track)> {
        let steps = self.world.raw_successors(&track.state).into_iter();
        steps.map(|(action, after)| (action, self.after(track, action, after, number))).collect()
    }

    fn after(&self, before: &Track, action: Action, state: State, number: u32) -> Track {
        let mut track = Track { state, ..*before };
        track.was_down |= !state.link_up;
        let verb = Verb::of(&action);
        let is_remote = verb.is(ActionKind::RemoteWrite);
        if is_remote || verb.is_in(ActionKind::LOCAL_WRITES) {
            // A write that names no block is the first of its transaction, to block 0, or the second, to the last.
            let last = u64::from(self.world.bounds.blocks - 1);
            let implied = if verb.is(ActionKind::WriteSecond) { last } else { 0 };
            let block = verb.number.unwrap_or(implied) as usize;
            let (volume, writer) = if is_remote {
                (&state.spvol, Writer::Remote)
            } else {
                (&state.pvol, Writer::Local)
            };
            let value = volume[block];
            track.names[block][usize::from(value.0) % NAMES] = Name::of(writer, number);
        }
        track.look(self.world.rules);
        self.settle(&mut track);
        track
    }

    /// Makes one of two states that show the same.
    fn settle(&self, track: &mut Track) {
        track.settle_names(&self.world);
        // A message that waits keeps the number of its pairing.
        if !self.manner.is_marked && track.late.is_none() {
            self.world.renumber(&mut track.state);
        }
    }

    /// The step of `verb`: the state after it, or why it is not possible.
    ///
    /// # Errors
    /// The step is not possible: the guard that is false.
    pub fn take(&self, track: &Track, verb: &Verb, number: u32) -> Result<Track, WhyNot> {
        let is_it = |action: &Action| verb.asks_for(&Verb::of(action));
        let found = self.world.raw_successors_of(&track.state, is_it).into_iter().next();
        if let Some((action, after)) = found {
            return Ok(self.after(track, action, after, number));
        }
        let mut actions = Vec::new();
        stateright::Model::actions(&self.world, &track.state, &mut actions);
        let action = actions.into_iter().find(is_it);
        let Some(action) = action else { return self.command(track, verb) };
        match self.world.attempt_raw(&track.state, action) {
            // Whatever has no room on a link is lost there.
            Err(WhyNot::NoRoom) => self.command(track, verb).map_err(|_| WhyNot::NoRoom),
            Err(why) => Err(why),
            Ok(after) => Ok(self.after(track, action, after, number)),
        }
    }

    /// Whether a step may happen without the kit's doing.
    fn is_internal(&self, track: &Track, action: &Action) -> bool {
        let State { link_up, secondary, primary, .. } = &track.state;
        let verb = Verb::of(action);
        // An entry that the secondary has can change nothing.
        let is_news = |seq: Seq| {
            seq > secondary.written && !secondary.queue.entries().any(|entry| entry.seq == seq)
        };
        if verb.is(ActionKind::Send) {
            return verb.number.is_some_and(|seq| is_news(Seq(seq)));
        }
        if verb.is_in(ActionKind::Fail | ActionKind::SecondaryFail) {
            return track.was_down || self.manner.suspects;
        }
        verb.is_in(ActionKind::AT_LEISURE)
            || verb.is_in(ActionKind::Deliver | ActionKind::DeliverReply) && !verb.extra
            // What was not answered is asked for again.
            || verb.is_in(ActionKind::Create | ActionKind::Resync) && primary.pending.is_some()
            || verb.is_in(ActionKind::Lose | ActionKind::LoseReply) && !link_up
    }

    /// Every state that `from` may have become by itself. None where there are too many.
    ///
    /// What is asked next is mostly about some of the states that the last answer named: those that show what has been seen
    /// since. So a state's own steps are found once.
    #[must_use]
    pub fn closure(&self, from: &[Track]) -> Option<Vec<Track>> {
        if !self.manner.runs_free && !self.manner.marks_more {
            return Some(from.to_vec());
        }
        let mut reached = self.reached.borrow_mut();
        if reached.found.tracks.len() > REMEMBERED_MAX {
            *reached = Reached::default();
        }
        let mut order = Vec::new();
        reached.visit += 1;
        for track in from {
            let place = reached.found.add(track);
            reached.enter(place, &mut order);
        }
        let mut at = 0;
        while let Some(place) = order.get(at).copied() {
            at += 1;
            for next in self.steps_of(&mut reached, place).iter() {
                reached.enter(*next as usize, &mut order);
            }
            if order.len() > TRACKS_MAX {
                return None;
            }
        }
        Some(order.into_iter().map(|place| reached.found.tracks[place]).collect())
    }

    /// Where the states stand that one leads to in one step.
    fn steps_of(&self, reached: &mut Reached, place: usize) -> Rc<[u32]> {
        if let Some(Some(known)) = reached.after.get(place) {
            return Rc::clone(known);
        }
        let track = reached.found.tracks[place];
        let is_internal =
            |action: &Action| self.manner.runs_free && self.is_internal(&track, action);
        let steps = self.world.raw_successors_of(&track.state, is_internal).into_iter();
        let steps = steps.map(|(action, state)| self.after(&track, action, state, 0));
        let after = steps.chain(self.late_enters(&track)).chain(self.marked_more(&track));
        let places: Rc<[u32]> = after.map(|after| reached.found.add(&after) as u32).collect();
        if reached.after.len() <= place {
            reached.after.resize(place + 1, None);
        }
        reached.after[place] = Some(Rc::clone(&places));
        places
    }

    /// The Sync of the kit's own backup returned.
    #[must_use]
    pub fn sync_returned(&self, track: &Track, done: bool) -> Track {
        let mut after = Track { state: self.world.sync_returned(track.state, done), ..*track };
        after.look(self.world.rules);
        after
    }
}

/// Which states some states lead to by themselves.
#[derive(Debug, Default)]
struct Reached {
    found: StateList,
    /// Where the states stand that each leads to in one step. None where they were not asked for.
    after: Vec<Option<Rc<[u32]>>>,
    /// The visit in which each was entered last.
    entered: Vec<u32>,
    /// How many visits there were.
    visit: u32,
}

impl Reached {
    /// Adds a state to `order`, unless this visit has done so.
    fn enter(&mut self, place: usize, order: &mut Vec<usize>) {
        if self.entered.len() <= place {
            self.entered.resize(self.found.tracks.len(), 0);
        }
        if self.entered[place] != self.visit {
            self.entered[place] = self.visit;
            order.push(place);
        }
    }
}

/// States in the order in which they were found, each once.
#[derive(Debug, Default)]
struct StateList {
    tracks: Vec<Track>,
    /// Where the state with a fingerprint stands; the next free one, if another has it. The states themselves are large,
    /// and stand in the list alone.
    places: HashMap<u64, u32, FixedState>,
}

impl StateList {
    /// Where the state stands, from now on if it was not there.
    fn add(&mut self, track: &Track) -> usize {
        let mut fingerprint = FixedState::default().hash_one(track);
        while let Some(place) = self.places.get(&fingerprint) {
            if self.tracks.get(*place as usize) == Some(track) {
                return *place as usize;
            }
            fingerprint = fingerprint.wrapping_add(1);
        }
        let place = self.tracks.len();
        self.places.insert(fingerprint, place as u32);
        self.tracks.push(*track);
        place
    }
}

impl Track {
    /// The write that left `value` in `block`.
    #[must_use]
    pub fn written(&self, block: usize, value: Value) -> Option<Written> {
        let name = *self.names.get(block)?.get(usize::from(value.0))?;
        name.write().map(|(writer, number)| Written { writer, number, block: block as u32 })
    }

    /// An image as the adapter would show it.
    #[must_use]
    pub fn image(&self, image: &[Value], blocks: u32) -> Vec<String> {
        let values = image.iter().take(blocks as usize).enumerate();
        let text = |(block, value): (usize, &Value)| {
            self.written(block, *value).map_or_else(|| "?".into(), |written| written.to_string())
        };
        values.map(text).collect()
    }

    /// Whether the model has room for a write to `block`, and for all that the copier will number by itself, where at most
    /// `limit` entries may be under way.
    #[must_use]
    pub fn has_room(&self, block: u32, limit: usize) -> bool {
        let primary = &self.state.primary;
        let held = primary.journal.len();
        if primary.state == PairState::Copy && primary.mark.is_none() {
            // A copy for each block that is dirty, and the mark: with the blocks there are, all of it has room.
            let copies = primary.dirty.iter().count();
            let is_clean = !primary.dirty.iter().any(|dirty| dirty.0 == block);
            !is_clean || held + copies + 2 <= JOURNAL_MAX
        } else {
            held < limit || !primary.state.is_linked()
        }
    }

    /// The state with coordinator, requester, Sync and the link between the hosts as they are in `other`.
    #[must_use]
    pub fn with_hosts_of(&self, other: &Self) -> Self {
        let hosts = &other.state;
        let mut state = self.state;
        (state.coordinator, state.requester) = (hosts.coordinator, hosts.requester);
        (state.host, state.sync) = (hosts.host, hosts.sync);
        let was_done = self.was_done || other.was_done;
        let was_broken = self.was_broken || other.was_broken;
        let was_changed = self.was_changed || other.was_changed;
        Self { state, was_done, was_broken, was_changed, ..*self }
    }

    /// Whether the Sync that is on has nothing to wait for any more: a look ends it.
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        self.was_done || self.was_lost()
    }

    /// Whether a look of the Sync that is on would have been BROKEN or CHANGED at some moment.
    #[must_use]
    pub const fn was_lost(&self) -> bool {
        self.was_broken || self.was_changed
    }

    /// Whether a look of the Sync that is on has this outcome, or would have had it at some moment.
    #[must_use]
    pub fn comes_to(&self, rules: Rules, outcome: SyncOutcome) -> bool {
        let mut looked = *self;
        looked.look(rules);
        match outcome {
            SyncOutcome::Done => looked.was_done,
            SyncOutcome::Broken => looked.was_broken,
            SyncOutcome::Changed => looked.was_changed,
            SyncOutcome::Timeout => false,
        }
    }

    /// Notes what a look of the Sync would see now.
    fn look(&mut self, rules: Rules) {
        let is_syncing = matches!(self.state.coordinator.state, CoordinatorState::Syncing(_));
        let Some(sync) = self.state.sync.filter(|_| is_syncing) else {
            (self.was_done, self.was_broken, self.was_changed) = (false, false, false);
            return;
        };
        let look = SyncEvent::Look(self.state.primary.view());
        let step = sync.step(rules, look);
        for effect in step.effects {
            match effect {
                SyncEffect::Return(SyncOutcome::Done) => self.was_done = true,
                SyncEffect::Return(SyncOutcome::Broken) => self.was_broken = true,
                SyncEffect::Return(SyncOutcome::Changed) => self.was_changed = true,
                SyncEffect::Return(SyncOutcome::Timeout) => {}
                SyncEffect::Wait => {}
            }
        }
    }

    /// Forgets what the properties remember, and gives contents names by the writes that left them, so that two states that
    /// show the same are one.
    fn settle_names(&mut self, world: &World) {
        self.state.ghost = world.raw_initial().ghost;
        self.state.ghost.oracle = self.state.pvol;
        self.state.disk = self.state.spvol;
        world.forget_replica_lag(&mut self.state);
        let mut live = [[false; NAMES]; BLOCKS_MAX];
        self.state.for_each_value(|block, value| {
            live[block][usize::from(value.0) % NAMES] = true;
        });
        let mut renamed = [[0_u8; NAMES]; BLOCKS_MAX];
        for (block, names) in self.names.iter_mut().enumerate() {
            let mut kept: Vec<_> = (0..NAMES).filter(|value| live[block][*value]).collect();
            kept.sort_by_key(|value| names[*value]);
            let mut fresh = [Name::default(); NAMES];
            for (place, value) in kept.into_iter().enumerate() {
                renamed[block][value] = place as u8;
                fresh[place] = names[value];
            }
            *names = fresh;
        }
        self.state.for_each_value(|block, value| {
            *value = Value(renamed[block][usize::from(value.0) % NAMES]);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Setting;

    fn guide(start: Start, is_marked: bool) -> Guide {
        let world = Setting { start, ..Setting::default() }.world(&[]);
        Guide::new(
            world,
            Pacing { runs_free: true, is_marked, sync_waits: true, ..Pacing::default() },
        )
    }

    /// Every state that there may be after a verb.
    fn after(guide: &Guide, tracks: &[Track], kind: ActionKind, number: u32) -> Vec<Track> {
        let taken = tracks.iter().map(|track| guide.take(track, &Verb::bare(kind), number));
        let taken: Vec<Track> = taken.flatten().collect();
        guide.closure(&taken).unwrap_or_default()
    }

    /// How many states there may be after a resync, with true numbers or those of a normal form.
    fn states_after_a_resync(is_marked: bool) -> usize {
        let guide = guide(Start::Pair, is_marked);
        let verbs =
            [(ActionKind::WriteFirst, 1), (ActionKind::Suspend, 0), (ActionKind::Resync, 0)];
        let tracks = verbs.iter().fold(vec![guide.begin()], |tracks, (verb, number)| {
            after(&guide, &tracks, *verb, *number)
        });
        tracks.len()
    }

    #[test]
    fn numbers_that_nobody_sees_make_no_states() {
        let (seen, unseen) = (states_after_a_resync(true), states_after_a_resync(false));
        assert!(0 < unseen && unseen < seen, "{unseen} of {seen}");
    }

    #[test]
    fn what_is_remembered_of_other_states_changes_nothing() {
        for is_marked in [true, false] {
            let guide = guide(Start::Pair, is_marked);
            let mut tracks = vec![guide.begin()];
            for (verb, number) in
                [(ActionKind::WriteFirst, 1), (ActionKind::Suspend, 0), (ActionKind::Resync, 0)]
            {
                let from: Vec<Track> = tracks.iter().rev().copied().collect();
                let anew = Guide::new(guide.world.clone(), guide.manner);
                assert_eq!(guide.closure(&from), anew.closure(&from));
                tracks = after(&guide, &from, verb, number);
                assert_eq!(tracks, after(&anew, &from, verb, number));
                // A part of what was asked about, as what has been seen leaves of it.
                let part: Vec<Track> = tracks.iter().step_by(3).copied().collect();
                let anew = Guide::new(guide.world.clone(), guide.manner);
                assert_eq!(guide.closure(&part), anew.closure(&part));
            }
            assert!(tracks.len() > 100, "{}", tracks.len());
        }
    }

    #[test]
    fn a_takeover_may_be_forced_where_it_need_not_be_and_has_to_be_where_it_must() {
        let guide = guide(Start::Smpl, true);
        let mut counts = [0, 0];
        for track in after(&guide, &[guide.begin()], ActionKind::Create, 0) {
            let secondary = &track.state.secondary;
            if !secondary.state.is_linked() {
                continue;
            }
            let needs_force = !secondary.consistent && !secondary.replica.is_split();
            let plain = Verb::bare(ActionKind::Takeover);
            let [plain, forced] = [plain, Verb { extra: true, ..plain }]
                .map(|verb| guide.take(&track, &verb, 0).map(|after| after.state.secondary));
            // What has arrived in order is applied first, by force too (TAKEOVER-1).
            if forced.is_err() {
                assert_eq!(plain, forced, "{secondary:?}");
                continue;
            }
            counts[usize::from(needs_force)] += 1;
            assert_eq!(plain == forced, !needs_force, "{secondary:?}: {plain:?}, {forced:?}");
        }
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    }
}
