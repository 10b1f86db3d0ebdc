//! One test a rule: what the rule does, and what the same step does with the rule left out. The tests stand in modules
//! by the sections of SPEC.md; here is what they share.

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
    Requester, RequesterEffect, RequesterEvent, RequesterRefusal, RequesterState,
};
use syncsplit_model::protocol::secondary::{
    Secondary, SecondaryEffect, SecondaryEvent, SecondaryRefusal,
};
use syncsplit_model::protocol::sync::{
    NotPair, PairView, Sync, SyncEffect, SyncEvent, SyncOutcome,
};
use syncsplit_model::protocol::{
    Ack, BackupId, BlockIndex, DirtyMap, Entry, Frame, HostMessage, Incarnation, Item, Journal,
    PairState, QMarker, Rule, Rules, Seq, ToPrimary, ToSecondary,
};
use syncsplit_model::world::bounded::{BlockSet, BoundedQueue};

mod backup;
mod freeze;
mod number;
mod pair;
mod quiesce;
mod restart;
mod takeover;
mod transfer;

type Queue = BoundedQueue<u8, 3>;
type TestPrimary = Primary<u8, Queue, BlockSet>;
type TestSecondary = Secondary<u8, Queue, BlockSet>;

const ALL: Rules = Rules::HARDENED;
const INC: Incarnation = Incarnation(1);
const ID: BackupId = BackupId(1);

/// The pair states a primary can be in.
const PRIMARY_STATES: [PairState; 5] =
    [PairState::Smpl, PairState::Copy, PairState::Pair, PairState::Psus, PairState::Psue];
/// The pair states a secondary can be in.
const SECONDARY_STATES: [PairState; 6] = [
    PairState::Smpl,
    PairState::Copy,
    PairState::Pair,
    PairState::Ssus,
    PairState::Psue,
    PairState::Ssws,
];
const COORDINATOR_STATES: [CoordinatorState; 5] = [
    CoordinatorState::Idle,
    CoordinatorState::Freezing(ID),
    CoordinatorState::Syncing(ID),
    CoordinatorState::Splitting(ID),
    CoordinatorState::Thawing(ID),
];

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
    // Suspended and taken over, it was in PAIR before.
    secondary.consistent = !matches!(state, PairState::Smpl | PairState::Copy);
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
    SecondaryEvent::Arrived(ToSecondary::Frame(Frame {
        incarnation,
        entry: Entry { seq: Seq(seq), item },
    }))
}

fn written(block: u32, payload: u8) -> Item<u8> {
    Item::Write { block: BlockIndex(block), payload }
}

fn view(state: PairState, incarnation: Incarnation, newest: u64, written: u64) -> PairView {
    PairView { state, newest: QMarker { incarnation, seq: Seq(newest) }, written: Seq(written) }
}
