//! WRITE and XFER: a host write on its way from the primary to the S/P-VOL.

use super::*;

#[test]
fn write_1_numbers_and_queues_and_then_answers() {
    let step = primary(PairState::Pair, JournalFull::Hold).step(ALL, write(1, 7));
    assert_eq!(step.state.newest, Seq(1));
    assert_eq!(step.state.journal.get(Seq(1)).unwrap().item, written(1, 7));
    let block = BlockIndex(1);
    let expected = [PrimaryEffect::WritePvol { block, payload: 7 }, PrimaryEffect::AnswerHost];
    assert_eq!(step.effects.as_slice(), expected);
    let without = did(primary(PairState::Pair, JournalFull::Hold), less(Rule::Write1), write(1, 7));
    assert!(without.journal.is_empty(), "WRITE-1 is what queues the write");
}

#[test]
fn write_2_in_copy_queues_clean_blocks_only() {
    let mut copying = primary(PairState::Copy, JournalFull::Hold);
    copying.dirty.mark(BlockIndex(0));
    let after = did(did(copying, ALL, write(0, 1)), ALL, write(1, 2));
    assert_eq!(after.journal.entries().map(|e| e.item).collect::<Vec<_>>(), [written(1, 2)]);
    let without = did(copying, less(Rule::Write2), write(1, 2));
    assert!(without.journal.is_empty(), "WRITE-2 is what queues a write to a clean block");
}

#[test]
fn write_3_marks_the_block_while_suspended() {
    for state in [PairState::Psus, PairState::Psue] {
        let suspended = primary(state, JournalFull::Hold);
        assert!(did(suspended, ALL, write(2, 1)).dirty.is_dirty(BlockIndex(2)));
        assert!(did(suspended, less(Rule::Write3), write(2, 1)).dirty.is_clean());
    }
}

#[test]
fn write_4_holds_or_suspends_and_never_drops() {
    let fill = |full| did(did(primary(PairState::Pair, full), ALL, write(0, 1)), ALL, write(1, 2));
    let held = fill(JournalFull::Hold).step(ALL, write(2, 3));
    assert_eq!(held.refused, Some(PrimaryRefusal::JournalFull));
    let suspended = did(fill(JournalFull::Suspend), ALL, write(2, 3));
    assert_eq!(suspended.state, PairState::Psue);
    assert!((0..3).all(|block| suspended.dirty.is_dirty(BlockIndex(block))));
    let dropped = did(fill(JournalFull::Hold), less(Rule::Write4), write(2, 3));
    assert_eq!(dropped.newest, Seq(2), "without WRITE-4 the write is answered and lost");
}

#[test]
fn xfer_1_sends_any_entry_again() {
    let filled = did(primary(PairState::Pair, JournalFull::Hold), ALL, write(0, 1));
    let send = PrimaryEvent::Send { seq: Seq(1) };
    let again = did(did(filled, ALL, send.clone()), ALL, send.clone());
    assert_eq!(again.journal.len(), 1);
    let rules = less(Rule::Xfer1);
    let refused = did(filled, rules, send.clone()).step(rules, send).refused;
    assert_eq!(refused, Some(PrimaryRefusal::SentBefore(Seq(1))));
}

#[test]
fn xfer_2_keeps_an_entry_until_it_is_reported_written() {
    let filled = did(primary(PairState::Pair, JournalFull::Hold), ALL, write(0, 1));
    let sent = did(filled, ALL, PrimaryEvent::Send { seq: Seq(1) });
    assert_eq!(sent.journal.len(), 1);
    let acked = did(
        sent,
        ALL,
        PrimaryEvent::Arrived(ToPrimary::Ack(Ack { incarnation: INC, written: Seq(1) })),
    );
    assert!(acked.journal.is_empty());
    let dropped = did(filled, less(Rule::Xfer2), PrimaryEvent::Send { seq: Seq(1) });
    assert!(dropped.journal.is_empty(), "without XFER-2 sent is taken for written");
}

#[test]
fn xfer_3_applies_the_next_number_and_no_other() {
    let ahead = does(secondary(PairState::Pair), ALL, frame(INC, 2, written(0, 2)));
    let refused = ahead.step(ALL, SecondaryEvent::Apply).refused;
    assert_eq!(refused, Some(SecondaryRefusal::NothingToApply(Seq(1))));
    let both = does(ahead, ALL, frame(INC, 1, written(0, 1)));
    let duplicate = both.step(ALL, frame(INC, 2, written(0, 2))).refused;
    assert_eq!(duplicate, Some(SecondaryRefusal::Duplicate(Seq(2))));
    let applied = does(does(both, ALL, SecondaryEvent::Apply), ALL, SecondaryEvent::Apply);
    assert_eq!(applied.written, Seq(2));
    let jumped = does(secondary(PairState::Pair), less(Rule::Xfer3), frame(INC, 2, written(0, 2)));
    assert_eq!(jumped.written, Seq(2), "without XFER-3 a gap is skipped");
}

#[test]
fn xfer_4_drops_messages_of_another_incarnation() {
    let old = Incarnation(0);
    let refused = secondary(PairState::Pair).step(ALL, frame(old, 1, written(0, 1))).refused;
    assert_eq!(refused, Some(SecondaryRefusal::StaleIncarnation(old)));
    let filled = did(primary(PairState::Pair, JournalFull::Hold), ALL, write(0, 1));
    let ack = PrimaryEvent::Arrived(ToPrimary::Ack(Ack { incarnation: old, written: Seq(1) }));
    let refused = filled.step(ALL, ack.clone()).refused;
    assert_eq!(refused, Some(PrimaryRefusal::StaleIncarnation(old)));
    assert!(did(filled, less(Rule::Xfer4), ack).journal.is_empty());
    let taken = does(secondary(PairState::Pair), less(Rule::Xfer4), frame(old, 1, written(0, 1)));
    assert_eq!(taken.queue.len(), 1, "without XFER-4 an old number is taken for a new one");
}
