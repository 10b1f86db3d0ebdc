//! A wrong program: which transition functions, and which use of a volume, stand in for the right ones. Wrong functions have
//! the signatures of the right ones; what they do lives beside here, by role.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use syncsplit_impl::containers::{BitMap, TreeQueue, VecJournal};
use syncsplit_impl::payload::Payload;
use syncsplit_impl::roles::LocalPrimary;
use syncsplit_impl::roles::RemoteSecondary;
use syncsplit_impl::roles::{DatabaseStep, PrimaryStep, Roles, SecondaryStep, SyncStep};
use syncsplit_impl::volume::Volume;
use syncsplit_model::protocol::database::{Database, DatabaseEvent};
use syncsplit_model::protocol::primary::{JournalFull, PrimaryEvent};
use syncsplit_model::protocol::secondary::SecondaryEvent;
use syncsplit_model::protocol::sync::{Sync, SyncEvent};
use syncsplit_model::protocol::takeover::{primary_of_taken_over, secondary_of_old_primary};
use syncsplit_model::protocol::{Effects, Incarnation, Rule, Rules, Step};

use super::Defect;

type PrimaryFunction = fn(LocalPrimary, Rules, PrimaryEvent<Payload, BitMap>) -> PrimaryStep;
type SecondaryFunction = dyn Fn(RemoteSecondary, Rules, SecondaryEvent<Payload>) -> SecondaryStep
    + Send
    + std::marker::Sync;
type DatabaseFunction = fn(Database, Rules, DatabaseEvent) -> DatabaseStep;
type SyncFunction = fn(Sync, Rules, SyncEvent) -> SyncStep;
type TakenOverFunction =
    fn(RemoteSecondary, VecJournal, JournalFull, Incarnation) -> Option<LocalPrimary>;
type OldPrimaryFunction = fn(&LocalPrimary, TreeQueue, BitMap) -> RemoteSecondary;
type VolumeFunction = fn(Arc<dyn Volume>) -> Arc<dyn Volume>;

/// What a program is made of; by default all of it is right.
pub(super) struct Parts {
    pub(super) rules: Rules,
    pub(super) primary: PrimaryFunction,
    pub(super) secondary: Box<SecondaryFunction>,
    pub(super) database: DatabaseFunction,
    pub(super) sync: SyncFunction,
    pub(super) taken_over: TakenOverFunction,
    pub(super) old_primary: OldPrimaryFunction,
    /// What stands between the remote array and its S/P-VOL.
    pub(super) spvol: VolumeFunction,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            rules: Rules::HARDENED,
            primary: LocalPrimary::step,
            secondary: Box::new(RemoteSecondary::step),
            database: Database::step,
            sync: Sync::step,
            taken_over: primary_of_taken_over,
            old_primary: secondary_of_old_primary,
            spvol: |spvol| spvol,
        }
    }
}

impl Parts {
    /// The protocol's functions without a rule.
    pub(super) fn without(rule: Rule) -> Self {
        Self { rules: Rules::HARDENED.without(rule), ..Self::default() }
    }

    /// A wrong primary.
    pub(super) fn primary(primary: PrimaryFunction) -> Self {
        Self { primary, ..Self::default() }
    }

    /// A wrong secondary.
    pub(super) fn secondary(
        secondary: impl Fn(RemoteSecondary, Rules, SecondaryEvent<Payload>) -> SecondaryStep
        + Send
        + std::marker::Sync
        + 'static,
    ) -> Self {
        Self { secondary: Box::new(secondary), ..Self::default() }
    }

    /// A wrong database.
    pub(super) fn database(database: DatabaseFunction) -> Self {
        Self { database, ..Self::default() }
    }

    /// A wrong Sync.
    pub(super) fn sync(sync: SyncFunction) -> Self {
        Self { sync, ..Self::default() }
    }

    /// A wrong way from the side that was taken over to the primary.
    pub(super) fn taken_over(taken_over: TakenOverFunction) -> Self {
        Self { taken_over, ..Self::default() }
    }

    /// A wrong way from the old primary to the secondary.
    pub(super) fn old_primary(old_primary: OldPrimaryFunction) -> Self {
        Self { old_primary, ..Self::default() }
    }

    /// A wrong S/P-VOL.
    pub(super) fn spvol(spvol: VolumeFunction) -> Self {
        Self { spvol, ..Self::default() }
    }
}

/// The roles of a program with a defect: right ones until it begins.
pub struct Program {
    defect: Defect,
    right: Parts,
    wrong: Parts,
    has_begun: AtomicBool,
}

impl Program {
    /// The program with this defect.
    #[must_use]
    pub fn of(defect: Defect) -> Self {
        let (right, wrong) = (Parts::default(), defect.row().1);
        Self { defect, right, wrong, has_begun: AtomicBool::new(false) }
    }

    /// Lets it be wrong from now on.
    pub fn begin(&self) {
        self.has_begun.store(true, Ordering::SeqCst);
    }

    fn parts(&self) -> &Parts {
        if self.has_begun.load(Ordering::SeqCst) { &self.wrong } else { &self.right }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.defect).finish()
    }
}

impl Roles for Program {
    fn rules(&self) -> Rules {
        self.parts().rules
    }

    /// A defect may break an invariant, and is to be found from outside.
    fn checks_invariants(&self) -> bool {
        false
    }

    fn primary(&self, primary: LocalPrimary, event: PrimaryEvent<Payload, BitMap>) -> PrimaryStep {
        (self.parts().primary)(primary, self.rules(), event)
    }

    fn secondary(
        &self,
        secondary: RemoteSecondary,
        event: SecondaryEvent<Payload>,
    ) -> SecondaryStep {
        (self.parts().secondary)(secondary, self.rules(), event)
    }

    fn database(&self, database: Database, event: DatabaseEvent) -> DatabaseStep {
        (self.parts().database)(database, self.rules(), event)
    }

    fn sync(&self, sync: Sync, event: SyncEvent) -> SyncStep {
        (self.parts().sync)(sync, self.rules(), event)
    }

    fn primary_of_taken_over(
        &self,
        secondary: RemoteSecondary,
        journal: VecJournal,
        journal_full: JournalFull,
        newest: Incarnation,
    ) -> Option<LocalPrimary> {
        (self.parts().taken_over)(secondary, journal, journal_full, newest)
    }

    fn secondary_of_old_primary(
        &self,
        primary: &LocalPrimary,
        queue: TreeQueue,
        clean: BitMap,
    ) -> RemoteSecondary {
        (self.parts().old_primary)(primary, queue, clean)
    }
}

/// The event is passed over: nothing happens, and nobody is told.
pub(super) fn passed_over<S, E, R>(state: S) -> Step<S, E, R> {
    Step { state, effects: Effects::new(), refused: None }
}

/// A step that was taken, and what `spoil` makes of the state after it; a refused one as it is.
pub(super) fn spoilt<S, E, R>(
    mut step: Step<S, E, R>,
    spoil: impl FnOnce(&mut S),
) -> Step<S, E, R> {
    if step.refused.is_none() {
        spoil(&mut step.state);
    }
    step
}
