//! How every script ends: what is under way is brought to its end, the pair to PAIR, and one more backup has to come and be
//! right. A difference that nothing covers, or a wait that never ends, shows at the latest here.

use enumset::enum_set;
use syncsplit_model::protocol::PairState;
use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::protocol::requester::RequesterState;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::world::{ActionKind, ActionKinds, State};

use crate::process::AdapterFailure;
use crate::session::{Failure, LOOKS_MAX, Session, VerbOutcome};
use crate::track::Track;
use crate::verb::{MessageKind, Verb};
use crate::wire::Level;

/// The most verbs that an ending takes; more are a wait without end.
const VERBS_MAX: usize = 300;

/// How an ending came out.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The backup came, and was right.
    Backup,
    /// The adapter has no way to such an end from here.
    NoWay,
    /// Something was not as it has to be.
    Failed(Box<Failure>),
}

/// A kind of step towards the end, of this message if of any.
type Towards = (ActionKind, Option<MessageKind>);

/// What brings a backup to its end.
const BACKUP: &[Towards] = &[
    (ActionKind::WriteSecond, None),
    (ActionKind::DeliverHost, Some(MessageKind::Request)),
    (ActionKind::SyncBegin, None),
    (ActionKind::SyncLook, None),
    (ActionKind::DeliverHost, Some(MessageKind::Split)),
    (ActionKind::DeliverHost, Some(MessageKind::SplitDone)),
    (ActionKind::DeliverHost, Some(MessageKind::SplitRefused)),
    (ActionKind::Thaw, None),
    (ActionKind::DeliverHost, Some(MessageKind::Permit)),
    (ActionKind::DeliverHost, Some(MessageKind::Reject)),
    (ActionKind::FinishBackup, None),
];

/// What brings everything else to its end, the first possible first.
const SETTLE: &[Towards] = &[
    (ActionKind::WriteSecond, None),
    (ActionKind::FinishBackup, None),
    (ActionKind::Thaw, None),
    (ActionKind::SyncTimeout, None),
    (ActionKind::SyncBegin, None),
    (ActionKind::CoordinatorTimeout, None),
    (ActionKind::DeliverHost, Some(MessageKind::SplitDone)),
    (ActionKind::DeliverHost, Some(MessageKind::Permit)),
    (ActionKind::DeliverHost, Some(MessageKind::Reject)),
    (ActionKind::RequesterTimeout, None),
    (ActionKind::LoseHost, None),
    (ActionKind::LinkUp, None),
    (ActionKind::Failback, None),
    (ActionKind::Deliver, None),
    (ActionKind::DeliverReply, None),
    (ActionKind::Apply, None),
    (ActionKind::Send, None),
    (ActionKind::Report, None),
    (ActionKind::CopyBlock, None),
    (ActionKind::PairMark, None),
    (ActionKind::Create, None),
    (ActionKind::Resync, None),
    (ActionKind::LeaseExpires, None),
];

/// What an implementation that runs by itself does without being asked, and that gets it further.
pub(crate) const INTERNAL: &[ActionKind] = &[
    ActionKind::Deliver,
    ActionKind::DeliverReply,
    ActionKind::Apply,
    ActionKind::Send,
    ActionKind::Report,
    ActionKind::CopyBlock,
    ActionKind::PairMark,
];

/// What gives up waiting, and so ends nothing well.
const GIVES_UP: ActionKinds = enum_set!(
    ActionKind::SyncTimeout
        | ActionKind::CoordinatorTimeout
        | ActionKind::RequesterTimeout
        | ActionKind::LoseHost
);

