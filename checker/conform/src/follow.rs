//! The oracle: which states an implementation may be in after what was asked of it and what it answered. Where none is left,
//! the answer is not one that the protocol gives. Nothing is asked here.

use serde_json::Value as Json;
use syncsplit_model::protocol::coordinator::CoordinatorState;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::secondary::{SecondaryEvent, SecondaryRefusal};
use syncsplit_model::protocol::{BackupId, BlockIndex, PairState, Rule, Seq};
use syncsplit_model::world::{ActionKind, Stillness, WhyNot};

use crate::seen::{NoExplanation, Numbers, Observation, keep};
use crate::sync;
use crate::track::{Guide, Track};
use crate::verb::{Message, MessageKind, Verb};
use crate::wire::{Reply, printable};

/// The states after `seen`, of those before it.
///
/// # Errors
/// No state explains what was seen, or too many states do.
pub fn follow(
    guide: &Guide,
    numbers: Numbers,
    from: &[Track],
    seen: &Observation,
) -> Result<Vec<Track>, NoExplanation> {
    let tracks = answered(guide, numbers, from, seen)?;
    observed(guide, numbers, tracks, seen)
}

/// The states after the answer to a verb's own request.
///
/// # Errors
/// No state explains what was seen, or too many states do.
pub fn answered(
    guide: &Guide,
    numbers: Numbers,
    from: &[Track],
    seen: &Observation,
) -> Result<Vec<Track>, NoExplanation> {
    if seen.verb == Verb::WAIT {
        return Ok(from.to_vec());
    }
    judged(guide, numbers, guide.closure(from).ok_or(NoExplanation::TooMany)?, seen)
}

/// As [`answered`], of all the states that the implementation may have come to by itself.
///
/// # Errors
/// No state explains what was seen.
pub fn judged(
    guide: &Guide,
    numbers: Numbers,
    tracks: Vec<Track>,
    seen: &Observation,
) -> Result<Vec<Track>, NoExplanation> {
    if seen.verb == Verb::WAIT {
        return sync::waited(tracks, seen);
    }
    let tracks = lapsed(guide, tracks, seen);
    let shown = || seen.reply.as_ref().map_or_else(|| "-".into(), ToString::to_string);
    keep(tracks, &format!("the answer to `{}`", seen.verb), &shown, |track| {
        answer(guide, numbers, track, seen)
    })
}

/// Those of `tracks` that show what was observed after a verb.
///
/// # Errors
/// No state explains what was seen, or too many states do.
pub fn observed(
    guide: &Guide,
    numbers: Numbers,
    tracks: Vec<Track>,
    seen: &Observation,
) -> Result<Vec<Track>, NoExplanation> {
    let mut tracks = lapsed(guide, tracks, seen);
    if let Some(image) = &seen.image {
        let shown = || image.to_string();
        tracks = guide.closure(&tracks).ok_or(NoExplanation::TooMany)?;
        tracks = keep(tracks, "the image that was backed up", &shown, |track| {
            let blocks = track.image(&track.state.svol, guide.world.bounds.blocks);
            let same = image.answer().is_some_and(|answer| answer.blocks.as_ref() == Some(&blocks));
            if same { Ok(vec![*track]) } else { Err(blocks.join(" ")) }
        })?;
    }
    if let Some(status) = &seen.status {
        for part in ["primary", "secondary", "database", "volumes"] {
            let Some(Json::Object(fields)) = status.get(part) else { continue };
            tracks = guide.closure(&tracks).ok_or(NoExplanation::TooMany)?;
            for (name, value) in fields {
                let shown = || printable(&value.to_string());
                tracks = keep(tracks, &format!("{part} {name}"), &shown, |track| {
                    match field(guide, numbers, track, part, name) {
                        Some(expected) if expected != *value => Err(expected.to_string()),
                        _ => Ok(vec![*track]),
                    }
                })?;
            }
        }
    }
    Ok(tracks)
}

/// With each state the one in which the lease of its freeze is over, if it may be by now (FREEZE-2, QUIESCE-1).
fn lapsed(guide: &Guide, mut tracks: Vec<Track>, seen: &Observation) -> Vec<Track> {
    if seen.may_lapse {
        let lapse =
            |track: &Track| guide.take(track, &Verb::bare(ActionKind::LeaseExpires), 0).ok();
        tracks.extend(tracks.iter().filter_map(lapse).collect::<Vec<_>>());
    }
    tracks
}

/// An answer that leaves open whether the step was taken. The kit was not told what it has come to, so its own roles go on
/// as if it had not: coordinator, requester and Sync wait for the answer that they were to have.
fn uncertain(track: &Track, after: Result<Track, WhyNot>) -> Vec<Track> {
    let done = after.ok().map(|after| after.with_hosts_of(track)).filter(|after| after != track);
    [*track].into_iter().chain(done).collect()
}

