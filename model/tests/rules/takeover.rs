//! TAKEOVER: the remote host goes on alone, and the way back.

use syncsplit_model::protocol::takeover::{primary_of_taken_over, secondary_of_old_primary};

use super::*;

#[test]
fn takeover_1_applies_what_is_contiguous_and_fences_the_old_primary() {
    let take = SecondaryEvent::Takeover { force: false };
    let remote_write = SecondaryEvent::RemoteWrite { block: BlockIndex(0), payload: 1 };
    let inhibited = secondary(PairState::Pair).step(ALL, remote_write).refused;
    assert_eq!(inhibited, Some(SecondaryRefusal::WrongState(PairState::Pair)));
    let arrived = does(secondary(PairState::Pair), ALL, frame(INC, 1, written(0, 1)));
    let ahead = does(arrived, ALL, frame(INC, 3, written(2, 3)));
    assert_eq!(ahead.step(ALL, take).refused, Some(SecondaryRefusal::ApplyFirst(Seq(1))));
    let taken = does(does(ahead, ALL, SecondaryEvent::Apply), ALL, take);
    assert_eq!((taken.state, taken.queue.is_empty()), (PairState::Ssws, true));
    assert_eq!(taken.step(ALL, frame(INC, 2, written(0, 9))).state, taken);
    let fenced = taken
        .step(ALL, SecondaryEvent::Arrived(ToSecondary::Resync { incarnation: Incarnation(9) }))
        .refused;
    assert_eq!(fenced, Some(SecondaryRefusal::WrongState(PairState::Ssws)));
    let mixed = secondary(PairState::Copy);
    assert_eq!(mixed.step(ALL, take).refused, Some(SecondaryRefusal::NotConsistent));
    let forced = does(mixed, ALL, SecondaryEvent::Takeover { force: true });
    assert!(!forced.consistent, "a forced takeover still says what the image is");
    assert_eq!(mixed.step(less(Rule::Takeover1), take).refused, None);
}

#[test]
fn takeover_2_fails_back_by_a_resync_the_other_way() {
    let taken = does(secondary(PairState::Pair), ALL, SecondaryEvent::Takeover { force: false });
    let remote_write = SecondaryEvent::RemoteWrite { block: BlockIndex(2), payload: 1 };
    let wrote = does(taken, ALL, remote_write);
    assert!(wrote.dirty.is_dirty(BlockIndex(2)));
    assert!(does(taken, less(Rule::Takeover2), remote_write).dirty.is_clean());
    let mut old = primary(PairState::Copy, JournalFull::Hold);
    old.dirty.mark(BlockIndex(1));
    let old = did(old, ALL, write(0, 7));
    let new_primary: TestPrimary =
        primary_of_taken_over(wrote, Queue::new(2), JournalFull::Hold, INC).unwrap();
    assert_eq!(new_primary.check(), Ok(()));
    let new_secondary: TestSecondary =
        secondary_of_old_primary(&old, Queue::new(2), BlockSet::new(3));
    assert_eq!(new_secondary.check(), Ok(()));
    let asked = did(new_primary, ALL, PrimaryEvent::Resync);
    let incarnation = asked.pending.unwrap();
    let step =
        new_secondary.step(ALL, SecondaryEvent::Arrived(ToSecondary::Resync { incarnation }));
    let Some(SecondaryEffect::Send(ToPrimary::Ready { incarnation, written, dirty })) =
        step.effects.last().cloned()
    else {
        panic!("the old primary answers as a secondary: {:?}", step.effects);
    };
    let copying =
        did(asked, ALL, PrimaryEvent::Arrived(ToPrimary::Ready { incarnation, written, dirty }));
    assert_eq!(copying.dirty.iter().count(), 3, "what either side wrote is copied");
}

#[test]
fn takeover_1_is_for_a_pair_that_is_not_taken_over() {
    for force in [false, true] {
        for state in [PairState::Smpl, PairState::Ssws] {
            let refused = secondary(state).step(ALL, SecondaryEvent::Takeover { force }).refused;
            assert_eq!(refused, Some(SecondaryRefusal::WrongState(state)));
        }
    }
}

/// The secondary in COPY of incarnation 2 with its gold copy, after the copying has brought block 1 over.
fn copying_over_gold() -> TestSecondary {
    let incarnation = INC.next();
    let asked = does(
        secondary(PairState::Psue),
        ALL,
        SecondaryEvent::Arrived(ToSecondary::Resync { incarnation }),
    );
    assert_eq!(asked.replica.state, ReplicaState::Split(Purpose::Gold));
    let copy = Item::Copy { block: BlockIndex(1), payload: 5 };
    does(does(asked, ALL, frame(incarnation, 1, copy)), ALL, SecondaryEvent::Apply)
}

#[test]
fn takeover_1_in_copy_brings_the_gold_copy_back() {
    let take = SecondaryEvent::Takeover { force: false };
    let copying = copying_over_gold();
    let step = copying.step(ALL, take);
    let mut overwritten = BlockSet::new(3);
    overwritten.mark(BlockIndex(1));
    let restore = SecondaryEffect::Replica(ReplicaEffect::Restore(overwritten));
    assert_eq!(step.effects.as_slice(), [restore]);
    let taken = step.state;
    assert_eq!((taken.state, taken.consistent), (PairState::Ssws, true));
    assert_eq!(taken.replica.state, ReplicaState::Pair, "the gold copy has served its purpose");
    assert!(taken.replica.dirty.is_clean());
    assert_eq!(taken.dirty, overwritten, "TAKEOVER-2: the copy that was undone has to come again");
    // Without RESYNC-4 a split replica pair promises no image, so there is nothing to bring back.
    let without = copying.step(less(Rule::Resync4), take);
    assert_eq!(without.refused, Some(SecondaryRefusal::NotConsistent));
    let without = copying.step(less(Rule::Takeover1), take);
    assert!(without.effects.is_empty() && !without.state.consistent, "a mixed image is taken over");
}