/// Brings a script to its end.
///
/// # Errors
/// The adapter has ended, is silent for too long, or gives an answer that is none.
pub fn finish(session: &mut Session<'_>, level: Level) -> Result<Ending, AdapterFailure> {
    let mut looks = 0;
    let mut is_last = false;
    let mut losses = Losses::default();
    for _ in 0..VERBS_MAX {
        if session.is_lost || losses.are_too_many() {
            return Ok(Ending::NoWay);
        }
        let track = session.tracks[0];
        let was_reading = is_reading(&track);
        let is_sure = if session.is_blind() {
            is_at_rest(&track) && waited(session) == Some(true)
        } else {
            is_settled(&track, level)
        };
        if losses.add(session) {
            looks = 0;
        }
        if !is_last && is_sure {
            is_last = true;
            match session.perform(&Verb::bare(ActionKind::StartBackup))? {
                VerbOutcome::Failed(failure) => return Ok(Ending::Failed(failure)),
                VerbOutcome::Done => continue,
                VerbOutcome::LeftOut(_) => return Ok(Ending::NoWay),
            }
        }
        let Some(verb) = next(session, &track, level, is_last) else {
            return Ok(Ending::NoWay);
        };
        if verb == Verb::WAIT || verb.is(ActionKind::SyncLook) {
            looks += 1;
            session.pause(looks);
        }
        match session.perform(&verb)? {
            VerbOutcome::Failed(failure) => return Ok(Ending::Failed(failure)),
            VerbOutcome::Done => {}
            VerbOutcome::LeftOut(_) => return Ok(Ending::NoWay),
        }
        if is_last && was_reading && verb.is(ActionKind::FinishBackup) {
            return Ok(Ending::Backup);
        }
        let now = &session.tracks[0].state;
        let is_rejected = is_last
            && now.requester.state == RequesterState::Idle
            && now.coordinator.state == CoordinatorState::Idle;
        if is_rejected && !verb.is(ActionKind::StartBackup) {
            // The pair left PAIR under the kit's hands, as it may where a failure is noticed late.
            is_last = false;
            looks += 1;
        }
        if looks > LOOKS_MAX && session.begins_to_suspect() {
            // It may have given the pair up unseen, and waits for a command.
            looks = 0;
        }
        if looks > LOOKS_MAX {
            let primary = session.tracks[0].state.primary.state;
            let expected = "a backup, since nothing fails any more";
            let seen = format!("after {looks} looks the primary is in {primary}");
            let what = "what has to come in the end";
            return Ok(Ending::Failed(session.stalled(what, expected, &seen)));
        }
    }
    let what = "what has to come in the end";
    Ok(Ending::Failed(session.stalled(what, "a backup, since nothing fails any more", "no end")))
}

fn is_reading(track: &Track) -> bool {
    matches!(track.state.requester.state, RequesterState::Reading(_))
}

/// Whether the last thing done was to look whether everything is written, and if so, whether it was.
fn waited(session: &Session<'_>) -> Option<bool> {
    let last = session.seen.last().filter(|seen| seen.verb == Verb::WAIT)?;
    let reply = last.reply.as_ref()?;
    Some(reply.outcome() == Some(SyncOutcome::Done))
}

/// Whether neither host has anything under way.
fn is_at_rest(track: &Track) -> bool {
    let state = &track.state;
    state.link_up
        && state.requester.state == RequesterState::Idle
        && state.coordinator.state == CoordinatorState::Idle
        && state.host.is_empty()
        && state.database.open == 0
}

/// Whether nothing is under way, so that a backup can be taken.
fn is_settled(track: &Track, level: Level) -> bool {
    let state = &track.state;
    let at_rest = state.secondary.state == PairState::Pair && state.primary.journal.is_empty();
    is_at_rest(track)
        && state.primary.state == PairState::Pair
        && (level != Level::Steered || at_rest)
}

