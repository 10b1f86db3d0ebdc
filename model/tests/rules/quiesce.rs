//! QUIESCE: host writes held at the primary instead of a frozen database.

use super::*;

fn held_for(id: BackupId) -> TestPrimary {
    did(primary(PairState::Pair, JournalFull::Hold), ALL, PrimaryEvent::Quiesce(id))
}

/// What the primary answers when the hold for [`ID`] is ended.
fn released(primary: TestPrimary, rules: Rules) -> (TestPrimary, bool) {
    let step = primary.step(rules, PrimaryEvent::Unquiesce(ID));
    let [PrimaryEffect::AnswerReleased { id: ID, held }] = step.effects.as_slice() else {
        panic!("a release is answered, whatever became of the hold: {:?}", step.effects);
    };
    (step.state, *held)
}

#[test]
fn quiesce_1_holds_host_writes_until_released() {
    let open = primary(PairState::Pair, JournalFull::Hold);
    let step = open.step(ALL, PrimaryEvent::Quiesce(ID));
    assert_eq!(step.effects.as_slice(), [PrimaryEffect::AnswerQuiesced(ID)]);
    let held = step.state;
    assert_eq!(held.step(ALL, write(0, 1)).refused, Some(PrimaryRefusal::Quiesced(ID)));
    let (after, lasted) = released(held, ALL);
    assert!(lasted);
    assert_eq!(after.step(ALL, write(0, 1)).refused, None);
    let without = held.step(less(Rule::Quiesce1), write(0, 1));
    assert_eq!(without.refused, None, "without QUIESCE-1 the host writes during a hold");
}

#[test]
fn quiesce_1_holds_in_every_pair_state_and_lets_the_journal_drain() {
    for state in PRIMARY_STATES {
        let held = did(primary(state, JournalFull::Hold), ALL, PrimaryEvent::Quiesce(ID));
        assert_eq!(held.step(ALL, write(0, 1)).refused, Some(PrimaryRefusal::Quiesced(ID)));
    }
    let filled = did(primary(PairState::Pair, JournalFull::Hold), ALL, write(0, 1));
    let held = did(filled, ALL, PrimaryEvent::Quiesce(ID));
    let sent = did(held, ALL, PrimaryEvent::Send { seq: Seq(1) });
    let acked = did(
        sent,
        ALL,
        PrimaryEvent::Arrived(ToPrimary::Ack(Ack { incarnation: INC, written: Seq(1) })),
    );
    assert_eq!(acked.view().written, acked.view().newest.seq, "Sync needs the journal to drain");
}

#[test]
fn quiesce_1_is_a_lease_as_a_freeze_is() {
    let expired = did(held_for(ID), ALL, PrimaryEvent::LeaseExpired);
    assert_eq!(expired.quiesced, None);
    assert_eq!(expired.step(ALL, write(0, 1)).refused, None);
    let twice = expired.step(ALL, PrimaryEvent::LeaseExpired).refused;
    assert_eq!(twice, Some(PrimaryRefusal::NotQuiesced));
    let kept = held_for(ID).step(less(Rule::Freeze2), PrimaryEvent::LeaseExpired);
    assert_eq!(kept.refused, Some(PrimaryRefusal::NotQuiesced));
    assert_eq!(kept.state.quiesced, Some(ID), "without FREEZE-2 a dead coordinator holds for ever");
}

#[test]
fn quiesce_1_answers_whether_the_hold_lasted() {
    let expired = did(held_for(ID), ALL, PrimaryEvent::LeaseExpired);
    let crashed = did(held_for(ID), ALL, PrimaryEvent::Restart);
    let others = held_for(ID.next());
    for broken in [expired, crashed, others] {
        let (after, lasted) = released(broken, ALL);
        assert!(!lasted, "{broken:?}");
        assert_eq!(after.quiesced, broken.quiesced, "another backup's hold goes on");
        let (_, claims) = released(broken, less(Rule::Freeze3));
        assert!(claims, "without FREEZE-3 the answer is always yes");
    }
}
