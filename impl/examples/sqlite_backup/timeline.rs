//! When each step of a backup was taken at the local site, and whether the pair changed meanwhile: read off the trace
//! that the site writes, so that nothing in the site is there for the measuring.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use syncsplit_impl::trace::{RoleRecord, TraceSink};
use syncsplit_model::protocol::coordinator::CoordinatorEvent;
use syncsplit_model::protocol::database::{DatabaseEffect, DatabaseEvent};
use syncsplit_model::protocol::{BackupId, Incarnation, PairState};

use crate::{Outcome, lock};

/// A step of the flow of figure 2, in the hardened order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// The request reached the coordinator.
    Requested(BackupId),
    /// The gate begins no transaction from here on.
    Closed(BackupId),
    /// The last open transaction has ended.
    Drained(BackupId),
    /// Everything is on the P-VOL; Sync begins.
    Frozen(BackupId),
    /// Sync returned DONE.
    Synced,
    /// The secondary has split.
    Split(BackupId),
    /// The gate is open again, and the freeze held until then; the permission goes out.
    Thawed(BackupId),
}

/// A trace that keeps the times of backups' steps.
#[derive(Default)]
pub(crate) struct Timeline(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    marks: Vec<(Instant, Mark)>,
    pair: Option<(PairState, Incarnation)>,
    changes: u64,
}

/// How long the parts of a backup took.
pub(crate) struct Stages {
    /// From the gate's closing until the last open transaction had ended.
    pub(crate) drain: Duration,
    /// The database's own part: the flush of the P-VOL, and this example's dump of all rows.
    pub(crate) flush: Duration,
    /// Sync.
    pub(crate) sync: Duration,
    /// From Sync's return until the secondary's answer to the split.
    pub(crate) split: Duration,
    /// From the gate's closing to its opening.
    pub(crate) frozen: Duration,
}

impl Timeline {
    /// How often the pair's state or incarnation has changed.
    pub(crate) fn pair_changes(&self) -> u64 {
        lock(&self.0).changes
    }

    /// The parts of one backup, if it took the steps of figure 2 in the hardened order.
    pub(crate) fn stages(&self, id: BackupId) -> Outcome<Stages> {
        let inner = lock(&self.0);
        let mut marks = inner.marks.iter();
        let mut next = |wanted: Mark| {
            let found = marks.find(|(_, mark)| *mark == wanted);
            let missing = || format!("{wanted:?} is missing, or not in its place");
            found.map(|(at, _)| *at).ok_or_else(missing)
        };
        next(Mark::Requested(id))?;
        let closed = next(Mark::Closed(id))?;
        let drained = next(Mark::Drained(id))?;
        let frozen = next(Mark::Frozen(id))?;
        let synced = next(Mark::Synced)?;
        let split = next(Mark::Split(id))?;
        let thawed = next(Mark::Thawed(id))?;
        Ok(Stages {
            drain: drained - closed,
            flush: frozen - drained,
            sync: synced - frozen,
            split: split - synced,
            frozen: thawed - closed,
        })
    }
}

impl TraceSink for Timeline {
    fn record(&self, role: RoleRecord) -> u64 {
        let mark = match &role {
            RoleRecord::Primary(taken) => {
                let mut inner = lock(&self.0);
                let pair = Some((taken.after.state, taken.after.incarnation));
                inner.changes += u64::from(inner.pair != pair);
                inner.pair = pair;
                None
            }
            RoleRecord::Coordinator(taken) if taken.refused.is_none() => match taken.event {
                CoordinatorEvent::Request(id) => Some(Mark::Requested(id)),
                CoordinatorEvent::Frozen(id) => Some(Mark::Frozen(id)),
                CoordinatorEvent::Synced { done: true } => Some(Mark::Synced),
                CoordinatorEvent::SplitAnswer { id, done: true } => Some(Mark::Split(id)),
                _ => None,
            },
            RoleRecord::Database(taken) if taken.refused.is_none() => {
                let answers = |wanted| taken.effects.contains(&wanted);
                match taken.event {
                    // A gate without an open transaction is drained at once.
                    DatabaseEvent::Freeze(id) => {
                        if answers(DatabaseEffect::AnswerFrozen(id)) {
                            lock(&self.0).marks.push((Instant::now(), Mark::Closed(id)));
                            Some(Mark::Drained(id))
                        } else {
                            Some(Mark::Closed(id))
                        }
                    }
                    DatabaseEvent::Thaw(id) => {
                        answers(DatabaseEffect::AnswerThawed { id, held: true })
                            .then_some(Mark::Thawed(id))
                    }
                    _ => taken.effects.iter().find_map(|effect| match effect {
                        DatabaseEffect::AnswerFrozen(id) => Some(Mark::Drained(*id)),
                        _ => None,
                    }),
                }
            }
            _ => None,
        };
        if let Some(mark) = mark {
            lock(&self.0).marks.push((Instant::now(), mark));
        }
        // Nothing refers to these records by number.
        0
    }
}
