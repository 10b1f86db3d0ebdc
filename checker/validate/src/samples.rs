//! One value of each form that a record can show, in JSON: what a part leaves out is filled in from here to see whether
//! it is well formed.

use syncsplit_model::protocol::coordinator::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorRefusal,
};
use syncsplit_model::protocol::database::{
    Database, DatabaseEffect, DatabaseEvent, DatabaseRefusal,
};
use syncsplit_model::protocol::primary::{PrimaryEffect, PrimaryEvent, PrimaryRefusal};
use syncsplit_model::protocol::requester::{
    Requester, RequesterEffect, RequesterEvent, RequesterRefusal,
};
use syncsplit_model::protocol::secondary::{SecondaryEffect, SecondaryEvent, SecondaryRefusal};
use syncsplit_model::protocol::sync::{NotPair, SyncEffect};
use syncsplit_model::record::{
    Blocks, Fault, PrimaryAfter, SecondaryAfter, Start, SyncAfter, SyncTaken,
};

use super::content::Content;
use super::pattern::Shown;

macro_rules! shown {
    ($($type:ty, $name:literal, $strict:literal: $($sample:literal)*;)*) => {
        $(impl Shown for $type {
            const SAMPLES: &'static [&'static str] = &[$($sample),*];
            const NAME: &'static str = $name;
            const IS_STRICT: bool = $strict;
        })*
    };
}

