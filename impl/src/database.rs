//! The freeze gate: what a database, or an adapter to one, passes its transactions through so that a backup can hold
//! them (\[0019\] \[0027\]). What a transaction writes, and how, never lives here.
//!
//! A freeze is a lease (FREEZE-2). The protocol's event says only that the time of *a* freeze is over, so the gate
//! sees to it that the deadline of an older freeze cannot end a newer one: every deadline carries the number of its
//! freeze.

use std::time::Duration;

use syncsplit_model::protocol::BackupId;
use syncsplit_model::protocol::database::{
    Database, DatabaseEffect, DatabaseEvent, DatabaseRefusal, FreezeState,
};

use crate::clock::{Timer, TimerId};
use crate::doorway::{Arc, Condvar, Mutex, Weak};
use crate::error::NodeError;
use crate::local::LocalNode;
use crate::roles::Roles;
use crate::slot::Slot;
use crate::stillness::{FreezeAnswers, Stillness};
use crate::trace::{RoleRecord, Taken, TraceSink};

/// What a database does for a freeze. Called with the gate's lock held: it must not call the gate.
pub trait FreezeHooks: Send + Sync {
    /// Puts everything committed on the P-VOL, and returns when it is there (FREEZE-1). No transaction is open.
    ///
    /// # Errors
    /// The P-VOL was not reached, for the reason in words; the freeze is then given up.
    fn flush(&self) -> Result<(), String>;

    /// The freeze is over, however it ended.
    fn released(&self) {}
}

/// Hooks of a database that writes through: what is committed is on the P-VOL already, and is made durable there.
pub struct WriteThrough(pub Arc<LocalNode>);

impl FreezeHooks for WriteThrough {
    fn flush(&self) -> Result<(), String> {
        self.0.flush().map_err(|error| error.to_string())
    }
}

/// The gate, shared by the database's threads, the coordinator and the clock.
pub struct Gate {
    inner: Mutex<Inner>,
    /// Signalled when a freeze ends or the gate stops.
    opened: Condvar,
    hooks: Box<dyn FreezeHooks>,
    answers: Arc<dyn FreezeAnswers>,
    timer: Arc<dyn Timer>,
    lease: Duration,
    trace: Arc<dyn TraceSink>,
    roles: Arc<dyn Roles>,
    /// This gate, for the deadlines it registers.
    own: Weak<Self>,
}

struct Inner {
    database: Slot<Database>,
    /// Which freeze this is; a deadline of another number is an old one.
    freezes: u64,
    deadline: Option<TimerId>,
    stopping: bool,
}

/// The backup that a freeze is on, or being reached, for.
const fn frozen_for(freeze: FreezeState) -> Option<BackupId> {
    match freeze {
        FreezeState::Running => None,
        FreezeState::Freezing(id) | FreezeState::Frozen(id) => Some(id),
    }
}

impl Gate {
    /// An open gate, whose database takes its steps as `roles` says. `lease` is how long a freeze lasts at most, from the moment it is reached; reaching it may
    /// take as long again.
    #[must_use]
    pub fn new(
        roles: Arc<dyn Roles>,
        lease: Duration,
        hooks: Box<dyn FreezeHooks>,
        answers: Arc<dyn FreezeAnswers>,
        timer: Arc<dyn Timer>,
        trace: Arc<dyn TraceSink>,
    ) -> Arc<Self> {
        let database = Slot::new("database", Database::default());
        let inner = Inner { database, freezes: 0, deadline: None, stopping: false };
        Arc::new_cyclic(|own| Self {
            inner: Mutex::new(inner),
            opened: Condvar::new(),
            hooks,
            answers,
            timer,
            lease,
            trace,
            roles,
            own: Weak::clone(own),
        })
    }

