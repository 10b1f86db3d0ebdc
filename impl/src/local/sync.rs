//! Sync(group, timeout) as a library call (\[0020\]): begun, looked at and timed out with the primary's lock held, so
//! that what it sees is the pair at one moment. When a Sync is done is decided by the protocol's `Sync::step`, not
//! here.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use syncsplit_model::protocol::QMarker;
use syncsplit_model::protocol::sync::{NotPair, Sync, SyncEffect, SyncEvent, SyncOutcome};
use syncsplit_model::record::{SyncAfter, SyncTaken};

use super::{Inner, LocalNode};
use crate::doorway::Arc;
use crate::error::NodeError;
use crate::trace::{RoleRecord, Taken};

/// How a Sync ended, in the words of CCI's `pairsyncwait`.
///
/// Displayed, it is what the host command prints: the header line and the values, without a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncReport {
    /// The array's number.
    pub unit: u32,
    /// The consistency group's number.
    pub ctgid: u32,
    /// The point waited for: the newest write when Sync was called (SYNC-2).
    pub marker: QMarker,
    /// How it ended.
    pub outcome: SyncOutcome,
    /// Syncs that waited in this group when this one ended, itself included; 0 when the marker means nothing any
    /// more.
    pub waiting: usize,
}

impl SyncReport {
    /// The exit code of the host command: 0 DONE, 1 TIMEOUT, 2 BROKEN, 3 CHANGED.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.outcome.exit_code()
    }
}

impl fmt::Display for SyncReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "UnitID CTGID Q-Marker Status Q-Num")?;
        write!(f, "{} {} {} {} {}", self.unit, self.ctgid, self.marker, self.outcome, self.waiting)
    }
}

/// Why a Sync gave no report.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The group is not in PAIR (SYNC-1).
    #[error("{0}")]
    NotPair(NotPair),
    /// The node has no such group.
    #[error("no group {asked:?} here; the group is {have:?}")]
    NoSuchGroup {
        /// The name asked for.
        asked: String,
        /// The name of the group that is here.
        have: String,
    },
    /// The Sync is not one that waits: its report has been fetched.
    #[error("Sync {0} does not wait; its report was fetched before")]
    NotWaiting(u64),
    /// The node is stopping or broken.
    #[error(transparent)]
    Node(NodeError),
}

impl SyncError {
    /// The exit code of the host command: 222 (`EX_INVVOL`) for a group not in PAIR, 239 (`EX_ENOGRP`) for an unknown
    /// group, 255 (`EX_COMERR`) otherwise.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NotPair(_) => NotPair::EXIT_CODE,
            Self::NoSuchGroup { .. } => 239,
            Self::NotWaiting(_) | Self::Node(_) => 255,
        }
    }
}

/// A Sync that was begun; by it the caller asks for its report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncTicket(u64);

/// What a Sync does when it returns, instead of keeping its report for a thread that waits. Runs with the primary's
/// lock held, so it may only put something into a mailbox.
pub(crate) type OnReturn = Box<dyn FnOnce(SyncReport) + Send>;

/// The Syncs of a node.
#[derive(Default)]
pub(super) struct BegunSyncs {
    begun: u64,
    syncs: BTreeMap<u64, BegunSync>,
}

/// A Sync that was begun, until its report is fetched.
struct BegunSync {
    sync: Sync,
    report: Option<SyncReport>,
    on_return: Option<OnReturn>,
}

impl BegunSyncs {
    /// How many wait.
    fn waiting(&self) -> usize {
        self.syncs.values().filter(|begun| begun.report.is_none()).count()
    }
}

impl LocalNode {
    /// Sync(group, timeout): waits until everything written so far is written remotely (\[0021\]).
    ///
    /// # Errors
    /// The group is not here or not in PAIR (SYNC-1), or the node is stopping.
    pub fn sync(self: &Arc<Self>, group: &str, timeout: Duration) -> Result<SyncReport, SyncError> {
        if group != self.config.group {
            return Err(SyncError::NoSuchGroup {
                asked: group.to_owned(),
                have: self.config.group.clone(),
            });
        }
        let ticket = self.begin_sync()?;
        let timer = self.sync_deadline(ticket, timeout);
        let report = self.wait_sync(ticket);
        self.timer.cancel(timer);
        report
    }

    /// Begins a Sync on what the pair shows now (SYNC-1, SYNC-2), and takes its first look.
    ///
    /// # Errors
    /// The group is not in PAIR, or the node is broken.
    pub fn begin_sync(&self) -> Result<SyncTicket, SyncError> {
        self.begin(None)
    }

    /// Begins a Sync that tells `on_return` how it ended, and registers its timeout.
    pub(crate) fn begin_sync_then(
        self: &Arc<Self>,
        timeout: Duration,
        on_return: OnReturn,
    ) -> Result<(), SyncError> {
        let ticket = self.begin(Some(on_return))?;
        self.sync_deadline(ticket, timeout);
        Ok(())
    }