shown! {
    PrimaryEvent<Content, Blocks>, "event of the primary", false:
        r#"{"HostWrite":{"block":0,"payload":"00000000"}}"# r#"{"Send":{"seq":1}}"#
        r#"{"Ack":{"incarnation":1,"written":1}}"#
        r#"{"CopyBlock":{"block":0,"payload":"00000000"}}"# r#""PairMark""# r#""Create""#
        r#""Suspend""# r#""Fail""# r#""Resync""#
        r#"{"Ready":{"incarnation":1,"written":0,"dirty":[]}}"# r#"{"Suspended":{"incarnation":1}}"#
        r#""Delete""# r#"{"Quiesce":1}"# r#"{"Unquiesce":1}"# r#""LeaseExpired""# r#""Restart""#;
    PrimaryRefusal, "refusal of the primary", false:
        r#"{"NoSuchBlock":0}"# r#"{"Quiesced":1}"# r#""NotQuiesced""# r#""JournalFull""#
        r#""KeptForCopy""# r#"{"WrongState":"SMPL"}"# r#"{"NoSuchEntry":1}"# r#"{"SentBefore":1}"#
        r#"{"StaleIncarnation":1}"# r#"{"AckBeyondNewest":1}"# r#"{"NotDirty":0}"# r#""StillDirty""#
        r#""MarkedBefore""#;
    PrimaryAfter, "state of the primary", true:
        r#"{"state":"SMPL","incarnation":0,"newest":0,"written":0,"journal":[],"dirty":[],"mark":null,"pending":null,"quiesced":null}"#;
    PrimaryEffect<Content>, "effect of the primary", false:
        r#"{"WritePvol":{"block":0,"payload":"00000000"}}"# r#""AnswerHost""#
        r#"{"Send":{"Frame":{"incarnation":1,"entry":{"seq":1,"item":{"Write":{"block":0,"payload":"00000000"}}}}}}"#
        r#"{"Send":{"Frame":{"incarnation":1,"entry":{"seq":1,"item":{"Copy":{"block":0,"payload":"00000000"}}}}}}"#
        r#"{"Send":{"Frame":{"incarnation":1,"entry":{"seq":1,"item":"PairMark"}}}}"#
        r#"{"Send":{"Unsequenced":{"incarnation":1,"block":0,"payload":"00000000"}}}"#
        r#"{"Send":{"Resync":{"incarnation":1}}}"# r#"{"Send":{"Suspend":{"incarnation":1}}}"#
        r#"{"Send":{"Delete":{"incarnation":1}}}"# r#"{"AnswerQuiesced":1}"#
        r#"{"AnswerReleased":{"id":1,"held":true}}"#;
    SecondaryEvent<Content>, "event of the secondary", false:
        r#"{"Frame":{"incarnation":1,"entry":{"seq":1,"item":{"Write":{"block":0,"payload":"00000000"}}}}}"#
        r#"{"Frame":{"incarnation":1,"entry":{"seq":1,"item":{"Copy":{"block":0,"payload":"00000000"}}}}}"#
        r#"{"Frame":{"incarnation":1,"entry":{"seq":1,"item":"PairMark"}}}"#
        r#"{"Unsequenced":{"incarnation":1,"block":0,"payload":"00000000"}}"# r#""Apply""#
        r#""Report""# r#"{"Resync":{"incarnation":1}}"# r#"{"Suspend":{"incarnation":1}}"#
        r#"{"Delete":{"incarnation":1}}"# r#""Fail""# r#""Restart""# r#"{"Arm":1}"#
        r#"{"Release":1}"# r#"{"Split":1}"# r#"{"CopyReplica":0}"# r#"{"Takeover":{"force":false}}"#
        r#"{"RemoteWrite":{"block":0,"payload":"00000000"}}"#;
    SecondaryRefusal, "refusal of the secondary", false:
        r#"{"WrongState":"SMPL"}"# r#"{"StaleIncarnation":1}"# r#"{"Duplicate":1}"#
        r#"{"QueueFull":1}"# r#"{"NothingToApply":1}"# r#"{"ApplyFirst":1}"# r#"{"NoSuchBlock":0}"#
        r#"{"NotArmed":1}"# r#""NotConsistent""# r#"{"Replica":{"WrongState":"Pair"}}"#
        r#"{"Replica":{"NotDirty":0}}"#;
    SecondaryAfter, "state of the secondary", true:
        r#"{"state":"SMPL","incarnation":0,"written":0,"queue":[],"dirty":[],"consistent":false,"replica":"Pair","replica_dirty":[],"armed":null}"#;
    SecondaryEffect<Content, Blocks>, "effect of the secondary", false:
        r#"{"WriteSpvol":{"block":0,"payload":"00000000"}}"# r#"{"CopyToSvol":0}"# r#"{"Reflect":[]}"#
        r#"{"Restore":[]}"# r#"{"Send":{"Ack":{"incarnation":1,"written":1}}}"#
        r#"{"Send":{"Ready":{"incarnation":1,"written":0,"dirty":[]}}}"#
        r#"{"Send":{"Suspended":{"incarnation":1}}}"# r#"{"SplitDone":1}"#;
    SyncTaken, "event of a Sync", false:
        r#"{"Begin":{"state":"PAIR","newest":{"incarnation":1,"seq":1},"written":1}}"#
        r#"{"Look":{"state":"PAIR","newest":{"incarnation":1,"seq":1},"written":1}}"# r#""Timeout""#;
    NotPair, "refusal of a Sync", false: r#""SMPL""# r#""COPY""# r#""PSUS""# r#""PSUE""#;
    SyncAfter, "state of a Sync", false: r#"{"id":1,"held":{"incarnation":1,"seq":1}}"# r#"{"id":1,"held":null}"#;
    SyncEffect, "effect of a Sync", false:
        r#""Wait""# r#"{"Return":"DONE"}"#;
    DatabaseEvent, "event of the database", false:
        r#""Begin""# r#""Write""# r#""Commit""# r#"{"Freeze":1}"# r#""LeaseExpired""# r#"{"Thaw":1}"#
        r#""Restart""#;
    DatabaseRefusal, "refusal of the database", false: r#"{"Frozen":1}"# r#""NoneOpen""# r#""NotFrozen""#;
    Database, "state of the database", false: r#"{"freeze":"Running","open":0}"# r#"{"freeze":{"Freezing":1},"open":0}"# r#"{"freeze":{"Frozen":1},"open":0}"#;
    DatabaseEffect, "effect of the database", false:
        r#""Flush""# r#"{"AnswerFrozen":1}"# r#"{"AnswerThawed":{"id":1,"held":true}}"#;
    CoordinatorEvent, "event of the coordinator", false:
        r#"{"Request":1}"# r#"{"Frozen":1}"# r#"{"Synced":{"done":true}}"#
        r#"{"SplitAnswer":{"id":1,"done":true}}"# r#"{"Thawed":{"id":1,"held":true}}"# r#""Timeout""#
        r#""Restart""#;
    CoordinatorRefusal, "refusal of the coordinator", false:
        r#"{"SeenBefore":1}"# r#"{"WrongState":"Idle"}"# r#"{"WrongState":{"Freezing":1}}"#
        r#"{"WrongState":{"Syncing":1}}"# r#"{"WrongState":{"Splitting":1}}"#
        r#"{"WrongState":{"Thawing":1}}"#;
    Coordinator, "state of the coordinator", false:
        r#"{"state":"Idle","newest":null}"# r#"{"state":{"Freezing":1},"newest":null}"#
        r#"{"state":{"Syncing":1},"newest":null}"# r#"{"state":{"Splitting":1},"newest":null}"#
        r#"{"state":{"Thawing":1},"newest":null}"#;
    CoordinatorEffect, "effect of the coordinator", false:
        r#"{"Freeze":1}"# r#"{"BeginSync":1}"# r#"{"Thaw":1}"# r#"{"Send":{"Split":1}}"#
        r#"{"Send":{"Permit":1}}"# r#"{"Send":{"Reject":1}}"#;
    RequesterEvent, "event of the requester", false:
        r#""Start""# r#"{"Permit":1}"# r#"{"Reject":1}"# r#""Finish""# r#""Timeout""# r#""Restart""#;
    RequesterRefusal, "refusal of the requester", false:
        r#"{"WrongState":"Idle"}"# r#"{"WrongState":{"Waiting":1}}"# r#"{"WrongState":{"Reading":1}}"#;
    Requester, "state of the requester", false:
        r#"{"state":"Idle","newest":0}"# r#"{"state":{"Waiting":1},"newest":0}"#
        r#"{"state":{"Reading":1},"newest":0}"#;
    RequesterEffect, "effect of the requester", false:
        r#"{"Arm":1}"# r#"{"Send":{"Request":1}}"# r#"{"Read":1}"# r#"{"Release":1}"#;
    Start, "start", false: r#"{"side":"primary","blocks":1,"block_size":null,"entries_max":null,"journal_full":null}"#;
    Fault, "fault", false: r#"{"of":0,"effect":0,"error":null}"#;
}
