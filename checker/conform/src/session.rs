//! One script, done with one adapter: what is asked, what is answered, and what the oracle makes of it. Which script it is,
//! and what becomes of the outcome, is not decided here.
use std::collections::{BTreeSet, HashMap, HashSet};

use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{PairState, Rule};
use syncsplit_model::world::state::JOURNAL_MAX;
use syncsplit_model::world::{ActionKind, Start, WhyNot};

use crate::class::Class;
use crate::explain::Witness;
use crate::follow;
use crate::history::{Flaw, History};
use crate::left_out::WhyLeftOut;
use crate::process::{Adapter, AdapterFailure};
use crate::request::{self, Asked, Asker, has_setting};
use crate::script::{BLOCKS, Setting};
use crate::seen::{Mismatch, NoExplanation, Numbers, Observation};
use crate::track::{Guide, Pacing, Track};
use crate::verb::Verb;
use crate::wire::{Hello, Level, Reply, Request, Transaction};

/// After how many verbs a hasty script asks for the status.
const HASTY: usize = 6;
/// How often an implementation that runs by itself is looked at before it is given up.
pub const LOOKS_MAX: usize = 50;
/// How often it is looked at without a pause: one that moves with each request needs none, and threads of its own do.
const LOOKS_AT_ONCE: usize = 10;
/// How often in a row a Sync that is decided may run out of time. The protocol says that it is told in the end, and not when.
const TIMEOUTS_MAX: usize = 10;

