//! The trace's records as types: the record itself, and the arrays' states and effects with payloads as digests and
//! sets as lists. The hosts' are in [`super::hosts`]; reading or writing a trace lives in [`super`].

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use syncsplit_model::protocol::coordinator::{CoordinatorEvent, CoordinatorRefusal};
use syncsplit_model::protocol::database::{DatabaseEvent, DatabaseRefusal};
use syncsplit_model::protocol::primary::{JournalFull, PrimaryEvent, PrimaryRefusal};
use syncsplit_model::protocol::replica::ReplicaState;
use syncsplit_model::protocol::requester::{RequesterEvent, RequesterRefusal};
use syncsplit_model::protocol::secondary::{SecondaryEvent, SecondaryRefusal};
use syncsplit_model::protocol::sync::NotPair;
use syncsplit_model::protocol::{
    BackupId, BlockIndex, Incarnation, PairState, Seq, ToPrimary, ToSecondary,
};

use super::hosts::{
    CoordinatorAfter, CoordinatorDone, DatabaseAfter, DatabaseDone, RequesterAfter, RequesterDone,
    SyncAfter, SyncDone, SyncTaken,
};

/// A payload in a trace: CRC-32C of its contents, eight hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u32);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digest = u32::from_str_radix(&text, 16).ok().map(Self);
        // Written back it has to be the same text, so that one digest has one spelling.
        digest.filter(|digest| digest.to_string() == text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "digest {text:?}: eight lower-case hex digits are valid"
            ))
        })
    }
}

/// A dirty map in a trace: the dirty blocks, rising.
pub type Blocks = Vec<BlockIndex>;

/// One record: what happened, and its place in the one order of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// Its place, from 0.
    pub n: u64,
    /// Whose event it was, and which.
    #[serde(flatten)]
    pub role: RoleRecord,
}

/// Whose event it was, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum RoleRecord {
    /// One side came to be; before any event of that side.
    Start(Start),
    /// The primary's step.
    Primary(Taken<PrimaryEvent<Digest, Blocks>, PrimaryRefusal, PrimaryAfter, PrimaryDone>),
    /// The secondary's step.
    Secondary(Taken<SecondaryEvent<Digest>, SecondaryRefusal, SecondaryAfter, SecondaryDone>),
    /// A Sync's step, taken with the primary's lock held: its view is the primary's at this place in the order.
    Sync(Taken<SyncTaken, NotPair, SyncAfter, SyncDone>),
    /// The database's step.
    Database(Taken<DatabaseEvent, DatabaseRefusal, DatabaseAfter, DatabaseDone>),
    /// The coordinator's step.
    Coordinator(Taken<CoordinatorEvent, CoordinatorRefusal, CoordinatorAfter, CoordinatorDone>),
    /// The requester's step.
    Requester(Taken<RequesterEvent, RequesterRefusal, RequesterAfter, RequesterDone>),
    /// An effect failed.
    Fault(Fault),
}

/// A step that a role took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken<E, R, A, D> {
    /// What happened.
    pub event: E,
    /// Why nothing was done, when nothing was done.
    pub refused: Option<R>,
    /// The role's state after the step.
    pub after: A,
    /// What the executor performs next, in this order.
    pub effects: Vec<D>,
}

/// How large one side's containers are, and what it goes on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Which side.
    pub side: Side,
    /// Blocks in the group.
    pub blocks: u32,
    /// Bytes in a block.
    pub block_size: usize,
    /// Entries the journal (primary) or the reorder queue (secondary) holds at most.
    pub entries_max: usize,
    /// What a full journal does (WRITE-4); the primary only.
    pub journal_full: Option<JournalFull>,
    /// What the side's other role handed over at a failback (TAKEOVER-2); nothing for a side that begins without a pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<HandedOver>,
}

/// The state in which a role goes on from what the other role handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandedOver {
    /// The side that was taken over is the primary.
    Primary(PrimaryAfter),
    /// The old primary is the secondary.
    Secondary(SecondaryAfter),
}

/// One of the two arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The local array.
    Primary,
    /// The remote array.
    Secondary,
}

/// An effect that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The record whose effect it is.
    pub of: u64,
    /// Which of its effects, from 0; the ones after it were not performed either.
    pub effect: usize,
    /// What failed, in words.
    pub error: String,
}

/// The primary's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// An effect of the primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrimaryDone {
    /// The P-VOL's block is written.
    WritePvol {
        /// The block.
        block: BlockIndex,
        /// Its new contents.
        payload: Digest,
    },
    /// The host is answered.
    AnswerHost,
    /// The message is queued for the array link.
    Send(ToSecondary<Digest>),
    /// The coordinator is told that host writes are held; the lease begins.
    AnswerQuiesced(BackupId),
    /// The coordinator is told whether the hold lasted.
    AnswerReleased {
        /// The backup asked about.
        id: BackupId,
        /// Whether it lasted.
        held: bool,
    },
}

/// The secondary's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// An effect of the secondary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondaryDone {
    /// The S/P-VOL's block is written.
    WriteSpvol {
        /// The block.
        block: BlockIndex,
        /// Its new contents.
        payload: Digest,
    },
    /// One block is copied on to the S-VOL.
    CopyToSvol(BlockIndex),
    /// These blocks are copied on to the S-VOL, all in one.
    Reflect(Blocks),
    /// These blocks are copied back from the S-VOL, all in one.
    Restore(Blocks),
    /// The message is queued for the array link.
    Send(ToPrimary<Blocks>),
    /// The coordinator is answered that the split was executed.
    SplitDone(BackupId),
}
