//! From what the arrays' transition functions handle to what the trace's records hold: payloads become digests,
//! maps and queues become rising lists.

use syncsplit_model::protocol::primary::{Primary, PrimaryEffect, PrimaryEvent};
use syncsplit_model::protocol::replica::ReplicaEffect;
use syncsplit_model::protocol::secondary::{Secondary, SecondaryEffect, SecondaryEvent};
use syncsplit_model::protocol::{Journal, ReorderQueue, Seq};

use super::record::{Blocks, Digest, PrimaryAfter, PrimaryDone, SecondaryAfter, SecondaryDone};
use crate::containers::{BitMap, TreeQueue, VecJournal};
use crate::payload::Payload;

fn digest(payload: &Payload) -> Digest {
    Digest(payload.digest())
}

fn blocks(map: &BitMap) -> Blocks {
    map.iter().collect()
}

/// The primary's event as the trace shows it.
pub(crate) fn primary_event(event: &PrimaryEvent<Payload, BitMap>) -> PrimaryEvent<Digest, Blocks> {
    event.map(digest, blocks)
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
        PrimaryEffect::Send(message) => PrimaryDone::Send(message.map(digest)),
        PrimaryEffect::AnswerQuiesced(id) => PrimaryDone::AnswerQuiesced(*id),
        PrimaryEffect::AnswerReleased { id, held } => {
            PrimaryDone::AnswerReleased { id: *id, held: *held }
        }
    }
}

/// The secondary's event as the trace shows it.
pub(crate) fn secondary_event(event: &SecondaryEvent<Payload>) -> SecondaryEvent<Digest> {
    event.map(digest)
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
        SecondaryEffect::Send(message) => SecondaryDone::Send(message.map(blocks)),
        SecondaryEffect::SplitDone(id) => SecondaryDone::SplitDone(*id),
    }
}
