//! What the system under test shows of itself, and how messages are named. Nothing is changed here.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use syncsplit_impl::containers::BitMap;
use syncsplit_impl::payload::Payload;
use syncsplit_impl::volume::MemoryVolume;
use syncsplit_model::protocol::database::FreezeState;
use syncsplit_model::protocol::replica::{Purpose, ReplicaState};
use syncsplit_model::protocol::{Journal, ReorderQueue, ToPrimary, ToSecondary};

use crate::sites::{Sites, text};
use crate::{Reply, broken};

/// How often it is looked at before it is given up, and how far apart the looks are.
const LOOKS_MAX: usize = 5000;
const LOOK_EVERY: Duration = Duration::from_millis(1);

impl Sites {
    /// What is visible at one moment: while threads run, two looks that agree are one.
    pub(crate) fn status(&self) -> Reply {
        let mut shown = self.look()?;
        for _ in 0..LOOKS_MAX {
            if self.threads.is_none() {
                return Ok(shown);
            }
            let again = self.look()?;
            if again == shown {
                return Ok(shown);
            }
            shown = again;
            sleep(LOOK_EVERY);
        }
        Err(broken("it does not come to rest"))
    }

    fn look(&self) -> Reply {
        let (local, remote) = (self.local.state()?, self.remote.state()?);
        let database = self.gate.state()?;
        let journal: Vec<_> = Journal::iter(&local.journal).map(|entry| entry.seq.0).collect();
        let mut queue: Vec<_> =
            ReorderQueue::iter(&remote.queue).map(|entry| entry.seq.0).collect();
        queue.sort_unstable();
        let dirty = |map: &BitMap| map.iter().map(|block| block.0).collect::<Vec<_>>();
        let replica = match remote.replica.state {
            ReplicaState::Pair => "pair",
            ReplicaState::Split(Purpose::Gold) => "gold",
            ReplicaState::Split(Purpose::Backup(_)) => "backup",
        };
        let freeze = match database.freeze {
            FreezeState::Running => "running",
            FreezeState::Freezing(_) => "freezing",
            FreezeState::Frozen(_) => "frozen",
        };
        Ok(json!({
            "primary": {
                "state": local.state.to_string(), "incarnation": local.incarnation.0,
                "newest": local.newest.0, "written": local.written.0, "journal": journal,
                "dirty": dirty(&local.dirty), "pending": local.pending.is_some(),
                "held": local.quiesced.is_some(),
            },
            "secondary": {
                "state": remote.state.to_string(), "incarnation": remote.incarnation.0,
                "written": remote.written.0, "queue": queue, "dirty": dirty(&remote.dirty),
                "consistent": remote.consistent, "replica": replica,
                "armed": remote.armed.map(|id| id.0),
            },
            "database": { "freeze": freeze, "open": database.open },
            "volumes": {
                "p_vol": image(&self.volumes[0]), "sp_vol": image(&self.volumes[1]),
                "s_vol": image(&self.volumes[2]),
            },
        }))
    }

    pub(crate) fn read(&self, request: &Value) -> Reply {
        let at = match text(request, "volume")?.as_str() {
            "p_vol" => 0,
            "sp_vol" => 1,
            _ => 2,
        };
        Ok(json!({ "blocks": image(&self.volumes[at]) }))
    }
}

pub(crate) fn image(volume: &MemoryVolume) -> Vec<String> {
    let blocks = volume.snapshot();
    let text = |payload: &Payload| {
        String::from_utf8_lossy(payload.bytes()).trim_end_matches('\0').to_owned()
    };
    blocks.iter().map(text).collect()
}

/// A message as the kit names it.
pub(crate) fn to_secondary(message: &ToSecondary<Payload>) -> Value {
    let (kind, incarnation) = match message {
        ToSecondary::Frame(frame) => {
            let (incarnation, seq) = (frame.incarnation.0, frame.entry.seq.0);
            return json!({ "kind": "frame", "incarnation": incarnation, "seq": seq });
        }
        ToSecondary::Unsequenced { incarnation, .. } => ("copy", incarnation),
        ToSecondary::Resync { incarnation } => ("resync", incarnation),
        ToSecondary::Suspend { incarnation } => ("suspend", incarnation),
        ToSecondary::Delete { incarnation } => ("delete", incarnation),
    };
    json!({ "kind": kind, "incarnation": incarnation.0 })
}

pub(crate) fn to_primary(message: &ToPrimary<BitMap>) -> Value {
    let (kind, incarnation, seq) = match message {
        ToPrimary::Ack(ack) => ("ack", ack.incarnation, ack.written),
        ToPrimary::Ready { incarnation, written, .. } => ("ready", *incarnation, *written),
        ToPrimary::Suspended { incarnation } => {
            return json!({ "kind": "suspended", "incarnation": incarnation.0 });
        }
    };
    json!({ "kind": kind, "incarnation": incarnation.0, "seq": seq.0 })
}
