//! Inserting: the candidates for one shard, in the order of their chunks, each new state checked.
//!
//! Never here: a second shard. One thread owns a shard for the length of a slice, so there is
//! nothing to lock and nothing to race for.

use super::Doing;
use super::expand::{Bucket, count};
use super::limits::{Limit, Watch};
use super::store::{Inserted, Shard, StateId};
use super::trace::{Broke, Where, attempt};
use ::stateright::{Expectation, Model, Property};
use std::hash::Hash;

/// Candidates inserted between two looks at the clock.
const LOOK_AFTER: usize = 16;

/// The candidates of a slice for one shard, one bucket per chunk, and what became of them.
pub(super) struct Column<S> {
    pub(super) buckets: Vec<Bucket<S>>,
    pub(super) report: Report,
}

impl<S> Column<S> {
    pub(super) fn new() -> Self {
        Self { buckets: Vec::new(), report: Report::default() }
    }
}

/// What inserting one column brought.
#[derive(Default)]
pub(super) struct Report {
    pub(super) new: u64,
    pub(super) new_by_kind: Vec<u64>,
    /// Properties, by position, with the first new state that settles them.
    pub(super) found: Vec<(usize, StateId)>,
    pub(super) unfinished: bool,
    pub(super) broke: Option<Broke>,
}

/// What every column needs to know.
pub(super) struct Inserter<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) properties: &'a [Property<M>],
    /// Properties, by position, that no earlier slice settled.
    pub(super) open: &'a [usize],
    pub(super) count_kinds: bool,
    pub(super) watch: &'a Watch<'a>,
}

impl<M: Model> Inserter<'_, M>
where
    M::State: Eq + Hash,
{
    pub(super) fn insert(&self, shard: &mut Shard<M::State>, column: &mut Column<M::State>) {
        let mut report = Report::default();
        let buckets = &mut column.buckets;
        report.broke = attempt(|at| {
            report.unfinished = !self.insert_all(shard, buckets, at, &mut report);
        });
        column.report = report;
    }

    /// Whether every candidate got its turn.
    fn insert_all(
        &self,
        shard: &mut Shard<M::State>,
        buckets: &mut [Bucket<M::State>],
        at: &mut Where,
        report: &mut Report,
    ) -> bool {
        let mut until_look = LOOK_AFTER;
        for candidate in buckets.iter_mut().flat_map(|bucket| bucket.drain(..)) {
            until_look -= 1;
            if until_look == 0 {
                until_look = LOOK_AFTER;
                if self.watch.is_over() {
                    return false;
                }
            }
            let link = candidate.link;
            *at = Where { state: link.parent, action: Some(link.action), doing: Doing::NextState };
            match shard.insert(candidate.tag, candidate.state, link) {
                Inserted::Known => {}
                Inserted::New(id) => {
                    report.new += 1;
                    if self.count_kinds && link.parent != StateId::NONE {
                        count(&mut report.new_by_kind, candidate.kind as usize);
                    }
                    if let Some(state) = shard.state(id) {
                        self.check(state, id, at, report);
                    }
                }
                Inserted::Full => {
                    self.watch.leave(Limit::Ids);
                    return false;
                }
            }
        }
        true
    }

    fn check(&self, state: &M::State, id: StateId, at: &mut Where, report: &mut Report) {
        for &position in self.open {
            if report.found.iter().any(|(found, _)| *found == position) {
                continue;
            }
            let Some(property) = self.properties.get(position) else {
                continue;
            };
            *at = Where { state: id, action: None, doing: Doing::Property(property.name) };
            let holds = (property.condition)(self.model, state);
            if holds == (property.expectation == Expectation::Sometimes) {
                report.found.push((position, id));
            }
        }
    }
}
