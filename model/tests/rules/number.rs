//! NUMBER: the last seq, the last incarnation and the last backup id are given once.

use super::*;

/// A primary that has given the last seq.
fn last_given(state: PairState) -> TestPrimary {
    let mut primary = primary(state, JournalFull::Hold);
    (primary.newest, primary.written) = (Seq::LAST, Seq::LAST);
    primary
}

fn refused(primary: TestPrimary, event: PrimaryEvent<u8, BlockSet>) -> Option<PrimaryRefusal> {
    primary.step(ALL, event).refused
}

#[test]
fn number_1_suspends_what_would_need_another_seq() {
    let suspended = did(last_given(PairState::Pair), ALL, write(1, 7));
    assert_eq!(suspended.state, PairState::Psue);
    assert!(suspended.dirty.is_dirty(BlockIndex(1)), "the write is not lost");
    assert_eq!(suspended.newest, Seq::LAST);

    let mut copying = last_given(PairState::Copy);
    copying.dirty.mark(BlockIndex(2));
    let block = BlockIndex(2);
    let copy = did(copying, ALL, PrimaryEvent::CopyBlock { block, payload: 7 });
    assert_eq!(copy.state, PairState::Psue);
    assert!(copy.dirty.is_dirty(block), "what was not copied stays dirty");
    let mark = did(last_given(PairState::Copy), ALL, PrimaryEvent::PairMark);
    assert_eq!((mark.state, mark.mark), (PairState::Psue, None));

    let without = did(last_given(PairState::Pair), less(Rule::Number1), write(1, 7));
    assert_eq!(without.journal.get(Seq::LAST).map(|entry| entry.seq), Some(Seq::LAST));
}

#[test]
fn number_1_keeps_the_last_seq_usable() {
    let mut before = primary(PairState::Pair, JournalFull::Hold);
    before.newest = Seq(Seq::LAST.0 - 1);
    before.written = before.newest;
    let last = did(before, ALL, write(0, 7));
    assert_eq!((last.state, last.newest), (PairState::Pair, Seq::LAST));
    let sent = did(last, ALL, PrimaryEvent::Send { seq: Seq::LAST });
    let ack = Ack { incarnation: INC, written: Seq::LAST };
    let written = did(sent, ALL, PrimaryEvent::Arrived(ToPrimary::Ack(ack)));
    assert_eq!((written.state, written.written), (PairState::Pair, Seq::LAST));
    assert!(Journal::is_empty(&written.journal));
}

#[test]
fn number_1_begins_no_pairing_after_the_last_seq() {
    for (state, command) in [
        (PairState::Smpl, PrimaryEvent::Create),
        (PairState::Psus, PrimaryEvent::Resync),
        (PairState::Psue, PrimaryEvent::Resync),
    ] {
        let ended = last_given(state);
        assert_eq!(refused(ended, command.clone()), Some(PrimaryRefusal::SeqsEnded));
        let without = ended.step(less(Rule::Number1), command);
        assert_eq!(without.refused, None, "without NUMBER-1 numbers would begin where they end");
    }
}

#[test]
fn number_2_asks_for_no_incarnation_after_the_last() {
    for (state, command) in [
        (PairState::Smpl, PrimaryEvent::Create),
        (PairState::Psus, PrimaryEvent::Resync),
        (PairState::Psue, PrimaryEvent::Resync),
    ] {
        let mut last = primary(state, JournalFull::Hold);
        last.incarnation = Incarnation::LAST;
        assert_eq!(refused(last, command.clone()), Some(PrimaryRefusal::IncarnationsEnded));
        assert_eq!(last.step(ALL, command.clone()).state.dirty, last.dirty, "nothing has changed");
        let without = last.step(less(Rule::Number2), command.clone());
        assert_eq!(without.state.pending, Some(Incarnation::LAST), "without NUMBER-2");

        // What has been asked for is asked for again, since the first message may be lost.
        let mut asked = last;
        asked.incarnation = Incarnation(Incarnation::LAST.0 - 1);
        asked.pending = Some(Incarnation::LAST);
        assert_eq!(did(asked, ALL, command).pending, Some(Incarnation::LAST));
    }
}

#[test]
fn backup_4_begins_no_backup_after_the_last_id() {
    let last = Requester { newest: BackupId::LAST, ..Requester::default() };
    let step = last.step(ALL, RequesterEvent::Start);
    assert_eq!((step.refused, step.state), (Some(RequesterRefusal::IdsEnded), last));
}

/// SYNC-2: ten digits while both parts fit into them, and otherwise as many as they need, so that no two markers look alike.
#[test]
fn sync_2_prints_each_marker_as_a_text_of_its_own() {
    let printed = |incarnation, seq| {
        QMarker { incarnation: Incarnation(incarnation), seq: Seq(seq) }.to_string()
    };
    assert_eq!(printed(1, 42), "010000002a");
    assert_eq!(printed(0xff, 0xffff_ffff), "ffffffffff");
    assert_eq!(printed(0x101, 42), "00000101000000000000002a", "256 pairings after the first");
    assert_eq!(printed(1, 0x1_0000_002a), "00000001000000010000002a");
    assert_eq!(printed(u32::MAX, u64::MAX), "f".repeat(24));
}
