//! States as a record shows them: of the arrays with sets of blocks and numbers as rising lists, of a Sync with its
//! number. The other roles are written down as they are.

use serde::{Deserialize, Serialize};

use crate::protocol::primary::Primary;
use crate::protocol::replica::ReplicaState;
use crate::protocol::secondary::Secondary;
use crate::protocol::sync::PairView;
use crate::protocol::{
    BackupId, BlockIndex, DirtyMap, Incarnation, Journal, PairState, QMarker, ReorderQueue, Seq,
};

/// A dirty map in a record: the dirty blocks, rising.
pub type Blocks = Vec<BlockIndex>;

/// The dirty blocks of a map, rising.
#[must_use]
pub fn blocks<D: DirtyMap>(map: &D) -> Blocks {
    let next = |block: &BlockIndex| map.next_dirty(BlockIndex(block.0 + 1));
    std::iter::successors(map.next_dirty(BlockIndex(0)), next).collect()
}

/// The primary's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PrimaryAfter {
    /// The pair as the primary sees it.
    pub state: PairState,
    /// The pairing in force, or the last one.
    pub incarnation: Incarnation,
    /// The newest number given.
    pub newest: Seq,
    /// The highest number reported written.
    pub written: Seq,
    /// The numbers in the journal, oldest first.
    pub journal: Vec<Seq>,
    /// The dirty blocks.
    pub dirty: Blocks,
    /// The pair mark's number, while it is in the journal.
    pub mark: Option<Seq>,
    /// The incarnation asked for and not yet answered.
    pub pending: Option<Incarnation>,
    /// The backup for which host writes are held.
    pub quiesced: Option<BackupId>,
}

impl<P, J: Journal<P>, D: DirtyMap> From<&Primary<P, J, D>> for PrimaryAfter {
    fn from(state: &Primary<P, J, D>) -> Self {
        Self {
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
}

/// The secondary's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SecondaryAfter {
    /// The pair as the secondary sees it.
    pub state: PairState,
    /// The pairing in force, or the last one.
    pub incarnation: Incarnation,
    /// The highest number applied, with all before it.
    pub written: Seq,
    /// The numbers in the reorder queue, rising.
    pub queue: Vec<Seq>,
    /// The dirty blocks.
    pub dirty: Blocks,
    /// Whether the S/P-VOL is the image of a prefix of the writes.
    pub consistent: bool,
    /// Whether the S-VOL follows.
    pub replica: ReplicaState,
    /// Blocks in which the S-VOL may differ from the S/P-VOL.
    pub replica_dirty: Blocks,
    /// The backup armed.
    pub armed: Option<BackupId>,
}

impl<P, Q: ReorderQueue<P>, D: DirtyMap> From<&Secondary<P, Q, D>> for SecondaryAfter {
    fn from(state: &Secondary<P, Q, D>) -> Self {
        let mut queue: Vec<_> = state.queue.iter().map(|entry| entry.seq).collect();
        queue.sort_unstable();
        Self {
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
}

/// What happened to a Sync: its begin, which is no event of the transition function, or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SyncTaken {
    /// It was begun on this view.
    Begin(PairView),
    /// It looked, and saw this.
    Look(PairView),
    /// Its timeout passed.
    Timeout,
}

/// A Sync's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SyncAfter {
    /// Which Sync of this primary, from 1.
    pub id: u64,
    /// The marker it waits for; nothing when it was not begun.
    pub held: Option<QMarker>,
}
