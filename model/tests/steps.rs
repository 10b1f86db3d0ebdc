//! Properties of the transition functions over arbitrary events: a refusal changes nothing, invariants survive, numbers
//! never go back, and no event panics. (SYNC-3, XFER-3 and WRITE-4 over all inputs.)

use proptest::prelude::*;
use syncsplit_model::protocol::coordinator::{Coordinator, CoordinatorEvent};
use syncsplit_model::protocol::database::{Database, DatabaseEvent};
use syncsplit_model::protocol::primary::{JournalFull, Primary, PrimaryEvent};
use syncsplit_model::protocol::replica::ReplicaEffect;
use syncsplit_model::protocol::requester::{Requester, RequesterEvent};
use syncsplit_model::protocol::secondary::{Secondary, SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{
    Ack, BackupId, BlockIndex, DirtyMap, Entry, Frame, Incarnation, Item, PairState, Rules, Seq,
    ToPrimary, ToSecondary,
};
use syncsplit_model::world::bounded::{BlockSet, BoundedQueue};

const BLOCKS: u32 = 3;
type Queue = BoundedQueue<u8, 3>;

fn block() -> impl Strategy<Value = BlockIndex> {
    // One block beyond the group: it must be refused, not panic.
    (0..=BLOCKS).prop_map(BlockIndex)
}

fn incarnation() -> impl Strategy<Value = Incarnation> {
    (0_u32..4).prop_map(Incarnation)
}

fn seq() -> impl Strategy<Value = Seq> {
    prop_oneof![(0_u64..8).prop_map(Seq), Just(Seq(u64::MAX))]
}

fn id() -> impl Strategy<Value = BackupId> {
    prop_oneof![(0_u32..4).prop_map(BackupId), Just(BackupId(u32::MAX))]
}

fn map() -> impl Strategy<Value = BlockSet> {
    proptest::collection::vec(0..BLOCKS, 0..4).prop_map(|blocks| {
        let mut map = BlockSet::new(BLOCKS);
        blocks.into_iter().for_each(|block| map.mark(BlockIndex(block)));
        map
    })
}

fn primary_event() -> impl Strategy<Value = PrimaryEvent<u8, BlockSet>> {
    prop_oneof![
        4 => (block(), any::<u8>()).prop_map(|(block, payload)| PrimaryEvent::HostWrite { block, payload }),
        2 => seq().prop_map(|seq| PrimaryEvent::Send { seq }),
        4 => (incarnation(), seq()).prop_map(|(incarnation, written)| PrimaryEvent::Arrived(ToPrimary::Ack(Ack { incarnation, written }))),
        3 => (block(), any::<u8>()).prop_map(|(block, payload)| PrimaryEvent::CopyBlock { block, payload }),
        2 => Just(PrimaryEvent::PairMark),
        1 => Just(PrimaryEvent::Create),
        1 => Just(PrimaryEvent::Suspend),
        1 => Just(PrimaryEvent::Fail),
        2 => Just(PrimaryEvent::Resync),
        4 => (incarnation(), seq(), map())
            .prop_map(|(incarnation, written, dirty)| PrimaryEvent::Arrived(ToPrimary::Ready { incarnation, written, dirty })),
        2 => incarnation().prop_map(|incarnation| PrimaryEvent::Arrived(ToPrimary::Suspended { incarnation })),
        1 => Just(PrimaryEvent::Delete),
        1 => id().prop_map(PrimaryEvent::Quiesce),
        2 => id().prop_map(PrimaryEvent::Unquiesce),
        1 => Just(PrimaryEvent::LeaseExpired),
        1 => Just(PrimaryEvent::Restart),
    ]
}

fn item() -> impl Strategy<Value = Item<u8>> {
    prop_oneof![
        3 => (block(), any::<u8>()).prop_map(|(block, payload)| Item::Write { block, payload }),
        2 => (block(), any::<u8>()).prop_map(|(block, payload)| Item::Copy { block, payload }),
        1 => Just(Item::PairMark),
    ]
}

fn secondary_event() -> impl Strategy<Value = SecondaryEvent<u8>> {
    prop_oneof![
        6 => (incarnation(), seq(), item()).prop_map(|(incarnation, seq, item)| {
            SecondaryEvent::Arrived(ToSecondary::Frame(Frame { incarnation, entry: Entry { seq, item } }))
        }),
        6 => Just(SecondaryEvent::Apply),
        1 => Just(SecondaryEvent::Report),
        3 => incarnation().prop_map(|incarnation| SecondaryEvent::Arrived(ToSecondary::Resync { incarnation })),
        1 => incarnation().prop_map(|incarnation| SecondaryEvent::Arrived(ToSecondary::Suspend { incarnation })),
        1 => incarnation().prop_map(|incarnation| SecondaryEvent::Arrived(ToSecondary::Delete { incarnation })),
        1 => Just(SecondaryEvent::Fail),
        1 => Just(SecondaryEvent::Restart),
        1 => id().prop_map(SecondaryEvent::Arm),
        1 => id().prop_map(SecondaryEvent::Release),
        2 => id().prop_map(SecondaryEvent::Split),
        1 => block().prop_map(SecondaryEvent::CopyReplica),
        1 => any::<bool>().prop_map(|force| SecondaryEvent::Takeover { force }),
        1 => (block(), any::<u8>()).prop_map(|(block, payload)| SecondaryEvent::RemoteWrite { block, payload }),
        1 => (incarnation(), block(), any::<u8>()).prop_map(|(incarnation, block, payload)| {
            SecondaryEvent::Arrived(ToSecondary::Unsequenced { incarnation, block, payload })
        }),
    ]
}

proptest! {
    #[test]
    fn primary_refuses_without_a_trace_and_keeps_its_invariants(
        suspend in any::<bool>(),
        events in proptest::collection::vec(primary_event(), 1..60),
    ) {
        let full = if suspend { JournalFull::Suspend } else { JournalFull::Hold };
        let mut primary = Primary::new(Queue::new(2), BlockSet::new(BLOCKS), full);
        for event in events {
            let before = primary;
            // The secondary never counts so far that the numbers end.
            if matches!(event, PrimaryEvent::Arrived(ToPrimary::Ready { written: Seq(u64::MAX), .. })) {
                continue;
            }
            let step = primary.step(Rules::HARDENED, event);
            if step.refused.is_some() {
                prop_assert_eq!(step.state, before);
                prop_assert!(step.effects.is_empty());
            }
            primary = step.state;
            prop_assert_eq!(primary.check(), Ok(()));
            let same_pairing = before.incarnation == primary.incarnation && before.pending.is_none();
            prop_assert!(!same_pairing || before.newest <= primary.newest);
            prop_assert!(!same_pairing || before.written <= primary.written);
            prop_assert!(before.incarnation <= primary.incarnation);
        }
    }

    #[test]
    fn secondary_refuses_without_a_trace_and_applies_in_order(
        events in proptest::collection::vec(secondary_event(), 1..60),
    ) {
        let mut secondary = Secondary::new(Queue::new(2), BlockSet::new(BLOCKS));
        for event in events {
            let before = secondary;
            let step = secondary.step(Rules::HARDENED, event);
            if step.refused.is_some() {
                prop_assert_eq!(step.state, before);
                prop_assert!(step.effects.is_empty());
            }
            secondary = step.state;
            prop_assert_eq!(secondary.check(), Ok(()));
            prop_assert!(secondary.written == before.written || secondary.written == before.written.next());
            let wrote = step.effects.iter().any(|effect| matches!(effect, SecondaryEffect::WriteSpvol { .. }));
            let may = matches!(event, SecondaryEvent::Apply | SecondaryEvent::RemoteWrite { .. });
            prop_assert!(!wrote || may, "only applying and a remote write change the S/P-VOL");
            let restored = step.effects.iter().any(|effect| {
                matches!(effect, SecondaryEffect::Replica(ReplicaEffect::Restore(_)))
            });
            let may = matches!(event, SecondaryEvent::Takeover { .. });
            prop_assert!(!restored || may && !before.consistent, "TAKEOVER-1 restores, nothing else");
            let left = before.state == PairState::Ssws && secondary.state != PairState::Ssws;
            prop_assert!(!left, "a side that was taken over is led back by TAKEOVER-2 alone");
            prop_assert!(before.incarnation <= secondary.incarnation);
        }
    }

    #[test]
    fn hosts_refuse_without_a_trace(
        choices in proptest::collection::vec((0_usize..42, id(), any::<bool>()), 1..60),
    ) {
        let mut database = Database::default();
        let mut coordinator = Coordinator::default();
        let mut requester = Requester::default();
        for (choice, id, flag) in choices {
            let database_event = [
                DatabaseEvent::Begin, DatabaseEvent::Write, DatabaseEvent::Commit,
                DatabaseEvent::Freeze(id), DatabaseEvent::LeaseExpired, DatabaseEvent::Thaw(id),
                DatabaseEvent::Restart,
            ][choice % 7];
            let step = database.step(Rules::HARDENED, database_event);
            prop_assert!(step.refused.is_none() || step.state == database && step.effects.is_empty());
            database = step.state;
            prop_assert_eq!(database.check(), Ok(()));
            let coordinator_event = [
                CoordinatorEvent::Request(id), CoordinatorEvent::Frozen(id),
                CoordinatorEvent::Synced { done: flag }, CoordinatorEvent::SplitAnswer { id, done: flag },
                CoordinatorEvent::Thawed { id, held: flag }, CoordinatorEvent::Timeout,
                CoordinatorEvent::Restart,
            ][choice % 7];
            let step = coordinator.step(Rules::HARDENED, coordinator_event);
            prop_assert!(step.refused.is_none() || step.state == coordinator && step.effects.is_empty());
            coordinator = step.state;
            let requester_event = [
                RequesterEvent::Start, RequesterEvent::Permit(id), RequesterEvent::Reject(id),
                RequesterEvent::Finish, RequesterEvent::Timeout, RequesterEvent::Restart,
            ][choice % 6];
            let step = requester.step(Rules::HARDENED, requester_event);
            prop_assert!(step.refused.is_none() || step.state == requester && step.effects.is_empty());
            requester = step.state;
        }
    }
}