#[test]
fn takeover_1_in_copy_restores_even_by_force_and_after_a_suspension() {
    let incarnation = INC.next();
    for event in
        [SecondaryEvent::Fail, SecondaryEvent::Arrived(ToSecondary::Suspend { incarnation })]
    {
        for force in [false, true] {
            let suspended = does(copying_over_gold(), ALL, event);
            let taken = suspended.step(ALL, SecondaryEvent::Takeover { force });
            assert_eq!(taken.effects.len(), 1, "the gold copy is better than what is forced");
            assert!(taken.state.consistent);
        }
    }
}

#[test]
fn takeover_1_leaves_a_backup_that_is_being_read_alone() {
    let armed = does(secondary(PairState::Pair), ALL, SecondaryEvent::Arm(ID));
    let split = does(armed, ALL, SecondaryEvent::Split(ID));
    let incarnation = INC.next();
    let asked = does(split, ALL, SecondaryEvent::Arrived(ToSecondary::Resync { incarnation }));
    let copy = Item::Copy { block: BlockIndex(1), payload: 5 };
    let copying = does(does(asked, ALL, frame(incarnation, 1, copy)), ALL, SecondaryEvent::Apply);
    let taken = does(copying, ALL, SecondaryEvent::Takeover { force: false });
    assert_eq!(taken.replica.state, ReplicaState::Split(Purpose::Backup(ID)), "still being read");
    let write = SecondaryEvent::RemoteWrite { block: BlockIndex(0), payload: 6 };
    let wrote = taken.step(ALL, write);
    let block = BlockIndex(0);
    let only_spvol = [SecondaryEffect::WriteSpvol { block, payload: 6 }];
    assert_eq!(wrote.effects.as_slice(), only_spvol, "the S-VOL stands still");
    let released = does(wrote.state, ALL, SecondaryEvent::Release(ID));
    assert_eq!(released.replica.state, ReplicaState::Pair);
    assert!(released.replica.dirty.is_dirty(block), "what was written meanwhile is copied on");
}

#[test]
fn takeover_1_splits_for_no_backup_afterwards() {
    let armed = does(secondary(PairState::Pair), ALL, SecondaryEvent::Arm(ID));
    let taken = does(armed, ALL, SecondaryEvent::Takeover { force: false });
    let refused = taken.step(ALL, SecondaryEvent::Split(ID)).refused;
    assert_eq!(refused, Some(SecondaryRefusal::WrongState(PairState::Ssws)));
    assert_eq!(taken.step(less(Rule::Takeover1), SecondaryEvent::Split(ID)).refused, None);
}

#[test]
fn takeover_1_tells_the_old_primary() {
    let taken = does(secondary(PairState::Pair), ALL, SecondaryEvent::Takeover { force: false });
    let step = taken.step(ALL, SecondaryEvent::Report);
    let says = SecondaryEffect::Send(ToPrimary::Suspended { incarnation: INC });
    assert_eq!((step.state, step.effects.as_slice()), (taken, [says].as_slice()));
    let deleted = taken
        .step(ALL, SecondaryEvent::Arrived(ToSecondary::Delete { incarnation: Incarnation(9) }))
        .refused;
    assert_eq!(deleted, Some(SecondaryRefusal::WrongState(PairState::Ssws)), "fenced");
}

#[test]
fn takeover_2_needs_a_side_that_was_taken_over() {
    for state in SECONDARY_STATES {
        let new: Option<TestPrimary> =
            primary_of_taken_over(secondary(state), Queue::new(2), JournalFull::Hold, INC);
        assert_eq!(new.is_some(), state == PairState::Ssws, "{state}");
    }
}

#[test]
fn takeover_2_trusts_nothing_of_an_old_primary_without_a_pair() {
    let old = did(primary(PairState::Psue, JournalFull::Hold), ALL, PrimaryEvent::Delete);
    let new: TestSecondary = secondary_of_old_primary(&old, Queue::new(2), BlockSet::new(3));
    assert_eq!(new.dirty.iter().count(), 3, "in SMPL no map is kept");
    assert!(new.consistent, "the old P-VOL has every write that was made to it");
    let mut suspended = primary(PairState::Psue, JournalFull::Hold);
    suspended.dirty.mark(BlockIndex(2));
    let new: TestSecondary = secondary_of_old_primary(&suspended, Queue::new(2), BlockSet::new(3));
    assert_eq!(new.dirty.iter().collect::<Vec<_>>(), [BlockIndex(2)]);
}

#[test]
fn takeover_2_covers_what_the_restored_gold_copy_undid() {
    let taken = does(copying_over_gold(), ALL, SecondaryEvent::Takeover { force: false });
    let new: TestPrimary =
        primary_of_taken_over(taken, Queue::new(2), JournalFull::Hold, INC).unwrap();
    assert_eq!((new.state, new.incarnation), (PairState::Psus, INC.next()));
    let later = Incarnation(INC.0 + 7);
    let new: TestPrimary =
        primary_of_taken_over(taken, Queue::new(2), JournalFull::Hold, later).unwrap();
    assert_eq!(new.incarnation, later, "the old primary may have gone on without this side");
    assert!(new.dirty.is_dirty(BlockIndex(1)), "the old P-VOL has what this side gave up");
}
