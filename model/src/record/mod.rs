//! A step as it is written down: the types of a trace's records, for whoever writes and whoever reads them. Events,
//! refusals and effects are the protocol's own. What a record is judged by never lives here, and neither do files.

mod after;
mod digest;
mod flat;
#[cfg(feature = "schema")]
mod schema;

use serde::{Deserialize, Serialize};

use crate::protocol::coordinator::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorRefusal,
};
use crate::protocol::database::{Database, DatabaseEffect, DatabaseEvent, DatabaseRefusal};
use crate::protocol::primary::{JournalFull, PrimaryEffect, PrimaryEvent, PrimaryRefusal};
use crate::protocol::requester::{Requester, RequesterEffect, RequesterEvent, RequesterRefusal};
use crate::protocol::secondary::{SecondaryEffect, SecondaryEvent, SecondaryRefusal};
use crate::protocol::sync::{NotPair, SyncEffect};

pub use after::{Blocks, PrimaryAfter, SecondaryAfter, SyncAfter, SyncTaken, blocks};
pub use digest::Digest;
pub use flat::variants;
#[cfg(feature = "schema")]
pub use schema::schema;

/// More blocks than any group has; a map of all of them still fits into memory.
pub const BLOCKS_MAX: u32 = 1 << 24;

/// The largest block, 64 MiB.
pub const BLOCK_SIZE_MAX: usize = 1 << 26;

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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum RoleRecord {
    /// One side came to be; before any event of that side.
    Start(Start),
    /// The primary's step.
    Primary(
        Taken<PrimaryEvent<Digest, Blocks>, PrimaryRefusal, PrimaryAfter, PrimaryEffect<Digest>>,
    ),
    /// The secondary's step.
    Secondary(
        Taken<
            SecondaryEvent<Digest>,
            SecondaryRefusal,
            SecondaryAfter,
            SecondaryEffect<Digest, Blocks>,
        >,
    ),
    /// A Sync's step, taken with the primary's lock held: its view is the primary's at this place in the order.
    Sync(Taken<SyncTaken, NotPair, SyncAfter, SyncEffect>),
    /// The database's step.
    Database(Taken<DatabaseEvent, DatabaseRefusal, Database, DatabaseEffect>),
    /// The coordinator's step.
    Coordinator(Taken<CoordinatorEvent, CoordinatorRefusal, Coordinator, CoordinatorEffect>),
    /// The requester's step.
    Requester(Taken<RequesterEvent, RequesterRefusal, Requester, RequesterEffect>),
    /// An effect failed.
    Fault(Fault),
}

/// A step that a role took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Which side.
    pub side: Side,
    /// Blocks in the group.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = BLOCKS_MAX)))]
    pub blocks: u32,
    /// Bytes in a block. Without it nothing is known of the zeros that a volume begins with.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = BLOCK_SIZE_MAX)))]
    pub block_size: Option<usize>,
    /// Entries the journal (primary) or the reorder queue (secondary) holds at most; without it, any number.
    pub entries_max: Option<usize>,
    /// What a full journal does (WRITE-4); the primary only.
    pub journal_full: Option<JournalFull>,
    /// What the side's other role handed over at a failback (TAKEOVER-2); nothing for a side that begins without a pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<HandedOver>,
}

/// The state in which a role goes on from what the other role handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HandedOver {
    /// The side that was taken over is the primary.
    Primary(PrimaryAfter),
    /// The old primary is the secondary.
    Secondary(SecondaryAfter),
}

/// One of the two arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The local array.
    Primary,
    /// The remote array.
    Secondary,
}

/// An effect that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The record whose effect it is.
    pub of: u64,
    /// Which of its effects, from 0; the ones after it were not performed either.
    pub effect: usize,
    /// What failed, in words.
    pub error: Option<String>,
}