/// The states after the answer to a verb's own request in one state, or what should have been answered.
fn answer(
    guide: &Guide,
    numbers: Numbers,
    track: &Track,
    seen: &Observation,
) -> Result<Vec<Track>, String> {
    let mut verb = seen.verb;
    if let Some(block) = seen.reply.as_ref().and_then(|reply| reply.answer()?.block) {
        // Which block is copied next is the implementation's choice.
        verb.number = Some(block);
    }
    let is_alone = verb.is(ActionKind::WriteSecond) && track.state.database.open == 0;
    if is_alone {
        // Whether its first write was done was not told, and it was not: what is left is one write.
        let last = u64::from(guide.world.bounds.blocks - 1);
        verb = Verb { number: Some(last), ..Verb::bare(ActionKind::WriteOne) };
    }
    let mut after = guide.take(track, &verb, seen.number);
    if let Err(WhyNot::Secondary(SecondaryRefusal::ApplyFirst(_))) = after
        && !matches!(seen.reply, Some(Reply::Refused { definite: true, .. }))
    {
        // It may apply what is contiguous itself.
        after = applied_first(guide, track, seen);
    }
    let Some(reply) = &seen.reply else {
        return match after {
            Ok(after) => Ok(vec![after]),
            Err(why) => Err(why.to_string()),
        };
    };
    match (seen.verb.kind, reply) {
        (_, Reply::Unsupported) => Ok(vec![*track]),
        (_, Reply::Refused { definite: false, .. }) => Ok(uncertain(track, after)),
        (_, Reply::Refused { .. }) if is_alone => Ok(vec![*track]),
        (Some(ActionKind::SyncLook), _) if !guide.manner.is_marked => {
            let mut anew = *track;
            anew.state.sync = None;
            let begun = guide.take(&anew, &Verb::bare(ActionKind::SyncBegin), 0);
            sync::begun_and_looked(guide, numbers, begun, reply)
        }
        (Some(ActionKind::SyncBegin), Reply::Ok(answer)) if answer.outcome.is_some() => {
            sync::begun_and_looked(guide, numbers, after, reply)
        }
        (Some(ActionKind::SyncBegin), _) => sync::mark(numbers, after, reply),
        (Some(ActionKind::SyncLook), Reply::Ok(_)) => {
            sync::looked(guide, track, after, reply, seen.is_overdue)
        }
        // An error in place of BROKEN or CHANGED.
        (Some(ActionKind::SyncLook), Reply::Refused { definite: true, .. }) => {
            let is_lost = |after: &Track| after.state.coordinator.state == CoordinatorState::Idle;
            match after {
                Ok(after) if is_lost(&after) => Ok(vec![after]),
                _ if track.was_lost() => Ok(vec![guide.sync_returned(track, false)]),
                _ => Err("an outcome".into()),
            }
        }
        (_, Reply::Refused { .. }) if seen.verb.is_in(ActionKind::AT_LEISURE) => Ok(vec![*track]),
        (_, Reply::Refused { .. }) if seen.verb.is_in(ActionKind::ON_ARRAY_LINK) => {
            let mut without = *track;
            let is_it = |message| Some(message) == seen.verb.message;
            without.state.to_secondary.retain(|m| !is_it(Message::to_secondary(m)));
            without.state.to_primary.retain(|m| !is_it(Message::to_primary(m)));
            // A link may lose what it carries, at any time.
            Ok(vec![without])
        }
        (_, Reply::Refused { .. }) => match after {
            Ok(_) => Err("done".into()),
            Err(_) => Ok(vec![*track]),
        },
        (_, Reply::Ok(_)) => match after {
            Ok(after) => details(guide, track, &after, seen, reply).map(|()| vec![after]),
            // What arrives late is taken and changes nothing.
            Err(WhyNot::NotOffered) if seen.verb.message.is_some() => Ok(vec![*track]),
            Err(WhyNot::Nothing) => Ok(vec![*track]),
            // A link that is up may be put up.
            Err(_) if seen.verb.is_in(ActionKind::LinkDown | ActionKind::LinkUp) => {
                Ok(vec![*track])
            }
            // Time passes whether or not a lease ends by it (FREEZE-2).
            Err(_) if seen.verb.is(ActionKind::LeaseExpires) => Ok(vec![*track]),
            // What has no room on the model's link is lost there, and can be sent again.
            Err(WhyNot::NoRoom) if seen.verb.is_in(ActionKind::Send | ActionKind::Report) => {
                Ok(vec![*track])
            }
            Err(why) => Err(format!("refused: {why}")),
        },
    }
}

/// A takeover that applies what has arrived in order first (TAKEOVER-1).
fn applied_first(guide: &Guide, track: &Track, seen: &Observation) -> Result<Track, WhyNot> {
    let mut applied = *track;
    while let Ok(after) = guide.take(&applied, &Verb::bare(ActionKind::Apply), 0) {
        applied = after;
    }
    guide.take(&applied, &seen.verb, seen.number)
}

