//! Wrong secondaries: each takes the protocol's step but for what its name says.

use std::sync::{Mutex, PoisonError};

use syncsplit_impl::containers::{BitMap, TreeQueue};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::roles::LocalPrimary;
use syncsplit_impl::roles::RemoteSecondary as Secondary;
use syncsplit_impl::roles::SecondaryStep as Step;
use syncsplit_model::protocol::replica::{Purpose, ReplicaEffect, ReplicaState};
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryEvent, SecondaryRefusal};
use syncsplit_model::protocol::takeover::secondary_of_old_primary;
use syncsplit_model::protocol::{
    DirtyMap, Entry, Item, ReorderQueue, Rules, Seq, ToPrimary, ToSecondary,
};

use super::program::{passed_over, spoilt};

type Event = SecondaryEvent<Payload>;
type Effect = SecondaryEffect<Payload, BitMap>;

fn newest_received(secondary: &Secondary) -> Option<&Entry<Payload>> {
    ReorderQueue::iter(&secondary.queue).max_by_key(|entry| entry.seq)
}

/// What writes an entry to the S/P-VOL out of its turn; nothing for a mark.
fn write_out_of_turn(secondary: &mut Secondary, entry: &Entry<Payload>) -> Option<Effect> {
    match &entry.item {
        Item::Write { block, payload } | Item::Copy { block, payload } => {
            secondary.replica.dirty.mark(*block);
            Some(SecondaryEffect::WriteSpvol { block: *block, payload: payload.clone() })
        }
        Item::PairMark => None,
    }
}

pub(super) fn ack_of_received(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let mut step = secondary.step(rules, event);
    for effect in &mut step.effects {
        if let SecondaryEffect::Send(ToPrimary::Ack(ack)) = effect
            && let Some(newest) = newest_received(&step.state)
        {
            ack.written = newest.seq;
        }
    }
    step
}

pub(super) fn newest_first(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let is_apply = event == SecondaryEvent::Apply;
    let newest = newest_received(&secondary).cloned();
    let mut step = secondary.step(rules, event);
    if let Some(newest) = newest.filter(|_| is_apply && step.refused.is_none())
        && let Some(write) = write_out_of_turn(&mut step.state, &newest)
    {
        step.effects.insert(0, write);
    }
    step
}

/// As soon as another has arrived: what is waited for need not come any more.
pub(super) fn gap_skipped(secondary: Secondary, rules: Rules, event: Event) -> Step {
    spoilt(secondary.step(rules, event), |secondary| {
        let queued = ReorderQueue::iter(&secondary.queue).map(|entry| entry.seq).min();
        if let Some(Seq(lowest)) = queued {
            secondary.written = Seq(lowest - 1);
        }
    })
}

pub(super) fn duplicate_applied(mut secondary: Secondary, rules: Rules, event: Event) -> Step {
    if let SecondaryEvent::Arrived(ToSecondary::Frame(frame)) = &event
        && secondary.state.is_linked()
        && frame.incarnation == secondary.incarnation
        && frame.entry.seq <= secondary.written
        && let Some(write) = write_out_of_turn(&mut secondary, &frame.entry)
    {
        let mut step = passed_over(secondary);
        step.effects.push(write);
        return step;
    }
    secondary.step(rules, event)
}

pub(super) fn stale_frame(secondary: Secondary, rules: Rules, mut event: Event) -> Step {
    if let SecondaryEvent::Arrived(ToSecondary::Frame(frame)) = &mut event {
        frame.incarnation = secondary.incarnation;
    }
    secondary.step(rules, event)
}

pub(super) fn queue_outlives_incarnation(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let SecondaryEvent::Arrived(ToSecondary::Resync { .. }) = event else {
        return secondary.step(rules, event);
    };
    let queue = secondary.queue.clone();
    spoilt(secondary.step(rules, event), |secondary| secondary.queue = queue)
}

pub(super) fn consistent_in_copy(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let SecondaryEvent::Arrived(ToSecondary::Resync { .. }) = event else {
        return secondary.step(rules, event);
    };
    spoilt(secondary.step(rules, event), |secondary| secondary.consistent = true)
}

