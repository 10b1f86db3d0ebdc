//! Restarts: exactly what SPEC calls volatile is lost. Each test gives the restarted role a state in which every field
//! differs from a new role's, so that a field lost by mistake is seen. The rules that rely on it are cited.

use super::*;

#[test]
fn primary_loses_its_hold() {
    let mut suspended = primary(PairState::Psue, JournalFull::Suspend);
    suspended.newest = Seq(7);
    suspended.written = Seq(5);
    suspended.dirty.mark(BlockIndex(1));
    let asked = did(suspended, ALL, PrimaryEvent::Resync);
    let held = did(asked, ALL, PrimaryEvent::Quiesce(ID));
    assert_eq!((held.pending, held.quiesced), (Some(INC.next()), Some(ID)));
    let step = held.step(ALL, PrimaryEvent::Restart);
    assert_eq!((step.refused, step.effects.len()), (None, 0));
    assert_eq!(step.state, asked, "everything but quiesced is as it was");
}

#[test]
fn primary_keeps_journal_map_and_mark() {
    let mut copying = primary(PairState::Copy, JournalFull::Hold);
    copying.written = Seq(4);
    copying.newest = Seq(4);
    copying.dirty.mark(BlockIndex(0));
    let filled = did(copying, ALL, write(1, 9));
    assert_eq!(did(filled, ALL, PrimaryEvent::Restart), filled, "WRITE-2: numbered is durable");
    let marked = did(primary(PairState::Copy, JournalFull::Hold), ALL, PrimaryEvent::PairMark);
    assert_eq!(did(marked, ALL, PrimaryEvent::Restart), marked, "RESYNC-3: the mark is durable");
}

/// PAIR-4 after a crash: the secondary has begun what was asked for, and the delete has to reach it.
#[test]
fn a_delete_after_a_restart_names_what_was_asked_for() {
    let asked = did(primary(PairState::Psue, JournalFull::Hold), ALL, PrimaryEvent::Resync);
    let incarnation = INC.next();
    let begun = does(
        secondary(PairState::Psue),
        ALL,
        SecondaryEvent::Arrived(ToSecondary::Resync { incarnation }),
    );
    let restarted = did(asked, ALL, PrimaryEvent::Restart);
    let step = restarted.step(ALL, PrimaryEvent::Delete);
    let told = PrimaryEffect::Send(ToSecondary::Delete { incarnation });
    assert_eq!(step.effects.as_slice(), [told]);
    let ended = does(begun, ALL, SecondaryEvent::Arrived(ToSecondary::Delete { incarnation }));
    assert_eq!(ended.state, PairState::Smpl);
}

#[test]
fn secondary_loses_its_queue_and_what_is_armed() {
    let armed = does(secondary(PairState::Pair), ALL, SecondaryEvent::Arm(ID));
    let split = does(armed, ALL, SecondaryEvent::Split(ID));
    let arrived = does(split, ALL, frame(INC, 1, written(1, 1)));
    let mut busy = does(arrived, ALL, SecondaryEvent::Apply);
    busy.dirty.mark(BlockIndex(2));
    let queued = does(busy, ALL, frame(INC, 3, written(0, 3)));
    let step = queued.step(ALL, SecondaryEvent::Restart);
    assert_eq!((step.refused, step.effects.len()), (None, 0));
    let mut expected = busy;
    expected.armed = None;
    assert_eq!(step.state, expected, "everything but queue and armed is as it was");
    assert_eq!(step.state.replica.state, ReplicaState::Split(Purpose::Backup(ID)));
    let resent = does(step.state, ALL, frame(INC, 3, written(0, 3)));
    assert_eq!(resent.queue.len(), 1, "XFER-1: what was lost is taken when it is sent again");
    let late = step.state.step(ALL, SecondaryEvent::Split(ID)).refused;
    assert_eq!(late, Some(SecondaryRefusal::NotArmed(ID)), "SPLIT-2: nothing is armed any more");
}

#[test]
fn secondary_restarts_in_the_state_it_was_in() {
    for state in SECONDARY_STATES {
        let before = secondary(state);
        assert_eq!(does(before, ALL, SecondaryEvent::Restart), before, "{state}");
    }
}

#[test]
fn database_loses_its_freeze_and_keeps_what_is_open() {
    for (freeze, open) in [(FreezeState::Freezing(ID), 2), (FreezeState::Frozen(ID), 0)] {
        let step = Database { freeze, open }.step(ALL, DatabaseEvent::Restart);
        assert_eq!(step.state, Database { freeze: FreezeState::Running, open });
        assert_eq!((step.refused, step.effects.len()), (None, 0));
        let thawed = step.state.step(ALL, DatabaseEvent::Thaw(ID));
        let answer = DatabaseEffect::AnswerThawed { id: ID, held: false };
        assert_eq!(thawed.effects.as_slice(), [answer], "FREEZE-3: a crash ends a freeze");
    }
}

#[test]
fn coordinator_forgets_the_backup_and_keeps_its_id() {
    for state in COORDINATOR_STATES {
        let newest = Some(ID);
        let step = Coordinator { state, newest }.step(ALL, CoordinatorEvent::Restart);
        assert_eq!(step.state, Coordinator { state: CoordinatorState::Idle, newest });
        assert_eq!((step.refused, step.effects.len()), (None, 0));
        let repeat = step.state.step(ALL, CoordinatorEvent::Request(ID)).refused;
        assert_eq!(repeat, Some(CoordinatorRefusal::SeenBefore(ID)), "BACKUP-4 across a restart");
    }
}

#[test]
fn requester_releases_what_it_may_hold_and_keeps_its_id() {
    for state in [RequesterState::Idle, RequesterState::Waiting(ID), RequesterState::Reading(ID)] {
        let step = Requester { state, newest: ID }.step(ALL, RequesterEvent::Restart);
        assert_eq!(step.state, Requester { state: RequesterState::Idle, newest: ID });
        assert_eq!(step.effects.as_slice(), [RequesterEffect::Release(ID)]);
        let permit = step.state.step(ALL, RequesterEvent::Permit(ID)).refused;
        assert_eq!(permit, Some(RequesterRefusal::WrongState(RequesterState::Idle)), "BACKUP-1");
        let next = step.state.step(ALL, RequesterEvent::Start).state;
        assert_eq!(next.state, RequesterState::Waiting(ID.next()), "BACKUP-4 across a restart");
    }
}
