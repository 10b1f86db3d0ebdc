//! The database's side of a backup (DB 102): which transactions are open, and whether it is frozen for a backup
//! (\[0019\] \[0027\], figure 2 steps 61 to 64). What a transaction contains is the application's business.

use core::fmt;

use super::rules::{Rule, Rules};
use super::step::{Broken, Effects, Step, effects, require};
use super::types::BackupId;

/// How far a freeze has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FreezeState {
    /// Transactions begin and end.
    #[default]
    Running,
    /// None begins; those begun are being finished for this backup.
    Freezing(BackupId),
    /// None is open, and all of it is on the P-VOL; frozen for this backup.
    Frozen(BackupId),
}

/// State of the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Database {
    /// How far a freeze has come. Volatile. Invariant: Frozen only with no transaction open, under FREEZE-1.
    pub freeze: FreezeState,
    /// Transactions begun and not committed.
    pub open: u32,
}

/// What happens to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DatabaseEvent {
    /// The application begins a transaction.
    Begin,
    /// An open transaction writes a block.
    Write,
    /// An open transaction has made its last write.
    Commit,
    /// The coordinator asks for a freeze (55).
    Freeze(BackupId),
    /// The freeze's time is over.
    LeaseExpired,
    /// The coordinator ends the freeze (60).
    Thaw(BackupId),
    /// The database came back after a crash. What was open is in its log: recovery writes the rest and commits.
    Restart,
}

/// What the executor does after a step of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DatabaseEffect {
    /// Put everything committed on the P-VOL, before the next effect.
    Flush,
    /// Tell the coordinator that the database is frozen (63), and start the lease's clock.
    AnswerFrozen(BackupId),
    /// Tell the coordinator whether the freeze for this backup held until now.
    AnswerThawed {
        /// The backup asked about.
        id: BackupId,
        /// Whether no transaction can have written since [`DatabaseEffect::AnswerFrozen`].
        held: bool,
    },
}

/// Why the database did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "record", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DatabaseRefusal {
    /// A freeze is on: the transaction, or its write, waits.
    Frozen(BackupId),
    /// No transaction is open.
    NoneOpen,
    /// No freeze is on, or it is another backup's.
    NotFrozen,
}

impl fmt::Display for DatabaseRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frozen(id) => write!(f, "frozen for backup {} (FREEZE-1)", id.0),
            Self::NoneOpen => f.write_str("no transaction is open"),
            Self::NotFrozen => f.write_str("not frozen"),
        }
    }
}

impl Database {
    /// Takes one step under `rules`.
    pub fn step(
        mut self,
        rules: Rules,
        event: DatabaseEvent,
    ) -> Step<Self, DatabaseEffect, DatabaseRefusal> {
        let outcome = match event {
            DatabaseEvent::Begin => self.on_begin(),
            DatabaseEvent::Write => self.on_write(),
            DatabaseEvent::Commit => self.on_commit(),
            DatabaseEvent::Freeze(id) => Ok(self.on_freeze(rules, id)),
            DatabaseEvent::LeaseExpired => self.on_lease_expired(rules),
            DatabaseEvent::Thaw(id) => Ok(self.on_thaw(rules, id)),
            DatabaseEvent::Restart => {
                self.freeze = FreezeState::Running;
                Ok(Effects::new())
            }
        };
        Step::of(self, outcome)
    }

    /// Checks every invariant that stands on a field.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<(), Broken> {
        let frozen = matches!(self.freeze, FreezeState::Frozen(_));
        require(
            !frozen || self.open == 0,
            "database.freeze is Frozen only with no transaction open",
        )
    }

    fn on_begin(&mut self) -> Result<Effects<DatabaseEffect>, DatabaseRefusal> {
        match self.freeze {
            FreezeState::Running => {
                self.open = self.open.saturating_add(1);
                Ok(Effects::new())
            }
            FreezeState::Freezing(id) | FreezeState::Frozen(id) => Err(DatabaseRefusal::Frozen(id)),
        }
    }

    fn on_write(&mut self) -> Result<Effects<DatabaseEffect>, DatabaseRefusal> {
        if let FreezeState::Frozen(id) = self.freeze {
            return Err(DatabaseRefusal::Frozen(id));
        }
        if self.open == 0 { Err(DatabaseRefusal::NoneOpen) } else { Ok(Effects::new()) }
    }

    fn on_commit(&mut self) -> Result<Effects<DatabaseEffect>, DatabaseRefusal> {
        self.open = self.open.checked_sub(1).ok_or(DatabaseRefusal::NoneOpen)?;
        match self.freeze {
            FreezeState::Freezing(id) if self.open == 0 => Ok(self.become_frozen(id)),
            FreezeState::Freezing(_) | FreezeState::Frozen(_) | FreezeState::Running => {
                Ok(Effects::new())
            }
        }
    }

    fn on_freeze(&mut self, rules: Rules, id: BackupId) -> Effects<DatabaseEffect> {
        // FREEZE-1: what has begun is finished first; the answer waits for it.
        if self.open > 0 && rules.has(Rule::Freeze1) {
            self.freeze = FreezeState::Freezing(id);
            return Effects::new();
        }
        self.become_frozen(id)
    }

    fn become_frozen(&mut self, id: BackupId) -> Effects<DatabaseEffect> {
        self.freeze = FreezeState::Frozen(id);
        effects([DatabaseEffect::Flush, DatabaseEffect::AnswerFrozen(id)])
    }

    fn on_lease_expired(
        &mut self,
        rules: Rules,
    ) -> Result<Effects<DatabaseEffect>, DatabaseRefusal> {
        if self.freeze == FreezeState::Running || !rules.has(Rule::Freeze2) {
            return Err(DatabaseRefusal::NotFrozen);
        }
        self.freeze = FreezeState::Running;
        Ok(Effects::new())
    }

    fn on_thaw(&mut self, rules: Rules, id: BackupId) -> Effects<DatabaseEffect> {
        // FREEZE-3: a freeze that ended by its lease, or was another's, did not hold.
        let held = self.freeze == FreezeState::Frozen(id);
        if held || self.freeze == FreezeState::Freezing(id) {
            self.freeze = FreezeState::Running;
        }
        effects([DatabaseEffect::AnswerThawed { id, held: held || !rules.has(Rule::Freeze3) }])
    }
}
