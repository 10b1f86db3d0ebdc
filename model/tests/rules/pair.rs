//! PAIR and RESYNC: how a pair is made, suspended, deleted and brought back.

use super::*;

#[test]
fn pair_1_create_marks_every_block() {
    let ready = |primary: TestPrimary, rules| {
        let written = Seq(0);
        let dirty = BlockSet::new(3);
        did(
            primary,
            rules,
            PrimaryEvent::Arrived(ToPrimary::Ready { incarnation: Incarnation(2), written, dirty }),
        )
    };
    let single = primary(PairState::Smpl, JournalFull::Hold);
    let step = single.step(ALL, PrimaryEvent::Create);
    let ask = ToSecondary::Resync { incarnation: Incarnation(2) };
    assert_eq!(step.effects.as_slice(), [PrimaryEffect::Send(ask)]);
    let copying = ready(step.state, ALL);
    assert_eq!((copying.state, copying.dirty.iter().count()), (PairState::Copy, 3));
    let rules = less(Rule::Pair1);
    assert!(ready(did(single, rules, PrimaryEvent::Create), rules).dirty.is_clean());
}

#[test]
fn pair_2_and_pair_3_turn_the_journal_into_marks() {
    let filled = did(primary(PairState::Pair, JournalFull::Hold), ALL, write(1, 1));
    for (event, rule, state) in [
        (PrimaryEvent::Suspend, Rule::Pair2, PairState::Psus),
        (PrimaryEvent::Fail, Rule::Pair3, PairState::Psue),
    ] {
        let suspended = did(filled, ALL, event.clone());
        assert_eq!(suspended.state, state);
        assert!(suspended.journal.is_empty() && suspended.dirty.is_dirty(BlockIndex(1)), "{rule}");
        assert!(did(filled, less(rule), event).dirty.is_clean(), "{rule}");
    }
}

#[test]
fn pair_2_tells_the_secondary_and_pair_3_does_not() {
    let paired = primary(PairState::Pair, JournalFull::Hold);
    let told = ToSecondary::Suspend { incarnation: INC };
    let step = paired.step(ALL, PrimaryEvent::Suspend);
    assert_eq!(step.effects.as_slice(), [PrimaryEffect::Send(told)]);
    assert!(paired.step(ALL, PrimaryEvent::Fail).effects.is_empty());
    let arrived = does(secondary(PairState::Pair), ALL, frame(INC, 2, written(0, 2)));
    for (event, state) in [
        (SecondaryEvent::Arrived(ToSecondary::Suspend { incarnation: INC }), PairState::Ssus),
        (SecondaryEvent::Fail, PairState::Psue),
    ] {
        let suspended = does(arrived, ALL, event);
        assert_eq!((suspended.state, suspended.consistent), (state, true));
        assert!(suspended.queue.is_empty() && suspended.dirty.is_dirty(BlockIndex(0)));
    }
}

#[test]
fn pair_2_takes_back_a_resync_that_was_not_answered() {
    let incarnation = INC.next();
    for state in [PairState::Psus, PairState::Psue] {
        let asked = did(primary(state, JournalFull::Hold), ALL, PrimaryEvent::Resync);
        let step = asked.step(ALL, PrimaryEvent::Suspend);
        let told = PrimaryEffect::Send(ToSecondary::Suspend { incarnation });
        assert_eq!(step.effects.as_slice(), [told]);
        let ready = PrimaryEvent::Arrived(ToPrimary::Ready {
            incarnation,
            written: Seq(0),
            dirty: BlockSet::new(3),
        });
        let late = step.state.step(ALL, ready).refused;
        assert_eq!(late, Some(PrimaryRefusal::StaleIncarnation(incarnation)));
        assert_eq!(did(step.state, ALL, PrimaryEvent::Resync).pending, Some(incarnation.next()));
    }
}

