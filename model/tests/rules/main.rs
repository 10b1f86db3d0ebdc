//! One test a rule: what the rule does, and what the same step does with the rule left out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use syncsplit_model::protocol::bounded::{BlockSet, BoundedQueue};
use syncsplit_model::protocol::coordinator::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorRefusal, CoordinatorState,
};
use syncsplit_model::protocol::database::{
    Database, DatabaseEffect, DatabaseEvent, DatabaseRefusal, FreezeState,
};
use syncsplit_model::protocol::primary::{
    JournalFull, Primary, PrimaryEffect, PrimaryEvent, PrimaryRefusal,
};
use syncsplit_model::protocol::replica::{Purpose, ReplicaEffect, ReplicaState};
use syncsplit_model::protocol::requester::{
    Requester, RequesterEffect, RequesterEvent, RequesterState,
};
use syncsplit_model::protocol::secondary::{
    Secondary, SecondaryEffect, SecondaryEvent, SecondaryRefusal,
};
use syncsplit_model::protocol::sync::{
    NotPair, PairView, Sync, SyncEffect, SyncEvent, SyncOutcome,
};
use syncsplit_model::protocol::{
    Ack, BackupId, BlockIndex, DirtyMap, Entry, Frame, HostMessage, Incarnation, Item, Journal,
    PairState, QMarker, Rule, Rules, Seq, ToPrimary, ToSecondary, takeover,
};

type Queue = BoundedQueue<u8, 3>;
type TestPrimary = Primary<u8, Queue, BlockSet>;
type TestSecondary = Secondary<u8, Queue, BlockSet>;

const ALL: Rules = Rules::HARDENED;
const INC: Incarnation = Incarnation(1);
const ID: BackupId = BackupId(1);

fn less(rule: Rule) -> Rules {
    ALL.without(rule)
}

fn primary(state: PairState, journal_full: JournalFull) -> TestPrimary {
    let mut primary = Primary::new(Queue::new(2), BlockSet::new(3), journal_full);
    primary.state = state;
    primary.incarnation = INC;
    primary
}

fn secondary(state: PairState) -> TestSecondary {
    let mut secondary = Secondary::new(Queue::new(2), BlockSet::new(3));
    secondary.state = state;
    secondary.incarnation = INC;
    secondary.consistent = state == PairState::Pair;
    secondary
}

/// Takes a step that must not be refused.
fn did(primary: TestPrimary, rules: Rules, event: PrimaryEvent<u8, BlockSet>) -> TestPrimary {
    let step = primary.step(rules, event);
    assert_eq!(step.refused, None);
    step.state
}

/// Takes a step that must not be refused.
fn does(secondary: TestSecondary, rules: Rules, event: SecondaryEvent<u8>) -> TestSecondary {
    let step = secondary.step(rules, event);
    assert_eq!(step.refused, None);
    step.state
}

fn write(block: u32, payload: u8) -> PrimaryEvent<u8, BlockSet> {
    PrimaryEvent::HostWrite { block: BlockIndex(block), payload }
}

fn frame(incarnation: Incarnation, seq: u64, item: Item<u8>) -> SecondaryEvent<u8> {
    SecondaryEvent::Frame(Frame { incarnation, entry: Entry { seq: Seq(seq), item } })
}

fn written(block: u32, payload: u8) -> Item<u8> {
    Item::Write { block: BlockIndex(block), payload }
}

fn view(state: PairState, incarnation: Incarnation, newest: u64, written: u64) -> PairView {
    PairView { state, newest: QMarker { incarnation, seq: Seq(newest) }, written: Seq(written) }
}

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
    let acked = did(sent, ALL, PrimaryEvent::Ack(Ack { incarnation: INC, written: Seq(1) }));
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
    let ack = PrimaryEvent::Ack(Ack { incarnation: old, written: Seq(1) });
    let refused = filled.step(ALL, ack.clone()).refused;
    assert_eq!(refused, Some(PrimaryRefusal::StaleIncarnation(old)));
    assert!(did(filled, less(Rule::Xfer4), ack).journal.is_empty());
}

