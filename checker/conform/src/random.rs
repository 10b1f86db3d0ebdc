//! Long runs by chance: the next verb is drawn from what the model offers in a state that the implementation may be in, and
//! now and then from what it does not: messages that can change nothing any more, and writes to a database that stands
//! still. Nothing is asked or judged here.
use stateright::Model;
use syncsplit_model::protocol::BlockIndex;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::primary::JournalFull;
use syncsplit_model::world::{Action, ActionKind, Start, Stillness};
use syncsplit_study::simulate::walk::Chance;

use crate::request::has_setting;
use crate::script::{BLOCKS, Script, Setting};
use crate::session::Session;
use crate::track::Track;
use crate::verb::{Message, Verb};
use crate::wire::{Hello, Level};

/// The most verbs of a run.
const VERBS_MAX: u64 = 60;
/// The most entries of a journal: one more than the model's link has room for, so only where the kit delivers each frame
/// itself. Where it does not, every entry may be on its way when the pair is suspended, and still arrive.
const fn journal_max(level: Level) -> u64 {
    if matches!(level, Level::Steered) { 3 } else { 2 }
}

/// The most backups of a run: the model keeps their true numbers.
const BACKUPS_MAX: u32 = 40;
/// One verb in so many is one that has to change nothing.
const IDLE: u64 = 10;

/// The chances of one run.
pub struct Walk {
    chance: Chance,
    length: u64,
    /// How much less likely than the rest a disruption is.
    rarity: u64,
    /// Deliveries of what was seen on the array link. The model drops a message once it can change nothing; the link may
    /// hold it longer, and nothing may change when it arrives.
    deliveries: Vec<Verb>,
}

impl Walk {
    /// The chances of run `number`, and the world it is for.
    #[must_use]
    pub fn new(seed: u64, number: u64, hello: &Hello, level: Level) -> (Self, Script) {
        let mut chance = Chance::new(seed, number);
        let length = 5 + chance.below(VERBS_MAX);
        let rarity = chance.one_of(&[2, 6, 20]);
        let journal = 1 + chance.below(journal_max(level)) as usize;
        let mut setting = Setting { journal, ..Setting::default() };
        let (start, full, hold) = (chance.below(4), chance.below(4), chance.below(4));
        let options = [
            Setting { start: if start == 0 { Start::Smpl } else { Start::Pair }, ..setting },
            Setting {
                journal_full: if full == 0 { JournalFull::Suspend } else { JournalFull::Hold },
                ..setting
            },
            Setting {
                stillness: if hold == 0 { Stillness::Quiesce } else { Stillness::Freeze },
                ..setting
            },
        ];
        if has_setting(hello, options[0]) {
            setting.start = options[0].start;
        }
        if has_setting(hello, options[1]) {
            setting.journal_full = options[1].journal_full;
        }
        if has_setting(hello, options[2]) {
            setting.stillness = options[2].stillness;
        }
        setting.is_hasty = chance.below(2) == 0 && level != Level::Steered;
        let walk = Self { chance, length, rarity, deliveries: Vec::new() };
        (walk, Script { setting, verbs: Vec::new() })
    }

    /// The next verb; none when the run is long enough.
    pub fn next(&mut self, session: &Session<'_>, at: usize, level: Level) -> Option<Verb> {
        if at as u64 >= self.length || session.is_lost {
            return None;
        }
        let place = self.chance.below(session.tracks.len() as u64) as usize;
        let track = session.tracks.get(place)?;
        self.remember(track, level);
        if self.chance.below(IDLE) == 0
            && let Some(verb) = self.idle(track)
        {
            return Some(verb);
        }
        let mut actions = Vec::new();
        session.guide.world.actions(&track.state, &mut actions);
        actions.retain(|action| is_the_kits(action, level));
        if track.state.requester.newest.0 >= BACKUPS_MAX {
            actions.retain(|action| *action != Action::StartBackup);
        }
        let is_free = level != Level::Steered;
        while !actions.is_empty() {
            let weight = |action: &Action| match ActionKind::DISRUPTIONS.contains(action.kind()) {
                true => 1,
                false => self.rarity,
            };
            let total = actions.iter().map(weight).sum();
            let mut drawn = self.chance.below(total);
            let index = actions.iter().position(|action| {
                let weight = weight(action);
                let is_here = drawn < weight;
                drawn = drawn.saturating_sub(weight);
                is_here
            })?;
            let verb = Verb::of(&actions.swap_remove(index));
            let attempt = session.guide.take(track, &verb, 0);
            if is_free || !attempt.is_err_and(|why| why.is_out_of_reach()) {
                return Some(verb);
            }
        }
        None
    }
}

impl Walk {
    /// Notes what is on the array link, where the kit delivers it.
    fn remember(&mut self, track: &Track, level: Level) {
        for verb in deliveries(track).filter(|_| level == Level::Steered) {
            if !self.deliveries.contains(&verb) {
                self.deliveries.push(verb);
            }
        }
    }

    /// A verb that has to be without effect in the state of `track`, if there is such a verb.
    fn idle(&mut self, track: &Track) -> Option<Verb> {
        let is_frozen = track.state.database.freeze != FreezeState::Running;
        if is_frozen && track.state.database.open == 0 {
            let block = self.chance.below(u64::from(BLOCKS)) as u32;
            return Some(Verb::of(&Action::WriteOne(BlockIndex(block))));
        }
        let on_link: Vec<Verb> = deliveries(track).collect();
        let late: Vec<Verb> =
            self.deliveries.iter().filter(|verb| !on_link.contains(verb)).copied().collect();
        if late.is_empty() || !track.state.link_up {
            return None;
        }
        late.get(self.chance.below(late.len() as u64) as usize).copied()
    }
}

/// The delivery of each message that is on the array link.
fn deliveries(track: &Track) -> impl Iterator<Item = Verb> {
    let verb = |kind, message| Verb { message: Some(message), ..Verb::bare(kind) };
    let there = track.state.to_secondary.iter();
    let back = track.state.to_primary.iter();
    there.map(move |message| verb(ActionKind::Deliver, Message::to_secondary(&message))).chain(
        back.map(move |message| verb(ActionKind::DeliverReply, Message::to_primary(&message))),
    )
}

/// Whether a step is the kit's to take at a level.
pub(crate) fn is_the_kits(action: &Action, level: Level) -> bool {
    let kind = action.kind();
    !ActionKind::OWN_STEPS.contains(kind)
        || level == Level::Steered && kind != ActionKind::CopyReplica
}