#[test]
fn pair_3_a_secondary_that_has_left_says_so_at_every_report() {
    let left = does(secondary(PairState::Pair), ALL, SecondaryEvent::Fail);
    let says = SecondaryEffect::Send(ToPrimary::Suspended { incarnation: INC });
    for _ in 0..2 {
        let step = left.step(ALL, SecondaryEvent::Report);
        assert_eq!((step.refused, step.state), (None, left));
        assert_eq!(step.effects.as_slice(), std::slice::from_ref(&says));
    }
    let frame = left.step(ALL, frame(INC, 1, written(0, 1))).refused;
    assert_eq!(frame, Some(SecondaryRefusal::WrongState(PairState::Psue)));
    let told = secondary(PairState::Ssus).step(ALL, SecondaryEvent::Report).refused;
    assert_eq!(told, Some(SecondaryRefusal::WrongState(PairState::Ssus)), "the primary knows");
    let without = left.step(less(Rule::Pair3), SecondaryEvent::Report).refused;
    assert_eq!(without, Some(SecondaryRefusal::WrongState(PairState::Psue)), "and nobody hears");
}

#[test]
fn pair_3_a_primary_that_hears_so_suspends() {
    let filled = did(primary(PairState::Pair, JournalFull::Hold), ALL, write(1, 1));
    let heard = PrimaryEvent::Arrived(ToPrimary::Suspended { incarnation: INC });
    let suspended = did(filled, ALL, heard.clone());
    assert_eq!(suspended.state, PairState::Psue);
    assert!(suspended.journal.is_empty() && suspended.dirty.is_dirty(BlockIndex(1)));
    assert!(did(filled, less(Rule::Pair3), heard.clone()).dirty.is_clean());
    let repeated = suspended.step(ALL, heard).refused;
    assert_eq!(repeated, Some(PrimaryRefusal::StaleIncarnation(INC)));
    let old = PrimaryEvent::Arrived(ToPrimary::Suspended { incarnation: Incarnation(0) });
    let stale = filled.step(ALL, old.clone()).refused;
    assert_eq!(stale, Some(PrimaryRefusal::StaleIncarnation(Incarnation(0))), "XFER-4");
    assert_eq!(did(filled, less(Rule::Xfer4), old).state, PairState::Psue);
}

#[test]
fn pair_3_a_pairing_that_ended_before_it_was_answered_is_asked_for_no_more() {
    let asked = did(primary(PairState::Psus, JournalFull::Hold), ALL, PrimaryEvent::Resync);
    let incarnation = INC.next();
    // The secondary begins it, hears nothing, and leaves it; the request comes again.
    let begun = does(
        secondary(PairState::Ssus),
        ALL,
        SecondaryEvent::Arrived(ToSecondary::Resync { incarnation }),
    );
    let left = does(begun, ALL, SecondaryEvent::Fail);
    let again =
        left.step(ALL, SecondaryEvent::Arrived(ToSecondary::Resync { incarnation })).refused;
    assert_eq!(again, Some(SecondaryRefusal::WrongState(PairState::Psue)), "it has ended here");
    let says = SecondaryEffect::Send(ToPrimary::Suspended { incarnation });
    assert_eq!(left.step(ALL, SecondaryEvent::Report).effects.as_slice(), [says]);
    let heard = did(asked, ALL, PrimaryEvent::Arrived(ToPrimary::Suspended { incarnation }));
    assert_eq!((heard.state, heard.pending), (PairState::Psus, None));
    let again = did(heard, ALL, PrimaryEvent::Resync);
    assert_eq!(again.pending, Some(incarnation.next()), "a newer one is asked for");
}

