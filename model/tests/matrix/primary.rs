//! The primary's table.

use syncsplit_model::protocol::primary::{JournalFull, Primary, PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::{
    Ack, BackupId, BlockIndex, DirtyMap, Entry, Incarnation, Item, Journal, PairState, Rules, Seq,
    ToPrimary,
};
use syncsplit_model::world::bounded::BlockSet;

use super::show::{Queue, map, option, queue, to_secondary};
use super::table::{Table, Words};

type TestPrimary = Primary<u8, Queue, BlockSet>;
type Event = PrimaryEvent<u8, BlockSet>;

const LEGEND: &str = "\
The primary: every event in every state, under all rules. Reviewed; `cargo xtask bless` rewrites it.

A group of blocks 0 to 2 (block 3 is none of it) and a journal of three entries. Incarnation 3 is, or was last, in
force, and 6 is the highest number reported written. Where nothing else is said: a suspended pair has block 0 dirty;
COPY and PAIR have 7:write-1 in the journal; the journal's policy is Hold; no resync is asked for; nothing is held.
\"asked for 4\": a create or a resync has not been answered. \"held for 1\": host writes, by QUIESCE-1.

An event is a verb with its numbers: \"ack 3/7\" reports 7 written in incarnation 3; \"ready 4\" comes with written 6
and a map with block 2 dirty. \"next\" names what changed; \"same\" without a refusal is: accepted, nothing done.";

/// A primary in `state`, without a dirty block, with `writes` entries for block 1 in its journal.
fn with(state: PairState, dirty: &[u32], writes: u64) -> TestPrimary {
    let mut primary = Primary::new(Queue::new(3), BlockSet::new(3), JournalFull::Hold);
    primary.state = state;
    primary.incarnation = Incarnation(3);
    primary.written = Seq(6);
    primary.newest = Seq(6);
    dirty.iter().for_each(|block| primary.dirty.mark(BlockIndex(*block)));
    for _ in 0..writes {
        append(&mut primary, Item::Write { block: BlockIndex(1), payload: 0 });
    }
    primary
}

fn append(primary: &mut TestPrimary, item: Item<u8>) {
    primary.newest = primary.newest.next();
    primary.journal.push(Entry { seq: primary.newest, item });
}

fn asked(mut primary: TestPrimary) -> TestPrimary {
    primary.pending = Some(Incarnation(4));
    primary
}

fn held(mut primary: TestPrimary) -> TestPrimary {
    primary.quiesced = Some(BackupId(1));
    primary
}

fn suspends(mut primary: TestPrimary) -> TestPrimary {
    primary.journal_full = JournalFull::Suspend;
    primary
}

fn marked(mut primary: TestPrimary) -> TestPrimary {
    append(&mut primary, Item::PairMark);
    primary.mark = Some(primary.newest);
    primary
}

fn states() -> Vec<(&'static str, TestPrimary)> {
    use PairState::{Copy, Pair, Psue, Psus, Smpl};
    vec![
        ("SMPL", with(Smpl, &[], 0)),
        ("SMPL, asked for 4", asked(with(Smpl, &[0, 1, 2], 0))),
        ("SMPL, held for 1", held(with(Smpl, &[], 0))),
        ("COPY, 0 dirty", with(Copy, &[0], 1)),
        ("COPY, 0 dirty, one place left", with(Copy, &[0], 2)),
        ("COPY, 0 dirty, journal full", with(Copy, &[0], 3)),
        ("COPY, 0 dirty, journal full, Suspend", suspends(with(Copy, &[0], 3))),
        ("COPY, 0 dirty, held for 1", held(with(Copy, &[0], 1))),
        ("COPY, all clean", with(Copy, &[], 1)),
        ("COPY, all clean, journal full", with(Copy, &[], 3)),
        ("COPY, marked", marked(with(Copy, &[], 1))),
        ("PAIR", with(Pair, &[], 1)),
        ("PAIR, journal empty", with(Pair, &[], 0)),
        ("PAIR, journal full", with(Pair, &[], 3)),
        ("PAIR, journal full, Suspend", suspends(with(Pair, &[], 3))),
        ("PAIR, held for 1", held(with(Pair, &[], 1))),
        ("PSUS", with(Psus, &[0], 0)),
        ("PSUS, asked for 4", asked(with(Psus, &[0], 0))),
        ("PSUS, held for 1", held(with(Psus, &[0], 0))),
        ("PSUE", with(Psue, &[0], 0)),
        ("PSUE, asked for 4", asked(with(Psue, &[0], 0))),
        ("PSUE, held for 1", held(with(Psue, &[0], 0))),
    ]
}

fn events() -> Vec<Event> {
    let write = |block| Event::HostWrite { block: BlockIndex(block), payload: 1 };
    let send = |seq| Event::Send { seq: Seq(seq) };
    let ack = |incarnation, written| {
        Event::Arrived(ToPrimary::Ack(Ack {
            incarnation: Incarnation(incarnation),
            written: Seq(written),
        }))
    };
    let copy = |block| Event::CopyBlock { block: BlockIndex(block), payload: 1 };
    let mut dirty = BlockSet::new(3);
    dirty.mark(BlockIndex(2));
    let ready = |incarnation| {
        Event::Arrived(ToPrimary::Ready {
            incarnation: Incarnation(incarnation),
            written: Seq(6),
            dirty,
        })
    };
    let suspended = |incarnation| {
        Event::Arrived(ToPrimary::Suspended { incarnation: Incarnation(incarnation) })
    };
    let (one, two) = (BackupId(1), BackupId(2));
    vec![
        Event::Create,
        Event::Suspend,
        Event::Resync,
        Event::Delete,
        Event::Fail,
        Event::Restart,
        write(0),
        write(1),
        write(3),
        send(7),
        send(10),
        ack(3, 7),
        ack(3, 8),
        ack(2, 7),
        copy(0),
        copy(1),
        Event::PairMark,
        ready(4),
        ready(3),
        suspended(2),
        suspended(3),
        suspended(4),
        Event::Quiesce(one),
        Event::Quiesce(two),
        Event::Unquiesce(one),
        Event::Unquiesce(two),
        Event::LeaseExpired,
    ]
}

const VERBS: [&str; 16] = [
    "create",
    "suspend",
    "resync",
    "delete",
    "fail",
    "restart",
    "write",
    "send",
    "ack",
    "copy",
    "mark",
    "ready",
    "suspended",
    "quiesce",
    "unquiesce",
    "lease",
];

fn event(event: &Event) -> String {
    match event {
        Event::HostWrite { block, .. } => format!("write {}", block.0),
        Event::Send { seq } => format!("send {}", seq.0),
        Event::Arrived(ToPrimary::Ack(ack)) => {
            format!("ack {}/{}", ack.incarnation.0, ack.written.0)
        }
        Event::CopyBlock { block, .. } => format!("copy {}", block.0),
        Event::PairMark => "mark".into(),
        Event::Create => "create".into(),
        Event::Suspend => "suspend".into(),
        Event::Fail => "fail".into(),
        Event::Resync => "resync".into(),
        Event::Arrived(ToPrimary::Ready { incarnation, .. }) => format!("ready {}", incarnation.0),
        Event::Arrived(ToPrimary::Suspended { incarnation }) => {
            format!("suspended {}", incarnation.0)
        }
        Event::Delete => "delete".into(),
        Event::Quiesce(id) => format!("quiesce {}", id.0),
        Event::Unquiesce(id) => format!("unquiesce {}", id.0),
        Event::LeaseExpired => "lease expired".into(),
        Event::Restart => "restart".into(),
    }
}

fn effect(effect: &PrimaryEffect<u8>) -> String {
    match effect {
        PrimaryEffect::WritePvol { block, .. } => format!("write P-VOL {}", block.0),
        PrimaryEffect::AnswerHost => "answer host".into(),
        PrimaryEffect::Send(message) => to_secondary(message),
        PrimaryEffect::AnswerQuiesced(id) => format!("answer quiesced {}", id.0),
        PrimaryEffect::AnswerReleased { id, held } => {
            format!("answer released {} {}", id.0, if *held { "held" } else { "not held" })
        }
    }
}

fn fields(primary: &TestPrimary) -> [(&'static str, String); 9] {
    [
        ("state", primary.state.to_string()),
        ("incarnation", primary.incarnation.0.to_string()),
        ("newest", primary.newest.0.to_string()),
        ("written", primary.written.0.to_string()),
        ("journal", queue(&primary.journal)),
        ("dirty", map(&primary.dirty)),
        ("mark", option(primary.mark, |seq| seq.0.to_string())),
        ("asked for", option(primary.pending, |incarnation| incarnation.0.to_string())),
        ("held for", option(primary.quiesced, |id| id.0.to_string())),
    ]
}

pub(crate) fn table() -> Table {
    let mut table = Table::new(LEGEND);
    for (name, before) in states() {
        assert_eq!(before.check(), Ok(()), "{name}");
        let step = |before: &TestPrimary, happens: Event| {
            let step = before.step(Rules::HARDENED, happens);
            assert_eq!(step.state.check(), Ok(()), "after {name}");
            step
        };
        table.push_steps((name, &before), events(), step, &Words { fields, event, effect });
    }
    table.assert_verbs(&VERBS);
    table
}
