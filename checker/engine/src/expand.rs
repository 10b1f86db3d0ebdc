//! Expanding: the successors of a chunk of states, sorted into one bucket per shard.
//!
//! Never here: a write to the visited set. All chunks of a slice see the set as it was when the
//! slice began, so what a chunk yields does not depend on who ran it or when.

use super::counts::Tally;
use super::limits::Watch;
use super::store::{Frontier, Link, Place, Placer, SHARDS, StateId, Store};
use super::trace::{Broke, Where, attempt};
use super::{Doing, KINDS_MAX};
use ::stateright::Model;
use std::hash::Hash;

/// A successor that was not in the visited set when its slice began.
pub(super) struct Candidate<S> {
    pub(super) tag: u32,
    pub(super) kind: u32,
    pub(super) link: Link,
    pub(super) state: S,
}

/// Candidates for one shard.
pub(super) type Bucket<S> = Vec<Candidate<S>>;

/// The result of one chunk; rows are kept and reused from slice to slice.
pub(super) struct Row<S> {
    pub(super) buckets: Vec<Bucket<S>>,
    pub(super) tally: Tally<StateId>,
    /// Whether the run was left before the chunk was done.
    pub(super) unfinished: bool,
    pub(super) broke: Option<Broke>,
}

impl<S> Row<S> {
    pub(super) fn new() -> Self {
        let buckets = (0..SHARDS).map(|_| Vec::new()).collect();
        Self { buckets, tally: Tally::default(), unfinished: false, broke: None }
    }
}

/// Successors looked up together.
const BATCH: usize = 32;

/// A successor on its way from the model to a bucket.
struct Successor<S> {
    shard: usize,
    hint: Option<u32>,
    candidate: Candidate<S>,
}

/// Room that is reused from state to state.
struct Scratch<M: Model> {
    actions: Vec<M::Action>,
    fresh: Vec<Successor<M::State>>,
}

/// What every chunk needs to know.
pub(super) struct Expander<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) store: &'a Store<M::State>,
    pub(super) placer: &'a Placer,
    pub(super) watch: &'a Watch<'a>,
    pub(super) kind: Option<fn(&M::Action) -> usize>,
}

impl<M: Model> Expander<'_, M>
where
    M::State: Eq + Hash,
{
    /// Expands the states from `from` up to `to` of the level into `row`.
    pub(super) fn expand(
        &self,
        frontier: &Frontier,
        from: usize,
        to: usize,
        row: &mut Row<M::State>,
    ) {
        row.tally = Tally::default();
        row.unfinished = false;
        row.broke = attempt(|at| {
            let mut scratch = Scratch { actions: Vec::new(), fresh: Vec::new() };
            for id in frontier.ids(from, to) {
                if self.watch.is_over() {
                    row.unfinished = true;
                    return;
                }
                self.expand_one(id, &mut scratch, &mut row.tally, at);
                if scratch.fresh.len() >= BATCH {
                    self.sort_out(&mut scratch.fresh, &mut row.buckets, at);
                }
            }
            self.sort_out(&mut scratch.fresh, &mut row.buckets, at);
        });
    }

    fn expand_one(
        &self,
        id: StateId,
        scratch: &mut Scratch<M>,
        tally: &mut Tally<StateId>,
        at: &mut Where,
    ) {
        let Some(state) = self.store.state(id) else {
            return;
        };
        let Scratch { actions, fresh } = scratch;
        *at = Where::at(id, Doing::Actions);
        actions.clear();
        self.model.actions(state, actions);
        let mut leads_nowhere = true;
        for (position, action) in (0u32..).zip(actions.drain(..)) {
            *at = Where { action: Some(position), ..Where::at(id, Doing::NextState) };
            let kind = self.kind.map(|kind| kind(&action).min(KINDS_MAX - 1));
            let Some(next) = self.model.next_state(state, action) else {
                continue;
            };
            leads_nowhere = false;
            at.doing = Doing::Boundary;
            if !self.model.within_boundary(&next) {
                tally.cut += 1;
                continue;
            }
            tally.generated += 1;
            if let Some(kind) = kind {
                count(&mut tally.fired, kind);
            }
            at.doing = Doing::NextState;
            let Place { shard, tag } = self.placer.place(&next);
            let link = Link { parent: id, action: position };
            let kind = kind.unwrap_or_default() as u32;
            fresh.push(Successor {
                shard,
                hint: None,
                candidate: Candidate { tag, kind, link, state: next },
            });
        }
        if leads_nowhere {
            tally.deadlocks += 1;
            tally.first_deadlock.get_or_insert(id);
        }
    }

    /// Most successors are old acquaintances. Dropping those right here spares moving them into
    /// a bucket and out again; duplicates within the slice are left to the insertion. All hints
    /// are fetched before any state is, because lookups that do not wait for each other wait for
    /// memory together.
    fn sort_out(
        &self,
        fresh: &mut Vec<Successor<M::State>>,
        buckets: &mut [Bucket<M::State>],
        at: &mut Where,
    ) {
        let shards = &self.store.shards;
        for successor in fresh.iter_mut() {
            successor.hint = shards[successor.shard].hint(successor.candidate.tag);
        }
        for Successor { shard, hint, candidate } in fresh.drain(..) {
            let Candidate { tag, link, state, .. } = &candidate;
            *at = Where { action: Some(link.action), ..Where::at(link.parent, Doing::NextState) };
            let known = hint.is_some_and(|hint| shards[shard].contains(*tag, hint, state));
            if !known {
                buckets[shard].push(candidate);
            }
        }
    }
}

/// Adds one to the count of `kind`.
pub(super) fn count(counts: &mut Vec<u64>, kind: usize) {
    if counts.len() <= kind {
        counts.resize(kind + 1, 0);
    }
    counts[kind] += 1;
}
