//! What stands in a request and in an answer. `docs/test-your-implementation.md` says what each field is for.
#![expect(missing_docs, reason = "the page has a table of the fields")]

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncsplit_model::protocol::PairState;
use syncsplit_model::protocol::sync::SyncOutcome;

use super::Level;

/// Contents of a block that the kit writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Data(#[cfg_attr(feature = "schema", schemars(length(max = 64)))] pub String);

/// Types that are written as words in lower case.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $($word:ident)*;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            #[serde(rename_all = "snake_case")]
            pub enum $name { $($word),* }
        )*
    };
}

words! {
    /// What of a transaction a write is.
    Transaction: Whole First Last;
    /// A volume that is read.
    Volume: PVol SpVol SVol;
    /// What a journal does that is full.
    JournalLimit: Hold Suspend;
    /// What a backup holds.
    Hold: Database Writes;
    /// Whether there is a pair at the start.
    PairAtStart: Pair Smpl;
    /// A role that crashes.
    Crashing: Primary Secondary Database;
    /// A time that passes.
    Timer: Lease;
    /// The database's state.
    Freeze: Running Freezing Frozen;
    /// The S-VOL's state.
    Replica: Pair Gold Backup;
}

/// A new system under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Init {
    pub blocks: u32,
    pub journal: usize,
    pub journal_full: JournalLimit,
    pub hold: Hold,
    pub start: PairAtStart,
    pub p_vol: Vec<String>,
    pub sp_vol: Vec<String>,
    pub level: Level,
    pub seed: u64,
}

/// A Sync that waits for so long; where marks are to be had, for the mark that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(
    inline,
    extend("dependentRequired" = { "incarnation": ["seq"], "seq": ["incarnation"] })
))]
pub struct SyncRequest {
    pub timeout_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<i128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i128>,
}

/// A message on the array link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkMessage {
    #[cfg_attr(feature = "schema", schemars(extend("enum" = [
        "frame", "copy", "resync", "suspend", "delete", "ack", "ready", "suspended"
    ])))]
    pub kind: String,
    pub incarnation: i128,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i128>,
}

/// An answer's line.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(
    extend("oneOf" = [{ "required": ["ok"] }, { "required": ["error"] }])
))]
pub struct AnswerLine {
    /// The request's.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub id: u64,
    pub ok: Option<Box<Answer>>,
    pub error: Option<Failure>,
}

/// Why it was not done.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub code: String,
    #[cfg_attr(feature = "schema", schemars(required))]
    pub definite: Option<bool>,
    pub text: Option<String>,
}

/// What is told where it was done.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    #[cfg_attr(feature = "schema", schemars(extend("const" = 1)))]
    pub protocol: Option<u32>,
    pub name: Option<String>,
    pub version: Option<String>,
    pub capabilities: Option<BTreeSet<String>>,
    #[cfg_attr(feature = "schema", schemars(inner(regex(pattern = "^[A-Z]+-[0-9]+$"))))]
    pub lacks: Option<Vec<String>>,
    pub blocks: Option<Vec<String>>,
    pub block: Option<u64>,
    pub frozen: Option<bool>,
    pub held: Option<bool>,
    pub done: Option<bool>,
    pub incarnation: Option<i128>,
    pub seq: Option<i128>,
    pub outcome: Option<SyncOutcome>,
    pub primary: Option<PrimaryStatus>,
    pub secondary: Option<SecondaryStatus>,
    pub database: Option<DatabaseStatus>,
    pub volumes: Option<Images>,
    /// All that it says, as it says it.
    #[serde(skip)]
    pub shown: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrimaryStatus {
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["SMPL", "COPY", "PAIR", "PSUS", "PSUE"])))]
    pub state: Option<PairState>,
    pub incarnation: Option<i128>,
    pub newest: Option<i128>,
    pub written: Option<i128>,
    pub journal: Option<Vec<i128>>,
    pub dirty: Option<Vec<i128>>,
    pub pending: Option<bool>,
    pub held: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecondaryStatus {
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["SMPL", "COPY", "PAIR", "PSUE", "SSUS", "SSWS"])))]
    pub state: Option<PairState>,
    pub incarnation: Option<i128>,
    pub written: Option<i128>,
    pub queue: Option<Vec<i128>>,
    pub dirty: Option<Vec<i128>>,
    pub consistent: Option<bool>,
    pub replica: Option<Replica>,
    /// Null where no backup is armed.
    pub armed: Option<i128>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DatabaseStatus {
    pub freeze: Option<Freeze>,
    pub open: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Images {
    pub p_vol: Option<Vec<String>>,
    pub sp_vol: Option<Vec<String>>,
    pub s_vol: Option<Vec<String>>,
}