#[test]
fn pair_4_delete_ends_the_pair_on_both_sides() {
    for state in PRIMARY_STATES.into_iter().filter(|state| *state != PairState::Smpl) {
        let mut before = primary(state, JournalFull::Hold);
        if state != PairState::Pair {
            before.dirty.mark(BlockIndex(0));
        }
        let step = before.step(ALL, PrimaryEvent::Delete);
        assert_eq!(step.state.state, PairState::Smpl);
        assert!(step.state.dirty.is_clean() && step.state.journal.is_empty());
        let told = PrimaryEffect::Send(ToSecondary::Delete { incarnation: INC });
        assert_eq!(step.effects.as_slice(), [told]);
        let without = before.step(less(Rule::Pair4), PrimaryEvent::Delete);
        assert!(without.effects.is_empty(), "without PAIR-4 the secondary is not told");
    }
    for state in SECONDARY_STATES.into_iter().filter(|state| *state != PairState::Ssws) {
        let ended = does(
            secondary(state),
            ALL,
            SecondaryEvent::Arrived(ToSecondary::Delete { incarnation: INC }),
        );
        assert_eq!(ended.state, PairState::Smpl, "{state}");
        assert_eq!(ended.consistent, secondary(state).consistent, "the S/P-VOL stays what it is");
    }
}

#[test]
fn pair_4_delete_without_a_pair_does_nothing() {
    let single = primary(PairState::Smpl, JournalFull::Hold);
    let step = single.step(ALL, PrimaryEvent::Delete);
    assert_eq!((step.refused, step.state, step.effects.len()), (None, single, 0));
}

#[test]
fn pair_4_what_is_still_on_the_way_belongs_to_no_pair() {
    let arrived = does(secondary(PairState::Pair), ALL, frame(INC, 2, written(0, 2)));
    let ended =
        does(arrived, ALL, SecondaryEvent::Arrived(ToSecondary::Delete { incarnation: INC }));
    assert!(ended.queue.is_empty() && ended.dirty.is_clean());
    let late = [
        frame(INC, 1, written(0, 1)),
        SecondaryEvent::Arrived(ToSecondary::Suspend { incarnation: INC }),
        SecondaryEvent::Arrived(ToSecondary::Resync { incarnation: INC }),
        SecondaryEvent::Report,
    ];
    for event in late {
        let refused = ended.step(ALL, event).refused;
        assert_eq!(refused, Some(SecondaryRefusal::WrongState(PairState::Smpl)), "{event:?}");
    }
    let stale = Incarnation(0);
    let old = arrived
        .step(ALL, SecondaryEvent::Arrived(ToSecondary::Delete { incarnation: stale }))
        .refused;
    assert_eq!(old, Some(SecondaryRefusal::StaleIncarnation(stale)), "of an earlier pair");
}

/// The story of PAIR-4's number: the pair is asked for, and deleted before the request has arrived.
#[test]
fn pair_4_uses_up_the_number_that_was_asked_for() {
    let incarnation = INC.next();
    let asked = did(primary(PairState::Smpl, JournalFull::Hold), ALL, PrimaryEvent::Create);
    let step = asked.step(ALL, PrimaryEvent::Delete);
    let told = PrimaryEffect::Send(ToSecondary::Delete { incarnation });
    assert_eq!(step.effects.as_slice(), [told]);
    assert_eq!(did(step.state, ALL, PrimaryEvent::Create).pending, Some(incarnation.next()));
    for state in [PairState::Smpl, PairState::Psue] {
        let ended = does(
            secondary(state),
            ALL,
            SecondaryEvent::Arrived(ToSecondary::Delete { incarnation }),
        );
        let late =
            ended.step(ALL, SecondaryEvent::Arrived(ToSecondary::Resync { incarnation })).refused;
        assert_eq!(late, Some(SecondaryRefusal::WrongState(PairState::Smpl)), "from {state}");
    }
}

