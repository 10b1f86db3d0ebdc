//! The secondary's table, and that of the replica pair it holds.

use syncsplit_model::protocol::replica::{Purpose, Replica, ReplicaEvent, ReplicaState};
use syncsplit_model::protocol::secondary::{Secondary, SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{
    BackupId, BlockIndex, DirtyMap, Entry, Frame, Incarnation, Item, PairState, ReorderQueue,
    Rules, Seq, ToSecondary,
};
use syncsplit_model::world::bounded::BlockSet;

use super::show::{Queue, map, option, queue, replica, replica_effect, to_primary};
use super::table::{Table, Words};

type TestSecondary = Secondary<u8, Queue, BlockSet>;
type Event = SecondaryEvent<u8>;

const LEGEND: &str = "\
The secondary: every event in every state, under all rules. Reviewed; `cargo xtask bless` rewrites it.

A group of blocks 0 to 2 (block 3 is none of it) and a reorder queue of three entries. Incarnation 3 is, or was last, in
force, and 6 is written. Where nothing else is said: nothing is queued, armed or dirty; the replica pair is Pair with
block 1 not yet copied on. \"consistent\" and \"mixed\" say of the S/P-VOL what the state leaves open; it is consistent in
PAIR and mixed in COPY. \"backup 1\", \"gold\": the replica pair is split for that, and block 1 changed since. \"arrived\":
what is queued.

An event is a verb with its numbers: \"frame 3/7\" is entry 7 of incarnation 3, a write to block 0. \"next\" names what
changed; \"same\" without a refusal is: accepted, nothing done. A split that is refused is answered \"not done\" by the
remote host.";

const REPLICA_LEGEND: &str = "\
The replica pair inside the secondary: every event in every state, under all rules. Reviewed; `cargo xtask bless` rewrites it.

Blocks 0 and 1. In Pair the map shows what is not yet copied on, in Split what changed since. Who may ask for what, and
when, is the secondary's table.";

/// A secondary in `state` whose S/P-VOL is, or is not, a consistent image.
fn with(state: PairState, consistent: bool) -> TestSecondary {
    let mut secondary = Secondary::new(Queue::new(3), BlockSet::new(3));
    secondary.state = state;
    secondary.incarnation = Incarnation(3);
    secondary.written = Seq(6);
    secondary.consistent = consistent;
    secondary.replica.dirty = BlockSet::new(3);
    secondary.replica.dirty.mark(BlockIndex(1));
    secondary
}

fn arrived(mut secondary: TestSecondary, seqs: &[u64]) -> TestSecondary {
    for seq in seqs {
        let item = Item::Write { block: BlockIndex(2), payload: 0 };
        secondary.queue.insert(Entry { seq: Seq(*seq), item });
    }
    secondary
}

fn mark_arrived(mut secondary: TestSecondary) -> TestSecondary {
    secondary.queue.insert(Entry { seq: Seq(7), item: Item::PairMark });
    secondary
}

fn armed(mut secondary: TestSecondary, id: u32) -> TestSecondary {
    secondary.armed = Some(BackupId(id));
    secondary
}

fn split(mut secondary: TestSecondary, purpose: Purpose) -> TestSecondary {
    secondary.replica.state = ReplicaState::Split(purpose);
    secondary
}

fn states() -> Vec<(&'static str, TestSecondary)> {
    use PairState::{Copy, Pair, Psue, Smpl, Ssus, Ssws};
    let one = Purpose::Backup(BackupId(1));
    let gold = Purpose::Gold;
    vec![
        ("SMPL, mixed", with(Smpl, false)),
        ("SMPL, consistent", with(Smpl, true)),
        ("SMPL, consistent, armed 1", armed(with(Smpl, true), 1)),
        ("SMPL, mixed, gold", split(with(Smpl, false), gold)),
        ("COPY", with(Copy, false)),
        ("COPY, gold", split(with(Copy, false), gold)),
        ("COPY, gold, armed 1", armed(split(with(Copy, false), gold), 1)),
        ("COPY, gold, arrived 7 8", arrived(split(with(Copy, false), gold), &[7, 8])),
        ("COPY, gold, mark arrived", mark_arrived(split(with(Copy, false), gold))),
        ("COPY, backup 1, armed 1", armed(split(with(Copy, false), one), 1)),
        ("COPY, backup 1, mark arrived", mark_arrived(split(with(Copy, false), one))),
        ("PAIR", with(Pair, true)),
        ("PAIR, arrived 7", arrived(with(Pair, true), &[7])),
        ("PAIR, arrived 8 9 10", arrived(with(Pair, true), &[8, 9, 10])),
        ("PAIR, armed 1", armed(with(Pair, true), 1)),
        ("PAIR, armed 2", armed(with(Pair, true), 2)),
        ("PAIR, backup 1, armed 1", armed(split(with(Pair, true), one), 1)),
        ("PAIR, backup 1, armed 2", armed(split(with(Pair, true), one), 2)),
        ("SSUS, consistent", with(Ssus, true)),
        ("SSUS, consistent, armed 1", armed(with(Ssus, true), 1)),
        ("SSUS, mixed, gold", split(with(Ssus, false), gold)),
        ("PSUE, consistent", with(Psue, true)),
        ("PSUE, consistent, armed 1", armed(with(Psue, true), 1)),
        ("PSUE, mixed", with(Psue, false)),
        ("PSUE, mixed, gold", split(with(Psue, false), gold)),
        ("PSUE, mixed, backup 1", split(with(Psue, false), one)),
        ("SSWS, consistent", with(Ssws, true)),
        ("SSWS, consistent, armed 1", armed(with(Ssws, true), 1)),
        ("SSWS, consistent, backup 1", split(with(Ssws, true), one)),
        ("SSWS, mixed", with(Ssws, false)),
    ]
}

fn events() -> Vec<Event> {
    let frame = |incarnation, seq, block| {
        let item = Item::Write { block: BlockIndex(block), payload: 1 };
        let entry = Entry { seq: Seq(seq), item };
        Event::Arrived(ToSecondary::Frame(Frame { incarnation: Incarnation(incarnation), entry }))
    };
    let resync =
        |incarnation| Event::Arrived(ToSecondary::Resync { incarnation: Incarnation(incarnation) });
    let suspend = |incarnation| {
        Event::Arrived(ToSecondary::Suspend { incarnation: Incarnation(incarnation) })
    };
    let delete =
        |incarnation| Event::Arrived(ToSecondary::Delete { incarnation: Incarnation(incarnation) });
    let remote_write = |block| Event::RemoteWrite { block: BlockIndex(block), payload: 1 };
    let (block, incarnation) = (BlockIndex(0), Incarnation(3));
    let (one, two) = (BackupId(1), BackupId(2));
    vec![
        resync(2),
        resync(3),
        resync(4),
        suspend(2),
        suspend(3),
        delete(2),
        delete(3),
        delete(4),
        Event::Fail,
        Event::Restart,
        Event::Takeover { force: false },
        Event::Takeover { force: true },
        remote_write(0),
        remote_write(3),
        frame(2, 7, 0),
        frame(3, 6, 0),
        frame(3, 7, 0),
        frame(3, 8, 0),
        frame(3, 11, 0),
        frame(3, 7, 3),
        Event::Arrived(ToSecondary::Unsequenced { incarnation, block, payload: 1 }),
        Event::Apply,
        Event::Report,
        Event::Arm(two),
        Event::Split(one),
        Event::Split(two),
        Event::Release(one),
        Event::Release(two),
        Event::CopyReplica(BlockIndex(0)),
        Event::CopyReplica(BlockIndex(1)),
    ]
}

const VERBS: [&str; 15] = [
    "resync",
    "suspend",
    "delete",
    "fail",
    "restart",
    "takeover",
    "remote-write",
    "frame",
    "unsequenced",
    "apply",
    "report",
    "arm",
    "split",
    "release",
    "copy-replica",
];

fn event(event: &Event) -> String {
    match event {
        Event::Arrived(ToSecondary::Frame(Frame { incarnation, entry })) => {
            let group = if entry.item.block() == Some(BlockIndex(3)) { " to block 3" } else { "" };
            format!("frame {}/{}{group}", incarnation.0, entry.seq.0)
        }
        Event::Arrived(ToSecondary::Unsequenced { incarnation, .. }) => {
            format!("unsequenced {}", incarnation.0)
        }
        Event::Apply => "apply".into(),
        Event::Report => "report".into(),
        Event::Arrived(ToSecondary::Resync { incarnation }) => format!("resync {}", incarnation.0),
        Event::Arrived(ToSecondary::Suspend { incarnation }) => {
            format!("suspend {}", incarnation.0)
        }
        Event::Arrived(ToSecondary::Delete { incarnation }) => format!("delete {}", incarnation.0),
        Event::Fail => "fail".into(),
        Event::Restart => "restart".into(),
        Event::Arm(id) => format!("arm {}", id.0),
        Event::Release(id) => format!("release {}", id.0),
        Event::Split(id) => format!("split {}", id.0),
        Event::CopyReplica(block) => format!("copy-replica {}", block.0),
        Event::Takeover { force } => if *force { "takeover by force" } else { "takeover" }.into(),
        Event::RemoteWrite { block, .. } => format!("remote-write {}", block.0),
    }
}

fn effect(effect: &SecondaryEffect<u8, BlockSet>) -> String {
    match effect {
        SecondaryEffect::WriteSpvol { block, .. } => format!("write S/P-VOL {}", block.0),
        SecondaryEffect::Replica(effect) => replica_effect(effect),
        SecondaryEffect::Send(message) => to_primary(message),
        SecondaryEffect::SplitDone(id) => format!("answer split {}", id.0),
    }
}

fn fields(secondary: &TestSecondary) -> [(&'static str, String); 8] {
    [
        ("state", secondary.state.to_string()),
        ("incarnation", secondary.incarnation.0.to_string()),
        ("written", secondary.written.0.to_string()),
        ("queue", queue(&secondary.queue)),
        ("dirty", map(&secondary.dirty)),
        ("S/P-VOL", if secondary.consistent { "consistent" } else { "mixed" }.into()),
        ("replica", replica(&secondary.replica)),
        ("armed", option(secondary.armed, |id| id.0.to_string())),
    ]
}

pub(crate) fn table() -> Table {
    let mut table = Table::new(LEGEND);
    for (name, before) in states() {
        assert_eq!(before.check(), Ok(()), "{name}");
        let step = |before: &TestSecondary, happens: Event| {
            let step = before.step(Rules::HARDENED, happens);
            assert_eq!(step.state.check(), Ok(()), "after {name}");
            step
        };
        table.push_steps((name, &before), events(), step, &Words { fields, event, effect });
    }
    table.assert_verbs(&VERBS);
    table
}

fn replica_event(event: &ReplicaEvent) -> String {
    match event {
        ReplicaEvent::SourceWritten(block) => format!("source-written {}", block.0),
        ReplicaEvent::CopyBlock(block) => format!("copy {}", block.0),
        ReplicaEvent::Split(Purpose::Backup(id)) => format!("split for backup {}", id.0),
        ReplicaEvent::Split(Purpose::Gold) => "split for gold".into(),
        ReplicaEvent::Resync => "resync".into(),
        ReplicaEvent::Restore => "restore".into(),
    }
}

pub(crate) fn replica_table() -> Table {
    let mut table = Table::new(REPLICA_LEGEND);
    let split_for = |purpose| ReplicaState::Split(purpose);
    let backup = |id| Purpose::Backup(BackupId(id));
    let states = [ReplicaState::Pair, split_for(backup(1)), split_for(Purpose::Gold)];
    let blocks = [BlockIndex(0), BlockIndex(1)];
    let events = blocks.map(ReplicaEvent::SourceWritten).into_iter();
    let events = events.chain(blocks.map(ReplicaEvent::CopyBlock)).chain([
        ReplicaEvent::Split(backup(1)),
        ReplicaEvent::Split(backup(2)),
        ReplicaEvent::Split(Purpose::Gold),
        ReplicaEvent::Resync,
        ReplicaEvent::Restore,
    ]);
    let words = Words {
        fields: |pair| [("pair", replica(pair))],
        event: replica_event,
        effect: replica_effect,
    };
    for state in states {
        for dirty in [&[][..], &[BlockIndex(1)]] {
            let mut before = Replica { state, dirty: BlockSet::new(2) };
            dirty.iter().for_each(|block| before.dirty.mark(*block));
            let step = |before: &Replica<BlockSet>, happens| before.step(Rules::HARDENED, happens);
            table.push_steps((&replica(&before), &before), events.clone(), step, &words);
        }
    }
    table.assert_verbs(&["source-written", "copy", "split", "resync", "restore"]);
    table
}