/// How an adapter is used.
#[derive(Clone, Copy, Debug)]
pub struct AdapterOptions {
    /// The level.
    pub level: Level,
    /// How long a Sync may wait where the implementation runs by itself.
    pub sync_ms: u64,
    /// For the implementation's own choices, if it makes any by chance.
    pub seed: u64,
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

/// The world without one rule, followed beside the true one: when it can no longer explain what was seen, the
/// implementation has shown that it keeps the rule.
struct Shadow {
    rule: Rule,
    guide: Guide,
    tracks: Vec<Track>,
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
        let manner = Pacing { runs_free, is_marked, sync_waits: runs_free && how.sync_ms > 0 };
        let guide = |without: &[Rule]| Guide::new(followed.world(without), manner);
        let main = guide(&hello.lacks);
        let tracks = vec![main.begin()];
        let watched = watched.iter().filter(|rule| !hello.lacks.contains(rule));
        let shadows = watched
            .map(|rule| {
                let mut without = hello.lacks.clone();
                without.push(*rule);
                let guide = guide(&without);
                Shadow { rule: *rule, tracks: vec![guide.begin()], guide }
            })
            .collect();
        let mut session = Self {
            adapter,
            hello,
            how,
            setting,
            guide: main,
            numbers: Numbers::default(),
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

    /// Where the implementation begins to count.
    fn learn_numbers(&mut self) -> Result<(), AdapterFailure> {
        if self.how.level == Level::BlackBox || !self.hello.can("status") {
            return Ok(());
        }
        let status = self.adapter.ask(&Request::Status)?;
        let primary = &self.tracks[0].state.primary;
        let shown = status.answer().and_then(|answer| answer.primary.as_ref());
        if let Some(incarnation) = shown.and_then(|shown| shown.incarnation) {
            self.numbers.incarnation = incarnation - i64::from(primary.incarnation.0);
        }
        if let Some(newest) = shown.and_then(|shown| shown.newest) {
            self.numbers.seq = newest - primary.newest.0 as i64;
        }
        Ok(())
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
            let is_open = self.tracks.first().is_none_or(|track| track.state.database.open > 0);
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
            None if self.how.level == Level::BlackBox => {
                Asked::This(Request::sync(self.how.sync_ms))
            }
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
        let mut seen =
            Observation { verb: *verb, number, reply, image: None, status: None, is_overdue };
        self.remember(&seen, &ask);
        let answered = follow::judged(&self.guide, self.numbers, self.tracks.clone(), &seen);
        let mut tracks = match answered {
            Ok(tracks) => tracks,
            Err(lost) => return Ok(self.end(seen, log, lost)),
        };
        let after = tracks[0];
        let (consequences, reading) = {
            let asker = self.asker();
            (asker.consequences(&before, &after, verb), asker.reading(&before, &after))
        };
        for request in consequences {
            self.ask(&request, &mut log)?;
        }
        let mut flaw = None;
        if let Some(request) = reading {
            let image = self.ask(&request, &mut log)?;
            let read = image.answer().and_then(|answer| answer.blocks.as_ref());
            flaw = read.and_then(|image| self.history.backup(image).err());
            seen.image = Some(image);
        }
        let is_due =
            !self.setting.is_hasty || *verb == Verb::WAIT || self.seen.len() % HASTY == HASTY - 1;
        if self.how.level != Level::BlackBox && self.hello.can("status") && is_due {
            let status = self.ask(&Request::Status, &mut log)?;
            flaw = flaw.or_else(|| self.judge(&status));
            if let Reply::Ok(status) = status {
                seen.status = Some(status.shown);
            }
        }
        match follow::observed(&self.guide, self.numbers, tracks, &seen) {
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

    /// Whether a mark is waited for in vain: a look would end the Sync in each state that may be, and it has been told that its
    /// time is over as often as that may be.
    fn is_overdue(&mut self, verb: &Verb, reply: Option<&Reply>) -> bool {
        let is_timeout = reply.is_some_and(|reply| reply.outcome() == Some(SyncOutcome::Timeout));
        let is_look = verb.is(ActionKind::SyncLook) && self.guide.manner.is_marked;
        let is_vain = is_look && is_timeout && self.tracks.iter().all(Track::is_decided);
        self.timeouts = if is_vain { self.timeouts + 1 } else { 0 };
        self.timeouts >= TIMEOUTS_MAX
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

    /// Writes down what the history has to know.
    fn remember(&mut self, seen: &Observation, ask: &Asked) {
        let done = matches!(seen.reply, Some(Reply::Ok(_)));
        let perhaps = matches!(seen.reply, Some(Reply::Refused { definite: false, .. }));
        let Asked::This(request) = ask else { return };
        if let Request::Write { block, transaction, .. } = request {
            self.number = seen.number;
            if done || perhaps {
                let goes_on = *transaction == Transaction::First;
                self.history.write(seen.number, *block, done, goes_on);
            }
        } else if let Request::RemoteWrite { .. } = request {
            self.number = seen.number;
            self.history.fork();
        } else if done && matches!(request, Request::Freeze { .. }) {
            self.history.freeze();
        } else if done && matches!(request, Request::Takeover { .. }) {
            self.history.fork();
        }
        // A freeze that waited is reached with the transaction's last write.
        let state = &self.tracks[0].state;
        let waits = matches!(state.coordinator.state, CoordinatorState::Freezing(_));
        if waits && request.transaction() == Some(Transaction::Last) {
            self.history.freeze();
        }
    }

    /// The S/P-VOL has to be an image of a prefix wherever the implementation says that it is consistent.
    fn judge(&self, status: &Reply) -> Option<Flaw> {
        let answer = status.answer()?;
        let is_consistent = answer.secondary.as_ref()?.consistent == Some(true);
        let image = answer.volumes.as_ref()?.sp_vol.as_ref()?;
        let is_judged = is_consistent && self.setting.start == Start::Pair;
        if is_judged { self.history.prefix(image).err() } else { None }
    }

    /// Notes the class of the step that was taken, where it is certain: all states that it may have been taken in, and from
    /// which what was seen can have come of it, are of one.
    fn note_class(&mut self, seen: &Observation) {
        let verb = &seen.verb;
        let Some(kind) = verb.kind else { return };
        let mut classes: HashMap<Class, Vec<Track>> = HashMap::new();
        for track in &self.tracks {
            let is_taken = self.guide.take(track, verb, 0).is_ok();
            let class = Class::of(kind, &track.state, is_taken);
            classes.entry(class).or_default().push(*track);
        }
        if classes.keys().all(|class| self.classes.contains(class)) {
            return;
        }
        if classes.len() > 1 {
            classes.retain(|_, tracks| {
                let answered = follow::judged(&self.guide, self.numbers, tracks.clone(), seen);
                let observed = answered
                    .and_then(|after| follow::observed(&self.guide, self.numbers, after, seen));
                observed.is_ok()
            });
        }
        if classes.len() == 1 {
            self.classes.extend(classes.keys());
        }
    }

    fn shadow(&mut self, seen: &Observation) {
        let numbers = self.numbers;
        let shown = &mut self.shown;
        self.shadows.retain_mut(|shadow| {
            let guide = &shadow.guide;
            let is_kits = seen.reply.is_none();
            if is_kits && follow::answered(guide, numbers, &shadow.tracks, seen).is_err() {
                // What the kit itself does, and does otherwise without the rule, shows nothing of the implementation.
                return false;
            }
            match follow::follow(&shadow.guide, numbers, &shadow.tracks, seen) {
                Ok(tracks) => {
                    shadow.tracks = tracks;
                    true
                }
                Err(NoExplanation::Mismatch(_)) => {
                    shown.insert(shadow.rule);
                    false
                }
                Err(NoExplanation::TooMany) => false,
            }
        });
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