#[test]
fn resync_1_starts_a_new_incarnation_with_both_maps() {
    let mut suspended = primary(PairState::Psue, JournalFull::Hold);
    suspended.dirty.mark(BlockIndex(0));
    let asked = did(suspended, ALL, PrimaryEvent::Resync);
    let incarnation = Incarnation(2);
    assert_eq!(asked.pending, Some(incarnation));
    let mut dirty = BlockSet::new(3);
    dirty.mark(BlockIndex(2));
    let ready = PrimaryEvent::Arrived(ToPrimary::Ready { incarnation, written: Seq(5), dirty });
    let copying = did(asked, ALL, ready.clone());
    assert_eq!((copying.incarnation, copying.newest), (incarnation, Seq(5)));
    assert_eq!(copying.dirty.iter().collect::<Vec<_>>(), [BlockIndex(0), BlockIndex(2)]);
    let twice = copying.step(ALL, ready).refused;
    assert_eq!(twice, Some(PrimaryRefusal::StaleIncarnation(incarnation)));
    let same = did(suspended, less(Rule::Resync1), PrimaryEvent::Resync);
    assert_eq!(same.pending, Some(INC), "without RESYNC-1 the old numbers come back");
}

#[test]
fn resync_2_copies_through_the_journal() {
    let mut copying = primary(PairState::Copy, JournalFull::Hold);
    copying.dirty.mark(BlockIndex(1));
    let copy = PrimaryEvent::CopyBlock { block: BlockIndex(1), payload: 9 };
    let copied = did(copying, ALL, copy.clone());
    assert_eq!(copied.journal.get(Seq(1)).unwrap().item.block(), Some(BlockIndex(1)));
    assert!(copied.dirty.is_clean());
    let twice = copied.step(ALL, copy.clone()).refused;
    assert_eq!(twice, Some(PrimaryRefusal::NotDirty(BlockIndex(1))));
    let beside = copying.step(less(Rule::Resync2), copy);
    assert!(matches!(
        beside.effects.as_slice(),
        [PrimaryEffect::Send(ToSecondary::Unsequenced { .. })]
    ));
}

#[test]
fn resync_2_keeps_the_last_place_for_the_copier_and_the_mark() {
    let mut copying = primary(PairState::Copy, JournalFull::Hold);
    copying.dirty.mark(BlockIndex(0));
    let filled = did(copying, ALL, write(1, 1));
    let kept = filled.step(ALL, write(2, 2)).refused;
    assert_eq!(kept, Some(PrimaryRefusal::KeptForCopy));
    assert_eq!(filled.step(ALL, write(0, 2)).refused, None, "a dirty block takes no place");
    let copied = did(filled, ALL, PrimaryEvent::CopyBlock { block: BlockIndex(0), payload: 9 });
    assert_eq!(copied.journal.room(), 0);
    let ack = |written| {
        PrimaryEvent::Arrived(ToPrimary::Ack(Ack { incarnation: INC, written: Seq(written) }))
    };
    let room = did(copied, ALL, ack(1));
    assert_eq!(room.step(ALL, write(2, 2)).refused, Some(PrimaryRefusal::KeptForCopy));
    let marked = did(room, ALL, PrimaryEvent::PairMark);
    let behind = did(did(marked, ALL, ack(2)), ALL, write(2, 2));
    assert_eq!(behind.journal.room(), 0, "behind the mark no place is kept");
    let taken = did(filled, less(Rule::Resync2), write(2, 2));
    assert_eq!(taken.journal.room(), 0, "without RESYNC-2 writers take every place");
}

#[test]
fn resync_3_ends_copy_with_a_mark() {
    let copying = primary(PairState::Copy, JournalFull::Hold);
    let marked = did(copying, ALL, PrimaryEvent::PairMark);
    assert_eq!((marked.state, marked.mark), (PairState::Copy, Some(Seq(1))));
    let ack = PrimaryEvent::Arrived(ToPrimary::Ack(Ack { incarnation: INC, written: Seq(1) }));
    assert_eq!(did(marked, ALL, ack).state, PairState::Pair);
    let arrived = does(secondary(PairState::Copy), ALL, frame(INC, 1, Item::PairMark));
    assert!(!arrived.consistent);
    let applied = does(arrived, ALL, SecondaryEvent::Apply);
    assert!(applied.consistent && applied.state == PairState::Pair);
    let early = did(copying, less(Rule::Resync3), PrimaryEvent::PairMark);
    assert_eq!(early.state, PairState::Pair, "without RESYNC-3 nothing waits for the copies");
}

