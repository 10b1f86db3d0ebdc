//! What a session writes down as it goes: where numbers begin, since when the database stands still, what was written, and
//! which classes of steps were taken. Nothing is asked here but for the numbers, and no answer is judged by the model.

use std::collections::HashMap;
use std::time::Instant;

use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::world::{ActionKind, Start};

use super::Session;
use crate::class::Class;
use crate::follow;
use crate::history::Flaw;
use crate::process::AdapterFailure;
use crate::request::Asked;
use crate::seen::Observation;
use crate::track::Track;
use crate::verb::Verb;
use crate::wire::{Level, Reply, Request, Transaction};

/// How often in a row a Sync that is decided may run out of time. The protocol says that it is told in the end, and not when.
const TIMEOUTS_MAX: usize = 10;

impl Session<'_> {
    /// Where the implementation begins to count.
    pub(super) fn learn_numbers(&mut self) -> Result<(), AdapterFailure> {
        if self.how.level == Level::BlackBox || !self.hello.can("status") {
            return Ok(());
        }
        let status = self.adapter.ask(&Request::Status)?;
        let answer = status.answer();
        let primary = answer.and_then(|answer| answer.primary.as_ref());
        let secondary = answer.and_then(|answer| answer.secondary.as_ref());
        self.shows_pair = primary.is_some_and(|primary| primary.state.is_some());
        // All of these are the same at rest.
        let mut incarnation = primary.and_then(|primary| primary.incarnation);
        incarnation = incarnation.or(secondary.and_then(|secondary| secondary.incarnation));
        let mut seq = primary.and_then(|primary| primary.newest.or(primary.written));
        seq = seq.or(secondary.and_then(|secondary| secondary.written));
        if (incarnation.is_none() || seq.is_none()) && self.setting.start == Start::Pair {
            let mark = self.adapter.ask(&Request::Mark)?;
            incarnation = incarnation.or(mark.answer().and_then(|mark| mark.incarnation));
            seq = seq.or(mark.answer().and_then(|mark| mark.seq));
        }
        let model = &self.tracks[0].state.primary;
        let incarnation = incarnation.map(|shown| (shown, model.incarnation.0));
        self.numbers.learn(incarnation, seq.map(|shown| (shown, model.newest.0)));
        Ok(())
    }

    /// Keeps a mark as it was answered. Where nothing else has said where numbers begin, it does.
    pub(super) fn learn_mark(&mut self, reply: Option<&Reply>, tracks: &[Track]) {
        let answer = reply.and_then(Reply::answer);
        let Some((incarnation, seq)) = answer.and_then(|mark| mark.incarnation.zip(mark.seq))
        else {
            return;
        };
        self.mark = Some((incarnation, seq));
        let mut held = tracks.iter().map(|track| track.state.sync.map(|sync| sync.held));
        let Some(Some(first)) = held.next() else { return };
        if held.all(|other| other == Some(first)) {
            self.numbers.learn(Some((incarnation, first.incarnation.0)), Some((seq, first.seq.0)));
        }
    }

    /// Whether a mark is waited for in vain: a look would end the Sync in each state that may be, and it has been told that its
    /// time is over as often as that may be.
    pub(super) fn is_overdue(&mut self, verb: &Verb, reply: Option<&Reply>) -> bool {
        let is_timeout = reply.is_some_and(|reply| reply.outcome() == Some(SyncOutcome::Timeout));
        let is_look = verb.is(ActionKind::SyncLook) && self.guide.manner.is_marked;
        let is_vain = is_look && is_timeout && self.tracks.iter().all(Track::is_decided);
        self.timeouts = if is_vain { self.timeouts + 1 } else { 0 };
        self.timeouts >= TIMEOUTS_MAX
    }

    /// Whether the lease of a freeze may be over by now.
    pub(super) fn may_lapse(&mut self, ask: &Asked) -> bool {
        if matches!(ask, Asked::This(Request::Freeze { .. })) {
            self.still_since.get_or_insert_with(Instant::now);
        }
        let lasted = self.still_since.map(|since| since.elapsed());
        let is_still = self.tracks.iter().any(|track| {
            let state = &track.state;
            state.database.freeze != FreezeState::Running || state.primary.quiesced.is_some()
        });
        if !is_still && !matches!(ask, Asked::This(Request::Freeze { .. })) {
            self.still_since = None;
        }
        lasted.is_some_and(|lasted| lasted.as_millis() >= u128::from(self.how.lease_ms))
    }

    /// Writes down what the history has to know.
    pub(super) fn remember(&mut self, seen: &Observation, ask: &Asked) {
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
        } else if (done || perhaps) && matches!(request, Request::Takeover { .. }) {
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
    pub(super) fn judge(&self, status: &Reply) -> Option<Flaw> {
        let answer = status.answer()?;
        let is_consistent = answer.secondary.as_ref()?.consistent == Some(true);
        let image = answer.volumes.as_ref()?.sp_vol.as_ref()?;
        let is_judged = is_consistent && self.setting.start == Start::Pair;
        if is_judged { self.history.prefix(image).err() } else { None }
    }

    /// Notes the class of the step that was taken, where it is certain: all states that it may have been taken in, and from
    /// which what was seen can have come of it, are of one.
    pub(super) fn note_class(&mut self, seen: &Observation) {
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
}
