//! States, items and messages in few words, and what differs between two states.

use syncsplit_model::protocol::replica::{Purpose, Replica, ReplicaEffect, ReplicaState};
use syncsplit_model::protocol::{Entry, HostMessage, Item, ToPrimary, ToSecondary};
use syncsplit_model::world::bounded::{BlockSet, BoundedQueue};

/// The journal and the reorder queue of these tables, full at three entries; the fourth slot is for the entry whose turn
/// it is.
pub(crate) type Queue = BoundedQueue<u8, 4>;

/// Names the fields of which the words differ between two states.
pub(crate) fn changes<const N: usize>(
    before: [(&str, String); N],
    after: [(&str, String); N],
) -> String {
    let both = before.into_iter().zip(after).filter(|(before, after)| before != after);
    both.map(|(_, (field, value))| format!("{field} {value}")).collect::<Vec<_>>().join(", ")
}

/// What is there, or "none".
pub(crate) fn option<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "none".into(), show)
}

pub(crate) fn map(map: &BlockSet) -> String {
    let blocks: Vec<_> = map.iter().map(|block| block.0.to_string()).collect();
    format!("{{{}}}", blocks.join(" "))
}

fn entry(entry: &Entry<u8>) -> String {
    let seq = entry.seq.0;
    match entry.item {
        Item::Write { block, .. } => format!("{seq}:write-{}", block.0),
        Item::Copy { block, .. } => format!("{seq}:copy-{}", block.0),
        Item::PairMark => format!("{seq}:mark"),
    }
}

pub(crate) fn queue(queue: &Queue) -> String {
    format!("[{}]", queue.entries().map(entry).collect::<Vec<_>>().join(" "))
}

pub(crate) fn to_secondary(message: &ToSecondary<u8>) -> String {
    match message {
        ToSecondary::Frame(frame) => {
            format!("send Frame {}/{}", frame.incarnation.0, entry(&frame.entry))
        }
        ToSecondary::Unsequenced { incarnation, block, .. } => {
            format!("send Unsequenced {}/{}", incarnation.0, block.0)
        }
        ToSecondary::Resync { incarnation } => format!("send Resync {}", incarnation.0),
        ToSecondary::Suspend { incarnation } => format!("send Suspend {}", incarnation.0),
        ToSecondary::Delete { incarnation } => format!("send Delete {}", incarnation.0),
    }
}

pub(crate) fn to_primary(message: &ToPrimary<BlockSet>) -> String {
    match message {
        ToPrimary::Ack(ack) => format!("send Ack {}/{}", ack.incarnation.0, ack.written.0),
        ToPrimary::Ready { incarnation, written, dirty } => {
            format!("send Ready {}/{} {}", incarnation.0, written.0, map(dirty))
        }
        ToPrimary::Suspended { incarnation } => format!("send Suspended {}", incarnation.0),
    }
}

pub(crate) fn host_message(message: &HostMessage) -> String {
    match message {
        HostMessage::Request(id) => format!("send Request {}", id.0),
        HostMessage::Split(id) => format!("send Split {}", id.0),
        HostMessage::SplitAnswer { id, done } => {
            format!("send SplitAnswer {} {}", id.0, if *done { "done" } else { "not done" })
        }
        HostMessage::Permit(id) => format!("send Permit {}", id.0),
        HostMessage::Reject(id) => format!("send Reject {}", id.0),
    }
}

pub(crate) fn replica_state(state: ReplicaState) -> String {
    match state {
        ReplicaState::Pair => "Pair".into(),
        ReplicaState::Split(Purpose::Gold) => "Split(gold)".into(),
        ReplicaState::Split(Purpose::Backup(id)) => format!("Split(backup {})", id.0),
    }
}

pub(crate) fn replica(replica: &Replica<BlockSet>) -> String {
    format!("{} {}", replica_state(replica.state), map(&replica.dirty))
}

pub(crate) fn replica_effect(effect: &ReplicaEffect<BlockSet>) -> String {
    match effect {
        ReplicaEffect::CopyToSvol(block) => format!("copy {} to S-VOL", block.0),
        ReplicaEffect::Reflect(blocks) => format!("reflect {}", map(blocks)),
        ReplicaEffect::Restore(blocks) => format!("restore {}", map(blocks)),
    }
}