#[test]
fn resync_4_keeps_a_gold_copy_until_pair() {
    let ask = SecondaryEvent::Arrived(ToSecondary::Resync { incarnation: Incarnation(2) });
    let step = secondary(PairState::Pair).step(ALL, ask);
    assert_eq!(step.state.replica.state, ReplicaState::Split(Purpose::Gold));
    let reflected = SecondaryEffect::Replica(ReplicaEffect::Reflect(step.state.replica.dirty));
    assert_ne!(step.effects.first(), Some(&reflected), "what lagged is reflected, not nothing");
    assert!(matches!(step.effects.last(), Some(SecondaryEffect::Send(ToPrimary::Ready { .. }))));
    let armed = does(step.state, ALL, SecondaryEvent::Arm(ID));
    let refused = armed.step(ALL, SecondaryEvent::Split(ID)).refused;
    assert_eq!(refused, Some(SecondaryRefusal::NotConsistent));
    let marked = does(armed, ALL, frame(Incarnation(2), 1, Item::PairMark));
    let pair = does(marked, ALL, SecondaryEvent::Apply);
    assert_eq!(pair.replica.state, ReplicaState::Pair);
    let without = does(secondary(PairState::Pair), less(Rule::Resync4), ask);
    assert_eq!(without.replica.state, ReplicaState::Pair);
}

#[test]
fn resync_4_turns_a_backup_released_in_copy_into_the_gold_copy() {
    let armed = does(secondary(PairState::Pair), ALL, SecondaryEvent::Arm(ID));
    let split = does(armed, ALL, SecondaryEvent::Split(ID));
    let copying = does(
        split,
        ALL,
        SecondaryEvent::Arrived(ToSecondary::Resync { incarnation: Incarnation(2) }),
    );
    assert_eq!(copying.replica.state, ReplicaState::Split(Purpose::Backup(ID)));
    let released = does(copying, ALL, SecondaryEvent::Release(ID));
    assert_eq!(released.replica.state, ReplicaState::Split(Purpose::Gold));
}

#[test]
fn resync_1_is_answered_again_and_begun_once() {
    let ask = SecondaryEvent::Arrived(ToSecondary::Resync { incarnation: INC.next() });
    let begun = does(secondary(PairState::Psue), ALL, ask);
    let again = begun.step(ALL, ask);
    assert_eq!(again.state, begun);
    assert!(matches!(
        again.effects.as_slice(),
        [SecondaryEffect::Send(ToPrimary::Ready { incarnation, .. })] if *incarnation == INC.next()
    ));
    let ended =
        does(begun, ALL, SecondaryEvent::Arrived(ToSecondary::Suspend { incarnation: INC.next() }));
    let late = ended.step(ALL, ask).refused;
    assert_eq!(late, Some(SecondaryRefusal::WrongState(PairState::Ssus)), "begun and ended");
    let old =
        begun.step(ALL, SecondaryEvent::Arrived(ToSecondary::Resync { incarnation: INC })).refused;
    assert_eq!(old, Some(SecondaryRefusal::StaleIncarnation(INC)));
    let rules = less(Rule::Resync1);
    assert_eq!(ended.step(rules, ask).state.state, PairState::Copy, "without RESYNC-1 it revives");
}

#[test]
fn resync_4_keeps_the_gold_copy_through_a_suspended_copy() {
    let copying = does(
        secondary(PairState::Psue),
        ALL,
        SecondaryEvent::Arrived(ToSecondary::Resync { incarnation: INC.next() }),
    );
    let failed = does(copying, ALL, SecondaryEvent::Fail);
    let again = does(
        failed,
        ALL,
        SecondaryEvent::Arrived(ToSecondary::Resync { incarnation: Incarnation(3) }),
    );
    assert_eq!(again.replica, copying.replica, "the S-VOL still has the last consistent image");
    let released = does(again, ALL, SecondaryEvent::Release(ID));
    assert_eq!(released.replica, copying.replica, "no backup holds it, none gives it back");
}
