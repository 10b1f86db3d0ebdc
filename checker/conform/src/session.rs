//! One script, done with one adapter: what is asked, what is answered, and what the oracle makes of it. Which script it is,
//! and what becomes of the outcome, is not decided here.
use std::collections::{BTreeSet, HashSet};
use std::time::Instant;

use syncsplit_model::protocol::{PairState, Rule};
use syncsplit_model::world::state::JOURNAL_MAX;
use syncsplit_model::world::{ActionKind, WhyNot};

use crate::class::Class;
use crate::explain::Witness;
use crate::follow;
use crate::history::{Flaw, History};
use crate::left_out::WhyLeftOut;
use crate::process::{Adapter, AdapterFailure};
use crate::request::{self, Asked, Asker, has_setting};
use crate::script::{BLOCKS, Setting};
use crate::seen::{Mismatch, NoExplanation, Numbers, Observation};
use crate::shadow::{Shadow, ShadowOutcome};
use crate::track::{Guide, Pacing, Track};
use crate::verb::Verb;
use crate::wire::{Hello, Level, Reply, Request, Volume};

mod notes;

/// After how many verbs a hasty script asks for the status.
const HASTY: usize = 6;
/// How often an implementation that runs by itself is looked at before it is given up.
pub const LOOKS_MAX: usize = 50;
/// How often it is looked at without a pause: one that moves with each request needs none, and threads of its own do.
const LOOKS_AT_ONCE: usize = 10;

/// How an adapter is used.
#[derive(Clone, Copy, Debug)]
pub struct AdapterOptions {
    /// The level.
    pub level: Level,
    /// How long a Sync may wait where the implementation runs by itself.
    pub sync_ms: u64,
    /// For the implementation's own choices, if it makes any by chance.
    pub seed: u64,
    /// The shortest lease of a freeze: one that has lasted so long may end by itself.
    pub lease_ms: u64,
}

/// What an implementation did that the protocol does not do.
#[derive(Clone, Debug)]
pub struct Failure {
    /// How many verbs had been done, the failing one included.
    pub at: usize,
    /// The verb.
    pub verb: String,
    /// What differs.
    pub mismatch: Mismatch,
    /// What explains it; none where something that has to come does not: each state on the way was one that the protocol
    /// has, so that no rule explains it.
    pub witness: Option<Witness>,
}

impl Failure {
    /// The rules that would explain it, if they were left out.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.witness.as_ref().map(Witness::rules).unwrap_or_default()
    }
}

/// What became of a verb.
#[derive(Clone, Debug)]
pub enum VerbOutcome {
    /// It was done, and answered as it may be.
    Done,
    /// It was left out.
    LeftOut(WhyLeftOut),
    /// It was answered as it must not be.
    Failed(Box<Failure>),
}

/// A script under way.
pub struct Session<'a> {
    adapter: &'a mut Adapter,
    hello: Hello,
    how: AdapterOptions,
    setting: Setting,
    /// The world with every promised rule.
    pub guide: Guide,
    numbers: Numbers,
    /// The newest mark as it was answered.
    mark: Option<(i128, i128)>,
    /// Whether the primary's pair state is among what the status shows.
    shows_pair: bool,
    /// When the newest freeze was asked for.
    still_since: Option<Instant>,
    /// The states the implementation may be in.
    pub tracks: Vec<Track>,
    /// Whether there are too many of them to follow.
    pub is_lost: bool,
    shadows: Vec<Shadow>,
    /// The rules that it has been seen to keep.
    pub shown: BTreeSet<Rule>,
    /// What was done and seen.
    pub seen: Vec<Observation>,
    /// What was asked and answered, in words.
    pub log: Vec<(String, Vec<String>)>,
    history: History,
    number: u32,
    /// How often in a row a Sync that is decided has run out of time.
    timeouts: usize,
    /// Verbs taken, with the states of both sides in every state they may have been taken in.
    pub classes: BTreeSet<Class>,
}

