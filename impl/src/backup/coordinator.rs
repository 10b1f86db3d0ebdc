//! The coordinator's driver: takes what its mailbox holds one by one, and performs what the protocol's coordinator
//! says. The order of a backup - freeze, Sync, split, thaw, permission - is decided there and not here.

use std::time::Duration;

use syncsplit_model::protocol::coordinator::{
    Coordinator, CoordinatorEffect, CoordinatorEvent, CoordinatorState,
};
use syncsplit_model::protocol::sync::SyncOutcome;
use syncsplit_model::protocol::{BackupId, HostMessage};

use super::{CoordinatorInbox, CoordinatorInput};
use crate::clock::{Timer, TimerId};
use crate::doorway::{Arc, Mutex};
use crate::error::NodeError;
use crate::local::LocalNode;
use crate::mailbox::Mailbox;
use crate::slot::Slot;
use crate::stillness::Stillness;
use crate::trace::{RoleRecord, Taken, TraceSink};

/// What a coordinator is told once.
#[derive(Clone, Debug)]
pub struct CoordinatorConfig {
    /// How long it waits for the database's or the secondary's answer.
    pub answer_timeout: Duration,
    /// Sync's timeout (SYNC-4).
    pub sync_timeout: Duration,
}

impl Default for CoordinatorConfig {
    fn default() -> Self {
        Self { answer_timeout: Duration::from_secs(10), sync_timeout: Duration::from_secs(60) }
    }
}

/// The backup coordinator (201), shared by its thread and whoever asks for its state.
pub struct CoordinatorNode {
    inner: Mutex<Inner>,
    inbox: Arc<CoordinatorInbox>,
    local: Arc<LocalNode>,
    still: Arc<dyn Stillness>,
    host: Arc<Mailbox<HostMessage>>,
    timer: Arc<dyn Timer>,
    trace: Arc<dyn TraceSink>,
    config: CoordinatorConfig,
}

struct Inner {
    coordinator: Slot<Coordinator>,
    /// Which wait this is; a deadline of another number is an old one.
    waits: u64,
    deadline: Option<TimerId>,
    /// Why the newest backup that failed did, in words.
    failure: Option<(BackupId, String)>,
}

impl CoordinatorNode {
    /// A coordinator without a backup. `still` holds still for its backups and answers to `inbox`; messages for the requester and
    /// the secondary go to `host`, the mailbox that the host link drains.
    #[must_use]
    pub fn new(
        config: CoordinatorConfig,
        inbox: Arc<CoordinatorInbox>,
        local: Arc<LocalNode>,
        still: Arc<dyn Stillness>,
        host: Arc<Mailbox<HostMessage>>,
        timer: Arc<dyn Timer>,
        trace: Arc<dyn TraceSink>,
    ) -> Arc<Self> {
        let coordinator = Slot::new("coordinator", Coordinator::default());
        let inner = Inner { coordinator, waits: 0, deadline: None, failure: None };
        Arc::new(Self { inner: Mutex::new(inner), inbox, local, still, host, timer, trace, config })
    }

    /// The mailbox that feeds this coordinator.
    #[must_use]
    pub const fn inbox(&self) -> &Arc<CoordinatorInbox> {
        &self.inbox
    }

    /// The coordinator's whole work: takes what comes next, waiting until something does. `false` once its mailbox is
    /// closed.
    ///
    /// # Errors
    /// The coordinator refused what came, or is broken.
    pub fn take_next(&self) -> Result<bool, NodeError> {
        match self.inbox.take() {
            Some(input) => self.on_input(input).map(|()| true),
            None => Ok(false),
        }
    }

    /// Takes what has come by now, one after the other; refusals are passed over.
    ///
    /// # Errors
    /// The coordinator is broken.
    pub fn take_all(&self) -> Result<(), NodeError> {
        while let Some(input) = self.inbox.try_take() {
            crate::error::ignore_refusal(self.on_input(input))?;
        }
        Ok(())
    }

    /// The answer waited for did not come in time (BACKUP-3).
    ///
    /// # Errors
    /// No answer is waited for, or the coordinator is broken.
    pub fn timed_out(&self) -> Result<(), NodeError> {
        self.take(&mut self.inner.lock(), CoordinatorEvent::Timeout)
    }

