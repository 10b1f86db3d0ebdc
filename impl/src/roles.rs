//! How each role takes its step: by the protocol's own functions, under every rule. A node calls a role through here alone,
//! so that a test can run the same nodes around roles that are wrong; what is wrong never lives here.

use std::fmt;

use syncsplit_model::protocol::coordinator::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorRefusal,
};
use syncsplit_model::protocol::database::{
    Database, DatabaseEffect, DatabaseEvent, DatabaseRefusal,
};
use syncsplit_model::protocol::primary::{
    JournalFull, Primary, PrimaryEffect, PrimaryEvent, PrimaryRefusal,
};
use syncsplit_model::protocol::requester::{
    Requester, RequesterEffect, RequesterEvent, RequesterRefusal,
};
use syncsplit_model::protocol::secondary::{
    Secondary, SecondaryEffect, SecondaryEvent, SecondaryRefusal,
};
use syncsplit_model::protocol::sync::{NotPair, PairView, Sync, SyncEffect, SyncEvent};
use syncsplit_model::protocol::takeover::{primary_of_taken_over, secondary_of_old_primary};
use syncsplit_model::protocol::{Incarnation, Rules, Step};

use crate::containers::{BitMap, TreeQueue, VecJournal};
use crate::payload::Payload;

/// The primary as this implementation instantiates it.
pub type LocalPrimary = Primary<Payload, VecJournal, BitMap>;

/// The secondary as this implementation instantiates it.
pub type RemoteSecondary = Secondary<Payload, TreeQueue, BitMap>;

/// A step of the primary.
pub type PrimaryStep = Step<LocalPrimary, PrimaryEffect<Payload>, PrimaryRefusal>;

/// A step of the secondary.
pub type SecondaryStep = Step<RemoteSecondary, SecondaryEffect<Payload, BitMap>, SecondaryRefusal>;

/// A step of the database.
pub type DatabaseStep = Step<Database, DatabaseEffect, DatabaseRefusal>;

/// A step of the coordinator.
pub type CoordinatorStep = Step<Coordinator, CoordinatorEffect, CoordinatorRefusal>;

/// A step of the requester.
pub type RequesterStep = Step<Requester, RequesterEffect, RequesterRefusal>;

/// A step of a Sync.
pub type SyncStep = Step<Sync, SyncEffect, std::convert::Infallible>;

/// The roles as a node runs them. Called with the role's lock held.
pub trait Roles: fmt::Debug + Send + std::marker::Sync {
    /// The rules in force.
    fn rules(&self) -> Rules {
        Rules::HARDENED
    }

    /// Whether a role's invariants are checked after its steps, which costs a walk over its containers.
    fn checks_invariants(&self) -> bool {
        cfg!(debug_assertions)
    }

    /// The primary takes a step.
    fn primary(&self, primary: LocalPrimary, event: PrimaryEvent<Payload, BitMap>) -> PrimaryStep {
        primary.step(self.rules(), event)
    }

    /// The secondary takes a step.
    fn secondary(
        &self,
        secondary: RemoteSecondary,
        event: SecondaryEvent<Payload>,
    ) -> SecondaryStep {
        secondary.step(self.rules(), event)
    }

    /// The database takes a step.
    fn database(&self, database: Database, event: DatabaseEvent) -> DatabaseStep {
        database.step(self.rules(), event)
    }

    /// The coordinator takes a step.
    fn coordinator(&self, coordinator: Coordinator, event: CoordinatorEvent) -> CoordinatorStep {
        coordinator.step(self.rules(), event)
    }

    /// The requester takes a step.
    fn requester(&self, requester: Requester, event: RequesterEvent) -> RequesterStep {
        requester.step(self.rules(), event)
    }

    /// A Sync begins.
    ///
    /// # Errors
    /// The group is not in PAIR (SYNC-1).
    fn begin_sync(&self, view: PairView) -> Result<Sync, NotPair> {
        Sync::begin(self.rules(), view)
    }

    /// A Sync that waits takes a step.
    fn sync(&self, sync: Sync, event: SyncEvent) -> SyncStep {
        sync.step(self.rules(), event)
    }

    /// The side that was taken over becomes the primary (TAKEOVER-2); `None` unless it is in SSWS.
    fn primary_of_taken_over(
        &self,
        secondary: RemoteSecondary,
        journal: VecJournal,
        journal_full: JournalFull,
        newest: Incarnation,
    ) -> Option<LocalPrimary> {
        primary_of_taken_over(secondary, journal, journal_full, newest)
    }

    /// The old primary becomes the secondary (TAKEOVER-2).
    fn secondary_of_old_primary(
        &self,
        primary: &LocalPrimary,
        queue: TreeQueue,
        clean: BitMap,
    ) -> RemoteSecondary {
        secondary_of_old_primary(primary, queue, clean)
    }
}

/// The protocol's own functions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Protocol;

impl Roles for Protocol {}