    /// The Sync's timeout has passed (SYNC-4). One that has returned takes no notice.
    ///
    /// # Errors
    /// The node is broken.
    pub fn sync_timeout(&self, ticket: SyncTicket) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        self.drive(&mut inner, ticket.0, SyncEvent::Timeout)
    }

    /// The Sync's report if it has returned; never waits.
    ///
    /// # Errors
    /// The report was fetched before.
    pub fn try_sync(&self, ticket: SyncTicket) -> Result<Option<SyncReport>, SyncError> {
        fetch(&mut self.inner.lock(), ticket)
    }

    /// Waits until the Sync has returned.
    ///
    /// # Errors
    /// The report was fetched before, or the node is stopping.
    pub fn wait_sync(&self, ticket: SyncTicket) -> Result<SyncReport, SyncError> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(report) = fetch(&mut inner, ticket)? {
                return Ok(report);
            }
            if inner.stopping {
                inner.syncs.syncs.remove(&ticket.0);
                return Err(SyncError::Node(NodeError::Stopped));
            }
            inner = self.settled.wait(inner);
        }
    }

    fn sync_deadline(
        self: &Arc<Self>,
        ticket: SyncTicket,
        timeout: Duration,
    ) -> crate::clock::TimerId {
        let node = Arc::downgrade(self);
        self.timer.after(
            timeout,
            Box::new(move || {
                if let Some(node) = node.upgrade() {
                    // A broken node tells its callers; the clock has nobody to tell.
                    let _ = node.sync_timeout(ticket);
                }
            }),
        )
    }

    fn begin(&self, on_return: Option<OnReturn>) -> Result<SyncTicket, SyncError> {
        let mut inner = self.inner.lock();
        let view = inner.primary.get().map_err(SyncError::Node)?.view();
        let begun = self.config.roles.begin_sync(view);
        inner.syncs.begun += 1;
        let id = inner.syncs.begun;
        if self.trace.is_on() {
            self.trace.record(RoleRecord::Sync(Taken {
                event: SyncTaken::Begin(view),
                refused: begun.err(),
                after: SyncAfter { id, held: begun.ok().map(|sync| sync.held) },
                effects: Vec::new(),
            }));
        }
        let sync = begun.map_err(SyncError::NotPair)?;
        inner.syncs.syncs.insert(id, BegunSync { sync, report: None, on_return });
        // Step 35 follows step 34 at once: everything may be written already.
        self.drive(&mut inner, id, SyncEvent::Look(view)).map_err(SyncError::Node)?;
        Ok(SyncTicket(id))
    }

    /// Lets every Sync that waits look at the pair (SYNC-5).
    pub(super) fn look(&self, inner: &mut Inner) -> Result<(), NodeError> {
        let view = inner.primary.get()?.view();
        let waiting: Vec<u64> = inner.syncs.syncs.keys().copied().collect();
        waiting.into_iter().try_for_each(|id| self.drive(inner, id, SyncEvent::Look(view)))
    }

    /// Takes one step of a Sync that waits; one that has returned takes none.
    fn drive(&self, inner: &mut Inner, id: u64, event: SyncEvent) -> Result<(), NodeError> {
        let waiting = inner.syncs.waiting();
        let Some(begun) = inner.syncs.syncs.get_mut(&id).filter(|begun| begun.report.is_none())
        else {
            return Ok(());
        };
        let marker = begun.sync.held;
        let step = self.config.roles.sync(begun.sync, event);
        begun.sync = step.state;
        if self.trace.is_on() {
            let event = match event {
                SyncEvent::Look(view) => SyncTaken::Look(view),
                SyncEvent::Timeout => SyncTaken::Timeout,
            };
            let after = SyncAfter { id, held: Some(begun.sync.held) };
            let effects = step.effects.to_vec();
            self.trace.record(RoleRecord::Sync(Taken { event, refused: None, after, effects }));
        }
        for effect in step.effects {
            let SyncEffect::Return(outcome) = effect else { continue };
            let stale = matches!(outcome, SyncOutcome::Broken | SyncOutcome::Changed);
            let waiting = if stale { 0 } else { waiting };
            let (unit, ctgid) = (self.config.unit, self.config.ctgid);
            let report = SyncReport { unit, ctgid, marker, outcome, waiting };
            begun.report = Some(report);
            if let Some(on_return) = begun.on_return.take() {
                inner.syncs.syncs.remove(&id);
                on_return(report);
                return Ok(());
            }
            self.settled.notify_all();
        }
        Ok(())
    }
}

/// Takes the report out, if the Sync has returned.
fn fetch(inner: &mut Inner, ticket: SyncTicket) -> Result<Option<SyncReport>, SyncError> {
    let begun = inner.syncs.syncs.get(&ticket.0).ok_or(SyncError::NotWaiting(ticket.0))?;
    let report = begun.report;
    if report.is_some() {
        inner.syncs.syncs.remove(&ticket.0);
    }
    Ok(report)
}