    /// The coordinator came back after a crash. What is volatile is lost: what it waited for, and what its mailbox held. A
    /// freeze it had asked for ends by its lease (FREEZE-2), and the requester's timeout ends the backup (BACKUP-3).
    ///
    /// # Errors
    /// The coordinator is broken.
    pub fn restart(&self) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        self.inbox.clear();
        self.take(&mut inner, CoordinatorEvent::Restart)
    }

    /// The coordinator's state, for displays and assertions.
    ///
    /// # Errors
    /// The coordinator is broken.
    pub fn state(&self) -> Result<Coordinator, NodeError> {
        Ok(*self.inner.lock().coordinator.get()?)
    }

    /// Why the newest backup that failed did, in words.
    #[must_use]
    pub fn failure(&self) -> Option<(BackupId, String)> {
        self.inner.lock().failure.clone()
    }

    fn on_input(&self, input: CoordinatorInput) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        let state = inner.coordinator.get()?.state;
        let event = match input {
            CoordinatorInput::Event(event) => event,
            CoordinatorInput::Synced { id, done } => {
                if state != CoordinatorState::Syncing(id) {
                    return Ok(());
                }
                CoordinatorEvent::Synced { done }
            }
            CoordinatorInput::FreezeFailed { id, reason } => {
                if state != CoordinatorState::Freezing(id) {
                    return Ok(());
                }
                inner.failure = Some((id, format!("the database cannot be frozen: {reason}")));
                // The answer will not come, so its time is over.
                CoordinatorEvent::Timeout
            }
            CoordinatorInput::Deadline(wait) => {
                if inner.waits != wait {
                    return Ok(());
                }
                CoordinatorEvent::Timeout
            }
        };
        self.take(&mut inner, event)
    }

    /// Takes one step and performs its effects, in order, with the lock held.
    fn take(&self, inner: &mut Inner, event: CoordinatorEvent) -> Result<(), NodeError> {
        let before = inner.coordinator.get()?.state;
        let roles = &self.local.config().roles;
        let (effects, refused) =
            inner.coordinator.step(|coordinator| roles.coordinator(coordinator, event))?;
        let coordinator = inner.coordinator.get()?;
        let state = coordinator.state;
        if self.trace.is_on() {
            let (after, effects) = (*coordinator, effects.to_vec());
            self.trace.record(RoleRecord::Coordinator(Taken { event, refused, after, effects }));
        }
        if let Some(refusal) = refused {
            return Err(NodeError::Coordinator(refusal));
        }
        explain(inner, before, event);
        if state != before {
            self.arm_deadline(inner, state);
        }
        let mut outcome = Ok(());
        for effect in effects {
            match effect {
                CoordinatorEffect::Freeze(id) => outcome = outcome.and(self.still.freeze(id)),
                CoordinatorEffect::BeginSync(id) => self.begin_sync(inner, id),
                CoordinatorEffect::Thaw(id) => outcome = outcome.and(self.still.thaw(id)),
                CoordinatorEffect::Send(message) => self.host.push(message),
            }
        }
        // What is broken stays broken; the requester is answered all the same (BACKUP-3).
        outcome
    }

    fn begin_sync(&self, inner: &mut Inner, id: BackupId) {
        let inbox = Arc::clone(&self.inbox);
        let on_return = move |report: crate::local::sync::SyncReport| {
            inbox.push(CoordinatorInput::Synced { id, done: report.outcome == SyncOutcome::Done });
        };
        if let Err(error) =
            self.local.begin_sync_then(self.config.sync_timeout, Box::new(on_return))
        {
            inner.failure = Some((id, error.to_string()));
            self.inbox.push(CoordinatorInput::Synced { id, done: false });
        }
    }

    /// Registers the deadline of the answer that `state` waits for. Sync has one of its own.
    fn arm_deadline(&self, inner: &mut Inner, state: CoordinatorState) {
        if let Some(deadline) = inner.deadline.take() {
            self.timer.cancel(deadline);
        }
        inner.waits += 1;
        if matches!(state, CoordinatorState::Idle | CoordinatorState::Syncing(_)) {
            return;
        }
        let (inbox, wait) = (Arc::clone(&self.inbox), inner.waits);
        let action = move || inbox.push(CoordinatorInput::Deadline(wait));
        inner.deadline = Some(self.timer.after(self.config.answer_timeout, Box::new(action)));
    }
}

/// Notes why a backup failed, for whoever asks; the rejection itself carries no reason.
fn explain(inner: &mut Inner, before: CoordinatorState, event: CoordinatorEvent) {
    let (id, why) = match (before, event) {
        (CoordinatorState::Syncing(id), CoordinatorEvent::Synced { done: false }) => {
            (id, "Sync was not DONE")
        }
        (CoordinatorState::Splitting(id), CoordinatorEvent::SplitAnswer { done: false, .. }) => {
            (id, "the secondary refused the split")
        }
        (CoordinatorState::Thawing(id), CoordinatorEvent::Thawed { held: false, .. }) => {
            (id, "the freeze did not hold until the split was done (FREEZE-3)")
        }
        (CoordinatorState::Freezing(id), CoordinatorEvent::Timeout) => {
            (id, "the database did not freeze in time")
        }
        (CoordinatorState::Splitting(id), CoordinatorEvent::Timeout) => {
            (id, "the secondary did not answer the split in time")
        }
        (CoordinatorState::Thawing(id), CoordinatorEvent::Timeout) => {
            (id, "the database did not answer the thaw")
        }
        (
            CoordinatorState::Freezing(id)
            | CoordinatorState::Syncing(id)
            | CoordinatorState::Splitting(id)
            | CoordinatorState::Thawing(id),
            CoordinatorEvent::Restart,
        ) => (id, "the coordinator was restarted"),
        _ => return,
    };
    // What was noted closer to the cause says more.
    if inner.failure.as_ref().is_none_or(|(noted, _)| *noted != id) {
        inner.failure = Some((id, why.to_owned()));
    }
}
