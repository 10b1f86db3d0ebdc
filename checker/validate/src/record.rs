//! The records of a run as types: what `docs/trace-format.md` says of each line. The hosts' are in [`hosts`]; how a
//! line is read is [`super::read`]'s business.

pub mod hosts;

use serde::{Deserialize, Serialize};
use syncsplit_model::protocol::coordinator::{CoordinatorEvent, CoordinatorRefusal};
use syncsplit_model::protocol::database::{DatabaseEvent, DatabaseRefusal};
use syncsplit_model::protocol::primary::{
    JournalFull, Primary, PrimaryEffect, PrimaryEvent, PrimaryRefusal,
};
use syncsplit_model::protocol::replica::{ReplicaEffect, ReplicaState};
use syncsplit_model::protocol::requester::{RequesterEvent, RequesterRefusal};
use syncsplit_model::protocol::secondary::{
    Secondary, SecondaryEffect, SecondaryEvent, SecondaryRefusal,
};
use syncsplit_model::protocol::sync::NotPair;
use syncsplit_model::protocol::{
    BackupId, BlockIndex, Incarnation, PairState, Seq, ToPrimary, ToSecondary,
};

use super::containers::{Dirty, Entries};
use super::content::Content;
use super::pattern::Seen;
use hosts::{
    CoordinatorAfter, CoordinatorDone, DatabaseAfter, DatabaseDone, RequesterAfter, RequesterDone,
    SyncAfter, SyncDone, SyncTaken,
};

/// The primary as the validator instantiates it.
pub type ModelPrimary = Primary<Content, Entries, Dirty>;

/// The secondary as the validator instantiates it.
pub type ModelSecondary = Secondary<Content, Entries, Dirty>;

/// A dirty map in a record: the dirty blocks, rising.
pub type Blocks = Vec<BlockIndex>;

/// The primary's record.
pub type PrimaryTaken =
    Taken<PrimaryEvent<Content, Blocks>, PrimaryRefusal, PrimaryAfter, PrimaryDone>;
/// The secondary's record.
pub type SecondaryTaken =
    Taken<SecondaryEvent<Content>, SecondaryRefusal, SecondaryAfter, SecondaryDone>;
/// A Sync's record.
pub type SyncRecord = Taken<SyncTaken, NotPair, SyncAfter, SyncDone>;
/// The database's record.
pub type DatabaseTaken = Taken<DatabaseEvent, DatabaseRefusal, DatabaseAfter, DatabaseDone>;
/// The coordinator's record.
pub type CoordinatorTaken =
    Taken<CoordinatorEvent, CoordinatorRefusal, CoordinatorAfter, CoordinatorDone>;
/// The requester's record.
pub type RequesterTaken = Taken<RequesterEvent, RequesterRefusal, RequesterAfter, RequesterDone>;

/// What a record tells of.
#[derive(Clone, Debug)]
pub enum Record {
    /// One side came to be.
    Start(Start),
    /// The primary's step.
    Primary(PrimaryTaken),
    /// The secondary's step.
    Secondary(SecondaryTaken),
    /// A Sync's step.
    Sync(SyncRecord),
    /// The database's step.
    Database(DatabaseTaken),
    /// The coordinator's step.
    Coordinator(CoordinatorTaken),
    /// The requester's step.
    Requester(RequesterTaken),
    /// An effect failed.
    Fault(Fault),
}

impl Record {
    /// Whose record it is, as the format spells it.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Primary(_) => "primary",
            Self::Secondary(_) => "secondary",
            Self::Sync(_) => "sync",
            Self::Database(_) => "database",
            Self::Coordinator(_) => "coordinator",
            Self::Requester(_) => "requester",
            Self::Fault(_) => "fault",
        }
    }
}

/// A step that a role took, as far as the record shows it.
#[derive(Clone, Debug)]
pub struct Taken<E, R, A, D> {
    /// What happened.
    pub event: Seen<E>,
    /// Why nothing was done, when nothing was done.
    pub refused: Seen<Option<R>>,
    /// The role's state after the step.
    pub after: Seen<A>,
    /// What the executor performs next, in this order.
    pub effects: Seen<Vec<D>>,
}

