//! Wrong primaries: each takes the protocol's step but for what its name says.

use syncsplit_impl::containers::{BitMap, VecJournal};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::roles::LocalPrimary as Primary;
use syncsplit_impl::roles::PrimaryStep as Step;
use syncsplit_impl::roles::RemoteSecondary;
use syncsplit_model::protocol::primary::{JournalFull, PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::takeover::primary_of_taken_over;
use syncsplit_model::protocol::{
    Ack, BlockIndex, DirtyMap, Incarnation, Item, Journal, PairState, Rules, Seq, ToPrimary,
    ToSecondary,
};

use super::program::{passed_over, spoilt};

type Event = PrimaryEvent<Payload, BitMap>;

/// While an entry of a block is in the journal, the P-VOL holds what the block's newest entry says.
pub(super) fn frame_reads_volume(primary: Primary, rules: Rules, event: Event) -> Step {
    let mut step = primary.step(rules, event);
    for effect in &mut step.effects {
        if let PrimaryEffect::Send(ToSecondary::Frame(frame)) = effect
            && let Item::Write { block, payload } = &mut frame.entry.item
        {
            let written =
                Journal::iter(&step.state.journal).filter_map(|entry| written(&entry.item));
            if let Some((_, newest)) = written.filter(|(at, _)| at == block).last() {
                *payload = newest.clone();
            }
        }
    }
    step
}

const fn written(item: &Item<Payload>) -> Option<(BlockIndex, &Payload)> {
    if let Item::Write { block, payload } = item { Some((*block, payload)) } else { None }
}

pub(super) fn suspended_write_not_marked(primary: Primary, rules: Rules, event: Event) -> Step {
    let PrimaryEvent::HostWrite { block, .. } = event else { return primary.step(rules, event) };
    spoilt(primary.step(rules, event), |primary| {
        if primary.state.is_suspended() {
            primary.dirty.clean(block);
        }
    })
}

/// Whether the event is a write that finds the journal full.
fn overflows(primary: &Primary, event: &Event) -> bool {
    let PrimaryEvent::HostWrite { block, .. } = event else { return false };
    let is_numbered = primary.state.is_linked() && !primary.dirty.is_dirty(*block);
    is_numbered && primary.quiesced.is_none() && primary.journal.is_full()
}

/// A write that is done, and about which nothing else is.
fn written_only(primary: Primary, event: Event) -> Step {
    let mut step = passed_over(primary);
    if let PrimaryEvent::HostWrite { block, payload } = event {
        step.effects.push(PrimaryEffect::WritePvol { block, payload });
        step.effects.push(PrimaryEffect::AnswerHost);
    }
    step
}

pub(super) fn full_journal_drops(primary: Primary, rules: Rules, event: Event) -> Step {
    if overflows(&primary, &event) {
        return written_only(primary, event);
    }
    primary.step(rules, event)
}

pub(super) fn overflow_write_not_marked(primary: Primary, rules: Rules, event: Event) -> Step {
    if primary.journal_full == JournalFull::Suspend && overflows(&primary, &event) {
        return written_only(primary.step(rules, PrimaryEvent::Fail).state, event);
    }
    primary.step(rules, event)
}

pub(super) fn restart_loses_journal(primary: Primary, rules: Rules, event: Event) -> Step {
    let is_restart = event == PrimaryEvent::Restart;
    spoilt(primary.step(rules, event), |primary| {
        if is_restart {
            primary.journal.clear();
        }
    })
}

pub(super) fn journal_dropped_at_send(primary: Primary, rules: Rules, event: Event) -> Step {
    let PrimaryEvent::Send { seq } = event else { return primary.step(rules, event) };
    spoilt(primary.step(rules, event), |primary| primary.journal.drop_through(seq))
}

pub(super) fn ack_taken_for_newest(primary: Primary, rules: Rules, event: Event) -> Step {
    let PrimaryEvent::Arrived(ToPrimary::Ack(ack)) = event else {
        return primary.step(rules, event);
    };
    let written = primary.newest;
    primary.step(rules, PrimaryEvent::Arrived(ToPrimary::Ack(Ack { written, ..ack })))
}

pub(super) fn written_goes_back(mut primary: Primary, rules: Rules, event: Event) -> Step {
    if let PrimaryEvent::Arrived(ToPrimary::Ack(ack)) = &event
        && primary.state.is_linked()
        && ack.incarnation == primary.incarnation
    {
        primary.written = primary.written.min(ack.written);
    }
    primary.step(rules, event)
}

pub(super) fn create_misses_last_block(primary: Primary, rules: Rules, event: Event) -> Step {
    let is_create = event == PrimaryEvent::Create;
    spoilt(primary.step(rules, event), |primary| {
        if is_create && primary.state == PairState::Smpl {
            primary.dirty.clean(BlockIndex(primary.dirty.blocks().saturating_sub(1)));
        }
    })
}

pub(super) fn journal_forgotten(mut primary: Primary, rules: Rules, event: Event) -> Step {
    if event == PrimaryEvent::Suspend || event == PrimaryEvent::Fail {
        primary.journal.clear();
    }
    primary.step(rules, event)
}

pub(super) fn suspend_keeps_request(primary: Primary, rules: Rules, event: Event) -> Step {
    if event == PrimaryEvent::Suspend && primary.state.is_suspended() {
        return passed_over(primary);
    }
    primary.step(rules, event)
}

pub(super) fn suspension_not_heeded(primary: Primary, rules: Rules, event: Event) -> Step {
    if let PrimaryEvent::Arrived(ToPrimary::Suspended { .. }) = event {
        return passed_over(primary);
    }
    primary.step(rules, event)
}

pub(super) fn sequence_reset(primary: Primary, rules: Rules, mut event: Event) -> Step {
    if let PrimaryEvent::Arrived(ToPrimary::Ready { written, .. }) = &mut event {
        *written = Seq(0);
    }
    primary.step(rules, event)
}

pub(super) fn secondary_map_ignored(primary: Primary, rules: Rules, mut event: Event) -> Step {
    if let PrimaryEvent::Arrived(ToPrimary::Ready { dirty, .. }) = &mut event {
        dirty.clean_all();
    }
    primary.step(rules, event)
}

pub(super) fn stale_ready(primary: Primary, rules: Rules, mut event: Event) -> Step {
    if let (PrimaryEvent::Arrived(ToPrimary::Ready { incarnation, .. }), Some(pending)) =
        (&mut event, primary.pending)
    {
        *incarnation = pending;
    }
    primary.step(rules, event)
}

pub(super) fn bit_cleared_too_early(primary: Primary, rules: Rules, event: Event) -> Step {
    let PrimaryEvent::CopyBlock { block, .. } = event else { return primary.step(rules, event) };
    spoilt(primary.step(rules, event), |primary| {
        if let Some(next) = primary.dirty.next_dirty(block) {
            primary.dirty.clean(next);
        }
    })
}

pub(super) fn failback_forgets_new_writes(
    mut secondary: RemoteSecondary,
    journal: VecJournal,
    journal_full: JournalFull,
    newest: Incarnation,
) -> Option<Primary> {
    secondary.dirty.clean_all();
    primary_of_taken_over(secondary, journal, journal_full, newest)
}