impl<'a> Session<'a> {
    /// Begins with a new system under test. None where the adapter does not have the setting.
    ///
    /// # Errors
    /// The adapter has ended, is silent for too long, or gives an answer that is none.
    pub fn begin(
        adapter: &'a mut Adapter,
        how: AdapterOptions,
        setting: Setting,
        watched: &[Rule],
    ) -> Result<Option<Self>, AdapterFailure> {
        let hello = adapter.hello().clone();
        if !has_setting(&hello, setting) {
            return Ok(None);
        }
        let request = request::init(setting, how.level, how.seed);
        match adapter.ask(&request)? {
            Reply::Ok(_) => {}
            Reply::Unsupported => return Ok(None),
            other => return Err(adapter.trouble(&request, format!("it answers {other}"))),
        }
        let (runs_free, is_marked) = (how.level != Level::Steered, how.level != Level::BlackBox);
        let followed = followed(&hello, setting);
        let (sync_waits, marks_more) = (runs_free && how.sync_ms > 0, hello.can("marks-more"));
        let manner = Pacing { runs_free, is_marked, sync_waits, marks_more, suspects: false };
        let main = Guide::new(followed.world(&hello.lacks), manner);
        let tracks = vec![main.begin()];
        let watched = watched.iter().filter(|rule| !hello.lacks.contains(rule));
        let shadow = |rule: &Rule| Shadow::begin(followed, manner, &hello.lacks, *rule);
        let shadows = watched.map(shadow).collect();
        let mut session = Self {
            adapter,
            hello,
            how,
            setting,
            guide: main,
            numbers: Numbers::default(),
            mark: None,
            shows_pair: false,
            still_since: None,
            tracks,
            is_lost: false,
            shadows,
            shown: BTreeSet::new(),
            seen: Vec::new(),
            log: Vec::new(),
            history: History::new(BLOCKS),
            number: 0,
            timeouts: 0,
            classes: BTreeSet::new(),
        };
        session.learn_numbers()?;
        Ok(Some(session))
    }

    /// Whether nothing tells what state the pair is in but what becomes of a Sync.
    #[must_use]
    pub const fn is_blind(&self) -> bool {
        matches!(self.how.level, Level::BlackBox)
            || !self.shows_pair && !matches!(self.how.level, Level::Steered)
    }

    /// Whether it is known how many entries the journal holds.
    #[must_use]
    pub fn says_its_room(&self) -> bool {
        self.hello.can("journal")
    }

