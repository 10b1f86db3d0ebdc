//! SYNC, FREEZE and SPLIT: what a backup waits for, holds still and separates.

use super::*;

#[test]
fn sync_1_needs_pair() {
    for state in [PairState::Smpl, PairState::Copy, PairState::Psus, PairState::Psue] {
        assert_eq!(Sync::begin(ALL, view(state, INC, 3, 1)), Err(NotPair(state)));
        assert!(Sync::begin(less(Rule::Sync1), view(state, INC, 3, 1)).is_ok());
    }
}

#[test]
fn sync_2_holds_the_newest_marker() {
    let pair = view(PairState::Pair, INC, 3, 1);
    assert_eq!(Sync::begin(ALL, pair).unwrap().held, QMarker { incarnation: INC, seq: Seq(3) });
    assert_eq!(Sync::begin(less(Rule::Sync2), pair).unwrap().held.seq, Seq(1));
}

/// How a Sync that holds 3 answers to one event.
fn answer(rules: Rules, event: SyncEvent) -> SyncEffect {
    let sync = Sync::begin(ALL, view(PairState::Pair, INC, 3, 1)).unwrap();
    *sync.step(rules, event).effects.first().unwrap()
}

#[test]
fn sync_3_is_done_when_written_reaches_held() {
    let look = |written| SyncEvent::Look(view(PairState::Pair, INC, 9, written));
    assert_eq!(answer(ALL, look(2)), SyncEffect::Wait);
    assert_eq!(answer(ALL, look(3)), SyncEffect::Return(SyncOutcome::Done));
    assert_eq!(answer(less(Rule::Sync3), look(2)), SyncEffect::Return(SyncOutcome::Done));
}

#[test]
fn sync_4_ends_at_the_timeout() {
    assert_eq!(answer(ALL, SyncEvent::Timeout), SyncEffect::Return(SyncOutcome::Timeout));
    assert_eq!(answer(less(Rule::Sync4), SyncEvent::Timeout), SyncEffect::Wait);
}

#[test]
fn sync_5_looks_at_the_pair_before_the_numbers() {
    let broken = SyncEvent::Look(view(PairState::Psue, INC, 3, 3));
    assert_eq!(answer(ALL, broken), SyncEffect::Return(SyncOutcome::Broken));
    let changed = SyncEvent::Look(view(PairState::Pair, Incarnation(2), 3, 3));
    assert_eq!(answer(ALL, changed), SyncEffect::Return(SyncOutcome::Changed));
    for event in [broken, changed] {
        let published = answer(less(Rule::Sync5), event);
        assert_eq!(published, SyncEffect::Return(SyncOutcome::Done), "figure 3 says done");
    }
    let codes =
        [SyncOutcome::Done, SyncOutcome::Timeout, SyncOutcome::Broken, SyncOutcome::Changed];
    assert_eq!(codes.map(SyncOutcome::exit_code), [0, 1, 2, 3]);
}

fn database(rules: Rules, events: &[DatabaseEvent]) -> Database {
    events.iter().fold(Database::default(), |database, event| database.step(rules, *event).state)
}

#[test]
fn freeze_1_waits_for_open_transactions() {
    use DatabaseEvent::{Begin, Commit, Freeze, Write};
    let freezing = database(ALL, &[Begin, Begin, Freeze(ID)]);
    assert_eq!(freezing.freeze, FreezeState::Freezing(ID));
    assert_eq!(freezing.step(ALL, Begin).refused, Some(DatabaseRefusal::Frozen(ID)));
    assert_eq!(freezing.step(ALL, Write).refused, None);
    let one_left = freezing.step(ALL, Commit);
    assert!(one_left.effects.is_empty());
    let frozen = one_left.state.step(ALL, Commit);
    let answer = [DatabaseEffect::Flush, DatabaseEffect::AnswerFrozen(ID)];
    assert_eq!(frozen.effects.as_slice(), answer);
    let torn = database(less(Rule::Freeze1), &[Begin, Freeze(ID)]);
    assert_eq!((torn.freeze, torn.open), (FreezeState::Frozen(ID), 1));
}

#[test]
fn freeze_2_is_a_lease() {
    use DatabaseEvent::{Freeze, LeaseExpired};
    let expired = database(ALL, &[Freeze(ID), LeaseExpired]);
    assert_eq!(expired.freeze, FreezeState::Running);
    let kept = database(less(Rule::Freeze2), &[Freeze(ID), LeaseExpired]);
    assert_eq!(kept.freeze, FreezeState::Frozen(ID));
}

#[test]
fn freeze_3_thaw_says_whether_the_freeze_held() {
    use DatabaseEvent::{Freeze, LeaseExpired, Thaw};
    let held = |rules, events: &[DatabaseEvent]| {
        database(rules, events).step(rules, Thaw(ID)).effects.first().copied()
    };
    let answer = |held| Some(DatabaseEffect::AnswerThawed { id: ID, held });
    assert_eq!(held(ALL, &[Freeze(ID)]), answer(true));
    assert_eq!(held(ALL, &[Freeze(ID), LeaseExpired]), answer(false));
    assert_eq!(held(ALL, &[Freeze(ID), LeaseExpired, Freeze(ID.next())]), answer(false));
    assert_eq!(held(less(Rule::Freeze3), &[Freeze(ID), LeaseExpired]), answer(true));
}

#[test]
fn split_1_reflects_what_lags_and_separates_in_one_step() {
    let armed = does(secondary(PairState::Pair), ALL, SecondaryEvent::Arm(ID));
    let lagging = does(armed, ALL, frame(INC, 1, written(1, 4)));
    let lagging = does(lagging, ALL, SecondaryEvent::Apply);
    let split = lagging.step(ALL, SecondaryEvent::Split(ID));
    assert_eq!(split.state.replica.state, ReplicaState::Split(Purpose::Backup(ID)));
    assert!(matches!(
        split.effects.as_slice(),
        [SecondaryEffect::Replica(ReplicaEffect::Reflect(map)), SecondaryEffect::SplitDone(ID)]
            if map.is_dirty(BlockIndex(1))
    ));
    let without = lagging.step(less(Rule::Split1), SecondaryEvent::Split(ID));
    assert_eq!(without.effects.as_slice(), [SecondaryEffect::SplitDone(ID)]);
}

#[test]
fn split_2_executes_for_the_armed_id_once() {
    let refused = secondary(PairState::Pair).step(ALL, SecondaryEvent::Split(ID)).refused;
    assert_eq!(refused, Some(SecondaryRefusal::NotArmed(ID)));
    let split = does(secondary(PairState::Pair), ALL, SecondaryEvent::Arm(ID));
    let split = does(split, ALL, SecondaryEvent::Split(ID));
    let again = split.step(ALL, SecondaryEvent::Split(ID));
    assert_eq!(again.effects.as_slice(), [SecondaryEffect::SplitDone(ID)], "nothing is reflected");
    let released = does(split, ALL, SecondaryEvent::Release(ID));
    assert_eq!(released.replica.state, ReplicaState::Pair);
    assert!(released.step(ALL, SecondaryEvent::Split(ID)).refused.is_some());
    let rules = less(Rule::Split2);
    assert_eq!(released.step(rules, SecondaryEvent::Split(ID)).refused, None);
}
