//! The hosts' part of the records: states and effects of Sync, database, coordinator and requester.

use serde::{Deserialize, Serialize};
use syncsplit_model::protocol::coordinator::{Coordinator, CoordinatorEffect, CoordinatorState};
use syncsplit_model::protocol::database::{Database, DatabaseEffect, FreezeState};
use syncsplit_model::protocol::requester::{Requester, RequesterEffect, RequesterState};
use syncsplit_model::protocol::sync::{PairView, SyncEffect, SyncOutcome};
use syncsplit_model::protocol::{BackupId, HostMessage, QMarker};

/// What happened to a Sync: its begin, which is no event of the transition function, or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[serde(deny_unknown_fields)]
pub struct SyncAfter {
    /// Which Sync of this primary, from 1.
    pub id: u64,
    /// The marker it waits for; nothing when it was not begun.
    pub held: Option<QMarker>,
}

/// An effect of a Sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncDone {
    /// It waits for the next look.
    Wait,
    /// It returns to its caller.
    Return(SyncOutcome),
}

impl From<&SyncEffect> for SyncDone {
    fn from(effect: &SyncEffect) -> Self {
        match *effect {
            SyncEffect::Wait => Self::Wait,
            SyncEffect::Return(outcome) => Self::Return(outcome),
        }
    }
}

/// The database's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseAfter {
    /// How far a freeze has come.
    pub freeze: FreezeState,
    /// Transactions begun and not committed.
    pub open: u32,
}

impl From<&Database> for DatabaseAfter {
    fn from(state: &Database) -> Self {
        Self { freeze: state.freeze, open: state.open }
    }
}

/// An effect of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatabaseDone {
    /// Everything committed is put on the P-VOL.
    Flush,
    /// The coordinator is told that the database is frozen; the lease begins.
    AnswerFrozen(BackupId),
    /// The coordinator is told whether the freeze held.
    AnswerThawed {
        /// The backup asked about.
        id: BackupId,
        /// Whether it held.
        held: bool,
    },
}

impl From<&DatabaseEffect> for DatabaseDone {
    fn from(effect: &DatabaseEffect) -> Self {
        match *effect {
            DatabaseEffect::Flush => Self::Flush,
            DatabaseEffect::AnswerFrozen(id) => Self::AnswerFrozen(id),
            DatabaseEffect::AnswerThawed { id, held } => Self::AnswerThawed { id, held },
        }
    }
}

/// The coordinator's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorAfter {
    /// What it waits for.
    pub state: CoordinatorState,
    /// The newest backup it took on.
    pub newest: Option<BackupId>,
}

impl From<&Coordinator> for CoordinatorAfter {
    fn from(state: &Coordinator) -> Self {
        Self { state: state.state, newest: state.newest }
    }
}

/// An effect of the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CoordinatorDone {
    /// The database is asked to freeze.
    Freeze(BackupId),
    /// Sync begins.
    BeginSync(BackupId),
    /// The database is asked to thaw.
    Thaw(BackupId),
    /// The message is queued for the host link.
    Send(HostMessage),
}

impl From<&CoordinatorEffect> for CoordinatorDone {
    fn from(effect: &CoordinatorEffect) -> Self {
        match *effect {
            CoordinatorEffect::Freeze(id) => Self::Freeze(id),
            CoordinatorEffect::BeginSync(id) => Self::BeginSync(id),
            CoordinatorEffect::Thaw(id) => Self::Thaw(id),
            CoordinatorEffect::Send(message) => Self::Send(message),
        }
    }
}

/// The requester's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequesterAfter {
    /// What it does.
    pub state: RequesterState,
    /// The newest id it used.
    pub newest: BackupId,
}

impl From<&Requester> for RequesterAfter {
    fn from(state: &Requester) -> Self {
        Self { state: state.state, newest: state.newest }
    }
}

/// An effect of the requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequesterDone {
    /// The secondary is armed.
    Arm(BackupId),
    /// The message is queued for the host link.
    Send(HostMessage),
    /// The S-VOL is read.
    Read(BackupId),
    /// The secondary is told that the backup is over.
    Release(BackupId),
}

impl From<&RequesterEffect> for RequesterDone {
    fn from(effect: &RequesterEffect) -> Self {
        match *effect {
            RequesterEffect::Arm(id) => Self::Arm(id),
            RequesterEffect::Send(message) => Self::Send(message),
            RequesterEffect::Read(id) => Self::Read(id),
            RequesterEffect::Release(id) => Self::Release(id),
        }
    }
}
