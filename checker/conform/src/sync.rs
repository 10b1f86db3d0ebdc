//! How the answer to a Sync is judged in a state that an implementation may be in: its mark, and its outcome. What is asked
//! is not decided here.

use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{PairState, Rule};
use syncsplit_model::world::{ActionKind, WhyNot};

use crate::seen::{NoExplanation, Numbers, Observation, keep};
use crate::track::{Guide, Track};
use crate::verb::Verb;
use crate::wire::{Answer, Reply};

/// Where the status is not to be had, a Sync tells at least whether the pair is in PAIR and everything is written.
pub(crate) fn waited(tracks: Vec<Track>, seen: &Observation) -> Result<Vec<Track>, NoExplanation> {
    let Some(reply) = &seen.reply else { return Ok(tracks) };
    let is_done = reply.outcome() == Some(SyncOutcome::Done);
    let is_refused = matches!(reply, Reply::Refused { definite: true, .. });
    keep(tracks, "the answer to a Sync", &|| reply.to_string(), |track| {
        let primary = &track.state.primary;
        let is_paired = primary.state == PairState::Pair;
        if is_done && !(is_paired && primary.written >= primary.newest) {
            return Err("no DONE".into());
        }
        if is_refused && is_paired {
            return Err("no refusal in PAIR".into());
        }
        Ok(vec![*track])
    })
}

/// SYNC-1, SYNC-2: the point that is to be waited for, or that there is none.
pub(crate) fn mark(
    numbers: Numbers,
    after: Result<Track, WhyNot>,
    reply: &Reply,
) -> Result<Vec<Track>, String> {
    let after = after.map_err(|why| why.to_string())?;
    let Some(sync) = after.state.sync else {
        let is_refused = matches!(reply, Reply::Refused { .. });
        return if is_refused { Ok(vec![after]) } else { Err("refused: not in PAIR".into()) };
    };
    let incarnation = numbers.incarnation(sync.held.incarnation.0);
    let seq = numbers.seq(sync.held.seq.0);
    let same = |shown: Option<i128>, expected: Option<i128>| {
        shown.zip(expected).is_none_or(|(shown, expected)| shown == expected)
    };
    let is_so = |answer: &Answer| same(answer.incarnation, incarnation) && same(answer.seq, seq);
    if reply.answer().is_some_and(is_so) {
        Ok(vec![after])
    } else {
        let word = |number: Option<i128>| number.map_or_else(|| "any".into(), |n| n.to_string());
        Err(format!("incarnation {}, seq {}", word(incarnation), word(seq)))
    }
}

/// A Sync that is begun and looks, in one request: at once, as where no mark is to be had.
pub(crate) fn begun_and_looked(
    guide: &Guide,
    numbers: Numbers,
    begun: Result<Track, WhyNot>,
    reply: &Reply,
) -> Result<Vec<Track>, String> {
    if matches!(reply, Reply::Refused { .. }) {
        return mark(numbers, begun, reply);
    }
    let begun = mark(numbers, begun, &Reply::done())?;
    let begun = guide.closure(&begun).unwrap_or(begun);
    let look = |track: &Track| {
        looked(guide, track, guide.take(track, &Verb::bare(ActionKind::SyncLook), 0), reply, false)
    };
    let looks: Vec<_> = begun.iter().map(look).collect();
    let expected = looks.iter().find_map(|look| look.clone().err());
    let found: Vec<_> = looks.into_iter().flatten().flatten().collect();
    if found.is_empty() { Err(expected.unwrap_or_default()) } else { Ok(found) }
}

/// SYNC-3 to SYNC-5. A Sync may have looked at any moment since it was begun. One that is given time may run out of it before
/// it looks again, whatever the state (SYNC-4), unless that has been so too often; one that is given none looks once.
pub(crate) fn looked(
    guide: &Guide,
    track: &Track,
    after: Result<Track, WhyNot>,
    reply: &Reply,
    is_overdue: bool,
) -> Result<Vec<Track>, String> {
    if !matches!(track.state.coordinator.state, CoordinatorState::Syncing(_)) {
        return Err("no Sync is on".into());
    }
    let is_done =
        |track: &Track| matches!(track.state.coordinator.state, CoordinatorState::Splitting(_));
    let (done_now, lost_now) = match &after {
        Ok(after) => (is_done(after), !is_done(after)),
        Err(_) => (false, false),
    };
    match reply.outcome() {
        Some(SyncOutcome::Timeout)
            if guide.manner.sync_waits && !guide.world.rules.has(Rule::Sync4) =>
        {
            Err("a Sync that goes on".into())
        }
        Some(SyncOutcome::Timeout) if guide.manner.sync_waits && !is_overdue => Ok(vec![*track]),
        Some(SyncOutcome::Timeout) if !done_now && !lost_now => Ok(vec![*track]),
        Some(SyncOutcome::Done) if done_now || track.was_done => {
            Ok(vec![guide.sync_returned(track, true)])
        }
        Some(outcome @ (SyncOutcome::Broken | SyncOutcome::Changed))
            if track.comes_to(guide.world.rules, outcome) =>
        {
            Ok(vec![guide.sync_returned(track, false)])
        }
        _ if lost_now && !track.comes_to(guide.world.rules, SyncOutcome::Changed) => {
            Err("BROKEN".into())
        }
        _ if lost_now => Err("BROKEN or CHANGED".into()),
        _ if done_now => Err("DONE".into()),
        _ => Err("TIMEOUT".into()),
    }
}