    const fn asker(&self) -> Asker<'_> {
        Asker {
            hello: &self.hello,
            numbers: self.numbers,
            sync_ms: if matches!(self.how.level, Level::Steered) { 0 } else { self.how.sync_ms },
            is_marked: !matches!(self.how.level, Level::BlackBox),
            mark: self.mark,
        }
    }

    /// Whether `verb` can be asked for: it is possible in a state that may be, or the answer to it is known anyway.
    fn offered(&self, verb: &Verb) -> Result<(), WhyLeftOut> {
        if *verb == Verb::WAIT {
            return Ok(());
        }
        if verb.is_in(ActionKind::ON_ARRAY_LINK) {
            let is_steered = self.how.level == Level::Steered;
            return if is_steered { Ok(()) } else { Err(WhyLeftOut::NotSteered) };
        }
        if verb.is_in(ActionKind::WriteOne | ActionKind::WriteFirst) {
            let is_open = self.tracks.iter().any(|track| track.state.database.open > 0);
            return if is_open { Err(WhyLeftOut::InTransaction) } else { Ok(()) };
        }
        let mut first = None;
        for track in &self.tracks {
            match self.guide.take(track, verb, 0) {
                Err(why) if why.is_out_of_reach() => first = first.or(Some(why)),
                Ok(_) | Err(_) => return Ok(()),
            }
        }
        Err(WhyLeftOut::NotOffered(first.unwrap_or(WhyNot::NotOffered)))
    }

    /// Does one verb.
    ///
    /// # Errors
    /// The adapter has ended, is silent for too long, or gives an answer that is none.
    pub fn perform(&mut self, verb: &Verb) -> Result<VerbOutcome, AdapterFailure> {
        if self.is_lost {
            return Ok(VerbOutcome::LeftOut(WhyLeftOut::TooManyStates));
        }
        match self.make_room(verb)? {
            VerbOutcome::Done => {}
            other @ (VerbOutcome::LeftOut(_) | VerbOutcome::Failed(_)) => return Ok(other),
        }
        // From here on these are all the states that it may have come to by itself.
        match self.guide.closure(&self.tracks) {
            Some(tracks) => self.tracks = tracks,
            None => {
                self.is_lost = true;
                return Ok(VerbOutcome::LeftOut(WhyLeftOut::TooManyStates));
            }
        }
        if let Err(why) = self.offered(verb) {
            return Ok(VerbOutcome::LeftOut(why));
        }
        let before = self.tracks[0];
        let number = self.number + 1;
        let ask = match verb.kind {
            // Looking is what gives an implementation time, and a Sync is all that can be looked at.
            None if self.is_blind() => Asked::This(Request::sync(self.how.sync_ms)),
            None => Asked::Nothing,
            Some(_) => self.asker().ask(&self.guide, &before, verb, number),
        };
        let mut log = Vec::new();
        let reply = match &ask {
            Asked::Lacking(what) => {
                return Ok(VerbOutcome::LeftOut(WhyLeftOut::Lacking(what)));
            }
            Asked::Nothing => None,
            Asked::This(request) => Some(self.ask(request, &mut log)?),
        };
        let is_overdue = self.is_overdue(verb, reply.as_ref());
        let (image, status, may_lapse) = (None, None, self.may_lapse(&ask));
        let mut seen =
            Observation { verb: *verb, number, reply, image, status, is_overdue, may_lapse };
        self.remember(&seen, &ask);
        let numbers = self.numbers;
        let answered = follow::judged(&self.guide, numbers, self.tracks.clone(), &seen);
        let answered = answered.or_else(|lost| {
            self.excused(lost, |guide, tracks| follow::answered(guide, numbers, &tracks, &seen))
        });
        let mut tracks = match answered {
            Ok(tracks) => tracks,
            Err(lost) => return Ok(self.end(seen, log, lost)),
        };
        if verb.is(ActionKind::SyncBegin) {
            self.learn_mark(seen.reply.as_ref(), &tracks);
        }
        let numbers = self.numbers;
        let after = tracks[0];
        let (consequences, reading) = {
            let asker = self.asker();
            (asker.consequences(&before, &after, verb), asker.reading(&before, &after))
        };
        for request in consequences {
            self.insist(&request, &mut log)?;
        }
        let mut flaw = None;
        if let Some(request) = reading {
            let image = self.insist(&request, &mut log)?;
            let read = image.answer().and_then(|answer| answer.blocks.as_ref());
            flaw = read.and_then(|image| self.history.backup(image).err());
            seen.image = Some(image);
        }
        let shown = self.shown_after(&mut seen, &mut log)?;
        flaw = flaw.or(shown);
        seen.may_lapse |= self.may_lapse(&ask);
        let observed = follow::observed(&self.guide, numbers, tracks, &seen);
        let observed = observed.or_else(|lost| {
            self.excused(lost, |guide, tracks| follow::follow(guide, numbers, &tracks, &seen))
        });
        match observed {
            Ok(observed) => tracks = observed,
            Err(lost) => return Ok(self.end(seen, log, lost)),
        }
        if let Some(flaw) = flaw {
            return Ok(self.flawed(seen, log, flaw));
        }
        self.note_class(&seen);
        self.tracks = tracks;
        self.shadow(&seen);
        self.seen.push(seen);
        self.log.push((verb.to_string(), log));
        Ok(VerbOutcome::Done)
    }

    /// Where nobody says how much the journal holds, the host is not held when the model's journal is full. So the kit writes
    /// only once there is room for certain, and waits for it where it may come; the write is left out otherwise.
    fn make_room(&mut self, verb: &Verb) -> Result<VerbOutcome, AdapterFailure> {
        let block = match verb.kind {
            Some(ActionKind::WriteOne) => verb.block(),
            Some(ActionKind::WriteFirst) => 0,
            Some(ActionKind::WriteSecond) => BLOCKS - 1,
            _ => return Ok(VerbOutcome::Done),
        };
        if self.says_its_room() {
            return Ok(VerbOutcome::Done);
        }
        for look in 1..=LOOKS_MAX {
            let Some(tracks) = self.guide.closure(&self.tracks) else { break };
            if tracks.iter().all(|track| track.has_room(block, self.setting.journal)) {
                return Ok(VerbOutcome::Done);
            }
            let is_up = self.tracks.first().is_some_and(|track| track.state.link_up);
            if !is_up || !self.guide.manner.runs_free {
                break;
            }
            self.pause(look);
            match self.perform(&Verb::WAIT)? {
                VerbOutcome::Done => {}
                other @ (VerbOutcome::LeftOut(_) | VerbOutcome::Failed(_)) => return Ok(other),
            }
        }
        Ok(VerbOutcome::LeftOut(WhyLeftOut::NoRoom))
    }

    /// The pair states on both sides that may be now.
    pub fn pairs(&self) -> HashSet<(PairState, PairState)> {
        let tracks = self.guide.closure(&self.tracks).unwrap_or_default();
        let pair = |track: &Track| (track.state.primary.state, track.state.secondary.state);
        tracks.iter().map(pair).collect()
    }

    /// Gives an implementation with threads of its own a part of the time that a Sync may take, before it is looked at once
    /// more. The later, the longer: a connection may have to be made again.
    pub fn pause(&self, look: usize) {
        if look <= LOOKS_AT_ONCE || self.how.level == Level::Steered {
            return;
        }
        let part = self.how.sync_ms / LOOKS_MAX.saturating_sub(look).saturating_add(1) as u64;
        std::thread::sleep(std::time::Duration::from_millis(part));
    }

    fn ask(&mut self, request: &Request, log: &mut Vec<String>) -> Result<Reply, AdapterFailure> {
        let reply = self.adapter.ask(request)?;
        log.push(format!("{request} -> {reply}"));
        Ok(reply)
    }

    /// Asks what there is to see after a verb, if it is due; a flaw that the image has by itself is returned. A black box shows at
    /// least what a takeover has left.
    fn shown_after(
        &mut self,
        seen: &mut Observation,
        log: &mut Vec<String>,
    ) -> Result<Option<Flaw>, AdapterFailure> {
        let verb = &seen.verb;
        let is_taken_over =
            verb.is(ActionKind::Takeover) && matches!(seen.reply, Some(Reply::Ok(_)));
        let is_due =
            !self.setting.is_hasty || *verb == Verb::WAIT || self.seen.len() % HASTY == HASTY - 1;
        if self.how.level == Level::BlackBox {
            if is_taken_over && self.hello.can("read") {
                let read = self.insist(&Request::Read { volume: Volume::SpVol }, log)?;
                let blocks = read.answer().and_then(|read| read.blocks.clone());
                let volumes = serde_json::json!({ "sp_vol": blocks.unwrap_or_default() });
                seen.status = Some(serde_json::Map::from_iter([("volumes".into(), volumes)]));
            }
        } else if self.hello.can("status") && is_due {
            let status = self.ask(&Request::Status, log)?;
            let flaw = self.judge(&status);
            if let Reply::Ok(status) = status {
                seen.status = Some(status.shown);
            }
            return Ok(flaw);
        }
        Ok(None)
    }

    /// Asks for what the kit does itself as coordinator and requester: again, as long as it is not told whether it was done.
    fn insist(
        &mut self,
        request: &Request,
        log: &mut Vec<String>,
    ) -> Result<Reply, AdapterFailure> {
        for _ in 0..LOOKS_MAX {
            let reply = self.ask(request, log)?;
            if !matches!(reply, Reply::Refused { definite: false, .. }) {
                return Ok(reply);
            }
        }
        let what = format!("whether it was done is left open {LOOKS_MAX} times in a row");
        Err(self.adapter.trouble(request, what))
    }

    fn shadow(&mut self, seen: &Observation) {
        let (numbers, shown) = (self.numbers, &mut self.shown);
        self.shadows.retain_mut(|shadow| match shadow.follow(numbers, seen) {
            ShadowOutcome::Explained => true,
            ShadowOutcome::Lost => false,
            ShadowOutcome::RuleShown => {
                shown.insert(shadow.rule);
                false
            }
        });
    }

    /// What nothing explains as long as the link is only taken for failed once it was, may be a false suspicion, which PAIR-3
    /// permits: then an implementation that says it suspects is followed as one that does, from the beginning. How the rules
    /// that it was seen to keep would have looked is not asked again.
    fn excused(
        &mut self,
        lost: NoExplanation,
        judge: impl Fn(&Guide, Vec<Track>) -> Result<Vec<Track>, NoExplanation>,
    ) -> Result<Vec<Track>, NoExplanation> {
        let manner = self.guide.manner;
        let may_suspect = self.hello.can("suspects-link") && manner.runs_free;
        if lost == NoExplanation::TooMany || !may_suspect || manner.suspects {
            return Err(lost);
        }
        let world = self.guide.world.clone();
        let guide = Guide::new(world, Pacing { suspects: true, ..manner });
        let begin = Ok(vec![guide.begin()]);
        let before = self
            .seen
            .iter()
            .fold(begin, |tracks, seen| follow::follow(&guide, self.numbers, &tracks?, seen));
        match before.and_then(|tracks| judge(&guide, tracks)) {
            Ok(tracks) => {
                self.guide = guide;
                (self.shadows, self.shown) = (Vec::new(), BTreeSet::new());
                Ok(tracks)
            }
            Err(NoExplanation::TooMany) => Err(NoExplanation::TooMany),
            Err(NoExplanation::Mismatch(_)) => Err(lost),
        }
    }

    /// From now on the implementation is followed as one that may take a link that works for failed (PAIR-3), if it is not yet
    /// and no wait has been of use. Whether that is new.
    pub fn begins_to_suspect(&mut self) -> bool {
        let in_vain = Mismatch { what: String::new(), expected: Vec::new(), seen: String::new() };
        let tracks = self.excused(NoExplanation::Mismatch(in_vain), |guide, tracks| {
            guide.closure(&tracks).ok_or(NoExplanation::TooMany)
        });
        tracks.map(|tracks| self.tracks = tracks).is_ok()
    }

    fn end(&mut self, seen: Observation, log: Vec<String>, lost: NoExplanation) -> VerbOutcome {
        let verb = seen.verb.to_string();
        self.seen.push(seen);
        self.log.push((verb.clone(), log));
        match lost {
            NoExplanation::TooMany => {
                self.is_lost = true;
                VerbOutcome::LeftOut(WhyLeftOut::TooManyStates)
            }
            NoExplanation::Mismatch(mismatch) => {
                let witness = Some(self.witness());
                VerbOutcome::Failed(Box::new(Failure {
                    at: self.seen.len(),
                    verb,
                    mismatch,
                    witness,
                }))
            }
        }
    }

    fn flawed(&mut self, seen: Observation, log: Vec<String>, flaw: Flaw) -> VerbOutcome {
        let mismatch = Mismatch {
            what: "the image, judged by what was written".into(),
            expected: vec!["what the writes that were answered leave".into()],
            seen: flaw.what,
        };
        let mut step = self.end(seen, log, NoExplanation::Mismatch(mismatch));
        if let VerbOutcome::Failed(failure) = &mut step
            && let Some(witness) = &mut failure.witness
        {
            witness.flaw = Some(flaw.rule);
        }
        step
    }

    /// A failure that no answer shows: something that has to come does not.
    pub fn stalled(&mut self, what: &str, expected: &str, seen: &str) -> Box<Failure> {
        let mismatch =
            Mismatch { what: what.into(), expected: vec![expected.into()], seen: seen.into() };
        let verb = self.log.last().map(|(verb, _)| verb.clone()).unwrap_or_default();
        Box::new(Failure { at: self.seen.len(), verb, mismatch, witness: None })
    }

    fn witness(&self) -> Witness {
        Witness {
            setting: followed(&self.hello, self.setting),
            manner: self.guide.manner,
            lacks: self.hello.lacks.clone(),
            numbers: self.numbers,
            seen: self.seen.clone(),
            flaw: None,
        }
    }

    /// Ends the system under test.
    ///
    /// # Errors
    /// The adapter has ended, is silent for too long, or gives an answer that is none.
    pub fn close(self) -> Result<(), AdapterFailure> {
        self.adapter.ask(&Request::Reset).map(|_| ())
    }
}

/// The setting that an implementation is followed in: a journal of which nothing is said has room for what a resync numbers
/// by itself.
fn followed(hello: &Hello, setting: Setting) -> Setting {
    let journal = if hello.can("journal") { setting.journal } else { JOURNAL_MAX };
    Setting { journal, ..setting }
}