#[test]
fn pair_1_create_marks_every_block() {
    let ready = |primary: TestPrimary, rules| {
        let written = Seq(0);
        let dirty = BlockSet::new(3);
        did(primary, rules, PrimaryEvent::Ready { incarnation: Incarnation(2), written, dirty })
    };
    let single = primary(PairState::Smpl, JournalFull::Hold);
    let step = single.step(ALL, PrimaryEvent::Create);
    let ask = ToSecondary::Resync { incarnation: Incarnation(2) };
    assert_eq!(step.effects.as_slice(), [PrimaryEffect::Send(ask)]);
    let copying = ready(step.state, ALL);
    assert_eq!((copying.state, copying.dirty.iter().count()), (PairState::Copy, 3));
    let rules = less(Rule::Pair1);
    assert!(ready(did(single, rules, PrimaryEvent::Create), rules).dirty.is_clean());
    let again = primary(PairState::Pair, JournalFull::Hold).step(ALL, PrimaryEvent::Create).refused;
    assert_eq!(again, Some(PrimaryRefusal::WrongState(PairState::Pair)));
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
fn resync_1_starts_a_new_incarnation_with_both_maps() {
    let mut suspended = primary(PairState::Psue, JournalFull::Hold);
    suspended.dirty.mark(BlockIndex(0));
    let asked = did(suspended, ALL, PrimaryEvent::Resync);
    let incarnation = Incarnation(2);
    assert_eq!(asked.pending, Some(incarnation));
    let mut dirty = BlockSet::new(3);
    dirty.mark(BlockIndex(2));
    let ready = PrimaryEvent::Ready { incarnation, written: Seq(5), dirty };
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
fn resync_3_ends_copy_with_a_mark() {
    let copying = primary(PairState::Copy, JournalFull::Hold);
    let marked = did(copying, ALL, PrimaryEvent::PairMark);
    assert_eq!((marked.state, marked.mark), (PairState::Copy, Some(Seq(1))));
    let ack = PrimaryEvent::Ack(Ack { incarnation: INC, written: Seq(1) });
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
    let ask = SecondaryEvent::Resync { incarnation: Incarnation(2) };
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
    let copying = does(split, ALL, SecondaryEvent::Resync { incarnation: Incarnation(2) });
    assert_eq!(copying.replica.state, ReplicaState::Split(Purpose::Backup(ID)));
    let released = does(copying, ALL, SecondaryEvent::Release(ID));
    assert_eq!(released.replica.state, ReplicaState::Split(Purpose::Gold));
}

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

#[test]
fn backup_1_reads_from_permission_to_release() {
    let waiting = Requester::default().step(ALL, RequesterEvent::Start).state;
    assert_eq!(waiting.state, RequesterState::Waiting(ID));
    let reading = waiting.step(ALL, RequesterEvent::Permit(ID)).state;
    assert_eq!(reading.state, RequesterState::Reading(ID));
    assert!(reading.step(ALL, RequesterEvent::Timeout).refused.is_some());
    let finished = reading.step(ALL, RequesterEvent::Finish);
    assert_eq!(finished.effects.as_slice(), [RequesterEffect::Release(ID)]);
    let early = Requester::default().step(less(Rule::Backup1), RequesterEvent::Start).state;
    assert_eq!(early.state, RequesterState::Reading(ID));
}

/// A coordinator in the given state, and what it does on the event.
fn coordinates(
    rules: Rules,
    state: CoordinatorState,
    event: CoordinatorEvent,
) -> (CoordinatorState, Vec<CoordinatorEffect>) {
    let step = Coordinator { state, newest: Some(ID) }.step(rules, event);
    (step.state.state, step.effects.into_iter().collect())
}

#[test]
fn backup_2_permits_after_the_thaw_has_answered() {
    let done = CoordinatorEvent::SplitAnswer { id: ID, done: true };
    let (state, effects) = coordinates(ALL, CoordinatorState::Splitting(ID), done);
    assert_eq!(state, CoordinatorState::Thawing(ID));
    assert_eq!(effects, [CoordinatorEffect::Thaw(ID)]);
    for (held, answer) in [(true, HostMessage::Permit(ID)), (false, HostMessage::Reject(ID))] {
        let thawed = CoordinatorEvent::Thawed { id: ID, held };
        let (state, effects) = coordinates(ALL, CoordinatorState::Thawing(ID), thawed);
        assert_eq!(
            (state, effects),
            (CoordinatorState::Idle, vec![CoordinatorEffect::Send(answer)])
        );
    }
    let (_, effects) = coordinates(less(Rule::Backup2), CoordinatorState::Splitting(ID), done);
    assert_eq!(effects.first(), Some(&CoordinatorEffect::Send(HostMessage::Permit(ID))));
}

#[test]
fn backup_3_thaws_and_answers_on_every_failure() {
    let failures = [
        (CoordinatorState::Freezing(ID), CoordinatorEvent::Timeout),
        (CoordinatorState::Syncing(ID), CoordinatorEvent::Synced { done: false }),
        (CoordinatorState::Splitting(ID), CoordinatorEvent::Timeout),
        (CoordinatorState::Splitting(ID), CoordinatorEvent::SplitAnswer { id: ID, done: false }),
        (CoordinatorState::Thawing(ID), CoordinatorEvent::Timeout),
    ];
    for (state, event) in failures {
        let (after, effects) = coordinates(ALL, state, event);
        assert_eq!(after, CoordinatorState::Idle);
        let rejects = CoordinatorEffect::Send(HostMessage::Reject(ID));
        assert_eq!(effects, [CoordinatorEffect::Thaw(ID), rejects]);
        assert!(coordinates(less(Rule::Backup3), state, event).1.is_empty());
    }
    let waiting = Requester::default().step(ALL, RequesterEvent::Start).state;
    let given_up = waiting.step(ALL, RequesterEvent::Timeout);
    assert_eq!(given_up.effects.as_slice(), [RequesterEffect::Release(ID)]);
}

#[test]
fn backup_4_never_uses_an_id_again() {
    let requester = Requester::default().step(ALL, RequesterEvent::Start).state;
    let idle = requester.step(ALL, RequesterEvent::Reject(ID)).state;
    let second = idle.step(ALL, RequesterEvent::Start).state;
    assert_eq!(second.state, RequesterState::Waiting(ID.next()));
    let coordinator = Coordinator { state: CoordinatorState::Idle, newest: Some(ID) };
    let refused = coordinator.step(ALL, CoordinatorEvent::Request(ID)).refused;
    assert_eq!(refused, Some(CoordinatorRefusal::SeenBefore(ID)));
    let rules = less(Rule::Backup4);
    assert_eq!(coordinator.step(rules, CoordinatorEvent::Request(ID)).refused, None);
    let busy = Coordinator { state: CoordinatorState::Syncing(ID), newest: Some(ID) };
    let step = busy.step(ALL, CoordinatorEvent::Request(ID.next()));
    let rejected = CoordinatorEffect::Send(HostMessage::Reject(ID.next()));
    assert_eq!(step.effects.as_slice(), [rejected], "one backup at a time");
    assert_eq!(step.state.state, CoordinatorState::Syncing(ID));
}

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
    assert!(taken.step(ALL, frame(INC, 2, written(0, 9))).refused.is_some());
    let fenced = taken.step(ALL, SecondaryEvent::Resync { incarnation: Incarnation(9) }).refused;
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
    let mut old = did(primary(PairState::Pair, JournalFull::Hold), ALL, write(0, 7));
    old.dirty.mark(BlockIndex(1));
    assert!(
        takeover::primary_of_taken_over(
            secondary(PairState::Pair),
            Queue::new(2),
            JournalFull::Hold
        )
        .is_none()
    );
    let new_primary: TestPrimary =
        takeover::primary_of_taken_over(wrote, Queue::new(2), JournalFull::Hold).unwrap();
    let new_secondary: TestSecondary =
        takeover::secondary_of_old_primary(&old, Queue::new(2), BlockSet::new(3));
    let asked = did(new_primary, ALL, PrimaryEvent::Resync);
    let incarnation = asked.pending.unwrap();
    let step = new_secondary.step(ALL, SecondaryEvent::Resync { incarnation });
    let Some(SecondaryEffect::Send(ToPrimary::Ready { incarnation, written, dirty })) =
        step.effects.last().cloned()
    else {
        panic!("the old primary answers as a secondary: {:?}", step.effects);
    };
    let copying = did(asked, ALL, PrimaryEvent::Ready { incarnation, written, dirty });
    assert_eq!(copying.dirty.iter().count(), 3, "what either side wrote is copied");
}

#[test]
fn quiesce_1_holds_host_writes_and_releases_them() {
    let held = did(primary(PairState::Pair, JournalFull::Hold), ALL, PrimaryEvent::Quiesce(true));
    assert_eq!(held.step(ALL, write(0, 1)).refused, Some(PrimaryRefusal::Quiesced));
    assert_eq!(held.step(less(Rule::Quiesce1), write(0, 1)).refused, None);
    let released = did(held, ALL, PrimaryEvent::Quiesce(false));
    assert_eq!(released.step(ALL, write(0, 1)).refused, None);
}