    /// Begins a transaction; waits while a freeze is on or being reached (FREEZE-1).
    ///
    /// # Errors
    /// The gate is stopping or broken.
    pub fn begin(&self) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopping {
                return Err(NodeError::Stopped);
            }
            match self.take(&mut inner, DatabaseEvent::Begin) {
                Err(NodeError::Database(DatabaseRefusal::Frozen(_))) => {
                    inner = self.opened.wait(inner)
                }
                outcome => return outcome,
            }
        }
    }

    /// Begins a transaction without waiting.
    ///
    /// # Errors
    /// A freeze is on or being reached, or the gate is broken.
    pub fn try_begin(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), DatabaseEvent::Begin)
    }

    /// Asks whether an open transaction may write. What it permits stays permitted until the transaction commits.
    ///
    /// # Errors
    /// No transaction is open, or the database is frozen.
    pub fn write_permitted(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), DatabaseEvent::Write)
    }

    /// Ends a transaction whose writes have all been made. The last one to end lets a freeze that waits for it begin.
    ///
    /// # Errors
    /// No transaction is open, or the gate is broken.
    pub fn commit(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), DatabaseEvent::Commit)
    }

    /// Runs `body` as one transaction, which ends however `body` does.
    ///
    /// # Errors
    /// The gate is stopping or broken; `body` has then not run.
    pub fn transaction<T>(&self, body: impl FnOnce() -> T) -> Result<T, NodeError> {
        struct Open<'a>(&'a Gate);
        impl Drop for Open<'_> {
            fn drop(&mut self) {
                // Refused only when the transaction is not open, which would be a caller's surplus commit.
                let _ = self.0.commit();
            }
        }
        self.begin()?;
        let _open = Open(self);
        Ok(body())
    }

    /// The coordinator asks for a freeze (FREEZE-1). The answer goes to [`FreezeAnswers`], now or when the last open
    /// transaction ends.
    ///
    /// # Errors
    /// The gate is broken.
    pub fn freeze(&self, id: BackupId) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        // Reaching the freeze is bounded too: a transaction that never ends must not keep the others out for ever.
        self.arm_deadline(&mut inner);
        self.take(&mut inner, DatabaseEvent::Freeze(id))
    }

    /// The lease of the freeze for this backup is over (FREEZE-2). Another backup's freeze takes no notice.
    ///
    /// # Errors
    /// No freeze for this backup is on, or the gate is broken.
    pub fn lease_expired(&self, id: BackupId) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        if frozen_for(inner.database.get()?.freeze) != Some(id) {
            return Err(NodeError::Database(DatabaseRefusal::NotFrozen));
        }
        self.take(&mut inner, DatabaseEvent::LeaseExpired)
    }

    /// The coordinator ends the freeze (FREEZE-3). [`FreezeAnswers`] hears whether it held.
    ///
    /// # Errors
    /// The gate is broken.
    pub fn thaw(&self, id: BackupId) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), DatabaseEvent::Thaw(id))
    }

    /// The database came back after a crash: a freeze is over, however far it had come. Transactions that were open are
    /// finished from its log, so whoever has begun one ends it as ever.
    ///
    /// # Errors
    /// The gate is broken.
    pub fn restart(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), DatabaseEvent::Restart)
    }

    /// The database's state, for displays and assertions.
    ///
    /// # Errors
    /// The gate is broken.
    pub fn state(&self) -> Result<Database, NodeError> {
        Ok(*self.inner.lock().database.get()?)
    }

    /// Ends every wait in this gate; what waits fails with [`NodeError::Stopped`].
    pub fn stop(&self) {
        self.inner.lock().stopping = true;
        self.opened.notify_all();
    }

    /// A deadline fell due. It is taken only if its freeze is still on.
    fn on_deadline(&self, freeze: u64) {
        let mut inner = self.inner.lock();
        if inner.freezes == freeze {
            // Refused when the freeze is over already.
            let _ = self.take(&mut inner, DatabaseEvent::LeaseExpired);
        }
    }

    /// Registers the deadline of a freeze that begins, or is reached, now.
    fn arm_deadline(&self, inner: &mut Inner) {
        self.disarm(inner);
        inner.freezes += 1;
        let (own, freeze) = (Weak::clone(&self.own), inner.freezes);
        let action = move || {
            if let Some(gate) = own.upgrade() {
                gate.on_deadline(freeze);
            }
        };
        inner.deadline = Some(self.timer.after(self.lease, Box::new(action)));
    }

    fn disarm(&self, inner: &mut Inner) {
        if let Some(deadline) = inner.deadline.take() {
            self.timer.cancel(deadline);
        }
    }

    /// Takes one step and performs its effects, in order, with the lock held.
    fn take(&self, inner: &mut Inner, event: DatabaseEvent) -> Result<(), NodeError> {
        let before = inner.database.get()?.freeze;
        let (effects, refused) =
            inner.database.step(|database| self.roles.database(database, event))?;
        let after = inner.database.get()?;
        let mut record = 0;
        if self.trace.is_on() {
            let (after, effects) = (*after, effects.to_vec());
            record =
                self.trace.record(RoleRecord::Database(Taken { event, refused, after, effects }));
        }
        if let Some(refusal) = refused {
            return Err(NodeError::Database(refusal));
        }
        inner.database.check(self.roles.as_ref(), Database::check)?;
        let running = inner.database.get()?.freeze == FreezeState::Running;
        if running && before != FreezeState::Running {
            self.disarm(inner);
            self.hooks.released();
            self.opened.notify_all();
        }
        for (place, effect) in effects.into_iter().enumerate() {
            match effect {
                DatabaseEffect::Flush => {
                    if let Err(reason) = self.hooks.flush() {
                        self.trace.fault(record, place, &reason);
                        return self.on_flush_failure(inner, reason);
                    }
                }
                DatabaseEffect::AnswerFrozen(id) => {
                    self.arm_deadline(inner);
                    self.answers.frozen(id);
                }
                DatabaseEffect::AnswerThawed { id, held } => {
                    self.answers.thawed(id, held);
                }
            }
        }
        Ok(())
    }

    /// What is committed did not reach the P-VOL: the freeze is given up, and the coordinator need not wait for it.
    fn on_flush_failure(&self, inner: &mut Inner, reason: String) -> Result<(), NodeError> {
        let id = frozen_for(inner.database.get()?.freeze);
        self.take(inner, DatabaseEvent::LeaseExpired)?;
        if let Some(id) = id {
            self.answers.failed(id, reason);
        }
        Ok(())
    }
}

impl Stillness for Gate {
    fn freeze(&self, id: BackupId) -> Result<(), NodeError> {
        Self::freeze(self, id)
    }

    fn thaw(&self, id: BackupId) -> Result<(), NodeError> {
        Self::thaw(self, id)
    }
}