/// The next verb towards the end.
fn next(session: &Session<'_>, track: &Track, level: Level, is_last: bool) -> Option<Verb> {
    let is_free = level != Level::Steered;
    let order: Vec<Towards> = if is_last { [BACKUP, SETTLE].concat() } else { SETTLE.to_vec() };
    let steps: Vec<Verb> =
        session.guide.steps(track, 0).iter().map(|(action, _)| Verb::of(action)).collect();
    let leads = |verb: &Verb, (kind, message): Towards| {
        verb.is(kind) && (message.is_none() || verb.message_kind() == message)
    };
    let is_decided = session.tracks.iter().all(Track::is_decided);
    let is_blind = session.is_blind();
    if is_free && !is_blind && is_decided {
        // Before it is given up it has to be told what it has come to: a timeout may hide that it never is.
        return Some(Verb::bare(ActionKind::SyncLook));
    }
    if let Some(verb) = settles_a_doubt(session) {
        return Some(verb);
    }
    let link_up = steps.iter().find(|verb| verb.is(ActionKind::LinkUp));
    if let Some(verb) = link_up.filter(|_| !session.says_its_room()) {
        // Without the link there may never be room for the rest of a transaction.
        return Some(*verb);
    }
    for towards @ (kind, _) in order {
        if is_blind && (ActionKind::Create | ActionKind::Resync).contains(kind) {
            continue;
        }
        if is_free && INTERNAL.contains(&kind) || is_last && GIVES_UP.contains(kind) {
            continue;
        }
        let found = steps.iter().find(|verb| leads(verb, towards) && !verb.extra);
        let changes = |verb: &&Verb| session.guide.take(track, verb, 0).as_ref() != Ok(track);
        if let Some(verb) = found.filter(|verb| is_useful(verb, &track.state)).filter(changes) {
            return Some(*verb);
        }
    }
    let is_open = track.state.database.open > 0;
    let is_last_verb = |kind| session.seen.last().is_some_and(|seen| seen.verb.is(kind));
    if is_free && is_open && !is_last_verb(ActionKind::WriteSecond) {
        // It may have been refused for want of room, and there may be some by now.
        return Some(Verb::bare(ActionKind::WriteSecond));
    }
    let is_waiting = matches!(track.state.coordinator.state, CoordinatorState::Syncing(_));
    if is_free && is_last && is_waiting && track.state.sync.is_some() {
        return Some(Verb::bare(ActionKind::SyncLook));
    }
    if !is_free {
        return None;
    }
    if is_blind && waited(session) != Some(false) {
        return Some(Verb::WAIT);
    }
    let may_be = |is: &dyn Fn(PairState) -> bool| {
        let state = |track: &Track| track.state.primary.state;
        if is_blind { session.tracks.iter().map(state).any(is) } else { is(state(track)) }
    };
    let (is_suspended, is_alone) =
        (may_be(&PairState::is_suspended), may_be(&|state| state == PairState::Smpl));
    // Where both may be, each is asked for in turn: a command of which nothing was heard is given again (SPEC.md, 3.1).
    let was_resync = session
        .seen
        .iter()
        .rev()
        .find(|seen| seen.verb.is_in(ActionKind::Create | ActionKind::Resync))
        .is_some_and(|seen| seen.verb.is(ActionKind::Resync));
    Some(if is_suspended && !(is_alone && was_resync) {
        Verb::bare(ActionKind::Resync)
    } else if is_alone {
        Verb::bare(ActionKind::Create)
    } else {
        Verb::WAIT
    })
}

/// The verb after which the same is so in each state that may be, where an answer has left open whether a step was taken
/// that the kit has to know of: whether the link is up, and whether a transaction is open.
fn settles_a_doubt(session: &Session<'_>) -> Option<Verb> {
    let differs = |is: &dyn Fn(&State) -> bool| {
        let mut states = session.tracks.iter().map(|track| is(&track.state));
        let first = states.next();
        states.any(|other| Some(other) != first)
    };
    // While writes are held or the journal is full no state changes by it: what else there is to do goes on in between.
    let was_asked = session.seen.last().is_some_and(|seen| seen.verb.is(ActionKind::WriteSecond));
    if differs(&|state| state.link_up) {
        Some(Verb::bare(ActionKind::LinkUp))
    } else if !was_asked && differs(&|state| state.database.open > 0) {
        Some(Verb::bare(ActionKind::WriteSecond))
    } else {
        None
    }
}

/// How often a pair that was in PAIR for certain is not any more, while the kit brings a script to its end. An implementation
/// may suspect its link at any time (PAIR-3), and what it has come to before counts for nothing then.
#[derive(Default)]
struct Losses {
    was_paired: bool,
    count: usize,
}

impl Losses {
    /// So many say that it may never come to a backup, and nothing against that.
    const MAX: usize = 20;

    /// Whether the pair has just been seen to be in PAIR no more.
    fn add(&mut self, session: &Session<'_>) -> bool {
        let mut states = session.tracks.iter().map(|track| track.state.primary.state);
        let is_paired = states.clone().all(|state| state == PairState::Pair);
        let is_lost = self.was_paired && states.all(PairState::is_suspended);
        if is_paired || is_lost {
            self.was_paired = is_paired;
        }
        self.count += usize::from(is_lost);
        is_lost
    }

    const fn are_too_many(&self) -> bool {
        self.count > Self::MAX
    }
}

/// Whether a verb that is possible gets anything further.
pub(crate) fn is_useful(verb: &Verb, state: &State) -> bool {
    let (primary, secondary) = (&state.primary, &state.secondary);
    if verb.is(ActionKind::Send) {
        let seq = verb.number.unwrap_or_default();
        let next = secondary.written.0 + 1;
        let heeds = secondary.state.is_linked() && secondary.incarnation == primary.incarnation;
        heeds && seq == next && !secondary.queue.entries().any(|entry| entry.seq.0 == seq)
    } else if verb.is(ActionKind::Report) {
        let tells = primary.written < secondary.written || !secondary.state.is_linked();
        let hears = primary.state.is_linked() || primary.pending.is_some();
        tells && hears
    } else {
        // What is suspended is asked for again only once failback, if it has to come, has come.
        !verb.is(ActionKind::Resync) || secondary.state != PairState::Ssws
    }
}
