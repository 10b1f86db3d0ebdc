//! The records of a run as the validator takes them: each part of a step is seen whole, in part, or not at all. What a
//! record holds stands in [`syncsplit_model::record`]; how a line is read is [`super::read`]'s business.

use syncsplit_model::protocol::coordinator::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorRefusal,
};
use syncsplit_model::protocol::database::{
    Database, DatabaseEffect, DatabaseEvent, DatabaseRefusal,
};
use syncsplit_model::protocol::primary::{Primary, PrimaryEffect, PrimaryEvent, PrimaryRefusal};
use syncsplit_model::protocol::requester::{
    Requester, RequesterEffect, RequesterEvent, RequesterRefusal,
};
use syncsplit_model::protocol::secondary::{
    Secondary, SecondaryEffect, SecondaryEvent, SecondaryRefusal,
};
use syncsplit_model::protocol::sync::{NotPair, SyncEffect};
use syncsplit_model::record::{
    Blocks, Fault, PrimaryAfter, SecondaryAfter, Start, SyncAfter, SyncTaken,
};

use super::containers::{Dirty, Entries};
use super::content::Content;
use super::pattern::PartlyShown;

/// The primary as the validator instantiates it.
pub type ModelPrimary = Primary<Content, Entries, Dirty>;

/// The secondary as the validator instantiates it.
pub type ModelSecondary = Secondary<Content, Entries, Dirty>;

/// The primary's record.
pub type PrimaryTaken =
    Taken<PrimaryEvent<Content, Blocks>, PrimaryRefusal, PrimaryAfter, PrimaryEffect<Content>>;
/// The secondary's record.
pub type SecondaryTaken = Taken<
    SecondaryEvent<Content>,
    SecondaryRefusal,
    SecondaryAfter,
    SecondaryEffect<Content, Blocks>,
>;
/// A Sync's record.
pub type SyncRecord = Taken<SyncTaken, NotPair, SyncAfter, SyncEffect>;
/// The database's record.
pub type DatabaseTaken = Taken<DatabaseEvent, DatabaseRefusal, Database, DatabaseEffect>;
/// The coordinator's record.
pub type CoordinatorTaken =
    Taken<CoordinatorEvent, CoordinatorRefusal, Coordinator, CoordinatorEffect>;
/// The requester's record.
pub type RequesterTaken = Taken<RequesterEvent, RequesterRefusal, Requester, RequesterEffect>;

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
    pub event: PartlyShown<E>,
    /// Why nothing was done, when nothing was done.
    pub refused: PartlyShown<Option<R>>,
    /// The role's state after the step.
    pub after: PartlyShown<A>,
    /// What the executor performs next, in this order.
    pub effects: PartlyShown<Vec<D>>,
}