/// How large one side's containers are, and what it goes on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Which side.
    pub side: Side,
    /// Blocks in the group.
    pub blocks: u32,
    /// Bytes in a block. Without it nothing is known of the zeros that a volume begins with.
    pub block_size: Option<usize>,
    /// Entries the journal (primary) or the reorder queue (secondary) holds at most; without it, any number.
    pub entries_max: Option<usize>,
    /// What a full journal does (WRITE-4); the primary only.
    pub journal_full: Option<JournalFull>,
    /// What the side's other role handed over at a failback (TAKEOVER-2).
    #[serde(skip_serializing_if = "Option::is_none")]
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
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The record whose effect it is.
    pub of: u64,
    /// Which of its effects, from 0; the ones after it were not performed either.
    pub effect: usize,
    /// What failed, in words.
    pub error: Option<String>,
}

/// The primary's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

impl From<&ModelPrimary> for PrimaryAfter {
    fn from(state: &ModelPrimary) -> Self {
        Self {
            state: state.state,
            incarnation: state.incarnation,
            newest: state.newest,
            written: state.written,
            journal: state.journal.seqs(),
            dirty: state.dirty.list(),
            mark: state.mark,
            pending: state.pending,
            quiesced: state.quiesced,
        }
    }
}

/// An effect of the primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrimaryDone {
    /// The P-VOL's block is written.
    WritePvol {
        /// The block.
        block: BlockIndex,
        /// Its new contents.
        payload: Content,
    },
    /// The host is answered.
    AnswerHost,
    /// The message is queued for the array link.
    Send(ToSecondary<Content>),
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

impl From<PrimaryEffect<Content>> for PrimaryDone {
    fn from(effect: PrimaryEffect<Content>) -> Self {
        match effect {
            PrimaryEffect::WritePvol { block, payload } => Self::WritePvol { block, payload },
            PrimaryEffect::AnswerHost => Self::AnswerHost,
            PrimaryEffect::Send(message) => Self::Send(message),
            PrimaryEffect::AnswerQuiesced(id) => Self::AnswerQuiesced(id),
            PrimaryEffect::AnswerReleased { id, held } => Self::AnswerReleased { id, held },
        }
    }
}

/// The secondary's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl From<&ModelSecondary> for SecondaryAfter {
    fn from(state: &ModelSecondary) -> Self {
        Self {
            state: state.state,
            incarnation: state.incarnation,
            written: state.written,
            queue: state.queue.seqs(),
            dirty: state.dirty.list(),
            consistent: state.consistent,
            replica: state.replica.state,
            replica_dirty: state.replica.dirty.list(),
            armed: state.armed,
        }
    }
}

/// An effect of the secondary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondaryDone {
    /// The S/P-VOL's block is written.
    WriteSpvol {
        /// The block.
        block: BlockIndex,
        /// Its new contents.
        payload: Content,
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

impl From<SecondaryEffect<Content, Dirty>> for SecondaryDone {
    fn from(effect: SecondaryEffect<Content, Dirty>) -> Self {
        match effect {
            SecondaryEffect::WriteSpvol { block, payload } => Self::WriteSpvol { block, payload },
            SecondaryEffect::Replica(ReplicaEffect::CopyToSvol(block)) => Self::CopyToSvol(block),
            SecondaryEffect::Replica(ReplicaEffect::Reflect(map)) => Self::Reflect(map.list()),
            SecondaryEffect::Replica(ReplicaEffect::Restore(map)) => Self::Restore(map.list()),
            SecondaryEffect::Send(ToPrimary::Suspended { incarnation }) => {
                Self::Send(ToPrimary::Suspended { incarnation })
            }
            SecondaryEffect::Send(ToPrimary::Ack(ack)) => Self::Send(ToPrimary::Ack(ack)),
            SecondaryEffect::Send(ToPrimary::Ready { incarnation, written, dirty }) => {
                Self::Send(ToPrimary::Ready { incarnation, written, dirty: dirty.list() })
            }
            SecondaryEffect::SplitDone(id) => Self::SplitDone(id),
        }
    }
}