pub(super) fn release_drops_gold(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let SecondaryEvent::Release(_) = event else { return secondary.step(rules, event) };
    spoilt(secondary.step(rules, event), |secondary| {
        if secondary.replica.state == ReplicaState::Split(Purpose::Gold) {
            secondary.replica.state = ReplicaState::Pair;
        }
    })
}

pub(super) fn gold_not_restored(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let mut step = secondary.step(rules, event);
    step.effects
        .retain(|effect| !matches!(effect, SecondaryEffect::Replica(ReplicaEffect::Restore(_))));
    step
}

pub(super) fn split_not_atomic() -> impl Fn(Secondary, Rules, Event) -> Step + Send + Sync {
    let late = Mutex::new(None::<BitMap>);
    move |secondary, rules, event| {
        let mut late = late.lock().unwrap_or_else(PoisonError::into_inner);
        let mut step = secondary.step(rules, event);
        for effect in &mut step.effects {
            if let SecondaryEffect::Replica(ReplicaEffect::Reflect(behind)) = effect {
                *late = Some(all_but_one(behind));
            }
        }
        let writes = |effect: &Effect| matches!(effect, SecondaryEffect::WriteSpvol { .. });
        if step.effects.iter().any(writes)
            && let Some(late) = late.take()
        {
            step.effects.push(SecondaryEffect::Replica(ReplicaEffect::Reflect(late)));
        }
        step
    }
}

/// Leaves one block, and returns the others.
fn all_but_one(blocks: &mut BitMap) -> BitMap {
    let mut others = blocks.clone();
    let first = blocks.iter().next();
    blocks.clean_all();
    if let Some(first) = first {
        blocks.mark(first);
        others.clean(first);
    }
    others
}

pub(super) fn svol_written_while_split(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let mut step = secondary.step(rules, event);
    let written = step.effects.iter().find_map(|effect| {
        if let SecondaryEffect::WriteSpvol { block, .. } = effect { Some(*block) } else { None }
    });
    if let Some(block) = written {
        step.effects.push(SecondaryEffect::Replica(ReplicaEffect::CopyToSvol(block)));
    }
    step
}

pub(super) fn writes_while_split_forgotten(
    secondary: Secondary,
    rules: Rules,
    event: Event,
) -> Step {
    let is_apply = event == SecondaryEvent::Apply;
    spoilt(secondary.step(rules, event), |secondary| {
        if is_apply && secondary.replica.is_split() {
            secondary.replica.dirty.clean_all();
        }
    })
}

pub(super) fn split_of_old_id(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let SecondaryEvent::Split(id) = event else { return secondary.step(rules, event) };
    let id = secondary.armed.unwrap_or(id);
    secondary.step(rules, SecondaryEvent::Split(id))
}

pub(super) fn restart_keeps_armed(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let (is_restart, armed) = (event == SecondaryEvent::Restart, secondary.armed);
    spoilt(secondary.step(rules, event), |secondary| {
        if is_restart {
            secondary.armed = armed;
        }
    })
}

pub(super) fn takeover_without_applying(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let SecondaryEvent::Takeover { force } = event else { return secondary.step(rules, event) };
    let mut step = secondary.step(rules, event);
    if let Some(SecondaryRefusal::ApplyFirst(_)) = step.refused {
        step.state.queue.clear();
        step = step.state.step(rules, SecondaryEvent::Takeover { force });
    }
    step
}

pub(super) fn remote_write_not_marked(secondary: Secondary, rules: Rules, event: Event) -> Step {
    let SecondaryEvent::RemoteWrite { block, .. } = event else {
        return secondary.step(rules, event);
    };
    spoilt(secondary.step(rules, event), |secondary| secondary.dirty.clean(block))
}

pub(super) fn failback_forgets_old_writes(
    primary: &LocalPrimary,
    queue: TreeQueue,
    clean: BitMap,
) -> Secondary {
    let mut secondary = secondary_of_old_primary(primary, queue, clean);
    secondary.dirty.clean_all();
    secondary
}