/// What else a positive answer says.
fn details(
    guide: &Guide,
    before: &Track,
    after: &Track,
    seen: &Observation,
    reply: &Reply,
) -> Result<(), String> {
    let Some(answer) = reply.answer() else { return Ok(()) };
    let flag = |name: &str, given: Option<bool>, expected: bool| {
        if given == Some(expected) { Ok(()) } else { Err(format!("{name}: {expected}")) }
    };
    let rules = guide.world.rules;
    match (seen.verb.kind, seen.verb.message_kind()) {
        (Some(ActionKind::DeliverHost), Some(MessageKind::Request)) => {
            flag("frozen", answer.frozen, is_still(guide, after))
        }
        (Some(ActionKind::DeliverHost), Some(MessageKind::Split)) => {
            let id = BackupId(seen.verb.message.map_or(0, |message| message.of));
            let split = before.state.secondary.step(rules, SecondaryEvent::Split(id));
            flag("done", answer.done, split.refused.is_none())
        }
        (Some(ActionKind::Thaw), _) => {
            let CoordinatorState::Thawing(id) = before.state.coordinator.state else {
                return Ok(());
            };
            let stands = match guide.world.bounds.stillness {
                Stillness::Freeze => before.state.database.freeze == FreezeState::Frozen(id),
                Stillness::Quiesce => before.state.primary.quiesced == Some(id),
            };
            flag("held", answer.held, stands || !rules.has(Rule::Freeze3))
        }
        _ => Ok(()),
    }
}

/// Whether what a backup holds still stands still.
fn is_still(guide: &Guide, track: &Track) -> bool {
    match guide.world.bounds.stillness {
        Stillness::Freeze => matches!(track.state.database.freeze, FreezeState::Frozen(_)),
        Stillness::Quiesce => track.state.primary.quiesced.is_some(),
    }
}

/// What the status shows in a state; none for what is not compared in it.
fn field(guide: &Guide, numbers: Numbers, track: &Track, part: &str, name: &str) -> Option<Json> {
    let state = &track.state;
    let (primary, secondary) = (&state.primary, &state.secondary);
    let blocks = |set: &mut dyn Iterator<Item = BlockIndex>| -> Json {
        set.map(|block| block.0).collect::<Vec<_>>().into()
    };
    let image = |image: &[syncsplit_model::world::Value]| {
        Json::from(track.image(image, guide.world.bounds.blocks))
    };
    let paired = |state: PairState| state != PairState::Smpl;
    Some(match (part, name) {
        ("primary", "state") => primary.state.to_string().into(),
        ("primary", "incarnation") => number(numbers.incarnation(primary.incarnation.0)?),
        ("primary", "newest") if primary.state.is_linked() => {
            number(numbers.seq(primary.newest.0)?)
        }
        ("primary", "written") if primary.state.is_linked() => {
            number(numbers.seq(primary.written.0)?)
        }
        ("primary", "journal") => {
            seqs(numbers, &mut primary.journal.entries().map(|entry| entry.seq))?
        }
        ("primary", "dirty") if paired(primary.state) => blocks(&mut primary.dirty.iter()),
        ("primary", "pending") => primary.pending.is_some().into(),
        ("primary", "held") => primary.quiesced.is_some().into(),
        ("secondary", "state") => secondary.state.to_string().into(),
        ("secondary", "incarnation") => number(numbers.incarnation(secondary.incarnation.0)?),
        ("secondary", "written") => number(numbers.seq(secondary.written.0)?),
        ("secondary", "queue") => {
            seqs(numbers, &mut secondary.queue.entries().map(|entry| entry.seq))?
        }
        ("secondary", "dirty") if paired(secondary.state) => blocks(&mut secondary.dirty.iter()),
        ("secondary", "consistent") => secondary.consistent.into(),
        ("secondary", "replica") => match secondary.replica.state {
            ReplicaState::Pair => "pair".into(),
            ReplicaState::Split(Purpose::Gold) => "gold".into(),
            ReplicaState::Split(Purpose::Backup(_)) => "backup".into(),
        },
        ("secondary", "armed") => secondary.armed.map_or(Json::Null, |id| id.0.into()),
        ("database", "freeze") => match state.database.freeze {
            FreezeState::Running => "running".into(),
            FreezeState::Freezing(_) => "freezing".into(),
            FreezeState::Frozen(_) => "frozen".into(),
        },
        ("database", "open") => state.database.open.into(),
        ("volumes", "p_vol") => image(&state.pvol),
        ("volumes", "sp_vol") => image(&state.spvol),
        // While it follows, how far it lags is nobody's concern.
        ("volumes", "s_vol") if secondary.replica.is_split() => image(&state.svol),
        _ => return None,
    })
}

/// A number as JSON has it. Those of 64 bits fit, and no implementation's status shows another.
fn number(number: i128) -> Json {
    serde_json::to_value(number).unwrap_or_else(|_| number.to_string().into())
}

/// Numbers of writes as the implementation counts them, where that is known.
fn seqs(numbers: Numbers, seqs: &mut dyn Iterator<Item = Seq>) -> Option<Json> {
    seqs.map(|seq| numbers.seq(seq.0).map(number)).collect::<Option<Vec<_>>>().map(Json::from)
}
