//! From what the arrays' transition functions handle to what the trace's records hold: payloads become digests,
//! maps and queues become rising lists.

use syncsplit_model::protocol::primary::{Primary, PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::replica::ReplicaEffect;
use syncsplit_model::protocol::secondary::{Secondary, SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{
    Entry, Frame, Item, Journal, ReorderQueue, Seq, ToPrimary, ToSecondary,
};

use super::record::{Blocks, Digest, PrimaryAfter, PrimaryDone, SecondaryAfter, SecondaryDone};
use crate::containers::{BitMap, TreeQueue, VecJournal};
use crate::payload::Payload;

fn digest(payload: &Payload) -> Digest {
    Digest(payload.digest())
}

fn blocks(map: &BitMap) -> Blocks {
    map.iter().collect()
}

/// A frame as the trace shows it.
fn frame(frame: &Frame<Payload>) -> Frame<Digest> {
    let item = match &frame.entry.item {
        Item::Write { block, payload } => Item::Write { block: *block, payload: digest(payload) },
        Item::Copy { block, payload } => Item::Copy { block: *block, payload: digest(payload) },
        Item::PairMark => Item::PairMark,
    };
    Frame { incarnation: frame.incarnation, entry: Entry { seq: frame.entry.seq, item } }
}

fn to_secondary(message: &ToSecondary<Payload>) -> ToSecondary<Digest> {
    match message {
        ToSecondary::Frame(held) => ToSecondary::Frame(frame(held)),
        ToSecondary::Unsequenced { incarnation, block, payload } => ToSecondary::Unsequenced {
            incarnation: *incarnation,
            block: *block,
            payload: digest(payload),
        },
        ToSecondary::Resync { incarnation } => ToSecondary::Resync { incarnation: *incarnation },
        ToSecondary::Suspend { incarnation } => ToSecondary::Suspend { incarnation: *incarnation },
        ToSecondary::Delete { incarnation } => ToSecondary::Delete { incarnation: *incarnation },
    }
}

fn to_primary(message: &ToPrimary<BitMap>) -> ToPrimary<Blocks> {
    match message {
        ToPrimary::Ack(ack) => ToPrimary::Ack(*ack),
        ToPrimary::Ready { incarnation, written, dirty } => {
            ToPrimary::Ready { incarnation: *incarnation, written: *written, dirty: blocks(dirty) }
        }
        ToPrimary::Suspended { incarnation } => ToPrimary::Suspended { incarnation: *incarnation },
    }
}

/// The primary's event as the trace shows it.
pub(crate) fn primary_event(event: &PrimaryEvent<Payload, BitMap>) -> PrimaryEvent<Digest, Blocks> {
    match event {
        PrimaryEvent::HostWrite { block, payload } => {
            PrimaryEvent::HostWrite { block: *block, payload: digest(payload) }
        }
        PrimaryEvent::Send { seq } => PrimaryEvent::Send { seq: *seq },
        PrimaryEvent::Ack(ack) => PrimaryEvent::Ack(*ack),
        PrimaryEvent::CopyBlock { block, payload } => {
            PrimaryEvent::CopyBlock { block: *block, payload: digest(payload) }
        }
        PrimaryEvent::PairMark => PrimaryEvent::PairMark,
        PrimaryEvent::Create => PrimaryEvent::Create,
        PrimaryEvent::Suspend => PrimaryEvent::Suspend,
        PrimaryEvent::Fail => PrimaryEvent::Fail,
        PrimaryEvent::Resync => PrimaryEvent::Resync,
        PrimaryEvent::Ready { incarnation, written, dirty } => PrimaryEvent::Ready {
            incarnation: *incarnation,
            written: *written,
            dirty: blocks(dirty),
        },
        PrimaryEvent::Suspended { incarnation } => {
            PrimaryEvent::Suspended { incarnation: *incarnation }
        }
        PrimaryEvent::Delete => PrimaryEvent::Delete,
        PrimaryEvent::Quiesce(id) => PrimaryEvent::Quiesce(*id),
        PrimaryEvent::Unquiesce(id) => PrimaryEvent::Unquiesce(*id),
        PrimaryEvent::LeaseExpired => PrimaryEvent::LeaseExpired,
        PrimaryEvent::Restart => PrimaryEvent::Restart,
    }
}

/// The primary's state as the trace shows it.
pub(crate) fn primary_after(state: &Primary<Payload, VecJournal, BitMap>) -> PrimaryAfter {
    PrimaryAfter {
        state: state.state,
        incarnation: state.incarnation,
        newest: state.newest,
        written: state.written,
        journal: state.journal.iter().map(|entry| entry.seq).collect(),
        dirty: blocks(&state.dirty),
        mark: state.mark,
        pending: state.pending,
        quiesced: state.quiesced,
    }
}

/// The primary's effect as the trace shows it.
pub(crate) fn primary_done(effect: &PrimaryEffect<Payload>) -> PrimaryDone {
    match effect {
        PrimaryEffect::WritePvol { block, payload } => {
            PrimaryDone::WritePvol { block: *block, payload: digest(payload) }
        }
        PrimaryEffect::AnswerHost => PrimaryDone::AnswerHost,
        PrimaryEffect::Send(message) => PrimaryDone::Send(to_secondary(message)),
        PrimaryEffect::AnswerQuiesced(id) => PrimaryDone::AnswerQuiesced(*id),
        PrimaryEffect::AnswerReleased { id, held } => {
            PrimaryDone::AnswerReleased { id: *id, held: *held }
        }
    }
}

/// The secondary's event as the trace shows it.
pub(crate) fn secondary_event(event: &SecondaryEvent<Payload>) -> SecondaryEvent<Digest> {
    match event {
        SecondaryEvent::Frame(held) => SecondaryEvent::Frame(frame(held)),
        SecondaryEvent::Unsequenced { incarnation, block, payload } => {
            SecondaryEvent::Unsequenced {
                incarnation: *incarnation,
                block: *block,
                payload: digest(payload),
            }
        }
        SecondaryEvent::Apply => SecondaryEvent::Apply,
        SecondaryEvent::Report => SecondaryEvent::Report,
        SecondaryEvent::Resync { incarnation } => {
            SecondaryEvent::Resync { incarnation: *incarnation }
        }
        SecondaryEvent::Suspend { incarnation } => {
            SecondaryEvent::Suspend { incarnation: *incarnation }
        }
        SecondaryEvent::Delete { incarnation } => {
            SecondaryEvent::Delete { incarnation: *incarnation }
        }
        SecondaryEvent::Fail => SecondaryEvent::Fail,
        SecondaryEvent::Restart => SecondaryEvent::Restart,
        SecondaryEvent::Arm(id) => SecondaryEvent::Arm(*id),
        SecondaryEvent::Release(id) => SecondaryEvent::Release(*id),
        SecondaryEvent::Split(id) => SecondaryEvent::Split(*id),
        SecondaryEvent::CopyReplica(block) => SecondaryEvent::CopyReplica(*block),
        SecondaryEvent::Takeover { force } => SecondaryEvent::Takeover { force: *force },
        SecondaryEvent::RemoteWrite { block, payload } => {
            SecondaryEvent::RemoteWrite { block: *block, payload: digest(payload) }
        }
    }
}

/// The secondary's state as the trace shows it.
pub(crate) fn secondary_after(state: &Secondary<Payload, TreeQueue, BitMap>) -> SecondaryAfter {
    let mut queue: Vec<Seq> = state.queue.iter().map(|entry| entry.seq).collect();
    queue.sort_unstable();
    SecondaryAfter {
        state: state.state,
        incarnation: state.incarnation,
        written: state.written,
        queue,
        dirty: blocks(&state.dirty),
        consistent: state.consistent,
        replica: state.replica.state,
        replica_dirty: blocks(&state.replica.dirty),
        armed: state.armed,
    }
}

/// The secondary's effect as the trace shows it.
pub(crate) fn secondary_done(effect: &SecondaryEffect<Payload, BitMap>) -> SecondaryDone {
    match effect {
        SecondaryEffect::WriteSpvol { block, payload } => {
            SecondaryDone::WriteSpvol { block: *block, payload: digest(payload) }
        }
        SecondaryEffect::Replica(ReplicaEffect::CopyToSvol(block)) => {
            SecondaryDone::CopyToSvol(*block)
        }
        SecondaryEffect::Replica(ReplicaEffect::Reflect(map)) => {
            SecondaryDone::Reflect(blocks(map))
        }
        SecondaryEffect::Replica(ReplicaEffect::Restore(map)) => {
            SecondaryDone::Restore(blocks(map))
        }
        SecondaryEffect::Send(message) => SecondaryDone::Send(to_primary(message)),
        SecondaryEffect::SplitDone(id) => SecondaryDone::SplitDone(*id),
    }
}
